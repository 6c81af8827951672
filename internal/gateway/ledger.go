package gateway

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// lookup is the question at login, asked once and not waited for by the login.
type lookup struct {
	started time.Time
	done    chan struct{}
	session injection.Session // valid after done
	err     error             // likewise
	waited  time.Duration     // for its answer; of the session's goroutine
}

// lookupLimit is how long a lookup may go on in the background: a late answer still serves
// the next SELECT.
const lookupLimit = 5 * time.Second

// lookupAge is how old an answer may be that a SELECT decides with: clients open several
// folders and connections within a moment, and the claim decides in the end.
const lookupAge = 2 * time.Second

// freshLookup asks anew when the last answer is too old to decide with. A question that was
// not answered yet is not asked twice.
func (s *session) freshLookup() {
	if l := s.lookup; l != nil {
		select {
		case <-l.done:
			if time.Since(l.started) <= lookupAge {
				return
			}
		default:
			return
		}
	}
	s.startLookup()
}

// taken takes what was claimed out of the offers: the answer may serve another SELECT.
func (l *lookup) taken(claims []placement.Placement) {
	l.session.Offers = slices.DeleteFunc(slices.Clone(l.session.Offers), func(o injection.Offer) bool {
		return slices.ContainsFunc(claims, func(p placement.Placement) bool { return p.Key == o.Key })
	})
}

// startLookup asks the middleware, without waiting.
func (s *session) startLookup() {
	if s.g.service == nil {
		return
	}
	l := &lookup{started: time.Now(), done: make(chan struct{})}
	s.lookup = l
	req := injection.BeginRequest{Person: s.person(), ClientID: s.clientID, RemoteAddr: hostOf(s.remote)}
	ctx := s.ctx
	go func() {
		defer close(l.done)
		ctx, cancel := context.WithTimeout(ctx, lookupLimit)
		defer cancel()
		l.session, l.err = s.g.service.Begin(ctx, req)
		s.g.metrics.lookup.Observe(time.Since(l.started).Seconds())
	}()
}

func hostOf(addr string) string {
	if i := strings.LastIndexByte(addr, ':'); i >= 0 {
		return strings.Trim(addr[:i], "[]")
	}
	return addr
}

// awaitLookup gives the answer to the lookup, if there is one within the budget. All waiting
// for the same lookup counts: a client that opens ten folders does not pay for it ten times.
func (s *session) awaitLookup(budget time.Duration) (injection.Session, error) {
	l := s.lookup
	select {
	case <-l.done:
	default:
		began := time.Now()
		t := time.NewTimer(budget - l.waited)
		defer t.Stop()
		select {
		case <-l.done:
		case <-t.C:
			l.waited += time.Since(began)
			return injection.Session{}, context.DeadlineExceeded
		case <-s.ctx.Done():
			return injection.Session{}, s.ctx.Err()
		}
	}
	return l.session, l.err
}

func reasonOf(err error) string {
	switch {
	case errors.Is(err, errBreaker):
		return reasonBreaker
	case errors.Is(err, context.DeadlineExceeded):
		return reasonTimeout
	}
	return reasonUnavailable
}

func (s *session) notInjected(reason string, err error) {
	s.g.metrics.notInjected.WithLabelValues(reason).Inc()
	if err != nil && !errors.Is(err, context.Canceled) {
		s.log.Info("nothing injected", "user", s.user, "reason", reason, "error", err)
	}
}

// placements reads the person's placements: the light reading, linearizable.
func (s *session) placements(budget time.Duration) ([]placement.Placement, error) {
	ctx, cancel := context.WithTimeout(s.ctx, budget)
	defer cancel()
	all, err := s.g.service.Placements(ctx, s.person())
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
		case placement.Live:
			live = append(live, p)
		case placement.Claimed:
			claimed = append(claimed, p)
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
	all, err := s.placements(budget)
	if err != nil {
		s.notInjected(reasonOf(err), err)
		return nil
	}
	live, claimed := m.here(all)
	if len(claimed) > 0 {
		if live, err = s.resolve(claimed); err != nil {
			return err
		}
	}
	m.read = time.Now()
	s.compare(live)
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

// resolve waits for claims of other sessions to end, and ends them when they do not: nobody
// may be told what lies behind a UID that is about to become an injected message's. It
// returns the live placements of the mailbox afterwards.
func (s *session) resolve(claimed []placement.Placement) ([]placement.Placement, error) {
	m := s.mbox
	until := time.Now().Add(s.g.cfg.KnownBudget)
	wait := 10 * time.Millisecond
	for {
		now := time.Now()
		late := !now.Before(until)
		over := func(p placement.Placement) bool { return late || !p.Lease.After(now) }
		if slices.ContainsFunc(claimed, over) {
			for _, p := range claimed {
				if !over(p) {
					continue
				}
				if err := s.voidClaim(p, !p.Lease.After(now)); err != nil {
					return nil, err
				}
			}
		} else {
			select {
			case <-time.After(wait):
			case <-s.ctx.Done():
				return nil, s.ctx.Err()
			}
			wait = max(min(wait*2, 200*time.Millisecond, time.Until(until)), time.Millisecond)
		}
		all, err := s.placements(max(time.Until(until), 200*time.Millisecond))
		if err != nil {
			s.notInjected(reasonUnresolved, err)
			return s.stillLive(), nil
		}
		var live []placement.Placement
		live, claimed = m.here(all)
		if m.readOnly {
			// A dead gateway's claim that this session may not clear away holds nobody up.
			claimed = slices.DeleteFunc(claimed, func(p placement.Placement) bool { return !p.Lease.After(now) })
		}
		switch {
		case len(claimed) == 0:
			return live, nil
		case time.Now().After(until.Add(time.Second)):
			s.notInjected(reasonUnresolved, nil)
			return live, nil
		}
	}
}

// stillLive is what the session knew, when the ledger cannot be read.
func (s *session) stillLive() []placement.Placement {
	var live []placement.Placement
	for _, e := range s.mbox.entries {
		if !e.left {
			live = append(live, e.p)
		}
	}
	return live
}

// voidClaim ends another session's claim and removes its marker. A lapsed claim's gateway is
// dead or asleep: its offer may be claimed again at once, because nobody was made to wait.
func (s *session) voidClaim(p placement.Placement, lapsed bool) error {
	if err := s.removeMarker(p.Token); err != nil {
		return err
	}
	if s.mbox.readOnly && lapsed {
		// Its marker, if there is one, stays hidden here and cannot be expunged. The claim is
		// left to a session that can: it is how that one knows to search for it.
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.KnownBudget)
	defer cancel()
	reason := "superseded"
	if lapsed {
		reason = "lapsed"
	}
	err := s.g.service.Void(ctx, injection.VoidRequest{Person: s.person(), ID: p.ID, Token: p.Token, Reason: reason, Release: lapsed})
	switch fault.KindOf(err) {
	case fault.Conflict, fault.NotFound:
		return nil // it was confirmed, or ended, in this moment
	}
	if err != nil {
		s.log.Info("claim could not be voided", "user", s.user, "placement", p.ID, "error", err)
		return nil
	}
	s.voided = true
	// An APPEND may have been waiting behind a lock while we looked: look once more, now that
	// its gateway can no longer confirm.
	return s.removeMarker(p.Token)
}

// removeMarker expunges the marker of a claim, found by its header, whatever became of its
// flags. In a mailbox that may not be written it stays hidden.
func (s *session) removeMarker(token string) error {
	m := s.mbox
	if token == "" {
		return nil
	}
	var uids []uint32
	_, err := s.own("UID SEARCH HEADER "+markerHeader+" "+string(imap.AppendString(nil, token)),
		s.collect("SEARCH", heldLine, func(_ response.Head, rest []byte) error {
			found, err := response.ParseSearch(rest)
			uids = append(uids, found...)
			return wrapDesync(err)
		}))
	if err != nil || len(uids) == 0 {
		return err
	}
	if err := s.learnMarkers(imap.SetOf(uids...)); err != nil {
		return err
	}
	for uid, mk := range m.markers {
		if mk.token == token {
			if err := s.expungeMarker(uid); err != nil {
				return err
			}
		}
	}
	return nil
}

func wrapDesync(err error) error {
	if err == nil {
		return nil
	}
	return desync{err}
}

// learnMarkers checks messages by their header and hides those that are markers, where they
// are not told. (What was told cannot be hidden: it will go by EXPUNGE like any message.)
func (s *session) learnMarkers(uids imap.Set) error {
	m := s.mbox
	_, err := s.own("UID FETCH "+uids.String()+" (UID FLAGS BODY.PEEK[HEADER.FIELDS ("+markerHeader+")])",
		s.collect("FETCH", heldLine, func(h response.Head, rest []byte) error {
			f, err := response.ParseFetch(rest)
			if err != nil {
				return desync{err}
			}
			token, is := markerToken(f)
			if f.UID == 0 || !is {
				return nil
			}
			seq := imap.SeqNum(h.Num)
			_, told := m.view.ClientSeq(seq)
			if told && !m.composing {
				return nil
			}
			if m.markers[f.UID] != nil {
				return nil
			}
			m.fresh = slices.DeleteFunc(m.fresh, func(x freshMessage) bool { return x.uid == f.UID })
			m.markers[f.UID] = &marker{token: token, recent: hasFlag(f.Flags, `\Recent`), unseen: !hasFlag(f.Flags, `\Seen`)}
			s.g.metrics.markers.WithLabelValues("hidden").Inc()
			if m.view.HiddenUID(f.UID) {
				return nil
			}
			return s.known(seq, f.UID)
		}))
	return err
}

// expungeMarker removes a marker that is known by its header, setting \Deleted again in case
// another session's STORE took it off.
func (s *session) expungeMarker(uid imap.UID) error {
	m := s.mbox
	n := strconv.FormatUint(uint64(uid), 10)
	if m.readOnly || !s.caps.Has("UIDPLUS") {
		return nil
	}
	// The keyword too: if the expunge fails, the next session finds it by that.
	if _, err := s.own("UID STORE "+n+` +FLAGS.SILENT (\Deleted \Seen `+keyword+")", nil); err != nil {
		return err
	}
	if _, err := s.own("UID EXPUNGE "+n, nil); err != nil {
		return err
	}
	if m.view.HiddenUID(uid) {
		s.g.metrics.markers.WithLabelValues("kept").Inc()
		s.log.Warn("marker could not be expunged", "user", s.user, "mailbox", m.name, "uid", uid)
		return nil
	}
	s.g.metrics.markers.WithLabelValues("recovered").Inc()
	return nil
}

// uidTaken gives an injected message up whose UID a real one bears.
func (s *session) uidTaken(e *entry) error {
	if e.left {
		return nil
	}
	s.depart(e)
	s.voidLive(e.p, "uid_taken")
	s.notInjected(reasonTaken, nil)
	return nil
}

// voidLive tells the middleware that a live placement cannot be shown any more.
func (s *session) voidLive(p placement.Placement, reason string) {
	ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.KnownBudget)
	defer cancel()
	err := s.g.service.Void(ctx, injection.VoidRequest{Person: s.person(), ID: p.ID, Token: p.Token, Reason: reason, Release: true})
	if err != nil {
		s.log.Info("placement could not be voided", "user", s.user, "placement", p.ID, "reason", reason, "error", err)
	}
}

// freshen reads the ledger if injected messages are shown and the last reading is older than age.
func (s *session) freshen(age, budget time.Duration) error {
	m := s.mbox
	if m == nil || !m.active || len(m.entries) == 0 || time.Since(m.read) < age {
		return nil
	}
	return s.readLedger(budget)
}
