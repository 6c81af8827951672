package command_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/wire"
)

// write gives a string in one of the forms that can carry it.
func write(t *rapid.T, s string) string {
	atom := s != "" && strings.IndexFunc(s, func(c rune) bool { return c > 0x7f || !wire.IsAString(byte(c)) }) < 0
	switch form := rapid.IntRange(0, 3).Draw(t, "form"); {
	case form == 0 && atom:
		return s
	case form <= 1 && !strings.ContainsAny(s, "\r\n"):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	case form == 2:
		return fmt.Sprintf("{%d+}\r\n%s", len(s), s)
	}
	return fmt.Sprintf("{%d}\r\n%s", len(s), s)
}

// randomKey makes a key, and gives it as it may be written.
func randomKey(t *rapid.T, depth int) (imap.SearchKey, string) {
	draw := func(words ...string) string { return rapid.SampledFrom(words).Draw(t, "word") }
	text := func() (string, string) {
		s := string(rapid.SliceOfN(rapid.SampledFrom([]rune(`ab "\(){}[]*%ü日`+"\r\n\t")), 0, 6).Draw(t, "text"))
		return s, write(t, s)
	}
	kinds := 9
	if depth < 4 {
		kinds = 12
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		w := draw("ALL", "NEW", "OLD")
		return imap.SearchKey{Op: imap.SearchOp(w)}, w
	case 1:
		f := draw("Seen", "Deleted", "Flagged", "Answered", "Draft")
		if rapid.Bool().Draw(t, "un") {
			return imap.SearchKey{Op: imap.SearchUnflag, Value: `\` + f}, "un" + f
		}
		return imap.SearchKey{Op: imap.SearchFlag, Value: `\` + f}, f
	case 2:
		if rapid.IntRange(0, 4).Draw(t, "saved") == 0 {
			return imap.SearchKey{Op: imap.SearchSaved}, draw("$", "UID $")
		}
		nums := draw("1", "1:*", "*", "5:3,7", "4294967295", "*:4294967294,1")
		if rapid.Bool().Draw(t, "uid") {
			return imap.SearchKey{Op: imap.SearchUID, Set: set(nums)}, "UID " + nums
		}
		return imap.SearchKey{Op: imap.SearchSeq, Set: set(nums)}, nums
	case 3:
		w := draw("SUBJECT", "BODY", "TEXT")
		s, raw := text()
		return imap.SearchKey{Op: imap.SearchOp(w), Value: s}, w + " " + raw
	case 4:
		w := draw("From", "To", "Cc", "Bcc")
		s, raw := text()
		return imap.SearchKey{Op: imap.SearchAddress, Field: w, Value: s}, w + " " + raw
	case 5:
		field := draw("Message-ID", "X-Y", "to")
		s, raw := text()
		return imap.SearchKey{Op: imap.SearchHeader, Field: field, Value: s}, "HEADER " + write(t, field) + " " + raw
	case 6:
		w := draw("BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE")
		d := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(-9999, 99999).Draw(t, "days"))
		return imap.SearchKey{Op: imap.SearchOp(w), Date: d}, w + " " + write(t, d.Format(draw("2-Jan-2006", "02-Jan-2006")))
	case 7:
		w := draw("LARGER", "SMALLER")
		n := rapid.Uint64Range(0, 1<<63-1).Draw(t, "size")
		return imap.SearchKey{Op: imap.SearchOp(w), Size: n}, fmt.Sprintf("%s %d", w, n)
	case 8:
		w := draw("OLDER", "YOUNGER")
		n := rapid.Uint32Min(1).Draw(t, "interval")
		return imap.SearchKey{Op: imap.SearchOp(w), Interval: n}, fmt.Sprintf("%s %d", w, n)
	case 9:
		k, raw := randomKey(t, depth+1)
		return imap.SearchKey{Op: imap.SearchNot, Keys: []imap.SearchKey{k}}, "NOT " + raw
	case 10:
		a, rawA := randomKey(t, depth+1)
		b, rawB := randomKey(t, depth+1)
		return imap.SearchKey{Op: imap.SearchOr, Keys: []imap.SearchKey{a, b}}, "OR " + rawA + " " + rawB
	}
	k := imap.SearchKey{Op: imap.SearchAnd}
	var raw []string
	for range rapid.IntRange(1, 3).Draw(t, "keys") {
		sub, r := randomKey(t, depth+1)
		k.Keys, raw = append(k.Keys, sub), append(raw, r)
	}
	return k, "(" + strings.Join(raw, " ") + ")"
}

// TestSearchRoundTrip: a query that was made, and written in any of the forms that the grammar
// has for it, is read as what it was, every key in its place.
func TestSearchRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := imap.SearchKey{Op: imap.SearchAnd}
		var raws []string
		for range rapid.IntRange(1, 4).Draw(t, "keys") {
			k, raw := randomKey(t, 0)
			want.Keys, raws = append(want.Keys, k), append(raws, raw)
		}
		in := "A UID SEARCH CHARSET UTF-8 " + strings.Join(raws, " ") + "\r\n"
		c, err := command.NewReader(strings.NewReader(in), command.Limits{}).Read(agreed)
		if err != nil || c.Err != nil || string(c.Raw) != in {
			t.Fatalf("%q: %v, %+v", in, err, c)
		}
		a := c.Args.(*command.Search)
		if d := cmp.Diff(want, a.Key, cmpopts.IgnoreFields(imap.SearchKey{}, "Start", "End")); d != "" {
			t.Fatalf("%q (-want +got):\n%s", in, d)
		}
		for i, k := range a.Key.Keys {
			if got := in[k.Start:k.End]; got != raws[i] {
				t.Fatalf("%q: key %d is at %q, not %q", in, i, got, raws[i])
			}
		}
	})
}
