package laws

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// row is a message of INBOX under each of its UIDs.
type row struct {
	canon  uint32    // in the dialogue: the UID in the mailbox that has the letters
	uid    [2]uint32 // on each side; 0 where it is not
	letter int       // number of the letter, from 1; 0 is a real message
}

// table holds the messages that INBOX ever had, by UID: the order is the same on both sides,
// but where one of them burns a UID that the other does not the values part.
type table struct{ rows []row }

func (t *table) add(r row) {
	i, _ := slices.BinarySearchFunc(t.rows, r.canon, func(r row, u uint32) int { return cmp.Compare(r.canon, u) })
	t.rows = slices.Insert(t.rows, i, r)
}

func (t *table) byCanon(u uint32) *row {
	if i, ok := slices.BinarySearchFunc(t.rows, u, func(r row, u uint32) int { return cmp.Compare(r.canon, u) }); ok {
		return &t.rows[i]
	}
	return nil
}

// canonOf gives the dialogue's UID for a side's.
func (t *table) canonOf(side int, u uint32) (canon uint32, known bool) {
	for i := len(t.rows) - 1; i >= 0; i-- { // what is talked of is mostly at the end
		if t.rows[i].uid[side] == u {
			return t.rows[i].canon, true
		}
	}
	return 0, false
}

// next gives the dialogue's word for a side's UIDNEXT: one above the last message below it;
// without letters, the last real one.
func (t *table) next(side int, u uint32, letters bool) uint32 {
	for i := len(t.rows) - 1; i >= 0; i-- {
		if r := t.rows[i]; r.uid[side] != 0 && r.uid[side] < u && (letters || r.letter == 0) {
			return r.canon + 1
		}
	}
	return 1
}

// span is a range of a set; star is "*".
type span struct{ from, to uint32 }

const star = ^uint32(0)

// parseSet reads "1:3,*"; what is no such set is an error.
func parseSet(s string) ([]span, error) {
	var out []span
	for _, part := range strings.Split(s, ",") {
		a, b, ranged := strings.Cut(part, ":")
		from, err := parseNumber(a)
		if err != nil {
			return nil, err
		}
		to := from
		if ranged {
			if to, err = parseNumber(b); err != nil {
				return nil, err
			}
		}
		out = append(out, span{from, to})
	}
	return out, nil
}

func parseNumber(s string) (uint32, error) {
	if s == "*" {
		return star, nil
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}

func printSet(set []span) string {
	word := func(n uint32) string {
		if n == star {
			return "*"
		}
		return strconv.FormatUint(uint64(n), 10)
	}
	var b strings.Builder
	for i, s := range set {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(word(s.from))
		if s.to != s.from {
			b.WriteByte(':')
			b.WriteString(word(s.to))
		}
	}
	return b.String()
}

// expand lists the numbers of a set of a server's answer, which has no "*".
func expand(s string) ([]uint32, error) {
	set, err := parseSet(s)
	if err != nil {
		return nil, err
	}
	var out []uint32
	for _, r := range set {
		from, to := min(r.from, r.to), max(r.from, r.to)
		if to-from > 1<<16 {
			return nil, fmt.Errorf("a set of %d messages: %s", to-from, s)
		}
		for n := from; ; n++ {
			out = append(out, n)
			if n == to {
				break
			}
		}
	}
	return out, nil
}

// inSets calls f for every «n …» and «u …» of a text and puts what it returns in their place.
func inSets(text string, f func(uid bool, set string) string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "«")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		mark, after, _ := strings.Cut(rest, "»")
		kind, set, _ := strings.Cut(mark, " ")
		b.WriteString(f(kind == "u", set))
		text = after
	}
}

// ownUID gives a side's UID for one of the dialogue: of a message; or of none, as far beyond the
// last one as there. what is between messages is what lies below it.
func (t *table) ownUID(side int, canon uint32) uint32 {
	if canon == star {
		return star
	}
	for i := len(t.rows) - 1; i >= 0; i-- {
		if r := t.rows[i]; r.canon <= canon && r.uid[side] != 0 {
			return r.uid[side] + canon - r.canon
		}
	}
	return canon
}

// ownSet puts a set of UIDs in a side's numbering.
func (t *table) ownSet(side int, set string) string {
	parsed, err := parseSet(set)
	if err != nil {
		return set
	}
	for i := range parsed {
		parsed[i].from, parsed[i].to = t.ownUID(side, parsed[i].from), t.ownUID(side, parsed[i].to)
	}
	return printSet(parsed)
}

// realOnly gives the side's UIDs of the real messages in a set of the dialogue.
func (t *table) realOnly(side int, set string) string {
	parsed, err := parseSet(set)
	if err != nil {
		return ""
	}
	var out []span
	for _, s := range parsed {
		for _, r := range t.rows {
			if u := r.uid[side]; u != 0 && r.letter == 0 && r.canon >= min(s.from, s.to) && r.canon <= max(s.from, s.to) {
				out = append(out, span{u, u})
			}
		}
	}
	return printSet(out)
}
