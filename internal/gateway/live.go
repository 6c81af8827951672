package gateway

import (
	"math/rand/v2"
	"slices"
	"time"

	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// An open session is told of what was offered since its SELECT within NOOP, CHECK and IDLE: it
// claims, reserves and confirms as a SELECT does, with the marker hidden, and then tells EXISTS
// at a moment when a server may (rfc9051 §7.5.1). Nothing was told meanwhile, so that the
// UID that was burnt lies above every one that the client knows of.

// jittered gives a duration between three quarters of d and d: sessions that were opened at
// the same moment must not ask at the same moment for ever.
func jittered(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d/4)+1)) //nolint:gosec // spreading, no secret
}

// every is how long a session waits until it looks by itself. While the change stream stands
// that is for what no word may come of: the hour of a campaign, say.
func (s *session) every(d time.Duration) time.Duration {
	if s.g.bells.hears(s.bell) {
		d *= 10
	}
	return jittered(d)
}

// offersHere asks what there is for the person, and gives what may be injected into the mailbox
// that is open. rings says that something else is in it that the view has not.
func (s *session) offersHere(budget time.Duration) (offers []injection.Offer, rings bool) {
	m := s.mbox
	s.startLookup()
	s.nextLook = time.Now().Add(s.every(s.g.cfg.Look))
	session, err := s.awaitLookup(budget)
	if err != nil {
		s.bell.missed(rung{offers: true})
		s.nextLook = time.Now().Add(jittered(s.g.cfg.Look))
		s.notInjected(reasonOf(err), err)
		return nil, false
	}
	s.g.known.learn(s.user, session.Placements)
	live, _ := m.here(session.Placements)
	rings = slices.ContainsFunc(live, func(p placement.Placement) bool { return m.entries[p.UID] == nil && p.UID > m.lastUID })
	if m.readOnly || m.uidNext == 0 || m.validity == 0 {
		return nil, rings // SELECT has counted why
	}
	return slices.DeleteFunc(slices.Clone(session.Offers), func(o injection.Offer) bool { return o.Mailbox != m.name }), rings
}

// injectOpen injects into the mailbox that is open, and reads the placements behind it: other
// sessions' markers may lie below ours, and their claims are older than them. What is to be
// told is in arriving and fresh then, for settle.
func (s *session) injectOpen(offers []injection.Offer) (reserved bool, err error) {
	m := s.mbox
	s.contested = false
	m.reserving = true
	err = s.inject(offers)
	m.reserving = false
	if err != nil {
		return false, err
	}
	if s.contested {
		// Somebody else is injecting it at this moment, and will be heard of.
		s.nextLook = time.Now().Add(jittered(contestedLook))
	}
	if len(m.reserved) == 0 {
		return false, nil
	}
	for _, e := range m.injected {
		m.arriving = append(m.arriving, e.p) // in case that they cannot be read
	}
	return true, s.readLedger(s.g.cfg.KnownBudget)
}

// contestedLook is when a session looks again whose claim was another one's by then.
const contestedLook = 2 * time.Second

// news makes an open session look for what is new, before the backend is asked for its own news
// by the client's command: so both are told by that command together. While the change stream
// stands, it looks when there was a word; without it, each time.
func (s *session) news() error {
	m := s.mbox
	if m == nil || !m.active {
		return nil
	}
	r := s.bell.take()
	if r.offers || s.looks() {
		offers, rings := s.offersHere(s.g.cfg.LookupBudget)
		if len(offers) > 0 {
			if done, err := s.injectOpen(offers); done || err != nil {
				return err
			}
		}
		r.person = r.person || rings
	}
	if r.person || len(m.entries) > 0 && !s.g.bells.hears(s.bell) {
		return s.readLedger(s.g.cfg.LookupBudget)
	}
	return nil
}

// looks reports whether it is time to ask by itself what is offered.
func (s *session) looks() bool {
	if time.Now().Before(s.nextLook) {
		return false
	}
	if s.quiet() {
		s.nextLook = time.Now().Add(s.every(s.g.cfg.Look))
		return false
	}
	return true
}

// toldNew says that the client has been told of what this session injected.
func (s *session) toldNew() error {
	m := s.mbox
	if m == nil || len(m.injected) == 0 {
		return nil
	}
	m.injected = nil
	if err := s.out.Flush(); err != nil {
		return err
	}
	s.g.cfg.AtStep(StepAnswered)
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
