package wire

import (
	"fmt"
	"io"
	"math"

	"inlay.example/inlay/internal/fault"
)

const (
	maxDigits = 20                          // of number64: 18446744073709551615
	maxHead   = len("~{+}\r\n") + maxDigits // octets of a literal's head
)

type headState uint8

const (
	headOpen     headState = iota // a beginning of a head
	headDone                      // a head
	headBad                       // not a head
	headTooLarge                  // a head of a size that no int64 holds
)

// parseHead looks for a literal's head at the start of b. With headDone, t.Raw is the head.
//
//	literal  = "{" number64 ["+"] "}" CRLF *CHAR8
//	literal8 = "~{" number64 ["+"] "}" CRLF *OCTET      (rfc9051 §9, rfc7888 §8)
//
// A bare LF ends lines, so it ends a head too. More than 20 digits are no number64, but they
// are refused like one that is too large: taken for something else, the octets that follow
// would be read as commands.
func parseHead(b []byte) (t Token, state headState) {
	t.Kind = LiteralHead
	i := 0
	at := func(c byte) bool {
		if i < len(b) && b[i] == c {
			i++
			return true
		}
		return false
	}
	t.Binary = at('~')
	if !at('{') {
		return t, openOrBad(b, i)
	}
	digits, large := 0, false
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		if digits++; digits > maxDigits {
			return t, headTooLarge
		}
		d := int64(b[i] - '0')
		if t.Size > (math.MaxInt64-d)/10 {
			large = true
			continue
		}
		t.Size = t.Size*10 + d
	}
	if digits == 0 {
		return t, openOrBad(b, i)
	}
	t.NonSync = at('+')
	if !at('}') {
		return t, openOrBad(b, i)
	}
	at('\r')
	if !at('\n') {
		return t, openOrBad(b, i)
	}
	if large {
		return t, headTooLarge
	}
	t.Raw = b[:i]
	return t, headDone
}

// openOrBad judges a head of which octet i is not what it must be: perhaps it is only not
// there yet.
func openOrBad(b []byte, i int) headState {
	if i == len(b) {
		return headOpen
	}
	return headBad
}

// ParseHead gives the literal's head that b starts with, for those who hold the octets
// already. ok is false if there is none, or one of more than 2^63−1 octets.
func ParseHead(b []byte) (t Token, ok bool) {
	t, state := parseHead(b)
	return t, state == headDone
}

// HeadTooLarge reports whether b starts with what a Reader refuses as the head of a literal
// that is too large, whatever its limit: a number of more than 20 digits, or of a size that no
// int64 holds. Those who hold the octets must refuse it too.
func HeadTooLarge(b []byte) bool {
	_, state := parseHead(b)
	return state == headTooLarge
}

// literalHead takes the announcement of a literal, or one octet that announces none.
func (r *Reader) literalHead() (Token, error) {
	for {
		b := r.buf[r.start:r.end]
		t, state := parseHead(b)
		switch {
		case state == headDone && t.Size <= r.limit:
			r.literal = t.Size
			r.take(LiteralHead, len(t.Raw))
			return t, nil
		case state == headDone:
			return Token{}, fault.New(fault.TooLarge, "literal of %d octets, more than %d", t.Size, r.limit)
		case state == headTooLarge:
			return Token{}, fault.New(fault.TooLarge, "literal of more than %d octets", r.limit)
		case state == headBad, len(b) >= maxHead, r.need(len(b)+1) != nil:
			// A failure of reading is told when what is there was taken.
			return r.take(Stray, 1), nil //nolint:nilerr // see above
		}
	}
}

// InLiteral returns how many octets of the literal whose head was given are to come.
func (r *Reader) InLiteral() int64 { return r.literal }

// Skip gives up the literal whose head was given last: it was never asked for and does not
// come. What comes is a new line.
func (r *Reader) Skip() { r.literal, r.within = 0, false }

// CopyLiteral writes the octets of the literal to w as they come, at most a buffer at once.
// An error of w leaves the rest of the literal to be read.
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
