package course_test

import (
	"fmt"
	"time"

	"inlay.example/inlay/internal/gateway/course"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/placement"
)

const (
	sessions  = 3 // 0 and 1 on the first gateway, 2 on the second
	campaigns = 2
	maxUID    = 12
)

// state is everything, small and comparable.
type state struct {
	left budget

	// The mailbox.
	next    uint8          // UIDNEXT
	highest uint8          // HIGHESTMODSEQ
	real    uint16         // real messages, a bit for each UID
	marker  [maxUID]uint8  // by UID: 1 + the token of the marker that is there
	rows    [campaigns]row // the ledger
	paused  bool           // after a void that made somebody wait nothing is claimed
	flight  call           // a call whose answer was lost, and which is still on its way
	acked   [campaigns]ack // what a client has an OK for
	lives   [campaigns]uint8
	tokens  uint8 // used so far

	sessions [sessions]session
}

// row is a placement, as much as matters.
type row struct {
	state   uint8 // index of states
	token   uint8
	uid     uint8
	rev     uint8
	modSeq  uint8
	pending bool
	flags   uint8 // a bit for each of flagNames
}

// ack is what was acknowledged of a row.
type ack struct {
	flags   uint8
	removed bool
}

// call is a change of the ledger that is under way.
type call struct {
	act   course.Act
	c     uint8 // campaign
	token uint8
	uid   uint8
	mod   uint8
	rev   uint8
	flags uint8 // what Write adds; 0: it removes
}

// session is one client's, and what that client keeps when it is gone.
type session struct {
	open bool
	// The client's.
	told  uint8           // no UID up to this is news
	mod   uint8           // HIGHESTMODSEQ that it holds
	cache [campaigns]seen // what it was told of each message
	noted bool            // the store did not answer once: it may have missed what it must look for again

	doing course.Act // End: nothing; Claim, Read, Write: which of the courses it is in
	inj   course.Injection
	bell  course.Bell
	chg   course.Change
	call  call // of the course that it is in

	// Of a bell.
	known uint8 // mod-sequence at the last reading
	top   uint8 // UID up to which there is news to be told
	heard uint8 // mod-sequence to be told
	read  [campaigns]row
	fresh bool // read holds a reading that began after the bell
	ack   bool // an answer to the client's change waits for it
}

// seen is what a client knows of an injected message.
type seen struct {
	there bool
	uid   uint8
	flags uint8
}

var states = [...]placement.State{"", placement.Claimed, placement.Live, placement.Expunged, placement.Withdrawn, placement.Void}

var flagNames = [...]string{"one", "two", "three"}

var (
	began = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	ended = began.Add(time.Hour)
)

func tokenName(n uint8) string { return fmt.Sprintf("token-%010d", n) }

// placement gives the row as the code knows it.
func (r row) placement() placement.Placement {
	p := placement.Placement{
		State: states[r.state], UID: imap.UID(r.uid), Rev: uint64(r.rev), ModSeq: uint64(r.modSeq), Pending: r.pending,
		Token: tokenName(r.token), UIDValidity: 1, Until: ended,
	}
	for i, f := range flagNames {
		if r.flags&(1<<i) != 0 {
			p.Flags = append(p.Flags, f)
		}
	}
	return p
}

// rowOf is the inverse; the token is the one that is known.
func rowOf(p placement.Placement, token uint8) row {
	r := row{token: token, uid: uint8(p.UID), rev: uint8(p.Rev), modSeq: uint8(p.ModSeq), pending: p.Pending} //nolint:gosec // all small here
	for i, s := range states {
		if s == p.State {
			r.state = uint8(i) //nolint:gosec // an index of six
		}
	}
	for i, f := range flagNames {
		if p.HasFlag(f) {
			r.flags |= 1 << i
		}
	}
	return r
}

func (r row) is(s placement.State) bool { return states[r.state] == s }

// seen is what a client that knows all would have of it.
func (r row) seen() seen {
	if !r.is(placement.Live) {
		return seen{}
	}
	return seen{true, r.uid, r.flags}
}

// begin is the first state: a real message, everybody has synchronised.
func (c scenario) begin() state {
	s := state{left: c.budget, next: 2, highest: 10, real: 1 << 1}
	if c.live {
		s.rows[0] = row{state: 2, uid: 2, rev: 2, modSeq: 11}
		s.next, s.highest, s.lives[0] = 3, 11, 1
	}
	for i := range s.sessions {
		x := &s.sessions[i]
		*x = session{open: true, told: s.next - 1, mod: s.highest, known: s.highest}
		for k := range s.rows {
			x.cache[k] = s.rows[k].seen()
		}
	}
	return s
}

// check gives the promise that is broken, if one is.
func (e *exploration) check(s *state) string {
	for k := range s.rows {
		r := &s.rows[k]
		if s.lives[k] > 1 {
			return fmt.Sprintf("campaign %d was injected twice", k)
		}
		if a := s.acked[k]; r.is(placement.Live) && r.flags&a.flags != a.flags || a.removed && r.is(placement.Live) {
			return fmt.Sprintf("campaign %d: what was acknowledged is lost", k)
		}
		for i := range s.sessions {
			x := &s.sessions[i]
			if x.noted {
				continue // best effort, and found again
			}
			had := x.cache[k]
			if r.is(placement.Live) && !had.there && r.uid <= x.told {
				return fmt.Sprintf("session %d was told of UID %d and never of campaign %d under UID %d", i, x.told, k, r.uid)
			}
			// Whoever synchronises from what it holds must find every change: of a message that it has.
			if e.c.condstore && had.there && had != r.seen() && !e.r.matches(uint64(r.modSeq), r.pending, uint64(x.mod)) {
				return fmt.Sprintf("session %d holds mod-sequence %d and does not hear of a change of campaign %d at %d", i, x.mod, k, r.modSeq)
			}
		}
		if r.is(placement.Live) && s.real&(1<<r.uid) != 0 {
			return fmt.Sprintf("UID %d is a real message and an injected one", r.uid)
		}
	}
	return ""
}
