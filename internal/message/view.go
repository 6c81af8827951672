package message

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"github.com/emersion/go-message/charset"

	"inlay.example/inlay/internal/imap"
)

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

func charsetReader(name string, r io.Reader) (io.Reader, error) { return charset.Reader(name, r) }

func appendAString(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c <= 0x20 || c >= 0x7f || strings.IndexByte(`(){%*"\`, c) >= 0 {
			return imap.AppendString(b, s)
		}
	}
	if s == "" {
		return append(b, `""`...)
	}
	return append(b, s...)
}

// appendNString appends s, NIL if the field is not there.
func (e *entity) appendField(b []byte, name string) []byte {
	return imap.AppendNString(b, e.get(name), e.has(name))
}

// AppendEnvelope appends the value of ENVELOPE.
//
//	envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP
//	           env-cc SP env-bcc SP env-in-reply-to SP env-message-id ")"
func (m *Message) AppendEnvelope(b []byte) []byte { return m.root.appendEnvelope(b) }

func (e *entity) appendEnvelope(b []byte) []byte {
	b = append(b, '(')
	b = e.appendField(b, "Date")
	b = append(b, ' ')
	b = e.appendField(b, "Subject")
	from := e.get("From")
	for _, name := range []string{"From", "Sender", "Reply-To", "To", "Cc", "Bcc"} {
		value := e.get(name)
		if value == "" && (name == "Sender" || name == "Reply-To") {
			value = from // rfc3501 §7.4.2
		}
		b = append(b, ' ')
		b = appendAddresses(b, value)
	}
	b = append(b, ' ')
	b = e.appendField(b, "In-Reply-To")
	b = append(b, ' ')
	b = e.appendField(b, "Message-ID")
	return append(b, ')')
}

// appendAddresses appends a list of addresses, NIL for none.
//
//	address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
func appendAddresses(b []byte, value string) []byte {
	list := splitAddresses(value)
	if len(list) == 0 {
		return append(b, "NIL"...)
	}
	b = append(b, '(')
	for _, a := range list {
		b = append(b, '(')
		b = imap.AppendNString(b, a.name, a.name != "")
		b = append(b, " NIL "...)
		b = imap.AppendNString(b, a.mailbox, a.mailbox != "" || !a.marker)
		b = append(b, ' ')
		b = imap.AppendNString(b, a.host, !a.marker)
		b = append(b, ')')
	}
	return append(b, ')')
}

// address as ENVELOPE has it: raw, encoded words not decoded. A marker is the start or the
// end of a group.
type address struct {
	name, mailbox, host string
	marker              bool
}

const maxAddresses = 10_000

// splitAddresses takes an address list apart (rfc5322 §3.4).
func splitAddresses(s string) []address {
	var out []address
	var words, comment []string // of the phrase
	var angle string
	hasAngle := false
	flush := func() {
		spec := angle
		name := strings.Join(words, " ")
		if !hasAngle {
			spec, name = strings.Join(words, ""), strings.Join(comment, " ")
		}
		words, comment, angle, hasAngle = nil, nil, "", false
		if spec == "" && name == "" {
			return
		}
		mailbox, host := spec, ""
		if i := strings.LastIndexByte(spec, '@'); i >= 0 {
			mailbox, host = spec[:i], spec[i+1:]
		}
		if strings.HasPrefix(mailbox, `"`) {
			mailbox, _ = quoted(mailbox)
		}
		out = append(out, address{name: name, mailbox: mailbox, host: host})
	}
	for s != "" && len(out) < maxAddresses {
		switch c := s[0]; c {
		case ' ', '\t':
			s = s[1:]
		case '"':
			q, rest := quoted(s)
			if strings.HasPrefix(rest, "@") {
				q = s[:len(s)-len(rest)]
			}
			words = append(words, q)
			s = rest
		case '(':
			n, depth := 0, 0
			for n < len(s) {
				if s[n] == '\\' {
					n++
				} else if s[n] == '(' {
					depth++
				} else if s[n] == ')' {
					if depth--; depth == 0 {
						break
					}
				}
				n++
			}
			n = min(n, len(s))
			comment = append(comment, s[1:max(n, 1)])
			s = s[min(n+1, len(s)):]
		case '<':
			i := strings.IndexByte(s, '>')
			if i < 0 {
				i = len(s)
			}
			angle, hasAngle = strings.TrimSpace(s[1:i]), true
			s = s[min(i+1, len(s)):]
		case ',':
			flush()
			s = s[1:]
		case ':':
			out = append(out, address{mailbox: strings.Join(words, " "), marker: true})
			words, s = nil, s[1:]
		case ';':
			flush()
			out = append(out, address{marker: true})
			s = s[1:]
		default:
			i := strings.IndexAny(s, " \t\"(<,:;")
			if i <= 0 {
				i = len(s)
			}
			words = append(words, s[:i])
			s = s[i:]
		}
	}
	flush()
	return out
}

// quoted takes a quoted string at the start of s.
func quoted(s string) (value, rest string) {
	var b strings.Builder
	i := 1
	for ; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), s[min(i+1, len(s)):]
}

// AppendBody appends the value of BODY: the structure without extension data.
func (m *Message) AppendBody(b []byte) []byte { return m.root.appendStructure(b, false) }

// AppendBodyStructure appends the value of BODYSTRUCTURE.
func (m *Message) AppendBodyStructure(b []byte) []byte { return m.root.appendStructure(b, true) }

// appendStructure appends body-type-mpart, -basic, -msg or -text (rfc9051 §9).
func (e *entity) appendStructure(b []byte, ext bool) []byte {
	b = append(b, '(')
	if len(e.children) > 0 && !e.nested {
		for _, c := range e.children {
			b = c.appendStructure(b, ext)
		}
		b = append(b, ' ')
		b = imap.AppendString(b, e.subkind)
		if ext {
			b = append(b, ' ')
			b = appendParams(b, e.params)
			b = e.appendExtension(b)
		}
		return append(b, ')')
	}
	kind, subkind, params := e.kind, e.subkind, e.params
	if !e.has("Content-Type") {
		kind, subkind = strings.ToLower(kind), strings.ToLower(subkind)
		if kind == "text" {
			params = [][2]string{{"charset", "us-ascii"}}
		}
	} else if strings.EqualFold(kind, "text") && e.param("charset") == "" {
		params = append(params[:len(params):len(params)], [2]string{"charset", "us-ascii"})
	}
	b = imap.AppendString(b, kind)
	b = append(b, ' ')
	b = imap.AppendString(b, subkind)
	b = append(b, ' ')
	b = appendParams(b, params)
	b = append(b, ' ')
	b = e.appendField(b, "Content-ID")
	b = append(b, ' ')
	b = e.appendField(b, "Content-Description")
	b = append(b, ' ')
	enc := e.get("Content-Transfer-Encoding")
	if enc == "" {
		enc = "7bit"
	}
	b = imap.AppendString(b, enc)
	b = append(b, ' ')
	b = append(b, itoa(uint64(len(e.body)))...)
	switch {
	case e.nested:
		b = append(b, ' ')
		b = e.children[0].appendEnvelope(b)
		b = append(b, ' ')
		b = e.children[0].appendStructure(b, ext)
		b = append(b, ' ')
		b = append(b, itoa(uint64(bytes.Count(e.body, []byte("\n"))))...)
	case strings.EqualFold(kind, "text"):
		b = append(b, ' ')
		b = append(b, itoa(uint64(bytes.Count(e.body, []byte("\n"))))...)
	}
	if ext {
		b = append(b, ' ')
		b = e.appendField(b, "Content-MD5")
		b = e.appendExtension(b)
	}
	return append(b, ')')
}

func appendParams(b []byte, params [][2]string) []byte {
	if len(params) == 0 {
		return append(b, "NIL"...)
	}
	b = append(b, '(')
	for i, p := range params {
		if i > 0 {
			b = append(b, ' ')
		}
		b = imap.AppendString(b, p[0])
		b = append(b, ' ')
		b = imap.AppendString(b, p[1])
	}
	return append(b, ')')
}

// appendExtension appends body-fld-dsp, -lang and -loc.
func (e *entity) appendExtension(b []byte) []byte {
	b = append(b, ' ')
	if d := e.get("Content-Disposition"); d != "" {
		name, rest, _ := strings.Cut(d, ";")
		b = append(b, '(')
		b = imap.AppendString(b, strings.TrimSpace(name))
		b = append(b, ' ')
		b = appendParams(b, parameters(rest))
		b = append(b, ')')
	} else {
		b = append(b, "NIL"...)
	}
	b = append(b, ' ')
	if langs := strings.FieldsFunc(e.get("Content-Language"), func(r rune) bool { return r == ',' || r == ' ' }); len(langs) > 0 {
		b = append(b, '(')
		for i, l := range langs {
			if i > 0 {
				b = append(b, ' ')
			}
			b = imap.AppendString(b, l)
		}
		b = append(b, ')')
	} else {
		b = append(b, "NIL"...)
	}
	b = append(b, ' ')
	return e.appendField(b, "Content-Location")
}
