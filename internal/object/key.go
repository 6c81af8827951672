package object

import (
	"strings"
	"unicode/utf8"

	"inlay.example/inlay/internal/fault"
)

// MaxKey is the greatest length of a key in octets.
const MaxKey = 1024

// Validate says what is wrong with a key, as Invalid.
func (k Key) Validate() error {
	s := string(k)
	switch {
	case s == "" || len(s) > MaxKey:
		return fault.New(fault.Invalid, "an object key has 1 to %d octets", MaxKey)
	case !utf8.ValidString(s):
		return fault.New(fault.Invalid, "object key %q is not UTF-8", s)
	}
	for _, r := range s {
		if r < 0x20 || r == 0x7f || r == '\\' {
			return fault.New(fault.Invalid, "object key %q has a control character or a backslash", s)
		}
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || part == "." || part == ".." {
			return fault.New(fault.Invalid, "object key %q has a part that is empty, . or ..", s)
		}
	}
	return nil
}
