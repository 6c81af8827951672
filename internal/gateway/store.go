package gateway

import (
	"context"
	"errors"
	"slices"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// freshAge is how old the last reading of the ledger may be for a command that shows flags of
// injected messages: changes made elsewhere are seen within it, and at NOOP at once.
const freshAge = time.Second

// store runs STORE and UID STORE.
//
//	store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags
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
	if can, err := s.mayStore(sel.injected); err != nil || !can {
		if err == nil {
			s.line(c.Tag + " NO " + noRaise.text)
		}
		return err
	}
	st := &storing{s: s, a: a}
	change := func() error { return st.store(sel.injected) }
	if sel.ours() {
		return s.local(c, a.SetStart, a.SetEnd, a.UID, sel, change)
	}
	raw := splice(c.Raw, a.SetStart, a.SetEnd, backendSet(sel))
	res, err := s.exchange(c.Tag, raw, shift(c.Literals, a.SetEnd, len(raw)-len(c.Raw)), nil)
	if err != nil {
		return err
	}
	if err := st.modifiedReal(res); err != nil {
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

// noRaise is the answer where a change could not be raised: with the rights that the person has
// here no marker can be set, and other clients would never learn of the change.
var noRaise = refusal{"[NOPERM] The change cannot be made in this mailbox."}

// mayStore reports whether flags of injected messages may be changed here.
func (s *session) mayStore(injected []imap.UID) (bool, error) {
	if len(injected) == 0 || s.mbox.readOnly {
		return true, nil
	}
	return s.mayRaise()
}

// storing is a STORE.
type storing struct {
	s        *session
	a        *command.Store
	modified imap.Set // what failed UNCHANGEDSINCE, in the client's numbers, or UIDs
}

// modifiedReal takes MODIFIED of the backend's answer (rfc7162 §3.1.3), for which the client's
// numbers are told instead.
func (st *storing) modifiedReal(res tagged) error {
	if res.status.Code != "MODIFIED" {
		return nil
	}
	set, err := response.ParseModified(res.status.CodeArgs)
	if err != nil {
		return desync{err}
	}
	if !st.a.UID {
		set = st.s.mbox.view.ToClient(set)
	}
	st.modified = set
	st.s.modified = set.String()
	return nil
}

// store changes flags of injected messages: all are written, HIGHESTMODSEQ is raised once, then they
// are told. In a mailbox opened read-only it does what Dovecot does there with real ones: nothing.
func (st *storing) store(uids []imap.UID) error {
	s, m := st.s, st.s.mbox
	if m.readOnly {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.KnownBudget) // for all of them
	defer cancel()
	var failed error
	var changes []*change
	for _, uid := range uids {
		p, done, err := st.write(ctx, uid)
		if err != nil {
			failed = err
		}
		if errors.Is(err, unavailable) {
			break
		}
		if done {
			changes = append(changes, m.written(p))
		}
	}
	if err := s.carry(changes); err != nil {
		return err
	}
	for _, c := range changes {
		e := m.entries[c.p.UID]
		same := slices.Equal(e.p.Flags, c.p.Flags)
		e.p = c.p
		s.knows(c.p)
		if n, ok := m.view.InjectedSeq(c.p.UID); ok && !same { // as Dovecot does: told is what is not as the client knows it
			s.announce(c.p.Flags)
			silent := st.a.Silent && s.bc.Server != backend.Cyrus // which tells also the silent
			if !silent || s.condStore() {
				s.flagsLine(n, e, st.a.UID, silent)
			}
			if !silent {
				m.changed = slices.DeleteFunc(m.changed, func(uid imap.UID) bool { return uid == c.p.UID })
			}
		}
	}
	return failed
}

// write makes the change of one message durable. One that has changed since UNCHANGEDSINCE is left
// as it is, and told in MODIFIED: decided is of the revision that was read, and decided again if
// another one was there by then.
func (st *storing) write(ctx context.Context, uid imap.UID) (p placement.Placement, done bool, err error) {
	s, m, a := st.s, st.s.mbox, st.a
	e := m.entries[uid]
	if e == nil || e.left {
		return p, false, expungeIssued
	}
	for range 3 {
		pending, unraised := s.pends()
		req := injection.FlagsRequest{
			Person: s.person(), ID: e.p.ID, Op: flagOps[a.Op], Flags: m.permitted(a, e), Pending: pending, Unraised: unraised,
		}
		if a.Unchanged {
			if modifiedSince(&e.p, a.UnchangedSince) {
				st.fails(uid)
				return p, false, nil
			}
			req.IfRev = e.p.Rev
		}
		p, err = s.service.SetFlags(ctx, req)
		if !a.Unchanged || !fault.Is(err, fault.Conflict) {
			break
		}
		if err := s.reread(e); err != nil {
			s.log.Info("flags not stored", "placement", e.p.ID, "error", err)
			return p, false, unavailable
		}
		if e.left {
			break
		}
	}
	switch {
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.NotFound):
		if s.beingMoved(e) {
			return p, false, inUse
		}
		// Withdrawn or expunged elsewhere: told when it may be.
		s.depart(e)
		return p, false, expungeIssued
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.TooLarge):
		return p, false, refusal{"[LIMIT] " + fault.Public(err)}
	case err != nil:
		s.log.Info("flags not stored", "placement", e.p.ID, "error", err)
		return p, false, unavailable
	}
	return p, true, nil
}

// fails notes a message that UNCHANGEDSINCE leaves as it is.
func (st *storing) fails(uid imap.UID) {
	n := uint32(uid)
	if !st.a.UID {
		seq, _ := st.s.mbox.view.InjectedSeq(uid)
		n = uint32(seq)
	}
	st.modified.Add(n)
	st.s.modified = st.modified.String()
}

// reread takes an entry as it is in the ledger now.
func (s *session) reread(e *entry) error {
	all, err := s.placements(s.g.cfg.KnownBudget)
	if err != nil {
		return err
	}
	live, _ := s.mbox.here(all)
	for _, p := range live {
		if p.ID == e.p.ID {
			if !slices.Equal(e.p.Flags, p.Flags) {
				s.mbox.changed = appendNew(s.mbox.changed, p.UID)
			}
			e.p = p
			return nil
		}
	}
	s.depart(e)
	return nil
}
