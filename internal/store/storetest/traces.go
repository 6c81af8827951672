package storetest

import (
	"fmt"
	"sync"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/store"
)

func (b *bench) traces(of store.Documents, cursor string, limit int) ([]store.Trace, string) {
	b.Helper()
	list, next, err := of.Traces(b.ctx(), cursor, limit)
	b.no(err)
	if n := len(list); n > 0 {
		b.equal(next, list[n-1].Cursor, "the cursor of the last trace")
	}
	for i := range list {
		rest, _, err := of.Traces(b.ctx(), list[i].Cursor, limit)
		b.no(err)
		if len(rest) < len(list)-i-1 {
			b.Errorf("%d traces after trace %d of %d", len(rest), i, len(list))
		}
	}
	for i := range list {
		list[i].Cursor = ""
	}
	return list, next
}

// testTraces: what was changed leaves a trace, what was refused or repeated leaves none, and
// neither do other keyspaces.
func testTraces(b *bench) {
	list, start := b.traces(b.ks, "", 10)
	b.equal(0, len(list), "traces before the first change")
	_, control := b.traces(b.st.Control(), "", 10)
	c := change("anna", 0, "1", placed("anna", "a", "1"))
	for range 2 {
		b.no(b.ks.Apply(b.ctx(), c))
	}
	b.is(b.ks.Apply(b.ctx(), change("ben", 5, "1")), fault.Conflict, "a change of another revision")
	_, err := b.ks.Put(b.ctx(), "campaign", "a", 0, []byte("1"))
	b.no(err)
	_, err = b.ks.Put(b.ctx(), "campaign", "a", 0, []byte("2"))
	b.is(err, fault.Conflict, "made twice")
	b.no(b.ks.Apply(b.ctx(), change("anna", 1, "2")))
	b.no(b.ks.Delete(b.ctx(), "campaign", "a", 1))
	_, err = b.keyspace("another").Put(b.ctx(), "campaign", "b", 0, nil)
	b.no(err)
	all := []store.Trace{{Owner: owner("anna")}, {Kind: "campaign"}, {Owner: owner("anna")}, {Kind: "campaign"}}
	got, end := b.traces(b.ks, start, 10)
	b.equal(all, got, "the traces")
	list, again := b.traces(b.ks, end, 10)
	b.equal(0, len(list), "traces after the last")
	b.equal(end, again, "the cursor of an empty page")
	list, now := b.traces(b.ks, "", 10)
	b.equal(0, len(list), "traces without a cursor")
	b.equal(end, now, "the cursor of now")
	for _, limit := range []int{1, 3, store.MaxPage} {
		var got []store.Trace
		for cursor := start; ; {
			page, next := b.traces(b.ks, cursor, limit)
			if len(page) == 0 {
				break
			}
			got, cursor = append(got, page...), next
		}
		b.equal(all, got, "pages of %d", limit)
	}
	_, err = b.st.Control().Put(b.ctx(), "tenant", "x", 0, nil)
	b.no(err)
	list, _ = b.traces(b.st.Control(), control, 10)
	b.equal([]store.Trace{{Kind: "tenant"}}, list, "the instance's own")

	for _, limit := range []int{-1, 0, store.MaxPage + 1} {
		_, _, err := b.ks.Traces(b.ctx(), start, limit)
		b.is(err, fault.Invalid, "a page of %d", limit)
	}
	for _, cursor := range []string{"x", "-1", end + "0", "99999999999999999999999"} {
		_, _, err := b.ks.Traces(b.ctx(), cursor, 1)
		b.is(err, fault.NotFound, "the cursor %q", cursor)
	}
}

// testTracesFollowed: whoever follows while many write finds the trace of everything, and finds a
// change done whose trace there is.
func testTracesFollowed(b *bench) {
	const writers, each = 6, 20
	_, cursor := b.traces(b.ks, "", 1)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		for _, err := range together(writers, func(w int) error {
			for i := range each {
				if err := b.ks.Apply(b.ctx(), change(fmt.Sprint("user", w), uint64(i), fmt.Sprint(i))); err != nil {
					return err
				}
			}
			return nil
		}) {
			if err != nil {
				b.Error(err)
			}
		}
	})
	users := map[string]string{}
	for w := range writers {
		users[owner(fmt.Sprint("user", w))] = fmt.Sprint("user", w)
	}
	seen := map[string]int{}
	for last := false; ; {
		select {
		case <-done:
			last = true
		default:
		}
		page, next := b.traces(b.ks, cursor, 7)
		for _, t := range page {
			seen[t.Owner]++
			if user := users[t.Owner]; int(b.person(user).Rev) < seen[t.Owner] {
				b.Errorf("the trace of change %d of %q, which is not there", seen[t.Owner], user)
			}
		}
		if cursor = next; last && len(page) == 0 {
			break
		}
	}
	wg.Wait()
	for w := range writers {
		b.equal(each, seen[owner(fmt.Sprint("user", w))], "traces of user %d", w)
	}
}
