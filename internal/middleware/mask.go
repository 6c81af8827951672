package middleware

import (
	"fmt"
	"slices"
	"strings"
)

// mask stands for a secret in everything that is read. Put back, it means "as it was".
const mask = "********"

// isSecret tells from a field's name whether its value must not be shown. Fields that nobody
// here knows are kept and returned too, so the names are taken generously.
func isSecret(key string) bool {
	key = strings.ToLower(key)
	for _, s := range [...]string{"secret", "password", "passwd", "passphrase", "token", "privatekey", "apikey", "credential"} {
		if strings.Contains(key, s) {
			return true
		}
	}
	return false
}

// isAddress tells whether a field says where, or as what, a secret is used.
func isAddress(key string) bool {
	switch strings.ToLower(key) {
	case "id", "type", "endpoint", "host", "port", "url", "uri", "address":
		return true
	}
	return false
}

// masked returns a copy of a JSON tree without its secrets. What lies within a secret is one.
func masked(v any) any { return maskedWithin(v, false) }

func maskedWithin(v any, secret bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, inner := range v {
			out[k] = maskedWithin(inner, secret || isSecret(k))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = maskedWithin(inner, secret)
		}
		return out
	}
	if secret && isScalar(v) {
		return mask
	}
	return v
}

func isScalar(v any) bool {
	switch v := v.(type) {
	case nil, map[string]any, []any:
		return false
	case string:
		return v != ""
	}
	return true
}

// unmask puts the secrets of the former list back where the new one has the mask. Elements
// are recognised by id. Where an element has a mask, nothing that says where the secret goes
// may have changed: else whoever may write, but not read secrets, could have them sent to an
// address of his own.
func unmask(list, former []any, path string) error {
	var c checker
	for i, e := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		masks := leaves(e, at, isSecret)
		masks = slices.DeleteFunc(masks, func(l leaf) bool { return l.value != mask })
		if len(masks) == 0 {
			continue
		}
		at, old := fmt.Sprintf("%s[%d]", path, i), element(former, e)
		if old == nil {
			for _, l := range masks {
				c.fail(l.path, "is masked, and there was no element of this id before: give the secret itself")
			}
			continue
		}
		if !sameAddresses(e, old, at) {
			for _, l := range masks {
				c.fail(l.path, "is masked, and the address that the secret is for has changed: give the secret itself")
			}
			continue
		}
		secrets := map[string]any{}
		for _, l := range leaves(old, at, isSecret) {
			secrets[l.path] = l.value
		}
		for _, l := range masks {
			secret, ok := secrets[l.path]
			if !ok {
				c.fail(l.path, "is masked, and was not set before: give the secret itself")
				continue
			}
			l.set(secret)
		}
	}
	return c.err()
}

// element finds the element with the id of e.
func element(list []any, e any) any {
	o, ok := e.(map[string]any)
	if !ok {
		return nil
	}
	id, ok := o["id"].(string)
	if !ok {
		return nil
	}
	for _, other := range list {
		if oo, ok := other.(map[string]any); ok && oo["id"] == id {
			return other
		}
	}
	return nil
}

func sameAddresses(a, b any, at string) bool {
	was := map[string]any{}
	for _, l := range leaves(b, at, isAddress) {
		was[l.path] = l.value
	}
	now := leaves(a, at, isAddress)
	if len(now) != len(was) {
		return false
	}
	for _, l := range now {
		old, ok := was[l.path]
		if !ok || old != l.value {
			return false
		}
	}
	return true
}

// leaf is a scalar in a JSON tree and where it is.
type leaf struct {
	path  string
	value any
	set   func(any)
}

// leaves collects the scalars that match by their name, or lie within something that does.
func leaves(v any, at string, match func(key string) bool) []leaf {
	return leavesWithin(v, at, match, false)
}

func leavesWithin(v any, at string, match func(key string) bool, within bool) []leaf {
	var out []leaf
	visit := func(inner any, path string, matches bool, set func(any)) {
		if matches && isScalar(inner) {
			out = append(out, leaf{path, inner, set})
		}
		out = append(out, leavesWithin(inner, path, match, matches)...)
	}
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			visit(inner, at+"."+k, within || match(k), func(to any) { v[k] = to })
		}
	case []any:
		for i, inner := range v {
			visit(inner, fmt.Sprintf("%s[%d]", at, i), within, func(to any) { v[i] = to })
		}
	}
	return out
}
