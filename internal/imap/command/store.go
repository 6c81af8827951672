package command

import "strings"

// store takes the arguments of STORE and UID STORE.
//
//	store           = "STORE" SP sequence-set [store-modifiers] SP store-att-flags      (rfc4466 §3)
//	store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
func (p *parser) store() (any, error) {
	a := Store{UID: p.uid(), Op: '='}
	var err error
	if a.Set, a.SetStart, a.SetEnd, err = p.spaceSet(); err != nil {
		return nil, err
	}
	a.Saved = a.Set == nil
	if err := p.space(); err != nil {
		return nil, err
	}
	if err := p.storeModifiers(&a); err != nil {
		return nil, err
	}
	at := p.i
	if c := p.peek(); p.try('+') || p.try('-') {
		a.Op = c
	}
	word, err := p.atom()
	if err != nil {
		return nil, err
	}
	switch strings.ToUpper(word) {
	case "FLAGS":
	case "FLAGS.SILENT":
		a.Silent = true
	default:
		p.i = at
		return nil, p.fail("FLAGS or FLAGS.SILENT")
	}
	if err := p.space(); err != nil {
		return nil, err
	}
	a.FlagsStart = p.i
	if p.peek() == '(' {
		a.Flags, err = p.flagList()
		a.FlagsEnd = p.i
	} else {
		a.Flags, a.FlagsEnd, err = p.bareFlags()
	}
	if err != nil {
		return nil, err
	}
	return &a, p.end()
}

// bareFlags takes flag *(SP flag) up to the line's end.
func (p *parser) bareFlags() (flags []string, end int, err error) {
	for {
		f, err := p.flag()
		if err != nil {
			return nil, 0, err
		}
		flags = append(flags, f)
		end = p.i
		if !p.spaces() || p.peek() == '\r' || p.peek() == '\n' {
			return flags, end, nil
		}
		if len(flags) == p.lim.Items {
			return nil, 0, p.tooMany(p.lim.Items, "flags")
		}
	}
}

// flagList takes a list of flags.
//
//	flag-list = "(" [flag *(SP flag)] ")"
func (p *parser) flagList() (flags []string, err error) {
	err = p.list(p.lim.Items, "flags", true, func() error {
		f, err := p.flag()
		flags = append(flags, f)
		return err
	})
	return flags, err
}

// flag takes a flag that a client may set.
//
//	flag           = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
//	                 ; does not include "\Recent"
//	flag-extension = "\" atom
//	flag-keyword   = atom
func (p *parser) flag() (string, error) {
	at := p.i
	prefix := ""
	if p.try('\\') {
		prefix = `\`
	}
	a, err := p.atom()
	if err != nil {
		return "", err
	}
	if prefix != "" && strings.EqualFold(a, "Recent") {
		p.i = at
		return "", p.fail(`a flag that clients may set, not \Recent,`)
	}
	return prefix + a, nil
}
