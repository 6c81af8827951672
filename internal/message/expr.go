package message

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"inlay.example/inlay/internal/fault"
)

// expr is a value with filters.
type expr struct {
	variable string // empty: text is it
	text     string
	filters  []filter
	where    string // of the variable, for errors
}

type filter struct {
	name string
	args []expr
	f    func(v string, args []string) (string, int)
}

// last is the name of the last filter.
func (e expr) last() string {
	if len(e.filters) == 0 {
		return ""
	}
	return e.filters[len(e.filters)-1].name
}

// hasDefault reports whether a missing variable has something to stand for it.
func (e expr) hasDefault() bool {
	for _, f := range e.filters {
		if f.name == "default" {
			return true
		}
	}
	return false
}

func (e expr) eval(r *rendering) (string, error) {
	v, err := e.value(r)
	if err != nil {
		return "", err
	}
	for _, f := range e.filters {
		var args [2]string
		for i, a := range f.args {
			if args[i], err = a.value(r); err != nil {
				return "", err
			}
		}
		var size int
		if v, size = f.f(v, args[:len(f.args)]); size > r.left.work {
			return "", fault.New(fault.TooLarge, "the filter %s in %s makes too much text", f.name, e.where)
		}
		r.left.work -= size
	}
	return v, nil
}

// value is the value before the filters.
func (e expr) value(r *rendering) (string, error) {
	if e.variable == "" {
		return e.text, nil
	}
	v, ok := r.vars[e.variable]
	if !ok && !e.hasDefault() {
		return "", fault.New(fault.Invalid, "the variable %s in %s has no value and no default", e.variable, e.where)
	}
	return clean(v), nil
}

// asked is the value for a condition: of what is missing, nothing.
func (e expr) asked(r *rendering) string {
	if e.variable == "" {
		return e.text
	}
	return clean(r.vars[e.variable])
}

// clean takes out of a value what no message can hold: octets that are no UTF-8, and control
// characters but for tabs and line ends, which become line feeds.
func clean(v string) string {
	for i := range len(v) {
		if c := v[i]; c < 0x20 && c != '\n' && c != '\t' || c >= 0x7f {
			return cleaned(v)
		}
	}
	return v
}

func cleaned(v string) string {
	v = strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(v, "\uFFFD"), "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, v)
}

// expr = value *("|" filter [":" value *("," value)])
func (c *compiler) expr(toks []token) (e expr, rest []token, err error) {
	at := toks[0].at
	if e, rest, err = c.value(toks); err != nil {
		return e, nil, err
	}
	for rest[0].kind == signToken && rest[0].text == "|" {
		if len(e.filters) == maxFilters {
			return e, nil, c.errorf(rest[0].at, "more than %d filters", maxFilters)
		}
		var f filter
		if f, rest, err = c.filter(rest[1:]); err != nil {
			return e, nil, err
		}
		e.filters = append(e.filters, f)
	}
	return e, rest, c.note(e, at, !e.hasDefault())
}

// note records that a variable is asked for.
func (c *compiler) note(e expr, at int, required bool) error {
	if e.variable == "" {
		return nil
	}
	line, column := c.position(at)
	err := c.vars.note(Variable{Name: e.variable, Required: required && !c.known[e.variable], Where: c.where, Line: line, Column: column})
	if err != nil {
		return c.errorf(at, "%v", err)
	}
	return nil
}

func (c *compiler) filter(toks []token) (f filter, rest []token, err error) {
	name := toks[0]
	if name.kind != nameToken {
		return f, nil, c.errorf(name.at, "the name of a filter expected")
	}
	least, most, apply := filterNamed(name.text)
	if apply == nil {
		hint := ""
		if near := nearest(name.text, filterNames()); near != "" {
			hint = fmt.Sprintf(": %s?", near)
		}
		return f, nil, c.errorf(name.at, "unknown filter %q%s", name.text, hint)
	}
	f, rest = filter{name: name.text, f: apply}, toks[1:]
	for sep := ":"; rest[0].kind == signToken && rest[0].text == sep; sep = "," {
		at := rest[1].at
		var a expr
		if a, rest, err = c.value(rest[1:]); err != nil {
			return f, nil, err
		}
		if err := c.note(a, at, true); err != nil {
			return f, nil, err
		}
		f.args = append(f.args, a)
	}
	if n := len(f.args); n < least || n > most {
		return f, nil, c.errorf(name.at, "the filter %s takes %s, not %d", f.name, arguments(least, most), n)
	}
	if f.name == "truncate" && len(f.args) > 0 && f.args[0].variable == "" {
		if _, err := strconv.Atoi(f.args[0].text); err != nil {
			return f, nil, c.errorf(name.at, "the filter truncate takes a number of characters")
		}
	}
	return f, rest, nil
}

func arguments(least, most int) string {
	switch {
	case most == 0:
		return "no arguments"
	case least == most && most == 1:
		return "1 argument"
	case least == most:
		return fmt.Sprintf("%d arguments", most)
	}
	return fmt.Sprintf("%d to %d arguments", least, most)
}

func (c *compiler) value(toks []token) (e expr, rest []token, err error) {
	t := toks[0]
	line, column := c.position(t.at)
	e.where = fmt.Sprintf("%s, line %d column %d", c.where, line, column)
	switch t.kind {
	case textToken:
		if !utf8.ValidString(t.text) {
			return e, nil, c.errorf(t.at, "the text is not UTF-8")
		}
		e.text = t.text
	case numberToken:
		e.text = t.text
	case nameToken:
		switch t.text {
		case "true":
			e.text = "true"
		case "false", "nil", "empty", "blank":
		default:
			e.variable = t.text
		}
	case endToken:
		return e, nil, c.errorf(t.at, "a variable or a text expected")
	default:
		return e, nil, c.errorf(t.at, "a variable or a text expected, not %q", t.text)
	}
	return e, toks[1:], nil
}
