package message

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// filterNames are the filters that there are.
func filterNames() []string {
	return []string{
		"append", "capitalize", "default", "downcase", "lstrip", "prepend", "remove", "remove_first", "replace",
		"replace_first", "rstrip", "size", "strip", "truncate", "upcase", "url_encode",
	}
}

// filterNamed gives a filter and how many arguments it takes; nil if there is none. A filter
// gives its value and the octets that it made, or would have to make: it makes none if they
// are more than a message can hold.
func filterNamed(name string) (least, most int, f func(v string, args []string) (string, int)) {
	simple := func(g func(string) string) func(string, []string) (string, int) {
		return func(v string, _ []string) (string, int) {
			v = g(v)
			return v, len(v)
		}
	}
	switch name {
	case "default":
		return 1, 1, func(v string, a []string) (string, int) {
			if !truth(v) {
				return a[0], len(a[0])
			}
			return v, len(v)
		}
	case "upcase":
		return 0, 0, simple(strings.ToUpper)
	case "downcase":
		return 0, 0, simple(strings.ToLower)
	case "capitalize":
		return 0, 0, simple(func(v string) string {
			_, n := utf8.DecodeRuneInString(v)
			return strings.ToUpper(v[:n]) + v[n:]
		})
	case "strip":
		return 0, 0, simple(strings.TrimSpace)
	case "lstrip":
		return 0, 0, simple(func(v string) string { return strings.TrimLeft(v, " \t\r\n") })
	case "rstrip":
		return 0, 0, simple(func(v string) string { return strings.TrimRight(v, " \t\r\n") })
	case "url_encode":
		return 0, 0, simple(url.QueryEscape)
	case "size":
		return 0, 0, simple(func(v string) string { return strconv.Itoa(utf8.RuneCountInString(v)) })
	case "append":
		return 1, 1, func(v string, a []string) (string, int) { return join(v, a[0]) }
	case "prepend":
		return 1, 1, func(v string, a []string) (string, int) { return join(a[0], v) }
	case "replace":
		return 2, 2, func(v string, a []string) (string, int) { return replace(v, a[0], a[1], -1) }
	case "replace_first":
		return 2, 2, func(v string, a []string) (string, int) { return replace(v, a[0], a[1], 1) }
	case "remove":
		return 1, 1, func(v string, a []string) (string, int) { return replace(v, a[0], "", -1) }
	case "remove_first":
		return 1, 1, func(v string, a []string) (string, int) { return replace(v, a[0], "", 1) }
	case "truncate":
		return 0, 2, truncate
	}
	return 0, 0, nil
}

func join(a, b string) (string, int) {
	if n := len(a) + len(b); n > MaxRendered {
		return "", maxWork + 1
	}
	return a + b, len(a) + len(b)
}

// replace replaces n times, or always if n is negative. An empty text is nowhere.
func replace(v, old, with string, n int) (string, int) {
	if old == "" {
		return v, len(v)
	}
	times := strings.Count(v, old)
	if n >= 0 {
		times = min(times, n)
	}
	size := len(v) + times*(len(with)-len(old))
	if size > MaxRendered {
		return "", maxWork + 1
	}
	return strings.Replace(v, old, with, n), max(size, len(v))
}

// truncate shortens to a number of characters (50), dots (or the second argument) included.
func truncate(v string, a []string) (string, int) {
	n, dots := 50, "..."
	if len(a) > 0 {
		if k, err := strconv.Atoi(a[0]); err == nil {
			n = k
		}
	}
	if len(a) == 2 {
		dots = a[1]
	}
	if len(v) <= n || utf8.RuneCountInString(v) <= n {
		return v, len(v)
	}
	keep := max(n-utf8.RuneCountInString(dots), 0)
	for i := range v {
		if keep == 0 {
			v = v[:i]
			break
		}
		keep--
	}
	return v + dots, len(v) + len(dots)
}
