package message

import (
	"bytes"
	"encoding/base64"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/unicode/norm"
)

// foldCase makes texts comparable as i;unicode-casemap does (rfc5051): title case, decomposed.
// deviates: decomposed by one step, as Dovecot does it, so that "e" does not find "ế".
// Octets that are no UTF-8 are one U+FFFD for each run of them.
func foldCase(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	ascii := true
	for i := 0; ascii && i < len(s); i++ {
		ascii = s[i] < utf8.RuneSelf
	}
	if ascii {
		return strings.ToUpper(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		r = unicode.ToTitle(r)
		if r < utf8.RuneSelf {
			b.WriteByte(byte(r))
		} else {
			b.WriteString(decompose(r))
		}
	}
	return b.String()
}

// decompose gives the decomposition mapping of a character, which may itself be decomposable.
func decompose(r rune) string {
	s := string(r)
	full := norm.NFD.String(s)
	if full == s {
		return norm.NFKD.String(s) // <compat>, <wide> …: no steps worth telling apart
	}
	if 0xAC00 <= r && r <= 0xD7A3 {
		return full // Hangul: by rule, not by mapping
	}
	if one := norm.NFC.String(s); one != s && utf8.RuneCountInString(one) == 1 {
		return one // a singleton: the Ångström sign is Å
	}
	_, last := utf8.DecodeLastRuneInString(full)
	return norm.NFC.String(full[:len(full)-last]) + full[len(full)-last:]
}

// decodeWords decodes the encoded words of a text (rfc2047 §6.2), also where they touch other
// text. White space between two of them goes; one of an unknown charset becomes U+FFFD.
func decodeWords(s string) string {
	return eachWord(s, func(text string) string { return text }, func([]byte) string { return "\uFFFD" })
}

// eachWord is decodeWords with what is to be done with a text, and with the octets of an encoded
// word whose charset is not known.
func eachWord(s string, text func(string) string, unknown func([]byte) string) string {
	if !strings.Contains(s, "=?") {
		return text(s)
	}
	var b, run strings.Builder // run is of text that belongs together
	flush := func() {
		b.WriteString(text(run.String()))
		run.Reset()
	}
	after := false // what stands before s was an encoded word
	for {
		at, w, rest := nextWord(s)
		if at < 0 {
			run.WriteString(s)
			flush()
			return b.String()
		}
		if gap := s[:at]; !after || strings.Trim(gap, " \t\r\n") != "" {
			run.WriteString(gap)
		}
		if w.known {
			run.WriteString(strings.ToValidUTF8(w.text, "\uFFFD"))
		} else {
			flush()
			b.WriteString(unknown(w.raw))
		}
		s, after = rest, true
	}
}

// word is an encoded word: text if its charset is known, else raw.
type word struct {
	text  string
	raw   []byte
	known bool
}

// nextWord finds the next encoded word; at is -1 if there is none.
func nextWord(s string) (at int, w word, rest string) {
	for from := 0; ; {
		i := strings.Index(s[from:], "=?")
		if i < 0 {
			return -1, w, ""
		}
		at = from + i
		if w, rest, ok := encodedWord(s[at:]); ok {
			return at, w, rest
		}
		from = at + 2
	}
}

// encoded-word = "=?" charset "?" encoding "?" encoded-text "?="
func encodedWord(s string) (w word, rest string, ok bool) {
	name, s, ok := strings.Cut(s[2:], "?")
	if !ok || len(s) < 2 || s[1] != '?' {
		return w, "", false
	}
	encoding := s[0] | 0x20
	encoded, rest, ok := strings.Cut(s[2:], "?")
	if rest, ok2 := strings.CutPrefix(rest, "="); ok && ok2 {
		name, _, _ = strings.Cut(name, "*") // the language: rfc2231 §5
		switch encoding {
		case 'q':
			w.raw = decodeQuoted([]byte(strings.ReplaceAll(encoded, "_", " ")))
		case 'b':
			w.raw = decodeBase64([]byte(encoded))
		default:
			return w, "", false
		}
		w.text, w.known = toUTF8(name, w.raw)
		return w, rest, true
	}
	return w, "", false
}

// toUTF8 decodes text of a charset; ok is false where the charset is not known.
func toUTF8(name string, raw []byte) (string, bool) {
	switch strings.ToLower(name) {
	case "", "utf-8", "us-ascii":
		return string(raw), true
	}
	r, err := charset.Reader(name, bytes.NewReader(raw))
	if err != nil {
		return "", false
	}
	out, _ := io.ReadAll(r) // what could be decoded before an error is searched
	return string(out), true
}

// decodedText gives a text part in UTF-8, as well as it can: of an unknown encoding nothing,
// of an unknown charset what it is as UTF-8.
func (e *entity) decodedText() string {
	raw := e.body
	switch strings.ToLower(e.lastEncoding()) {
	case "7bit", "8bit", "binary":
	case "base64":
		raw = decodeBase64(raw)
	case "quoted-printable":
		raw = decodeQuoted(raw)
	default:
		return ""
	}
	if text, ok := toUTF8(e.param("charset"), raw); ok {
		return text
	}
	return string(raw)
}

// decodeBase64 decodes up to the first octet that does not belong there.
func decodeBase64(raw []byte) []byte {
	clean := make([]byte, 0, len(raw))
	for _, c := range raw {
		if strings.IndexByte(" \t\r\n", c) >= 0 {
			continue
		}
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '+' && c != '/' {
			break
		}
		clean = append(clean, c)
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean) // only the last bits can be wrong, and are not used
	return out[:n]
}

// decodeQuoted decodes quoted-printable; what is no escape stays as it is.
func decodeQuoted(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '=' {
			out = append(out, raw[i])
			continue
		}
		rest := raw[i+1:]
		if soft := bytes.TrimLeft(rest, " \t"); len(soft) == 0 || bytes.HasPrefix(soft, []byte("\r\n")) {
			i += len(rest) - len(soft) + min(2, len(soft))
			continue
		}
		if len(rest) >= 2 {
			if v, err := strconv.ParseUint(string(rest[:2]), 16, 8); err == nil {
				out = append(out, byte(v))
				i += 2
				continue
			}
		}
		out = append(out, '=')
	}
	return out
}
