package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/course"
	"inlay.example/inlay/internal/gateway/reserve"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// maxAtOnce bounds what one SELECT injects.
const maxAtOnce = 8

// inject claims, reserves and confirms what is offered for the selected mailbox, while its
// SELECT is not answered yet. Only a broken connection is an error: everything else means
// that less is injected.
func (s *session) inject(offers []injection.Offer) error {
	m := s.mbox
	offers = s.renderable(offers)
	if len(offers) == 0 {
		return nil
	}
	if reason, err := s.cannotReserve(); err != nil || reason != "" {
		if reason != "" {
			s.notInjected(reason, nil)
		}
		return err
	}
	s.g.cfg.AtStep(StepOffered)
	claims := s.claim(offers)
	if len(claims) == 0 {
		return nil
	}
	s.g.cfg.AtStep(StepClaimed)
	placements, tokens := make([]placement.Placement, len(claims)), make([]string, len(claims))
	for i, c := range claims {
		placements[i], tokens[i] = c.p, c.p.Token
	}
	s.lookup.taken(placements)
	if err := s.dates(claims); err != nil {
		return err
	}

	uids, err := s.g.reserver.Reserve(s.ctx, &reserving{s: s}, m.validity, tokens, func(st reserve.Step) {
		switch st {
		case reserve.Appended:
			s.g.cfg.AtStep(StepAppended)
		case reserve.Expunged:
			s.g.cfg.AtStep(StepExpunged)
		}
	})
	highest := m.mod.highest
	reason := reasonAppend
	appended, expunged := course.Refused, course.Refused // of a claim that got no UID
	switch {
	case err == nil, errors.Is(err, reserve.ErrRefused):
	case errors.Is(err, reserve.ErrKept):
		reason, appended = reasonKept, course.Done
	case errors.Is(err, reserve.ErrValidity):
		reason = reasonValidity
	default:
		return err // unknown: the leases run out
	}
	modSeq, aerr := s.reservedAt(highest)
	if aerr != nil {
		return aerr
	}
	for i, c := range claims {
		reserved := i < len(uids) && uids[i] != 0
		if reserved {
			s.g.metrics.markers.WithLabelValues("reserved").Inc()
			m.uidNext = max(m.uidNext, uint32(uids[i])+1)
			m.reserved = append(m.reserved, uids[i])
			c.step = c.step.Next(course.Done).Next(course.Done)
		} else if c.step = c.step.Next(appended); appended == course.Done {
			c.step = c.step.Next(expunged)
		}
		if c.step.Do() == course.Confirm {
			s.confirm(c, uids[i], modSeq)
			continue
		}
		s.notInjected(reason, err)
		s.release(c.p, reason, c.step.Do() == course.Release)
	}
	s.g.cfg.AtStep(StepConfirmed)
	return nil
}

// reservedAt gives HIGHESTMODSEQ behind a reservation, which has raised it above what it was: 0
// where the backend keeps none for the mailbox.
func (s *session) reservedAt(before uint64) (uint64, error) {
	m := s.mbox
	if !m.tracked() || m.mod.highest > before {
		return m.mod.highest, nil // said by UID EXPUNGE
	}
	return s.askHighest()
}

// claiming is a claim of ours, and where it is in its course.
type claiming struct {
	p        placement.Placement
	step     course.Injection
	position campaign.Position
	date     time.Time // INTERNALDATE and Date, by the position
}

// renderable leaves out what could not be shown: it is better not to be injected at all.
func (s *session) renderable(offers []injection.Offer) []injection.Offer {
	m := s.mbox
	var out []injection.Offer
	for _, o := range offers {
		if o.Mailbox != m.name || len(out) == maxAtOnce {
			continue
		}
		_, err := s.entry(placement.Placement{
			ID: o.ID, Key: o.Key, User: s.user, Template: o.Template, Variables: o.Variables, InternalDate: time.Unix(0, 0).UTC(),
		})
		if err != nil {
			s.notInjected(reasonRender, err)
			continue
		}
		out = append(out, o)
	}
	return out
}

// cannotReserve says why no marker may be set here: it must be possible to undo it.
func (s *session) cannotReserve() (reason string, err error) {
	m := s.mbox
	switch {
	case m.notSticky:
		return reasonNoUIDPlus, nil
	case m.readOnly:
		return reasonReadOnly, nil
	case m.uidNext == 0 || m.validity == 0:
		return reasonNoUIDNext, nil
	case !s.g.reserver.Marks():
		return "", nil // there is no marker that would have to be undone
	case !s.caps.Has("UIDPLUS"):
		return reasonNoUIDPlus, nil
	case !hasFlag(m.permanent, `\Seen`) || !hasFlag(m.permanent, `\Deleted`) || !hasFlag(m.permanent, `\*`) && !hasFlag(m.permanent, keyword):
		return reasonFlags, nil
	}
	// A server may say READ-WRITE, take the marker, and refuse to expunge it.
	rights, known, err := s.rights()
	if err != nil || !known {
		return "", err
	}
	for _, r := range "istew" {
		if !strings.ContainsRune(rights, r) {
			return reasonRights, nil
		}
	}
	return "", nil
}

// rights asks for the person's rights in the selected mailbox (rfc4314 §3.8); known is false
// where the backend has no such thing. Of a mailbox of which they are not told there are none.
func (s *session) rights() (rights string, known bool, err error) {
	if !s.caps.Has("ACL") {
		return "", false, nil
	}
	_, err = s.own("MYRIGHTS "+s.mbox.raw, s.collect("MYRIGHTS", heldLine, func(_ response.Head, rest []byte) error {
		fields := strings.Fields(string(rest))
		if len(fields) > 0 {
			rights = fields[len(fields)-1]
		}
		return nil
	}))
	return rights, true, err
}

// claimBudget bounds a claim, where the budget of the lookup is not greater. The person is
// waiting for a SELECT: what the store does not give away within it is not injected this time.
const claimBudget = 500 * time.Millisecond

// claim takes what is offered in the store; what somebody else has is left.
func (s *session) claim(offers []injection.Offer) []claiming {
	var claims []claiming
	for _, o := range offers {
		ctx, cancel := context.WithTimeout(s.ctx, max(claimBudget, s.g.cfg.LookupBudget))
		token := rand.Text()
		p, err := s.service.Claim(ctx, injection.ClaimRequest{
			Person: s.person(), Key: o.Key, UIDValidity: s.mbox.validity, Token: token, Lease: s.g.cfg.Lease,
		})
		cancel()
		switch step := course.NewInjection().Next(outcome(err)); step.Do() {
		case course.Append:
			claims = append(claims, claiming{p: p, step: step, position: o.Position})
		case course.Read:
			// Another session of this person was first: it is in the ledger, and the caller
			// reads that next.
			s.contested = true
			s.notInjected(reasonClaim, err)
		default:
			// It may have been made. Give it up, and do not make the person wait for that, nor for
			// the next claim.
			s.notInjected(reasonOf(err), err)
			s.g.wg.Go(func() { s.release(placement.Placement{ID: o.ID, Token: token}, placement.ReasonUnknown, true) })
			return claims
		}
	}
	return claims
}

// outcome is what the error of a call means for a course.
func outcome(err error) course.Outcome {
	switch fault.KindOf(err) {
	case fault.Conflict, fault.NotFound, fault.Invalid, fault.TooLarge, fault.Unsupported:
		return course.Refused
	}
	if err != nil {
		return course.Unknown
	}
	return course.Done
}

// confirm makes the placement live. If it is not known whether it became live, the claim's
// lease decides: whoever finds it voids it or sees it live, under a UID that is burnt.
func (s *session) confirm(c claiming, uid imap.UID, modSeq uint64) {
	req := injection.ConfirmRequest{
		Person: s.person(), ID: c.p.ID, Token: c.p.Token, UID: uid, InternalDate: c.date,
		ModSeq: modSeq,
	}
	var err error
	for c.step.Do() == course.Confirm { // repeating with the token is safe, and resolves a lost answer
		ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.KnownBudget)
		c.p, err = s.service.Confirm(ctx, req)
		cancel()
		c.step = c.step.Next(outcome(err))
	}
	if c.step.Do() != course.Tell {
		s.notInjected(reasonConfirm, err)
		return
	}
	e, err := s.entry(c.p)
	if err != nil {
		s.notInjected(reasonRender, err)
		return
	}
	s.changed(c.p)
	e.recent = true
	s.mbox.injected = append(s.mbox.injected, e)
	s.g.metrics.injected.Inc()
}

// release gives a claim of our own up. It may be called from any goroutine, and outlives the
// session by a moment.
func (s *session) release(p placement.Placement, reason string, clean bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), s.g.cfg.KnownBudget)
	defer cancel()
	err := s.service.Void(ctx, injection.VoidRequest{Person: s.person(), ID: p.ID, Token: p.Token, Reason: reason, Release: clean})
	if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict) {
		s.log.Info("claim not released, its lease will end it", "placement", p.ID, "error", err)
	}
}
