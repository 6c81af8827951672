package injectiontest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// watchPatience bounds how long a test waits for a word; the contract says a second.
const watchPatience = 20 * time.Second

// stream is a stream that is being followed.
type stream struct {
	*bench
	words chan injection.Change
	end   context.CancelFunc
	ended chan error
	last  string // cursor
}

// follow follows from a cursor; the stream stands when it returns.
func (b *bench) follow(cursor string) *stream {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	s := &stream{bench: b, words: make(chan injection.Change, 1000), end: cancel, ended: make(chan error, 1), last: cursor}
	go func() {
		s.ended <- b.Watch(ctx, injection.WatchRequest{Cursor: cursor}, func(c injection.Change) error {
			s.words <- c
			return nil
		})
	}()
	b.Cleanup(cancel)
	return s
}

// next is the next word; those of life are passed over unless they are wanted.
func (s *stream) next(alive bool) injection.Change {
	s.Helper()
	limit := time.NewTimer(watchPatience)
	defer limit.Stop()
	for {
		select {
		case c := <-s.words:
			if c.Cursor == "" {
				s.Fatalf("a word without a place: %+v", c)
			}
			s.last = c.Cursor
			if alive || c.Kind != injection.Alive {
				return c
			}
		case err := <-s.ended:
			s.Fatalf("the stream has ended: %v", err)
		case <-limit.C:
			s.Fatal("nothing is told")
		}
	}
}

// until waits for a word of a kind, and of a person if it is of one. Words may come twice.
func (s *stream) until(kind injection.ChangeKind, owner string) {
	s.Helper()
	for {
		if c := s.next(true); c.Kind == kind && c.Owner == owner {
			return
		}
	}
}

// testWatch: every change is told, and is in a reading after that.
func testWatch(b *bench) {
	owner := b.begin().Owner
	if owner == "" || owner == annaKept {
		b.Fatalf("owner %q", owner)
	}
	one, two := b.follow(""), b.follow("")
	both := func(kind injection.ChangeKind, owner string) {
		b.Helper()
		one.until(kind, owner)
		two.until(kind, owner)
	}
	both(injection.Alive, "")
	b.campaign("welcome")
	both(injection.OfCampaign, "")
	p := b.claim("welcome")
	both(injection.OfPerson, owner)
	p, err := b.Confirm(b.Context(), confirmRequest(p, 11))
	b.ok(err)
	for _, change := range [...]func() error{
		func() error { p, err = b.setFlagsPending(p, 0, `\Seen`); return err },
		func() error { b.settle(p, p.Rev, 99); return nil },
		func() error { return b.expunge(p) },
	} {
		one.until(injection.OfPerson, owner)
		two.until(injection.OfPerson, owner)
		b.ok(change())
	}
	both(injection.OfPerson, owner)
	if list := b.placements(); len(list) != 0 {
		b.Fatalf("told, and not there: %+v", list)
	}
	for _, state := range [...]campaign.State{campaign.Paused, campaign.Running, campaign.Cancelled} {
		b.SetState(b, "", "welcome", state)
		both(injection.OfCampaign, "")
	}
	// Somebody else's are told as such.
	bob := injection.Person{User: "bob@example.org"}
	b.campaign("other")
	c := b.campaign("for-bob")
	b.PutCampaign(b, "", c, map[string]map[string]string{"bob@example.org": nil})
	s, err := b.Begin(b.Context(), injection.BeginRequest{Person: bob})
	b.ok(err)
	req := b.claimRequest("for-bob")
	req.Person = bob
	_, err = b.Claim(b.Context(), req)
	b.ok(err)
	both(injection.OfPerson, s.Owner)
}

// testWatchInstants: the start and the end of a campaign are told when they come.
func testWatchInstants(b *bench) {
	c := b.campaign("welcome")
	c.Start = b.Now().Add(time.Hour)
	b.PutCampaign(b, "", c, nil)
	s := b.follow("")
	s.until(injection.Alive, "")
	for range 2 {
		b.Advance(30 * time.Minute)
	}
	s.until(injection.OfCampaign, "")
	if got := b.offered(); !slices.Equal(got, []campaign.ID{"welcome"}) {
		b.Fatalf("its start was told, and offered are %v", got)
	}
	s.end()
	b.Advance(c.End.Sub(b.Now()))
	b.follow(s.last).until(injection.OfCampaign, "") // it came while nobody followed
}

// testWatchResumed: nothing is missed between two streams, wherever the first one broke off.
func testWatchResumed(b *bench) {
	const people = 30
	c := campaign.Active{
		ID: "welcome", Mailbox: "INBOX", State: campaign.Running, Version: 1, Start: b.Now().Add(-time.Hour), End: b.Now().Add(time.Hour),
	}
	rows, owners := map[string]map[string]string{}, map[string]string{}
	for i := range people {
		rows[fmt.Sprintf("user%d", i)] = nil
	}
	b.PutCampaign(b, "", c, rows)
	for user := range rows {
		s, err := b.Begin(b.Context(), injection.BeginRequest{Person: injection.Person{User: user}})
		b.ok(err)
		owners[s.Owner] = user
	}
	s := b.follow("")
	s.until(injection.Alive, "")
	s.end()
	<-s.ended
	done := make(chan error, 1)
	go func() {
		for user := range rows {
			_, err := b.Claim(b.Context(), injection.ClaimRequest{
				Person: injection.Person{User: user}, Key: key("welcome"), UIDValidity: 7, Token: "token-of-" + user + "-0123456789", Lease: time.Minute,
			})
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for cursor := s.last; len(owners) > 0; {
		// Each stream is left after two words of people.
		words, enough := 0, errors.New("enough")
		err := b.Watch(b.Context(), injection.WatchRequest{Cursor: cursor}, func(c injection.Change) error {
			cursor = c.Cursor
			switch c.Kind {
			case injection.Reset:
				return errors.New("reset")
			case injection.OfPerson:
				delete(owners, c.Owner)
				if words++; words == 2 {
					return enough
				}
			case injection.Alive, injection.OfCampaign:
			}
			if len(owners) == 0 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) {
			b.Fatalf("%v; not told: %v", err, owners)
		}
	}
	b.ok(<-done)
}

// testWatchReset: a place that is not known is told at once, and the stream goes on.
func testWatchReset(b *bench) {
	b.campaign("welcome")
	for _, cursor := range [...]string{"nonsense", "99999999.1", "1.x", ".", "-1.1700000000000"} {
		s := b.follow(cursor)
		if c := s.next(true); c.Kind != injection.Reset {
			b.Fatalf("%q: first %+v", cursor, c)
		}
		s.until(injection.Alive, "")
		s.end()
	}
	s := b.follow("nonsense")
	s.until(injection.Alive, "")
	owner := b.begin().Owner
	b.claim("welcome")
	s.until(injection.OfPerson, owner)
}

// testWatchEnds: it lives on while nothing happens, and ends with ctx, or as heard wishes.
func testWatchEnds(b *bench) {
	s := b.follow("")
	first := s.next(true)
	second := s.next(true)
	if first.Kind != injection.Alive || second.Kind != injection.Alive {
		b.Fatalf("heard %+v and %+v while nothing happened", first, second)
	}
	s.end()
	b.want(<-s.ended, fault.Unavailable)
	mine := errors.New("mine")
	if err := b.Watch(b.Context(), injection.WatchRequest{}, func(injection.Change) error { return mine }); !errors.Is(err, mine) {
		b.Fatalf("ended with %v", err)
	}
	b.want(b.Watch(b.Context(), injection.WatchRequest{Tenant: "nobody"}, func(injection.Change) error { return nil }), fault.NotFound)

	// Other tenants are another stream.
	b.AddTenant(b, "other")
	b.campaign("welcome")
	before := b.begin()
	one := b.follow("")
	one.until(injection.Alive, "")
	b.PutCampaign(b, "other", campaign.Active{ID: "welcome", State: campaign.Running, Version: 1, Start: b.Now(), End: b.Now().Add(time.Hour)}, nil)
	b.claim("welcome")
	if c := one.next(false); c.Kind != injection.OfPerson || c.Owner != before.Owner {
		b.Fatalf("heard %+v", c)
	}
	s2, err := b.Begin(b.Context(), injection.BeginRequest{Person: injection.Person{Tenant: "other", User: anna.User}})
	b.ok(err)
	if diff := cmp.Diff([]placement.Placement{}, s2.Placements); diff != "" || s2.Owner == before.Owner {
		b.Fatalf("of another tenant: %s, owner %q", diff, s2.Owner)
	}
}
