package laws

import (
	"fmt"
	"strconv"
	"strings"
)

// item is "NAME value" of a FETCH response.
type item struct{ name, value string }

// fetchItems takes "(NAME value NAME value …)" apart. Values are kept as they were written.
func fetchItems(s string) ([]item, error) {
	s, ok := strings.CutPrefix(s, "(")
	if !ok {
		return nil, fmt.Errorf("no list")
	}
	var out []item
	for s != ")" {
		s = strings.TrimPrefix(s, " ")
		end, depth := 0, 0
		for ; end < len(s) && (s[end] != ' ' || depth > 0); end++ {
			switch s[end] {
			case '[':
				depth++
			case ']':
				depth--
			}
		}
		if end == len(s) {
			return nil, fmt.Errorf("an item without a value")
		}
		name := s[:end]
		n, err := valueLength(s[end+1:])
		if err != nil {
			return nil, err
		}
		out = append(out, item{name, s[end+1 : end+1+n]})
		s = s[end+1+n:]
	}
	return out, nil
}

// valueLength is how long the value is that s begins with.
func valueLength(s string) (int, error) {
	at := 0
	if strings.HasPrefix(s, "~{") { // rfc3516 §3: literal8
		at = 1
	}
	switch {
	case s == "":
		return 0, fmt.Errorf("no value")
	case s[0] == '"':
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case '"':
				return i + 1, nil
			}
		}
	case s[at] == '{':
		i := strings.Index(s, "}\r\n")
		if i < 0 {
			break
		}
		n, err := strconv.Atoi(s[at+1 : i])
		if err != nil || i+3+n > len(s) {
			return 0, fmt.Errorf("literal of %q", s[at+1:i])
		}
		return i + 3 + n, nil
	case s[0] == '(':
		for i := 1; i < len(s); {
			switch s[i] {
			case ' ':
				i++
			case ')':
				return i + 1, nil
			default:
				n, err := valueLength(s[i:])
				if err != nil {
					return 0, err
				}
				i += n
			}
		}
	default:
		if i := strings.IndexAny(s, " )"); i > 0 {
			return i, nil
		}
	}
	return 0, fmt.Errorf("an open value: %.50q", s)
}

// numbered takes "* 12 NAME rest" apart.
func numbered(response string) (n uint32, name, rest string, ok bool) {
	s, ok := strings.CutPrefix(response, "* ")
	if !ok || s == "" || s[0] < '0' || s[0] > '9' {
		return 0, "", "", false
	}
	digits, s, ok := strings.Cut(s, " ")
	if !ok {
		return 0, "", "", false
	}
	v, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0, "", "", false
	}
	s = strings.TrimSuffix(s, "\r\n")
	name, rest, _ = strings.Cut(s, " ")
	return uint32(v), strings.ToUpper(name), rest, true
}

// code gives the arguments of a response code, "[APPENDUID 1 2]", in a status response.
func code(text, name string) (args []string, ok bool) {
	i := strings.Index(text, "["+name+" ")
	if i < 0 {
		return nil, false
	}
	inner, _, ok := strings.Cut(text[i+len(name)+2:], "]")
	return strings.Fields(inner), ok
}

// verb gives a command's name without UID, in upper case, and what follows.
func verb(text string) (name string, uid bool, rest string) {
	name, rest, _ = strings.Cut(text, " ")
	name = strings.ToUpper(name)
	if name == "UID" {
		name, rest, _ = strings.Cut(rest, " ")
		return strings.ToUpper(name), true, rest
	}
	return name, false, rest
}
