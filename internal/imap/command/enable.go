package command

import "strings"

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
		name, err := p.atom()
		if err != nil {
			return nil, err
		}
		a.Names = append(a.Names, strings.ToUpper(name))
		if c := p.peek(); c == '\r' || c == '\n' {
			return &a, p.end()
		}
	}
}
