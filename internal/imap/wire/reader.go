package wire

import (
	"errors"
	"fmt"
	"io"

	"inlay.example/inlay/internal/fault"
)

// Kind of a token.
type Kind uint8

// The kinds.
const (
	Atom         Kind = iota // a run of octets that are nothing of the following
	Space                    // one SP
	Open                     // (
	Close                    // )
	OpenBracket              // [
	CloseBracket             // ]
	Quoted                   // a quoted string with its quotes
	LiteralHead              // {n}CRLF, {n+}CRLF, ~{n}CRLF
	LiteralData              // octets of a literal
	Text                     // octets of a text line (NextText)
	CRLF                     // end of a line: CRLF, or a bare LF
	Stray                    // what fits nowhere: a bare CR, a { that starts no literal, an unended quoted string
)

// Token is a piece of the stream.
type Token struct {
	Kind Kind
	Raw  []byte // valid until the next call of the Reader
	More bool   // of Quoted, Atom, LiteralData and Text: the next token goes on with it

	// Of LiteralHead.
	Size    int64
	NonSync bool // {n+}
	Binary  bool // ~{n}
}

// Limits of a Reader. A zero means the default.
type Limits struct {
	Literal int64 // octets that a literal may announce: 1 GiB
}

const (
	defaultLiteral = 1 << 30
	minBuffer      = 64 // a literal's head must fit
	maxHead        = 26 // ~{18446744073709551615+}CRLF
	maxEmptyReads  = 100
)

// Reader cuts a stream into tokens. It is not safe for concurrent use.
type Reader struct {
	r          io.Reader
	buf        []byte
	start, end int
	err        error // of r, given after what was read before it
	limit      int64
	literal    int64 // octets of the literal that is being read
	quoted     bool  // within a quoted string whose start was given
}

// NewReader returns a Reader with a buffer of size octets (0: 4096, at least 64).
func NewReader(r io.Reader, size int, lim Limits) *Reader {
	if size == 0 {
		size = 4096
	}
	if lim.Literal == 0 {
		lim.Literal = defaultLiteral
	}
	return &Reader{r: r, buf: make([]byte, max(size, minBuffer)), limit: lim.Literal}
}

// Buffered returns how many octets can be had without reading.
func (r *Reader) Buffered() int { return r.end - r.start }

// Wait blocks until an octet can be had, or reading fails. It consumes nothing.
func (r *Reader) Wait() error { return r.need(1) }

// need makes n octets available, n not above the size of the buffer. At the end of the
// stream it fails with what is there left untouched.
func (r *Reader) need(n int) error {
	for empty := 0; r.end-r.start < n; {
		if r.err != nil {
			return r.err
		}
		if r.start > 0 && (r.start == r.end || len(r.buf)-r.start < n) {
			copy(r.buf, r.buf[r.start:r.end])
			r.start, r.end = 0, r.end-r.start
		}
		m, err := r.r.Read(r.buf[r.end:])
		r.end += m
		r.err = err
		if m == 0 && err == nil {
			if empty++; empty == maxEmptyReads {
				r.err = io.ErrNoProgress
			}
		}
	}
	return nil
}

// window returns what is buffered, reading once if it is nothing.
func (r *Reader) window() ([]byte, error) {
	if err := r.need(1); err != nil {
		return nil, err
	}
	return r.buf[r.start:r.end], nil
}

// take consumes n octets as a token.
func (r *Reader) take(k Kind, n int) Token {
	t := Token{Kind: k, Raw: r.buf[r.start : r.start+n]}
	r.start += n
	return t
}

// Next returns the next token. At the end of the stream it is io.EOF, within a literal or a
// quoted string io.ErrUnexpectedEOF. A literal above the limit is fault.TooLarge.
func (r *Reader) Next() (Token, error) {
	b, err := r.window()
	if err != nil {
		if errors.Is(err, io.EOF) && (r.literal > 0 || r.quoted) {
			err = io.ErrUnexpectedEOF
		}
		return Token{}, err
	}
	if r.literal > 0 {
		n := int(min(int64(len(b)), r.literal))
		r.literal -= int64(n)
		t := r.take(LiteralData, n)
		t.More = r.literal > 0
		return t, nil
	}
	if r.quoted {
		return r.nextQuoted(0)
	}
	switch ClassOf(b[0]) {
	case Blank:
		return r.take(Space, 1), nil
	case Paren:
		if b[0] == '(' {
			return r.take(Open, 1), nil
		}
		return r.take(Close, 1), nil
	case Bracket:
		if b[0] == '[' {
			return r.take(OpenBracket, 1), nil
		}
		return r.take(CloseBracket, 1), nil
	case Feed:
		return r.take(CRLF, 1), nil
	case Return:
		return r.lineEnd(), nil
	case Quote:
		return r.nextQuoted(1)
	case Brace:
		return r.literalHead()
	case Run:
	}
	if b[0] == '~' {
		// ~{n} starts a literal of any octets; a ~ before anything else is part of a run.
		if r.need(2) == nil && r.buf[r.start+1] == '{' {
			return r.literalHead()
		}
		b = r.buf[r.start:r.end]
	}
	n := 1
	for n < len(b) && ClassOf(b[n]) == Run {
		n++
	}
	t := r.take(Atom, n)
	t.More = n == len(b)
	return t, nil
}

// lineEnd takes CRLF, or a CR that ends nothing.
func (r *Reader) lineEnd() Token {
	if r.need(2) == nil && r.buf[r.start+1] == '\n' {
		return r.take(CRLF, 2)
	}
	return r.take(Stray, 1)
}

// nextQuoted goes on with a quoted string, from octet i of what is buffered.
//
//	quoted          = DQUOTE *QUOTED-CHAR DQUOTE
//	quoted-specials = DQUOTE / "\"
func (r *Reader) nextQuoted(i int) (Token, error) {
	for {
		b := r.buf[r.start:r.end]
		for i < len(b) {
			switch b[i] {
			case '"':
				r.quoted = false
				return r.take(Quoted, i+1), nil
			case '\r', '\n':
				// A line ends a quoted string that nobody ended: the line must not be lost.
				r.quoted = false
				if i == 0 {
					return r.Next()
				}
				return r.take(Stray, i), nil
			case '\\':
				if i+1 == len(b) {
					goto more // the octet behind it decides
				}
				if b[i+1] == '\r' || b[i+1] == '\n' {
					i++
					continue
				}
				i += 2
				continue
			}
			i++
		}
	more:
		if len(b) == len(r.buf) {
			// The buffer is full of it: give a piece, but never half an escape.
			r.quoted = true
			n := i
			t := r.take(Quoted, n)
			t.More = true
			return t, nil
		}
		if err := r.need(len(b) + 1); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return Token{}, err
		}
	}
}

// literalHead takes the announcement of a literal.
//
//	literal     = "{" number64 ["+"] "}" CRLF *CHAR8
//	literal8    = "~{" number64 "}" CRLF *OCTET
func (r *Reader) literalHead() (Token, error) {
	for n := 1; ; n++ {
		if err := r.need(n); err != nil || n > maxHead {
			return r.take(Stray, 1), nil // reading tells the error when what is there was taken
		}
		t, state := parseHead(r.buf[r.start : r.start+n])
		switch state {
		case headBad:
			return r.take(Stray, 1), nil
		case headTooLarge:
			return Token{}, fault.New(fault.TooLarge, "literal of more than %d octets", r.limit)
		case headDone:
			if t.Size > r.limit {
				return Token{}, fault.New(fault.TooLarge, "literal of %d octets, more than %d", t.Size, r.limit)
			}
			r.literal = t.Size
			head := r.take(LiteralHead, n)
			head.Size, head.NonSync, head.Binary = t.Size, t.NonSync, t.Binary
			return head, nil
		case headOpen:
		}
	}
}

type headState uint8

const (
	headOpen headState = iota
	headDone
	headBad
	headTooLarge
)

// parseHead looks at a beginning of a literal's head.
func parseHead(b []byte) (t Token, state headState) {
	i := 0
	if b[0] == '~' {
		t.Binary = true
		if i++; i == len(b) {
			return t, headOpen
		}
	}
	if b[i] != '{' {
		return t, headBad
	}
	i++
	digits := 0
	large := false
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		if t.Size > (1<<63-1-9)/10 {
			large = true // number64 of which nothing good can come
		} else {
			t.Size = t.Size*10 + int64(b[i]-'0')
		}
		if digits++; digits > 20 {
			return t, headBad
		}
	}
	rest := b[i:]
	if len(rest) > 0 && digits == 0 {
		return t, headBad
	}
	if len(rest) > 0 && rest[0] == '+' {
		t.NonSync = true
		rest = rest[1:]
	}
	const tail = "}\r\n"
	switch {
	case len(rest) > len(tail) || string(rest) != tail[:len(rest)]:
		// A bare LF ends lines, so it ends this one too.
		if string(rest) != "}\n" {
			return t, headBad
		}
	case len(rest) < len(tail):
		return t, headOpen
	}
	if large {
		return t, headTooLarge
	}
	return t, headDone
}

// NextText returns a piece of a text line, then its CRLF: a text may end in what looks like a
// literal and is none.
//
//	text = 1*TEXT-CHAR
func (r *Reader) NextText() (Token, error) {
	b, err := r.window()
	if err != nil {
		return Token{}, err
	}
	switch b[0] {
	case '\n':
		return r.take(CRLF, 1), nil
	case '\r':
		return r.lineEnd(), nil
	}
	n := 1
	for n < len(b) && b[n] != '\r' && b[n] != '\n' {
		n++
	}
	t := r.take(Text, n)
	t.More = n == len(b)
	return t, nil
}

// InLiteral returns how many octets of the literal whose head was given are to come.
func (r *Reader) InLiteral() int64 { return r.literal }

// Skip gives up the literal whose head was given last: it was never asked for and does not come.
func (r *Reader) Skip() { r.literal = 0 }

// CopyLiteral writes the octets of the literal to w, in blocks as they come.
func (r *Reader) CopyLiteral(w io.Writer) error {
	for r.literal > 0 {
		t, err := r.Next()
		if err != nil {
			return err
		}
		if _, err := w.Write(t.Raw); err != nil {
			return fmt.Errorf("writing a literal: %w", err)
		}
	}
	return nil
}

// Peek returns the next octet without consuming it; not within a literal or quoted string.
func (r *Reader) Peek() (byte, error) {
	b, err := r.window()
	if err != nil {
		return 0, err
	}
	return b[0], nil
}
