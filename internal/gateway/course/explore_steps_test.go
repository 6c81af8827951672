package course_test

import (
	"slices"

	"inlay.example/inlay/internal/gateway/course"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/placement"
)

// steps reaches every state that can follow.
func (e *exploration) steps(s state) {
	e.around(s)
	for i := range s.sessions {
		x := &s.sessions[i]
		switch {
		case !x.open:
			e.comesBack(s, i)
		case x.doing == course.End:
			e.begins(s, i)
		case x.doing == course.Claim:
			e.injects(s, i)
		case x.doing == course.Read:
			e.rings(s, i)
		case x.doing == course.Write:
			e.changes(s, i)
		}
	}
}

// around is what happens without a session.
func (e *exploration) around(s state) {
	if s.left.arrives > 0 && s.next < maxUID {
		n := s
		n.left.arrives--
		n.real |= 1 << n.next
		n.next++
		e.raise(&n)
		e.reach(n, "a real message gets UID %d", s.next)
	}
	if s.left.expunges > 0 && s.real != 0 {
		n := s
		n.left.expunges--
		n.real &= n.real - 1
		e.raise(&n)
		e.reach(n, "a real message is expunged")
	}
	if s.left.touches > 0 {
		n := s
		n.left.touches--
		e.raise(&n)
		e.reach(n, "a real message's flags change: HIGHESTMODSEQ %d", n.highest)
	}
	for k := range s.rows {
		if s.left.withdraws > 0 && (s.rows[k].is(placement.Live) || s.rows[k].is(placement.Claimed)) {
			n := s
			n.left.withdraws--
			n.rows[k] = rowOf(e.r.withdraw(s.rows[k].placement(), began).Next, s.rows[k].token)
			e.reach(n, "campaign %d is withdrawn", k)
		}
	}
	if s.flight.act != course.End {
		n := s
		n.flight = call{}
		e.store(&n, s.flight)
		e.reach(n, "a late %v of campaign %d takes effect", s.flight.act, s.flight.c)
	}
	for g := range 2 {
		if s.left.kills == 0 {
			break
		}
		n := s
		n.left.kills--
		for i := range n.sessions {
			if i/2 == g {
				x := n.sessions[i]
				n.sessions[i] = session{told: x.told, mod: x.mod, cache: x.cache, noted: x.noted}
			}
		}
		e.reach(n, "gateway %d is killed", g)
	}
}

// raise is what every change of the mailbox does to HIGHESTMODSEQ, where somebody looks.
func (e *exploration) raise(s *state) {
	if e.c.condstore {
		s.highest++
	}
}

// comesBack opens the mailbox again: SELECT asks for the placements always.
func (e *exploration) comesBack(s state, i int) {
	s.sessions[i].open = true
	e.hear(&s, i, true)
	e.reach(s, "session %d comes back", i)
}

// begins is what an idle session may do.
func (e *exploration) begins(s state, i int) {
	x := &s.sessions[i]
	if s.next-1 > x.told || e.c.condstore && s.highest > x.mod {
		n := s
		e.hear(&n, i, false)
		e.reach(n, "session %d hears news up to UID %d, HIGHESTMODSEQ %d", i, s.next-1, s.highest)
	}
	for k := range s.rows {
		c := uint8(k) //nolint:gosec // of two
		r := s.rows[k]
		if s.left.injects > 0 && (r.is("") || r.is(placement.Void)) && !s.paused {
			n := s
			n.left.injects--
			n.tokens++
			y := &n.sessions[i]
			y.doing, y.inj, y.call = course.Claim, e.r.newInjection(), call{c: c, token: n.tokens}
			e.reach(n, "session %d is offered campaign %d", i, k)
		}
		if !x.cache[k].there {
			continue
		}
		if s.left.flags > 0 && i < len(flagNames) {
			n := s
			n.left.flags--
			e.change(&n, i, call{c: c, flags: 1 << i})
			e.reach(n, "session %d flags campaign %d", i, k)
		}
		if s.left.removals > 0 {
			n := s
			n.left.removals--
			e.change(&n, i, call{c: c})
			e.reach(n, "session %d removes campaign %d", i, k)
		}
	}
}

func (e *exploration) change(s *state, i int, c call) {
	if e.r.early {
		e.raise(s)
		c.mod = s.highest
	}
	x := &s.sessions[i]
	x.doing, x.chg, x.call = course.Write, e.r.newChange(e.c.condstore), c
}

// store makes a change of the ledger as the middleware does: the transition decides.
func (e *exploration) store(s *state, c call) course.Outcome {
	old := s.rows[c.c]
	p := old.placement()
	var step placement.Step
	var err error
	token := old.token
	switch c.act {
	case course.Claim:
		if s.paused {
			return course.Refused
		}
		var held *placement.Placement
		if !old.is("") {
			held = &p
		}
		fresh := placement.Placement{UIDValidity: 1, Until: ended}
		step, err = placement.Claim(held, fresh, tokenName(c.token), placement.MinLease, began)
		token = c.token
	case course.Confirm:
		step, err = e.r.confirm(p, tokenName(c.token), imap.UID(c.uid), began, uint64(c.mod), began)
	case course.Void, course.Release, course.Forgo:
		step, err = placement.VoidNow(p, tokenName(c.token), "superseded", began)
		if err == nil && step.Changed && c.act != course.Release {
			s.paused = true
		}
	case course.Write:
		if c.flags != 0 {
			step, err = placement.AddFlags(p, flagsOf(c.flags), began)
		} else {
			step, err = placement.Expunge(p, began)
		}
		if e.c.condstore && e.r.pend {
			step = step.Pend()
		}
	case course.Settle:
		var outcome placement.Outcome
		step, outcome, err = e.r.settle(p, uint64(c.rev), uint64(c.mod))
		switch {
		case err != nil:
			return course.Refused
		case outcome == placement.Overtaken:
			return course.Newer
		case outcome == placement.TooLow:
			return course.NotAbove
		}
	default:
		panic("the ledger is not asked by " + c.act.String())
	}
	if err != nil {
		return course.Refused
	}
	if step.Changed {
		s.rows[c.c] = rowOf(step.Next, token)
		if len(step.Happened) > 0 && step.Happened[0] == "injected" {
			s.lives[c.c]++
		}
	}
	return course.Done
}

func flagsOf(bits uint8) []string { return row{flags: bits}.placement().Flags }

// asks makes a call, in each way in which it may end: as it should, or with its answer lost: the
// change was made, was not and never will be, or is on its way still.
func (e *exploration) asks(s state, c call, then func(s state, o course.Outcome, how string)) {
	n := s
	o := e.store(&n, c)
	then(n, o, o.String())
	if s.left.lost == 0 {
		return
	}
	n.left.lost--
	then(n, course.Unknown, "lost answer")
	n = s
	n.left.lost--
	then(n, course.Unknown, "lost call")
	if s.flight.act == course.End {
		n.flight = c
		then(n, course.Unknown, "late call")
	}
}

// injects is a step of an injection.
func (e *exploration) injects(s state, i int) {
	x := &s.sessions[i]
	c := x.call
	c.act = x.inj.Do()
	next := func(n state, o course.Outcome, how string) {
		y := &n.sessions[i]
		y.inj = e.r.injection(y.inj, o)
		e.reach(n, "session %d: %v of campaign %d: %s", i, c.act, c.c, how)
	}
	switch c.act {
	case course.Claim, course.Confirm:
		e.asks(s, c, next)
	case course.Release, course.Forgo:
		e.asks(s, c, func(n state, o course.Outcome, how string) {
			n.paused = n.paused || c.act == course.Forgo
			next(n, o, how)
		})
	case course.Append:
		if s.next >= maxUID {
			next(s, course.Refused, "refused")
			return
		}
		n := s
		n.sessions[i].call.uid = n.next
		n.marker[n.next] = 1 + c.token
		n.next++
		e.raise(&n)
		next(n, course.Done, "done")
	case course.Expunge:
		s.marker[c.uid] = 0
		e.raise(&s)
		s.sessions[i].call.mod = s.highest
		next(s, course.Done, "done")
	case course.Read: // somebody else's claim was met: it will be heard of
		s.sessions[i].doing = course.End
		e.reach(s, "session %d lets somebody else inject campaign %d", i, c.c)
	default: // Tell, End: what lies below its own UID is read before anything is told
		if c.uid == 0 {
			s.sessions[i].doing = course.End
		} else {
			e.hear(&s, i, true)
		}
		e.reach(s, "session %d has injected campaign %d: %v", i, c.c, c.act)
	}
}

// hear begins a bell, or tells at once what rings none.
func (e *exploration) hear(s *state, i int, always bool) {
	x := &s.sessions[i]
	x.top, x.heard, x.inj, x.chg = s.next-1, s.highest, course.Injection{}, course.Change{}
	if !x.ack {
		x.call = call{}
	}
	rings := always || e.c.condstore && e.r.rings(uint64(x.heard), uint64(x.known))
	for uid := x.told + 1; uid <= x.top; uid++ {
		// A UID that was given to nobody who can be seen, or a marker.
		rings = rings || e.r.gap && s.real&(1<<uid) == 0 || e.r.gap && s.marker[uid] != 0
	}
	x.doing, x.bell, x.fresh = course.Read, e.r.newBell(), false
	if !rings {
		x.read, x.fresh = knownRows(x), true
		e.tell(s, i)
		return
	}
	if e.r.stale {
		x.read, x.fresh = knownRows(x), true // what was read before the bell
	}
}

// knownRows is what the session would go on with when it reads nothing: what it knows.
func knownRows(x *session) (rows [campaigns]row) {
	for k, c := range x.cache {
		if c.there {
			rows[k] = row{state: 2, uid: c.uid, flags: c.flags}
		}
	}
	return rows
}

// rings is a step of a bell.
func (e *exploration) rings(s state, i int) {
	x := &s.sessions[i]
	next := func(n state, o course.Outcome, how string) {
		act := n.sessions[i].bell.Do()
		n.sessions[i].bell = e.r.bell(n.sessions[i].bell, o)
		e.reach(n, "session %d: bell: %v: %s", i, act, how)
	}
	switch x.bell.Do() {
	case course.Read:
		n := s
		y := &n.sessions[i]
		if !e.r.stale {
			y.read, y.fresh = n.rows, true
		}
		if e.c.condstore {
			y.known = y.heard
		}
		claims := 0
		for _, r := range y.read {
			if r.is(placement.Claimed) {
				claims++
			}
		}
		// Time is anybody's guess: a claim may have had its time, and may not; then it is waited
		// for, which changes nothing, and read again.
		o := e.r.claimed(claims, false, false)
		if e.r.bell(x.bell, o).Do() != course.Wait {
			next(n, o, "read")
		}
		next(n, e.r.claimed(claims, true, false), "read")
		if s.left.lost > 0 {
			n = s
			n.left.lost--
			next(n, course.Unknown, "no answer")
		}
	case course.Void:
		for k, r := range x.read {
			if !r.is(placement.Claimed) {
				continue
			}
			e.asks(s, call{act: course.Void, c: uint8(k), token: r.token}, func(n state, o course.Outcome, how string) { //nolint:gosec // of two
				if i := slices.Index(n.marker[:], 1+r.token); i >= 0 {
					n.marker[i] = 0
					e.raise(&n)
				}
				next(n, o, how)
			})
		}
	case course.Note:
		s.sessions[i].noted = true
		s.sessions[i].read = knownRows(x)
		next(s, course.Done, "noted")
	default:
		before := x.mod
		e.tell(&s, i)
		e.reach(s, "session %d is told up to UID %d, mod-sequence %d (it held %d)", i, s.sessions[i].told, s.sessions[i].mod, before)
		// What was left pending by somebody who has gone is raised and settled by who finds it.
		if e.c.condstore && s.left.found > 0 {
			for k, r := range x.read {
				if !r.pending {
					continue
				}
				n := s
				n.left.found--
				y := &n.sessions[i]
				y.doing, y.chg, y.call = course.Write, course.Found(true), call{c: uint8(k), rev: r.rev} //nolint:gosec // of two
				e.reach(n, "session %d finds campaign %d pending", i, k)
			}
		}
	}
}

// tell tells the client what was withheld, in the order of UIDs, and what its own change came to.
func (e *exploration) tell(s *state, i int) {
	x := &s.sessions[i]
	told := x.told
	for k, r := range x.read {
		switch {
		case !r.is(placement.Live):
			if x.fresh && x.cache[k].there {
				x.cache[k] = seen{}
			}
		case x.cache[k].there || r.uid > x.told: // what lies below is never added late
			x.cache[k] = r.seen()
			told = max(told, r.uid)
		}
	}
	x.told = max(told, x.top)
	if e.c.condstore {
		x.mod = max(x.mod, x.heard)
	}
	if x.ack && x.call.c < campaigns {
		if x.call.flags != 0 {
			s.acked[x.call.c].flags |= x.call.flags
		} else {
			s.acked[x.call.c].removed = true
		}
	}
	// Nothing of the course is kept: fewer states.
	*x = session{open: true, told: x.told, mod: x.mod, cache: x.cache, noted: x.noted, known: x.known}
}

// changes is a step of a change.
func (e *exploration) changes(s state, i int) {
	x := &s.sessions[i]
	c := x.call
	c.act = x.chg.Do()
	own := func(n *state) *session { return &n.sessions[i] }
	next := func(n state, o course.Outcome, how string) {
		own(&n).chg = e.r.change(own(&n).chg, o)
		e.reach(n, "session %d: %v of its change of campaign %d: %s", i, c.act, c.c, how)
	}
	switch c.act {
	case course.Write:
		e.asks(s, c, func(n state, o course.Outcome, how string) {
			own(&n).call.rev = n.rows[c.c].rev
			next(n, o, how)
		})
	case course.Raise:
		if !e.r.early {
			e.raise(&s)
			own(&s).call.mod = s.highest
		}
		next(s, course.Done, "raised")
	case course.Settle:
		e.asks(s, c, next)
	case course.Tell:
		// Its own value rings like any other: somebody else's change may lie below it.
		own(&s).ack = c.flags != 0 || c.act == course.Tell && c.rev != 0
		e.hear(&s, i, e.c.condstore && !e.r.quietOwn)
		e.reach(s, "session %d has changed campaign %d", i, c.c)
	default: // Deny, End
		own(&s).doing = course.End
		e.reach(s, "session %d: %v of its change of campaign %d", i, c.act, c.c)
	}
}
