package command

import "strings"

// The commands of QUOTA, ACL and METADATA carry neither message numbers nor flags: they are
// looked at for their syntax, so that none is taken for another, and forwarded.

// args takes SP and an argument, for each of the arguments.
func (p *parser) args(each ...func() error) error {
	for _, arg := range each {
		if err := p.space(); err != nil {
			return err
		}
		if err := arg(); err != nil {
			return err
		}
	}
	return p.end()
}

func (p *parser) anyString() error  { _, err := p.astring(); return err }
func (p *parser) anyMailbox() error { _, err := p.mailbox(); return err }

// ofMailbox takes the arguments of GETQUOTAROOT, GETACL and MYRIGHTS.
//
//	getquotaroot = "GETQUOTAROOT" SP mailbox      (rfc9208 §7)
//	getacl       = "GETACL" SP mailbox            (rfc4314 §7)
//	myrights     = "MYRIGHTS" SP mailbox
func (p *parser) ofMailbox() (any, error) { return nil, p.args(p.anyMailbox) }

// getQuota takes the arguments of GETQUOTA.
//
//	getquota = "GETQUOTA" SP quota-root-name      (rfc9208 §7)
func (p *parser) getQuota() (any, error) { return nil, p.args(p.anyString) }

// setQuota takes the arguments of SETQUOTA.
//
//	setquota          = "SETQUOTA" SP quota-root-name SP setquota-list
//	setquota-list     = "(" [setquota-resource *(SP setquota-resource)] ")"
//	setquota-resource = resource-name SP resource-limit
func (p *parser) setQuota() (any, error) {
	return nil, p.args(p.anyString, func() error {
		return p.list(p.lim.Items, "resources", true, func() error {
			if _, err := p.atom(); err != nil {
				return err
			}
			if err := p.space(); err != nil {
				return err
			}
			_, err := p.number(0, max63)
			return err
		})
	})
}

// rightsOf takes the arguments of DELETEACL and LISTRIGHTS.
//
//	deleteacl  = "DELETEACL" SP mailbox SP identifier      (rfc4314 §7)
//	listrights = "LISTRIGHTS" SP mailbox SP identifier
func (p *parser) rightsOf() (any, error) { return nil, p.args(p.anyMailbox, p.anyString) }

// setACL takes the arguments of SETACL.
//
//	setacl = "SETACL" SP mailbox SP identifier SP mod-rights
func (p *parser) setACL() (any, error) { return nil, p.args(p.anyMailbox, p.anyString, p.anyString) }

// getMetadata takes the arguments of GETMETADATA.
//
//	getmetadata         = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries      (rfc5464 §5)
//	getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")"
//	entries             = entry / "(" entry *(SP entry) ")"
//
// The examples there have the options behind the mailbox (errata 2785 and 2786): let through.
func (p *parser) getMetadata() (any, error) {
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.peek() == '(' {
		if err := p.metadataOptions(); err != nil {
			return nil, err
		}
		return nil, p.args(p.anyMailbox, p.entries)
	}
	if err := p.anyMailbox(); err != nil {
		return nil, err
	}
	at := p.i
	if p.spaces() && p.peek() == '(' && p.metadataOptions() == nil && p.spaces() {
		if err := p.entries(); err != nil {
			return nil, err
		}
		return nil, p.end()
	}
	p.i = at
	return nil, p.args(p.entries)
}

// metadataOptions takes the options of GETMETADATA.
//
//	maxsize-opt = "MAXSIZE" SP number
//	scope-opt   = "DEPTH" SP ("0" / "1" / "infinity")
func (p *parser) metadataOptions() error {
	return p.list(p.lim.Items, "options", false, func() error {
		switch {
		case p.word("MAXSIZE"):
			if err := p.space(); err != nil {
				return err
			}
			_, err := p.number(0, max32)
			return err
		case p.word("DEPTH"):
			if err := p.space(); err != nil {
				return err
			}
			if p.word("0") || p.word("1") || p.word("infinity") {
				return nil
			}
			return p.fail("0, 1 or infinity")
		}
		return p.fail("MAXSIZE or DEPTH")
	})
}

func (p *parser) entries() error {
	if p.peek() != '(' {
		return p.anyString()
	}
	return p.list(p.lim.Items, "entries", false, p.anyString)
}

// setMetadata takes the arguments of SETMETADATA.
//
//	setmetadata  = "SETMETADATA" SP mailbox SP entry-values      (rfc5464 §5)
//	entry-values = "(" entry-value *(SP entry-value) ")"
//	entry-value  = entry SP value
//	value        = nstring / literal8
func (p *parser) setMetadata() (any, error) {
	return nil, p.args(p.anyMailbox, func() error {
		return p.list(p.lim.Items, "entries", false, func() error {
			if err := p.anyString(); err != nil {
				return err
			}
			if err := p.space(); err != nil {
				return err
			}
			return p.value()
		})
	})
}

// value takes a value of SETMETADATA.
func (p *parser) value() error {
	if l, ok := p.literalHere(); ok && l.Binary {
		p.i = l.Pos + l.Len + int(l.Size) // any octets
		return nil
	}
	if _, ok, err := p.str(); ok || err != nil {
		return err
	}
	at := p.i
	if a, err := p.atom(); err != nil || !strings.EqualFold(a, "NIL") {
		p.i = at
		return p.fail("a string or NIL")
	}
	return nil
}
