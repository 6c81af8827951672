package laws

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// word of a message's number or UID in a result; false if it is erased.
func (c *comparison) word(n uint32, uid bool, list []*msg) (string, bool) {
	if !uid && c.law == Delivery || !c.x.inbox() {
		return strconv.FormatUint(uint64(n), 10), true
	}
	var canon uint32
	switch {
	case uid:
		var known bool
		if canon, known = c.table.canonOf(c.side, n); !known || !c.on(dLaterUIDs) {
			return "UID " + strconv.FormatUint(uint64(n), 10), true
		}
	case n == 0 || int(n) > len(list):
		return "beyond: " + strconv.FormatUint(uint64(n), 10), true
	default:
		canon = list[n-1].canon
	}
	if c.law == Erasure && c.on(dLetters) {
		if r := c.table.byCanon(canon); r != nil && r.letter != 0 {
			return "", false
		}
	}
	return strconv.FormatUint(uint64(canon), 10), true
}

// search is "* SEARCH 1 2 3 (MODSEQ 4)", and SORT.
func (c *comparison) search(r response, uid bool) string {
	fields := strings.Fields(r.raw)[1:]
	out := []string{"*", fields[0]}
	for i, f := range fields[1:] {
		if f == "(MODSEQ" && c.law == Erasure && c.on(dCounts) {
			break
		}
		if f == "(MODSEQ" {
			out = append(out, "(MODSEQ", c.modseq(strings.TrimSuffix(fields[i+2], ")"), c.x.box, true))
			break
		}
		n, err := parseNumber(f)
		if err != nil {
			return strings.TrimSpace(r.raw)
		}
		if w, ok := c.word(n, uid, r.list); ok {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

var threadNumber = regexp.MustCompile(`[0-9]+`)

// thread is "* THREAD (1)(2 (3)(4))". Under the erasure law there is none: what a tree is without
// one of its messages nobody can say.
func (c *comparison) thread(r response, uid bool) string {
	return threadNumber.ReplaceAllStringFunc(strings.TrimSuffix(r.raw, "\r\n"), func(s string) string {
		n, _ := parseNumber(s)
		w, _ := c.word(n, uid, r.list)
		return w
	})
}

// esearch is "* ESEARCH (TAG "…") UID ALL 1:3 COUNT 2".
func (c *comparison) esearch(r response) string {
	fields := strings.Fields(r.raw)
	uid := slices.Contains(fields, "UID")
	var out, results []string
	for i := 0; i < len(fields); i++ {
		f := fields[i]
		switch {
		case (f == "ALL" || f == "MIN" || f == "MAX") && i+1 < len(fields):
			i++
			nums, err := expand(fields[i])
			if err != nil {
				return strings.TrimSpace(r.raw)
			}
			var words []string
			for _, n := range nums {
				if w, ok := c.word(n, uid, r.list); ok {
					words = append(words, w)
				}
			}
			if len(words) > 0 || c.law != Erasure {
				results = append(results, f+" "+strings.Join(words, ","))
			}
		case f == "MODSEQ" && i+1 < len(fields):
			i++
			if c.law != Erasure || !c.on(dCounts) {
				results = append(results, f+" "+c.modseq(fields[i], c.x.box, true))
			}
		case f == "COUNT" && i+1 < len(fields):
			i++
			results = append(results, f+" "+fields[i])
		default:
			out = append(out, f)
		}
	}
	if c.on(dResults) {
		slices.Sort(results)
	}
	return strings.Join(append(out, results...), " ")
}
