package gateway

import (
	"context"
	"slices"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/placement"
)

// placements reads the person's placements: the light reading, linearizable.
func (s *session) placements(budget time.Duration) ([]placement.Placement, error) {
	ctx, cancel := context.WithTimeout(s.ctx, budget)
	defer cancel()
	all, err := s.service.Placements(ctx, s.person())
	if err == nil {
		s.g.known.set(s.user, all)
	}
	return all, err
}

// here gives the placements of the selected mailbox, sorted by UID (claimed ones first).
func (m *mailbox) here(all []placement.Placement) (live, claimed []placement.Placement) {
	for _, p := range all {
		if p.Mailbox != m.name || p.UIDValidity != m.validity {
			continue
		}
		switch p.State {
		case placement.Live, placement.Moving: // here until it has moved
			live = append(live, p)
		case placement.Claimed:
			claimed = append(claimed, p)
		case placement.Moved, placement.Expunged, placement.Withdrawn, placement.Expired, placement.Void: // not in the view
		}
	}
	slices.SortFunc(live, func(a, b placement.Placement) int { return int(int64(a.UID) - int64(b.UID)) })
	return live, claimed
}

// readLedger reads the placements after a doorbell, sees claims of others resolved, and notes
// what differs from the view: to be told by tell. Without an answer the session goes on with
// what it knows.
func (s *session) readLedger(budget time.Duration) error {
	m := s.mbox
	heard := m.mod.heard
	all, err := s.placements(budget)
	if m.blind = err != nil; m.blind {
		s.bell.missed(rung{person: true})
		s.notInjected(reasonOf(err), err)
		return nil
	}
	if all, err = s.withoutLeftMoves(all); err != nil {
		return err
	}
	live, claimed := m.here(all)
	if len(claimed) > 0 {
		if live, err = s.resolve(claimed); err != nil {
			return err
		}
	}
	m.read, m.mod.read = time.Now(), heard
	s.compare(live)
	if err := s.raiseLeft(all); err != nil {
		return err
	}
	if len(m.arriving) > 0 && !m.composing {
		// Real messages below a new placement's UID may not have been announced yet: after
		// a NOOP that follows the reading they all are, because its marker came behind them.
		if _, err := s.own("NOOP", nil); err != nil {
			return err
		}
		if _, err := s.identifyAll(); err != nil {
			return err
		}
	}
	return nil
}

// compare notes what the ledger says differently from the view.
func (s *session) compare(live []placement.Placement) {
	m := s.mbox
	m.arriving = m.arriving[:0]
	byUID := make(map[imap.UID]*placement.Placement, len(live))
	for i := range live {
		p := &live[i]
		byUID[p.UID] = p
		e := m.entries[p.UID]
		switch {
		case e == nil:
			m.arriving = append(m.arriving, *p)
		case e.p.ID == p.ID && p.Rev > e.p.Rev:
			if !slices.Equal(e.p.Flags, p.Flags) {
				m.changed = appendNew(m.changed, p.UID)
			}
			e.p = *p
		case e.p.ID == p.ID && p.Rev == e.p.Rev && e.p.Pending && !p.Pending:
			e.p = *p // settled: no change that the client is told of
		}
	}
	for uid, e := range m.entries {
		if p := byUID[uid]; (p == nil || p.ID != e.p.ID) && !e.left {
			s.depart(e)
		}
	}
}

// depart notes that an injected message is no longer live. The client is told when it may be.
func (s *session) depart(e *entry) {
	e.left = true
	if i, found := slices.BinarySearch(s.mbox.gone, e.p.UID); !found {
		s.mbox.gone = slices.Insert(s.mbox.gone, i, e.p.UID)
	}
}

func appendNew(list []imap.UID, uid imap.UID) []imap.UID {
	if slices.Contains(list, uid) {
		return list
	}
	return append(list, uid)
}

// arrivals turns what the ledger holds and the view does not into entries, ascending by UID.
// What lies below a UID that the client has been told is not added: the client would never
// look there. It is found again when the mailbox is selected anew.
func (s *session) arrivals() []*entry {
	m := s.mbox
	var out []*entry
	for i := range m.arriving {
		p := m.arriving[i]
		if p.UID <= m.lastUID {
			if _, known := m.refused[p.ID]; !known {
				m.refused[p.ID] = struct{}{}
				s.g.metrics.late.Inc()
				s.notInjected(reasonLate, nil)
			}
			continue
		}
		e, err := s.entry(p)
		if err != nil {
			s.notInjected(reasonRender, err)
			continue
		}
		e.recent = slices.ContainsFunc(m.injected, func(x *entry) bool { return x.p.ID == p.ID })
		m.recentHeld = m.recentHeld || e.recent
		out = append(out, e)
	}
	m.arriving = m.arriving[:0]
	return out
}

// entry makes sure that the placement's bytes can be had before it is shown.
func (s *session) entry(p placement.Placement) (*entry, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.KnownBudget)
	defer cancel()
	t, err := s.g.render.template(ctx, p.Template)
	if err != nil {
		return nil, err
	}
	if _, err := s.g.render.message(t, &p); err != nil {
		return nil, err
	}
	return &entry{p: p, template: t}, nil
}

// freshen reads the ledger if injected messages are shown, and what is known of them may be
// older than age: the last reading is, and either there was a word since or nobody would have
// brought one. With an age of 0 it is always read.
func (s *session) freshen(age, budget time.Duration) error {
	m := s.mbox
	if m == nil || !m.active || len(m.entries) == 0 {
		return nil
	}
	if rung := s.bell.takePerson(); age > 0 && !rung && (s.g.bells.hears(s.bell) || time.Since(m.read) < age) {
		return nil
	}
	return s.readLedger(budget)
}
