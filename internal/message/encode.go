package message

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxLine is how long a line may be without its CRLF (rfc5322 §2.1.1); lines of headers are
// folded at 78 where they can be.
const (
	maxLine  = 998
	foldedAt = 78
)

// oneLine makes of a rendered text what a header field can hold: one line without control
// characters. The line ends of the template are folding, those of values become spaces.
func oneLine(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// appendFreeText appends a field of free text. What is not ASCII, what looks like an encoded
// word and is none of ours, and words that do not fit into a line go as encoded words (rfc2047).
func appendFreeText(out *bytes.Buffer, name, value string) {
	long := false
	for w := range strings.SplitSeq(value, " ") {
		long = long || len(w)+len(name)+2 > maxLine
	}
	if long || !isASCII(value) || strings.Contains(value, "=?") {
		appendFolded(out, name, encodeWords(value))
		return
	}
	appendFolded(out, name, strings.Split(value, " "))
}

// appendStructured appends a field of ASCII words.
func appendStructured(out *bytes.Buffer, name, value string) error {
	if !isASCII(value) {
		return fmt.Errorf("it holds more than ASCII: %.100q", value)
	}
	words := strings.Split(value, " ")
	for _, w := range words {
		if len(w)+len(name)+2 > maxLine {
			return fmt.Errorf("a word of %d octets does not fit into a line", len(w))
		}
	}
	appendFolded(out, name, words)
	return nil
}

// appendFolded appends a field, its words put apart by spaces, in lines of at most 78 octets
// where that can be; no line consists of white space only.
func appendFolded(out *bytes.Buffer, name string, words []string) {
	out.WriteString(name)
	out.WriteByte(':')
	n := len(name) + 1
	for i, w := range words {
		if i > 0 && n+1+len(w) > foldedAt && w != "" {
			out.WriteString("\r\n")
			n = 0
		}
		out.WriteByte(' ')
		out.WriteString(w)
		n += 1 + len(w)
	}
	out.WriteString("\r\n")
}

// encodeWords encodes text as words of at most 75 octets, each whole characters, fit for
// phrases too (rfc2047 §2, §5). Q or B, whichever is shorter.
func encodeWords(s string) (words []string) {
	q := 0
	for i := range len(s) {
		q += qLength(s[i])
	}
	b := q > (len(s)+2)/3*4
	const room = 75 - len("=?utf-8?q??=")
	var w strings.Builder
	for s != "" {
		w.Reset()
		n, size := 0, 0
		for n < len(s) {
			_, k := utf8.DecodeRuneInString(s[n:])
			if b {
				if (n+k+2)/3*4 > room {
					break
				}
			} else {
				add := 0
				for i := range k {
					add += qLength(s[n+i])
				}
				if size += add; size > room {
					break
				}
			}
			n += k
		}
		if b {
			words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		} else {
			for i := range n {
				writeQ(&w, s[i])
			}
			words = append(words, "=?utf-8?q?"+w.String()+"?=")
		}
		s = s[n:]
	}
	return words
}

// qLength is how many octets the Q encoding makes of one.
func qLength(c byte) int {
	if c == ' ' || isQSafe(c) {
		return 1
	}
	return 3
}

// isQSafe: rfc2047 §5 (3), which is the narrowest of its rules.
func isQSafe(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!*+-/", c) >= 0
}

func writeQ(w *strings.Builder, c byte) {
	switch {
	case c == ' ':
		w.WriteByte('_')
	case isQSafe(c):
		w.WriteByte(c)
	default:
		fmt.Fprintf(w, "=%02X", c)
	}
}

// phrase gives the words of a display name: a quoted string, or encoded words.
func phrase(name string) []string {
	if !isASCII(name) || strings.Contains(name, "=?") || len(name) > 500 {
		return encodeWords(name)
	}
	return []string{quoteUnless(name, func(byte) bool { return false })}
}

// addrSpec writes a mailbox: the local part quoted if it must be. It refuses what no mail
// program would take for one address.
func addrSpec(s string) (string, error) {
	i := strings.LastIndexByte(s, '@')
	if i <= 0 || len(s) > 320 || !isASCII(s) || strings.ContainsAny(s, "\t\r\n") {
		return "", fmt.Errorf("%.100q is not an address of the form mailbox@example.org in ASCII", s)
	}
	local, domain := s[:i], s[i+1:]
	if strings.IndexByte(local, '@') >= 0 {
		return "", fmt.Errorf("%.100q is more than one address", s)
	}
	if !isDomain(domain) {
		return "", fmt.Errorf("%.100q is not the domain of an address", domain)
	}
	for _, atom := range strings.Split(local, ".") {
		if atom == "" {
			return quoteUnless(local, func(byte) bool { return false }) + "@" + domain, nil
		}
	}
	return quoteUnless(local, isAtextOrDot) + "@" + domain, nil
}

// isDomain: labels of letters, digits and hyphens.
func isDomain(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !isDigit(c) && (!isLetter(c) || c == '_') && c != '-' {
				return false
			}
		}
	}
	return true
}

// isDotAtom: what may stand in a Message-ID or a List-Id without quotes.
func isDotAtom(s string) bool {
	if len(s) > 200 || !isASCII(s) {
		return false
	}
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || quoteUnless(atom, isAtext) != atom {
			return false
		}
	}
	return true
}

// appendBase64 appends octets in lines of 76.
func appendBase64(out, raw []byte) []byte {
	for len(raw) > 57 {
		out = append(base64.StdEncoding.AppendEncode(out, raw[:57]), "\r\n"...)
		raw = raw[57:]
	}
	if len(raw) > 0 {
		out = append(base64.StdEncoding.AppendEncode(out, raw), "\r\n"...)
	}
	return out
}
