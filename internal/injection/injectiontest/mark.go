package injectiontest

import (
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

func testFlags(b *bench) {
	p := b.live("welcome", 11)
	rev := p.Rev
	for _, step := range [...]struct {
		op      injection.FlagsOp
		flags   []string
		want    []string
		changes bool
	}{
		{injection.AddFlags, []string{"zebra", `\seen`}, []string{`\Seen`, "zebra"}, true},
		{injection.AddFlags, []string{"ZEBRA", `\SEEN`}, []string{`\Seen`, "zebra"}, false},
		{injection.AddFlags, nil, []string{`\Seen`, "zebra"}, false},
		{injection.AddFlags, []string{"Apple", "apple"}, []string{`\Seen`, "Apple", "zebra"}, true},
		{injection.RemoveFlags, []string{"not-there"}, []string{`\Seen`, "Apple", "zebra"}, false},
		{injection.RemoveFlags, []string{"aPPle", `\Flagged`}, []string{`\Seen`, "zebra"}, true},
		{injection.ReplaceFlags, []string{"Zebra", `\Seen`}, []string{`\Seen`, "zebra"}, false},
		{injection.ReplaceFlags, []string{`\Deleted`, "$Junk"}, []string{"$Junk", `\Deleted`}, true},
		{injection.ReplaceFlags, nil, nil, true},
		{injection.ReplaceFlags, nil, nil, false},
	} {
		got, err := b.setFlags(p, step.op, step.flags...)
		b.ok(err)
		if step.changes {
			rev++
		}
		if diff := cmp.Diff(step.want, got.Flags); diff != "" || got.Rev != rev {
			b.Fatalf("%s %q: revision %d, want %d; flags: %s", step.op, step.flags, got.Rev, rev, diff)
		}
		if diff := cmp.Diff([]placement.Placement{got}, b.placements()); diff != "" {
			b.Fatal(diff)
		}
	}
}

func testFlagsRefused(b *bench) {
	p := b.live("welcome", 11)
	for _, flag := range [...]string{`\Recent`, `\recent`, "", `\`, "a b", `a"b`, "(", "a\x00", "ü", `\\Seen`, "%", "a]"} {
		for _, op := range [...]injection.FlagsOp{injection.AddFlags, injection.RemoveFlags, injection.ReplaceFlags} {
			_, err := b.setFlags(p, op, `\Seen`, flag)
			b.want(err, fault.Invalid)
		}
	}
	_, err := b.setFlags(p, "toggle", `\Seen`)
	b.want(err, fault.Invalid)
	_, err = b.setFlags(p, injection.AddFlags, strings.Repeat("f", injection.MaxFlagSize+1))
	b.want(err, fault.TooLarge)
	_, err = b.setFlags(p, injection.AddFlags, strings.Repeat("f", injection.MaxFlagSize))
	b.ok(err)
	var flags []string
	for i := range injection.MaxFlags - 1 {
		flags = append(flags, fmt.Sprintf("flag%d", i))
	}
	full, err := b.setFlags(p, injection.AddFlags, flags...)
	b.ok(err)
	_, err = b.setFlags(p, injection.AddFlags, "one-more")
	b.want(err, fault.TooLarge)
	_, err = b.setFlags(p, injection.ReplaceFlags, append(flags, "x", "y")...)
	b.want(err, fault.TooLarge)
	if diff := cmp.Diff([]placement.Placement{full}, b.placements()); diff != "" {
		b.Fatalf("refused, and changed: %s", diff)
	}
	b.count("welcome", event.Read, 0)

	p.ID = "00000000000000000000000000000000"
	_, err = b.setFlags(p, injection.AddFlags, `\Seen`)
	b.want(err, fault.NotFound)
	b.campaign("claimed")
	_, err = b.setFlags(b.claim("claimed"), injection.AddFlags, `\Seen`)
	b.want(err, fault.Conflict)
}

func testFlagsConcurrently(b *bench) {
	p := b.live("welcome", 11)
	_, err := b.setFlags(p, injection.ReplaceFlags, "old0", "old1", "old2", "old3", "old4", "old5", "old6", "old7")
	b.ok(err)
	for _, err := range race(24, func(i int) error {
		var err error
		switch {
		case i < 16:
			_, err = b.setFlags(p, injection.AddFlags, fmt.Sprintf("new%02d", i))
		default:
			_, err = b.setFlags(p, injection.RemoveFlags, fmt.Sprintf("old%d", i-16))
		}
		return err
	}) {
		b.ok(err)
	}
	got := b.placements()
	if len(got) != 1 || len(got[0].Flags) != 16 || got[0].Rev != p.Rev+1+24 {
		b.Fatalf("changes were lost: %+v", got)
	}
	// Of replacements that race, one is the last, whole.
	for _, err := range race(8, func(i int) error {
		_, err := b.setFlags(p, injection.ReplaceFlags, fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i))
		return err
	}) {
		b.ok(err)
	}
	last := b.placements()[0].Flags
	if len(last) != 2 || last[0][1:] != last[1][1:] {
		b.Fatalf("two replacements were mixed: %q", last)
	}
}

func testReadOnce(b *bench) {
	observe := func(p placement.Placement) error {
		return b.Record(b.Context(), anna, []injection.Observation{
			{Type: event.Read, Placement: p.ID, Campaign: p.Campaign},
			{Type: event.Read, Placement: p.ID},
		})
	}
	seen := func(p placement.Placement, op injection.FlagsOp) {
		_, err := b.setFlags(p, op, `\Seen`)
		b.ok(err)
	}
	p := b.live("by-flag", 11)
	b.count("by-flag", event.Read, 0)
	seen(p, injection.AddFlags)
	seen(p, injection.RemoveFlags)
	seen(p, injection.ReplaceFlags)
	b.ok(observe(p))
	b.count("by-flag", event.Read, 1)

	p = b.live("by-look", 12)
	for _, err := range race(8, func(int) error { return observe(p) }) {
		b.ok(err)
	}
	seen(p, injection.AddFlags)
	b.count("by-look", event.Read, 1)

	// It was read while it was there, though the word comes late.
	p = b.live("late", 13)
	b.ok(b.expunge(p))
	b.ok(observe(p))
	b.count("late", event.Read, 1)

	if got := b.placements(); len(got) != 2 || !got[1].Seen() {
		b.Fatalf("placements: %+v", got)
	}
}

func testObservationsRefused(b *bench) {
	p := b.live("welcome", 11)
	b.ok(b.Record(b.Context(), anna, nil))
	good := injection.Observation{Type: event.Read, Placement: p.ID, Campaign: "welcome"}
	for _, bad := range [...]injection.Observation{
		{Type: event.Injected, Placement: p.ID, Campaign: "welcome"},
		{Type: "", Placement: p.ID, Campaign: "welcome"},
		{Type: event.Read, Placement: "00000000000000000000000000000000", Campaign: "welcome"},
		{Type: event.Read, Placement: "", Campaign: "welcome"},
		{Type: event.Read, Placement: p.ID, Campaign: "another"},
	} {
		b.want(b.Record(b.Context(), anna, []injection.Observation{good, bad}), fault.Invalid)
	}
	b.want(b.Record(b.Context(), injection.Person{User: "bob@example.org"}, []injection.Observation{good}), fault.Invalid)
	b.campaign("claimed")
	claimed := b.claim("claimed")
	b.want(b.Record(b.Context(), anna, []injection.Observation{{Type: event.Read, Placement: claimed.ID}}), fault.Invalid)
	b.want(b.Record(b.Context(), anna, make([]injection.Observation, injection.MaxEvents+1)), fault.TooLarge)
	b.count("welcome", event.Read, 0)
	full := make([]injection.Observation, injection.MaxEvents)
	for i := range full {
		full[i] = good
	}
	b.ok(b.Record(b.Context(), anna, full))
	b.count("welcome", event.Read, 1)
}
