package laws

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// maxLetters is how many letters a dialogue may have.
const maxLetters = 6

// generator makes a dialogue up as it goes: each step is chosen by chance from what makes sense
// to a client that has heard what was said so far, with sets that reach a little beyond.
type generator struct {
	*rand.Rand
	p        *player
	shares   []string // capabilities of both sides
	session  int      // who speaks
	offered  int      // letters so far
	bad      int      // commands that are refused, so far
	flagKeys int      // flags within other keys of this query
}

// Generate makes up and plays a dialogue of about n commands.
func generate(b *bench, law Law, seed uint64, sessions, n int) (*Dialogue, *Found, int, error) {
	d := &Dialogue{Law: law, Seed: seed, Sessions: sessions}
	p, err := newPlayer(b, d)
	if err != nil {
		return d, nil, 0, err
	}
	defer p.close()
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), p: p, shares: b.shares, session: 1}
	play := func(steps []Step) (*Found, error) {
		d.Steps = append(d.Steps, steps...)
		for ; p.at < len(d.Steps) && !p.ended; p.at++ {
			if found, err := p.step(d.Steps); found != nil || err != nil {
				return found, err
			}
		}
		return nil, nil
	}
	found, err := play(g.opening())
	for found == nil && err == nil && !p.ended && p.played < n {
		found, err = play(g.phrase())
	}
	if found == nil && err == nil {
		found, err = p.end()
	}
	return d, found, p.played, err
}

func (g *generator) oneOf(of ...string) string { return of[g.IntN(len(of))] }

// chance is true in one of n cases.
func (g *generator) chance(n int) bool { return g.IntN(n) == 0 }

func (g *generator) has(capability string) bool { return slices.Contains(g.shares, capability) }

func (g *generator) erasure() bool { return g.p.d.Law == Erasure }

// x is the session that speaks, on the side whose numbers the dialogue has.
func (g *generator) x() *session {
	if g.erasure() {
		return g.p.sides[gateway].sessions[g.session-1]
	}
	return g.p.sides[bare].sessions[g.session-1]
}

// lettersIn gives the UIDs of the letters in the session's list.
func (g *generator) lettersIn() []string {
	var out []string
	for _, r := range g.p.table.rows {
		if r.letter != 0 {
			out = append(out, strconv.FormatUint(uint64(r.canon), 10))
		}
	}
	return out
}

// top is the highest UID so far.
func (g *generator) top() int {
	if rows := g.p.table.rows; len(rows) > 0 {
		return int(rows[len(rows)-1].canon)
	}
	return 1
}

func (g *generator) say(text string) Step { return Step{Session: g.session, Text: text} }

func event(format string, args ...any) Step { return Step{Text: fmt.Sprintf(format, args...)} }

// opening fills the mailbox: mails, and letters between them, and opens it in all sessions.
func (g *generator) opening() []Step {
	var out []Step
	if g.condstore() && g.has("ENABLE") && g.p.d.Sessions > 1 {
		for s := range g.p.d.Sessions {
			out = append(out, Step{Session: s + 1, Text: "ENABLE CONDSTORE"})
		}
	}
	for range 1 + g.IntN(3) {
		for range g.IntN(4) {
			out = append(out, event("append %d", g.IntN(Mails)))
		}
		out = append(out, g.offer(), Step{Session: 1, Text: "SELECT INBOX"})
	}
	for range g.IntN(3) {
		out = append(out, event("append %d", g.IntN(Mails)))
	}
	for s := range g.p.d.Sessions {
		out = append(out, Step{Session: s + 1, Text: "SELECT INBOX"})
	}
	return out
}

func (g *generator) offer() Step {
	g.offered++
	return event("offer %d", g.offered)
}

// phrase is the next few steps.
func (g *generator) phrase() []Step {
	if g.chance(12) {
		g.session = 1 + g.IntN(g.p.d.Sessions)
	}
	x := g.x()
	if x.box == "" {
		return []Step{g.say(g.oneOf("SELECT INBOX", "SELECT INBOX", "SELECT INBOX", "NOOP", "FETCH 1 (FLAGS)", "STATUS INBOX (MESSAGES)", "EXAMINE INBOX"))}
	}
	if !x.inbox() {
		return []Step{g.say(g.oneOf("SELECT INBOX", "CLOSE", "FETCH 1:* (FLAGS RFC822.SIZE)", "SEARCH ALL"))}
	}
	switch n := g.IntN(400); {
	case n < 8:
		return []Step{event("append %d", g.IntN(Mails))}
	case n < 12:
		return []Step{event("store %s %s", g.uids(), g.flags())}
	case n < 15:
		return []Step{event("expunge %s", g.fewUIDs())}
	case n < 20 && g.offered < maxLetters-1 && !x.ro:
		return []Step{g.offer(), g.say(g.oneOf("NOOP", "CHECK", "SELECT INBOX", "NOOP"))}
	case n < 22 && g.offered > 0:
		return []Step{event("recall %d", 1+g.IntN(g.offered))}
	case n < 28:
		return g.idling()
	case n < 48:
		return g.pipeline()
	case n < 58:
		return g.half()
	case n < 60 && !g.erasure():
		return []Step{g.say(g.nasty())}
	case n < 62 && !g.erasure():
		s := g.say(g.odd())
		s.Odd = true
		return []Step{s}
	}
	return []Step{g.say(g.command())}
}

// idling is IDLE with things that happen meanwhile.
func (g *generator) idling() []Step {
	out := []Step{g.say("IDLE")}
	switch g.IntN(12) {
	case 0: // of which it is told at once; servers take half a second to notice
		out = append(out, event("append %d", g.IntN(Mails)))
	case 1:
		if g.offered < maxLetters-1 && !g.x().ro {
			out = append(out, g.offer())
		}
	case 2, 3:
		out = append(out, event("store %s %s", g.uids(), g.flags()))
	case 4:
		out = append(out, event("expunge %s", g.fewUIDs()))
	case 5, 6:
		if g.p.d.Sessions > 1 {
			me := g.session
			g.session = 1 + me%g.p.d.Sessions
			if g.x().inbox() {
				out = append(out, g.say(g.oneOf("UID STORE "+g.uids()+" "+g.flags(), "NOOP", "UID FETCH "+g.uids()+" (FLAGS)")))
			}
			g.session = me
		}
	}
	return append(out, g.say("DONE"))
}

// pipeline is what clients send in one packet. Nothing in it changes what another part of it
// reads: Dovecot 2.3 may well run the last command first, and tells an EXPUNGE before the FETCH of
// the same message that was sent before it.
func (g *generator) pipeline() []Step {
	var out []Step
	form := g.uid() + "SEARCH " // one of them: which of several answers is which, nobody says
	for range 1 + g.IntN(g.IntN(19)+1) {
		var text string
		switch g.IntN(8) {
		case 0:
			text = "NOOP"
		case 1, 2:
			_, text, _ = strings.Cut(g.search(), "SEARCH ")
			text = form + text
		case 3:
			text = "UID FETCH " + g.uids() + " " + g.peek()
		case 4:
			text = g.status()
		default:
			text = "FETCH " + g.numbers() + " " + g.peek()
		}
		if strings.Contains(text, "SAVE") || strings.Contains(text, "$") {
			text = "NOOP" // what one saves another reads
		}
		out = append(out, Step{Session: g.session, Pipe: true, Text: text})
	}
	last := "NOOP"
	switch g.IntN(3) {
	case 0:
		last = g.appendTo("Sent", "+")
	case 1:
		last = "UID FETCH " + g.uids() + " " + g.peek()
	}
	return append(out, g.say(last))
}

// half is a command of which a part is sent before something else happens.
func (g *generator) half() []Step {
	text := g.command()
	if g.chance(2) {
		text = g.append("")
	}
	name, _, _ := verb(text)
	if name == "SELECT" || name == "EXAMINE" || name == "CLOSE" {
		text = "NOOP"
	}
	s := g.say(text)
	s.Cut = 1 + g.IntN(len(text))
	if name == "FETCH" {
		// What is expunged a moment before Dovecot still gives or has not any more, by whether it has looked.
		return []Step{s, event("append %d", g.IntN(Mails))}
	}
	return []Step{s, []Step{
		event("append %d", g.IntN(Mails)), event("store %s %s", g.uids(), g.flags()), event("expunge %s", g.fewUIDs()),
	}[g.IntN(3)]}
}

// odd is a command that changes nothing, with a word left out, doubled or the end cut off.
func (g *generator) odd() string {
	if g.bad++; g.bad > 6 {
		return "NOOP"
	}
	var text string
	switch g.IntN(3) {
	case 0:
		text = "UID FETCH " + strings.ReplaceAll(g.uids(), "«u ", "«u␣") + " " + g.peek()
	case 1:
		text = g.status()
	default:
		text = g.search()
	}
	words := strings.Split(text, " ")
	i := 1 + g.IntN(len(words)-1)
	switch g.IntN(3) {
	case 0:
		words = slices.Delete(words, i, i+1)
	case 1:
		words = slices.Insert(words, i, words[i])
	default:
		words = words[:i]
	}
	if text = strings.ReplaceAll(strings.Join(words, " "), "␣", " "); strings.Count(text, "«") != strings.Count(text, "»") || strings.Count(text, "SEARCH") > 1 || strings.Contains(text, "⟦") {
		return "NOOP"
	}
	return text
}

// nasty is what a client should not say.
func (g *generator) nasty() string {
	if g.bad++; g.bad > 6 { // servers end a session for too many
		return "NOOP"
	}
	return g.oneOf("FETCH 0 (FLAGS)", "FETCH 1", "FETCH", "UID", "UID FETCH", "FETCH 1:* (NONSENSE)", "STORE 1 +FLAGS (\\Recent)",
		"FETCH 4294967296 (UID)", "UID FETCH 4294967295:* (UID)", "SEARCH", "SEARCH FOO", "SEARCH CHARSET X-NONE ALL", "SEARCH OR ALL", "SEARCH (ALL",
		"UID SEARCH UID", "COPY 1", "COPY «n 1» Nowhere", "UID COPY «u 1» Nowhere", "SELECT Nowhere", "UID EXPUNGE",
		"NONSENSE", "FETCH 1,2 (BODY[", "FETCH 1 (BODY.PEEK[HEADER.FIELDS])", "STATUS INBOX", "STATUS INBOX (NONE)",
		"UID FETCH 1:*", "FETCH 1:2:3 (UID)", "FETCH 1,,2 (UID)", "FETCH *:* (UID)", "FETCH «n *:*» (UID FLAGS)", "STORE «n *» +FLAGS.SILENT ()",
		"SEARCH RETURN (NONE) ALL", "FETCH $ (FLAGS)", "STORE 1 XFLAGS (\\Seen)", "STATUS Nowhere (MESSAGES)", "FETCH 1 (UID) 2")
}
