package gateway

import (
	"fmt"
	"slices"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// compose finds out what the view holds: markers hidden, placements read, claims of others
// resolved, new messages injected, ranks asked. The client has been told nothing yet.
func (s *session) compose(m *mailbox) error {
	s.nextLook = time.Now().Add(s.every(s.g.cfg.Look)) // this is one
	s.bell.take()
	if m.keyword {
		if err := s.findMarkers(); err != nil {
			return err
		}
	}
	if m.validity == 0 || m.uidNext == 0 {
		s.notInjected(reasonNoUIDNext, nil)
		return nil
	}
	m.lastUID = imap.UID(m.uidNext - 1)
	offers, live, err := s.ledgerAtSelect(m)
	if err != nil {
		return err
	}
	if err := s.removeOrphans(); err != nil {
		return err
	}
	if len(offers) > 0 {
		s.contested = false
		if err := s.inject(offers); err != nil {
			return err
		}
		if s.contested {
			// Who was first is in the ledger: claimed, and about to be live.
			more, err := s.readAtSelect(m, s.g.cfg.KnownBudget, true)
			if err != nil {
				return err
			}
			live = more
		}
	}
	if live, err = s.raiseWithin(live); err != nil {
		return err
	}
	entries, err := s.toPlace(live)
	if err != nil {
		return err
	}
	if s.heldBack() {
		return desync{fmt.Errorf("messages that were announced can neither be seen nor heard of as vanished")}
	}
	if err := s.place(entries); err != nil {
		return err
	}
	m.arriving, m.reserved = m.arriving[:0], nil
	m.lastUID = max(m.lastUID, imap.UID(m.uidNext-1))
	if m.blind && m.keyword {
		s.passes(1, m.lastUID)
	}
	return nil
}

// toPlace makes entries of what there is to be placed, and looks at the real messages that came
// meanwhile. The reading that live is from began behind the answer to SELECT, and perhaps before
// another session's claim: a gap below what was reserved or came since rings as it does later.
func (s *session) toPlace(live []placement.Placement) ([]*entry, error) {
	m := s.mbox
	for round := 1; ; round++ {
		m.arriving = append(m.arriving[:0], live...)
		entries, err := s.belowUIDNext(s.entries(live))
		if err != nil {
			return nil, err
		}
		if entries, err = s.ownUIDs(entries); err != nil {
			return nil, err
		}
		if s.qresync() && len(entries) > 0 || s.searchesLiving() && m.keyword {
			// A marker that SELECT counted and another session has expunged since keeps its number,
			// and the UID of what is placed, until this session is told: and told it must be before,
			// or VANISHED would be taken for a burnt UID that is repeated. Where SEARCH does not find
			// it, nothing but this tells of it, and the reading may have waited for its claim.
			if _, err := s.own("NOOP", nil); err != nil {
				return nil, err
			}
		}
		if _, err := s.identifyAll(); err != nil {
			return nil, err
		}
		top, rings := m.gap()
		if !rings || round == rounds {
			return entries, nil
		}
		s.g.metrics.doorbells.WithLabelValues("gap").Inc()
		m.told(top) // no more than that is explained by the reading that starts now
		if live, err = s.readAtSelect(m, s.g.cfg.KnownBudget, true); err != nil {
			return nil, err
		}
	}
}

// injectedBefore reports whether the mailbox may hold placements, for all that it says itself.
func (s *session) injectedBefore(m *mailbox) bool { return m.keyword || !s.g.reserver.Marks() }

// ledgerAtSelect reads what there is for the person in this mailbox: offers from the lookup at
// login, and the live placements by a reading that starts now, behind the answer to SELECT, if
// there can be any.
func (s *session) ledgerAtSelect(m *mailbox) ([]injection.Offer, []placement.Placement, error) {
	budget := s.g.cfg.LookupBudget
	if s.injectedBefore(m) && !s.service.open() {
		// Injected into before: a message that vanishes for one session and comes back is
		// worse than a slow SELECT.
		budget = s.g.cfg.KnownBudget
	}
	until := time.Now().Add(budget)
	session, err := s.awaitLookup(budget)
	ok := err == nil
	if ok {
		s.g.known.learn(s.user, session.Placements)
	} else {
		s.notInjected(reasonOf(err), err)
	}
	held := func(p placement.Placement) bool {
		return p.Mailbox == m.name || p.State == placement.Moving && p.Target == m.name
	}
	switch {
	case ok && s.quiet():
		return nil, nil, nil
	case s.injectedBefore(m), ok && slices.ContainsFunc(session.Placements, held):
	case ok:
		// Nothing was ever injected here, and nobody is about to: if somebody claims what is
		// offered in this moment, our claim fails and the ledger is read after all.
		return session.Offers, nil, nil
	default:
		m.blind = true
		return nil, s.knownOf(m), nil
	}
	s.voided = false
	live, err := s.readAtSelect(m, max(time.Until(until), s.g.cfg.LookupBudget), ok)
	if err != nil {
		return nil, nil, err
	}
	if s.voided {
		// A dead gateway's claim, or what lived in a mailbox that is no more, was cleared away:
		// what it stood for may be offered again.
		s.startLookup()
		if session, err = s.awaitLookup(s.g.cfg.LookupBudget); err != nil {
			s.notInjected(reasonOf(err), err)
		}
	}
	return session.Offers, live, nil
}

// voidForeign ends the placements of a mailbox that had this one's name: its UIDs are gone with
// it, and what they stood for may be injected anew. (rfc3501 §2.3.1.1: a new UIDVALIDITY says
// that no UID of before counts.)
func (s *session) voidForeign(m *mailbox, all []placement.Placement) {
	for _, p := range all {
		if p.State == placement.Live && p.Mailbox == m.name && p.UIDValidity != m.validity {
			s.voidLive(p, placement.ReasonValidity)
			s.notInjected(reasonValidity, nil)
			s.voided = true
		}
	}
}

// readAtSelect is the reading behind the answer to SELECT, with claims resolved. count says
// whether a failure is to be counted: one SELECT has one reason.
func (s *session) readAtSelect(m *mailbox, budget time.Duration, count bool) ([]placement.Placement, error) {
	heard := m.mod.heard
	all, err := s.placements(budget)
	if m.blind = err != nil; m.blind {
		if count {
			s.notInjected(reasonOf(err), err)
		}
		return s.knownOf(m), nil
	}
	if all, err = s.withoutLeftMoves(all); err != nil {
		return nil, err
	}
	s.voidForeign(m, all)
	if err := s.removeLost(m, all); err != nil {
		return nil, err
	}
	live, claimed := m.here(all)
	m.read, m.mod.read = time.Now(), heard
	m.left = s.unraised(m, all)
	if err := s.findRaising(all); err != nil {
		return nil, err
	}
	if len(claimed) == 0 {
		return live, nil
	}
	return s.resolve(claimed)
}

// removeLost looks for markers whose claims became void without anybody having seen them: another
// session's STORE may have taken their keyword off, and then nothing but the token finds them.
func (s *session) removeLost(m *mailbox, all []placement.Placement) error {
	now := time.Now()
	for _, p := range all {
		if p.Lost(now) && p.Mailbox == m.name && p.UIDValidity == m.validity {
			if err := s.removeMarker(p.Token); err != nil {
				return err
			}
		}
	}
	return nil
}

// knownOf gives what was known of a mailbox when the ledger cannot be read.
func (s *session) knownOf(m *mailbox) []placement.Placement {
	live, _ := m.here(s.g.known.of(s.user))
	return live
}

// findMarkers hides the markers that are in the mailbox now.
func (s *session) findMarkers() error { return s.findMarkersBy("KEYWORD " + keyword) }

// findRaising hides markers that raise HIGHESTMODSEQ at this moment: they belong to no claim, but
// to a change that is pending, and another session's STORE may have taken their keyword off. None
// is older than the oldest of these changes. What this session has raised for a moment ago may
// have been found by others too: it is settled, and their markers are still there.
func (s *session) findRaising(all []placement.Placement) error {
	m := s.mbox
	var since time.Time
	for _, p := range all {
		if p.Pending && p.Mailbox == m.name && p.UIDValidity == m.validity && (since.IsZero() || p.Changed.Before(since)) {
			since = p.Changed
		}
	}
	if since.IsZero() && time.Since(s.raisedAt) < placement.PendingLease {
		since = s.raisedAt
	}
	if since.IsZero() {
		return nil
	}
	return s.findMarkersBy("SINCE " + since.UTC().AddDate(0, 0, -1).Format("2-Jan-2006") + " HEADER " + markerHeader + ` ""`)
}

func (s *session) findMarkersBy(key string) error {
	var uids imap.Set
	// A client that goes around the gateway may have given the keyword to everything: the list
	// is streamed.
	_, err := s.own("UID SEARCH "+key, func(h response.Head) (bool, error) {
		if h.Name != "SEARCH" {
			return false, nil
		}
		return true, s.eachNumber(func(n uint32) { uids.Add(n) })
	})
	if err != nil || uids.Empty() {
		return err
	}
	s.g.metrics.doorbells.WithLabelValues("marker").Inc()
	return s.learnMarkers(uids)
}

// removeOrphans expunges markers that belong to no claim that is alive: their gateway died.
func (s *session) removeOrphans() error {
	m := s.mbox
	if len(m.markers) == 0 {
		return nil
	}
	all, err := s.placements(s.g.cfg.KnownBudget)
	if err != nil {
		return nil //nolint:nilerr // they stay hidden; a later session removes them
	}
	now := time.Now()
	for uid, mk := range m.markers {
		alive := slices.ContainsFunc(all, func(p placement.Placement) bool {
			return p.State == placement.Claimed && p.Token == mk.token && p.Lease.After(now)
		})
		if !alive {
			if err := s.expungeMarker(uid); err != nil {
				return err
			}
		}
	}
	return nil
}
