package injectiontest

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/placement"
)

// many is how many goroutines race.
const many = 64

func testClaimRace(b *bench) {
	b.campaign("welcome")
	won := make([]placement.Placement, many)
	errs := race(many, func(i int) error {
		req := b.claimRequestWith("welcome", fmt.Sprintf("racer-%010d", i))
		var err error
		won[i], err = b.Claim(b.Context(), req)
		return err
	})
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			b.Fatalf("%d and %d have both won", winner, i)
		case err == nil:
			winner = i
		default:
			b.want(err, fault.Conflict)
		}
	}
	if winner < 0 {
		b.Fatal("nobody has won")
	}
	if diff := cmp.Diff([]placement.Placement{won[winner]}, b.placements()); diff != "" {
		b.Fatal(diff)
	}
}

func testClaimRepeated(b *bench) {
	b.campaign("welcome")
	req := b.claimRequest("welcome")
	first, err := b.Claim(b.Context(), req)
	b.ok(err)
	want := placement.Placement{
		ID: first.ID, Key: key("welcome"), User: annaKept, Mailbox: "INBOX", UIDValidity: 7, State: placement.Claimed, Rev: 1,
		Token: req.Token, Lease: b.Now().Add(req.Lease), Template: digestOf([]byte("welcome")),
		Variables: map[string]string{"name": "Anna"}, Until: first.Until, Created: b.Now(), Changed: b.Now(),
	}
	if diff := cmp.Diff(want, first); diff != "" {
		b.Fatal(diff)
	}
	b.Advance(10 * time.Second)
	b.SetState(b, "", "welcome", campaign.Paused)
	for _, err := range race(8, func(int) error {
		again, err := b.Claim(b.Context(), req)
		if diff := cmp.Diff(first, again); err == nil && diff != "" {
			return fmt.Errorf("repeated, another answer: %s", diff)
		}
		return err
	}) {
		b.ok(err)
	}
	_, err = b.Claim(b.Context(), b.claimRequest("welcome"))
	b.want(err, fault.Conflict)
}

func testClaimLapsed(b *bench) {
	b.campaign("welcome")
	lapsed := b.claim("welcome")
	b.Advance(2 * time.Minute)
	// It may have left a marker: whoever wants it has to look for that first, and void it.
	_, err := b.Claim(b.Context(), b.claimRequest("welcome"))
	b.want(err, fault.Conflict)
	if diff := cmp.Diff([]placement.Placement{lapsed}, b.begin().Placements); diff != "" {
		b.Fatal(diff)
	}
	b.ok(b.void(lapsed, "lapsed", true))
	again := b.claim("welcome")
	if again.ID != lapsed.ID || again.Token == lapsed.Token || again.Rev <= lapsed.Rev {
		b.Fatalf("claimed again: %+v, before: %+v", again, lapsed)
	}
	_, err = b.Confirm(b.Context(), confirmRequest(lapsed, 3))
	b.want(err, fault.Conflict)
	// A lapsed claim that nobody voided can still be confirmed: leases are not what is safe.
	b.Advance(2 * time.Minute)
	_, err = b.Confirm(b.Context(), confirmRequest(again, 4))
	b.ok(err)
}

func testClaimOfNothing(b *bench) {
	c := b.campaign("welcome")
	_, err := b.Claim(b.Context(), b.claimRequest("unheard-of"))
	b.want(err, fault.Conflict)
	req := b.claimRequest("welcome")
	req.Occurrence = "2"
	_, err = b.Claim(b.Context(), req)
	b.want(err, fault.Conflict)
	b.PutCampaign(b, "", c, nil)
	b.SetState(b, "", "welcome", campaign.Cancelled)
	_, err = b.Claim(b.Context(), b.claimRequest("welcome"))
	b.want(err, fault.Conflict)
	if got := b.placements(); len(got) != 0 {
		b.Fatalf("refused claims left %+v", got)
	}
}

func testConfirm(b *bench) {
	b.campaign("welcome")
	claimed := b.claim("welcome")
	b.count("welcome", event.Injected, 0)
	b.Advance(time.Second)
	req := confirmRequest(claimed, 11)
	live, err := b.Confirm(b.Context(), req)
	b.ok(err)
	want := claimed
	want.State, want.UID, want.InternalDate, want.ModSeq, want.Rev, want.Changed = placement.Live, 11, req.InternalDate, 42, claimed.Rev+1, b.Now()
	if diff := cmp.Diff(want, live); diff != "" {
		b.Fatal(diff)
	}
	b.Advance(time.Second)
	again, err := b.Confirm(b.Context(), req)
	b.ok(err)
	if diff := cmp.Diff(live, again); diff != "" {
		b.Fatalf("repeated, another answer: %s", diff)
	}
	b.count("welcome", event.Injected, 1)

	req.UID = 12
	_, err = b.Confirm(b.Context(), req)
	b.want(err, fault.Conflict)
	req = confirmRequest(claimed, 11)
	req.Token = b.token()
	_, err = b.Confirm(b.Context(), req)
	b.want(err, fault.Conflict)
	req.ID = "00000000000000000000000000000000"
	_, err = b.Confirm(b.Context(), req)
	b.want(err, fault.NotFound)
}

func testConfirmRace(b *bench) {
	b.campaign("welcome")
	claimed := b.claim("welcome")
	for _, err := range race(16, func(int) error {
		_, err := b.Confirm(b.Context(), confirmRequest(claimed, 11))
		return err
	}) {
		b.ok(err)
	}
	b.count("welcome", event.Injected, 1)
	if got := b.placements(); len(got) != 1 || got[0].Rev != 2 {
		b.Fatalf("confirmed more than once: %+v", got)
	}
}

func testVoidFences(b *bench) {
	b.campaign("welcome")
	claimed := b.claim("welcome")
	other := claimed
	other.Token = b.token()
	b.want(b.void(other, "lapsed", true), fault.Conflict)
	b.ok(b.void(claimed, "quota", true))
	b.ok(b.void(claimed, "quota", true))
	_, err := b.Confirm(b.Context(), confirmRequest(claimed, 11))
	b.want(err, fault.Conflict)
	// A claim that was on its way for long does not come to life again.
	req := b.claimRequestWith("welcome", claimed.Token)
	_, err = b.Claim(b.Context(), req)
	b.want(err, fault.Conflict)
	b.count("welcome", event.Injected, 0)

	// A waiter that was too late does no harm.
	second := b.claim("welcome")
	b.want(b.void(claimed, "superseded", false), fault.Conflict)
	live, err := b.Confirm(b.Context(), confirmRequest(second, 12))
	b.ok(err)
	b.want(b.void(second, "superseded", false), fault.Conflict)
	if diff := cmp.Diff([]placement.Placement{live}, b.placements()); diff != "" {
		b.Fatal(diff)
	}
	missing := live
	missing.ID = "00000000000000000000000000000000"
	b.want(b.void(missing, "quota", true), fault.NotFound)
	b.want(b.void(live, "", true), fault.Invalid)
	b.want(b.void(live, "NOT A REASON", true), fault.Invalid)
}

func testVoidPauses(b *bench) {
	b.campaign("welcome")
	b.campaign("other")
	b.ok(b.void(b.claim("welcome"), "quota", true))
	if got := b.offered(); len(got) != 2 {
		b.Fatalf("after a release only %v are offered", got)
	}
	b.ok(b.void(b.claim("welcome"), "superseded", false))
	for _, id := range [...]campaign.ID{"welcome", "other"} {
		_, err := b.Claim(b.Context(), b.claimRequest(id))
		b.want(err, fault.Conflict)
	}
	b.Advance(placement.PauseAfterVoid - time.Second)
	if got := b.offered(); len(got) != 0 {
		b.Fatalf("offered before ten minutes were over: %v", got)
	}
	b.Advance(time.Second)
	if got := b.offered(); len(got) != 2 {
		b.Fatalf("after ten minutes only %v are offered", got)
	}
	b.claim("welcome")
}

func testVoidLive(b *bench) {
	live := b.live("welcome", 11)
	b.ok(b.void(live, "uid_taken", true))
	if got := b.placements(); len(got) != 0 {
		b.Fatalf("voided, and there still: %+v", got)
	}
	b.want(b.expunge(live), fault.Conflict)
	again, err := b.Confirm(b.Context(), confirmRequest(b.claim("welcome"), 15))
	b.ok(err)
	if again.UID != 15 || again.ID != live.ID || len(again.Flags) != 0 {
		b.Fatalf("injected again: %+v", again)
	}
	b.count("welcome", event.Injected, 1) // of one placement, however often
	b.want(b.void(live, "validity", true), fault.Conflict)
	b.ok(b.void(again, "validity", true))
}

func testVoidRacesConfirm(b *bench) {
	for n := range 8 {
		id := campaign.ID(fmt.Sprintf("c%d", n))
		b.campaign(id)
		claimed := b.claim(id)
		errs := race(2, func(i int) error {
			if i == 0 {
				return b.void(claimed, "superseded", true)
			}
			_, err := b.Confirm(b.Context(), confirmRequest(claimed, imap.UID(100+n)))
			return err
		})
		if (errs[0] == nil) == (errs[1] == nil) {
			b.Fatalf("void: %v, confirm: %v; exactly one must win", errs[0], errs[1])
		}
		want := int64(0)
		if errs[1] == nil {
			want = 1
		}
		b.count(id, event.Injected, want)
	}
}
