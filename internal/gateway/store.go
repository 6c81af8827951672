package gateway

import (
	"context"
	"slices"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/injection"
)

// freshAge is how old the last reading of the ledger may be for a command that shows flags of
// injected messages: changes made elsewhere are seen within it, and at NOOP at once.
const freshAge = time.Second

// store runs STORE and UID STORE.
//
//	store = "STORE" SP sequence-set SP store-att-flags
//
// The real part first: if the backend refuses, nothing of ours is changed either. Flags of
// injected messages live in the placement, and are durable before they are told.
func (s *session) store(c *command.Command, a *command.Store) error {
	m := s.mbox
	if m == nil || !m.active {
		return s.forward(c)
	}
	if hasFlag(a.Flags, keyword) {
		s.line(c.Tag + " NO The keyword " + keyword + " is reserved.")
		return nil
	}
	if m.asWritten(a.Set, a.UID) {
		return s.forward(c)
	}
	sel, err := s.savedOr(a.Saved, a.Set, a.UID)
	if err != nil {
		return err
	}
	change := func() error { return s.storeInjected(sel.injected, a) }
	if sel.ours() {
		return s.local(c, a.SetStart, a.SetEnd, a.UID, sel, change)
	}
	raw := splice(c.Raw, a.SetStart, a.SetEnd, backendSet(sel))
	res, err := s.exchange(c.Tag, raw, shift(c.Literals, a.SetEnd, len(raw)-len(c.Raw)), nil)
	if err != nil {
		return err
	}
	if res.ok() {
		if err := change(); err != nil {
			return s.localError(c, err)
		}
	}
	if err := s.settle(); err != nil {
		return err
	}
	return s.answer(res)
}

// permitted are the flags of a STORE that the mailbox lets this person change: of injected
// messages as of real ones.
func (m *mailbox) permitted(a *command.Store, e *entry) []string {
	var flags []string
	for _, f := range a.Flags {
		if m.permits(f) {
			flags = append(flags, f)
		}
	}
	if a.Op == '=' {
		for _, f := range e.p.Flags {
			if !m.permits(f) {
				flags = append(flags, f)
			}
		}
	}
	return flags
}

var flagOps = map[byte]injection.FlagsOp{'+': injection.AddFlags, '-': injection.RemoveFlags, '=': injection.ReplaceFlags}

// storeInjected changes flags of injected messages and tells them. In a mailbox opened
// read-only it does what Dovecot does there with real ones: nothing.
func (s *session) storeInjected(uids []imap.UID, a *command.Store) error {
	m := s.mbox
	if m.readOnly {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.KnownBudget) // for all of them
	defer cancel()
	var failed error
	for _, uid := range uids {
		e := m.entries[uid]
		if e == nil || e.left {
			failed = expungeIssued
			continue
		}
		p, err := s.service.SetFlags(ctx, injection.FlagsRequest{Person: s.person(), ID: e.p.ID, Op: flagOps[a.Op], Flags: m.permitted(a, e)})
		switch {
		case fault.Is(err, fault.Conflict), fault.Is(err, fault.NotFound):
			// Withdrawn or expunged elsewhere: told when it may be.
			s.depart(e)
			failed = expungeIssued
			continue
		case fault.Is(err, fault.Invalid), fault.Is(err, fault.TooLarge):
			failed = refusal{"[LIMIT] " + fault.Public(err)}
			continue
		case err != nil:
			s.log.Info("flags not stored", "placement", e.p.ID, "error", err)
			return unavailable
		}
		same := slices.Equal(e.p.Flags, p.Flags)
		e.p = p
		s.changed(p)
		s.announce(p.Flags)
		if same || a.Silent && s.bc.Server != backend.Cyrus { // Cyrus tells also the silent
			continue // as Dovecot does: told is what is not as the client knows it
		}
		if n, ok := m.view.InjectedSeq(uid); ok {
			s.fetchHead(n)
			b := []byte(" (")
			if a.UID {
				b = append(b, "UID "+imap.SetOf(uint32(uid)).String()+" "...)
			}
			b = append(b, "FLAGS "...)
			s.line(string(append(appendFlags(b, e.flagList()), ')')))
		}
	}
	return failed
}
