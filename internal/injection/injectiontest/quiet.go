package injectiontest

import (
	"context"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

func (b *bench) quiet(want bool, when string) {
	b.Helper()
	if s := b.begin(); s.Quiet != want {
		b.Fatalf("%s: quiet is %t; %+v", when, s.Quiet, s)
	}
}

// testQuiet: whatever can happen to a person before the stream tells of it keeps them from being quiet.
func testQuiet(b *bench) {
	b.quiet(true, "before anything")
	c := b.campaign("welcome")
	b.quiet(false, "with an offer")
	b.PutCampaign(b, "", campaign.Active{
		ID: "for-others", State: campaign.Running, Version: 1, Start: b.Now(), End: b.Now().Add(time.Hour),
	}, map[string]map[string]string{"bob@example.org": nil})
	p := b.claim("welcome")
	b.quiet(false, "with a claim")
	b.ok(b.void(p, "quota", true))
	b.SetState(b, "", "welcome", campaign.Paused)
	b.quiet(false, "shortly after a void, and with a pause that may end")
	b.SetState(b, "", "welcome", campaign.Running)
	p, err := b.Confirm(b.Context(), confirmRequest(b.claim("welcome"), 11))
	b.ok(err)
	b.quiet(false, "with a live one")
	_, err = b.Move(b.Context(), injection.MoveRequest{Person: anna, ID: p.ID, Target: "Kept", Copy: "x"})
	b.ok(err)
	b.quiet(false, "with a move")
	p, err = b.EndMove(b.Context(), injection.EndMoveRequest{Person: anna, ID: p.ID, Done: true, Pending: true})
	b.ok(err)
	b.quiet(false, "with something to be raised")
	b.settle(p, p.Rev, 99)
	b.quiet(true, "when all is over")

	c.ID, c.Start, c.End = "later", b.Now().Add(time.Hour), b.Now().Add(2*time.Hour)
	b.PutCampaign(b, "", c, map[string]map[string]string{annaKept: nil})
	b.quiet(false, "before a start")
	_, err = b.Claim(b.Context(), b.claimRequest("later"))
	b.want(err, fault.Conflict)
	b.Advance(2 * time.Hour)
	b.quiet(true, "after an end")

	b.campaign("void")
	p = b.claim("void")
	b.ok(b.void(p, "marker_kept", false))
	b.SetState(b, "", "void", campaign.Cancelled)
	b.quiet(false, "after a void")
	b.Advance(time.Hour - time.Second)
	b.quiet(false, "within an hour of a void")
	b.Advance(time.Second)
	b.quiet(true, "an hour after a void")
}

// testAttend: a campaign begins when everybody who attends has heard of it, or is waited for no more.
func testAttend(b *bench) {
	s := b.follow("")
	s.until(injection.Alive, "")
	attend := func(name string) {
		b.Helper()
		b.ok(b.Attend(b.Context(), injection.AttendRequest{Name: name, Cursor: s.last}))
	}
	waits := func(id campaign.ID) {
		b.Helper()
		ctx, cancel := context.WithTimeout(b.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := b.Claim(ctx, b.claimRequest(id))
		b.want(err, fault.Unavailable)
		if list := b.placements(); len(list) != 0 {
			b.Fatalf("begun: %+v", list)
		}
	}
	attend("one")
	attend("two")
	b.campaign("welcome")
	waits("welcome")
	s.until(injection.OfCampaign, "")
	attend("one")
	waits("welcome")
	// Who waits is let go on when the last one has heard.
	done := make(chan error, 1)
	req := b.claimRequest("welcome")
	var p placement.Placement
	go func() {
		var err error
		p, err = b.Claim(b.Context(), req)
		done <- err
	}()
	attend("two")
	b.ok(<-done)
	b.ok(b.void(p, "quota", true))
	// A pause ends nothing that was quiet.
	b.SetState(b, "", "welcome", campaign.Paused)
	b.SetState(b, "", "welcome", campaign.Running)
	now := b.follow("")
	now.until(injection.Alive, "")
	s.last = now.last
	attend("one")
	attend("two")
	b.ok(b.void(b.claim("welcome"), "quota", true))
	c := b.campaign("other")
	waits("other")
	b.Advance(injection.AttendLease)
	p, err := b.Claim(b.Context(), b.claimRequest("other"))
	b.ok(err)
	b.ok(b.void(p, "quota", true))
	attend("one")
	c.Version, c.End = 2, b.Now().Add(time.Hour)
	b.PutCampaign(b, "", c, map[string]map[string]string{annaKept: nil})
	waits("other")
	// Who has left is not waited for.
	b.ok(b.Attend(b.Context(), injection.AttendRequest{Name: "one", Cursor: s.last, Leave: true}))
	_, err = b.Claim(b.Context(), b.claimRequest("other"))
	b.ok(err)

	for _, bad := range [...]injection.AttendRequest{{Cursor: s.last}, {Name: "one"}, {Name: "one", Cursor: "nonsense"}} {
		b.want(b.Attend(b.Context(), bad), fault.Invalid)
	}
	b.want(b.Attend(b.Context(), injection.AttendRequest{Tenant: "nobody", Name: "one", Cursor: s.last}), fault.NotFound)
}
