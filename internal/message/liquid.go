package message

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"inlay.example/inlay/internal/fault"
)

// Limits of the language. A template that keeps them renders in bounded time and space,
// whatever the values are.
const (
	maxNodes     = 20_000   // tags and stretches of text in a passage
	maxNesting   = 50       // conditions within each other
	maxTag       = 4096     // octets of a tag
	maxName      = 64       // octets of a variable's name
	maxVariables = 500      // names of a template
	maxFilters   = 20       // in a tag
	maxWork      = 64 << 20 // octets that all filters of a rendering may make
)

// node of a compiled passage.
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

// rendering is one run of a template.
type rendering struct {
	vars map[string]string
	out  strings.Builder
	left *budget
}

// budget is what a rendering may still make.
type budget struct{ octets, work int }

func (r *rendering) write(s string) error {
	if r.left.octets -= len(s); r.left.octets < 0 {
		return fault.New(fault.TooLarge, "the message is larger than %d octets", MaxRendered)
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
		if b.test == nil || b.test(r) {
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

// compiler turns a passage into nodes. It is not safe for concurrent use.
type compiler struct {
	*passage
	pos   int
	ctx   context
	vars  *variables
	known map[string]bool // variables that have a value where we are, because a condition asked
	nodes int
	trim  bool // white space that follows goes, because of "-%}"

	end     tag // that ended the last block
	endArgs []token
}

// compileText compiles a passage whose values are escaped as ctx says.
func compileText(p *passage, ctx context, vars *variables) ([]node, error) {
	c := &compiler{passage: p, ctx: ctx, vars: vars, known: map[string]bool{}}
	nodes, _, err := c.block(0, nil)
	return nodes, err
}

// text takes a stretch of text.
func (c *compiler) text(nodes []node, at, end int, trimAfter bool) ([]node, error) {
	s := c.src[at:end]
	if c.trim {
		trimmed := strings.TrimLeft(s, " \t\r\n")
		at += len(s) - len(trimmed)
		s = trimmed
		c.trim = s == "" // what follows a tag that trims may be text in pieces
	}
	if trimAfter {
		s = strings.TrimRight(s, " \t\r\n")
	}
	if s == "" {
		return nodes, nil
	}
	if err := c.ctx.text(s); err != nil {
		return nil, c.errorf(at, "%v", err)
	}
	return append(nodes, literal(s)), nil
}

// block compiles up to a tag of the words in until, which is returned.
func (c *compiler) block(depth int, until []string) (nodes []node, end string, err error) {
	if depth > maxNesting {
		return nil, "", c.errorf(c.pos, "conditions nested more than %d deep", maxNesting)
	}
	for {
		if c.nodes++; c.nodes > maxNodes {
			return nil, "", c.errorf(c.pos, "more than %d tags", maxNodes)
		}
		t, found, err := c.nextTag(c.pos)
		if err != nil {
			return nil, "", err
		}
		if !found {
			if nodes, err = c.text(nodes, c.pos, len(c.src), false); err != nil {
				return nil, "", err
			}
			c.pos = len(c.src)
			if until != nil {
				return nil, "", c.errorf(c.pos, "{%% %s %%} is missing", until[len(until)-1])
			}
			return nodes, "", nil
		}
		if nodes, err = c.text(nodes, c.pos, t.start, t.trimBefore); err != nil {
			return nil, "", err
		}
		c.pos, c.trim = t.end, t.trimAfter
		var n node
		if t.output {
			n, err = c.output(t)
		} else {
			n, end, err = c.statement(t, depth, until)
		}
		if err != nil || end != "" {
			return nodes, end, err
		}
		if n != nil {
			nodes = append(nodes, n)
		}
	}
}

// statement compiles {% … %}. If it ends the block that until belongs to, its word is returned.
func (c *compiler) statement(t tag, depth int, until []string) (n node, end string, err error) {
	word, args := c.word(t)
	switch {
	case slices.Contains(until, word):
		c.end = t
		c.endArgs, err = c.tokens(args, t.to)
		return nil, word, err
	case word == "if" || word == "unless":
		n, err = c.condition(word, t, args, depth)
		return n, "", err
	case word == "comment" || word == "raw":
		n, err = c.verbatim(word, t)
		return n, "", err
	case word == "else" || word == "elsif" || strings.HasPrefix(word, "end"):
		return nil, "", c.errorf(t.start, "{%% %s %%} without its beginning", word)
	case word == "":
		return nil, "", c.errorf(t.start, "an empty tag")
	}
	return nil, "", c.errorf(t.start, "unknown tag %q: there are if, unless, raw and comment", word)
}

// word gives the first word of a statement and where what follows it begins.
func (c *compiler) word(t tag) (word string, args int) {
	inner := c.src[t.inner:t.to]
	trimmed := strings.TrimLeft(inner, " \t\r\n")
	n := 0
	for n < len(trimmed) && (isLetter(trimmed[n]) || isDigit(trimmed[n])) {
		n++
	}
	if n == 0 && trimmed != "" {
		return firstRune(trimmed), t.to
	}
	return trimmed[:n], t.inner + len(inner) - len(trimmed) + n
}

// verbatim compiles {% raw %}, whose text stands as it is, and {% comment %}, whose goes.
func (c *compiler) verbatim(word string, t tag) (node, error) {
	for at := c.pos; ; {
		i := strings.Index(c.src[at:], "{%")
		if i < 0 {
			return nil, c.errorf(t.start, "{%% end%s %%} is missing", word)
		}
		at += i
		end, ok := c.endOf(word, at)
		if !ok {
			at += 2
			continue
		}
		var nodes []node
		var err error
		if word == "raw" {
			if nodes, err = c.text(nil, c.pos, end.start, end.trimBefore); err != nil {
				return nil, err
			}
		}
		c.pos, c.trim = end.end, end.trimAfter
		if len(nodes) == 0 {
			return nil, nil
		}
		return nodes[0], nil
	}
}

// endOf reports whether the tag at is {% endword %}; it may be anything else within word.
func (c *compiler) endOf(word string, at int) (t tag, ok bool) {
	t = tag{start: at}
	s, trim := strings.CutPrefix(c.src[at+2:], "-")
	t.trimBefore = trim
	s, ok = strings.CutPrefix(strings.TrimLeft(s, " \t\r\n"), "end"+word)
	if !ok {
		return t, false
	}
	s = strings.TrimLeft(s, " \t\r\n")
	s, t.trimAfter = strings.CutPrefix(s, "-")
	s, ok = strings.CutPrefix(s, "%}")
	t.end = len(c.src) - len(s)
	return t, ok
}

func (c *compiler) output(t tag) (node, error) {
	toks, err := c.tokens(t.inner, t.to)
	if err != nil {
		return nil, err
	}
	e, rest, err := c.expr(toks)
	if err != nil {
		return nil, err
	}
	if rest[0].kind != endToken {
		return nil, c.errorf(rest[0].at, "unexpected %q", rest[0].text)
	}
	esc, err := c.ctx.escaper(e.last())
	if err != nil {
		return nil, c.errorf(t.start, "%v", err)
	}
	return output{e, esc}, nil
}

var errBranches = errors.New("the branches of this condition end in different places of the HTML")

func (c *compiler) condition(word string, t tag, args, depth int) (node, error) {
	toks, err := c.tokens(args, t.to)
	if err != nil {
		return nil, err
	}
	next, asked, err := c.test(toks)
	if err != nil {
		return nil, err
	}
	if word == "unless" {
		yes := next
		next, asked = func(r *rendering) bool { return !yes(r) }, nil
	}
	var cond condition
	before, known := c.ctx.clone(), c.known
	ends, after := []string{"elsif", "else", "end" + word}, ""
	for n := 0; ; n++ {
		c.ctx = before.clone()
		c.known = maps.Clone(known)
		for _, name := range asked {
			c.known[name] = true
		}
		body, end, err := c.block(depth+1, ends)
		if err != nil {
			return nil, err
		}
		c.known = known
		if n > 0 && after != c.ctx.state() {
			return nil, c.errorf(t.start, "%v", errBranches)
		}
		after = c.ctx.state()
		cond.branches = append(cond.branches, branch{next, body})
		if end == "elsif" {
			if next, asked, err = c.test(c.endArgs); err != nil {
				return nil, err
			}
			continue
		}
		if c.endArgs[0].kind != endToken {
			return nil, c.errorf(c.endArgs[0].at, "unexpected %q", c.endArgs[0].text)
		}
		if end == "else" {
			next, asked, ends = nil, nil, []string{"end" + word}
			continue
		}
		if next != nil && after != before.state() {
			return nil, c.errorf(t.start, "this condition ends in another place of the HTML than it began")
		}
		return cond, nil
	}
}
