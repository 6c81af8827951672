package message

import (
	"strconv"
	"strings"

	"inlay.example/inlay/internal/imap"
)

// Dialect is whose forms the views of a message have, where RFCs leave a choice or servers
// take one: an injected message must look as if it lay on the server that the client speaks to.
type Dialect string

// The dialects. What they differ in is held to real servers by TestViews and TestCyrusViews.
const (
	// Dovecot's is the default, also for servers that nobody has compared yet.
	Dovecot Dialect = ""
	// Cyrus spells media types, encodings and the names of parameters in upper case; names a
	// section as it was asked for; has strings of some signs as literals; says NIL, and not nothing, of a section that is not there;
	// gives the header of a part, which has none in RFC 3501, its MIME header; and takes an
	// empty section for the empty string.
	Cyrus Dialect = "cyrus"
)

// As gives the message with the views of a dialect. It shares all octets.
func (m *Message) As(d Dialect) *Message {
	if m.dialect == d {
		return m
	}
	c := *m
	c.dialect = d
	return &c
}

// word spells what is compared without regard to case.
func (d Dialect) word(s string) string {
	if d == Cyrus {
		return strings.ToUpper(s)
	}
	return s
}

// appendString appends a string: quoted, or as a literal where it cannot be. Cyrus quotes less.
func (d Dialect) appendString(b []byte, s string) []byte {
	const cyrusQuotes = 1024 // shorter ones
	if d == Cyrus && (len(s) >= cyrusQuotes || strings.ContainsAny(s, "\"%\\")) {
		return appendLiteral(b, s)
	}
	return imap.AppendString(b, s)
}

func appendLiteral[T string | []byte](b []byte, s T) []byte {
	b = append(b, '{')
	b = strconv.AppendInt(b, int64(len(s)), 10)
	b = append(b, "}\r\n"...)
	return append(b, s...)
}

// SectionName is how a response names a section: of a partial only the offset; as from Dovecot
// with the names of fields in upper case, as from Cyrus as they came.
func (m *Message) SectionName(s imap.Section) string { return sectionName(s, m.dialect != Cyrus) }

// Answer is the value of BODY[…] in a response: octets of the message, and what stands before
// them, which is the head of a literal, or what the dialect says of a section that is not there.
func (m *Message) Answer(s imap.Section) (head string, data []byte) {
	data, ok := m.Section(s)
	switch {
	case !ok:
		return "NIL", nil
	case len(data) == 0 && m.dialect == Cyrus:
		return `""`, nil
	}
	return "{" + strconv.Itoa(len(data)) + "}\r\n", data
}

// cyrusSection is Section as Cyrus has it.
func (m *Message) cyrusSection(s imap.Section) (data []byte, ok bool) {
	e := m.root
	for i, n := range s.Part {
		if i > 0 && e.nested {
			e = e.children[0]
		} else if i > 0 && !e.multipart {
			return nil, false
		}
		switch {
		case e.multipart && int64(n) <= int64(len(e.children)):
			e = e.children[n-1]
		case e.multipart || n != 1:
			return nil, false
		}
	}
	within := e // whose header and text are meant: of the whole, or of the message in a part
	if len(s.Part) > 0 && e.nested {
		within = e.children[0]
	}
	message := len(s.Part) == 0 || e.nested
	switch s.Specifier {
	case imap.WholePart:
		if len(s.Part) == 0 {
			return m.raw, true
		}
		return e.body, true
	case imap.MIME:
		return e.header, len(s.Part) > 0
	case imap.Header:
		return within.header, message
	case imap.Text:
		return within.body, message
	case imap.HeaderFields, imap.HeaderFieldsNot:
		return within.headerFields(s.Fields, s.Specifier == imap.HeaderFieldsNot), true
	}
	return nil, false
}
