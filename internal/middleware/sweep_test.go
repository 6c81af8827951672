package middleware_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/store"
)

func equal[T any](t testing.TB, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func claim(t testing.TB, m injection.Service, user string, id campaign.ID) placement.Placement {
	t.Helper()
	p, err := m.Claim(context.Background(), injection.ClaimRequest{
		Person: injection.Person{User: user}, Key: placement.Key{Campaign: id, Occurrence: "1"}, UIDValidity: 1,
		Token: fmt.Sprintf("token-of-%020d", len(user)), Lease: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func inject(t testing.TB, m injection.Service, user string, id campaign.ID) placement.Placement {
	t.Helper()
	p := claim(t, m, user, id)
	p, err := m.Confirm(context.Background(), injection.ConfirmRequest{
		Person: injection.Person{User: user}, ID: p.ID, Token: p.Token, UID: 1, InternalDate: time.Unix(1, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run lets an instance work in the background until stop.
func run(t testing.TB, m *middleware.Middleware) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// eventually looks until it is so; the test's own deadline is the limit.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// A recall is swept, so that statistics do not wait for people who do not come back; and a
// sweep that was stopped in the middle goes on where it was.
func TestRecallIsSweptAndResumed(t *testing.T) {
	t.Parallel()
	const people = 450 // two full pages and a part
	w := newWorld(t)
	failing := &failingStore{Store: w.store}
	failing.applies.Store(1 << 30)
	m := w.instance(t, func(_ *middleware.Config, d *middleware.Deps) { d.Store = failing })
	a := api{t, serve(t, m), token}
	rows := map[string]map[string]string{}
	for i := range people {
		rows[fmt.Sprintf("user%04d", i)] = nil
	}
	w.PutCampaign(t, "", campaign.Active{ID: "c", State: campaign.Running, Revision: 1, Version: 1, Start: w.Now(), End: w.Now().Add(time.Hour)}, rows)
	for i := range people - 1 {
		inject(t, m, fmt.Sprintf("user%04d", i), "c")
	}
	claimed := claim(t, m, fmt.Sprintf("user%04d", people-1), "c")
	withdrawn := func() int64 { return w.Count(t, "", "c", event.Withdrawn) }

	failing.applies.Store(250)
	if got := a.command(w, "1", "/api/tenants/default/commands", `{"campaign":"c","command":"recall","revision":2}`); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.text)
	}
	stop := run(t, m)
	eventually(t, "the sweep meets the failure", failing.failed.Load)
	stop()
	before := withdrawn()
	if before == 0 || before == people-1 {
		t.Fatalf("%d withdrawn before the failure", before)
	}
	failing.applies.Store(1 << 30)

	// Another instance takes over. It does not begin from the start: the first page is done.
	other := w.instance(t)
	stop = run(t, other)
	defer stop()
	eventually(t, "everything is withdrawn", func() bool { return withdrawn() == people-1 })
	if got := w.Count(t, "", "c", event.Injected); got != people-1 {
		t.Fatalf("%d injected", got)
	}
	eventually(t, "the claim is void", func() bool {
		p, err := w.keyspace(t, "").Person(t.Context(), claimed.User, w.Now())
		return err == nil && len(p.Ledger) == 1 && p.Ledger[0].State == placement.Void
	})
	sweepDoc := func() string {
		doc, err := w.keyspace(t, "").Get(t.Context(), "sweep", "c")
		if err != nil {
			return err.Error()
		}
		return string(doc.Body)
	}
	// A claim that was decided before the recall and written after the pass is found by the
	// last one, which waits until there can be no such claim any more.
	w.SetState(t, "", "c", campaign.Running)
	late := "late"
	w.PutCampaign(t, "", campaign.Active{ID: "c", State: campaign.Running, Revision: 2, Version: 1, Start: w.Now(), End: w.Now().Add(time.Hour)},
		map[string]map[string]string{late: nil})
	p := inject(t, m, late, "c")
	w.SetState(t, "", "c", campaign.Cancelled)
	w.Advance(3 * time.Minute)
	eventually(t, "the latecomer is withdrawn", func() bool {
		got, err := w.keyspace(t, "").Person(t.Context(), p.User, w.Now())
		return err == nil && got.Ledger[0].State == placement.Withdrawn
	})
	eventually(t, "the sweep is done: "+sweepDoc(), func() bool {
		body := sweepDoc()
		return len(body) > 12 && body[len(body)-12:] == `"done":true}`
	})
}

func TestEndedCampaignIsSwept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.instance(t)
	w.PutCampaign(t, "", campaign.Active{ID: "c", State: campaign.Running, Version: 1, Start: w.Now(), End: w.Now().Add(time.Hour)},
		map[string]map[string]string{"anna": nil})
	inject(t, m, "anna", "c")
	stop := run(t, m)
	defer stop()
	w.Advance(time.Hour)
	eventually(t, "it is expired", func() bool { return w.Count(t, "", "c", event.Expired) == 1 })
}

// The end of a placement holds for the answer even when it cannot be written.
func TestEndsHoldWhileTheStoreCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failing := &failingStore{Store: w.store}
	failing.applies.Store(1 << 30)
	m := w.instance(t, func(_ *middleware.Config, d *middleware.Deps) { d.Store = failing })
	w.PutCampaign(t, "", campaign.Active{ID: "c", Mailbox: "INBOX", State: campaign.Running, Version: 1, Start: w.Now(), End: w.Now().Add(time.Hour)},
		map[string]map[string]string{"anna": nil, "bob": nil})
	p := inject(t, m, "anna", "c")
	failing.applies.Store(0)
	anna := injection.Person{User: "anna"}
	if _, err := m.Claim(t.Context(), injection.ClaimRequest{
		Person: injection.Person{User: "bob"}, Key: p.Key, UIDValidity: 1, Token: "0123456789abcdef", Lease: time.Second,
	}); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("claim: %v", err)
	}
	if _, err := m.Expunge(t.Context(), injection.ExpungeRequest{Person: anna, ID: p.ID}); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("expunge: %v", err)
	}
	w.SetState(t, "", "c", campaign.Cancelled)
	s, err := m.Begin(t.Context(), injection.BeginRequest{Person: anna})
	if err != nil || len(s.Placements) != 1 || s.Placements[0].State != placement.Withdrawn {
		t.Fatalf("recalled, and shown: %+v, %v", s, err)
	}
	if _, err := m.Expunge(t.Context(), injection.ExpungeRequest{Person: anna, ID: p.ID}); !fault.Is(err, fault.Conflict) {
		t.Fatalf("expunge of what was recalled: %v", err)
	}
	departed := injection.DepartedRequest{Person: anna, Mailbox: "INBOX", UIDValidity: 1}
	gone := []placement.Departure{{ID: p.ID, Mailbox: "INBOX", UIDValidity: 1, UID: 1, Pending: true}}
	list, err := m.Departed(t.Context(), departed)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, gone, list)
	failing.applies.Store(1)
	if list, err := m.Placements(t.Context(), anna); err != nil || len(list) != 1 || list[0].State != placement.Withdrawn || !list[0].Pending {
		t.Fatalf("%+v, %v", list, err)
	}
	if list, err = m.Departed(t.Context(), departed); err != nil {
		t.Fatal(err)
	}
	equal(t, gone, list)
	if n := w.Count(t, "", "c", event.Withdrawn); n != 1 {
		t.Fatalf("%d withdrawn", n)
	}
}

// An outcome that is not known is found out by repeating the change under its ID.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.instance(t, func(_ *middleware.Config, d *middleware.Deps) { d.Store = &lyingStore{Store: w.store} })
	w.PutCampaign(t, "", campaign.Active{ID: "c", State: campaign.Running, Version: 1, Start: w.Now(), End: w.Now().Add(time.Hour)},
		map[string]map[string]string{"anna": nil})
	if p := inject(t, m, "anna", "c"); p.Rev != 2 {
		t.Fatalf("applied twice: %+v", p)
	}
	if n := w.Count(t, "", "c", event.Injected); n != 1 {
		t.Fatalf("%d injected", n)
	}
}

// One record that is damaged does not keep a recall from the people behind it.
func TestDamagedPersonIsPassedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	damaged := &damagedStore{Store: w.store}
	m := w.instance(t, func(_ *middleware.Config, d *middleware.Deps) { d.Store = damaged })
	people := map[string]map[string]string{"anna": nil, "ben": nil, "cleo": nil}
	w.PutCampaign(t, "", campaign.Active{ID: "c", State: campaign.Running, Version: 1, Start: w.Now(), End: w.Now().Add(time.Hour)}, people)
	for user := range people {
		inject(t, m, user, "c")
	}
	w.SetState(t, "", "c", campaign.Cancelled)
	damaged.user.Store("anna")
	stop := run(t, m)
	defer stop()
	sweep := func() (s struct {
		Since time.Time `json:"since"`
		Began time.Time `json:"began"`
	},
	) {
		doc, err := w.keyspace(t, "").Get(t.Context(), "sweep", "c")
		if err == nil {
			err = json.Unmarshal(doc.Body, &s)
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		return s
	}
	eventually(t, "the first pass is through", func() bool { s := sweep(); return s.Began.After(s.Since) })
	if n := w.Count(t, "", "c", event.Withdrawn); n != 2 {
		t.Errorf("%d withdrawn, want 2", n)
	}
}

// damagedStore cannot read one person.
type damagedStore struct {
	store.Store
	user atomic.Value
}

func (s *damagedStore) Keyspace(ctx context.Context, name string) (store.Keyspace, error) {
	ks, err := s.Store.Keyspace(ctx, name)
	return damagedKeyspace{Keyspace: ks, store: s}, err
}

type damagedKeyspace struct {
	store.Keyspace
	store *damagedStore
}

func (k damagedKeyspace) Person(ctx context.Context, user string, now time.Time) (store.Person, error) {
	if user == k.store.user.Load() {
		return store.Person{}, errors.New("reading a placement: unexpected end of JSON input")
	}
	return k.Keyspace.Person(ctx, user, now)
}

// failingStore fails to apply changes when its applies are used up.
type failingStore struct {
	store.Store
	applies atomic.Int64
	failed  atomic.Bool
}

func (s *failingStore) Keyspace(ctx context.Context, name string) (store.Keyspace, error) {
	ks, err := s.Store.Keyspace(ctx, name)
	return failingKeyspace{Keyspace: ks, store: s}, err
}

type failingKeyspace struct {
	store.Keyspace
	store *failingStore
}

func (k failingKeyspace) Apply(ctx context.Context, c store.Change) error {
	if k.store.applies.Add(-1) < 0 {
		k.store.failed.Store(true)
		return fault.Wrap(fault.Unavailable, errors.New("disk full"), "the store cannot be written")
	}
	return k.Keyspace.Apply(ctx, c)
}

// lyingStore says of every change, the first time, that it could not be made, and makes it.
type lyingStore struct{ store.Store }

func (s *lyingStore) Keyspace(ctx context.Context, name string) (store.Keyspace, error) {
	ks, err := s.Store.Keyspace(ctx, name)
	return &lyingKeyspace{Keyspace: ks}, err
}

type lyingKeyspace struct {
	store.Keyspace
	last string
}

func (k *lyingKeyspace) Apply(ctx context.Context, c store.Change) error {
	err := k.Keyspace.Apply(ctx, c)
	if err == nil && c.ID != k.last {
		k.last = c.ID
		return fault.New(fault.Unavailable, "timeout")
	}
	return err
}
