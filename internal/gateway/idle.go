package gateway

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/injection"
)

// idling is IDLE of the client (rfc2177). The backend is left and re-entered whenever there is
// something to be asked; the client does not notice.
type idling struct {
	s    *session
	c    *command.Command
	done bool   // the client has said DONE
	on   bool   // the backend is in IDLE
	tag  string // of the IDLE on the backend
	last tagged // the end of the last IDLE on the backend

	nextPoll time.Time // when the placements that are shown are to be looked at
	word     bool      // somebody has said that they have changed: also where none is shown
}

// idleCommand runs IDLE.
//
//	idle = "IDLE" CRLF "DONE"
func (s *session) idleCommand(c *command.Command) error {
	if c.Err != nil {
		s.line(c.Tag + " BAD Error in IMAP command IDLE: " + c.Err.Error())
		return nil
	}
	s.expectMore(false)
	d := &idling{s: s, c: c}
	refused, err := d.enter(true)
	if err != nil || refused {
		if refused {
			return s.answerSettled(d.last)
		}
		return err
	}
	m := s.mbox
	d.nextPoll = time.Now().Add(s.every(s.g.cfg.Poll))
	timer := time.NewTimer(s.g.cfg.Poll)
	defer timer.Stop()
	for !d.done {
		if err := s.out.Flush(); err != nil {
			return err
		}
		if m != nil && m.active {
			timer.Reset(time.Until(d.nextDue()))
		}
		select {
		case <-s.inLane.watch():
			s.inLane.taken()
			if err := d.clientLine(); err != nil {
				return err
			}
		case <-s.watchBackend():
			s.upLane.taken()
			if err := d.backendSays(); err != nil {
				return err
			}
		case <-timer.C:
			if err := d.look(); err != nil {
				return err
			}
		case <-s.bell.rang:
			d.rung(s.bell.take())
		case <-s.quit:
			s.bye("Server shutting down")
			return errBye
		}
	}
	if d.word { // too late for this IDLE
		s.bell.missed(rung{person: true})
	}
	if err := d.exit(); err != nil {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	// The backend's words, under the client's tag.
	words := d.last.raw
	if i := bytes.IndexByte(words, ' '); i >= 0 && d.tag != c.Tag {
		words = append([]byte(c.Tag), words[i:]...)
	}
	d.last.raw = words
	return s.answer(d.last)
}

// enter puts the backend into IDLE; the client sees the continuation of the first time only.
func (d *idling) enter(first bool) (refused bool, err error) {
	s := d.s
	d.tag = d.c.Tag
	raw := d.c.Raw
	if !first {
		d.tag = s.ownTag()
		raw = []byte(d.tag + " IDLE\r\n")
	}
	s.write(raw)
	if err := s.flushUp(); err != nil {
		return false, err
	}
	for {
		head, err := s.next()
		if err != nil {
			return false, err
		}
		switch head.Kind {
		case response.Tagged:
			d.last, err = s.tagged(head, d.tag)
			if err == nil && !first {
				err = desync{fmt.Errorf("IDLE refused the second time: %s", bytes.TrimSpace(d.last.raw))}
			}
			return true, err
		case response.Continuation:
			raw := bytes.Clone(head.Raw)
			rest, err := s.rest(heldLine)
			if first {
				_, _ = s.out.Write(raw)
				_, _ = s.out.Write(rest)
			}
			d.on = true
			return false, err
		}
		if err := s.handle(head, nil); err != nil {
			return false, err
		}
	}
}

// exit takes the backend out of IDLE, and waits for it to say so before anything with numbers.
func (d *idling) exit() error {
	if !d.on {
		return nil
	}
	d.s.write([]byte("DONE\r\n"))
	if err := d.s.flushUp(); err != nil {
		return err
	}
	d.on = false
	var err error
	d.last, err = d.s.await(d.tag, nil)
	if err == nil && d.last.bye {
		return d.s.answer(d.last)
	}
	return err
}

// clientLine reads the DONE. Anything else ends IDLE too, as servers do, with BAD.
func (d *idling) clientLine() error {
	s := d.s
	line, err := s.in.Line(heldLine)
	if err != nil {
		return s.lineErrorIdle(err)
	}
	d.done = true
	if strings.EqualFold(string(line), "DONE") {
		return nil
	}
	if err := d.exit(); err != nil {
		return err
	}
	d.last.raw = []byte(d.tag + " BAD Expected DONE.\r\n")
	return nil
}

func (s *session) lineErrorIdle(err error) error {
	if bad, ok := err.(*command.BadError); ok { //nolint:errorlint // Line returns it unwrapped
		s.bye(bad.Text)
		return errBye
	}
	return err
}

// backendSays relays what the backend says by itself; numbers that nobody knows yet are
// looked at outside of IDLE, and IDLE is entered again.
func (d *idling) backendSays() error {
	s := d.s
	for {
		head, err := s.next()
		if err != nil {
			return err
		}
		switch head.Kind {
		case response.Tagged: // the backend ends IDLE by itself
			d.on = false
			if d.last, err = s.tagged(head, d.tag); err != nil {
				return err
			}
			d.done = true
			return nil
		case response.Continuation:
			return desync{fmt.Errorf("a continuation in IDLE")}
		}
		if err := s.handle(head, nil); err != nil {
			return err
		}
		if s.bc.Reader.Buffered() == 0 {
			break
		}
	}
	m := s.mbox
	switch {
	case m == nil || !m.active:
		return nil
	case !m.view.Untold().Empty() || s.modSeqRings():
		return d.outside(s.settle)
	}
	m.mod.peeked = false
	return s.tell() // what was read of the placements before a mod-sequence was told
}

// outside runs f while the backend is not in IDLE.
func (d *idling) outside(f func() error) error {
	if err := d.exit(); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	_, err := d.enter(false)
	return err
}

// rung takes a word: what is to be looked at, and when.
func (d *idling) rung(r rung) {
	s, at := d.s, time.Now().Add(r.wait)
	if r.offers {
		s.nextLook = earlier(s.nextLook, at)
	}
	if r.person {
		d.nextPoll, d.word = earlier(d.nextPoll, at), true
	}
	if r.lost {
		now := time.Now()
		d.nextPoll = earlier(d.nextPoll, now.Add(jittered(s.g.cfg.Poll)))
		s.nextLook = earlier(s.nextLook, now.Add(jittered(s.g.cfg.Look)))
	}
}

// nextDue is when the session is to look.
func (d *idling) nextDue() time.Time {
	if m := d.s.mbox; d.word || m != nil && len(m.entries) > 0 {
		return earlier(d.nextPoll, d.s.nextLook)
	}
	return d.s.nextLook
}

// look is an idle session's look: at what it shows, and at what is offered. The backend stays in
// IDLE unless there is something that it must be asked.
func (d *idling) look() error {
	s := d.s
	m := s.mbox
	if m == nil || !m.active {
		return nil
	}
	now, rings := time.Now(), false
	poll := d.word || !now.Before(d.nextPoll)
	if s.looks() {
		var offers []injection.Offer
		if offers, rings = s.offersHere(s.g.cfg.KnownBudget); len(offers) > 0 {
			if err := d.outside(func() error { return s.injectIdle(offers) }); err != nil {
				return err
			}
		}
	}
	if !poll && !rings {
		return nil
	}
	d.nextPoll = time.Now().Add(s.every(s.g.cfg.Poll))
	if word := d.word; len(m.entries) == 0 && !word && !rings {
		return nil
	}
	d.word = false
	all, err := s.placements(s.g.cfg.LookupBudget)
	if err != nil {
		d.word, d.nextPoll = true, time.Now().Add(jittered(s.g.cfg.Poll))
		s.log.Debug("placements not read while idling", "error", err)
		return nil // what is shown stays
	}
	live, _ := m.here(all)
	m.read = time.Now()
	s.compare(live)
	left := len(s.unraised(m, all)) > 0
	if left && !m.tracked() { // there is nothing to be raised, and nothing to ask the backend
		if err := s.raiseLeft(all); err != nil {
			return err
		}
		left = false
	}
	if len(m.arriving) > 0 || left && !m.readOnly && time.Since(m.unraisable) >= unraisableFor {
		return d.outside(func() error {
			if err := s.readLedger(s.g.cfg.LookupBudget); err != nil {
				return err
			}
			return s.settle()
		})
	}
	return s.tell()
}

// injectIdle injects while the backend is out of IDLE, and tells the client.
func (s *session) injectIdle(offers []injection.Offer) error {
	if _, err := s.injectOpen(offers); err != nil {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	return s.toldNew()
}
