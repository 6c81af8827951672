package middleware

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"inlay.example/inlay/internal/fault"
)

// maxText is the greatest length of a text in a tenant's document, in octets.
const maxText = 4096

// checker reads a JSON tree by exact names and collects what is wrong. (Decoding into structs
// would take "SecretKey" for "secretKey", and masking would then overlook it.)
type checker struct{ errs fault.Fields }

func (c *checker) fail(field, detail string) {
	c.errs = append(c.errs, fault.Field{Field: field, Detail: detail})
}

func (c *checker) failed(field string) bool {
	for _, e := range c.errs {
		if e.Field == field {
			return true
		}
	}
	return false
}

func (c *checker) err() error { return c.errs.Err() }

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// text reads a string that must not be empty.
func (c *checker) text(o map[string]any, at, key string) string {
	s := c.optional(o, at, key)
	if s == "" && !c.failed(join(at, key)) {
		c.fail(join(at, key), "must be a string that is not empty")
	}
	return s
}

// secret reads a string that must not be empty and not the mask that hides it.
func (c *checker) secret(o map[string]any, at, key string) string {
	s := c.text(o, at, key)
	if s == mask {
		c.fail(join(at, key), "is the mask that stands for a secret, not a secret")
	}
	return s
}

func (c *checker) optional(o map[string]any, at, key string) string {
	v, ok := o[key]
	if !ok || v == nil {
		return ""
	}
	s, ok := v.(string)
	switch {
	case !ok:
		c.fail(join(at, key), "must be a string")
	case len(s) > maxText:
		c.fail(join(at, key), fmt.Sprintf("is longer than %d octets", maxText))
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		c.fail(join(at, key), "has characters that are not allowed")
	default:
		return s
	}
	return ""
}

func (c *checker) flag(o map[string]any, at, key string) bool {
	v, ok := o[key]
	if !ok || v == nil {
		return false
	}
	b, ok := v.(bool)
	if !ok {
		c.fail(join(at, key), "must be true or false")
	}
	return b
}

func (c *checker) object(o map[string]any, at, key string) map[string]any {
	inner, ok := o[key].(map[string]any)
	if !ok {
		c.fail(join(at, key), "must be an object")
	}
	return inner
}

func (c *checker) list(o map[string]any, key string) []any {
	inner, ok := o[key].([]any)
	if !ok {
		c.fail(key, "must be a list")
	}
	return inner
}

// unique reads an id that no other element of the list has.
func (c *checker) unique(o map[string]any, at string, ids map[string]bool) string {
	id := c.text(o, at, "id")
	if id != "" && ids[id] {
		c.fail(at+".id", "is used twice")
	}
	ids[id] = true
	return id
}
