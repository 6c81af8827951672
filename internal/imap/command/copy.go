package command

// copy takes the arguments of COPY and UID COPY.
//
//	copy = "COPY" SP sequence-set SP mailbox
func (p *parser) copy() (any, error) {
	a := Copy{UID: p.uid()}
	var err error
	if a.Set, a.SetStart, a.SetEnd, err = p.spaceSet(); err != nil {
		return nil, err
	}
	a.Saved = a.Set == nil
	m, err := p.spaceMailbox()
	if err != nil {
		return nil, err
	}
	a.Mailbox, a.Octets, a.MailboxStart, a.MailboxEnd = m.name, m.octets, m.start, m.end
	return &a, p.end()
}

// move takes the arguments of MOVE and UID MOVE.
//
//	move = "MOVE" SP sequence-set SP mailbox      (rfc6851 §3.1)
func (p *parser) move() (any, error) {
	a, err := p.copy()
	if err != nil {
		return nil, err
	}
	return &Move{*a.(*Copy)}, nil //nolint:forcetypeassert // it is one
}

// expunge takes the arguments of EXPUNGE, which has none, and of UID EXPUNGE.
//
//	uid-expunge = "UID" SP "EXPUNGE" SP sequence-set      (rfc4315 §4)
func (p *parser) expunge() (any, error) {
	a := Expunge{UID: p.uid(), SetStart: p.i, SetEnd: p.i}
	if a.UID {
		var err error
		if a.Set, a.SetStart, a.SetEnd, err = p.spaceSet(); err != nil {
			return nil, err
		}
		a.Saved = a.Set == nil
	}
	return &a, p.end()
}
