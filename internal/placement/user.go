package placement

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"inlay.example/inlay/internal/fault"
)

// MaxUser is the greatest length of a login name in octets, before and after normalisation.
const MaxUser = 320

// NormaliseUser gives the name under which everything about a person is kept: lower case,
// and with "@domain" appended when the name has no "@" and domain is not empty.
//
// It is idempotent. Whoever writes names and whoever looks them up must use the same domain;
// so the middleware keeps it with a tenant's data. Invalid: an empty name, one that is not
// UTF-8 or has control characters; TooLarge: one beyond MaxUser.
func NormaliseUser(name, domain string) (string, error) {
	if name == "" {
		return "", fault.New(fault.Invalid, "the user name is empty")
	}
	if len(name) > MaxUser {
		return "", fault.New(fault.TooLarge, "the user name is longer than %d octets", MaxUser)
	}
	if !utf8.ValidString(name) {
		return "", fault.New(fault.Invalid, "the user name is not UTF-8")
	}
	if strings.IndexFunc(name, unicode.IsControl) >= 0 {
		return "", fault.New(fault.Invalid, "the user name has control characters")
	}
	user := strings.ToLower(name)
	if domain != "" && !strings.Contains(user, "@") {
		user += "@" + strings.ToLower(domain)
	}
	if len(user) > MaxUser { // a few letters grow in lower case
		return "", fault.New(fault.TooLarge, "the user name is longer than %d octets", MaxUser)
	}
	return user, nil
}
