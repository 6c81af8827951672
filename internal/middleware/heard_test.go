package middleware_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// TestClaimWaitsForTheWordOnly: once the word of a campaign was heard, its first claim goes on,
// although documents that make no word were written behind it, as an import does.
func TestClaimWaitsForTheWordOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.instance(t)
	ctx := t.Context()
	anna := injection.Person{User: "anna@example.org"}
	begin := func() {
		t.Helper()
		if _, err := m.Begin(ctx, injection.BeginRequest{Person: anna}); err != nil {
			t.Fatal(err)
		}
	}
	begin()
	ks := w.keyspace(t, "")
	_, before, err := ks.Traces(ctx, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	attend := func(cursor string) {
		t.Helper()
		if err := m.Attend(ctx, injection.AttendRequest{Name: "one", Cursor: cursor}); err != nil {
			t.Fatal(err)
		}
	}
	attend(before)
	w.PutCampaign(t, "", campaign.Active{
		ID: "welcome", Class: campaign.Own, Mailbox: "inbox", State: campaign.Running, Version: 1,
		Start: w.Now().Add(-time.Hour), End: w.Now().Add(time.Hour), Template: "sha256:0",
	}, map[string]map[string]string{anna.User: nil})
	if _, err := ks.Put(ctx, "import", "job", 0, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	begin() // it reads the campaigns, now that all is written

	claim := func(patience time.Duration) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		_, err := m.Claim(ctx, injection.ClaimRequest{
			Person: anna, UIDValidity: 7, Token: "0123456789abcdef", Lease: 30 * time.Second,
			Key: placement.Key{Campaign: "welcome", Occurrence: "1"},
		})
		return err
	}
	if err := claim(100 * time.Millisecond); !fault.Is(err, fault.Unavailable) {
		t.Errorf("before it was heard of: %v", err)
	}
	heard := errors.New("heard")
	var word injection.Change
	err = m.Watch(ctx, injection.WatchRequest{Cursor: before + "." + "0"}, func(c injection.Change) error {
		if c.Kind != injection.OfCampaign {
			return nil
		}
		word = c
		return heard
	})
	if !errors.Is(err, heard) {
		t.Fatal(err)
	}
	attend(word.Cursor)
	if err := claim(5 * time.Second); err != nil {
		t.Errorf("heard up to %s: %v", word.Cursor, err)
	}
}
