package page_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"inlay.example/inlay/internal/gateway/page"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
)

// of gives the places of a page of a list, naively.
func of(list []uint32, p command.Page) []uint32 {
	list = slices.Clone(list)
	if p.Last {
		slices.Reverse(list)
	}
	var out []uint32
	for i, n := range list {
		if at := uint32(i) + 1; p.Lo <= at && at <= p.Hi {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// TestCut: the page of the merged list is what is cut of the widened page of the real one.
func TestCut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		gap := rapid.SampledFrom([]uint32{1, 2, 5}).Draw(t, "gap")
		n := rapid.SampledFrom([]uint32{0, 1, 1<<32 - 60}).Draw(t, "from")
		var real, injected, merged []uint32
		for range rapid.IntRange(0, 25).Draw(t, "messages") {
			if n > 1<<32-1-gap {
				break
			}
			n += rapid.Uint32Range(1, gap).Draw(t, "next")
			merged = append(merged, n)
			if len(injected) < 5 && rapid.IntRange(0, 3).Draw(t, "injected") == 0 {
				injected = append(injected, n)
			} else {
				real = append(real, n)
			}
		}
		p := command.Page{Lo: rapid.Uint32Range(1, 30).Draw(t, "lo"), Last: rapid.Bool().Draw(t, "last")}
		p.Hi = p.Lo + rapid.SampledFrom([]uint32{0, 1, 4, 30, 1 << 31}).Draw(t, "more")
		wide := page.Widened(&p, len(injected))
		var set imap.Set
		for _, x := range of(real, wide) {
			set.Add(x)
		}
		cut, ours := page.Cut(&p, set, injected)
		var got []uint32
		for _, r := range cut.Ranges() {
			for x := uint64(r.Lo); x <= uint64(r.Hi); x++ {
				got = append(got, uint32(x))
			}
		}
		for _, i := range ours {
			got = append(got, injected[i])
		}
		slices.Sort(got)
		if want := of(merged, p); !slices.Equal(got, want) {
			t.Fatalf("%s of real %v and injected %v, from %s of the real ones, %v: %v, want %v", page.Text(p), real, injected, page.Text(wide), set, got, want)
		}
	})
}
