package message

import (
	"slices"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/imap"
)

// Section gives BODY[…] (rfc3501 §6.4.5): the octets, after the partial. What is not there is
// empty, as from Dovecot. ok is false where the section means nothing: an unknown specifier,
// or MIME without a part. The octets must not be changed.
func (m *Message) Section(s imap.Section) (data []byte, ok bool) {
	if m.dialect == Cyrus {
		data, ok = m.cyrusSection(s)
		return partial(data, s.Partial), ok
	}
	e := m.find(s.Part)
	switch s.Specifier {
	case imap.WholePart:
		switch {
		case len(s.Part) == 0:
			data = m.raw
		case e != nil:
			data = e.body
		}
	case imap.MIME:
		if len(s.Part) == 0 {
			return nil, false
		}
		if e != nil {
			data = e.header
		}
	case imap.Header, imap.Text, imap.HeaderFields, imap.HeaderFieldsNot:
		// These are of messages: of the whole, or of what stands in message/rfc822.
		if len(s.Part) > 0 && e != nil {
			if e.nested {
				e = e.children[0]
			} else {
				e = nil
			}
		}
		if e == nil {
			break
		}
		switch s.Specifier {
		case imap.Header:
			data = e.header
		case imap.Text:
			data = e.body
		default:
			data = e.headerFields(s.Fields, s.Specifier == imap.HeaderFieldsNot)
		}
	default:
		return nil, false
	}
	return partial(data, s.Partial), true
}

// partial cuts octets as "<offset.count>" does.
func partial(data []byte, p *imap.Partial) []byte {
	if p == nil {
		return data
	}
	data = data[min(uint64(p.Offset), uint64(len(data))):]
	return data[:min(uint64(p.Count), uint64(len(data)))]
}

// find follows part numbers; nil is no such part. Of what has no parts, 1 is the body, once:
// of a message as the RFC has it, and also of a part, as Dovecot has it.
func (m *Message) find(path []uint32) *entity {
	e, once := m.root, false
	for i, n := range path {
		if i > 0 && e.nested && len(e.children) > 0 && once {
			// Further numbers count within the message that it holds.
			e, once = e.children[0], false
		}
		switch {
		case e.multipart:
			if n == 0 || uint64(n) > uint64(len(e.children)) {
				return nil
			}
			e = e.children[n-1]
			once = e.nested
		case n != 1 || once:
			return nil
		default:
			once = true
		}
	}
	return e
}

// headerFields gives the lines of the fields that are named, or of all that are not, and the
// empty line: after named ones always, after the others if it was there.
func (e *entity) headerFields(names []string, not bool) []byte {
	var out []byte
	size := 0
	for _, f := range e.fields {
		size += len(f.raw)
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, f.name) }) != not {
			out = append(out, f.raw...)
		}
	}
	if not {
		return append(out, e.header[size:]...)
	}
	return append(out, "\r\n"...)
}

// SectionName is how a response names a section, in the way of Dovecot: field names in upper
// case, of a partial only the offset.
func SectionName(s imap.Section) string { return sectionName(s, true) }

func sectionName(s imap.Section, upper bool) string {
	b := []byte("BODY[")
	for i, n := range s.Part {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(n), 10)
	}
	if s.Specifier != imap.WholePart {
		if len(s.Part) > 0 {
			b = append(b, '.')
		}
		b = append(b, s.Specifier...)
	}
	if s.Specifier == imap.HeaderFields || s.Specifier == imap.HeaderFieldsNot {
		b = append(b, " ("...)
		for i, f := range s.Fields {
			if i > 0 {
				b = append(b, ' ')
			}
			if upper {
				f = strings.ToUpper(f)
			}
			b = appendAString(b, f)
		}
		b = append(b, ')')
	}
	b = append(b, ']')
	if s.Partial != nil {
		b = append(b, '<')
		b = strconv.AppendUint(b, uint64(s.Partial.Offset), 10)
		b = append(b, '>')
	}
	return string(b)
}

// appendAString appends an atom where s is one, else a string.
func appendAString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c <= 0x20 || c >= 0x7f || strings.IndexByte(`(){%*"\`, c) >= 0 {
			return imap.AppendString(b, s)
		}
	}
	if s == "" {
		return append(b, `""`...)
	}
	return append(b, s...)
}
