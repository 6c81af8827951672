package laws

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// modseqs pairs mod-sequences of the two sides that were told at the same place, by mailbox. Their
// values may differ, their order may not.
type modseqs struct{ boxes map[string][]modPair }

// modPair is a mod-sequence on both sides.
type modPair struct {
	of     [2]uint64
	letter bool // of an injected message
}

// toldMod is a mod-sequence of a mailbox, or of a message in it.
type toldMod struct {
	box    string
	value  uint64
	letter bool // an injected message's, or the highest of several
}

// mark puts a mod-sequence into a line so that takeModSeqs finds it.
func mark(box, value string, letter bool) string {
	return fmt.Sprintf("⟦%s %s %t⟧", box, value, letter)
}

// takeModSeqs gives lines without their marked mod-sequences, and those in order.
func takeModSeqs(lines []string) (without []string, values []toldMod) {
	without = make([]string, len(lines))
	for i, l := range lines {
		if !strings.Contains(l, "⟦") {
			without[i] = l
			continue
		}
		var b strings.Builder
		for {
			before, rest, ok := strings.Cut(l, "⟦")
			b.WriteString(before)
			if !ok {
				break
			}
			inner, after, _ := strings.Cut(rest, "⟧")
			var t toldMod
			if f := strings.Fields(inner); len(f) == 3 {
				t.box = f[0]
				t.value, _ = strconv.ParseUint(f[1], 10, 64) // what is none stays 0
				t.letter = f[2] == "true"
			}
			values = append(values, t)
			b.WriteString("…")
			l = after
		}
		without[i] = b.String()
	}
	return without, values
}

func (m *modseqs) of(box string) []modPair { return m.boxes[box] }

// inOrder adds what was told at the same places, and says which pair breaks the order: what is
// later on one side must not be earlier on the other. An injected message's may be later than it
// would be: who asks what has changed is told of it once more than needed.
func (m *modseqs) inOrder(a, b []toldMod) error {
	if m.boxes == nil {
		m.boxes = map[string][]modPair{}
	}
	for i := range min(len(a), len(b)) {
		p := modPair{of: [2]uint64{a[i].value, b[i].value}, letter: a[i].letter}
		pairs := m.boxes[a[i].box]
		for _, q := range pairs {
			lo, hi := p, q // by the bare server
			if lo.of[bare] > hi.of[bare] {
				lo, hi = hi, lo
			}
			if lo.of[bare] < hi.of[bare] && lo.of[gateway] > hi.of[gateway] && !lo.letter {
				return fmt.Errorf("mod-sequences %d and %d of the bare server are %d and %d through the gateway",
					lo.of[bare], hi.of[bare], lo.of[gateway], hi.of[gateway])
			}
		}
		if !slices.Contains(pairs, p) {
			m.boxes[a[i].box] = append(pairs, p)
		}
	}
	return nil
}

// own gives a side's value for one of the bare server's INBOX: of several that were paired with
// it the highest; 0 if it was never told, or only of an injected message.
func (m *modseqs) own(side int, v uint64) uint64 {
	best := uint64(0)
	for _, p := range m.of("INBOX") {
		if p.of[bare] == v && !p.letter {
			best = max(best, p.of[gateway])
		}
	}
	if best != 0 && side == bare {
		return v
	}
	return best
}

// objects names identifiers by the order in which each side told of them: the same message has
// to have the same one.
type objects [2]map[string]int

func (o *objects) object(side int, value string) string {
	if value == "NIL" {
		return value
	}
	if o[side] == nil {
		o[side] = map[string]int{}
	}
	n, ok := o[side][value]
	if !ok {
		n = len(o[side]) + 1
		o[side][value] = n
	}
	return fmt.Sprintf("(object %d)", n)
}
