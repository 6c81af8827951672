package message

import (
	"bytes"
	"slices"
	"strings"

	"inlay.example/inlay/internal/fault"
)

// Limits of what Parse takes apart, the same as Dovecot's. What lies beyond them is not lost:
// it stays within the body of the part that could not be taken apart.
const (
	maxViewParts   = 10_000 // parts of a message
	maxViewNesting = 100    // parts within each other
)

// Message is a message as IMAP sees it. It is immutable and safe for concurrent use.
type Message struct {
	raw     []byte
	root    *entity
	dialect Dialect
}

// Parse reads a message, whose lines must end in CRLF and which must hold no NUL: IMAP cannot
// send others, and their numbers would be wrong; else the error is fault.Invalid. It does not
// fail on odd MIME: what cannot be understood is text. The octets are kept and must not be
// changed afterwards.
func Parse(raw []byte) (*Message, error) {
	for i, c := range raw {
		if c == 0 || c == '\n' && (i == 0 || raw[i-1] != '\r') {
			return nil, fault.New(fault.Invalid, "the message holds a NUL or a line feed without carriage return, at octet %d", i)
		}
	}
	p := parser{raw: raw}
	return &Message{raw: raw, root: p.part(partOf{kind: "text", subkind: "plain"}, 0)}, nil
}

// Size is RFC822.SIZE: the number of octets.
func (m *Message) Size() int64 { return int64(len(m.raw)) }

// Raw returns the octets, which must not be changed.
func (m *Message) Raw() []byte { return m.raw }

// entity is a message or a part: a header and a body, both slices of the message.
type entity struct {
	header    []byte // with the empty line that ends it
	body      []byte
	fields    []field
	kind      string // media type, as written; empty: it could not be read
	subkind   string
	params    []param
	children  []*entity // of a multipart, or the one message of message/rfc822
	multipart bool
	closed    bool // its last boundary is there
	nested    bool // message/rfc822: children[0] is a message
	mime      bool // its Content-… fields count
}

// partOf is what a part inherits from what it stands in.
type partOf struct {
	kind, subkind string // where it has no Content-Type
	mime          bool   // it is a part, not a message
}

// parser goes through a message once, line by line. The boundary of every multipart that is
// open may end the parts within it: so it may for Dovecot, and so may a line that only begins
// with a boundary (rfc2046 §5.1.1 would have the rest be white space).
type parser struct {
	raw        []byte
	pos        int
	boundaries []string // with "--", outermost first
	parts      int
	hit        int  // index of the boundary that stands at pos; -1: the end of the message
	last       bool // it is the closing one
	end        int  // where the body that ends at pos ends: the CRLF before a boundary belongs to the boundary
}

func (p *parser) part(of partOf, depth int) *entity {
	p.parts++
	e := &entity{kind: of.kind, subkind: of.subkind}
	ended := p.headerOf(e)
	e.mime = of.mime || e.has("Mime-Version") || e.has("Content-Type")
	if f := e.find("Content-Type"); f != nil {
		e.kind, e.subkind, e.params = contentType(f.value())
	}
	start := p.pos
	boundary := strings.TrimRight(e.param("boundary"), " ")
	switch {
	case ended:
		e.multipart = strings.EqualFold(e.kind, "multipart")
	case depth >= maxViewNesting || p.parts >= maxViewParts:
		p.scan()
	case strings.EqualFold(e.kind, "multipart"):
		e.multipart = true
		if boundary == "" {
			p.scan()
			break
		}
		p.multipartBody(e, boundary, depth)
	case e.is("message", "rfc822"):
		e.nested = true
		e.children = []*entity{p.part(partOf{kind: "text", subkind: "plain"}, depth+1)}
	default:
		p.scan()
	}
	e.body = p.raw[start:max(p.end, start)]
	if p.pos == start && !ended && p.hit >= 0 {
		e.header = e.header[:len(e.header)-2] // the empty line's CRLF is the boundary's, as for Dovecot
	}
	return e
}

// headerOf reads a header; ended says that a boundary or the end of the message came within it.
func (p *parser) headerOf(e *entity) (ended bool) {
	start := p.pos
	for p.pos < len(p.raw) {
		if p.at() {
			p.end = p.pos
			e.setHeader(p.raw[start:max(p.pos-2, start)])
			return true
		}
		if bytes.HasPrefix(p.raw[p.pos:], []byte("\r\n")) {
			p.pos += 2
			e.setHeader(p.raw[start:p.pos])
			return false
		}
		p.line()
	}
	p.hit, p.end = -1, p.pos
	e.setHeader(p.raw[start:])
	return true
}

// line goes past the line at pos.
func (p *parser) line() {
	if i := bytes.IndexByte(p.raw[p.pos:], '\n'); i >= 0 {
		p.pos += i + 1
		return
	}
	p.pos = len(p.raw)
}

// scan goes to the next boundary of an open multipart, from the start of a line.
func (p *parser) scan() {
	start := p.pos
	for len(p.boundaries) > 0 && p.pos < len(p.raw) {
		if p.at() {
			p.end = p.pos
			if p.pos >= start+2 {
				p.end -= 2
			}
			return
		}
		i := bytes.Index(p.raw[p.pos:], []byte("\n--"))
		if i < 0 {
			break
		}
		p.pos += i + 1
	}
	p.pos, p.end, p.hit = len(p.raw), len(p.raw), -1
}

// at reports whether the line at pos is a boundary: of those that it begins with the longest,
// among equals the innermost.
func (p *parser) at() bool {
	p.hit = -1
	if !bytes.HasPrefix(p.raw[p.pos:], []byte("--")) {
		return false
	}
	line, _, _ := bytes.Cut(p.raw[p.pos:], []byte("\r\n"))
	for i, b := range slices.Backward(p.boundaries) {
		if !bytes.HasPrefix(line, []byte(b)) || p.hit >= 0 && len(b) <= len(p.boundaries[p.hit]) {
			continue
		}
		p.hit = i
		rest := line[len(b):]
		p.last = bytes.HasPrefix(rest, []byte("--"))
		if len(rest) == 0 || string(rest) == "--" {
			break
		}
	}
	return p.hit >= 0
}

func (p *parser) multipartBody(e *entity, boundary string, depth int) {
	mine := len(p.boundaries)
	p.boundaries = append(p.boundaries, "--"+boundary)
	of := partOf{kind: "text", subkind: "plain", mime: true}
	if strings.EqualFold(e.subkind, "digest") {
		of.kind, of.subkind = "message", "rfc822" // rfc2046 §5.1.5
	}
	p.scan()
	for p.hit == mine && !p.last && p.parts < maxViewParts {
		p.line()
		e.children = append(e.children, p.part(of, depth+1))
	}
	closed := p.hit == mine
	p.boundaries = p.boundaries[:mine]
	if e.closed = closed && p.last; closed {
		p.line()
		p.scan()
	}
}

// is compares the media type, without regard to case.
func (e *entity) is(kind, subkind string) bool {
	return strings.EqualFold(e.kind, kind) && strings.EqualFold(e.subkind, subkind)
}

func (e *entity) param(name string) string {
	for _, p := range e.params {
		if strings.EqualFold(p.name, name) {
			return p.value
		}
	}
	return ""
}
