package laws

import (
	"slices"
	"strconv"
	"strings"
)

// nothing is a UID that no message has; a set of a dialogue that names only letters is this
// for the side that has none.
const nothing = "4294967294"

// render gives a command of the dialogue in a side's own numbering. Under the delivery law the
// numbers are the same on both sides, and UIDs are those of the same messages. Under the erasure
// law the bare server has no letters: its sets are those of the real messages alone.
func (p *player) render(side, session int, text string) string {
	text = inSets(text, func(uid bool, set string) string {
		if p.d.Law == Erasure {
			return p.erasedSet(side, session, uid, set)
		}
		if uid && p.sides[side].sessions[session-1].inbox() {
			return p.table.ownSet(side, set)
		}
		return within(set, len(p.sides[bare].sessions[session-1].list))
	})
	if p.d.Law == Erasure && strings.Contains(text, "‹none›") {
		text = withNothing(text)
	}
	return inMarks(text, func(value string) string {
		v, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return value
		}
		own := p.mods.own(side, v)
		if !p.sides[side].sessions[session-1].inbox() || own == 0 {
			own = 1 // of everything
		}
		return strconv.FormatUint(own, 10)
	})
}

// within caps a set that has "*": Dovecot lets numbers beyond the last pass beside it, which no
// client may send (rfc9051 §9: sequence-set) and the gateway refuses.
func within(set string, last int) string {
	parsed, err := parseSet(set)
	if err != nil || !strings.Contains(set, "*") {
		return set
	}
	for i, s := range parsed {
		if s.from != star {
			parsed[i].from = min(s.from, uint32(max(last, 1)))
		}
		if s.to != star {
			parsed[i].to = min(s.to, uint32(max(last, 1)))
		}
	}
	return printSet(parsed)
}

// inMarks puts what f returns in the place of every "⟦mod-sequence⟧", which is one of the bare
// server's.
func inMarks(text string, f func(string) string) string {
	if !strings.Contains(text, "⟦") {
		return text
	}
	before, rest, _ := strings.Cut(text, "⟦")
	value, after, _ := strings.Cut(rest, "⟧")
	return before + f(value) + inMarks(after, f)
}

// erasedSet resolves a set by the list of the session through the gateway, "*" too, and gives
// the side's words for the messages that are in it.
func (p *player) erasedSet(side, session int, uid bool, set string) string {
	parsed, err := parseSet(set)
	x := p.sides[gateway].sessions[session-1]
	if err != nil || !x.inbox() {
		return set
	}
	var out []span
	for i, m := range x.list {
		r := p.table.byCanon(m.canon)
		if r == nil || side == bare && r.letter != 0 {
			continue
		}
		n := uint32(i + 1)
		last := uint32(len(x.list))
		if uid {
			n, last = m.canon, x.list[len(x.list)-1].canon
		}
		if !inSpans(parsed, n, last) {
			continue
		}
		own := r.uid[side]
		if !uid {
			own = p.position(side, session, m.canon)
		}
		if own != 0 {
			out = append(out, span{own, own})
		}
	}
	if len(out) == 0 {
		return "‹none›"
	}
	return printSet(out)
}

// inSpans reports whether a set has a number; last is what "*" means.
func inSpans(set []span, n, last uint32) bool {
	return slices.ContainsFunc(set, func(s span) bool {
		from, to := s.from, s.to
		if from == star {
			from = last
		}
		if to == star {
			to = last
		}
		return n >= min(from, to) && n <= max(from, to)
	})
}

// position of a message in a session's list; 0 if it is not there.
func (p *player) position(side, session int, canon uint32) uint32 {
	i := slices.IndexFunc(p.sides[side].sessions[session-1].list, func(m *msg) bool { return m.canon == canon })
	return uint32(i + 1)
}

// standIn is asked in the place of a command on numbers that are all erased: it tells no expunges
// either.
const standIn = "SEARCH UID " + nothing

// withNothing makes a command whose set is empty one that touches nothing: a set has no way to
// say so. In a search a key that nothing matches stands in its place.
func withNothing(text string) string {
	name, uid, _ := verb(text)
	switch name {
	case "SEARCH", "SORT", "THREAD":
		return strings.ReplaceAll(strings.ReplaceAll(text, "UID ‹none›", "UID "+nothing), "‹none›", "UID "+nothing)
	}
	if uid {
		return strings.ReplaceAll(text, "‹none›", nothing)
	}
	return standIn
}
