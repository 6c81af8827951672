package laws

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"inlay.example/inlay/internal/peertest"
)

// Found is a difference: where, and what was told on either side.
type Found struct {
	Step int       // of the dialogue, from 0; of a pipeline, its last
	Text string    // what was asked
	Want []string  // the bare server
	Got  []string  // through the gateway
	Raw  [2]string // what was heard, as it came
}

// player plays a dialogue on two sides, step by step.
type player struct {
	b       *bench
	d       *Dialogue
	norm    normaliser
	sides   [2]*side
	table   table
	mods    modseqs
	objects objects
	letters map[int]*sent
	claimed int       // letters that are offered and not injected yet
	played  int       // commands
	trace   io.Writer // of everything that is said; nil is none
	at      int       // step
	last    int       // session that spoke last
	// Of this unit: commands in whose place another one was sent to a side, and how many to each.
	stood    []bool
	standIns [2]int
	ended    bool // the server has ended a session
}

// sent is a letter of the dialogue.
type sent struct {
	injected, recalled bool
	canon              uint32
}

// newPlayer makes two people and their sessions.
func newPlayer(b *bench, d *Dialogue) (*player, error) {
	n := b.next()
	p := &player{b: b, d: d, letters: map[int]*sent{}}
	b.cut(d.Seed)
	p.sides[bare] = &side{name: "the bare server", of: bare, network: "tcp", addrs: []string{b.server.Address()}, server: b.server.Address(), user: fmt.Sprintf("bare%d", n)}
	p.sides[gateway] = &side{name: "the gateway", of: gateway, network: "unix", addrs: b.gateways, server: b.server.Address(), user: fmt.Sprintf("inlay%d", n)}
	for i := range d.Sessions {
		for _, s := range p.sides {
			if _, err := s.open(i); err != nil {
				p.close()
				return nil, err
			}
		}
	}
	return p, nil
}

func (p *player) close() {
	for _, s := range p.sides {
		s.close()
	}
	p.b.forget(p.sides[gateway].user)
}

// play plays a dialogue that was written down; trace, if not nil, is told everything that is said.
func play(b *bench, d *Dialogue, trace io.Writer, off ...string) (*Found, int, error) {
	p, err := newPlayer(b, d)
	if err != nil {
		return nil, 0, err
	}
	defer p.close()
	p.trace = trace
	for _, name := range off {
		if p.norm.off == nil {
			p.norm.off = map[string]bool{}
		}
		p.norm.off[name] = true
	}
	found, err := p.all(d.Steps)
	return found, p.played, err
}

// all plays steps that are known beforehand.
func (p *player) all(steps []Step) (*Found, error) {
	for p.at = 0; p.at < len(steps) && !p.ended; p.at++ {
		found, err := p.step(steps)
		if found != nil || err != nil {
			return found, err
		}
	}
	return p.end()
}

// step plays the step at p.at, and those that it takes along.
func (p *player) step(steps []Step) (*Found, error) {
	s := steps[p.at]
	if s.Session == 0 {
		return p.event(s.Text)
	}
	if found, err := p.turn(s.Session); found != nil || err != nil {
		return found, err
	}
	if p.sides[bare].sessions[s.Session-1].idling && s.Text != "DONE" {
		return nil, nil // nothing else can be said
	}
	switch {
	case s.Text == "IDLE":
		return p.idle(s.Session)
	case s.Text == "DONE":
		return p.done(s.Session)
	case s.Cut > 0 && p.claimed == 0:
		return p.halves(steps)
	}
	batch := []Step{s}
	for batch[len(batch)-1].Pipe && p.at+1 < len(steps) && steps[p.at+1].Session == s.Session && steps[p.at+1].Cut == 0 && steps[p.at+1].Text != "IDLE" {
		p.at++
		batch = append(batch, steps[p.at])
	}
	if p.claimed > 0 || s.Odd {
		// Which of them injects must be known before the other side hears the next one.
		for _, one := range batch {
			if found, err := p.unit(s.Session, []Step{one}, nil, false); found != nil || err != nil {
				return found, err
			}
		}
		return nil, nil
	}
	if len(batch) > 1 {
		// A server that has news tells them wherever in a pipeline it comes to look.
		if found, err := p.fresh(s.Session); found != nil || err != nil {
			return found, err
		}
	}
	return p.unit(s.Session, batch, nil, len(batch) > 1)
}

// turn lets a session that was silent while another one spoke ask for news first, see everybody.
func (p *player) turn(session int) (*Found, error) {
	last := p.last
	p.last = session
	if last == session || last == 0 {
		return nil, nil
	}
	return p.fresh(session)
}

// newsFirst reports whether the server looks for news before it obeys a command, as Cyrus does: a
// command that names numbers may then mean messages that nobody was told of.
func (b *bench) newsFirst() bool { return b.backend == peertest.CyrusBackend }

// fresh lets a session ask for news.
func (p *player) fresh(session int) (*Found, error) {
	if x := p.sides[bare].sessions[session-1]; x.idling || x.half != "" || x.box == "" {
		return nil, nil
	}
	return p.unit(session, []Step{{Session: session, Text: "NOOP"}}, nil, true)
}

// halves sends a part of a command, lets the next step happen, and sends the rest.
func (p *player) halves(steps []Step) (*Found, error) {
	s := steps[p.at]
	if found, err := p.fresh(s.Session); found != nil || err != nil {
		return found, err
	}
	texts := p.own(s.Session, []Step{s})
	for i, side := range p.sides {
		if err := side.sessions[s.Session-1].sendHalf(texts[i][0], s.Cut); err != nil {
			return p.broken(s.Text, err)
		}
	}
	if p.at+1 < len(steps) && steps[p.at+1].Session != s.Session && steps[p.at+1].Cut == 0 && !strings.HasPrefix(steps[p.at+1].Text, "offer") {
		p.at++
		if found, err := p.step(steps); found != nil || err != nil {
			return found, err
		}
	}
	return p.unit(s.Session, []Step{s}, func(side int) error { return p.sides[side].sessions[s.Session-1].finish() }, true)
}

// own gives the commands in each side's numbering.
func (p *player) own(session int, steps []Step) (out [2][]string) {
	for side := range p.sides {
		for _, s := range steps {
			out[side] = append(out[side], p.render(side, session, s.Text))
		}
	}
	return out
}

// unit plays commands of one session: through the gateways first, because what they inject is
// delivered to the other person before the bare server is asked. send, if not nil, sends what
// is left of them.
func (p *player) unit(session int, steps []Step, send func(side int) error, net bool) (*Found, error) {
	texts := p.own(session, steps)
	asked := make([]string, 0, len(steps)+1)
	for _, s := range steps {
		asked = append(asked, s.Text)
	}
	p.played += len(steps)
	var all [2][]answer
	var ends [2]error
	for _, side := range []int{gateway, bare} {
		x := p.sides[side].sessions[session-1]
		var err error
		if send != nil {
			err = send(side)
		} else {
			for _, text := range texts[side] {
				if err = x.send(text); err != nil {
					break
				}
			}
		}
		if err == nil {
			all[side], err = x.answers()
		}
		if err == nil && net && !isNoop(steps) {
			var news answer
			news, err = x.cmd("NOOP")
			all[side] = append(all[side], news)
		}
		ends[side] = err
		if side == gateway {
			if err := p.injected(); err != nil {
				return nil, err
			}
		}
	}
	if errors.Is(ends[bare], io.EOF) {
		p.ended = true // the server itself has not survived it, and there is nothing to compare with
		return nil, nil
	}
	for i, err := range ends {
		if err != nil {
			f, _ := p.broken(strings.Join(asked, "\n"), fmt.Errorf("%s: %w", p.sides[i].name, err))
			f.Raw = raw(all)
			return f, nil
		}
	}
	if net && !isNoop(steps) {
		asked = append(asked, "NOOP")
		p.played++
	}
	if len(steps) == 1 && steps[0].Odd && p.norm.on(dLenient) && len(all[bare]) > 0 && strings.HasPrefix(all[gateway][0].tagged, "BAD") {
		return nil, nil
	}
	p.stood, p.standIns = make([]bool, len(asked)), [2]int{}
	for i, st := range steps {
		name, _, _ := verb(st.Text)
		for side := range p.sides {
			if texts[side][i] == standIn && name != "SEARCH" {
				p.stood[i] = true
				p.standIns[side]++
			}
		}
	}
	if p.trace != nil {
		p.tell(session, texts, all)
	}
	found, err := p.compare(session, asked, all, net)
	if found != nil {
		found.Raw = raw(all)
	}
	return found, err
}

func isNoop(steps []Step) bool { return len(steps) == 1 && steps[0].Text == "NOOP" }

// tell writes what both sides said and heard.
func (p *player) tell(session int, texts [2][]string, all [2][]answer) {
	for i, s := range p.sides {
		fmt.Fprintf(p.trace, "-- %s, session %d\n", s.name, session)
		for j, a := range all[i] {
			if j < len(texts[i]) {
				fmt.Fprintf(p.trace, "C: %s\n", strings.ReplaceAll(texts[i][j], "\r\n", "\nC: "))
			}
			for _, raw := range append(a.untagged, a.tagged) {
				fmt.Fprintf(p.trace, "S: %s\n", strings.ReplaceAll(strings.TrimSuffix(raw, "\r\n"), "\r\n", "\nS: "))
			}
		}
	}
}

// raw is what was heard on both sides.
func raw(all [2][]answer) (out [2]string) {
	for i := range all {
		for _, a := range all[i] {
			out[i] += strings.Join(a.untagged, "") + a.tagged + "\r\n"
		}
	}
	return out
}

// broken is a connection that ended or said nothing: a difference too.
func (p *player) broken(text string, err error) (*Found, error) {
	return &Found{Step: p.at, Text: text, Got: []string{err.Error()}}, nil
}

// injected delivers to the other person what the gateway has just injected.
func (p *player) injected() error {
	if p.claimed == 0 {
		return nil
	}
	all, err := p.b.injected(p.sides[gateway].user)
	if err != nil {
		return err
	}
	for _, l := range all {
		row := row{letter: l.number, uid: [2]uint32{0, l.uid}, canon: l.uid}
		if p.d.Law == Delivery {
			uid, err := p.sides[bare].append(nil, l.date.Format("_2-Jan-2006 15:04:05 -0700"), l.text)
			if err != nil {
				return fmt.Errorf("delivering letter %d: %w", l.number, err)
			}
			row.uid[bare], row.canon = uid, uid
		}
		p.table.add(row)
		p.letters[l.number].injected, p.letters[l.number].canon = true, row.canon
		p.claimed--
	}
	return nil
}

// compare compares the answers to a unit, after both sides' lists were brought up to date.
func (p *player) compare(session int, asked []string, all [2][]answer, net bool) (*Found, error) {
	p.learn(asked, all)
	var told [2][][]response
	for i, side := range p.sides {
		x := side.sessions[session-1]
		for j, text := range asked {
			name, _, _ := verb(text)
			x.selecting(text)
			var rs []response
			for _, raw := range all[i][j].untagged {
				r, err := x.hear(&p.table, i, raw, (name == "FETCH" || name == "STORE") && !net)
				if errors.Is(err, errResponse) {
					return &Found{Step: p.at, Text: strings.Join(asked, "\n"), Got: []string{side.name + ": " + err.Error() + ": " + raw}}, nil
				}
				if err != nil {
					return nil, err
				}
				rs = append(rs, r)
			}
			told[i] = append(told[i], rs)
			x.after(text, all[i][j].tagged)
		}
		if p.d.Law == Erasure || p.d.condstore() {
			if err := p.uids(i, x); err != nil {
				return p.broken("FETCH (UID)", err)
			}
		}
	}
	alive := 0
	if p.d.Law == Erasure {
		var err error
		if alive, err = p.b.live(p.sides[gateway].user); err != nil {
			return nil, err
		}
	}
	var told2 [2][]line
	var checks []string
	for i, side := range p.sides {
		x := side.sessions[session-1]
		c := comparison{normaliser: p.norm, law: p.d.Law, side: i, x: x, table: &p.table, objects: &p.objects, alive: alive, alone: p.d.Sessions == 1, net: net, stood: p.stood, standIns: p.standIns[i]}
		tagged := make([]string, len(asked))
		for j := range asked {
			tagged[j] = all[i][j].tagged
		}
		told2[i] = c.lines(asked, told[i], tagged)
		checks = append(checks, c.checks...)
		x.settled()
	}
	var lines [2][]string
	var mods [2][]toldMod
	lines[bare], lines[gateway] = match(told2[bare], told2[gateway])
	for i := range lines {
		lines[i], mods[i] = takeModSeqs(lines[i])
	}
	lines[gateway] = append(lines[gateway], checks...)
	if !slices.Equal(lines[0], lines[1]) {
		return &Found{Step: p.at, Text: strings.Join(asked, "\n"), Want: lines[0], Got: lines[1]}, nil
	}
	if err := p.mods.inOrder(mods[0], mods[1]); err != nil {
		return &Found{Step: p.at, Text: strings.Join(asked, "\n"), Want: lines[0], Got: append(lines[1], err.Error())}, nil
	}
	return nil, nil
}

// uids learns the UIDs of messages that the session was told of, without which they cannot be
// told from letters.
func (p *player) uids(side int, x *session) error {
	if !x.inbox() {
		return nil
	}
	first := slices.IndexFunc(x.list, func(m *msg) bool { return m.canon == 0 })
	if first < 0 {
		return nil
	}
	a, err := x.must(fmt.Sprintf("FETCH %d:%d (UID)", first+1, len(x.list)))
	if err != nil {
		return err
	}
	for _, raw := range a.untagged {
		if _, err := x.hear(&p.table, side, raw, true); err != nil {
			return err
		}
	}
	return nil
}

// learn notes the UIDs of what the commands brought into INBOX.
func (p *player) learn(asked []string, all [2][]answer) {
	for j, text := range asked {
		name, _, rest := verb(text)
		var uids [2][]uint32
		for i := range p.sides {
			tagged := all[i][j].tagged
			switch {
			case name == "APPEND" && strings.HasPrefix(rest, "INBOX"):
				if args, ok := code(tagged, "APPENDUID"); ok && len(args) == 2 {
					uids[i], _ = expand(args[1]) // what is not understood is a difference soon
				}
			case (name == "COPY" || name == "MOVE") && strings.HasSuffix(rest, " INBOX"):
				args, ok := code(tagged, "COPYUID")
				for _, raw := range all[i][j].untagged {
					if !ok && name == "MOVE" {
						args, ok = code(raw, "COPYUID")
					}
				}
				if ok && len(args) == 3 {
					uids[i], _ = expand(args[2])
				}
			}
		}
		for k := range min(len(uids[0]), len(uids[1])) {
			canon := uids[bare][k]
			if p.d.Law == Erasure {
				canon = uids[gateway][k]
			}
			p.table.add(row{canon: canon, uid: [2]uint32{uids[0][k], uids[1][k]}})
		}
	}
}

// end closes what is open and compares what lies in all mailboxes.
func (p *player) end() (*Found, error) {
	for i := range p.d.Sessions {
		if p.ended {
			break
		}
		if p.sides[bare].sessions[i].idling {
			if found, err := p.done(i + 1); found != nil || err != nil {
				return found, err
			}
		}
	}
	return p.stored()
}
