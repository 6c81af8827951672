package laws

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// event plays something that happens outside of the sessions, on both sides.
func (p *player) event(text string) (*Found, error) {
	name, rest, _ := strings.Cut(text, " ")
	switch name {
	case "append":
		n, err := strconv.Atoi(rest)
		if err != nil {
			return nil, fmt.Errorf("the event %q: %w", text, err)
		}
		if err := p.arrive(n); err != nil || !p.b.newsFirst() {
			return nil, err
		}
		return p.everybody()
	case "store", "expunge", "recall":
		// Whoever opens the mailbox around the gateway takes \Recent of what nobody has been told of.
		if found, err := p.everybody(); found != nil || err != nil {
			return found, err
		}
		if err := p.outside(name, rest); err != nil {
			return nil, err
		}
		return p.everybody()
	case "offer":
		n, err := strconv.Atoi(rest)
		if err != nil {
			return nil, fmt.Errorf("the event %q: %w", text, err)
		}
		if p.letters[n] != nil {
			return nil, nil
		}
		p.letters[n] = &sent{}
		p.claimed++
		if err := p.b.offer(p.sides[gateway].user, n); err != nil {
			return nil, err
		}
		return nil, p.idlers(true)
	}
	return nil, fmt.Errorf("there is no event %q", text)
}

// outside is what a client around the gateway does, or the campaign.
func (p *player) outside(name, rest string) error {
	switch name {
	case "store":
		set, flags, _ := strings.Cut(rest, "»")
		return p.around(set+"»", func(uids string) []string { return []string{"UID STORE " + uids + flags} })
	case "expunge":
		return p.around(rest, func(uids string) []string {
			return []string{`UID STORE ` + uids + ` +FLAGS.SILENT (\Deleted)`, "UID EXPUNGE " + uids}
		})
	}
	n, err := strconv.Atoi(rest)
	if err != nil {
		return fmt.Errorf("the event %q: %w", name+" "+rest, err)
	}
	return p.recall(n)
}

func (p *player) arrive(n int) error {
	m := mail(n)
	r := row{}
	for i, side := range p.sides {
		uid, err := side.append(m.Flags, m.Date.Format("_2-Jan-2006 15:04:05 -0700"), m.Bytes)
		if err != nil {
			return fmt.Errorf("delivering a mail: %w", err)
		}
		r.uid[i] = uid
	}
	r.canon = r.uid[bare]
	if p.d.Law == Erasure {
		r.canon = r.uid[gateway]
	}
	p.table.add(r)
	return p.idlers(false)
}

// around runs commands on the real messages of a marked set.
func (p *player) around(marked string, commands func(uids string) []string) error {
	for i, side := range p.sides {
		uids := ""
		inSets(marked, func(_ bool, set string) string {
			uids = p.table.realOnly(i, set)
			return ""
		})
		if uids == "" {
			return nil
		}
		if err := side.within(commands(uids)...); err != nil {
			return err
		}
	}
	return nil
}

// recall takes a letter back; with the delivered one somebody else's client does.
func (p *player) recall(n int) error {
	l := p.letters[n]
	if l == nil || l.recalled {
		return nil
	}
	l.recalled = true
	if err := p.b.recall(p.sides[gateway].user, n); err != nil {
		return err
	}
	if !l.injected {
		p.claimed--
		return nil
	}
	if p.d.Law == Erasure {
		return nil
	}
	// Both sides' mailboxes are opened by somebody: what is \Recent is no longer.
	if err := p.sides[gateway].within(); err != nil {
		return err
	}
	uid := strconv.FormatUint(uint64(p.table.byCanon(l.canon).uid[bare]), 10)
	return p.sides[bare].within(`UID STORE `+uid+` +FLAGS.SILENT (\Deleted)`, "UID EXPUNGE "+uid)
}

// everybody lets all sessions ask for news. Of what happened to an injected message a session
// is told when it asks, and not, as of a real one, by whichever command comes next; and which
// one that is for a real one differs too, because the gateway asks for more than the client did.
func (p *player) everybody() (*Found, error) {
	for i := range p.d.Sessions {
		if found, err := p.fresh(i + 1); found != nil || err != nil {
			return found, err
		}
	}
	return nil, nil
}

// idle puts a session into IDLE on both sides.
func (p *player) idle(session int) (*Found, error) {
	// What is offered is not to be injected at some moment while the session idles.
	if found, err := p.fresh(session); found != nil || err != nil {
		return found, err
	}
	for _, side := range []int{gateway, bare} {
		x := p.sides[side].sessions[session-1]
		if err := x.idle(); err != nil {
			return p.broken("IDLE", err)
		}
		x.idling = true
		if side == gateway {
			if err := p.injected(); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// done leaves IDLE. A NOOP follows, and the two are compared together, see withNews.
func (p *player) done(session int) (*Found, error) {
	if !p.sides[bare].sessions[session-1].idling {
		return nil, nil
	}
	for _, s := range p.sides {
		s.sessions[session-1].idling = false
	}
	return p.unit(session, []Step{{Session: session, Text: "IDLE"}}, func(side int) error { return p.sides[side].sessions[session-1].done() }, true)
}

// idlers waits until sessions that idle in INBOX were told of a new message, through the gateway
// first, where it may be an injected one.
func (p *player) idlers(offer bool) error {
	for _, side := range []int{gateway, bare} {
		for _, x := range p.sides[side].sessions {
			if x.idling && x.inbox() && !(offer && x.ro) {
				if err := x.await("EXISTS"); err != nil {
					return fmt.Errorf("%s, idling: %w", p.sides[side].name, err)
				}
			}
		}
		if side == gateway {
			if err := p.injected(); err != nil {
				return err
			}
			if offer && p.d.Law == Erasure {
				return nil // nothing has come there
			}
			if offer && !slices.ContainsFunc(p.sides[bare].sessions, func(x *session) bool { return x.idling && x.inbox() && !x.ro }) {
				return nil // the next command injects it
			}
		}
	}
	return nil
}

// stored compares what the server holds of the two people: the same, but for the letters, which
// one has and the other only sees. Copies of letters are mails like any other.
func (p *player) stored() (*Found, error) {
	var held [2][]string
	for i, side := range p.sides {
		lines, err := side.dump(func(uid uint32) bool {
			canon, known := p.table.canonOf(i, uid)
			r := p.table.byCanon(canon)
			return known && r != nil && r.letter != 0
		})
		if err != nil {
			return nil, err
		}
		held[i] = lines
	}
	if !slices.Equal(held[0], held[1]) {
		return &Found{Step: p.at - 1, Text: "what lies in the mailboxes in the end", Want: held[0], Got: held[1]}, nil
	}
	return nil, nil
}

// dump lists what lies in the mailboxes, sorted: in the target of a mixed COPY the letters come
// first.
func (s *side) dump(isLetter func(uint32) bool) ([]string, error) {
	c, err := s.around()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, box := range []string{"INBOX", "Trash", "Sent"} {
		if _, err := c.must("EXAMINE " + box); err != nil {
			return nil, err
		}
		a, err := c.must("UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])")
		if err != nil {
			return nil, err
		}
		for _, raw := range a.untagged {
			_, name, rest, ok := numbered(raw)
			if !ok || name != "FETCH" {
				continue
			}
			items, err := fetchItems(rest)
			if err != nil {
				return nil, err
			}
			text, letter := box, false
			for _, it := range items {
				switch it.name {
				case "UID":
					u, err := parseNumber(it.value)
					letter = err == nil && box == "INBOX" && isLetter(u)
				case "FLAGS":
					text += " " + strings.Join(slices.DeleteFunc(strings.Fields(strings.Trim(sortedFlags(it.value), "()")), func(f string) bool { return f == `\Recent` }), ",")
				default:
					text += " " + it.value
				}
			}
			if !letter {
				out = append(out, text)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}
