package command

import "strings"

// select  = "SELECT" SP mailbox
// examine = "EXAMINE" SP mailbox
func (p *parser) selectArgs(readOnly bool) (any, error) {
	a := Select{ReadOnly: readOnly}
	err := p.space()
	if err == nil {
		a.Mailbox, a.MailboxStart, a.MailboxEnd, err = p.mailbox()
	}
	if err != nil {
		return nil, err
	}
	if p.peek() == ' ' {
		if p.try(' '); p.peek() == '(' {
			return nil, unsupported{"a parameter of SELECT"}
		}
	}
	return &a, p.end()
}

// statusItems are those of RFC 3501 §6.3.10.
var statusItems = map[string]bool{"MESSAGES": true, "RECENT": true, "UIDNEXT": true, "UIDVALIDITY": true, "UNSEEN": true}

// status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
func (p *parser) status() (any, error) {
	var a Status
	err := p.space()
	if err == nil {
		a.Mailbox, a.MailboxStart, a.MailboxEnd, err = p.mailbox()
	}
	if err == nil {
		err = p.space()
	}
	if err == nil {
		err = p.char('(')
	}
	if err != nil {
		return nil, err
	}
	for a.ItemsStart = p.i; ; {
		item, err := p.atom()
		if err != nil {
			return nil, err
		}
		if item = strings.ToUpper(item); !statusItems[item] {
			return nil, unsupported{"STATUS item " + item}
		}
		if a.Items = append(a.Items, item); len(a.Items) > p.lim.Items {
			return nil, p.fail("fewer items")
		}
		if !p.try(' ') {
			break
		}
	}
	a.ItemsEnd = p.i
	if err := p.char(')'); err != nil {
		return nil, err
	}
	return &a, p.end()
}

// append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal
//
// The command ends with the head of lit, which is the message's.
func parseAppend(p *parser, lit Literal) (*Append, error) {
	a := Append{Size: lit.Size, NonSync: lit.NonSync}
	err := p.space()
	if err == nil {
		a.Mailbox, a.MailboxStart, a.MailboxEnd, err = p.mailbox()
	}
	if err == nil {
		err = p.space()
	}
	if err == nil && p.peek() == '(' {
		if a.Flags, err = p.flagList(); err == nil {
			err = p.space()
		}
	}
	if err == nil && p.peek() == '"' {
		if a.Date, _, err = p.str(); err == nil {
			err = p.space()
		}
	}
	switch {
	case err != nil:
		return nil, err
	case p.i != lit.Pos:
		return nil, p.fail("the message as a literal")
	}
	return &a, nil
}
