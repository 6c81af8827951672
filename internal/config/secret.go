package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// secretFile reads the secret `base` from the file that `key` names.
func (r *reader) secretFile(key string, line int, base string, v secretValue, n *unstable.Node) {
	if n.Kind != unstable.String {
		r.errs.add(key, line, "must be a string, not %s", kindName(n.Kind))
		return
	}
	name := string(n.Data)
	data, err := r.env.ReadFile(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		r.errs.add(key, line, "the file %s does not exist", quote(name))
	case errors.Is(err, os.ErrPermission):
		r.errs.add(key, line, "the file %s may not be read", quote(name))
	case err != nil:
		r.errs.add(key, line, "the file %s cannot be read: %v", quote(name), err)
	default:
		s := strings.TrimRight(string(data), "\r\n")
		if s == "" {
			r.errs.add(key, line, "the file %s is empty", quote(name))
		} else if err := v.put(s); err != nil {
			r.errs.add(key, line, "the secret in %s %v", quote(name), err)
		}
	}
	r.given[key] = line
}

// EnvName is the variable that a secret may come from.
func EnvName(key string) string {
	return "INLAY_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

// environment reads the secrets that are in the environment. It comes after the file, and sees
// to it that each has one source.
func (r *reader) environment() {
	for _, s := range r.list {
		if _, ok := s.val.(secretValue); !ok {
			continue
		}
		base, file := r.given[s.key], r.given[s.key+"-file"]
		if base != 0 && file > base {
			r.errs.add(s.key+"-file", file, "is given, and so is %s: give one", s.key)
		} else if base != 0 && file != 0 {
			r.errs.add(s.key, base, "is given, and so is %s-file: give one", s.key)
		}
		v := r.env.Getenv(EnvName(s.key))
		if v == "" {
			continue
		}
		if line := max(base, file); line != 0 {
			r.errs.add(s.key, line, "is given, and so is %s in the environment: give one", EnvName(s.key))
			continue
		}
		if err := s.val.(secretValue).put(v); err != nil {
			r.errs.add(s.key, r.place(s.key), "the secret in %s %v", EnvName(s.key), err)
		}
	}
}

// EnvNames lists the variables that are looked at, sorted.
func EnvNames() []string {
	var out []string
	for _, s := range settings(new(Config)) {
		if _, ok := s.val.(secretValue); ok {
			out = append(out, EnvName(s.key))
		}
	}
	slices.Sort(out)
	return out
}

// place is the line to look at for a key that may not be in the file.
func (r *reader) place(key string) int {
	for _, k := range []string{key, key + "-file"} {
		if line := r.lines[k]; line != 0 {
			return line
		}
	}
	for t := key; strings.Contains(t, "."); {
		t = t[:strings.LastIndexByte(t, '.')]
		if line := r.tables[t]; line != 0 {
			return line
		}
	}
	if line := r.lines["roles"]; line != 0 {
		return line
	}
	return 1
}

func (r *reader) fail(key, format string, args ...any) {
	r.errs.add(key, r.place(key), "%s", fmt.Sprintf(format, args...))
}

// missing says that there is no secret, unless something was wrong already with where it, or
// another that would do, comes from.
func (r *reader) missing(what, key string, others ...string) {
	for _, k := range append(others, key) {
		if slices.ContainsFunc(r.errs.List, func(e Error) bool { return e.Key == k || e.Key == k+"-file" }) {
			return
		}
	}
	r.fail(key, "%s", what)
}
