package injectiontest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

func testLookup(b *bench) {
	c := b.campaign("welcome")
	s := b.begin()
	if len(s.Offers) != 1 || len(s.Placements) != 0 {
		b.Fatalf("got %+v, want one offer and no placement", s)
	}
	o := s.Offers[0]
	want := injection.Offer{
		ID: o.ID, Key: key("welcome"), Mailbox: "INBOX", Template: c.Template, Variables: map[string]string{"name": "Anna"}, Until: c.End,
		Position: campaign.Top,
	}
	if diff := cmp.Diff(want, o); diff != "" {
		b.Fatal(diff)
	}
	if len(o.ID) != placement.IDSize {
		b.Fatalf("ID %q has not %d characters", o.ID, placement.IDSize)
	}
	p := b.claim("welcome")
	if p.ID != o.ID {
		b.Fatalf("claimed %s, offered was %s", p.ID, o.ID)
	}
	if got := b.offered(); len(got) != 0 {
		b.Fatalf("offered although claimed: %v", got)
	}
	if diff := cmp.Diff([]placement.Placement{p}, b.begin().Placements); diff != "" {
		b.Fatal(diff)
	}

	stranger := injection.Person{User: "nobody@example.org"}
	s, err := b.Begin(b.Context(), injection.BeginRequest{Person: stranger, ClientID: map[string]string{"name": "x"}, RemoteAddr: "192.0.2.1"})
	b.ok(err)
	if len(s.Offers)+len(s.Placements) != 0 {
		b.Fatalf("a stranger gets %+v", s)
	}
	list, err := b.Placements(b.Context(), stranger)
	b.ok(err)
	if len(list) != 0 {
		b.Fatalf("a stranger has %+v", list)
	}
	_, err = b.Expunge(b.Context(), injection.ExpungeRequest{Person: stranger, ID: p.ID})
	b.want(err, fault.NotFound)
}

func testRank(b *bench) {
	put := func(id campaign.ID, class campaign.Class, priority int) {
		b.PutCampaign(b, "", campaign.Active{
			ID: id, Class: class, Priority: priority, Mailbox: "INBOX", State: campaign.Running, Version: 1,
			Start: b.Now(), End: b.Now().Add(time.Hour), Template: digestOf(nil),
		}, map[string]map[string]string{annaKept: nil})
	}
	put("ad", campaign.ThirdParty, 100)
	put("own-low", campaign.Own, 1)
	put("own-high", campaign.Own, 2)
	put("outage", campaign.Service, 0)
	want := []campaign.ID{"outage", "own-high", "own-low", "ad"}
	if diff := cmp.Diff(want, b.offered()); diff != "" {
		b.Fatal(diff)
	}
	put("own-twin", campaign.Own, 2)
	first := b.offered()
	for range 3 {
		if diff := cmp.Diff(first, b.offered()); diff != "" {
			b.Fatalf("asked again, another order: %s", diff)
		}
	}
}

func testVersion(b *bench) {
	c := b.campaign("welcome")
	c.Version, c.Template = 2, digestOf([]byte("second"))
	b.PutCampaign(b, "", c, map[string]map[string]string{annaKept: {"name": "A."}, "bob@example.org": nil})
	s := b.begin()
	if len(s.Offers) != 1 || s.Offers[0].Variables["name"] != "A." || s.Offers[0].Template != c.Template {
		b.Fatalf("not the second version: %+v", s.Offers)
	}
	c.Version = 3
	b.PutCampaign(b, "", c, map[string]map[string]string{"bob@example.org": nil})
	if got := b.offered(); len(got) != 0 {
		b.Fatalf("offered by a version that is no more: %v", got)
	}
	_, err := b.Claim(b.Context(), b.claimRequest("welcome"))
	b.want(err, fault.Conflict)

	// What was injected keeps its content, and a later version is not shown again.
	c.Version = 4
	b.PutCampaign(b, "", c, map[string]map[string]string{annaKept: {"name": "4"}})
	p, err := b.Confirm(b.Context(), confirmRequest(b.claim("welcome"), 9))
	b.ok(err)
	c.Version = 5
	b.PutCampaign(b, "", c, map[string]map[string]string{annaKept: {"name": "5"}})
	s = b.begin()
	if diff := cmp.Diff([]placement.Placement{p}, s.Placements); diff != "" || len(s.Offers) != 0 {
		b.Fatalf("offers %v, placements differ: %s", s.Offers, diff)
	}
}

func testWindow(b *bench) {
	c := b.campaign("later")
	c.Start, c.End = b.Now().Add(time.Hour), b.Now().Add(2*time.Hour)
	b.PutCampaign(b, "", c, map[string]map[string]string{annaKept: nil})
	refused := func(when string) {
		b.Helper()
		if got := b.offered(); len(got) != 0 {
			b.Fatalf("offered %s: %v", when, got)
		}
		_, err := b.Claim(b.Context(), b.claimRequest("later"))
		b.want(err, fault.Conflict)
	}
	refused("before the start")
	b.Advance(time.Hour)
	if got := b.offered(); len(got) != 1 {
		b.Fatal("not offered at the start")
	}
	b.Advance(time.Hour)
	refused("at the end")
}

func testPause(b *bench) {
	shown := b.live("shown", 5)
	c := b.campaign("welcome")
	p := b.claim("welcome")
	b.campaign("third")
	for _, id := range [...]campaign.ID{"shown", c.ID, "third"} {
		b.SetState(b, "", id, campaign.Paused)
	}
	if got := b.offered(); len(got) != 0 {
		b.Fatalf("offered while paused: %v", got)
	}
	_, err := b.Claim(b.Context(), b.claimRequest("third"))
	b.want(err, fault.Conflict)
	// What had begun is carried through, and what is live stays.
	p, err = b.Confirm(b.Context(), confirmRequest(p, 8))
	b.ok(err)
	if diff := cmp.Diff([]placement.Placement{shown, p}, b.placements()); diff != "" {
		b.Fatal(diff)
	}
	b.SetState(b, "", "third", campaign.Running)
	if diff := cmp.Diff([]campaign.ID{"third"}, b.offered()); diff != "" {
		b.Fatal(diff)
	}
	b.count("shown", event.Withdrawn, 0)
}
