package page

import (
	"math"
	"slices"
	"strconv"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
)

// Widened is the page of the backend's messages in which those of the client's page are: up to as
// many places sooner as there are injected messages, which may all come before.
func Widened(p *command.Page, injected int) command.Page {
	w := *p
	w.Lo = uint32(max(1, int64(p.Lo)-int64(injected)))
	return w
}

// Text writes a page as a partial-range.
func Text(p command.Page) string {
	lo, hi := strconv.FormatUint(uint64(p.Lo), 10), strconv.FormatUint(uint64(p.Hi), 10)
	if p.Last {
		return "-" + lo + ":-" + hi
	}
	return lo + ":" + hi
}

// Cut gives what belongs into a page: of the real messages of the widened one, and of the
// injected ones, ascending, by their indexes.
//
// A place from the end is a place from the start of the numbers turned round.
func Cut(p *command.Page, real imap.Set, injected []uint32) (page imap.Set, ours []int) {
	if !p.Last {
		return cutFirst(p, real, injected)
	}
	n := len(injected)
	turned := make([]uint32, n)
	for i, x := range injected {
		turned[n-1-i] = turn(x)
	}
	page, ours = cutFirst(p, turnSet(real), turned)
	for i := range ours {
		ours[i] = n - 1 - ours[i]
	}
	slices.Sort(ours)
	return turnSet(page), ours
}

func turn(n uint32) uint32 { return math.MaxUint32 - n + 1 } // 1 and the highest change places

func turnSet(s imap.Set) (out imap.Set) {
	for _, r := range slices.Backward(s.Ranges()) {
		out.AddRange(turn(r.Hi), turn(r.Lo))
	}
	return out
}

func cutFirst(p *command.Page, real imap.Set, injected []uint32) (page imap.Set, ours []int) {
	w := Widened(p, len(injected))
	all := real.Len() < uint64(w.Hi)-uint64(w.Lo)+1 // nothing real comes behind it
	before := uint64(w.Lo) - 1                      // real messages before it
	within := func(place uint64) bool { return uint64(p.Lo) <= place && place <= uint64(p.Hi) }
	for i, x := range injected {
		below := uint64(real.CountBelow(x))
		switch {
		case before > 0 && below == 0: // at place p.Lo − 1, or sooner
		case below == real.Len() && !all: // behind the page
		case within(before + below + uint64(i) + 1):
			ours = append(ours, i)
		}
	}
	place, next := before, 0 // of the real message before, among real ones; the injected one that comes next
	for _, r := range real.Ranges() {
		for lo := uint64(r.Lo); lo <= uint64(r.Hi); {
			for next < len(injected) && uint64(injected[next]) < lo {
				next++
			}
			hi := uint64(r.Hi)
			if next < len(injected) {
				hi = min(hi, uint64(injected[next]))
			}
			// lo to hi have the places from first on.
			first := place + uint64(next) + 1
			from, to := lo, hi
			if first < uint64(p.Lo) {
				from += uint64(p.Lo) - first
			}
			if last := first + hi - lo; last > uint64(p.Hi) {
				to -= min(to, last-uint64(p.Hi))
			}
			if from <= to {
				page.AddRange(uint32(from), uint32(to)) //nolint:gosec // within r
			}
			place += hi - lo + 1
			lo = hi + 1
		}
	}
	return page, ours
}
