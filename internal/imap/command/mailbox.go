package command

import (
	"strings"
)

// selectMailbox takes the arguments of SELECT.
//
//	select        = "SELECT" SP mailbox [select-params]                       (rfc4466 §3)
//	select-params = SP "(" select-param *(SP select-param) ")"
func (p *parser) selectMailbox() (any, error) { return p.open(false) }

// examine takes the arguments of EXAMINE.
//
//	examine = "EXAMINE" SP mailbox
func (p *parser) examine() (any, error) { return p.open(true) }

func (p *parser) open(readOnly bool) (any, error) {
	m, err := p.spaceMailbox()
	if err != nil {
		return nil, err
	}
	a := Select{Mailbox: m.name, Octets: m.octets, MailboxStart: m.start, MailboxEnd: m.end, ReadOnly: readOnly}
	if at := p.i; p.spaces() && p.peek() == '(' {
		a.ParamsStart = p.i
		if err := p.list(p.lim.Items, "parameters", false, func() error { return p.selectParam(&a) }); err != nil {
			return nil, err
		}
		a.ParamsEnd = p.i
	} else {
		p.i = at
	}
	return &a, p.end()
}

// mailboxArg takes the arguments of DELETE, SUBSCRIBE and UNSUBSCRIBE.
//
//	delete = "DELETE" SP mailbox
func (p *parser) mailboxArg() (any, error) {
	m, err := p.spaceMailbox()
	if err != nil {
		return nil, err
	}
	return &Mailbox{Name: m.name, Start: m.start, End: m.end}, p.endWithout("a parameter of " + p.name)
}

// create takes the arguments of CREATE.
//
//	create        = "CREATE" SP mailbox [SP "(" create-param *(SP create-param) ")"]      (rfc4466 §3)
//	create-param =/ "USE" SP "(" [use-attr *(SP use-attr)] ")"                            (rfc6154 §6)
//	use-attr      = "\\All" / "\\Archive" / … / "\\" atom
func (p *parser) create() (any, error) {
	m, err := p.spaceMailbox()
	if err != nil {
		return nil, err
	}
	a := Mailbox{Name: m.name, Start: m.start, End: m.end}
	if p.spaces() && p.peek() == '(' {
		if err := p.list(p.lim.Items, "parameters", false, func() error { return p.createParam(&a) }); err != nil {
			return nil, err
		}
	}
	return &a, p.end()
}

func (p *parser) createParam(a *Mailbox) error {
	name, err := p.atom()
	if err != nil {
		return err
	}
	if !strings.EqualFold(name, "USE") {
		return unsupported("CREATE parameter " + clip(strings.ToUpper(name)))
	}
	if err := p.space(); err != nil {
		return err
	}
	return p.list(p.lim.Items, "uses", true, func() error {
		if err := p.char('\\'); err != nil {
			return err
		}
		use, err := p.atom()
		if err == nil {
			a.Uses = append(a.Uses, `\`+use)
		}
		return err
	})
}

// rename takes the arguments of RENAME.
//
//	rename = "RENAME" SP mailbox SP mailbox
func (p *parser) rename() (any, error) {
	from, err := p.spaceMailbox()
	if err != nil {
		return nil, err
	}
	to, err := p.spaceMailbox()
	if err != nil {
		return nil, err
	}
	return &Rename{From: from.name, To: to.name}, p.end()
}
