package imap

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Capabilities is what a server said it can do, in its order and case.
type Capabilities []string

// ParseCapabilities splits a list at its spaces.
func ParseCapabilities(s string) Capabilities { return strings.Fields(s) }

// Has reports whether the list holds the name, without regard to case.
func (c Capabilities) Has(name string) bool {
	for _, x := range c {
		if strings.EqualFold(x, name) {
			return true
		}
	}
	return false
}

// String gives the list as it is written.
func (c Capabilities) String() string { return strings.Join(c, " ") }

// AppendString appends s as a quoted string, or as a literal where it cannot be quoted.
//
//	string = quoted / literal
func AppendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c == 0 || c == '\r' || c == '\n' || c >= 0x80 {
			b = append(b, '{')
			b = strconv.AppendInt(b, int64(len(s)), 10)
			b = append(b, "}\r\n"...)
			return append(b, s...)
		}
	}
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// AppendNString is AppendString with NIL for nothing.
func AppendNString(b []byte, s string, ok bool) []byte {
	if !ok {
		return append(b, "NIL"...)
	}
	return AppendString(b, s)
}

// CanonicalMailbox gives INBOX in upper case, every other name as it is (rfc3501 §5.1).
func CanonicalMailbox(name string) string {
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

var utf7 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)

// DecodeMailbox gives the UTF-8 of a name in modified UTF-7 (rfc3501 §5.1.3). What is not
// well-formed is given as it is: the backend decides what it names.
func DecodeMailbox(name string) string {
	var out strings.Builder
	for rest := name; rest != ""; {
		before, after, found := strings.Cut(rest, "&")
		out.WriteString(before)
		if !found {
			break
		}
		enc, after, found := strings.Cut(after, "-")
		if !found {
			return name
		}
		if enc == "" {
			out.WriteByte('&')
		} else {
			raw, err := utf7.DecodeString(enc)
			if err != nil || len(raw)%2 != 0 {
				return name
			}
			units := make([]uint16, len(raw)/2)
			for i := range units {
				units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
			}
			for _, r := range utf16.Decode(units) {
				if r == utf8.RuneError {
					return name
				}
				out.WriteRune(r)
			}
		}
		rest = after
	}
	return out.String()
}

// EncodeMailbox gives the modified UTF-7 of a name. Octets that are no UTF-8 are left as they are.
func EncodeMailbox(name string) string {
	if !utf8.ValidString(name) {
		return name
	}
	var out strings.Builder
	var pending []rune
	flush := func() {
		if len(pending) == 0 {
			return
		}
		var raw []byte
		for _, u := range utf16.Encode(pending) {
			raw = append(raw, byte(u>>8), byte(u))
		}
		out.WriteString("&" + utf7.EncodeToString(raw) + "-")
		pending = pending[:0]
	}
	for _, r := range name {
		switch {
		case r == '&':
			flush()
			out.WriteString("&-")
		case 0x20 <= r && r <= 0x7e:
			flush()
			out.WriteRune(r)
		default:
			pending = append(pending, r)
		}
	}
	flush()
	return out.String()
}
