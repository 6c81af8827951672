package laws

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// modseqs pairs mod-sequences of the two sides that were told at the same place. Their values
// may differ, their order may not.
type modseqs struct{ pairs []modPair }

type modPair [2]uint64

// take gives lines without their marked mod-sequences, and those in order.
func takeModSeqs(lines []string) (without []string, values []uint64) {
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
			digits, after, _ := strings.Cut(rest, "⟧")
			v, _ := strconv.ParseUint(digits, 10, 64) // what is none stays 0
			values = append(values, v)
			b.WriteString("…")
			l = after
		}
		without[i] = b.String()
	}
	return without, values
}

// inOrder adds what was told at the same places, and says which pair breaks the order: what is
// later on one side must not be earlier on the other.
func (m *modseqs) inOrder(a, b []uint64) error {
	for i := range min(len(a), len(b)) {
		p := modPair{a[i], b[i]}
		for _, q := range m.pairs {
			if p[0] < q[0] && p[1] > q[1] || p[0] > q[0] && p[1] < q[1] {
				return fmt.Errorf("mod-sequences %d and %d of the bare server are %d and %d through the gateway", p[0], q[0], p[1], q[1])
			}
		}
		if !slices.Contains(m.pairs, p) {
			m.pairs = append(m.pairs, p)
		}
	}
	return nil
}

// own gives a side's value for the bare server's: that of the pair, or of the nearest below.
func (m *modseqs) own(side int, v uint64) uint64 {
	if side == bare {
		return v
	}
	best := modPair{}
	for _, p := range m.pairs {
		if p[bare] <= v && (p[bare] > best[bare] || p[bare] == best[bare] && p[gateway] > best[gateway]) {
			best = p
		}
	}
	return best[gateway] + v - best[bare]
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
