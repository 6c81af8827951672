package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/reserve"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// Step names a point of an injection. Config.AtStep hears each of them as it is reached.
type Step string

// The steps of virtual-mailbox.md §3, in order.
const (
	StepOffered   Step = "offered"   // something is to be injected, nothing was done yet
	StepClaimed   Step = "claimed"   // 1: the claims are durable
	StepAppended  Step = "appended"  // 2: the markers are in the mailbox
	StepExpunged  Step = "expunged"  // 3: the markers are gone
	StepConfirmed Step = "confirmed" // 4: the placements are live
	StepAnswered  Step = "answered"  // the client has the answer to SELECT
)

// Steps lists all steps in order.
func Steps() []Step {
	return []Step{StepOffered, StepClaimed, StepAppended, StepExpunged, StepConfirmed, StepAnswered}
}

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
	s.lookup.taken(claims)

	tokens := make([]string, len(claims))
	for i := range claims {
		tokens[i] = claims[i].Token
	}
	uids, err := reserve.Marker{}.Reserve(reserving{s}, m.validity, tokens, func(st reserve.Step) {
		switch st {
		case reserve.Appended:
			s.g.cfg.AtStep(StepAppended)
		case reserve.Expunged:
			s.g.cfg.AtStep(StepExpunged)
		}
	})
	reason := reasonAppend
	switch {
	case err == nil, errors.Is(err, reserve.ErrRefused):
	case errors.Is(err, reserve.ErrKept):
		reason = reasonKept
	case errors.Is(err, reserve.ErrValidity):
		reason = reasonValidity
	default:
		return err
	}
	for i, p := range claims {
		if i >= len(uids) || uids[i] == 0 {
			s.notInjected(reason, err)
			s.release(p, reason, reason != reasonKept)
			continue
		}
		s.g.metrics.markers.WithLabelValues("reserved").Inc()
		m.uidNext = max(m.uidNext, uint32(uids[i])+1)
		s.confirm(p, uids[i])
	}
	s.g.cfg.AtStep(StepConfirmed)
	return nil
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
	case !s.caps.Has("UIDPLUS") || m.notSticky:
		return reasonNoUIDPlus, nil
	case m.readOnly:
		return reasonReadOnly, nil
	case m.uidNext == 0 || m.validity == 0:
		return reasonNoUIDNext, nil
	case !hasFlag(m.permanent, `\Seen`) || !hasFlag(m.permanent, `\Deleted`) || !hasFlag(m.permanent, `\*`) && !hasFlag(m.permanent, keyword):
		return reasonFlags, nil
	}
	if !s.caps.Has("ACL") {
		return "", nil
	}
	// rfc4314 §3.8. A server may say READ-WRITE, take the marker, and refuse to expunge it.
	rights := ""
	res, err := s.own("MYRIGHTS "+m.raw, s.collect("MYRIGHTS", heldLine, func(_ response.Head, rest []byte) error {
		fields := strings.Fields(string(rest))
		if len(fields) > 0 {
			rights = fields[len(fields)-1]
		}
		return nil
	}))
	if err != nil {
		return "", err
	}
	if !res.ok() {
		return reasonRights, nil
	}
	for _, r := range "istew" {
		if !strings.ContainsRune(rights, r) {
			return reasonRights, nil
		}
	}
	return "", nil
}

// claimBudget bounds a claim. The person is waiting for a SELECT: what the store does not
// give away within it is not injected this time.
const claimBudget = 500 * time.Millisecond

// claim takes what is offered in the store; what somebody else has is left.
func (s *session) claim(offers []injection.Offer) []placement.Placement {
	var claims []placement.Placement
	for _, o := range offers {
		ctx, cancel := context.WithTimeout(s.ctx, claimBudget)
		token := rand.Text()
		p, err := s.g.service.Claim(ctx, injection.ClaimRequest{
			Person: s.person(), Key: o.Key, UIDValidity: s.mbox.validity, Token: token, Lease: s.g.cfg.Lease,
		})
		cancel()
		switch {
		case err == nil:
			claims = append(claims, p)
			continue
		case fault.Is(err, fault.Conflict):
			// Another session of this person was first: it is in the ledger, and the caller
			// reads that next.
			s.contested = true
			s.notInjected(reasonClaim, nil)
		case fault.Is(err, fault.Unavailable):
			// It may have been made. Its token was used for nothing else: give it up, and do
			// not make the person wait for that, nor for the next claim.
			s.notInjected(reasonOf(err), err)
			s.g.wg.Go(func() { s.release(placement.Placement{ID: o.ID, Token: token}, "unknown", true) })
			return claims
		default:
			s.notInjected(reasonOf(err), err)
		}
	}
	return claims
}

// confirm makes the placement live. If it is not known whether it became live, the claim's
// lease decides: whoever finds it voids it or sees it live, under a UID that is burnt.
func (s *session) confirm(p placement.Placement, uid imap.UID) {
	req := injection.ConfirmRequest{
		Person: s.person(), ID: p.ID, Token: p.Token, UID: uid, InternalDate: time.Now().UTC().Truncate(time.Second),
	}
	var err error
	for range 2 { // repeating with the token is safe, and resolves a lost answer
		ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.KnownBudget)
		p, err = s.g.service.Confirm(ctx, req)
		cancel()
		if !fault.Is(err, fault.Unavailable) {
			break
		}
	}
	if err != nil {
		s.notInjected(reasonConfirm, err)
		return
	}
	e, err := s.entry(p)
	if err != nil {
		s.notInjected(reasonRender, err)
		return
	}
	s.g.known.change(s.user, p)
	e.recent = true
	s.mbox.injected = append(s.mbox.injected, e)
	s.g.metrics.injected.Inc()
}

// release gives a claim of our own up. It may be called from any goroutine, and outlives the
// session by a moment.
func (s *session) release(p placement.Placement, reason string, clean bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), s.g.cfg.KnownBudget)
	defer cancel()
	err := s.g.service.Void(ctx, injection.VoidRequest{Person: s.person(), ID: p.ID, Token: p.Token, Reason: reason, Release: clean})
	if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict) {
		s.log.Info("claim not released, its lease will end it", "user", s.user, "placement", p.ID, "error", err)
	}
}

// reserving is the session's connection as a reserver uses it.
type reserving struct{ s *session }

var _ reserve.Conn = reserving{}

// Append implements reserve.Conn.
func (r reserving) Append(msgs [][]byte, flags []string) (validity uint32, uids []imap.UID, refused string, err error) {
	s := r.s
	atOnce := 1
	if s.caps.Has("MULTIAPPEND") {
		atOnce = len(msgs)
	}
	for len(msgs) > 0 {
		n := min(atOnce, len(msgs))
		batch := make([]ownMessage, n)
		for i := range batch {
			batch[i] = ownMessage{raw: msgs[i], flags: flags}
		}
		v, got, no, err := s.appendOwn(s.mbox.raw, batch)
		if err != nil {
			return 0, nil, "", err
		}
		if no != "" {
			return validity, uids, no, nil
		}
		validity, uids, msgs = v, append(uids, got...), msgs[n:]
	}
	return validity, uids, "", nil
}

// ownMessage is a message that the gateway appends.
type ownMessage struct {
	raw   []byte
	flags []string
	date  time.Time // zero: the backend's now
}

// appendOwn appends messages to a mailbox in one command; refused is the backend's text when
// it said NO or did not say which UIDs it gave (see noUID).
func (s *session) appendOwn(mailbox string, msgs []ownMessage) (validity uint32, uids []imap.UID, refused string, err error) {
	tag := s.ownTag()
	raw := fmt.Appendf(nil, "%s APPEND %s", tag, mailbox)
	var lits []command.Literal
	for _, msg := range msgs {
		raw = append(raw, " ("+strings.Join(msg.flags, " ")+") "...)
		if !msg.date.IsZero() {
			raw = append(raw, `"`+msg.date.UTC().Format("02-Jan-2006 15:04:05 -0700")+`" `...)
		}
		pos := len(raw)
		raw = fmt.Appendf(raw, "{%d}\r\n", len(msg.raw))
		lits = append(lits, command.Literal{Pos: pos, Len: len(raw) - pos, Size: int64(len(msg.raw))})
		raw = append(raw, msg.raw...)
	}
	raw = append(raw, "\r\n"...)
	res, err := s.exchange(tag, raw, lits, nil)
	if err != nil {
		return 0, nil, "", err
	}
	text := string(res.raw[min(len(tag)+1, len(res.raw)):])
	if !res.ok() {
		return 0, nil, text, nil
	}
	if res.status.Code != "APPENDUID" {
		return 0, nil, noUID + text, nil
	}
	validity, set, err := response.ParseAppendUID(res.status.CodeArgs)
	if err != nil {
		return 0, nil, "", desync{err}
	}
	if uids = inOrder(set, len(msgs)); len(uids) != len(msgs) {
		return 0, nil, "", desync{fmt.Errorf("APPENDUID of %d UIDs for %d messages", len(uids), len(msgs))}
	}
	return validity, uids, "", nil
}

// noUID starts the text of an APPEND that was done and did not tell UIDs.
const noUID = "no APPENDUID: "

// inOrder spells a UID set out in its written order, up to limit+1 numbers.
func inOrder(set imap.SeqSet, limit int) []imap.UID {
	var out []imap.UID
	for _, r := range set {
		step := 1
		if r.B < r.A {
			step = -1
		}
		for u := int64(r.A); len(out) <= limit; u += int64(step) {
			out = append(out, imap.UID(u))
			if u == int64(r.B) {
				break
			}
		}
	}
	return out
}

// Expunge implements reserve.Conn.
func (r reserving) Expunge(uids imap.Set) error {
	_, err := r.s.own("UID EXPUNGE "+uids.String(), nil)
	return err
}

// Flag implements reserve.Conn.
func (r reserving) Flag(uids imap.Set, flags []string) error {
	_, err := r.s.own("UID STORE "+uids.String()+" +FLAGS.SILENT ("+strings.Join(flags, " ")+")", nil)
	return err
}

// Look implements reserve.Conn.
func (r reserving) Look() error {
	s := r.s
	if s.mbox.view.Untold().Empty() {
		if _, err := s.own("NOOP", nil); err != nil {
			return err
		}
	}
	_, err := s.identifyAll()
	return err
}

// Present implements reserve.Conn.
func (r reserving) Present(uid imap.UID) bool { return r.s.mbox.view.HiddenUID(uid) }
