package message

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// SourceError says what is wrong at one place of a template's source.
type SourceError struct {
	Where        string // "the header field Subject", "the HTML part"
	Line, Column int    // from 1; of the file, but of the text where Where says "decoded"; columns count characters
	Reason       string
}

func (e *SourceError) Error() string {
	return fmt.Sprintf("%s, line %d column %d: %s", e.Where, e.Line, e.Column, e.Reason)
}

// Problems takes an error of Compile apart: everything that is wrong with a source, in the order
// in which it was found, most of it a *SourceError. An error of something else is given as it is.
func Problems(err error) []error {
	var all interface{ Unwrap() []error }
	if errors.As(err, &all) {
		return all.Unwrap()
	}
	return []error{err}
}

// Variable is a name that a template asks for.
type Variable struct {
	Name     string
	Required bool // somewhere it has no default, and no condition has asked for it before

	// Where its first use stands, or the first one that makes it required; as in SourceError.
	Where        string
	Line, Column int
}

// variables collects what a template asks for.
type variables struct{ list []Variable }

func (v *variables) note(n Variable) error {
	for i := range v.list {
		if v.list[i].Name == n.Name {
			if n.Required && !v.list[i].Required {
				v.list[i] = n
			}
			return nil
		}
	}
	if len(v.list) == maxVariables {
		return fmt.Errorf("more than %d variables", maxVariables)
	}
	v.list = append(v.list, n)
	return nil
}

// passage is a stretch of a template's text, which knows where it stands in the file. It is
// not safe for concurrent use.
type passage struct {
	src    string
	where  string
	line   int // of its first octet
	column int // of its first octet
	lines  []int

	// The last position asked for: they are asked for in order, mostly, and lines may be long.
	lastAt, lastColumn int
}

func newPassage(src, where string, line, column int) *passage {
	p := &passage{src: src, where: where, line: line, column: column, lines: []int{0}}
	for i := range len(src) {
		if src[i] == '\n' {
			p.lines = append(p.lines, i+1)
		}
	}
	return p
}

func (p *passage) position(at int) (line, column int) {
	at = min(at, len(p.src))
	i := sort.SearchInts(p.lines, at+1) - 1
	from := p.lines[i]
	column = 1
	if i == 0 {
		column = p.column
	}
	if from <= p.lastAt && p.lastAt <= at && p.lastAt > 0 {
		from, column = p.lastAt, p.lastColumn
	}
	column += utf8.RuneCountInString(p.src[from:at])
	p.lastAt, p.lastColumn = at, column
	return p.line + i, column
}

func (p *passage) errorf(at int, format string, args ...any) error {
	line, column := p.position(at)
	return &SourceError{Where: p.where, Line: line, Column: column, Reason: fmt.Sprintf(format, args...)}
}

// nearest gives the name that name was probably meant to be, "" if none is near.
func nearest(name string, names []string) string {
	best, limit := "", max(1, len(name)/3)+1
	for _, n := range slices.Sorted(slices.Values(names)) {
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < limit {
			best, limit = n, d
		}
	}
	return best
}

// distance is how many octets must be put in, taken out or changed to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			left, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, left+cost)
		}
	}
	return row[len(b)]
}
