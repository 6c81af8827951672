package response

import (
	"bytes"

	"inlay.example/inlay/internal/imap/wire"
)

// scanner walks over the held rest of a response.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) peek() byte {
	if s.i >= len(s.b) {
		return '\n'
	}
	return s.b[s.i]
}

func (s *scanner) skip(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// spaces takes any number of spaces, and says whether there were any.
func (s *scanner) spaces() bool {
	start := s.i
	for s.skip(' ') {
	}
	return s.i > start
}

// eol reports whether nothing but the line's end is left.
func (s *scanner) eol() bool {
	rest := s.b[s.i:]
	return len(rest) == 0 || string(rest) == "\r\n" || string(rest) == "\n"
}

func (s *scanner) end() error {
	if s.spaces(); !s.eol() {
		return s.fail("the end")
	}
	return nil
}

// fail gives what was expected, and where, counting octets from 1.
func (s *scanner) fail(want string) error {
	return invalid("%s expected at octet %d of %q", want, s.i+1, clip(s.b))
}

// atom takes octets up to a space, a parenthesis, a quote or the line's end: more than the
// grammar has, because keywords with brackets in them are seen. It is empty if a literal of an
// impossible size stands within: a stream is given up there.
func (s *scanner) atom() string {
	n := bytes.IndexAny(s.b[s.i:], " ()\"\r\n")
	if n < 0 {
		n = len(s.b) - s.i
	}
	for i := range n {
		if s.b[s.i+i] == '{' && wire.HeadTooLarge(s.b[s.i+i:]) {
			return ""
		}
	}
	s.i += n
	return string(s.b[s.i-n : s.i])
}

// item takes the name of an item of FETCH with its section: BODY[HEADER.FIELDS ("To")]<0>.
func (s *scanner) item() (string, error) {
	start := s.i
	for {
		switch s.peek() {
		case ' ', '(', ')', '"', '\r', '\n':
			if s.i == start {
				return "", s.fail("an item")
			}
			return string(s.b[start:s.i]), nil
		case '[':
			if err := s.section(); err != nil {
				return "", err
			}
		case '{':
			if wire.HeadTooLarge(s.b[s.i:]) {
				return "", s.fail("a literal that is not too large")
			}
			s.i++
		default:
			s.i++
		}
	}
}

func (s *scanner) section() error {
	for {
		switch s.peek() {
		case ']':
			s.i++
			return nil
		case '\r', '\n':
			return s.fail("]")
		case '"', '{':
			if _, err := s.value(); err != nil {
				return err
			}
		default:
			s.i++
		}
	}
}

// what a value is.
type valueKind uint8

const (
	atomValue valueKind = iota
	stringValue
	listValue
)

// value is an atom, the content of a string, or what stands between a list's parentheses.
type value struct {
	kind valueKind
	b    []byte // part of the scanner's, or not nil
}

// value takes an atom, a quoted string, a literal, or a list.
func (s *scanner) value() (value, error) {
	switch c := s.peek(); {
	case c == '"':
		b, err := s.quoted()
		return value{stringValue, b}, err
	case c == '{' || c == '~' && s.i+1 < len(s.b) && s.b[s.i+1] == '{':
		b, err := s.literal()
		return value{stringValue, b}, err
	case c == '(':
		start := s.i + 1
		if err := s.list(0); err != nil {
			return value{}, err
		}
		return value{listValue, s.b[start : s.i-1]}, nil
	}
	a := s.atom()
	if a == "" {
		return value{}, s.fail("a value")
	}
	return value{atomValue, []byte(a)}, nil
}

// quoted takes a quoted string; an escape before an octet that needs none is let through.
func (s *scanner) quoted() ([]byte, error) {
	out := []byte{}
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case '"':
			s.i++
			return out, nil
		case '\r', '\n':
			return nil, s.fail("the end of a quoted string")
		case '\\':
			if s.i+1 < len(s.b) && s.b[s.i+1] != '\r' && s.b[s.i+1] != '\n' {
				s.i++
			}
			out = append(out, s.b[s.i])
		default:
			out = append(out, c)
		}
	}
	return nil, s.fail("the end of a quoted string")
}

func (s *scanner) literal() ([]byte, error) {
	head, ok := wire.ParseHead(s.b[s.i:])
	start := s.i + len(head.Raw)
	if !ok || head.Size > int64(len(s.b)-start) {
		return nil, s.fail("a literal")
	}
	s.i = start + int(head.Size)
	return s.b[start:s.i:s.i], nil
}

const maxListDepth = 100

// list walks over a parenthesised list.
func (s *scanner) list(depth int) error {
	if depth > maxListDepth {
		return s.fail("a shallower list")
	}
	s.i++ // (
	for {
		s.spaces()
		switch s.peek() {
		case ')':
			s.i++
			return nil
		case '(':
			if err := s.list(depth + 1); err != nil {
				return err
			}
		default:
			if _, err := s.value(); err != nil {
				return err
			}
		}
	}
}

// flags takes a flag list.
//
//	flag-list = "(" [flag *(SP flag)] ")"
func (s *scanner) flags() ([]string, error) {
	if !s.skip('(') {
		return nil, s.fail("(")
	}
	flags := []string{}
	for {
		spaced := s.spaces()
		if s.skip(')') {
			return flags, nil
		}
		if len(flags) > 0 && !spaced {
			return nil, s.fail("a space or )")
		}
		f := s.atom()
		if f == "" {
			return nil, s.fail("a flag")
		}
		flags = append(flags, f)
	}
}
