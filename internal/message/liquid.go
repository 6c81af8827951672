package message

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// node of a compiled text.
type node interface {
	render(r *rendering) error
}

// literal is text as it stands.
type literal string

// output is {{ expression }}, escaped for the place where it stands.
type output struct {
	expr   expr
	escape func(string) string
}

// condition is {% if %} … {% elsif %} … {% else %} … {% endif %}.
type condition struct {
	branches []branch
}

type branch struct {
	test test // nil: else
	body []node
}

// expr is a value with filters.
type expr struct {
	variable string // empty: text is it
	text     string
	filters  []filter
	line     int
	column   int
}

type filter struct {
	name string
	args []expr
}

// test is a condition: comparisons joined by and/or, evaluated from the right as Liquid does.
type test func(r *rendering) (bool, error)

// rendering is one run of a template.
type rendering struct {
	vars  map[string]string
	out   strings.Builder
	limit int
}

func (r *rendering) write(s string) error {
	if r.out.Len()+len(s) > r.limit {
		return fmt.Errorf("the message is larger than %d octets", r.limit)
	}
	r.out.WriteString(s)
	return nil
}

func (l literal) render(r *rendering) error { return r.write(string(l)) }

func (o output) render(r *rendering) error {
	v, err := o.expr.eval(r)
	if err != nil {
		return err
	}
	return r.write(o.escape(v))
}

func (c condition) render(r *rendering) error {
	for _, b := range c.branches {
		ok := b.test == nil
		if !ok {
			var err error
			if ok, err = b.test(r); err != nil {
				return err
			}
		}
		if ok {
			return renderAll(b.body, r)
		}
	}
	return nil
}

func renderAll(nodes []node, r *rendering) error {
	for _, n := range nodes {
		if err := n.render(r); err != nil {
			return err
		}
	}
	return nil
}

// hasDefault reports whether a missing variable has something to stand for it.
func (e expr) hasDefault() bool {
	return slices.ContainsFunc(e.filters, func(f filter) bool { return f.name == "default" })
}

func (e expr) eval(r *rendering) (string, error) {
	v := e.text
	if e.variable != "" {
		var ok bool
		if v, ok = r.vars[e.variable]; !ok && !e.hasDefault() {
			return "", fmt.Errorf("variable %s has no value and no default", e.variable)
		}
	}
	for _, f := range e.filters {
		args := make([]string, len(f.args))
		for i, a := range f.args {
			var err error
			if args[i], err = a.eval(r); err != nil {
				return "", err
			}
		}
		v = filters[f.name].apply(v, args)
	}
	return v, nil
}

// filters are those that are understood, with how many arguments they take.
var filters = map[string]struct {
	min, max int
	apply    func(v string, args []string) string
}{
	"default": {1, 1, func(v string, a []string) string {
		if v == "" {
			return a[0]
		}
		return v
	}},
	"upcase":   {0, 0, func(v string, _ []string) string { return strings.ToUpper(v) }},
	"downcase": {0, 0, func(v string, _ []string) string { return strings.ToLower(v) }},
	"capitalize": {0, 0, func(v string, _ []string) string {
		_, n := utf8.DecodeRuneInString(v)
		return strings.ToUpper(v[:n]) + strings.ToLower(v[n:])
	}},
	"strip":      {0, 0, func(v string, _ []string) string { return strings.TrimSpace(v) }},
	"append":     {1, 1, func(v string, a []string) string { return v + a[0] }},
	"prepend":    {1, 1, func(v string, a []string) string { return a[0] + v }},
	"replace":    {2, 2, func(v string, a []string) string { return strings.ReplaceAll(v, a[0], a[1]) }},
	"remove":     {1, 1, func(v string, a []string) string { return strings.ReplaceAll(v, a[0], "") }},
	"url_encode": {0, 0, func(v string, _ []string) string { return url.QueryEscape(v) }},
	"size":       {0, 0, func(v string, _ []string) string { return strconv.Itoa(utf8.RuneCountInString(v)) }},
	"truncate": {1, 2, func(v string, a []string) string {
		dots := "..."
		if len(a) == 2 {
			dots = a[1]
		}
		n, err := strconv.Atoi(a[0])
		runes := []rune(v)
		if err != nil || len(runes) <= n {
			return v
		}
		return string(runes[:max(n-utf8.RuneCountInString(dots), 0)]) + dots
	}},
}

// context says how a tag must be escaped; it is told the text that stands before each tag.
type context interface {
	text(s string) error
	escaper() (func(string) string, error)
	state() string // comparable: branches must end in the state that they began with or agree on
	clone() context
}

// plain escapes nothing: text parts.
type plain struct{}

func (plain) text(string) error                     { return nil }
func (plain) escaper() (func(string) string, error) { return func(s string) string { return s }, nil }
func (plain) state() string                         { return "" }
func (p plain) clone() context                      { return p }

const (
	maxNodes     = 20_000 // tags and stretches of text in one part
	maxCondition = 50     // ifs within each other
)

// compiler turns the text of a part into nodes.
type compiler struct {
	src   string
	pos   int
	where string // "the subject", "the HTML part": for errors
	ctx   context
	vars  *variables

	tagArgs  string // of the tag that ended the last block
	tagStart int
	nodes    int
}

// variables collects what a template asks for.
type variables struct{ list []Variable }

// Variable is a name that a template asks for.
type Variable struct {
	Name         string
	Required     bool // somewhere it has no default and is not asked about before
	Where        string
	Line, Column int // of its first use, in Where
}

func (v *variables) note(name string, required bool, where string, line, column int) {
	for i := range v.list {
		if v.list[i].Name == name {
			if required && !v.list[i].Required {
				v.list[i] = Variable{name, true, where, line, column}
			}
			return
		}
	}
	v.list = append(v.list, Variable{name, required, where, line, column})
}

// compileText compiles src, which stands in where.
func compileText(src, where string, ctx context, vars *variables) ([]node, error) {
	c := &compiler{src: src, where: where, ctx: ctx, vars: vars}
	nodes, end, err := c.block(0, nil)
	if err == nil && end != "" {
		err = c.errorf(c.pos, "{%% %s %%} without its beginning", end)
	}
	return nodes, err
}

func (c *compiler) position(at int) (line, column int) {
	before := c.src[:min(at, len(c.src))]
	return strings.Count(before, "\n") + 1, len(before) - strings.LastIndexByte(before, '\n')
}

func (c *compiler) errorf(at int, format string, args ...any) error {
	line, column := c.position(at)
	return &SourceError{Where: c.where, Line: line, Column: column, Reason: fmt.Sprintf(format, args...)}
}

// SourceError says what is wrong at one place of a template's source.
type SourceError struct {
	Where        string // as "the header field Subject", "the HTML part"
	Line, Column int    // from 1, in Where after its transfer encoding is undone
	Reason       string
}

// Error gives place and reason.
func (e *SourceError) Error() string {
	return fmt.Sprintf("%s, line %d column %d: %s", e.Where, e.Line, e.Column, e.Reason)
}

// block compiles up to a tag of the words in until, which is returned with its arguments.
func (c *compiler) block(depth int, until []string) (nodes []node, end string, err error) {
	if depth > maxCondition {
		return nil, "", c.errorf(c.pos, "conditions nested more than %d deep", maxCondition)
	}
	for {
		if c.nodes++; c.nodes > maxNodes {
			return nil, "", c.errorf(c.pos, "more than %d tags", maxNodes)
		}
		rest := c.src[c.pos:]
		i := strings.Index(rest, "{")
		for i >= 0 && i+1 < len(rest) && rest[i+1] != '{' && rest[i+1] != '%' {
			j := strings.Index(rest[i+1:], "{")
			if j < 0 {
				i = -1
				break
			}
			i += 1 + j
		}
		if i < 0 || i+1 == len(rest) {
			i = len(rest)
		}
		if i > 0 {
			if err := c.ctx.text(rest[:i]); err != nil {
				return nil, "", c.errorf(c.pos, "%v", err)
			}
			nodes = append(nodes, literal(rest[:i]))
		}
		if i == len(rest) {
			c.pos = len(c.src)
			if until != nil {
				return nil, "", c.errorf(c.pos, "{%% %s %%} is missing", until[len(until)-1])
			}
			return nodes, "", nil
		}
		start := c.pos + i
		closing := map[byte]string{'{': "}}", '%': "%}"}[c.src[start+1]]
		k := closingAt(c.src[start+2:], closing)
		if k < 0 {
			return nil, "", c.errorf(start, "the tag has no end %q", closing)
		}
		inner := c.src[start+2 : start+2+k]
		c.pos = start + 2 + k + len(closing)
		if strings.HasPrefix(inner, "-") || strings.HasSuffix(inner, "-") {
			return nil, "", c.errorf(start, "whitespace control (-) is not supported")
		}
		if closing == "}}" {
			n, err := c.output(inner, start)
			if err != nil {
				return nil, "", err
			}
			nodes = append(nodes, n)
			continue
		}
		word, args, _ := strings.Cut(strings.TrimSpace(inner), " ")
		switch {
		case slices.Contains(until, word):
			c.tagArgs, c.tagStart = args, start
			return nodes, word, nil
		case word == "if" || word == "unless":
			n, err := c.condition(word, args, start, depth)
			if err != nil {
				return nil, "", err
			}
			nodes = append(nodes, n)
		case word == "comment" || word == "raw":
			e := strings.Index(c.src[c.pos:], "{% end"+word+" %}")
			if e < 0 {
				return nil, "", c.errorf(start, "{%% end%s %%} is missing", word)
			}
			if word == "raw" {
				text := c.src[c.pos : c.pos+e]
				if err := c.ctx.text(text); err != nil {
					return nil, "", c.errorf(c.pos, "%v", err)
				}
				nodes = append(nodes, literal(text))
			}
			c.pos += e + len("{% end"+word+" %}")
		case strings.HasPrefix(word, "end") || word == "else" || word == "elsif":
			return nil, "", c.errorf(start, "{%% %s %%} without its beginning", word)
		default:
			return nil, "", c.errorf(start, "unknown tag %q", word)
		}
	}
}

// closingAt finds the end of a tag outside of quotes.
func closingAt(s, closing string) int {
	quote := byte(0)
	for i := range len(s) {
		switch {
		case quote != 0:
			if s[i] == quote {
				quote = 0
			}
		case s[i] == '"' || s[i] == '\'':
			quote = s[i]
		case strings.HasPrefix(s[i:], closing):
			return i
		}
	}
	return -1
}

func (c *compiler) output(inner string, start int) (node, error) {
	e, rest, err := c.expr(inner, start)
	if err == nil && rest != "" {
		err = c.errorf(start, "unexpected %q", rest)
	}
	if err != nil {
		return nil, err
	}
	esc, err := c.ctx.escaper()
	if err != nil {
		return nil, c.errorf(start, "%v", err)
	}
	if e.variable != "" {
		c.vars.note(e.variable, !e.hasDefault(), c.where, e.line, e.column)
	}
	return output{e, esc}, nil
}

func (c *compiler) condition(word, args string, start, depth int) (node, error) {
	var cond condition
	first, err := c.test(args, start)
	if err != nil {
		return nil, err
	}
	if word == "unless" {
		yes := first
		first = func(r *rendering) (bool, error) {
			ok, err := yes(r)
			return !ok, err
		}
	}
	before := c.ctx.clone()
	next, after := first, ""
	ends := []string{"elsif", "else", "end" + word}
	for n := 0; ; n++ {
		c.ctx = before.clone()
		body, end, err := c.block(depth+1, ends)
		if err != nil {
			return nil, err
		}
		if n > 0 && after != c.ctx.state() {
			return nil, c.errorf(start, "the branches of this condition end in different places of the HTML")
		}
		after = c.ctx.state()
		cond.branches = append(cond.branches, branch{next, body})
		switch end {
		case "elsif":
			if next, err = c.test(c.tagArgs, c.tagStart); err != nil {
				return nil, err
			}
		case "else":
			next = nil
			ends = []string{"end" + word}
		default:
			if next != nil && after != before.state() {
				return nil, c.errorf(start, "this condition ends in another place of the HTML than it began")
			}
			return cond, nil
		}
	}
}

// test parses comparisons joined by "and" or "or", evaluated from the right.
func (c *compiler) test(s string, at int) (test, error) {
	left, rest, err := c.expr(s, at)
	if err != nil {
		return nil, err
	}
	if left.variable != "" {
		c.vars.note(left.variable, false, c.where, left.line, left.column)
		left.filters = append([]filter{{name: "default", args: []expr{{text: ""}}}}, left.filters...)
	}
	cmp := func(r *rendering) (bool, error) {
		v, err := left.eval(r)
		return v != "" && v != "false", err
	}
	if op := operator(rest); op != "" {
		right, more, err := c.expr(rest[len(op):], at)
		if err != nil {
			return nil, err
		}
		if right.variable != "" {
			c.vars.note(right.variable, false, c.where, right.line, right.column)
			right.filters = append([]filter{{name: "default", args: []expr{{text: ""}}}}, right.filters...)
		}
		rest = more
		cmp = func(r *rendering) (bool, error) {
			a, err := left.eval(r)
			if err != nil {
				return false, err
			}
			b, err := right.eval(r)
			return compare(op, a, b), err
		}
	}
	for _, join := range []string{"and ", "or "} {
		if more, ok := strings.CutPrefix(rest, join); ok {
			next, err := c.test(more, at)
			if err != nil {
				return nil, err
			}
			both := join == "and "
			return func(r *rendering) (bool, error) {
				a, err := cmp(r)
				if err != nil || a != both {
					return a, err
				}
				return next(r)
			}, nil
		}
	}
	if rest != "" {
		return nil, c.errorf(at, "unexpected %q in a condition", rest)
	}
	return cmp, nil
}

func operator(s string) string {
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">", "contains "} {
		if strings.HasPrefix(s, op) {
			return op
		}
	}
	return ""
}

// compare compares as numbers where both are, else as text.
func compare(op, a, b string) bool {
	order := strings.Compare(a, b)
	if x, err := strconv.ParseFloat(a, 64); err == nil {
		if y, err := strconv.ParseFloat(b, 64); err == nil {
			order = 0
			if x < y {
				order = -1
			} else if x > y {
				order = 1
			}
		}
	}
	switch op {
	case "==":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return strings.Contains(a, b)
}

// expr parses a value with its filters and returns what follows.
func (c *compiler) expr(s string, at int) (e expr, rest string, err error) {
	e, rest, err = c.value(s, at)
	for err == nil && strings.HasPrefix(rest, "|") {
		var name string
		name, rest = identifier(strings.TrimSpace(rest[1:]))
		def, ok := filters[name]
		if !ok {
			return e, "", c.errorf(at, "unknown filter %q", name)
		}
		f := filter{name: name}
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, ":") {
			for sep := ":"; strings.HasPrefix(rest, sep); sep = "," {
				var a expr
				if a, rest, err = c.value(rest[1:], at); err != nil {
					return e, "", err
				}
				if a.variable != "" {
					c.vars.note(a.variable, true, c.where, a.line, a.column)
				}
				f.args = append(f.args, a)
			}
		}
		if len(f.args) < def.min || len(f.args) > def.max {
			return e, "", c.errorf(at, "filter %s with %d arguments", name, len(f.args))
		}
		e.filters = append(e.filters, f)
	}
	return e, rest, err
}

func (c *compiler) value(s string, at int) (e expr, rest string, err error) {
	s = strings.TrimSpace(s)
	e.line, e.column = c.position(at)
	switch {
	case s == "":
		return e, "", c.errorf(at, "a variable or a text expected")
	case s[0] == '"' || s[0] == '\'':
		i := strings.IndexByte(s[1:], s[0])
		if i < 0 {
			return e, "", c.errorf(at, "the text has no closing quote")
		}
		e.text = s[1 : 1+i]
		return e, strings.TrimSpace(s[2+i:]), nil
	case '0' <= s[0] && s[0] <= '9' || s[0] == '-':
		n := 1
		for n < len(s) && ('0' <= s[n] && s[n] <= '9' || s[n] == '.') {
			n++
		}
		e.text = s[:n]
		return e, strings.TrimSpace(s[n:]), nil
	}
	name, rest := identifier(s)
	if name == "" {
		return e, "", c.errorf(at, "%q is not a variable", s)
	}
	e.variable = name
	switch name {
	case "true":
		e.variable, e.text = "", "true"
	case "false", "nil", "empty", "blank":
		e.variable = ""
	}
	return e, strings.TrimSpace(rest), nil
}

// identifier takes a name: letters, digits, "_", "-" and "." behind a letter or "_".
func identifier(s string) (name, rest string) {
	n := 0
	for n < len(s) {
		c := s[n]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (n == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			break
		}
		n++
	}
	return s[:n], s[n:]
}
