package command

import (
	"strings"

	"inlay.example/inlay/internal/imap"
)

// modSeq takes a mod-sequence. 0 is let through wherever one is expected: clients say
// CHANGEDSINCE 0, and servers take it.
//
//	mod-sequence-value  = 1*DIGIT      ; Positive unsigned 63-bit integer      (rfc7162 §7)
//	mod-sequence-valzer = "0" / mod-sequence-value
func (p *parser) modSeq() (uint64, error) { return p.number(0, max63) }

// spaceModSeq takes SP mod-sequence-valzer.
func (p *parser) spaceModSeq() (uint64, error) {
	if err := p.space(); err != nil {
		return 0, err
	}
	return p.modSeq()
}

// selectParam takes a parameter of SELECT.
//
//	select-param =/ condstore-param / qresync-param      (rfc7162 §7)
//	condstore-param = "CONDSTORE"
func (p *parser) selectParam(a *Select) error {
	at := p.i
	name, err := p.atom()
	if err != nil {
		return err
	}
	switch name = strings.ToUpper(name); {
	case name == "CONDSTORE":
		a.CondStore = true
		p.use("CONDSTORE")
		return nil
	case name == "QRESYNC" && a.QResync == nil:
		p.use("QRESYNC")
		a.QResync, err = p.qresync()
		return err
	case name == "QRESYNC":
		p.i = at
		return p.fail("QRESYNC only once")
	}
	return unsupported("parameter " + clip(name) + " of " + p.name)
}

// qresync takes what the parameter QRESYNC says.
//
//	"QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"
//	known-uids         = sequence-set                    ; of UIDs, "*" is not allowed
//	seq-match-data     = "(" known-sequence-set SP known-uid-set ")"
//	known-sequence-set = sequence-set                    ; "*" is not allowed
//	known-uid-set      = sequence-set                    ; "*" is not allowed
func (p *parser) qresync() (*QResync, error) {
	if err := p.space(); err != nil {
		return nil, err
	}
	if err := p.char('('); err != nil {
		return nil, err
	}
	p.spaces()
	validity, err := p.number(1, max32)
	if err != nil {
		return nil, err
	}
	q := QResync{UIDValidity: uint32(validity)}
	if q.ModSeq, err = p.spaceModSeq(); err != nil {
		return nil, err
	}
	p.spaces()
	if c := p.peek(); '0' <= c && c <= '9' || c == '*' {
		if q.Known, err = p.numbers(); err != nil {
			return nil, err
		}
		p.spaces()
	}
	if p.try('(') {
		p.spaces()
		if _, err := p.numbers(); err != nil {
			return nil, err
		}
		if err := p.space(); err != nil {
			return nil, err
		}
		if _, err := p.numbers(); err != nil {
			return nil, err
		}
		p.spaces()
		if err := p.char(')'); err != nil {
			return nil, err
		}
		p.spaces()
	}
	return &q, p.char(')')
}

// numbers takes a set in which "*" has no place.
func (p *parser) numbers() (imap.SeqSet, error) {
	at := p.i
	set, _, _, err := p.set()
	if err != nil {
		return nil, err
	}
	if set == nil || set.HasStar() {
		p.i = at
		return nil, p.fail("a set of numbers without *")
	}
	return set, nil
}

// fetchModifiers takes the modifiers of FETCH, if there are any. VANISHED stands with CHANGEDSINCE
// and with UID FETCH alone (rfc7162 §3.2.6).
//
//	fetch-modifiers     = SP "(" fetch-modifier *(SP fetch-modifier) ")"      (rfc4466 §3)
//	chgsince-fetch-mod  = "CHANGEDSINCE" SP mod-sequence-value                (rfc7162 §7)
//	rexpunges-fetch-mod = "VANISHED"
//	modifier-partial    = "PARTIAL" SP partial-range                          (rfc9394 §4)
func (p *parser) fetchModifiers(a *Fetch) error {
	at := p.i
	if !p.spaces() || p.peek() != '(' {
		p.i = at
		return nil
	}
	open := p.i
	err := p.list(p.lim.Items, "modifiers", false, func() error {
		name, err := p.atom()
		if err != nil {
			return err
		}
		switch name = strings.ToUpper(name); name {
		case "CHANGEDSINCE":
			p.use("CONDSTORE")
			a.Changed = true
			a.ChangedSince, err = p.spaceModSeq()
			return err
		case "VANISHED":
			p.use("QRESYNC")
			a.Vanished = true
			return nil
		case "PARTIAL":
			p.use("PARTIAL")
			if a.Partial != nil || !a.UID {
				return p.fail("PARTIAL once, and of UID FETCH,")
			}
			a.Partial, err = p.page()
			return err
		}
		return unsupported("modifier " + clip(name) + " of FETCH")
	})
	a.ModStart, a.ModEnd = at, p.i
	if err == nil && a.Vanished && (!a.UID || !a.Changed) {
		p.i = open
		return p.fail("VANISHED with CHANGEDSINCE of UID FETCH alone")
	}
	return err
}

// storeModifiers takes the modifiers of STORE and the space behind them, if there are any.
//
//	store-modifiers  = SP "(" store-modifier *(SP store-modifier) ")"      (rfc4466 §3)
//	store-modifier  =/ "UNCHANGEDSINCE" SP mod-sequence-valzer             (rfc7162 §7)
func (p *parser) storeModifiers(a *Store) error {
	if p.peek() != '(' {
		return nil
	}
	err := p.list(p.lim.Items, "modifiers", false, func() error {
		name, err := p.atom()
		if err != nil {
			return err
		}
		if name = strings.ToUpper(name); name != "UNCHANGEDSINCE" {
			return unsupported("modifier " + clip(name) + " of STORE")
		}
		p.use("CONDSTORE")
		a.Unchanged = true
		a.UnchangedSince, err = p.spaceModSeq()
		return err
	})
	if err != nil {
		return err
	}
	return p.space()
}

// modSeqKey takes what stands behind the search key MODSEQ. The entry, which says whose
// changes of which flag are meant, is read past: no server that we know keeps them apart.
//
//	search-modsequence      = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer      (rfc7162 §7)
//	search-modseq-ext       = SP entry-name SP entry-type-req
//	entry-name              = entry-flag-name                 ; "/flags/…" in quotes
//	entry-type-req          = "priv" / "shared" / "all"
func (q *query) modSeqKey(k *imap.SearchKey) (err error) {
	q.use("CONDSTORE")
	k.Op = imap.SearchModSeq
	if err := q.space(); err != nil {
		return err
	}
	if q.peek() == '"' {
		at := q.i
		name, err := q.quoted()
		if err != nil {
			return err
		}
		if !strings.HasPrefix(strings.ToLower(name), "/flags/") {
			q.i = at
			return q.fail(`an entry like "/flags/\\Seen"`)
		}
		if err := q.space(); err != nil {
			return err
		}
		if !q.word("priv") && !q.word("shared") && !q.word("all") {
			return q.fail("priv, shared or all")
		}
		if err := q.space(); err != nil {
			return err
		}
	}
	k.Size, err = q.modSeq()
	return err
}
