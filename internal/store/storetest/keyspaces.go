package storetest

import (
	"context"
	"strings"
	"sync/atomic"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/store"
)

func testKeyspaces(b *bench) {
	for _, name := range []string{"", "_a", "a-b", "a.b", "../a", "a/b", "ä", "a b", strings.Repeat("k", 49)} {
		b.is(b.st.CreateKeyspace(b.ctx(), name), fault.Invalid, "creating %q", name)
		_, err := b.st.Keyspace(b.ctx(), name)
		b.is(err, fault.Invalid, "opening %q", name)
	}
	_, err := b.st.Keyspace(b.ctx(), "missing")
	b.is(err, fault.NotFound, "a keyspace that was not created")
	for _, name := range []string{"k", "0", "mim_default", strings.Repeat("k", 48)} {
		ks := b.keyspace(name)
		_, err := ks.Put(b.ctx(), "k", "a", 0, []byte(name))
		b.no(err)
		again := b.keyspace(name) // created again: what is in it stays
		d, err := again.Get(b.ctx(), "k", "a")
		b.no(err)
		b.equal(name, string(d.Body), "a document in the keyspace %s", name)
	}
	b.no(b.st.Ping(b.ctx()))
}

func testKeyspaceRace(b *bench) {
	errs := together(8, func(i int) error {
		if err := b.st.CreateKeyspace(b.ctx(), "racy"); err != nil {
			return err
		}
		ks, err := b.st.Keyspace(b.ctx(), "racy")
		if err != nil {
			return err
		}
		_, err = ks.Put(b.ctx(), "k", strings.Repeat("x", i+1), 0, nil)
		return err
	})
	b.equal(8, b.winners(errs, fault.Internal), "creators")
	ks, err := b.st.Keyspace(b.ctx(), "racy")
	b.no(err)
	page, err := ks.List(b.ctx(), "k", "", 100)
	b.no(err)
	b.equal(8, len(page), "documents in the one keyspace")
}

func testClosed(b *bench) {
	control := b.st.Control()
	b.no(b.st.Close())
	b.no(b.st.Close())
	b.is(b.st.Ping(b.ctx()), fault.Unavailable, "Ping")
	b.is(b.st.CreateKeyspace(b.ctx(), "new"), fault.Unavailable, "CreateKeyspace")
	_, err := b.st.Keyspace(b.ctx(), "space")
	b.is(err, fault.Unavailable, "Keyspace")
	_, err = control.Get(b.ctx(), "k", "a")
	b.is(err, fault.Unavailable, "Get")
	_, err = b.ks.Put(b.ctx(), "k", "a", 0, nil)
	b.is(err, fault.Unavailable, "Put")
	_, err = b.ks.Person(b.ctx(), "anna", now)
	b.is(err, fault.Unavailable, "Person")
	b.is(b.ks.Apply(b.ctx(), store.Change{User: "anna", Owner: owner("anna"), ID: "1"}), fault.Unavailable, "Apply")
	_, err = b.ks.Tally(b.ctx(), "c")
	b.is(err, fault.Unavailable, "Tally")
}

// testCloseUnderLoad: calls under way succeed or are Unavailable, and what was told to have
// succeeded is there afterwards.
func testCloseUnderLoad(b *bench) {
	if b.engine.Reopen == nil {
		b.Skip("this engine cannot be opened again")
	}
	var written atomic.Int64
	enough := make(chan struct{})
	closed := make(chan error, 1)
	go func() {
		<-enough
		closed <- b.st.Close()
	}()
	kept := make([]int, 8)
	errs := together(len(kept), func(i int) error {
		for n := 0; ; n++ {
			_, err := b.ks.Put(context.Background(), "k", docID(i, n), 0, nil)
			if err != nil {
				kept[i] = n
				return err
			}
			if written.Add(1) == 50 {
				close(enough)
			}
		}
	})
	b.equal(0, b.winners(errs, fault.Unavailable), "workers that never noticed")
	b.no(<-closed)
	b.reopen()
	for i, n := range kept {
		for j := range n {
			if _, err := b.ks.Get(b.ctx(), "k", docID(i, j)); err != nil {
				b.Errorf("document %d of worker %d was kept, and now: %v", j, i, err)
			}
		}
	}
}

func docID(i, n int) string { return string(rune('a'+i)) + strings.Repeat("x", n) }

func (b *bench) reopen() {
	b.Helper()
	b.no(b.st.Close())
	b.st = b.engine.Reopen(b, b.st)
	ks, err := b.st.Keyspace(b.ctx(), "space")
	b.no(err)
	b.ks = ks
}

func testReopened(b *bench) {
	if b.engine.Reopen == nil {
		b.Skip("this engine cannot be opened again")
	}
	_, err := b.st.Control().Put(b.ctx(), "k", "a", 0, []byte("control"))
	b.no(err)
	_, err = b.ks.Put(b.ctx(), "k", "a", 0, []byte("mine"))
	b.no(err)
	_, _, err = b.ks.Once(b.ctx(), "o", []byte("mine"), now, 3600e9)
	b.no(err)
	change := change("anna", 0, "1", placed("anna", "c", "1"))
	b.no(b.ks.Apply(b.ctx(), change))
	b.no(b.ks.WriteAssignments(b.ctx(), "c", 2, now, []store.AssignmentRow{{User: "anna", Line: 1, Variables: map[string]string{"a": "b"}}}))
	b.no(b.ks.PutTemplate(b.ctx(), "d", []byte("body")))
	before, err := b.ks.Person(b.ctx(), "anna", now)
	b.no(err)
	epoch, err := b.ks.Epoch(b.ctx())
	b.no(err)

	b.reopen()
	after, err := b.ks.Person(b.ctx(), "anna", now)
	b.no(err)
	b.equal(before, after, "the person")
	d, err := b.st.Control().Get(b.ctx(), "k", "a")
	b.no(err)
	b.equal("control", string(d.Body), "a document of control")
	kept, fresh, err := b.ks.Once(b.ctx(), "o", []byte("theirs"), now, 3600e9)
	b.no(err)
	if fresh || string(kept) != "mine" {
		b.Errorf("once: %q, %t", kept, fresh)
	}
	body, err := b.ks.Template(b.ctx(), "d")
	b.no(err)
	b.equal("body", string(body), "the template")
	events, _, err := b.ks.Events(b.ctx(), "c", "", 10)
	b.no(err)
	b.equal(change.Events, events, "the events")
	n, err := b.ks.Epoch(b.ctx())
	b.no(err)
	if n < epoch {
		b.Errorf("the epoch went from %d to %d", epoch, n)
	}
	b.no(b.ks.Apply(b.ctx(), change)) // repeated after the crash of the caller
	again, err := b.ks.Person(b.ctx(), "anna", now)
	b.no(err)
	b.equal(before, again, "the person after a repeated change")
}
