package config

import (
	"bytes"
	"fmt"
	"strings"
)

// PrintDefaults returns a file with every setting at its default, commented. It parses to
// Defaults, but for what is required and has none; see the file's first lines.
func PrintDefaults() []byte {
	c := Defaults()
	var b bytes.Buffer
	b.WriteString("# Configuration of Inlay, with every setting at its default. What is not set here keeps its\n" +
		"# default, so a file of one's own holds only what differs.\n" +
		"#\n" +
		"# Secrets can be in the file, in a file of their own (token-file = \"/etc/inlay/token\") or in the\n" +
		"# environment, but in one place only. Check a file with: inlay config check FILE\n\n")
	table := ""
	for _, s := range settings(&c) {
		name := s.key
		if i := strings.LastIndexByte(s.key, '.'); i >= 0 {
			name = s.key[i+1:]
			if t := s.key[:i]; t != table {
				table = t
				fmt.Fprintf(&b, "\n[%s]\n", table)
			}
		}
		if s.doc != "" {
			b.WriteString("# " + strings.ReplaceAll(s.doc, "\n", "\n# ") + "\n")
		}
		fmt.Fprintf(&b, "%s = %s\n", name, s.val.print())
	}
	return b.Bytes()
}

// Setting is a setting as documentation shows it.
type Setting struct{ Key, Default, Doc string }

// Reference lists all settings, in the order of the file.
func Reference() []Setting {
	c := Defaults()
	var out []Setting
	for _, s := range settings(&c) {
		out = append(out, Setting{Key: s.key, Default: s.val.print(), Doc: strings.ReplaceAll(s.doc, "\n", " ")})
	}
	return out
}
