package command

import (
	"strings"

	"inlay.example/inlay/internal/imap/wire"
)

// lsub takes the arguments of LSUB.
//
//	lsub = "LSUB" SP mailbox SP list-mailbox
func (p *parser) lsub() (any, error) {
	a, err := p.listed(false)
	if err != nil {
		return nil, err
	}
	if p.spaces() && p.word("RETURN") {
		return nil, unsupported("LIST-EXTENDED in LSUB")
	}
	return a, p.end()
}

// listMailboxes takes the arguments of LIST.
//
//	list             = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]      (rfc5258 §6)
//	list-select-opts = "(" [list-select-opt *(SP list-select-opt)] ")"
//	list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"
//
// Which selection options may stand together is the backend's to say.
func (p *parser) listMailboxes() (any, error) {
	a, err := p.listed(true)
	if err != nil {
		return nil, err
	}
	if p.spaces() && p.word("RETURN") {
		a.Extended = true
		if err := p.space(); err != nil {
			return nil, err
		}
		if err := p.list(p.lim.Items, "options", true, func() error { return p.returnOption(a) }); err != nil {
			return nil, err
		}
	}
	return a, p.end()
}

// selectOptions are those of RFC 5258 §3.1 and RFC 6154 §5.1.
var selectOptions = map[string]bool{"SUBSCRIBED": true, "REMOTE": true, "RECURSIVEMATCH": true, "SPECIAL-USE": true}

// returnOptions are those of RFC 5258 §3.2 and RFC 6154 §5.2; STATUS has arguments.
var returnOptions = map[string]bool{"SUBSCRIBED": true, "CHILDREN": true, "SPECIAL-USE": true}

// listed takes what stands between LIST or LSUB and RETURN.
func (p *parser) listed(extended bool) (*List, error) {
	var a List
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.peek() == '(' {
		if !extended {
			return nil, unsupported("LIST-EXTENDED in LSUB")
		}
		a.Extended = true
		err := p.list(p.lim.Items, "options", true, func() error {
			opt, err := p.option("LIST selection option", selectOptions)
			a.Select = append(a.Select, opt)
			return err
		})
		if err == nil {
			err = p.space()
		}
		if err != nil {
			return nil, err
		}
	}
	ref, err := p.mailbox()
	if err != nil {
		return nil, err
	}
	a.Reference = ref.name
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.peek() != '(' {
		pattern, err := p.pattern()
		a.Patterns = []string{pattern}
		return &a, err
	}
	if !extended {
		return nil, unsupported("LIST-EXTENDED in LSUB")
	}
	// patterns = "(" list-mailbox *(SP list-mailbox) ")"
	a.Extended = true
	return &a, p.list(p.lim.Items, "patterns", false, func() error {
		pattern, err := p.pattern()
		a.Patterns = append(a.Patterns, pattern)
		return err
	})
}

// pattern takes a name with wildcards.
//
//	list-mailbox = 1*list-char / string
func (p *parser) pattern() (string, error) {
	pattern, ok, err := p.str()
	if err != nil || ok {
		return pattern, err
	}
	if pattern = p.while(wire.IsList); pattern == "" {
		return "", p.fail("a pattern")
	}
	return pattern, nil
}

// option takes one of the options that are understood.
func (p *parser) option(what string, known map[string]bool) (string, error) {
	opt, err := p.atom()
	if err != nil {
		return "", err
	}
	if opt = strings.ToUpper(opt); !known[opt] {
		return "", unsupported(what + " " + clip(opt))
	}
	return opt, nil
}

// returnOption takes an option of RETURN.
//
//	return-option =/ "STATUS" SP "(" status-att *(SP status-att) ")"      (rfc5819 §4)
func (p *parser) returnOption(a *List) error {
	if !p.word("STATUS") {
		opt, err := p.option("LIST return option", returnOptions)
		a.Return = append(a.Return, opt)
		return err
	}
	if a.Status != nil {
		return p.fail("STATUS only once")
	}
	if err := p.space(); err != nil {
		return err
	}
	a.Return = append(a.Return, "STATUS")
	var err error
	a.Status, a.StatusStart, a.StatusEnd, err = p.statusItems()
	return err
}

// word takes an atom if it is the one that is looked for, in upper case.
func (p *parser) word(want string) bool {
	at := p.i
	if strings.EqualFold(p.while(wire.IsAtom), want) {
		return true
	}
	p.i = at
	return false
}
