package command

import (
	"strings"

	"inlay.example/inlay/internal/imap/wire"
)

// selectMailbox takes the arguments of SELECT.
//
//	select = "SELECT" SP mailbox
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
	return &Select{Mailbox: m.name, Octets: m.octets, MailboxStart: m.start, MailboxEnd: m.end, ReadOnly: readOnly},
		p.endWithout("a parameter of " + p.name)
}

// mailboxArg takes the arguments of CREATE, DELETE, SUBSCRIBE and UNSUBSCRIBE.
//
//	create = "CREATE" SP mailbox
func (p *parser) mailboxArg() (any, error) {
	m, err := p.spaceMailbox()
	if err != nil {
		return nil, err
	}
	return &Mailbox{Name: m.name, Start: m.start, End: m.end}, p.endWithout("a parameter of " + p.name)
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

// listMailboxes takes the arguments of LIST and LSUB.
//
//	list         = "LIST" SP mailbox SP list-mailbox
//	lsub         = "LSUB" SP mailbox SP list-mailbox
//	list-mailbox = 1*list-char / string
func (p *parser) listMailboxes() (any, error) {
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.peek() == '(' {
		return nil, unsupported("LIST-EXTENDED")
	}
	ref, err := p.mailbox()
	if err != nil {
		return nil, err
	}
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.peek() == '(' {
		return nil, unsupported("LIST-EXTENDED")
	}
	pattern, ok, err := p.str()
	if err != nil {
		return nil, err
	}
	if !ok {
		if pattern = p.while(wire.IsList); pattern == "" {
			return nil, p.fail("a pattern")
		}
	}
	if p.spaces() {
		at := p.i
		if strings.EqualFold(p.while(wire.IsAtom), "RETURN") {
			return nil, unsupported("LIST-EXTENDED")
		}
		p.i = at
	}
	return &List{Reference: ref.name, Pattern: pattern}, p.end()
}
