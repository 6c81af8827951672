package message

import "strings"

// token of what stands in a tag.
type token struct {
	kind tokenKind
	text string // of a quoted text, without its quotes
	at   int    // in the passage
}

type tokenKind uint8

const (
	endToken tokenKind = iota
	nameToken
	textToken
	numberToken
	signToken // | : , and the comparisons
)

// tokens cuts src[at:end], what stands in a tag, into tokens; the last one is an endToken.
func (p *passage) tokens(at, end int) ([]token, error) {
	var out []token
	for at < end {
		c := p.src[at]
		rest := p.src[at:end]
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			at++
		case c == '"' || c == '\'':
			n := strings.IndexByte(rest[1:], c)
			if n < 0 {
				return nil, p.errorf(at, "the text has no closing quote")
			}
			out = append(out, token{textToken, rest[1 : 1+n], at})
			at += n + 2
		case isDigit(c) || c == '-' && len(rest) > 1 && isDigit(rest[1]):
			n := 1
			for n < len(rest) && (isDigit(rest[n]) || rest[n] == '.') {
				n++
			}
			if !isNumber(rest[:n]) {
				return nil, p.errorf(at, "%q is not a number", rest[:n])
			}
			out = append(out, token{numberToken, rest[:n], at})
			at += n
		case isLetter(c):
			n := 1
			for n < len(rest) && (isLetter(rest[n]) || isDigit(rest[n]) || rest[n] == '-' || rest[n] == '.') {
				n++
			}
			if n > maxName {
				return nil, p.errorf(at, "a name of more than %d characters", maxName)
			}
			out = append(out, token{nameToken, rest[:n], at})
			at += n
		default:
			n := 1
			for _, sign := range []string{"==", "!=", "<=", ">="} {
				if strings.HasPrefix(rest, sign) {
					n = 2
				}
			}
			if n == 1 && strings.IndexByte("|:,<>", c) < 0 {
				return nil, p.errorf(at, "unexpected %q", firstRune(rest))
			}
			out = append(out, token{signToken, rest[:n], at})
			at += n
		}
	}
	return append(out, token{endToken, "", end}), nil
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// isNumber reports whether s is a number as it is written in a template or a table: digits,
// perhaps with a sign and a fraction.
func isNumber(s string) bool {
	whole, fraction, dot := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return digits(whole) && (!dot || digits(fraction))
}

func digits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != "" && len(s) <= 18
}

// tag is what stands between "{{" and "}}", or "{%" and "%}".
type tag struct {
	output     bool
	start, end int // of the whole
	inner, to  int // of what stands within
	trimBefore bool
	trimAfter  bool
}

// nextTag finds the first tag from at; ok is false if there is none.
func (p *passage) nextTag(at int) (t tag, ok bool, err error) {
	for {
		i := strings.IndexByte(p.src[at:], '{')
		if i < 0 || at+i+1 == len(p.src) {
			return tag{}, false, nil
		}
		at += i
		if c := p.src[at+1]; c == '{' || c == '%' {
			break
		}
		at++
	}
	t = tag{output: p.src[at+1] == '{', start: at, inner: at + 2}
	closing := "%}"
	if t.output {
		closing = "}}"
	}
	window := p.src[t.inner:min(t.inner+maxTag, len(p.src))]
	n := closingAt(window, closing)
	if n < 0 {
		return tag{}, false, p.errorf(at, "the tag has no end %q within %d octets", closing, maxTag)
	}
	t.to = t.inner + n
	t.end = t.to + 2
	if t.inner < t.to && p.src[t.inner] == '-' {
		t.trimBefore = true
		t.inner++
	}
	if t.inner < t.to && p.src[t.to-1] == '-' {
		t.trimAfter = true
		t.to--
	}
	return t, true, nil
}

// closingAt finds the end of a tag outside of quotes.
func closingAt(s, closing string) int {
	quote := byte(0)
	for i := range len(s) {
		switch {
		case quote != 0:
			if s[i] == quote {
				quote = 0
			}
		case s[i] == '"' || s[i] == '\'':
			quote = s[i]
		case strings.HasPrefix(s[i:], closing):
			return i
		}
	}
	return -1
}
