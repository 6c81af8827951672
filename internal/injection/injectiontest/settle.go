package injectiontest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

func (b *bench) settle(p placement.Placement, rev, modSeq uint64) injection.Settlement {
	b.Helper()
	s, err := b.Settle(b.Context(), injection.SettleRequest{Person: anna, ID: p.ID, Rev: rev, ModSeq: modSeq})
	b.ok(err)
	return s
}

// there leaves out what has left and is listed for whoever raises the mod-sequence for it.
func there(list []placement.Placement) []placement.Placement {
	return slices.DeleteFunc(list, func(p placement.Placement) bool { return p.State.Final() })
}

// settled expects an outcome, and the record as it is then.
func (b *bench) settled(s injection.Settlement, outcome placement.Outcome, modSeq uint64, pending bool) {
	b.Helper()
	if s.Outcome != outcome || s.Placement.ModSeq != modSeq || s.Placement.Pending != pending {
		b.Fatalf("%s with mod-sequence %d, pending %t; want %s, %d, %t", s.Outcome, s.Placement.ModSeq, s.Placement.Pending, outcome, modSeq, pending)
	}
}

func (b *bench) setFlagsPending(p placement.Placement, ifRev uint64, flags ...string) (placement.Placement, error) {
	return b.SetFlags(b.Context(), injection.FlagsRequest{Person: anna, ID: p.ID, Op: injection.AddFlags, Flags: flags, IfRev: ifRev, Pending: true})
}

func testPending(b *bench) {
	p := b.live("welcome", 11)
	if p.Pending || p.ModSeq != 42 {
		b.Fatalf("reserved: %+v", p)
	}
	// A change that is not said to be pending is none.
	seen, err := b.setFlags(p, injection.AddFlags, `\Seen`)
	b.ok(err)
	if seen.Pending {
		b.Fatal("pending without having been said to be")
	}
	flagged, err := b.setFlagsPending(p, 0, `\Flagged`)
	b.ok(err)
	if !flagged.Pending || flagged.ModSeq != 42 {
		b.Fatalf("after a pending change: %+v", flagged)
	}
	// What changes nothing is not pending for it, and what is pending stays so.
	same, err := b.setFlagsPending(p, 0, `\flagged`)
	b.ok(err)
	if diff := cmp.Diff(flagged, same); diff != "" {
		b.Fatal(diff)
	}
	if diff := cmp.Diff([]placement.Placement{flagged}, b.placements()); diff != "" {
		b.Fatal(diff)
	}
	// On the condition of a revision.
	_, err = b.setFlagsPending(p, seen.Rev, "late")
	b.want(err, fault.Conflict)
	more, err := b.setFlagsPending(p, flagged.Rev, "in-time")
	b.ok(err)
	if more.Rev != flagged.Rev+1 {
		b.Fatalf("revision %d after %d", more.Rev, flagged.Rev)
	}
}

func testSettle(b *bench) {
	p := b.live("welcome", 11)
	b.settled(b.settle(p, p.Rev, 50), placement.Settled, 42, false) // nothing was pending
	first, err := b.setFlagsPending(p, 0, `\Seen`)
	b.ok(err)
	b.settled(b.settle(p, first.Rev-1, 50), placement.Overtaken, 42, true)
	b.settled(b.settle(p, first.Rev, 42), placement.TooLow, 42, true)
	b.settled(b.settle(p, first.Rev, 41), placement.TooLow, 42, true)
	second, err := b.setFlagsPending(p, 0, `\Flagged`)
	b.ok(err)
	b.settled(b.settle(p, first.Rev, 50), placement.Overtaken, 42, true)
	for range 2 {
		b.settled(b.settle(p, second.Rev, 51), placement.Settled, 51, false)
	}
	// Somebody else had raised for the same change.
	b.settled(b.settle(p, second.Rev, 60), placement.Settled, 51, false)
	now := b.placements()[0]
	if now.Rev != second.Rev || !now.Changed.Equal(second.Changed) {
		b.Fatalf("settling was a change: %+v", now)
	}
	// A backend that keeps none.
	third, err := b.setFlagsPending(p, 0, "third")
	b.ok(err)
	b.settled(b.settle(p, third.Rev, 0), placement.Settled, 51, false)

	_, err = b.Settle(b.Context(), injection.SettleRequest{Person: anna, ID: "00000000000000000000000000000000", Rev: 1, ModSeq: 9})
	b.want(err, fault.NotFound)
	b.campaign("claimed")
	claimed := b.claim("claimed")
	_, err = b.Settle(b.Context(), injection.SettleRequest{Person: anna, ID: claimed.ID, Rev: claimed.Rev, ModSeq: 99})
	b.want(err, fault.Conflict)
}

// testUnraised: who does not know of a mod-sequence leaves it to others to raise.
func testUnraised(b *bench) {
	p := b.live("welcome", 11)
	set := func(flag string, unraised bool) placement.Placement {
		got, err := b.SetFlags(b.Context(), injection.FlagsRequest{
			Person: anna, ID: p.ID, Op: injection.AddFlags, Flags: []string{flag}, Pending: true, Unraised: unraised,
		})
		b.ok(err)
		return got
	}
	left := set("left", true)
	if !left.Pending || !left.Unraised || !left.Left(b.Now()) {
		b.Fatalf("not left to others: %+v", left)
	}
	if own := set("own", false); !own.Pending || own.Unraised || own.Left(b.Now()) {
		b.Fatalf("left to others, though it is being raised: %+v", own)
	}
	left = set("again", true)
	b.settled(b.settle(p, left.Rev, 60), placement.Settled, 60, false)
	gone, err := b.Expunge(b.Context(), injection.ExpungeRequest{Person: anna, ID: p.ID, Pending: true, Unraised: true})
	b.ok(err)
	if !gone.Pending || !gone.Unraised {
		b.Fatalf("expunged, and not left to others: %+v", gone)
	}
}

// testTouch: nothing is another but the revision, and what is settled after that.
func testTouch(b *bench) {
	p := b.live("welcome", 11)
	touch := func(req injection.FlagsRequest) (placement.Placement, error) {
		req.Person, req.ID, req.Touch = anna, p.ID, true
		return b.SetFlags(b.Context(), req)
	}
	b.Advance(time.Second)
	got, err := touch(injection.FlagsRequest{})
	b.ok(err)
	want := p
	want.Rev, want.Pending, want.Unraised, want.Changed = p.Rev+1, true, true, b.Now()
	if diff := cmp.Diff(want, got); diff != "" {
		b.Fatal(diff)
	}
	_, err = touch(injection.FlagsRequest{IfRev: p.Rev})
	b.want(err, fault.Conflict)
	_, err = touch(injection.FlagsRequest{Op: injection.AddFlags})
	b.want(err, fault.Invalid)
	_, err = touch(injection.FlagsRequest{Flags: []string{`\Seen`}})
	b.want(err, fault.Invalid)
	b.settled(b.settle(p, got.Rev, 60), placement.Settled, 60, false)
	b.ok(b.expunge(p))
	_, err = touch(injection.FlagsRequest{})
	b.want(err, fault.Conflict)
}

// testSettleLate: a record that was reserved before anybody used mod-sequences gets its first.
func testSettleLate(b *bench) {
	b.campaign("welcome")
	req := confirmRequest(b.claim("welcome"), 11)
	req.ModSeq = 0
	p, err := b.Confirm(b.Context(), req)
	b.ok(err)
	b.settled(b.settle(p, p.Rev, 0), placement.Settled, 0, false)
	for range 2 {
		b.settled(b.settle(p, p.Rev, 50), placement.Settled, 50, false)
	}
	b.settled(b.settle(p, p.Rev, 60), placement.Settled, 50, false)
}

// testSettleRace has many who change, raise and settle: in the end nothing is pending, and the
// record has the mod-sequence of one who raised after the last change.
func testSettleRace(b *bench) {
	p := b.live("welcome", 11)
	for _, err := range race(16, func(i int) error {
		for {
			changed, err := b.setFlagsPending(p, 0, fmt.Sprintf("f%d", i))
			if err != nil {
				return err
			}
			// Revisions grow, and so does what is raised to after them.
			s, err := b.Settle(b.Context(), injection.SettleRequest{Person: anna, ID: p.ID, Rev: changed.Rev, ModSeq: 100 + changed.Rev})
			if err != nil || s.Outcome != placement.TooLow {
				return err
			}
		}
	}) {
		b.ok(err)
	}
	got := b.placements()[0]
	if got.Pending || got.ModSeq != 100+got.Rev || len(got.Flags) != 16 {
		b.Fatalf("after all have settled: %+v", got)
	}
}

func (b *bench) departed(mailbox string, validity uint32) []placement.Departure {
	b.Helper()
	list, err := b.Departed(b.Context(), injection.DepartedRequest{Person: anna, Mailbox: mailbox, UIDValidity: validity})
	b.ok(err)
	return list
}

func (b *bench) hasDeparted(want ...placement.Departure) {
	b.Helper()
	if got := b.departed("inbox", 7); len(got) != len(want) || len(want) > 0 && !cmp.Equal(want, got) {
		b.Fatalf("departed: %s", cmp.Diff(want, got))
	}
}

func testDepartures(b *bench) {
	later, sooner := b.live("later", 12), b.live("sooner", 11)
	b.hasDeparted()
	gone, err := b.Expunge(b.Context(), injection.ExpungeRequest{Person: anna, ID: later.ID, Pending: true})
	b.ok(err)
	if gone.State != placement.Expunged || !gone.Pending {
		b.Fatalf("expunged: %+v", gone)
	}
	d := func(p placement.Placement, modSeq uint64, pending bool) placement.Departure {
		return placement.Departure{ID: p.ID, Mailbox: "INBOX", UIDValidity: 7, UID: p.UID, ModSeq: modSeq, Pending: pending}
	}
	b.hasDeparted(d(later, 42, true))
	// It is read with what is there, for whoever finds it to raise.
	if diff := cmp.Diff([]placement.Placement{sooner, gone}, b.placements()); diff != "" {
		b.Fatal(diff)
	}
	b.settled(b.settle(later, gone.Rev, 77), placement.Settled, 77, false)
	if diff := cmp.Diff([]placement.Placement{sooner}, b.placements()); diff != "" {
		b.Fatal(diff)
	}
	b.hasDeparted(d(later, 77, false))
	b.ok(b.expunge(sooner))
	b.hasDeparted(d(sooner, 42, false), d(later, 77, false))

	// A UID that is somebody else's has not departed.
	taken := b.live("taken", 13)
	b.ok(b.Void(b.Context(), injection.VoidRequest{Person: anna, ID: taken.ID, Token: taken.Token, Reason: placement.ReasonUIDTaken, Release: true}))
	b.hasDeparted(d(sooner, 42, false), d(later, 77, false))
	for _, other := range [...]struct {
		mailbox  string
		validity uint32
	}{{"INBOX", 8}, {"Archive", 7}} {
		if got := b.departed(other.mailbox, other.validity); len(got) != 0 {
			b.Fatalf("%s: %+v", other.mailbox, got)
		}
	}
	list, err := b.Departed(b.Context(), injection.DepartedRequest{Person: injection.Person{User: "bob@example.org"}, Mailbox: "INBOX", UIDValidity: 7})
	b.ok(err)
	if len(list) != 0 {
		b.Fatalf("of somebody else: %+v", list)
	}
	_, err = b.Departed(b.Context(), injection.DepartedRequest{Person: anna})
	b.want(err, fault.Invalid)
}

// testRecallPending: nobody was there to raise for what an operator takes back.
func testRecallPending(b *bench) {
	p := b.live("welcome", 11)
	b.SetState(b, "", "welcome", campaign.Cancelled)
	got := b.departed("INBOX", 7)
	if len(got) != 1 || got[0].UID != 11 || !got[0].Pending {
		b.Fatalf("departed: %+v", got)
	}
	left := b.placements()
	if len(left) != 1 || left[0].ID != p.ID || left[0].State != placement.Withdrawn {
		b.Fatalf("to be raised: %+v", left)
	}
	b.settled(b.settle(p, left[0].Rev, 99), placement.Settled, 99, false)
	if left = b.placements(); len(left) != 0 {
		b.Fatalf("after that: %+v", left)
	}
}

func testMove(b *bench) {
	p := b.live("welcome", 11)
	move := func(target, copied string) (placement.Placement, error) {
		return b.Move(b.Context(), injection.MoveRequest{Person: anna, ID: p.ID, Target: target, Copy: copied})
	}
	end := func(done bool) (placement.Placement, error) {
		return b.EndMove(b.Context(), injection.EndMoveRequest{Person: anna, ID: p.ID, Done: done, Pending: true})
	}
	for _, bad := range [...][2]string{{"", "x"}, {"Kept", ""}} {
		_, err := move(bad[0], bad[1])
		b.want(err, fault.Invalid)
	}
	_, err := end(true)
	b.want(err, fault.Conflict)
	for range 2 {
		p, err = move("Kept", "where it is")
		b.ok(err)
		if p.State != placement.Moving || p.Target != "Kept" || p.Copy != "where it is" || p.Rev != 3 {
			b.Fatalf("moving: %+v", p)
		}
	}
	if diff := cmp.Diff([]placement.Placement{p}, b.placements()); diff != "" {
		b.Fatal(diff)
	}
	_, err = move("Kept", "somewhere else")
	b.want(err, fault.Conflict)
	_, err = b.setFlags(p, injection.AddFlags, `\Seen`)
	b.want(err, fault.Conflict)
	b.want(b.expunge(p), fault.Conflict)
	// It was not copied after all.
	for range 2 {
		p, err = end(false)
		b.ok(err)
		if p.State != placement.Live || p.Pending || p.Target+p.Copy != "" {
			b.Fatalf("moved back: %+v", p)
		}
	}
	b.hasDeparted()
	p, err = move("inbox", "second")
	b.ok(err)
	if p.Target != "INBOX" {
		b.Fatalf("target %q", p.Target)
	}
	// What is moving is the person's: a recall does not touch it.
	b.SetState(b, "", "welcome", campaign.Cancelled)
	for range 2 {
		p, err = end(true)
		b.ok(err)
		if p.State != placement.Moved || !p.Pending {
			b.Fatalf("moved: %+v", p)
		}
	}
	_, err = end(false)
	b.want(err, fault.Conflict)
	b.count("welcome", event.Moved, 1)
	b.count("welcome", event.Withdrawn, 0)
	b.hasDeparted(placement.Departure{ID: p.ID, Mailbox: "INBOX", UIDValidity: 7, UID: 11, ModSeq: 42, Pending: true})
}

func testMoveRace(b *bench) {
	p := b.live("welcome", 11)
	won := 0
	for _, err := range race(8, func(i int) error {
		_, err := b.Move(b.Context(), injection.MoveRequest{Person: anna, ID: p.ID, Target: "Kept", Copy: fmt.Sprint(i)})
		return err
	}) {
		if err == nil {
			won++
		} else {
			b.want(err, fault.Conflict)
		}
	}
	if won != 1 {
		b.Fatalf("%d moved it", won)
	}
}
