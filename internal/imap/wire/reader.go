package wire

import (
	"io"
)

// Limits of a Reader. A zero means the default.
type Limits struct {
	Literal int64 // octets that a literal may announce: 1 GiB
}

const (
	defaultLiteral = 1 << 30
	defaultBuffer  = 4 << 10
	minBuffer      = 64 // a literal's head must fit
	maxEmptyReads  = 100
)

// Reader cuts a stream into tokens. It is not safe for concurrent use. What it holds is one
// buffer, whatever comes.
type Reader struct {
	r          io.Reader
	buf        []byte
	start, end int
	err        error // of r, given after what was read before it, and again at every call
	limit      int64
	literal    int64 // octets of the literal that is being read
	quoted     bool  // within a quoted string whose start was given
	run        bool  // the last token was an Atom, which may go on
	within     bool  // within a line: the end of the stream is unexpected
}

// NewReader returns a Reader with a buffer of size octets (0: 4096, at least 64).
func NewReader(r io.Reader, size int, lim Limits) *Reader {
	if size == 0 {
		size = defaultBuffer
	}
	if lim.Literal == 0 {
		lim.Literal = defaultLiteral
	}
	return &Reader{r: r, buf: make([]byte, max(size, minBuffer)), limit: lim.Literal}
}

// Buffered returns how many octets can be had without reading.
func (r *Reader) Buffered() int { return r.end - r.start }

// Wait blocks until an octet can be had, or reading fails. It consumes nothing.
func (r *Reader) Wait() error {
	_, err := r.window()
	return err
}

// Peek returns the next octet of the stream without consuming it.
func (r *Reader) Peek() (byte, error) {
	b, err := r.window()
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// need makes n octets available, n not above the size of the buffer. When reading fails, what
// is there stays.
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

// window returns what is buffered, reading once if it is nothing. The end of the stream is
// io.EOF between lines and io.ErrUnexpectedEOF within one; every other error is the stream's.
func (r *Reader) window() ([]byte, error) {
	if err := r.need(1); err != nil {
		if err == io.EOF && r.within { //nolint:errorlint // readers return it as it is
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return r.buf[r.start:r.end], nil
}

// take consumes n octets as a token.
func (r *Reader) take(k Kind, n int) Token {
	t := Token{Kind: k, Raw: r.buf[r.start : r.start+n]}
	r.start += n
	r.run = k == Atom
	r.within = k != CRLF
	return t
}

// Next returns the next token. The end of the stream is io.EOF between lines,
// io.ErrUnexpectedEOF within one. A literal above the limit is fault.TooLarge; that, like
// every error, is met again by the next call.
func (r *Reader) Next() (Token, error) {
	b, err := r.window()
	if err != nil {
		return Token{}, err
	}
	if r.literal > 0 {
		n := int(min(int64(len(b)), r.literal))
		r.literal -= int64(n)
		t := r.take(LiteralData, n)
		t.More = r.literal > 0
		return t, nil
	}
	if r.quoted && b[0] != '\r' && b[0] != '\n' {
		return r.nextQuoted(0), nil
	}
	r.quoted = false
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
		return r.nextQuoted(1), nil
	case Brace:
		return r.literalHead()
	case Run:
	}
	// ~{n} starts a literal of any octets; a ~ before anything else, or within a run, is an
	// octet of a run.
	if b[0] == '~' && !r.run {
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

// nextQuoted goes on with a quoted string, from octet i of what is buffered. One that fills
// the buffer comes in pieces, never cut within an escape. One that the line's end, or the
// stream's, ends is a Stray: the line must not be lost with it.
//
//	quoted          = DQUOTE *QUOTED-CHAR DQUOTE
//	QUOTED-CHAR     = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials
//	quoted-specials = DQUOTE / "\"
func (r *Reader) nextQuoted(i int) Token {
	r.quoted = false
	for {
		b := r.buf[r.start:r.end]
		end, state := scanQuoted(b, i)
		switch {
		case state == quotedDone:
			return r.take(Quoted, end)
		case state == quotedBroken:
			return r.take(Stray, end)
		case len(b) == len(r.buf):
			t := r.take(Quoted, end)
			t.More, r.quoted = true, true
			return t
		case r.need(len(b)+1) != nil:
			return r.take(Stray, len(b)) // the failure is told by the next call
		}
		i = end
	}
}

type quotedState uint8

const (
	quotedOpen   quotedState = iota // goes on behind what is there
	quotedDone                      // ends with octet end−1
	quotedBroken                    // a line ends before octet end
)

// scanQuoted looks for the end of a quoted string from octet i on.
func scanQuoted(b []byte, i int) (end int, state quotedState) {
	for i < len(b) {
		switch b[i] {
		case '"':
			return i + 1, quotedDone
		case '\r', '\n':
			return i, quotedBroken
		case '\\':
			switch {
			case i+1 == len(b):
				return i, quotedOpen // the octet behind it decides
			case b[i+1] != '\r' && b[i+1] != '\n':
				i++
			}
		}
		i++
	}
	return i, quotedOpen
}

// NextText returns a piece of a text line, then its CRLF: a text may end in what looks like a
// literal and is none. It is to be called only from a token's end on, not within a literal.
//
//	text = 1*TEXT-CHAR
func (r *Reader) NextText() (Token, error) {
	b, err := r.window()
	if err != nil {
		return Token{}, err
	}
	r.quoted = false
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

// Unread gives the octets that were read from the stream and are part of no token yet, and
// forgets them: what follows is read by somebody else. It is to be called only between lines.
func (r *Reader) Unread() []byte {
	b := append([]byte(nil), r.buf[r.start:r.end]...)
	r.start, r.end = 0, 0
	return b
}
