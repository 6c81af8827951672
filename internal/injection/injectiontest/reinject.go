package injectiontest

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

func testPosition(b *bench) {
	c := b.campaign("welcome")
	for _, p := range [...]campaign.Position{"position 3", "pinned 5", "top"} {
		c.Position = p
		b.PutCampaign(b, "", c, nil)
		if o := b.begin().Offers; len(o) != 1 || o[0].Position != p || o[0].Replaces != "" {
			b.Fatalf("%s: offers %+v", p, o)
		}
	}
}

// pinned makes a campaign that may come again once a day, twice, and has it injected.
func (b *bench) pinned(id campaign.ID) placement.Placement {
	b.Helper()
	c := b.campaign(id)
	c.Position, c.Reinject, c.End = "pinned 5", campaign.Reinject{EveryHours: 24, Times: 2}, b.Now().Add(30*24*time.Hour)
	b.PutCampaign(b, "", c, nil)
	p, err := b.Confirm(b.Context(), confirmRequest(b.claim(id), 11))
	b.ok(err)
	return p
}

// again lists what is offered to who can inject anew.
func (b *bench) again() []injection.Offer {
	b.Helper()
	s, err := b.Begin(b.Context(), injection.BeginRequest{Person: anna, Reinject: true})
	b.ok(err)
	return s.Offers
}

func (b *bench) claimAgain(o injection.Offer) placement.Placement {
	b.Helper()
	req := b.claimRequest(o.Campaign)
	req.Key = o.Key
	p, err := b.Claim(b.Context(), req)
	b.ok(err)
	return p
}

func testReinject(b *bench) {
	live := b.pinned("welcome")
	for n := 1; n <= 2; n++ {
		b.Advance(24*time.Hour - time.Second)
		if o := b.again(); len(o) != 0 {
			b.Fatalf("sooner than the campaign allows: %+v", o)
		}
		b.Advance(time.Second)
		if o := b.begin().Offers; len(o) != 0 {
			b.Fatalf("to who does not know how: %+v", o)
		}
		o := b.again()
		if len(o) != 1 || o[0].Occurrence != fmt.Sprint(n+1) || o[0].Replaces != live.ID || o[0].ID == live.ID || o[0].Position != "pinned 5" {
			b.Fatalf("offers %+v", o)
		}
		claimed := b.claimAgain(o[0])
		if claimed.Replaces != live.ID || claimed.ID != o[0].ID {
			b.Fatalf("claimed %+v", claimed)
		}
		// Until the new one is there the old one is.
		if diff := cmp.Diff([]placement.Placement{claimed, live}, b.placements()); diff != "" {
			b.Fatal(diff)
		}
		if o := b.again(); len(o) != 0 {
			b.Fatalf("offered though it is claimed: %+v", o)
		}
		// An attempt that fails changes nothing, and may be made again.
		b.ok(b.void(claimed, "quota", true))
		claimed = b.claimAgain(b.again()[0])
		req := confirmRequest(claimed, imap.UID(11+n))
		var fresh placement.Placement
		for range 2 {
			var err error
			fresh, err = b.Confirm(b.Context(), req)
			b.ok(err)
		}
		list := b.placements()
		if len(list) != 2 || list[0].ID != live.ID || list[0].State != placement.Withdrawn || !list[0].Pending || list[0].Reason != placement.ReasonReplaced {
			b.Fatalf("the old one: %+v", list)
		}
		if diff := cmp.Diff(fresh, list[1]); diff != "" {
			b.Fatal(diff)
		}
		b.settled(b.settle(live, list[0].Rev, 99), placement.Settled, 99, false)
		b.count("welcome", event.Injected, int64(n+1))
		b.count("welcome", event.Reinjected, int64(n))
		b.count("welcome", event.Withdrawn, 0)
		live = fresh
	}
	b.Advance(48 * time.Hour)
	if o := b.again(); len(o) != 0 {
		b.Fatalf("more often than the campaign allows: %+v", o)
	}
	if got := b.departed("INBOX", 7); len(got) != 2 {
		b.Fatalf("departed: %+v", got)
	}
}

// testReinjectRefused: never after the person removed or moved it, whenever that was.
func testReinjectRefused(b *bench) {
	for what, act := range map[campaign.ID]func(p placement.Placement){
		"expunged": func(p placement.Placement) { b.ok(b.expunge(p)) },
		"moving": func(p placement.Placement) {
			_, err := b.Move(b.Context(), injection.MoveRequest{Person: anna, ID: p.ID, Target: "Kept", Copy: "x"})
			b.ok(err)
		},
		"paused":   func(p placement.Placement) { b.SetState(b, "", p.Campaign, campaign.Paused) },
		"recalled": func(p placement.Placement) { b.SetState(b, "", p.Campaign, campaign.Cancelled) },
	} {
		p := b.pinned(what)
		b.Advance(24 * time.Hour)
		o := b.again()
		if len(o) != 1 {
			b.Fatalf("%s: offers %+v", what, o)
		}
		act(p)
		if o := b.again(); len(o) != 0 {
			b.Fatalf("%s: offers %+v", what, o)
		}
		req := b.claimRequest(what)
		req.Key = o[0].Key
		_, err := b.Claim(b.Context(), req)
		b.want(err, fault.Conflict)

		// And when it happens while the new one is being put there.
		p = b.pinned(what + "-late")
		b.Advance(24 * time.Hour)
		claimed := b.claimAgain(b.again()[0])
		act(p)
		_, err = b.Confirm(b.Context(), confirmRequest(claimed, 12))
		if what == "paused" { // which lets go on what was begun
			b.ok(err)
			b.ok(b.expunge(claimed))
			b.SetState(b, "", "paused", campaign.Cancelled)
			continue
		}
		b.want(err, fault.Conflict)
		b.count(what+"-late", event.Injected, 1)
		b.count(what+"-late", event.Reinjected, 0)
		_ = b.void(claimed, "superseded", true) // a recall has ended it already
	}
}

// testReinjectRace: of an expunge and a confirm at the same moment, the one that is later says so.
func testReinjectRace(b *bench) {
	for n := range 4 {
		id := campaign.ID(fmt.Sprintf("c%d", n))
		p := b.pinned(id)
		b.Advance(24 * time.Hour)
		claimed := b.claimAgain(b.again()[0])
		errs := race(2, func(i int) error {
			if i == 0 {
				return b.expunge(p)
			}
			_, err := b.Confirm(b.Context(), confirmRequest(claimed, imap.UID(100+n)))
			return err
		})
		if (errs[0] == nil) == (errs[1] == nil) {
			b.Fatalf("expunge: %v, confirm: %v; exactly one must win", errs[0], errs[1])
		}
		if errs[1] == nil {
			b.count(id, event.Reinjected, 1)
			b.count(id, event.Expunged, 0)
		} else {
			b.count(id, event.Reinjected, 0)
			b.count(id, event.Expunged, 1)
		}
		b.SetState(b, "", id, campaign.Cancelled)
	}
}
