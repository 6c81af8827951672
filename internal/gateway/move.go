package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// move runs MOVE and UID MOVE (rfc6851).
//
//	move = "MOVE" SP sequence-set SP mailbox
//
// Injected messages are materialised as by COPY. Before that the ledger says that they are
// moving, whereto, and by what the copy is found there: so a crash at any point neither doubles
// nor loses one (moved.go). Then the real part is moved; if that says NO, the copies are taken
// back. Behind its OK the ledger says that they have moved, and they leave the view.
//
// rfc6851 §4.3: one COPYUID, in an untagged OK before anything is expunged.
func (s *session) move(c *command.Command, a *command.Move) error {
	m := s.mbox
	if m == nil || !m.active || m.asWritten(a.Set, a.UID) {
		return s.forward(c)
	}
	// What is moved has the flags of now, and that it has moved is final.
	if err := s.freshen(0, s.g.cfg.KnownBudget); err != nil {
		return err
	}
	sel, err := s.savedOr(a.Saved, a.Set, a.UID)
	if err != nil {
		return err
	}
	if len(sel.injected) == 0 || sel.beyond {
		if sel.ours() {
			return s.local(c, a.SetStart, a.SetEnd, a.UID, sel, func() error { return nil })
		}
		res, err := s.exchangeSet(c, &a.Copy, sel, nil)
		if err != nil {
			return err
		}
		return s.answerArrived(res, a.Mailbox)
	}
	mv := &moving{s: s, c: c, a: a, sel: sel, target: string(imap.AppendQuoted(nil, a.Octets)), since: time.Now()}
	res, err := mv.run()
	if err != nil {
		return s.localError(c, err)
	}
	return s.answerArrived(res, a.Mailbox)
}

// exchangeSet sends a command with its set replaced by what is real of it.
func (s *session) exchangeSet(c *command.Command, a *command.Copy, sel selection, h handler) (tagged, error) {
	raw := splice(c.Raw, a.SetStart, a.SetEnd, backendSet(sel))
	return s.exchange(c.Tag, raw, shift(c.Literals, a.SetEnd, len(raw)-len(c.Raw)), h)
}

// moving is a MOVE of injected messages, and perhaps of real ones.
type moving struct {
	s      *session
	c      *command.Command
	a      *command.Move
	sel    selection
	target string // as it is sent

	since   time.Time
	begun   []imap.UID // whose placement says that it is moving
	made    materialised
	told    bool // COPYUID
	arrived response.Status
}

func (v *moving) run() (tagged, error) {
	s := v.s
	if res, err := v.allowed(); err != nil || !res.ok() {
		return res, err
	}
	where, err := v.place()
	if err != nil {
		return tagged{}, err
	}
	if err := v.begin(where); err != nil {
		return tagged{}, err
	}
	s.g.cfg.AtStep(StepAnnounced)
	refused, err := s.materialise(v.target, v.begun, &v.made)
	if err != nil {
		return tagged{}, err
	}
	if refused != "" {
		return tagged{kind: "NO", raw: []byte(v.c.Tag + " " + refused)}, v.undo()
	}
	s.g.cfg.AtStep(StepCopied)
	res := tagged{kind: "OK", raw: []byte(v.c.Tag + v.completed())}
	if v.sel.ours() {
		if _, err := s.own("NOOP", nil); err != nil {
			return res, err
		}
	} else if res, err = s.exchangeSet(v.c, &v.a.Copy, v.sel, v.response); err != nil {
		return res, err
	}
	if !res.ok() {
		return res, v.undo()
	}
	s.g.cfg.AtStep(StepMoved)
	return v.finish(res)
}

// completed is the answer where the backend has not done anything that it could answer, in its words.
func (v *moving) completed() string {
	if v.s.bc.Server == backend.Cyrus {
		return " OK Completed\r\n"
	}
	return " OK Move completed.\r\n"
}

// allowed asks whether messages may be moved out of this mailbox at all: what is injected fares
// as what is real. A backend that lets one move out of a mailbox that is open read-only, as Dovecot
// does, says so of a UID that no message has.
func (v *moving) allowed() (tagged, error) {
	s := v.s
	if s.mbox.readOnly {
		return v.ask()
	}
	if can, err := s.mayRaise(); err != nil || !can {
		if err == nil {
			err = noRaise
		}
		return tagged{}, err
	}
	rights, known, err := s.rights()
	if err != nil || !known || strings.ContainsRune(rights, 't') && strings.ContainsRune(rights, 'e') {
		return tagged{kind: "OK"}, err
	}
	// rfc6851 §4.4, rfc4314 §4: a message that may not be expunged is not moved, nor copied.
	return tagged{kind: "NO", raw: []byte(v.c.Tag + " NO [NOPERM] The messages may not be removed from this mailbox.\r\n")}, nil
}

// ask asks the backend for the same of a UID that no message has.
func (v *moving) ask() (tagged, error) {
	raw := splice(v.c.Raw, v.a.SetStart, v.a.SetEnd, noMessage)
	lits := shift(v.c.Literals, v.a.SetEnd, len(raw)-len(v.c.Raw))
	if !v.a.UID {
		at := len(v.c.Tag) + 1
		raw, lits = splice(raw, at, at, "UID "), shift(lits, at, len("UID "))
	}
	return v.s.exchange(v.c.Tag, raw, lits, nil)
}

// place asks where the copies will be found: all UIDs of the target from next on. A target of
// which that cannot be known is tried all the same: where nothing may be put, the APPEND says so
// in the words for it, and where something may be put and nothing seen, a copy can be made
// (rfc4314 §4), and only a crash in between cannot be mended.
func (v *moving) place() (where copyID, err error) {
	where.attempt = rand.Text()
	var got *mailboxStatus
	_, err = v.s.own("STATUS "+v.target+" (UIDVALIDITY UIDNEXT)", v.s.statusInto(&got))
	if got != nil {
		where.validity, where.next = uint32(got.value("UIDVALIDITY")), uint32(got.value("UIDNEXT")) //nolint:gosec // 32 bits each
	}
	return where, err
}

// begin writes that the messages are moving. If it cannot be written of all, none is.
func (v *moving) begin(where copyID) error {
	s, m := v.s, v.s.mbox
	ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.KnownBudget) // for all of them
	defer cancel()
	for _, uid := range v.sel.injected {
		e := m.entries[uid]
		if e == nil || e.left {
			return v.stopped(expungeIssued)
		}
		where.id = e.p.ID
		p, err := s.service.Move(ctx, injection.MoveRequest{Person: s.person(), ID: e.p.ID, Target: v.a.Mailbox, Copy: where.String()})
		switch {
		case fault.Is(err, fault.Conflict), fault.Is(err, fault.NotFound):
			return v.stopped(s.conflict(e))
		case err != nil:
			s.log.Info("move not begun", "placement", e.p.ID, "error", err)
			return v.stopped(unavailable)
		}
		e.p = p
		s.changed(p)
		v.begun = append(v.begun, uid)
	}
	return nil
}

// stopped takes back what was begun, and gives the error of the command.
func (v *moving) stopped(why error) error {
	if err := v.undo(); err != nil {
		return err
	}
	return why
}

// response puts our part into the backend's COPYUID, which comes before the expunges.
func (v *moving) response(h response.Head) (bool, error) {
	s := v.s
	if h.Name != "OK" {
		return false, nil
	}
	raw := bytes.Clone(h.Raw)
	rest, err := s.rest(heldLine)
	if err != nil {
		return true, err
	}
	st := response.ParseStatus(rest)
	if st.Code != "COPYUID" {
		return true, s.saidOK(raw, rest)
	}
	v.told, v.arrived = true, st
	if code := v.made.copyUID(st); code != "" {
		rest = replaceCode(rest, code)
	}
	_, _ = s.out.Write(raw)
	_, _ = s.out.Write(rest)
	return true, nil
}

// undo takes the copies back and the moves with them. A copy that stays is where the message
// has gone: the move was done, whatever the command says.
//
// As long as nobody else may end the moves, the copies go first, so that a crash between the
// two leaves none. Afterwards they may have been found, and the message be only there by now.
func (v *moving) undo() error {
	if time.Since(v.since) < v.s.g.cfg.MoveLease/2 {
		kept, err := v.s.takeBack(v.a.Mailbox, v.target, v.made)
		if err != nil {
			return err
		}
		_, err = v.end(kept)
		return err
	}
	found, err := v.end(false)
	if err != nil {
		return err
	}
	_, err = v.s.takeBack(v.a.Mailbox, v.target, v.made.without(found))
	return err
}

// end writes how the moves ended. Those that could not be written are left to whoever finds
// them, and stay in the view until then; lost are those whose move somebody else has ended.
func (v *moving) end(done bool) (lost []imap.UID, err error) {
	s, m := v.s, v.s.mbox
	ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.KnownBudget) // for all of them
	defer cancel()
	var changes []*change
	defer func() {
		if left := s.leftBy(changes); left != nil {
			err = left
		}
	}()
	for _, uid := range v.begun {
		e := m.entries[uid]
		pending, unraised := s.pends()
		p, endErr := s.service.EndMove(ctx, injection.EndMoveRequest{Person: s.person(), ID: e.p.ID, Done: done, Pending: done && pending, Unraised: unraised})
		switch {
		case endErr == nil && done:
			changes = append(changes, m.written(p))
		case endErr == nil:
			e.p = p
			s.changed(p)
		case fault.Is(endErr, fault.Conflict), fault.Is(endErr, fault.NotFound):
			lost = append(lost, uid)
		default:
			s.log.Info("move not ended, whoever finds it ends it", "placement", e.p.ID, "error", endErr)
			err = unavailable
		}
	}
	return lost, err
}

// finish ends a MOVE that the backend has done its part of.
func (v *moving) finish(res tagged) (tagged, error) {
	s := v.s
	lost, err := v.end(true)
	s.g.cfg.AtStep(StepEnded)
	if len(lost) > 0 {
		// It took so long that somebody looked for the copies before they were there, and has
		// given the messages back. They must not be there twice.
		kept := slices.DeleteFunc(slices.Clone(v.begun), func(u imap.UID) bool { return slices.Contains(lost, u) })
		if _, err := s.takeBack(v.a.Mailbox, v.target, v.made.without(kept)); err != nil {
			return res, err
		}
		err = unavailable
	}
	if err != nil {
		return res, err
	}
	if v.told {
		res.status = v.arrived // for the doorbell
		return res, nil
	}
	code := v.made.copyUID(res.status)
	switch {
	case code == "":
	case res.status.Code == "COPYUID": // a server that tells it in the end
		res.raw = v.made.merge(res, len(v.c.Tag))
	default:
		s.line("* OK [" + code + "] Moved UIDs.")
		if !v.sel.ours() { // "No messages found", perhaps
			res = tagged{kind: "OK", raw: []byte(v.c.Tag + v.completed()), bye: res.bye}
		}
		res.status.Code, res.status.CodeArgs = "COPYUID", []byte(strings.TrimPrefix(code, "COPYUID "))
	}
	return res, nil
}

// without is what was appended but for some.
func (x materialised) without(uids []imap.UID) materialised {
	rest := materialised{validity: x.validity}
	for i, uid := range x.src {
		if i < len(x.dst) && !slices.Contains(uids, uid) {
			rest.src, rest.dst = append(rest.src, uid), append(rest.dst, x.dst[i])
		}
	}
	return rest
}

// conflict reads the ledger when it refused a change of an injected message: it has left, or
// another session is just moving it.
func (s *session) conflict(e *entry) error {
	if err := s.readLedger(s.g.cfg.KnownBudget); err != nil {
		return err
	}
	if e.left {
		return expungeIssued
	}
	return inUse
}

// inUse is the answer while another session moves a message (rfc5530 §3).
var inUse = refusal{"[INUSE] The message is being moved, please try again."}

// beingMoved reports whether a change of an injected message was refused because another session
// is just moving it: it may be given back, and is shown until it has moved.
func (s *session) beingMoved(e *entry) bool {
	all, err := s.placements(s.g.cfg.KnownBudget)
	return err == nil && slices.ContainsFunc(all, func(p placement.Placement) bool {
		return p.ID == e.p.ID && (p.State == placement.Moving || p.State == placement.Live)
	})
}
