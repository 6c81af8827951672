package command

import (
	"strings"
	"unicode/utf8"
)

// enable takes the arguments of ENABLE.
//
//	command-any =/ "ENABLE" 1*(SP capability)      (rfc5161 §4)
//	capability  = ("AUTH=" auth-type) / atom
func (p *parser) enable() (any, error) {
	var a Enable
	for {
		if err := p.space(); err != nil {
			return nil, err
		}
		if c := p.peek(); len(a.Names) > 0 && (c == '\r' || c == '\n') {
			return &a, p.end()
		}
		if len(a.Names) == p.lim.Items {
			return nil, p.tooMany(p.lim.Items, "names")
		}
		at := p.i
		name, err := p.atom()
		if err != nil {
			return nil, err
		}
		if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) { // others let these through
			p.i = at
			return nil, p.fail("an atom of 7 bits")
		}
		a.Names = append(a.Names, strings.ToUpper(name))
		if c := p.peek(); c == '\r' || c == '\n' {
			return &a, p.end()
		}
	}
}
