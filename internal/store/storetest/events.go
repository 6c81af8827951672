package storetest

import (
	"fmt"
	"sync"

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/store"
)

func (b *bench) log(events ...event.Event) int {
	b.Helper()
	n, err := b.ks.Log(b.ctx(), events)
	b.no(err)
	return n
}

func (b *bench) tally(want ...event.Count) {
	b.Helper()
	got, err := b.ks.Tally(b.ctx(), "c")
	b.no(err)
	b.equal(want, got, "the tally")
}

func testEvents(b *bench) {
	b.tally()
	all := happened("c", 6)
	for i := range all {
		all[i].Type = []event.Type{event.Read, event.Injected, event.Expunged}[i%3]
	}
	b.equal(2, b.log(all[0], all[1]), "new events")
	b.equal(1, b.log(all[0], all[1], all[2], all[2]), "new events of a batch with known ones")
	b.equal(0, b.log(), "new events of an empty batch")
	b.tally(event.Count{Type: event.Expunged, Count: 1}, event.Count{Type: event.Injected, Count: 1}, event.Count{Type: event.Read, Count: 1})
	// A known id is left as it is, whatever else is said under it.
	other := all[0]
	other.Type, other.User = event.Withdrawn, "ben"
	b.equal(0, b.log(other), "new events under a known id")
	// By a change or not: counted once.
	c := store.Change{User: "anna", Owner: owner("anna"), ID: "1", Events: []event.Event{all[0], all[3], all[3]}}
	b.no(b.ks.Apply(b.ctx(), c))
	b.equal(0, b.log(all[3]), "new events after a change that had them")
	b.log(happened("other", 2)...)
	b.tally(event.Count{Type: event.Expunged, Count: 1}, event.Count{Type: event.Injected, Count: 1}, event.Count{Type: event.Read, Count: 2})
	got, _, err := b.ks.Events(b.ctx(), "c", "", 10)
	b.no(err)
	b.equal(all[:4], got, "events in the order of their recording")

	b.equal(store.MaxBatch, b.log(happened("large", store.MaxBatch)...), "new events of the largest batch")
	_, err = b.ks.Log(b.ctx(), happened("larger", store.MaxBatch+1))
	b.is(err, fault.TooLarge, "a larger batch")
	rest, _, err := b.ks.Events(b.ctx(), "larger", "", 10)
	b.no(err)
	b.equal(0, len(rest), "events of a refused batch")
}

func testEventPages(b *bench) {
	all := happened("c", 25)
	for i := range all {
		b.log(all[i])
		b.log(happened("other", i+1)[i])
	}
	for _, limit := range []int{1, 7, 25, 26, store.MaxPage} {
		var got []event.Event
		cursor := ""
		for {
			page, next, err := b.ks.Events(b.ctx(), "c", cursor, limit)
			b.no(err)
			if len(page) == 0 {
				b.equal(cursor, next, "the cursor of an empty page")
				break
			}
			got = append(got, page...)
			cursor = next
		}
		b.equal(all, got, "pages of %d", limit)
		b.log(all[0]) // known: it does not come again
		page, _, err := b.ks.Events(b.ctx(), "c", cursor, limit)
		b.no(err)
		b.equal(0, len(page), "events after the last")
	}
	for _, limit := range []int{-1, 0, store.MaxPage + 1} {
		_, _, err := b.ks.Events(b.ctx(), "c", "", limit)
		b.is(err, fault.Invalid, "a page of %d", limit)
	}
	for _, cursor := range []string{"x", "-1", "1 ", "99999999999999999999999"} {
		_, _, err := b.ks.Events(b.ctx(), "c", cursor, 1)
		b.is(err, fault.Invalid, "the cursor %q", cursor)
	}
}

// testFollow: whoever follows by the cursor while many write sees every event once.
func testFollow(b *bench) {
	const writers, each = 6, 30
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		errs := together(writers, func(w int) error {
			for i := range each {
				e := happened("c", 1)
				e[0].ID = event.ID(fmt.Sprint(w, "-", i))
				if _, err := b.ks.Log(b.ctx(), e); err != nil {
					return err
				}
			}
			return nil
		})
		for _, err := range errs {
			if err != nil {
				b.Error(err)
			}
		}
	})
	seen := map[event.ID]int{}
	cursor, last := "", false
	for {
		select {
		case <-done:
			last = true
		default:
		}
		page, next, err := b.ks.Events(b.ctx(), "c", cursor, 7)
		b.no(err)
		for _, e := range page {
			seen[e.ID]++
		}
		cursor = next
		if last && len(page) == 0 {
			break
		}
	}
	wg.Wait()
	b.equal(writers*each, len(seen), "events seen")
	for id, n := range seen {
		if n != 1 {
			b.Errorf("event %s was seen %d times", id, n)
		}
	}
}

func testMembers(b *bench) {
	var want []string
	for i := range 30 {
		user := fmt.Sprintf("user%02d", i*11%30)
		want = append(want, user)
		b.no(b.ks.Apply(b.ctx(), change(user, 0, "1", placed(user, "c", "1"), placed(user, "c", "2"))))
	}
	b.no(b.ks.Apply(b.ctx(), change("zoe", 0, "1", placed("zoe", "d", "1"))))
	b.write("c", 1, row("assigned only", 1, "x"))
	want = sorted(want)
	for _, limit := range []int{1, 7, 30, store.MaxPage} {
		var got []string
		for after := ""; ; {
			page, err := b.ks.Members(b.ctx(), "c", after, limit)
			b.no(err)
			if got = append(got, page...); len(page) < limit {
				break
			}
			after = page[len(page)-1]
		}
		b.equal(want, got, "members in pages of %d", limit)
	}
	for _, limit := range []int{-1, 0, store.MaxPage + 1} {
		_, err := b.ks.Members(b.ctx(), "c", "", limit)
		b.is(err, fault.Invalid, "a page of %d", limit)
	}
}
