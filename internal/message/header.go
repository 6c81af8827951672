package message

import (
	"bytes"
	"strings"
)

// field is a header field as it stands, with its CRLF.
type field struct {
	name string // empty: a line that is no field
	raw  []byte
}

// value is the field's text: without the white space behind the colon, and unfolded, which
// takes out the line ends and nothing else (rfc5322 §2.2.3).
func (f field) value() string { return strings.ReplaceAll(f.folded(), "\r\n", "") }

// folded is the field's text as it stands in its lines.
func (f field) folded() string {
	_, v, _ := bytes.Cut(f.raw, []byte(":"))
	return string(bytes.TrimSuffix(bytes.TrimLeft(v, " \t"), []byte("\r\n")))
}

// setHeader takes a header apart. A line without a colon is no field, and is kept for what
// asks for all lines but some (HEADER.FIELDS.NOT).
func (e *entity) setHeader(header []byte) {
	e.header = header
	for rest := header; len(rest) > 0 && !bytes.HasPrefix(rest, []byte("\r\n")); {
		end := 0
		for {
			i := bytes.IndexByte(rest[end:], '\n')
			if i < 0 {
				end = len(rest)
				break
			}
			if end += i + 1; end == len(rest) || rest[end] != ' ' && rest[end] != '\t' {
				break
			}
		}
		f := field{raw: rest[:end]}
		first, _, _ := bytes.Cut(f.raw, []byte("\r\n"))
		if i := bytes.IndexByte(first, ':'); i > 0 {
			f.name = strings.TrimRight(string(first[:i]), " \t")
		}
		e.fields = append(e.fields, f)
		rest = rest[end:]
	}
}

// find gives the first field of a name, nil if there is none.
func (e *entity) find(name string) *field {
	for i := range e.fields {
		if strings.EqualFold(e.fields[i].name, name) {
			return &e.fields[i]
		}
	}
	return nil
}

// findLast gives the last field of a name, nil if there is none.
func (e *entity) findLast(name string) *field {
	for i := len(e.fields) - 1; i >= 0; i-- {
		if strings.EqualFold(e.fields[i].name, name) {
			return &e.fields[i]
		}
	}
	return nil
}

func (e *entity) has(name string) bool { return e.find(name) != nil }
