package injectiontest

import (
	"bytes"
	"context"
	"strings"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

func testTenants(b *bench) {
	b.AddTenant(b, "other")
	c := b.campaign("welcome")
	c.Name = "another of the same name"
	b.PutCampaign(b, "other", c, map[string]map[string]string{annaKept: nil})
	there := injection.Person{Tenant: "other", User: anna.User}
	here := b.live("welcome", 11)

	s, err := b.Begin(b.Context(), injection.BeginRequest{Person: there})
	b.ok(err)
	if len(s.Placements) != 0 || len(s.Offers) != 1 {
		b.Fatalf("one tenant's placement is seen in another: %+v", s)
	}
	if s.Offers[0].ID == here.ID {
		b.Fatal("two tenants give the same ID")
	}
	_, err = b.Expunge(b.Context(), injection.ExpungeRequest{Person: there, ID: here.ID})
	b.want(err, fault.NotFound)
	if n := b.Count(b, "other", "welcome", event.Injected); n != 0 {
		b.Fatalf("one tenant's event is counted for another: %d", n)
	}
	// The default tenant may be named, and is meant when none is.
	list, err := b.Placements(b.Context(), injection.Person{Tenant: injection.DefaultTenant, User: anna.User})
	b.ok(err)
	if len(list) != 1 {
		b.Fatalf("the default tenant by its name: %+v", list)
	}
	_, err = b.Placements(b.Context(), injection.Person{Tenant: "unheard-of", User: anna.User})
	b.want(err, fault.NotFound)
	_, err = b.Begin(b.Context(), injection.BeginRequest{Person: injection.Person{Tenant: "../x", User: anna.User}})
	b.want(err, fault.NotFound)
	_, err = b.Template(b.Context(), "unheard-of", digestOf(nil))
	b.want(err, fault.NotFound)
}

func testLimits(b *bench) {
	b.campaign("welcome")
	for _, c := range [...]struct {
		user string
		kind fault.Kind
	}{
		{"", fault.Invalid},
		{"a\x00b", fault.Invalid},
		{"a\nb", fault.Invalid},
		{strings.Repeat("u", placement.MaxUser+1), fault.TooLarge},
	} {
		_, err := b.Begin(b.Context(), injection.BeginRequest{Person: injection.Person{User: c.user}})
		b.want(err, c.kind)
		_, err = b.Placements(b.Context(), injection.Person{User: c.user})
		b.want(err, c.kind)
	}
	_, err := b.Placements(b.Context(), injection.Person{User: strings.Repeat("u", placement.MaxUser)})
	b.ok(err)

	for name, spoil := range map[string]func(*injection.ClaimRequest){
		"short token":   func(r *injection.ClaimRequest) { r.Token = strings.Repeat("t", placement.MinTokenSize-1) },
		"long token":    func(r *injection.ClaimRequest) { r.Token = strings.Repeat("t", placement.MaxTokenSize+1) },
		"odd token":     func(r *injection.ClaimRequest) { r.Token = "0123456789abcde\r" },
		"no lease":      func(r *injection.ClaimRequest) { r.Lease = 0 },
		"short lease":   func(r *injection.ClaimRequest) { r.Lease = time.Second - 1 },
		"long lease":    func(r *injection.ClaimRequest) { r.Lease = time.Minute + 1 },
		"no validity":   func(r *injection.ClaimRequest) { r.UIDValidity = 0 },
		"user is empty": func(r *injection.ClaimRequest) { r.User = "" },
	} {
		req := b.claimRequest("welcome")
		spoil(&req)
		if _, err := b.Claim(b.Context(), req); !fault.Is(err, fault.Invalid) {
			b.Fatalf("%s: got %v, want Invalid", name, err)
		}
	}
	claimed := b.claim("welcome")
	req := confirmRequest(claimed, 0)
	_, err = b.Confirm(b.Context(), req)
	b.want(err, fault.Invalid)
	req = confirmRequest(claimed, 1)
	req.InternalDate = time.Time{}
	_, err = b.Confirm(b.Context(), req)
	b.want(err, fault.Invalid)

	// A date is kept in whole seconds of UTC, as it will be shown.
	req.InternalDate = time.Date(2026, 11, 24, 9, 0, 0, 987654321, time.FixedZone("", 3600))
	req.UID = 4294967295
	p, err := b.Confirm(b.Context(), req)
	b.ok(err)
	if want := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC); p.InternalDate != want || p.UID != req.UID {
		b.Fatalf("UID %d, date %v, want %v", p.UID, p.InternalDate, want)
	}

	// Variables as long as they may be come through.
	c := campaign.Active{
		ID: "long", Class: campaign.Own, Mailbox: "Über uns", State: campaign.Running, Version: 1,
		Start: b.Now(), End: b.Now().Add(time.Hour), Template: digestOf(nil),
	}
	value := strings.Repeat("ä", 30<<10)
	b.PutCampaign(b, "", c, map[string]map[string]string{annaKept: {"x": value}})
	if p := b.claim("long"); p.Variables["x"] != value || p.Mailbox != c.Mailbox {
		b.Fatal("long variables, or the mailbox's name, did not come through")
	}
}

func testTemplates(b *bench) {
	for _, body := range [...][]byte{
		[]byte("Subject: hello\r\n\r\nworld\r\n\x00\xff"),
		bytes.Repeat([]byte("0123456789abcdef"), injection.MaxTemplate/16),
	} {
		digest := digestOf(body)
		_, err := b.Template(b.Context(), "", digest)
		b.want(err, fault.NotFound)
		b.PutTemplate(b, "", digest, body)
		got, err := b.Template(b.Context(), "", digest)
		b.ok(err)
		if !bytes.Equal(got, body) {
			b.Fatalf("got %d octets, want %d", len(got), len(body))
		}
	}
	for _, bad := range [...]string{"", "sha256:", "sha256:" + strings.Repeat("g", 64), strings.ToUpper(digestOf(nil)), digestOf(nil) + "0", "../../etc/passwd", "md5:00"} {
		_, err := b.Template(b.Context(), "", bad)
		b.want(err, fault.Invalid)
	}
}

func testCancelled(b *bench) {
	live := b.live("welcome", 11)
	b.campaign("other")
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	for name, call := range map[string]func() error{
		"begin":      func() error { _, err := b.Begin(ctx, injection.BeginRequest{Person: anna}); return err },
		"placements": func() error { _, err := b.Placements(ctx, anna); return err },
		"claim":      func() error { _, err := b.Claim(ctx, b.claimRequest("other")); return err },
		"confirm":    func() error { _, err := b.Confirm(ctx, confirmRequest(live, 11)); return err },
		"void": func() error {
			return b.Void(ctx, injection.VoidRequest{Person: anna, ID: live.ID, Token: live.Token, Reason: "uid_taken"})
		},
		"flags": func() error {
			_, err := b.SetFlags(ctx, injection.FlagsRequest{Person: anna, ID: live.ID, Op: injection.AddFlags, Flags: []string{`\Seen`}})
			return err
		},
		"expunge": func() error {
			_, err := b.Expunge(ctx, injection.ExpungeRequest{Person: anna, ID: live.ID})
			return err
		},
		"settle": func() error {
			_, err := b.Settle(ctx, injection.SettleRequest{Person: anna, ID: live.ID, Rev: live.Rev, ModSeq: 99})
			return err
		},
		"departed": func() error {
			_, err := b.Departed(ctx, injection.DepartedRequest{Person: anna, Mailbox: "INBOX", UIDValidity: 7})
			return err
		},
		"move": func() error {
			_, err := b.Move(ctx, injection.MoveRequest{Person: anna, ID: live.ID, Target: "Kept", Copy: "x"})
			return err
		},
		"end of a move": func() error {
			_, err := b.EndMove(ctx, injection.EndMoveRequest{Person: anna, ID: live.ID})
			return err
		},
		"record": func() error {
			return b.Record(ctx, anna, []injection.Observation{{Type: event.Read, Placement: live.ID}})
		},
	} {
		if err := call(); !fault.Is(err, fault.Unavailable) {
			b.Fatalf("%s with a cancelled context: got %v, want Unavailable", name, err)
		}
	}
	if got := b.placements(); len(got) != 1 || got[0].Rev != live.Rev {
		b.Fatalf("what was cancelled before it began has changed something: %+v", got)
	}
}
