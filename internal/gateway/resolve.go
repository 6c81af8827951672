package gateway

import (
	"context"
	"slices"
	"strconv"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/course"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// resolve waits for claims of other sessions to end, and ends them when they do not: nobody
// may be told what lies behind a UID that is about to become an injected message's. It
// returns the live placements of the mailbox afterwards.
func (s *session) resolve(claimed []placement.Placement) ([]placement.Placement, error) {
	m := s.mbox
	until := time.Now().Add(s.g.cfg.KnownBudget)
	wait := 10 * time.Millisecond
	var live []placement.Placement
	found := func() course.Outcome {
		now := time.Now()
		lapsed := slices.ContainsFunc(claimed, func(p placement.Placement) bool { return !p.Lease.After(now) })
		return course.Claimed(len(claimed), !now.Before(until), lapsed)
	}
	step := course.NewBell().Next(found())
	for {
		act, done := step.Do(), course.Done
		switch act {
		case course.Wait:
			select {
			case <-time.After(wait):
			case <-s.ctx.Done():
				return nil, s.ctx.Err()
			}
			wait = max(min(wait*2, 200*time.Millisecond, time.Until(until)), time.Millisecond)
		case course.Void:
			now := time.Now()
			for _, p := range claimed {
				lapsed := !p.Lease.After(now)
				if !lapsed && now.Before(until) {
					continue
				}
				if err := s.voidClaim(p, lapsed); err != nil {
					return nil, err
				}
			}
		case course.Read:
			all, err := s.placements(max(time.Until(until), 200*time.Millisecond))
			if err != nil {
				live, done = s.stillLive(), course.Unknown
				s.notInjected(reasonUnresolved, err)
				break
			}
			live, claimed = m.here(all)
			if m.readOnly {
				// A dead gateway's claim that this session may not clear away holds nobody up.
				now := time.Now()
				claimed = slices.DeleteFunc(claimed, func(p placement.Placement) bool { return !p.Lease.After(now) })
			}
			if done = found(); done != course.Done && time.Now().After(until.Add(time.Second)) {
				done = course.Unknown // a store that reads and does not write
				s.notInjected(reasonUnresolved, nil)
			}
		case course.Note:
			m.blind = true
			if err := s.removeMarkers(claimed); err != nil {
				return nil, err
			}
		default:
			return live, nil
		}
		step = step.Next(done)
	}
}

// removeMarkers removes the markers of claims that could not be resolved: whatever becomes of
// them, nobody may see a marker, and one whose keyword another session took off is found by its
// claim alone. To a reserver that is alive it makes no difference who burns the UID.
func (s *session) removeMarkers(claimed []placement.Placement) error {
	for _, p := range claimed {
		if err := s.removeMarker(p.Token); err != nil {
			return err
		}
	}
	return nil
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
	reason := placement.ReasonSuperseded
	if lapsed {
		reason = placement.ReasonLapsed
	}
	err := s.service.Void(ctx, injection.VoidRequest{Person: s.person(), ID: p.ID, Token: p.Token, Reason: reason, Release: lapsed})
	switch fault.KindOf(err) {
	case fault.Conflict, fault.NotFound:
		return nil // it was confirmed, or ended, in this moment
	}
	if err != nil {
		s.log.Info("claim could not be voided", "placement", p.ID, "error", err)
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
	_, err := s.own("UID FETCH "+uids.String()+" "+fullLook,
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
			m.markers[f.UID] = newMarker(token, f.Flags)
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
		s.log.Warn("marker could not be expunged", "mailbox", m.name, "uid", uid)
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
	err := s.service.Void(ctx, injection.VoidRequest{Person: s.person(), ID: p.ID, Token: p.Token, Reason: reason, Release: true})
	if err != nil {
		s.log.Info("placement could not be voided", "placement", p.ID, "reason", reason, "error", err)
	}
}
