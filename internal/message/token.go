package message

import "strings"

// scanner reads the words of structured header fields (rfc5322 §3.2), as leniently as Dovecot
// does: what it says about a field that is not well-formed, clients have seen for years.
//
// Its methods report more: whether anything follows, after white space and comments; and
// false for ok where a comment or a quoted string has no end.
type scanner struct {
	s       string
	comment string // the last one that was skipped
}

// space skips white space and comments.
func (c *scanner) space() (more, ok bool) {
	for c.s != "" {
		switch c.s[0] {
		case ' ', '\t', '\r', '\n':
			c.s = c.s[1:]
		case '(':
			if !c.skipComment() {
				return false, false
			}
		default:
			return true, true
		}
	}
	return false, true
}

// skipComment takes a comment and keeps its text; those within it stay with their parentheses.
func (c *scanner) skipComment() bool {
	var b strings.Builder
	depth := 1
	for i := 1; i < len(c.s); i++ {
		switch ch := c.s[i]; ch {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				c.s, c.comment = c.s[i+1:], b.String()
				return true
			}
		case '\\':
			if i++; i < len(c.s) {
				b.WriteByte(c.s[i])
			}
			continue
		}
		b.WriteByte(c.s[i])
	}
	c.s = ""
	return false
}

// quoted takes a quoted string at the start and the white space behind it.
func (c *scanner) quoted() (value string, more, ok bool) {
	var b strings.Builder
	for i := 1; i < len(c.s); i++ {
		switch ch := c.s[i]; ch {
		case '"':
			c.s = c.s[i+1:]
			more, ok = c.space()
			return b.String(), more, ok
		case '\\':
			if i++; i < len(c.s) {
				b.WriteByte(c.s[i])
			}
		default:
			b.WriteByte(ch)
		}
	}
	c.s = ""
	return "", false, false
}

// take takes the octets that in accepts.
func (c *scanner) take(in func(byte) bool) string {
	n := 0
	for n < len(c.s) && in(c.s[n]) {
		n++
	}
	word := c.s[:n]
	c.s = c.s[n:]
	return word
}

// word takes octets and the white space behind them. Nothing at all is a word here, too.
func (c *scanner) word(in func(byte) bool) (word string, more, ok bool) {
	word = c.take(in)
	more, ok = c.space()
	return word, more, ok
}

// isAtext: rfc5322 §3.2.3, and eight-bit octets (rfc6532 §3.2).
func isAtext(c byte) bool {
	return c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

func isAtextOrDot(c byte) bool { return c == '.' || isAtext(c) }

// isToken: rfc2045 §5.1, and eight-bit octets.
func isToken(c byte) bool {
	return c > 0x20 && c != 0x7f && strings.IndexByte(`()<>@,;:\"/[]?=`, c) < 0
}
