package command

// parseAppend takes the arguments of APPEND up to lit, the head of the message, with which
// what is held of the command ends.
//
//	append         = "APPEND" SP mailbox 1*append-message      (rfc3502 §6.3.11)
//	append-message = [SP flag-list] [SP date-time] SP literal
func parseAppend(p *parser, lit Literal) (*Append, error) {
	m, err := p.spaceMailbox()
	if err != nil {
		return nil, err
	}
	a := Append{Mailbox: m.name, MailboxStart: m.start, MailboxEnd: m.end}
	a.Message, err = p.message(lit)
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// message takes what stands before a message, up to its head.
//
//	append-message = [SP flag-list] [SP date-time] SP (literal / literal8)      (rfc3516 §5)
//
// The date is not looked into: what is wrong with it is the backend's to say.
func (p *parser) message(lit Literal) (m Message, err error) {
	m.Size, m.NonSync, m.Binary = lit.Size, lit.NonSync, lit.Binary
	if err := p.space(); err != nil {
		return m, err
	}
	if p.peek() == '(' {
		if m.Flags, err = p.flagList(); err != nil {
			return m, err
		}
		if err := p.space(); err != nil {
			return m, err
		}
	}
	if p.peek() == '"' {
		if m.Date, err = p.quoted(); err != nil {
			return m, err
		}
		if err := p.space(); err != nil {
			return m, err
		}
	}
	if p.i != lit.Pos {
		return m, p.fail("the message as a literal")
	}
	if lit.Binary {
		p.use("BINARY")
	}
	return m, nil
}
