package config

import (
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Value is a setting that comes from somewhere else than a file, as a command line.
type Value struct {
	Key  string // of the setting, except "roles"
	Name string // what messages call it, as "--imap"
	Text string // as it would be in the file, without quotes
}

// Make returns a configuration of defaults and values, checked like a file. The error is
// *Errors, with the values' names for keys and lines of 0.
func Make(of []Role, values []Value) (Config, error) {
	var c Config
	r := newReader("", settings(&c), Env{})
	c.Roles = of
	for _, v := range values {
		n := &unstable.Node{Kind: unstable.String, Data: []byte(v.Text)}
		if _, ok := r.table[v.Key].val.(flag); ok {
			n.Kind = unstable.Bool
		}
		if err := r.table[v.Key].val.set(n); err != nil {
			r.errs.add(v.Key, 0, "%v", err)
		}
	}
	r.together(&c)
	// The longest key first, since one may be the beginning of another.
	var pairs []string
	for most := 64; most > 0; most-- {
		for _, v := range values {
			if len(v.Key) == most {
				pairs = append(pairs, v.Key, v.Name)
			}
		}
	}
	names := strings.NewReplacer(pairs...)
	for i, e := range r.errs.List {
		r.errs.List[i] = Error{Key: names.Replace(e.Key), Message: names.Replace(e.Message)}
	}
	return c, r.errs.result()
}
