package gateway

import (
	"bytes"
	"strings"

	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/message"
)

// offered are the capabilities that the gateway can keep true, apart from those of
// authentication and TLS. What the backend has and is not here is not advertised, and its
// commands are answered BAD: an extension that we do not know may carry numbers.
var offered = map[string]bool{
	"IMAP4REV1": true, "IDLE": true, "UIDPLUS": true, "LITERAL+": true, "LITERAL-": true, "MULTIAPPEND": true, "APPENDLIMIT": true, "ID": true, "NAMESPACE": true,
	"CHILDREN": true, "ENABLE": true, "SPECIAL-USE": true, "CREATE-SPECIAL-USE": true, "UNSELECT": true, "MOVE": true,
	"QUOTA": true, "QUOTASET": true, "ACL": true, "METADATA": true, "METADATA-SERVER": true,
	"LIST-EXTENDED": true, "LIST-STATUS": true, "STATUS=SIZE": true,
	"BINARY": true, "OBJECTID": true, "SAVEDATE": true, "PREVIEW": true, "PARTIAL": true, "PREVIEW=FUZZY": true, "SNIPPET=FUZZY": true,
	"CONDSTORE": true, "QRESYNC": true,
	"ESEARCH": true, "WITHIN": true, "SEARCHRES": true,
}

// offered reports whether a capability of the backend's, in upper case, is offered.
func (s *session) offered(up string) bool {
	if (up == "CONDSTORE" || up == "QRESYNC") && s.service != nil && !s.caps.Has("UIDPLUS") {
		return false // nothing could raise HIGHESTMODSEQ for a change of ours
	}
	return offered[up] || orderCaps[up] && s.ordered()
}

// capabilities filters what the backend said, in its order, for the state that the client is in.
func (s *session) capabilities(theirs imap.Capabilities) imap.Capabilities {
	var out imap.Capabilities
	authenticated := s.user != "" || s.loggingIn
	for _, c := range theirs {
		up := strings.ToUpper(c)
		switch {
		case up == "LITERAL-" && theirs.Has("LITERAL+"): // rfc7888 §4: never both
		case s.offered(up), hasOfferedPrefix(up):
			out = append(out, c)
		case authenticated:
		case up == "SASL-IR": // we relay an initial response also to a backend that has it not, but do not invent
			out = append(out, c)
		case strings.HasPrefix(up, "AUTH=") && mechanisms[up[len("AUTH="):]] && !s.loginDisabled():
			out = append(out, c)
		}
	}
	if authenticated && !s.g.cfg.NoCompression {
		out = append(out, compression)
	}
	if !authenticated {
		if s.g.cfg.TLS != nil && !s.secure {
			out = append(out, "STARTTLS")
		}
		if s.loginDisabled() || theirs.Has("LOGINDISABLED") {
			out = append(out, "LOGINDISABLED")
		}
	}
	return out
}

// hasOfferedPrefix reports whether it is a capability that is offered with a value.
func hasOfferedPrefix(up string) bool {
	for _, prefix := range []string{"APPENDLIMIT=", "QUOTA=RES-", "RIGHTS="} { // rfc7889 §2, rfc9208 §3.1, rfc4314 §2.2
		if strings.HasPrefix(up, prefix) {
			return true
		}
	}
	return false
}

func (s *session) loginDisabled() bool { return s.g.cfg.RequireTLS && !s.secure }

// noteCaps remembers what the backend can do now.
func (s *session) noteCaps(caps imap.Capabilities) {
	s.caps = caps
	if s.user != "" || s.loggingIn {
		s.bc.RecogniseByCaps(caps)
	}
}

// dialect is how injected messages are told, as the backend tells real ones.
func (s *session) dialect() message.Dialect {
	if s.bc.Server == backend.Cyrus {
		return message.Cyrus
	}
	return message.Dovecot
}

// rewriteCaps gives the rest of a status response with its CAPABILITY code filtered, if it
// has one; otherwise rest itself.
func (s *session) rewriteCaps(rest []byte) []byte {
	st := response.ParseStatus(rest)
	if st.Code != "CAPABILITY" {
		return rest
	}
	caps := imap.ParseCapabilities(string(st.CodeArgs))
	s.noteCaps(caps)
	// Between "[CAPABILITY " and "]" nothing but the list.
	i := bytes.IndexByte(rest, '[')
	j := bytes.IndexByte(rest, ']')
	if i < 0 || j < i {
		return rest
	}
	var b []byte
	b = append(b, rest[:i]...)
	b = append(b, "[CAPABILITY "...)
	b = append(b, s.capabilities(caps).String()...)
	return append(b, rest[j:]...)
}

// learnCaps reads an untagged CAPABILITY of a command of our own.
func (s *session) learnCaps() error {
	rest, err := s.rest(heldLine)
	if err == nil {
		s.noteCaps(imap.ParseCapabilities(string(bytes.TrimSpace(rest))))
	}
	return err
}
