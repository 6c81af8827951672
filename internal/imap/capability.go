package imap

import "strings"

// Capabilities is what a server said it can do, in its order and case.
type Capabilities []string

// ParseCapabilities splits a list at its spaces. Names are not checked: a list is as long as
// the response that it was in.
func ParseCapabilities(s string) Capabilities { return strings.Fields(s) }

// Has reports whether the list holds the name, without regard to case (rfc3501 §9: strings in
// the ABNF are).
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
