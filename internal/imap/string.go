package imap

import "strconv"

// AppendString appends s as a quoted string, or as a synchronising literal where it cannot be
// quoted. It is what a server may say at any time; a client must wait for a continuation
// before it sends the octets of a literal.
//
//	string      = quoted / literal
//	quoted      = DQUOTE *QUOTED-CHAR DQUOTE
//	QUOTED-CHAR = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials
func AppendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c == 0 || c == '\r' || c == '\n' || c >= 0x80 {
			b = append(b, '{')
			b = strconv.AppendInt(b, int64(len(s)), 10)
			b = append(b, "}\r\n"...)
			return append(b, s...)
		}
	}
	return AppendQuoted(b, s)
}

// AppendQuoted appends s as a quoted string. It must hold no NUL, CR or LF. Octets from 0x80 on
// are quoted as they are: mailbox names and search strings with them are the peer's to judge,
// and a client need not wait for leave to send them, as with a literal.
func AppendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// AppendNString is AppendString with NIL where ok is false.
//
//	nstring = string / nil
func AppendNString(b []byte, s string, ok bool) []byte {
	if !ok {
		return append(b, "NIL"...)
	}
	return AppendString(b, s)
}
