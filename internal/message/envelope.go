package message

import (
	"strings"

	"inlay.example/inlay/internal/imap"
)

// AppendEnvelope appends the value of ENVELOPE (rfc3501 §7.4.2). Encoded words are not decoded.
//
//	envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP
//	           env-cc SP env-bcc SP env-in-reply-to SP env-message-id ")"
func (m *Message) AppendEnvelope(b []byte) []byte { return m.root.appendEnvelope(b, m.dialect) }

// appendEnvelope takes the last field of a name, where there are several, and all addresses.
func (e *entity) appendEnvelope(b []byte, d Dialect) []byte {
	b = append(b, '(')
	b = appendField(b, e.findLast("Date"), d)
	b = append(b, ' ')
	if f := e.findLast("Subject"); f != nil {
		b = appendForHumans(b, f.folded(), d)
	} else {
		b = append(b, "NIL"...)
	}
	from := e.addresses("From")
	for _, name := range []string{"From", "Sender", "Reply-To", "To", "Cc", "Bcc"} {
		list := e.addresses(name)
		if len(list) == 0 && (name == "Sender" || name == "Reply-To") {
			list = from // rfc3501 §7.4.2
		}
		b = append(b, ' ')
		b = appendAddresses(b, list, d)
	}
	b = append(b, ' ')
	b = appendField(b, e.findLast("In-Reply-To"), d)
	b = append(b, ' ')
	b = appendField(b, e.findLast("Message-ID"), d)
	return append(b, ')')
}

func (e *entity) addresses(name string) (list []address) {
	for _, f := range e.fields {
		if strings.EqualFold(f.name, name) {
			list = addressList(f.value(), list)
		}
	}
	return list
}

// appendAddresses appends a list of addresses, NIL for none.
//
//	address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
func appendAddresses(b []byte, list []address, d Dialect) []byte {
	if len(list) == 0 {
		return append(b, "NIL"...)
	}
	b = append(b, '(')
	for _, a := range list {
		b = append(b, '(')
		if a.name == nil {
			b = append(b, "NIL"...)
		} else {
			b = appendForHumans(b, *a.name, d)
		}
		for _, s := range []*string{a.route, a.mailbox, a.host} {
			b = append(b, ' ')
			if s == nil {
				b = append(b, "NIL"...)
			} else {
				b = d.appendString(b, *s)
			}
		}
		b = append(b, ')')
	}
	return append(b, ')')
}

// appendField appends the value of a field, NIL if there is none.
func appendField(b []byte, f *field, d Dialect) []byte {
	if f == nil {
		return append(b, "NIL"...)
	}
	return d.appendString(b, f.value())
}

// appendForHumans appends a text whose white space does not matter: runs of it become one
// space. What had to be changed, or holds more than plain ASCII, goes as a literal, as from
// Dovecot; Cyrus only puts its lines together.
func appendForHumans(b []byte, s string, d Dialect) []byte {
	if d == Cyrus {
		return d.appendString(b, strings.ReplaceAll(s, "\r\n", ""))
	}
	plain := s != "" && s[0] != ' ' && s[len(s)-1] != ' ' && !strings.Contains(s, "  ")
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] >= 0x20 && s[i] < 0x80 && s[i] != '"' && s[i] != '\\'
	}
	if plain {
		return imap.AppendString(b, s)
	}
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }), " ")
	if s == "" {
		return append(b, `""`...)
	}
	return appendLiteral(b, s)
}
