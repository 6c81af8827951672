package response

import (
	"bytes"
	"strings"
)

// Status is what stands behind OK, NO, BAD, BYE or PREAUTH.
type Status struct {
	Code               string // upper case; empty if there is none
	CodeArgs           []byte // what follows the code's name and a space
	CodeStart, CodeEnd int    // of the code between its brackets, in what was parsed
	Text               string
}

// ParseStatus never fails: what is no code is text.
//
//	resp-text      = ["[" resp-text-code "]" SP] [text]
//	resp-text-code = "ALERT" / … / atom [SP 1*<any TEXT-CHAR except "]">]
func ParseStatus(rest []byte) Status {
	i := 0
	for i < len(rest) && rest[i] == ' ' {
		i++
	}
	text := bytes.TrimRight(rest[i:], "\r\n")
	end := bytes.IndexByte(text, ']')
	if end < 2 || text[0] != '[' || text[1] == ' ' {
		return Status{Text: string(text)}
	}
	code, args, _ := bytes.Cut(text[1:end], []byte(" "))
	return Status{
		Code: strings.ToUpper(string(code)), CodeArgs: args, CodeStart: i + 1, CodeEnd: i + end,
		Text: strings.TrimLeft(string(text[end+1:]), " "),
	}
}
