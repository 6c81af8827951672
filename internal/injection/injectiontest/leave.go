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

func testExpunge(b *bench) {
	live := b.live("welcome", 11)
	b.ok(b.expunge(live))
	b.ok(b.expunge(live))
	b.count("welcome", event.Expunged, 1)
	gone := func() {
		b.Helper()
		if s := b.begin(); len(s.Offers)+len(there(s.Placements)) != 0 {
			b.Fatalf("expunged, and back: %+v", s)
		}
		_, err := b.Claim(b.Context(), b.claimRequest("welcome"))
		b.want(err, fault.Conflict)
	}
	gone()
	_, err := b.setFlags(live, injection.AddFlags, `\Seen`)
	b.want(err, fault.Conflict)
	_, err = b.Confirm(b.Context(), confirmRequest(live, 11))
	b.want(err, fault.Conflict)
	b.want(b.void(live, "uid_taken", true), fault.Conflict)

	c := b.campaign("welcome")
	c.Version, c.End = 2, b.Now().Add(90*24*time.Hour)
	b.PutCampaign(b, "", c, map[string]map[string]string{annaKept: nil})
	gone()
	b.SetState(b, "", "welcome", campaign.Cancelled)
	gone()
	b.SetState(b, "", "welcome", campaign.Running)
	b.Advance(60 * 24 * time.Hour)
	gone()
	b.count("welcome", event.Expunged, 1)
	b.count("welcome", event.Withdrawn, 0)
	b.count("welcome", event.Expired, 0)

	b.campaign("claimed")
	b.want(b.expunge(b.claim("claimed")), fault.Conflict)
}

// testLongOver: what has left is not forgotten when nothing else is kept of its campaign.
func testLongOver(b *bench) {
	p := b.live("welcome", 11)
	b.ok(b.expunge(p))
	b.Advance(90 * 24 * time.Hour)
	if s := b.begin(); len(s.Offers)+len(s.Placements) != 0 {
		b.Fatalf("after three months: %+v", s)
	}
	b.ok(b.expunge(p))
	_, err := b.setFlags(p, injection.AddFlags, `\Seen`)
	b.want(err, fault.Conflict)
	_, err = b.Confirm(b.Context(), confirmRequest(p, 11))
	b.want(err, fault.Conflict)
	b.ok(b.Record(b.Context(), anna, []injection.Observation{{Type: event.Read, Placement: p.ID}}))
	b.count("welcome", event.Read, 1)
	b.count("welcome", event.Expunged, 1)
	_, err = b.Claim(b.Context(), b.claimRequest("welcome"))
	b.want(err, fault.Conflict)
	// And when it goes on after all.
	c := b.campaign("welcome")
	c.Version = 2
	b.PutCampaign(b, "", c, map[string]map[string]string{annaKept: nil})
	if s := b.begin(); len(s.Offers)+len(s.Placements) != 0 {
		b.Fatalf("back: %+v", s)
	}
	_, err = b.Claim(b.Context(), b.claimRequest("welcome"))
	b.want(err, fault.Conflict)
	b.hasDeparted(placement.Departure{ID: p.ID, Mailbox: "INBOX", UIDValidity: 7, UID: 11, ModSeq: 42})
}

func testExpungeRace(b *bench) {
	live := b.live("welcome", 11)
	for i, err := range race(24, func(i int) error {
		if i%2 == 0 {
			return b.expunge(live)
		}
		_, err := b.setFlags(live, injection.AddFlags, `\Deleted`)
		return err
	}) {
		if i%2 == 0 {
			b.ok(err)
		} else if err != nil {
			b.want(err, fault.Conflict)
		}
	}
	b.count("welcome", event.Expunged, 1)
}

func testRecall(b *bench) {
	live := b.live("welcome", 11)
	stays := b.live("stays", 12)
	other := b.live("expunged", 13)
	b.ok(b.expunge(other))
	b.campaign("claimed")
	claimed := b.claim("claimed")
	b.campaign("offered")
	for _, id := range [...]campaign.ID{"welcome", "expunged", "claimed", "offered"} {
		b.SetState(b, "", id, campaign.Cancelled)
	}
	// No sweep was here: who reads sees it all the same.
	for range 2 {
		s := b.begin()
		if diff := cmp.Diff([]placement.Placement{stays}, there(s.Placements)); diff != "" || len(s.Offers) != 0 {
			b.Fatalf("offers %v, placements: %s", s.Offers, diff)
		}
	}
	b.count("welcome", event.Withdrawn, 1)
	b.count("expunged", event.Withdrawn, 0)
	b.count("claimed", event.Withdrawn, 0)
	_, err := b.Confirm(b.Context(), confirmRequest(claimed, 20))
	b.want(err, fault.Conflict)
	b.count("claimed", event.Injected, 0)
	_, err = b.setFlags(live, injection.AddFlags, `\Seen`)
	b.want(err, fault.Conflict)
	b.want(b.expunge(live), fault.Conflict)
	_, err = b.Claim(b.Context(), b.claimRequest("welcome"))
	b.want(err, fault.Conflict)
	b.count("welcome", event.Read, 0)

	// The first that comes after a recall may be a change.
	fresh := b.live("fresh", 30)
	b.SetState(b, "", "fresh", campaign.Cancelled)
	_, err = b.setFlags(fresh, injection.AddFlags, `\Seen`)
	b.want(err, fault.Conflict)
	b.count("fresh", event.Withdrawn, 1)
	b.count("fresh", event.Read, 0)
}

func testExpiry(b *bench) {
	live := b.live("welcome", 11)
	b.campaign("claimed")
	claimed := b.claim("claimed")
	b.Advance(24*time.Hour - time.Second)
	if got := b.placements(); len(got) != 2 {
		b.Fatalf("before the end: %+v", got)
	}
	b.Advance(time.Second)
	// The claim stays: its marker may have to be looked for.
	if diff := cmp.Diff([]placement.Placement{claimed}, there(b.placements())); diff != "" {
		b.Fatal(diff)
	}
	b.count("welcome", event.Expired, 1)
	_, err := b.setFlags(live, injection.AddFlags, `\Seen`)
	b.want(err, fault.Conflict)
	b.want(b.expunge(live), fault.Conflict)
	_, err = b.Confirm(b.Context(), confirmRequest(claimed, 12))
	b.want(err, fault.Conflict)
	b.ok(b.void(claimed, "lapsed", true))
	if s := b.begin(); len(s.Offers)+len(there(s.Placements)) != 0 {
		b.Fatalf("after the end: %+v", s)
	}
	b.count("welcome", event.Expired, 1)
	b.count("claimed", event.Injected, 0)
}
