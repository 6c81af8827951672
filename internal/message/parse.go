package message

import (
	"bytes"
	"mime"
	"strings"

	"inlay.example/inlay/internal/imap"
)

// Message is a message as IMAP sees it. It is immutable and safe for concurrent use.
type Message struct {
	raw  []byte
	root *entity
}

// entity is a message or a part: a header and a body, both slices of the message.
type entity struct {
	header   []byte // with the empty line that ends it
	body     []byte
	fields   []field
	kind     string // media type, as written
	subkind  string
	params   [][2]string
	children []*entity // of a multipart, or the one message of message/rfc822
	nested   bool      // message/rfc822: children[0] is a message
}

// field is a header field as it stands, with its CRLF.
type field struct {
	name string
	raw  []byte
}

// value is the field's text, unfolded.
func (f field) value() string {
	_, v, _ := bytes.Cut(f.raw, []byte(":"))
	v = bytes.TrimRight(v, "\r\n")
	v = bytes.ReplaceAll(bytes.ReplaceAll(v, []byte("\r\n"), nil), []byte("\n"), nil)
	return strings.Trim(string(v), " \t")
}

// Parse reads a message. It does not fail on odd MIME: what cannot be understood is text. Lines must end in CRLF.
func Parse(raw []byte) (*Message, error) {
	count := 0
	return &Message{raw: raw, root: parseEntity(raw, "text/plain", &count, 0)}, nil
}

// Size is RFC822.SIZE.
func (m *Message) Size() int64 { return int64(len(m.raw)) }

// Raw returns the octets, which must not be changed.
func (m *Message) Raw() []byte { return m.raw }

func parseEntity(raw []byte, def string, count *int, depth int) *entity {
	*count++
	e := &entity{}
	e.header, e.body = splitHeader(raw)
	e.fields = splitFields(e.header)
	ctype := e.get("Content-Type")
	if ctype == "" {
		ctype = def
	}
	e.kind, e.subkind, e.params = contentType(ctype)
	if *count > maxParts || depth > maxNesting {
		return e
	}
	switch {
	case strings.EqualFold(e.kind, "multipart"):
		boundary := e.param("boundary")
		if boundary == "" {
			break
		}
		def := "text/plain"
		if strings.EqualFold(e.subkind, "digest") {
			def = "message/rfc822"
		}
		for _, b := range splitMultipart(e.body, boundary) {
			e.children = append(e.children, parseEntity(b, def, count, depth+1))
		}
	case strings.EqualFold(e.kind, "message") && strings.EqualFold(e.subkind, "rfc822"):
		e.nested = true
		e.children = []*entity{parseEntity(e.body, "text/plain", count, depth+1)}
	}
	return e
}

func splitHeader(raw []byte) (header, body []byte) {
	if bytes.HasPrefix(raw, []byte("\r\n")) {
		return raw[:2], raw[2:]
	}
	if i := bytes.Index(raw, []byte("\r\n\r\n")); i >= 0 {
		return raw[:i+4], raw[i+4:]
	}
	return raw, nil
}

func splitFields(header []byte) []field {
	var out []field
	for len(header) > 0 {
		end := 0
		for {
			i := bytes.IndexByte(header[end:], '\n')
			if i < 0 {
				end = len(header)
				break
			}
			end += i + 1
			if end == len(header) || header[end] != ' ' && header[end] != '\t' {
				break
			}
		}
		line := header[:end]
		header = header[end:]
		if i := bytes.IndexByte(line, ':'); i > 0 {
			out = append(out, field{strings.TrimRight(string(line[:i]), " \t"), line})
		}
	}
	return out
}

func (e *entity) get(name string) string {
	for _, f := range e.fields {
		if strings.EqualFold(f.name, name) {
			return f.value()
		}
	}
	return ""
}

func (e *entity) has(name string) bool {
	for _, f := range e.fields {
		if strings.EqualFold(f.name, name) {
			return true
		}
	}
	return false
}

func (e *entity) param(name string) string {
	for _, p := range e.params {
		if strings.EqualFold(p[0], name) {
			return p[1]
		}
	}
	return ""
}

// contentType takes "type/subtype; name=value …" apart, keeping case and order.
func contentType(s string) (kind, subkind string, params [][2]string) {
	head, rest, _ := strings.Cut(s, ";")
	kind, subkind, ok := strings.Cut(strings.TrimSpace(head), "/")
	if !ok || kind == "" || subkind == "" {
		return "text", "plain", nil
	}
	return strings.TrimSpace(kind), strings.TrimSpace(subkind), parameters(rest)
}

// parameters takes "name=value; name="value"" apart (rfc2045 §5.1).
func parameters(s string) (params [][2]string) {
	for s != "" && len(params) < 100 {
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			return params
		}
		name = strings.TrimSpace(strings.TrimLeft(name, "; \t"))
		rest = strings.TrimLeft(rest, " \t")
		var value strings.Builder
		if strings.HasPrefix(rest, `"`) {
			i := 1
			for ; i < len(rest) && rest[i] != '"'; i++ {
				if rest[i] == '\\' && i+1 < len(rest) {
					i++
				}
				value.WriteByte(rest[i])
			}
			rest = rest[min(i+1, len(rest)):]
			_, rest, _ = strings.Cut(rest, ";")
		} else {
			var v string
			v, rest, _ = strings.Cut(rest, ";")
			value.WriteString(strings.TrimSpace(v))
		}
		params = append(params, [2]string{name, value.String()})
		s = rest
	}
	return params
}

// splitMultipart cuts a body at its boundary lines; the CRLF before a boundary belongs to it
// (rfc2046 §5.1.1).
func splitMultipart(body []byte, boundary string) [][]byte {
	delim := []byte("--" + boundary)
	var parts [][]byte
	start := -1
	for at := 0; at < len(body); {
		end := bytes.IndexByte(body[at:], '\n')
		next := len(body)
		if end >= 0 {
			next = at + end + 1
		}
		line := bytes.TrimRight(body[at:next], "\r\n \t")
		last := bytes.Equal(line, append(delim[:len(delim):len(delim)], "--"...))
		if last || bytes.Equal(line, delim) {
			if start >= 0 {
				stop := max(at-2, start)
				parts = append(parts, body[start:stop])
			}
			start = next
			if last {
				return parts
			}
		}
		at = next
	}
	if start >= 0 && start <= len(body) {
		parts = append(parts, body[start:])
	}
	return parts
}

// Section gives BODY[…]: the octets, after the partial. ok is false where there is no such
// part at all; what is asked of a part that is there but has none of it is empty.
func (m *Message) Section(s imap.Section) (data []byte, ok bool) {
	data, ok = m.section(s)
	if !ok {
		return nil, false
	}
	if s.Partial != nil {
		if uint64(s.Partial.Offset) >= uint64(len(data)) {
			return []byte{}, true
		}
		data = data[s.Partial.Offset:]
		if uint64(s.Partial.Count) < uint64(len(data)) {
			data = data[:s.Partial.Count]
		}
	}
	return data, true
}

func (m *Message) section(s imap.Section) ([]byte, bool) {
	e := m.root
	whole := len(s.Part) == 0
	for i, n := range s.Part {
		// Within message/rfc822 numbers count the parts of the message in it; of a message that
		// is not a multipart, 1 is its body (rfc3501 §6.4.5).
		if e.nested && i > 0 {
			e = e.children[0]
		}
		switch {
		case len(e.children) > 0 && !e.nested:
			if int64(n) > int64(len(e.children)) {
				return []byte{}, true
			}
			e = e.children[n-1]
		case n != 1:
			return []byte{}, true
		case i > 0 && !e.nested && m.leafAgain(s.Part[:i]):
			return []byte{}, true
		}
	}
	switch s.Specifier {
	case imap.WholePart:
		if whole {
			return m.raw, true
		}
		return e.body, true
	case imap.MIME:
		return e.header, true
	}
	msg := e
	if !whole {
		if !e.nested {
			return []byte{}, true // HEADER and TEXT are of messages
		}
		msg = e.children[0]
	}
	switch s.Specifier {
	case imap.Header:
		return msg.header, true
	case imap.Text:
		return msg.body, true
	case imap.HeaderFields, imap.HeaderFieldsNot:
		return msg.headerFields(s.Fields, s.Specifier == imap.HeaderFieldsNot), true
	}
	return nil, false
}

// leafAgain reports whether the part that path names is a leaf: it has no part 1 of its own.
func (m *Message) leafAgain(path []uint32) bool {
	e := m.root
	for i, n := range path {
		if e.nested && i > 0 {
			e = e.children[0]
		}
		if len(e.children) == 0 || e.nested || int64(n) > int64(len(e.children)) {
			return len(e.children) == 0
		}
		e = e.children[n-1]
	}
	return len(e.children) == 0
}

func (e *entity) headerFields(names []string, not bool) []byte {
	var out []byte
	for _, f := range e.fields {
		named := false
		for _, n := range names {
			named = named || strings.EqualFold(n, f.name)
		}
		if named != not {
			out = append(out, f.raw...)
		}
	}
	return append(out, "\r\n"...)
}

// SectionName is how a response names a section, in the way of Dovecot: upper case, no count.
func SectionName(s imap.Section) string {
	b := []byte("BODY[")
	for i, n := range s.Part {
		if i > 0 {
			b = append(b, '.')
		}
		b = append(b, itoa(uint64(n))...)
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
			b = appendAString(b, strings.ToUpper(f))
		}
		b = append(b, ')')
	}
	b = append(b, ']')
	if s.Partial != nil {
		b = append(b, '<')
		b = append(b, itoa(uint64(s.Partial.Offset))...)
		b = append(b, '>')
	}
	return string(b)
}

// decodeWords decodes RFC 2047; what cannot be decoded stays.
func decodeWords(s string) string {
	dec := mime.WordDecoder{CharsetReader: charsetReader}
	if out, err := dec.DecodeHeader(s); err == nil {
		return out
	}
	return s
}
