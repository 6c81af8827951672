package imap

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// CanonicalMailbox gives INBOX in upper case, every other name as it is (rfc3501 §5.1: only
// INBOX is the same in every case).
func CanonicalMailbox(name string) string {
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

// utf7 is the alphabet of rfc3501 §5.1.3: that of base64 with "," for "/", without padding.
var utf7 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)

// DecodeMailbox gives the UTF-8 of a name in modified UTF-7 (rfc3501 §5.1.3). What is not
// exactly what EncodeMailbox would write (8-bit octets, ASCII that need not have been encoded,
// bits that nobody needs, half a surrogate) is given as it is: no two well-formed names become
// one, and what a wrong one names is the backend's to say.
func DecodeMailbox(name string) string {
	if !strings.Contains(name, "&") {
		return name
	}
	if out, ok := decodeUTF7(name); ok && EncodeMailbox(out) == name {
		return out
	}
	return name
}

// decodeUTF7 decodes with little care; its caller compares what comes out.
func decodeUTF7(name string) (string, bool) {
	var out strings.Builder
	for rest := name; rest != ""; {
		plain, shifted, found := strings.Cut(rest, "&")
		out.WriteString(plain)
		if !found {
			break
		}
		var enc string
		if enc, rest, found = strings.Cut(shifted, "-"); !found {
			return "", false
		}
		if enc == "" {
			out.WriteByte('&')
			continue
		}
		raw, err := utf7.DecodeString(enc)
		if err != nil || len(raw)%2 != 0 {
			return "", false
		}
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
		}
		out.WriteString(string(utf16.Decode(units)))
	}
	return out.String(), true
}

// EncodeMailbox gives the modified UTF-7 of a name: "&" becomes "&-", printable ASCII stays,
// runs of all else become "&", base64 of their UTF-16, "-". A name that is not UTF-8 is given
// as it is.
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
