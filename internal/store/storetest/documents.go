package storetest

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/store"
)

// scopes are all that keep documents.
func (b *bench) scopes() map[string]store.Documents {
	return map[string]store.Documents{"control": b.st.Control(), "keyspace": b.ks}
}

func testDocuments(b *bench) {
	for scope, docs := range b.scopes() {
		_, err := docs.Get(b.ctx(), "k", "a")
		b.is(err, fault.NotFound, "%s: a document that is not there", scope)
		_, err = docs.Put(b.ctx(), "k", "a", 7, []byte("x"))
		b.is(err, fault.Conflict, "%s: a change of what is not there", scope)
		rev, err := docs.Put(b.ctx(), "k", "a", 0, []byte("one"))
		b.no(err)
		b.equal(uint64(1), rev, "%s: the first revision", scope)
		_, err = docs.Put(b.ctx(), "k", "a", 0, []byte("other"))
		b.is(err, fault.Conflict, "%s: made twice", scope)
		next, err := docs.Put(b.ctx(), "k", "a", rev, []byte("two"))
		b.no(err)
		if next <= rev {
			b.Errorf("%s: revision %d follows %d", scope, next, rev)
		}
		_, err = docs.Put(b.ctx(), "k", "a", rev, []byte("late"))
		b.is(err, fault.Conflict, "%s: an old revision", scope)
		got, err := docs.Get(b.ctx(), "k", "a")
		b.no(err)
		b.equal(store.Doc{Kind: "k", ID: "a", Rev: next, Body: []byte("two")}, got, "%s: read", scope)

		b.is(docs.Delete(b.ctx(), "k", "a", rev), fault.Conflict, "%s: an old revision deleted", scope)
		b.no(docs.Delete(b.ctx(), "k", "a", next))
		b.is(docs.Delete(b.ctx(), "k", "a", next), fault.NotFound, "%s: deleted twice", scope)
		_, err = docs.Get(b.ctx(), "k", "a")
		b.is(err, fault.NotFound, "%s: deleted", scope)
		_, err = docs.Put(b.ctx(), "k", "a", next, []byte("late"))
		b.is(err, fault.Conflict, "%s: a change of what was deleted", scope)
		_, err = docs.Put(b.ctx(), "k", "a", 0, []byte("again"))
		b.no(err)
	}
}

func testDocumentLimits(b *bench) {
	docs := b.ks
	for _, names := range [][2]string{{"", "a"}, {"k", ""}} {
		_, err := docs.Put(b.ctx(), names[0], names[1], 0, nil)
		b.is(err, fault.Invalid, "the document %q", names)
	}
	for i, body := range [][]byte{nil, {}, {0, 255, '\n'}, bytes.Repeat([]byte("x"), store.MaxDocument)} {
		id := strconv.Itoa(i)
		_, err := docs.Put(b.ctx(), "k", id, 0, body)
		b.no(err)
		got, err := docs.Get(b.ctx(), "k", id)
		b.no(err)
		if !bytes.Equal(got.Body, body) {
			b.Errorf("a body of %d octets came back as %d", len(body), len(got.Body))
		}
	}
	_, err := docs.Put(b.ctx(), "k", "large", 0, make([]byte, store.MaxDocument+1))
	b.is(err, fault.TooLarge, "a large body")
	_, err = docs.Get(b.ctx(), "k", "large")
	b.is(err, fault.NotFound, "a body that was too large")
	for _, limit := range []int{-1, 0, store.MaxPage + 1} {
		_, err := docs.List(b.ctx(), "k", "", limit)
		b.is(err, fault.Invalid, "a page of %d", limit)
	}
}

func testDocumentPages(b *bench) {
	var want []string
	for i := range 2 * store.MaxPage / 10 {
		want = append(want, fmt.Sprintf("id %03d", i*7%(2*store.MaxPage/10)))
	}
	want = append(want, "a/b", "A", "ä", "z'; --", `"`, "%", "_", strings.Repeat("n", 200))
	for _, id := range want {
		_, err := b.ks.Put(b.ctx(), "k", id, 0, []byte(id))
		b.no(err)
		_, err = b.ks.Put(b.ctx(), "other", id, 0, nil)
		b.no(err)
	}
	want = sorted(want)
	for _, limit := range []int{1, 7, len(want), store.MaxPage} {
		var got []string
		for after := ""; ; {
			page, err := b.ks.List(b.ctx(), "k", after, limit)
			b.no(err)
			if len(page) > limit {
				b.Fatalf("a page of %d has %d", limit, len(page))
			}
			for _, d := range page {
				if string(d.Body) != d.ID || d.Kind != "k" || d.Rev != 1 {
					b.Fatalf("listed: %+v", d)
				}
				got = append(got, d.ID)
			}
			if len(page) < limit {
				break
			}
			after = page[limit-1].ID
		}
		b.equal(want, got, "pages of %d", limit)
	}
	page, err := b.ks.List(b.ctx(), "nothing", "", 10)
	b.no(err)
	b.equal(0, len(page), "documents of a kind that has none")
}

func testCreateRace(b *bench) {
	for range 5 {
		_ = b.ks.Delete(b.ctx(), "k", "a", 1) // not there the first time
		errs := together(16, func(i int) error {
			_, err := b.ks.Put(b.ctx(), "k", "a", 0, []byte(strconv.Itoa(i)))
			return err
		})
		b.equal(1, b.winners(errs, fault.Conflict), "how many made one document")
		got, err := b.ks.Get(b.ctx(), "k", "a")
		b.no(err)
		if i, _ := strconv.Atoi(string(got.Body)); errs[i] != nil {
			b.Errorf("call %d has its body kept and was told %v", i, errs[i])
		}
	}
}

func testCountRace(b *bench) {
	const workers, each = 8, 20
	for scope, docs := range b.scopes() {
		_, err := docs.Put(b.ctx(), "k", "n", 0, []byte("0"))
		b.no(err)
		errs := together(workers, func(int) error {
			for done := 0; done < each; {
				d, err := docs.Get(b.ctx(), "k", "n")
				if err != nil {
					return err
				}
				n, err := strconv.Atoi(string(d.Body))
				if err != nil {
					return err
				}
				switch rev, err := docs.Put(b.ctx(), "k", "n", d.Rev, []byte(strconv.Itoa(n+1))); {
				case err == nil:
					if rev <= d.Rev {
						return fmt.Errorf("revision %d follows %d", rev, d.Rev)
					}
					done++
				case !fault.Is(err, fault.Conflict):
					return err
				}
			}
			return nil
		})
		b.equal(workers, b.winners(errs, fault.Internal), "%s: workers", scope)
		d, err := docs.Get(b.ctx(), "k", "n")
		b.no(err)
		b.equal(strconv.Itoa(workers*each), string(d.Body), "%s: the count", scope)
	}
}

func testEpoch(b *bench) {
	for scope, docs := range b.scopes() {
		last, err := docs.Epoch(b.ctx())
		b.no(err)
		moved := func(want bool, what string) {
			b.Helper()
			n, err := docs.Epoch(b.ctx())
			b.no(err)
			if n > last != want || n < last {
				b.Errorf("%s: %s: the epoch went from %d to %d", scope, what, last, n)
			}
			last = n
		}
		moved(false, "nothing")
		_, err = docs.Put(b.ctx(), "k", "a", 0, nil)
		b.no(err)
		moved(true, "a new document")
		_, err = docs.Put(b.ctx(), "k", "a", 1, nil)
		b.no(err)
		moved(true, "a changed document, to the same body")
		_, err = docs.Put(b.ctx(), "k", "a", 1, nil)
		b.is(err, fault.Conflict, "an old revision")
		_, err = docs.Get(b.ctx(), "k", "a")
		b.no(err)
		n, err := docs.Epoch(b.ctx())
		b.no(err)
		last = n // it may have moved for nothing, not back
		b.no(docs.Delete(b.ctx(), "k", "a", 2))
		moved(true, "a deleted document")
	}
}

func testOnce(b *bench) {
	for scope, docs := range b.scopes() {
		once := func(key, result string, at time.Time) (string, bool) {
			b.Helper()
			kept, fresh, err := docs.Once(b.ctx(), key, []byte(result), at, time.Hour)
			b.no(err)
			return string(kept), fresh
		}
		for _, step := range []struct {
			key, result string
			after       time.Duration
			kept        string
			fresh       bool
		}{
			{"a", "one", 0, "one", true},
			{"a", "two", 0, "one", false},
			{"b", "", 0, "", true},
			{"b", "x", 0, "", false},
			{"a", "two", time.Hour - time.Millisecond, "one", false},
			{"a", "two", time.Hour, "two", true}, // lapsed
			{"a", "three", 2*time.Hour - time.Millisecond, "two", false},
			{"b", "y", 3 * time.Hour, "y", true},
		} {
			kept, fresh := once(step.key, step.result, now.Add(step.after))
			if kept != step.kept || fresh != step.fresh {
				b.Errorf("%s: %+v: kept %q, fresh %t", scope, step, kept, fresh)
			}
		}
	}
}

func testOnceRace(b *bench) {
	for round := range 5 {
		kept := make([]string, 16)
		fresh := make([]bool, 16)
		errs := together(16, func(i int) error {
			k, f, err := b.ks.Once(b.ctx(), fmt.Sprint("key", round), []byte(strconv.Itoa(i)), now, time.Hour)
			kept[i], fresh[i] = string(k), f
			return err
		})
		b.equal(16, b.winners(errs, fault.Internal), "calls")
		first := 0
		for i := range kept {
			if kept[i] != kept[0] {
				b.Errorf("one was told %q and another %q", kept[0], kept[i])
			}
			if fresh[i] {
				first++
				b.equal(strconv.Itoa(i), kept[i], "what the first one kept")
			}
		}
		b.equal(1, first, "how many were the first")
	}
}

func testScopes(b *bench) {
	other := b.keyspace("other")
	_, err := b.ks.Put(b.ctx(), "k", "a", 0, []byte("mine"))
	b.no(err)
	_, _, err = b.ks.Once(b.ctx(), "k", []byte("mine"), now, time.Hour)
	b.no(err)
	for _, docs := range []store.Documents{b.st.Control(), other} {
		_, err := docs.Get(b.ctx(), "k", "a")
		b.is(err, fault.NotFound, "a document of another scope")
		_, fresh, err := docs.Once(b.ctx(), "k", []byte("theirs"), now, time.Hour)
		b.no(err)
		b.equal(true, fresh, "a key of another scope is free")
	}
}

func testCancelled(b *bench) {
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	_, err := b.ks.Get(ctx, "k", "a")
	b.is(err, fault.Unavailable, "Get")
	_, err = b.ks.List(ctx, "k", "", 1)
	b.is(err, fault.Unavailable, "List")
	_, err = b.ks.Put(ctx, "k", "a", 0, nil)
	b.is(err, fault.Unavailable, "Put")
	_, _, err = b.ks.Once(ctx, "k", nil, now, time.Hour)
	b.is(err, fault.Unavailable, "Once")
	_, err = b.ks.Epoch(ctx)
	b.is(err, fault.Unavailable, "Epoch")
	_, err = b.ks.Person(ctx, "anna", now)
	b.is(err, fault.Unavailable, "Person")
	b.is(b.ks.Apply(ctx, store.Change{User: "anna", Owner: owner("anna"), ID: "1"}), fault.Unavailable, "Apply")
	b.is(b.ks.WriteAssignments(ctx, "c", 1, now, []store.AssignmentRow{{User: "anna", Line: 1}}), fault.Unavailable, "WriteAssignments")
	_, err = b.ks.Log(ctx, happened("c", 1))
	b.is(err, fault.Unavailable, "Log")
	_, _, err = b.ks.Events(ctx, "c", "", 1)
	b.is(err, fault.Unavailable, "Events")
	b.is(b.st.CreateKeyspace(ctx, "new"), fault.Unavailable, "CreateKeyspace")

	_, err = b.ks.Get(b.ctx(), "k", "a")
	b.is(err, fault.NotFound, "what was cancelled has no effect")
	n, err := b.ks.CountAssignments(b.ctx(), "c", 1)
	b.no(err)
	b.equal(int64(0), n, "rows of what was cancelled")
}
