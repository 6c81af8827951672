package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"inlay.example/inlay/internal/gateway/course"
	"inlay.example/inlay/internal/gateway/reserve"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// change is a change of an injected message that is durable, and where it is in its course.
type change struct {
	p    placement.Placement // as the change left it; after carry, as it is now
	step course.Change
}

// written is a change that somebody asked for, and that the store has taken. One that is not
// pending changed nothing, or is of a mailbox whose mod-sequences nobody can hold; where this
// session has heard of none, it is left to a session that has.
func (m *mailbox) written(p placement.Placement) *change {
	return &change{p, course.NewChange(p.Pending && m.tracked()).Next(course.Done)}
}

// pends says how a change is written. A session that has heard of no HIGHESTMODSEQ does not know
// whether another one has enabled CONDSTORE in the mailbox since, and may not ask: on Dovecot the
// question enables it, and every SELECT from then on would tell what it would not have told. So it
// leaves a pending change, which matches everything, to whoever holds a mod-sequence.
func (s *session) pends() (pending, unraised bool) {
	if s.mbox.tracked() {
		return true, false
	}
	return s.caps.Has("CONDSTORE"), true
}

// carry brings durable changes to where they may be told: HIGHESTMODSEQ is raised once for all
// of them, and each is settled (virtual-mailbox.md §5). Its error is of the connection alone.
func (s *session) carry(changes []*change) error {
	if len(changes) == 0 {
		return nil
	}
	s.g.cfg.AtStep(StepWritten)
	for {
		var value uint64
		raised, outcome := false, course.Unknown
		for _, c := range changes {
			if c.step.Do() != course.Raise {
				continue
			}
			if !raised {
				raised = true
				var err error
				if value, outcome, err = s.raise(); err != nil {
					return err
				}
				s.g.cfg.AtStep(StepRaised)
			}
			c.step = c.step.Next(outcome)
		}
		again := false
		for _, c := range changes {
			if c.step.Do() == course.Settle {
				s.settleChange(c, value)
				again = again || c.step.Do() == course.Raise
			}
		}
		if !again {
			s.g.cfg.AtStep(StepSettled)
			return nil
		}
	}
}

// settleChange replaces pending by the value.
func (s *session) settleChange(c *change, value uint64) {
	ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.KnownBudget)
	defer cancel()
	got, err := s.service.Settle(ctx, injection.SettleRequest{Person: s.person(), ID: c.p.ID, Rev: c.p.Rev, ModSeq: value})
	o := outcome(err)
	if err == nil {
		c.p = got.Placement
		switch got.Outcome {
		case placement.Settled:
		case placement.Overtaken:
			o = course.Newer
		case placement.TooLow:
			o = course.NotAbove
		}
	} else {
		s.log.Info("mod-sequence not settled, whoever finds it does", "placement", c.p.ID, "error", err)
	}
	s.g.metrics.raises.WithLabelValues("settle " + o.String()).Inc()
	c.step = c.step.Next(o)
}

// raise raises the mailbox's HIGHESTMODSEQ, and gives what it is then: a value above
// everything that anybody was told before.
func (s *session) raise() (value uint64, o course.Outcome, err error) {
	m := s.mbox
	before := m.mod.highest
	m.reserving = true
	defer func() { m.reserving = false }()
	s.raisedAt = time.Now()
	uids, err := s.g.reserver.Raise(s.ctx, &reserving{s: s}, m.validity, rand.Text())
	switch {
	case err == nil, errors.Is(err, reserve.ErrKept):
	case errors.Is(err, reserve.ErrRefused), errors.Is(err, reserve.ErrValidity):
		s.log.Warn("HIGHESTMODSEQ could not be raised, the change stays pending", "mailbox", m.name, "error", err)
		s.g.metrics.raises.WithLabelValues("refused").Inc()
		m.unraisable = time.Now()
		return 0, course.Refused, nil
	default:
		return 0, course.Unknown, err
	}
	for _, uid := range uids {
		if uid != 0 {
			m.reserved = append(m.reserved, uid)
			m.uidNext = max(m.uidNext, uint32(uid)+1)
		}
	}
	s.g.metrics.raises.WithLabelValues("raised").Inc()
	if m.mod.highest > before {
		return m.mod.highest, course.Done, nil // said by UID EXPUNGE
	}
	value, err = s.askHighest()
	if err != nil {
		return 0, course.Unknown, err
	}
	if value <= before {
		return 0, course.Refused, nil // a server that does not count this
	}
	return value, course.Done, nil
}

// askHighest asks for the HIGHESTMODSEQ of the selected mailbox. rfc7162 §3.1: it enables
// CONDSTORE on the backend; a client that has not done so is not told what comes of that.
func (s *session) askHighest() (uint64, error) {
	m := s.mbox
	s.ownModSeqs = true
	var got *mailboxStatus
	if _, err := s.own("STATUS "+m.raw+" (HIGHESTMODSEQ)", s.statusInto(&got)); err != nil {
		return 0, err
	}
	if got != nil {
		m.mod.hearHighest(got.value("HIGHESTMODSEQ"))
	}
	return m.mod.highest, nil
}

// mayRaise reports whether a change in the mailbox could be raised; it need not be where nobody
// can hold a mod-sequence.
func (s *session) mayRaise() (bool, error) {
	m := s.mbox
	if !m.tracked() {
		return true, nil
	}
	if !m.looked {
		reason, err := s.cannotReserve()
		if err != nil {
			return false, err
		}
		m.looked, m.cannot = true, reason
	}
	return m.cannot == "", nil
}

// unraised are the placements of the mailbox that changed, and that nobody is raising
// HIGHESTMODSEQ for: whoever did it is gone, or knew of no mod-sequences, or it was the middleware.
//
// Where this session has heard of none, its SELECT proves that nobody held one then: what had
// been changed by that time has nothing to be above. Anything later is left to the next SELECT, or
// to a session that has enabled CONDSTORE since.
func (s *session) unraised(m *mailbox, all []placement.Placement) (left []*change) {
	now := time.Now()
	proven := m.tracked() || !s.caps.Has("CONDSTORE")
	for i := range all {
		p := &all[i]
		if p.Mailbox != m.name || p.UIDValidity != m.validity || !p.Pending {
			continue
		}
		if p.Left(now) && (proven || !m.asked.Before(p.Changed.Add(placement.PendingLease))) {
			left = append(left, &change{*p, course.Found(m.tracked())})
		}
	}
	return left
}

// unraisableFor is for how long a session does not try to raise again what could not be raised.
const unraisableFor = time.Minute

// raiseLeft raises and settles what was left unraised. In a mailbox where that cannot be done it
// is left to a session that can.
func (s *session) raiseLeft(all []placement.Placement) error {
	m := s.mbox
	left := s.unraised(m, all)
	if len(left) == 0 || m.readOnly || time.Since(m.unraisable) < unraisableFor {
		return nil
	}
	can, err := s.mayRaise()
	if err != nil || !can {
		return err
	}
	if err := s.carry(left); err != nil {
		return err
	}
	for _, c := range left {
		s.knows(c.p)
		if e := m.entries[c.p.UID]; e != nil && e.p.ID == c.p.ID && e.p.Rev == c.p.Rev {
			e.p = c.p
		}
	}
	return nil
}

// leftBy carries changes by which injected messages have left, and takes them out of the view.
func (s *session) leftBy(changes []*change) error {
	m := s.mbox
	if !m.readOnly { // where it is left to a session that can raise
		if err := s.carry(changes); err != nil {
			return err
		}
	}
	for _, c := range changes {
		s.removed(c.p.ID)
		if e := m.entries[c.p.UID]; e != nil {
			s.depart(e)
		}
	}
	m.expunged = len(changes) > 0 && m.tracked()
	return nil
}

// knows takes a placement as a change of ours left it, for all sessions of the person.
func (s *session) knows(p placement.Placement) {
	if p.State.Final() {
		s.removed(p.ID)
		return
	}
	s.changed(p)
}

// raiseWithin raises what the reading within SELECT found unraised, while nothing is told yet, and
// gives the live placements as they are then.
func (s *session) raiseWithin(live []placement.Placement) ([]placement.Placement, error) {
	m := s.mbox
	left := m.left
	m.left = nil
	if len(left) == 0 || m.readOnly {
		return live, nil
	}
	can, err := s.mayRaise()
	if err != nil || !can {
		return live, err
	}
	if err := s.carry(left); err != nil {
		return live, err
	}
	for _, c := range left {
		s.knows(c.p)
		for i := range live {
			if live[i].ID == c.p.ID && live[i].Rev == c.p.Rev {
				live[i] = c.p
			}
		}
	}
	return live, nil
}

// modifiedSince reports whether an injected message changed after a mod-sequence, which
// UNCHANGEDSINCE asks. rfc7162 §3.1.3: 0 is what everything has changed after.
func modifiedSince(p *placement.Placement, since uint64) bool {
	return p.Pending || max(p.ModSeq, 1) > since
}

func modSeqItem(n uint64) []byte {
	return append(strconv.AppendUint([]byte{'('}, n, 10), ')')
}
