package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"inlay.example/inlay/internal/fault"
)

// Limits of templates and what they render to.
const (
	MaxSource   = 4 << 20 // octets of a source
	MaxRendered = 8 << 20 // octets of a rendered message
	maxParts    = 200     // parts of a template
	maxDepth    = 20      // parts within each other
	maxProblems = 20      // that Compile tells at once
)

// Digest names a source: "sha256:" and 64 hexadecimal digits.
func Digest(src []byte) string {
	sum := sha256.Sum256(src)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Template is a compiled source. It is immutable and safe for concurrent use.
type Template struct {
	digest string
	header []headerField
	root   *part
	vars   []Variable
}

// Compile reads a template: an RFC 5322 message with a From, a Subject and a text or HTML
// part, whose header fields and texts may hold Liquid. Lines may end in LF or CRLF.
//
// Errors are fault.Invalid, or fault.TooLarge above MaxSource. The public text says what is
// wrong and where, of up to 20 places; errors.As finds the first that has a place as a *SourceError.
func Compile(src []byte) (*Template, error) {
	if len(src) > MaxSource {
		return nil, fault.New(fault.TooLarge, "template of %d octets, more than %d", len(src), MaxSource)
	}
	t, err := compile(src)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "template: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return t, nil
}

// lines makes every line end in CRLF.
func lines(src []byte) ([]byte, error) {
	if i := bytes.IndexByte(src, 0); i >= 0 {
		return nil, fmt.Errorf("line %d holds a NUL: this is not a mail message", 1+bytes.Count(src[:i], []byte("\n")))
	}
	src = bytes.TrimPrefix(src, []byte("\xEF\xBB\xBF"))
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n")), nil
}

func compile(src []byte) (*Template, error) {
	raw, err := lines(src)
	if err != nil {
		return nil, err
	}
	p := parser{raw: raw}
	e := p.part(partOf{kind: "text", subkind: "plain"}, 0)
	c := &templateCompiler{raw: raw}
	t := &Template{digest: Digest(src), header: c.header(e), root: c.part(e, 0)}
	if len(c.problems) == 0 && !t.root.hasText() {
		c.problem(errors.New("there is neither a text nor an HTML part"))
	}
	if err := errors.Join(c.problems...); err != nil {
		return nil, err
	}
	t.vars = c.vars.list
	// What does not depend on anybody's data is checked now and not when somebody looks.
	if !slices.ContainsFunc(t.vars, func(v Variable) bool { return v.Required && !isGiven(v.Name) }) {
		_, err := t.Render(nil, System{Placement: "p", Campaign: "c", User: "user@example.org", Date: time.Unix(0, 0)})
		if err != nil {
			return nil, errors.New(fault.Public(err))
		}
	}
	return t, nil
}

// isGiven reports whether every person has the variable.
func isGiven(name string) bool { return name == "user" || name == "email" }

// Variables lists what the template asks for, in the order of first use, without what every
// person has: user (the login name) and email (the same).
func (t *Template) Variables() []Variable {
	return slices.DeleteFunc(slices.Clone(t.vars), func(v Variable) bool { return isGiven(v.Name) })
}

// Unknown is a variable that an audience has no column for.
type Unknown struct {
	Variable
	Nearest string // the column that was probably meant; empty if none is near
}

// Unknown gives the variables that are none of the columns of an audience, in the order of
// first use. Those that are Required cannot be rendered; of the others everybody is shown the
// default.
func (t *Template) Unknown(columns []string) (out []Unknown) {
	for _, v := range t.Variables() {
		if !slices.Contains(columns, v.Name) {
			out = append(out, Unknown{v, nearest(v.Name, columns)})
		}
	}
	return out
}
