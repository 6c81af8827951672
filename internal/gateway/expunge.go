package gateway

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/injection"
)

// expunge runs EXPUNGE and UID EXPUNGE.
//
//	expunge     = "EXPUNGE"
//	uid-expunge = "UID" SP "EXPUNGE" SP sequence-set      (rfc4315 §2.1)
//
// The backend's part first; behind its OK the injected messages with \Deleted leave, each
// durably before it is told. For the person that is final.
func (s *session) expunge(c *command.Command, a *command.Expunge) error {
	m := s.mbox
	if m == nil || !m.active || m.view.Identity() && !a.UID || a.UID && m.asWritten(a.Set, true) {
		return s.forward(c)
	}
	left, err := s.freshenDeleted()
	if err != nil {
		return err
	}
	raw := c.Raw
	sel := selection{injected: m.view.Injected()}
	if a.UID {
		if sel, err = s.savedOr(a.Saved, a.Set, true); err != nil {
			return err
		}
		if sel.ours() {
			return s.local(c, a.SetStart, a.SetEnd, true, sel, func() error { return s.expungeInjected(sel.injected, true, left) })
		}
		raw = splice(c.Raw, a.SetStart, a.SetEnd, backendSet(sel))
	}
	res, err := s.exchange(c.Tag, raw, nil, nil)
	if err != nil {
		return err
	}
	if res.ok() {
		if err := s.expungeInjected(sel.injected, true, left); err != nil {
			return s.localError(c, err)
		}
	}
	if err := s.settle(); err != nil {
		return err
	}
	return s.answer(res)
}

// expungedAt gives the OK of an expunge HIGHESTMODSEQ where something injected has left: the
// backend knows of nothing, or of less (rfc7162 §3.2.7, of clients that enabled QRESYNC).
func (s *session) expungedAt(res tagged) tagged {
	m := s.mbox
	if m == nil || !m.expunged {
		return res
	}
	m.expunged = false
	n := max(m.mod.highest, m.mod.plain)
	if n > 0 && res.ok() && (s.qresync() || s.bc.Server == backend.Cyrus) && // which tells it to everybody
		m.allTold() && (res.status.Code == "" || res.status.Code == "HIGHESTMODSEQ") {
		res = withCode(res, "HIGHESTMODSEQ "+strconv.FormatUint(n, 10))
	}
	return res
}

// freshenDeleted reads the ledger before an expunge: what carries \Deleted may have been changed
// by another session, and final is final. It is waited for longer if anything carries it; who
// expunges nothing but mail is not to notice. What is left of the time is for the expunge.
func (s *session) freshenDeleted() (left time.Duration, err error) {
	budget := s.g.cfg.LookupBudget
	if m := s.mbox; m != nil && m.active {
		for _, e := range m.entries {
			if e.p.HasFlag(`\Deleted`) {
				budget = max(budget, s.g.cfg.KnownBudget)
			}
		}
	}
	begun := time.Now()
	err = s.freshen(0, budget)
	return max(budget-time.Since(begun), s.g.cfg.LookupBudget), err
}

// expungeInjected removes those of uids that have \Deleted, all within budget. What cannot be
// made durable stays.
func (s *session) expungeInjected(uids []imap.UID, tell bool, budget time.Duration) error {
	m := s.mbox
	if m.readOnly {
		return nil
	}
	leaves := func(uid imap.UID) bool {
		e := m.entries[uid]
		return e != nil && !e.left && e.p.HasFlag(`\Deleted`)
	}
	if !slices.ContainsFunc(uids, leaves) {
		return nil
	}
	if can, err := s.mayRaise(); err != nil || !can {
		if err == nil {
			err = noRaise
		}
		return err
	}
	ctx, cancel := context.WithTimeout(s.ctx, budget)
	defer cancel()
	var failed error
	var changes []*change
	var gone []*entry
	for _, uid := range slices.Clone(uids) {
		if !leaves(uid) {
			continue
		}
		e := m.entries[uid]
		pending, unraised := s.pends()
		p, err := s.service.Expunge(ctx, injection.ExpungeRequest{Person: s.person(), ID: e.p.ID, Pending: pending, Unraised: unraised})
		if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
			s.log.Info("injected message not expunged", "placement", e.p.ID, "error", err)
			failed = unavailable
			continue
		}
		if err != nil && s.beingMoved(e) {
			failed = inUse
			continue
		}
		if err == nil {
			changes = append(changes, m.written(p))
		}
		gone = append(gone, e)
	}
	if err := s.carry(changes); err != nil {
		return err
	}
	m.expunged = len(changes) > 0
	for _, e := range gone {
		s.removed(e.p.ID)
		if e.left = true; tell {
			s.depart(e)
		}
	}
	return failed
}

// leave runs CLOSE and UNSELECT. CLOSE expunges without telling.
func (s *session) leave(c *command.Command) error {
	m := s.mbox
	var left time.Duration
	if c.Name == "CLOSE" {
		var err error
		if left, err = s.freshenDeleted(); err != nil {
			return err
		}
	}
	expunge := func() error {
		err := s.expungeInjected(m.view.Injected(), false, left)
		if r := (refusal{}); errors.As(err, &r) {
			s.log.Info("closed with an injected message that stays", "error", err)
			err = nil
		}
		return err
	}
	closes := c.Name == "CLOSE" && m != nil && m.active
	if closes && m.tracked() { // HIGHESTMODSEQ is raised while it is selected
		if err := expunge(); err != nil {
			return err
		}
	}
	res, err := s.exchange(c.Tag, c.Raw, nil, nil)
	if err != nil {
		return err
	}
	if res.ok() {
		if closes && s.mbox == m && !m.tracked() {
			if err := expunge(); err != nil {
				return err
			}
		}
		s.mbox = nil
	}
	return s.answer(res)
}

// noop runs NOOP and CHECK: a moment for everything that is to be told. What is new is looked
// for, and injected, first: so it is told in one with what the backend announces.
func (s *session) noop(c *command.Command) error {
	if err := s.news(); err != nil {
		return err
	}
	if err := s.forward(c); err != nil {
		return err
	}
	return s.toldNew()
}
