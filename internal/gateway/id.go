package gateway

import (
	"maps"
	"slices"
	"strings"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
)

// forwarding are the beginnings of the fields of ID by which a proxy speaks for its client to a
// server that trusts it. Dovecot believes them of the gateway, so they must not come from a
// client: anybody could log in from any address.
func forwarding(field string) bool {
	return slices.ContainsFunc([]string{"x-originating-", "x-connected-", "x-proxy-", "x-session-", "x-forward-"},
		func(prefix string) bool { return strings.HasPrefix(field, prefix) })
}

// identifyClient takes note of who the client says it is, and forwards that: as it came, or
// without the fields that are not the client's to say (and then without those that cannot be quoted).
//
//	id = "ID" SP id-params-list      (rfc2971 §4)
func (s *session) identifyClient(c *command.Command, a *command.ID) error {
	said := len(a.Params)
	maps.DeleteFunc(a.Params, func(field, _ string) bool { return forwarding(field) })
	s.clientID = a.Params
	if len(a.Params) == said {
		return s.forward(c)
	}
	maps.DeleteFunc(a.Params, func(_, value string) bool { return strings.ContainsAny(value, "\x00\r\n") })
	maps.DeleteFunc(a.Params, func(field, _ string) bool { return strings.ContainsAny(field, "\x00\r\n") })
	list := []byte("NIL")
	if len(a.Params) > 0 {
		list = []byte("(")
		for _, field := range slices.Sorted(maps.Keys(a.Params)) {
			if len(list) > 1 {
				list = append(list, ' ')
			}
			list = imap.AppendQuoted(list, field)
			list = imap.AppendQuoted(append(list, ' '), a.Params[field])
		}
		list = append(list, ')')
	}
	res, err := s.exchange(c.Tag, append(append([]byte(c.Tag+" ID "), list...), "\r\n"...), nil, nil)
	if err != nil {
		return err
	}
	return s.answerSettled(res)
}
