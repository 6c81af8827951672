package response

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
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
	// Raw is what was consumed, without the space behind it; valid until the next Next.
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
	head    []byte
	state   state
	depth   int
}

type state uint8

const (
	atStart state = iota
	inData        // tokens and literals
	inText        // a status text: no literals in it
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

// Next reads the start of a response. The one before must have been consumed whole.
//
//	response       = *(continue-req / response-data) response-done
//	continue-req   = "+" SP (resp-text / base64) CRLF
//	response-data  = "*" SP (resp-cond-state / resp-cond-bye / mailbox-data / message-data / …) CRLF
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
		h.Kind = Continuation
		r.state = inText // "+" alone is said by some, and means the same
		h.Raw = r.head
		return h, nil
	case first == "" || end:
		return h, invalid("%q is not a response", r.head)
	case first == "*":
		h.Kind = Untagged
	default:
		h.Kind, h.Tag = Tagged, first
	}
	r.head = append(r.head, ' ')
	name, end, err := r.word()
	if err != nil {
		return h, noEOF(err)
	}
	if h.Kind == Untagged && name != "" && '0' <= name[0] && name[0] <= '9' {
		n, err := number(name)
		if err != nil || end {
			return h, invalid("%q: %s", r.head, "a number from 0 to 4294967295 and a word expected")
		}
		h.Num, h.HasNum = n, true
		r.head = append(r.head, ' ')
		if name, end, err = r.word(); err != nil {
			return h, noEOF(err)
		}
	}
	h.Name = strings.ToUpper(name)
	if h.Name == "" {
		return h, invalid("%q has no name", r.head)
	}
	if h.Kind == Tagged && h.Name != "OK" && h.Name != "NO" && h.Name != "BAD" {
		return h, invalid("%q is none of OK, NO, BAD", r.head)
	}
	if h.HasNum && h.Num == 0 && (h.Name == "EXPUNGE" || h.Name == "FETCH") {
		return h, invalid("%q: there is no message 0", r.head)
	}
	r.state, r.depth = inData, 0
	switch h.Name {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		if !h.HasNum {
			r.state = inText
		}
	}
	h.Raw = r.head
	if end {
		r.state = endOfLine
	}
	return h, nil
}

// endOfLine is the state in which the line's end was met by word, and is still to be given.
const endOfLine state = 3

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func number(s string) (uint32, error) {
	if len(s) > 10 {
		return 0, strconv.ErrRange
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}

// word reads up to a space, which is left, or the end of the line (end).
func (r *Reader) word() (word string, end bool, err error) {
	start := len(r.head)
	skipped := start == 0 // the first word follows no space
	for {
		if !skipped {
			skipped = true
			t, err := r.w.Next() // the space before this word
			if err != nil {
				return "", false, err
			}
			if t.Kind != wire.Space {
				return "", false, invalid("%q and no space", r.head)
			}
		}
		stop, err := r.w.Peek()
		if err != nil {
			if len(r.head) > 0 {
				err = noEOF(err)
			}
			return "", false, err
		}
		if stop == ' ' {
			return string(r.head[start:]), false, nil
		}
		if stop == '\r' || stop == '\n' {
			return string(r.head[start:]), true, nil
		}
		t, err := r.w.Next()
		if err != nil {
			return "", false, err
		}
		if t.Kind == wire.LiteralHead || t.Kind == wire.Stray {
			return "", false, invalid("%q where a word is expected", t.Raw)
		}
		if r.head = append(r.head, t.Raw...); len(r.head) > maxWord {
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
		return t, noEOF(err)
	}
	switch t.Kind {
	case wire.CRLF:
		r.state = atStart
	case wire.Open:
		if r.depth++; r.depth > r.nesting {
			return t, invalid("more than %d parentheses within each other", r.nesting)
		}
	case wire.Close:
		r.depth--
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

// FetchFacts is what CopyFetch noted on the way.
type FetchFacts struct {
	UID      imap.UID
	Flags    []string
	HasFlags bool
}

const maxFlagsNoted = 256

// CopyFetch streams the remainder of a FETCH to w and notes its UID and FLAGS.
//
//	msg-att = "(" (msg-att-dynamic / msg-att-static) *(SP (msg-att-dynamic / msg-att-static)) ")"
func (r *Reader) CopyFetch(w io.Writer) (FetchFacts, error) {
	var facts FetchFacts
	var name []byte  // of the item that is being read
	inName := true   // at depth 1: the name, not its value
	brackets := 0    // of a section: BODY[HEADER.FIELDS (TO)]
	var value []byte // an atom's, which may come in pieces
	flush := func() error {
		if len(value) == 0 {
			return nil
		}
		switch {
		case r.depth == 1 && string(name) == "UID":
			n, err := number(string(value))
			if err != nil || n == 0 {
				return invalid("FETCH with UID %q", value)
			}
			facts.UID = imap.UID(n)
		case r.depth == 2 && string(name) == "FLAGS":
			if facts.HasFlags = true; len(facts.Flags) < maxFlagsNoted {
				facts.Flags = append(facts.Flags, string(value))
			}
		}
		value = value[:0]
		return nil
	}
	for {
		depth := r.depth
		t, err := r.Token()
		if err != nil {
			return facts, err
		}
		if _, err := w.Write(t.Raw); err != nil {
			return facts, fmt.Errorf("relaying a response: %w", err)
		}
		switch {
		case t.Kind == wire.CRLF:
			if r.depth != 0 {
				return facts, invalid("FETCH with unbalanced parentheses")
			}
			return facts, nil
		case brackets > 0 || t.Kind == wire.OpenBracket || t.Kind == wire.CloseBracket:
			switch t.Kind {
			case wire.OpenBracket:
				brackets++
			case wire.CloseBracket:
				brackets = max(brackets-1, 0)
			}
		case t.Kind == wire.Atom && depth == 1 && inName:
			if len(name) < 64 {
				name = append(name, upper(t.Raw)...)
			}
		case t.Kind == wire.Atom && len(value) < 64+maxWord:
			value = append(value, t.Raw...)
		case t.Kind == wire.Space || t.Kind == wire.Close:
			d := r.depth
			r.depth = depth // the value that ends here was inside
			if err := flush(); err != nil {
				return facts, err
			}
			r.depth = d
			if t.Kind == wire.Space && depth == 1 {
				if inName = !inName; inName {
					name = name[:0]
				}
			}
			if t.Kind == wire.Close && depth == 2 && string(name) == "FLAGS" {
				facts.HasFlags = true
			}
		}
	}
}

func upper(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		out[i] = c
	}
	return out
}
