package response

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap/wire"
)

// Kind of a response.
type Kind uint8

// The kinds.
const (
	Untagged     Kind = iota // "* …"
	Tagged                   // "tag …"
	Continuation             // "+ …"
)

// Head is the start of a response.
type Head struct {
	Kind   Kind
	Tag    string // of Tagged
	Num    uint32 // of "* n NAME"
	HasNum bool
	Name   string // upper case: OK NO BAD BYE PREAUTH EXISTS EXPUNGE FETCH CAPABILITY …; empty of Continuation
	// Raw is what was consumed, without the space or line's end behind it; valid until the
	// next Next.
	Raw []byte
}

// Limits of a Reader. Zeros mean the defaults.
type Limits struct {
	Buffer  int   // octets of the buffer: 4096
	Literal int64 // octets that a literal may announce: 1 GiB
	Nesting int   // parentheses within each other: 1000
}

const (
	maxWord        = 1024 // octets of a tag or of a response's name
	defaultNesting = 1000
)

// Reader reads responses. It is not safe for concurrent use.
type Reader struct {
	w       *wire.Reader
	nesting int
	deep    bool // the response is one of threads, which lie within each other as answers do
	head    []byte
	state   state
	depth   int
}

type state uint8

const (
	atStart   state = iota
	inData          // tokens and literals
	inText          // a status text: no literals in it
	endOfLine       // nothing but the line's end
)

// NewReader returns a Reader of r.
func NewReader(r io.Reader, lim Limits) *Reader {
	if lim.Nesting == 0 {
		lim.Nesting = defaultNesting
	}
	return &Reader{w: wire.NewReader(r, lim.Buffer, wire.Limits{Literal: lim.Literal}), nesting: lim.Nesting}
}

// Wait blocks until something can be read, or reading fails; it consumes nothing.
func (r *Reader) Wait() error { return r.w.Wait() }

// Buffered returns how many octets can be had without reading.
func (r *Reader) Buffered() int { return r.w.Buffered() }

func invalid(format string, args ...any) error {
	return fault.New(fault.Invalid, "response: "+format, args...)
}

// Next reads the start of a response. The one before must have been consumed whole. The end of
// the stream is io.EOF between responses, io.ErrUnexpectedEOF within one.
//
//	response        = *(continue-req / response-data) response-done
//	continue-req    = "+" SP (resp-text / base64) CRLF
//	response-data   = "*" SP (resp-cond-state / resp-cond-bye / mailbox-data / message-data / …) CRLF
//	response-tagged = tag SP resp-cond-state CRLF
func (r *Reader) Next() (Head, error) {
	if r.state != atStart {
		return Head{}, fmt.Errorf("reading a response: the one before was not consumed")
	}
	r.head = r.head[:0]
	first, end, err := r.word()
	if err != nil {
		return Head{}, err
	}
	var h Head
	switch {
	case first == "+":
		r.state = inText // "+" alone is said by some, and means the same
		return Head{Kind: Continuation, Raw: r.head}, nil
	case first == "" || end:
		return h, invalid("%q is not a response", clip(r.head))
	case first == "*":
		h.Kind = Untagged
	default:
		h.Kind, h.Tag = Tagged, first
	}
	name, end, err := r.word()
	if err != nil {
		return h, err
	}
	if h.Kind == Untagged && name != "" && '0' <= name[0] && name[0] <= '9' {
		n, err := number(name)
		if err != nil || end {
			return h, invalid("%q: a number from 0 to 4294967295 and a word expected", clip(r.head))
		}
		h.Num, h.HasNum = n, true
		if name, end, err = r.word(); err != nil {
			return h, err
		}
	}
	h.Name = strings.ToUpper(name)
	if err := r.begin(h, end); err != nil {
		return h, err
	}
	h.Raw = r.head
	return h, nil
}

// begin checks a head and decides how its rest is read.
func (r *Reader) begin(h Head, end bool) error {
	status := false
	switch h.Name {
	case "":
		return invalid("%q has no name", clip(r.head))
	case "OK", "NO", "BAD":
		status = !h.HasNum
	case "BYE", "PREAUTH":
		status = !h.HasNum && h.Kind == Untagged
	case "EXPUNGE", "FETCH":
		if h.HasNum && h.Num == 0 {
			return invalid("%q: there is no message 0", r.head)
		}
	}
	if h.Kind == Tagged {
		if strings.ContainsFunc(h.Tag, func(c rune) bool { return c > 0x7f || !wire.IsTag(byte(c)) }) {
			return invalid("%q is not a tag", clip([]byte(h.Tag)))
		}
		if !status {
			return invalid("%q is none of OK, NO, BAD", clip(r.head))
		}
	}
	r.state, r.depth, r.deep = inData, 0, h.Name == "THREAD"
	switch {
	case end:
		r.state = endOfLine
	case status:
		r.state = inText
	}
	return nil
}

func number(s string) (uint32, error) {
	if len(s) > 10 {
		return 0, strconv.ErrRange
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}

func clip(b []byte) []byte { return b[:min(len(b), 200)] }

// word reads an atom up to a space, which is left, or the end of the line (end). Words but the
// first take the space before them.
func (r *Reader) word() (word string, end bool, err error) {
	start := len(r.head)
	if start > 0 {
		t, err := r.w.Next()
		if err != nil {
			return "", false, err
		}
		if t.Kind != wire.Space {
			return "", false, invalid("%q: a space expected, not %q", clip(r.head), clip(t.Raw))
		}
		r.head = append(r.head, ' ')
		start++
	}
	for {
		stop, err := r.w.Peek()
		if err != nil {
			return "", false, err
		}
		if stop == ' ' || stop == '\r' || stop == '\n' {
			return string(r.head[start:]), stop != ' ', nil
		}
		t, err := r.w.Next()
		if err != nil {
			return "", false, err
		}
		if t.Kind != wire.Atom && t.Kind != wire.OpenBracket && t.Kind != wire.CloseBracket {
			return "", false, invalid("%q: a word expected, not %q", clip(r.head), clip(t.Raw))
		}
		if r.head = append(r.head, t.Raw...); len(r.head)-start > maxWord {
			return "", false, invalid("a word of more than %d octets", maxWord)
		}
	}
}

// Token gives the next token of the rest, up to the one of kind CRLF.
func (r *Reader) Token() (wire.Token, error) {
	var t wire.Token
	var err error
	switch r.state {
	case atStart:
		return t, fmt.Errorf("reading a response: it was consumed already")
	case inText:
		t, err = r.w.NextText()
	default:
		t, err = r.w.Next()
	}
	if err != nil {
		return t, err
	}
	switch t.Kind {
	case wire.CRLF:
		r.state = atStart
	case wire.Open:
		if r.depth++; r.depth > r.nesting && !r.deep {
			return t, fault.New(fault.TooLarge, "response: more than %d parentheses within each other", r.nesting)
		}
	case wire.Close:
		r.depth = max(r.depth-1, 0)
	}
	return t, nil
}

// Rest holds the remainder with its CRLF, literals in place. More than limit octets is
// fault.TooLarge, and the reader is of no more use.
func (r *Reader) Rest(limit int) ([]byte, error) {
	var b []byte
	for {
		t, err := r.Token()
		if err != nil {
			return nil, err
		}
		if len(b)+len(t.Raw) > limit || t.Kind == wire.LiteralHead && t.Size > int64(limit-len(b)) {
			return nil, fault.New(fault.TooLarge, "response of more than %d octets where a short one is expected", limit)
		}
		b = append(b, t.Raw...)
		if t.Kind == wire.CRLF {
			return b, nil
		}
	}
}

// Copy streams the remainder to w.
func (r *Reader) Copy(w io.Writer) error {
	for {
		t, err := r.Token()
		if err != nil {
			return err
		}
		if _, err := w.Write(t.Raw); err != nil {
			return fmt.Errorf("relaying a response: %w", err)
		}
		if t.Kind == wire.CRLF {
			return nil
		}
	}
}
