package middleware_test

import (
	"fmt"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/store"
)

// What a login costs in a keyspace with a thousand running campaigns and many people, of whom
// each is in three audiences: for one of them, for somebody who is in no audience, for somebody
// who is in all of them, and for somebody who has had all of them.
func BenchmarkLogin(b *testing.B) {
	const campaigns, people = 1000, 20_000
	w := newWorld(b)
	m := w.instance(b)
	ks := w.keyspace(b, "")
	end := w.Now().Add(24 * time.Hour)
	for c := range campaigns {
		id := campaign.ID(fmt.Sprintf("campaign-%04d", c))
		rows := []store.AssignmentRow{{User: "everywhere", Line: 1, Variables: map[string]string{"first_name": "Zoë"}}}
		for p := c; p < people*3; p += campaigns {
			rows = append(rows, store.AssignmentRow{User: fmt.Sprintf("user%06d", p%people), Line: int64(p + 2), Variables: map[string]string{"first_name": "Zoë"}})
		}
		if err := ks.WriteAssignments(b.Context(), id, 1, end, rows); err != nil {
			b.Fatal(err)
		}
		w.updateCampaign(b, "", id, func(a *campaign.Active) {
			*a = campaign.Active{
				ID: id, Name: "A campaign", Class: campaign.Own, Mailbox: "INBOX", Start: w.Now().Add(-time.Hour), End: end,
				Priority: 50, State: campaign.Running, Version: 1, Template: fmt.Sprintf("sha256:%064x", c),
			}
		})
	}
	var had []placement.Placement
	for c := range campaigns {
		had = append(had, placement.Placement{
			ID: placement.ID(fmt.Sprintf("%032x", c)), Key: placement.Key{Campaign: campaign.ID(fmt.Sprintf("campaign-%04d", c)), Occurrence: "1"},
			User: "veteran", Mailbox: "INBOX", UIDValidity: 1, UID: 7, State: placement.Expunged, Rev: 3, Token: "0123456789abcdef",
			Template: fmt.Sprintf("sha256:%064x", c), Variables: map[string]string{"first_name": "Zoë"}, Flags: []string{`\Seen`},
			InternalDate: w.Now(), Until: end, Created: w.Now(), Changed: w.Now(),
		})
	}
	if err := ks.Apply(b.Context(), store.Change{User: "veteran", Owner: "veteran", ID: "all", Put: had}); err != nil {
		b.Fatal(err)
	}
	n := 0
	for _, c := range []struct {
		name string
		user func() string
	}{
		{"one of many", func() string { n++; return fmt.Sprintf("user%06d", n*7919%people) }},
		{"nobody", func() string { return "nobody" }},
		{"everywhere", func() string { return "everywhere" }},
		{"veteran", func() string { return "veteran" }},
	} {
		b.Run(c.name+"/begin", func(b *testing.B) {
			for b.Loop() {
				if _, err := m.Begin(b.Context(), injection.BeginRequest{Person: injection.Person{User: c.user()}}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/placements", func(b *testing.B) {
			for b.Loop() {
				if _, err := m.Placements(b.Context(), injection.Person{User: c.user()}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
