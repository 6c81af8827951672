package command

// parseAppend takes the arguments of APPEND up to lit, the head of the message, with which
// what is held of the command ends.
//
//	append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal
//
// The date is not looked into: what is wrong with it is the backend's to say.
func parseAppend(p *parser, lit Literal) (*Append, error) {
	m, err := p.spaceMailbox()
	if err != nil {
		return nil, err
	}
	a := Append{Mailbox: m.name, MailboxStart: m.start, MailboxEnd: m.end, Size: lit.Size, NonSync: lit.NonSync}
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.peek() == '(' {
		if a.Flags, err = p.flagList(); err != nil {
			return nil, err
		}
		if err := p.space(); err != nil {
			return nil, err
		}
	}
	if p.peek() == '"' {
		if a.Date, err = p.quoted(); err != nil {
			return nil, err
		}
		if err := p.space(); err != nil {
			return nil, err
		}
	}
	if p.i != lit.Pos {
		return nil, p.fail("the message as a literal")
	}
	return &a, nil
}
