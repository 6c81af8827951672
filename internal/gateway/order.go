package gateway

import (
	"bytes"
	"strings"

	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/message"
)

// orderCaps are the capabilities that are offered where it is known how the backend orders
// messages (rfc5256, rfc5957, rfc5267 §3).
var orderCaps = map[string]bool{
	"SORT": true, "SORT=DISPLAY": true, "ESORT": true, "THREAD=ORDEREDSUBJECT": true, "THREAD=REFERENCES": true, "THREAD=REFS": true,
}

// order is how the backend orders messages; empty if that is not known.
func (s *session) order() message.Order {
	if s.bc.Server == backend.Dovecot {
		return message.DovecotOrder
	}
	return ""
}

// ordered reports whether SORT can be kept true: of a plain proxy it always can.
func (s *session) ordered() bool { return s.service == nil || s.order() != "" }

// knowServer asks a backend that can sort, and whose greeting did not say what it is, for its ID
// (rfc2971), so that the answer to a login can say what is offered.
func (s *session) knowServer() error {
	if s.ordered() || !s.caps.Has("SORT") || !s.caps.Has("ID") {
		return nil
	}
	_, err := s.own("ID NIL", s.collect("ID", heldLine, func(_ response.Head, rest []byte) error {
		s.bc.Recognise(rest)
		return nil
	}))
	return err
}

// recapable gives the answer to a login with the capabilities as they are offered now.
func (s *session) recapable(res tagged) tagged {
	i, j := bytes.Index(res.raw, []byte("[CAPABILITY ")), bytes.IndexByte(res.raw, ']')
	if i < 0 || j < i || strings.ToUpper(res.status.Code) != "CAPABILITY" {
		return res
	}
	res.raw = splice(res.raw, i, j, "[CAPABILITY "+s.capabilities(s.caps).String())
	return res
}
