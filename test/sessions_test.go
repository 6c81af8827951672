package test_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/peertest"
)

// TestTwoGateways has one person connected through two gateway processes on one store: what is
// injected, marked and removed in one is so in the other.
func TestTwoGateways(t *testing.T) {
	t.Parallel()
	peertest.OnBackends(t, testTwoGateways)
}

func testTwoGateways(t *testing.T, kind peertest.Backend) {
	d := peertest.StartBackend(t, kind)
	d.Deliver(t, "ann", "INBOX", mails(10)...)
	before := d.Dump(t, "ann")
	w := newWorld(t)
	w.run(t, "welcome", []string{"ann"})
	w.run(t, "second", []string{"ann"})
	one, two := w.newChild(t, d.Address()), w.newChild(t, d.Address())

	a, b := login(t, one.addr, "ann"), login(t, two.addr, "ann")
	if n := a.exists("SELECT INBOX"); n != 12 {
		t.Fatalf("the first session sees %d messages", n)
	}
	if n := b.exists("SELECT INBOX"); n != 12 {
		t.Fatalf("the second session sees %d messages", n)
	}
	inA, inB := a.list(), b.list()
	if !slices.Equal(inA, inB) {
		t.Fatalf("the sessions see different lists:\n%v\n%v", inA, inB)
	}
	x, y := inA[10].uid, inA[11].uid
	for _, id := range []campaign.ID{"welcome", "second"} {
		if n := w.count(t, id, event.Injected); n != 1 {
			t.Errorf("%s: injected was recorded %d times", id, n)
		}
	}

	// Flags.
	a.must(fmt.Sprintf(`UID STORE %d +FLAGS (\Seen \Flagged Kept)`, x))
	told := b.must("NOOP").raw()
	if !strings.Contains(told, "* 11 FETCH (") || !strings.Contains(told, `\Flagged`) {
		t.Errorf("the second session is not told of the flags:\n%s", told)
	}
	if got := b.list()[10].flags; got != `Kept \Flagged \Seen` {
		t.Errorf("the second session sees the flags %q", got)
	}
	if got := b.must("SEARCH FLAGGED KEYWORD Kept").lines("SEARCH"); !slices.Equal(got, []string{"SEARCH 11"}) {
		t.Errorf("the second session finds %q by the flag", got)
	}
	// And while the other one idles.
	tag := a.idle()
	b.must(fmt.Sprintf(`UID STORE %d +FLAGS (\Answered)`, y))
	a.hear(`\Answered`)
	b.must(fmt.Sprintf(`UID STORE %d +FLAGS (\Deleted)`, x))
	b.must("EXPUNGE")
	a.hear("* 11 EXPUNGE")
	a.done(tag)
	if got := a.list(); len(got) != 11 || got[10].uid != y {
		t.Errorf("after the expunge in the other session: %v", got)
	}

	// For ever: in new sessions, through both, also when the mailbox is opened again and again.
	for _, addr := range []string{one.addr, two.addr, one.addr} {
		c := login(t, addr, "ann")
		if n := c.exists("SELECT INBOX"); n != 11 {
			t.Errorf("a new session sees %d messages", n)
		}
		if n := c.exists("EXAMINE INBOX"); n != 11 {
			t.Errorf("opened again it holds %d messages", n)
		}
	}
	if n := w.count(t, "welcome", event.Expunged) + w.count(t, "second", event.Expunged); n != 1 {
		t.Errorf("expunged was recorded %d times", n)
	}
	if n := w.count(t, "welcome", event.Injected) + w.count(t, "second", event.Injected); n != 2 {
		t.Errorf("injected was recorded %d times", n)
	}
	if after := d.Dump(t, "ann"); !slices.Equal(before, after) {
		t.Errorf("the real mails have changed:\n%v\n%v", before, after)
	}
}

// TestFirstMoment opens five connections of one person at the same moment on two gateways, just
// when there is something to inject for the first time, as phones do: fifty people, each of
// whom gets it once, and every session sees it under the same UID.
func TestFirstMoment(t *testing.T) {
	t.Parallel()
	peertest.OnBackends(t, testFirstMoment)
}

func testFirstMoment(t *testing.T, kind peertest.Backend) {
	const people, connections = 50, 5
	d := peertest.StartBackend(t, kind)
	w := newWorld(t)
	users := make([]string, people)
	for i := range users {
		users[i] = fmt.Sprintf("user%d", i)
		d.Deliver(t, users[i], "INBOX", mails(3)...)
	}
	w.run(t, "welcome", users)
	gates := []*proxy{newProxy(t, d.Address(), w.middleware), newProxy(t, d.Address(), w.client(t))}

	for _, user := range users {
		conns := make([]*conn, connections)
		for i := range conns {
			conns[i] = login(t, gates[i%2].addr, user)
		}
		lists := make([][]fetched, connections)
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i, c := range conns {
			wg.Go(func() {
				<-start
				c.t = &goroutine{TB: t}
				c.exists("SELECT INBOX")
				c.must("NOOP") // who was first may not have known of the others' mails
				lists[i] = c.list()
			})
		}
		close(start)
		wg.Wait()
		for i, l := range lists {
			if len(l) != 4 || !slices.Equal(l, lists[0]) {
				t.Errorf("%s: session %d sees %v, session 0 %v", user, i, l, lists[0])
			}
			conns[i].t = t
			conns[i].must("LOGOUT")
		}
		if left := d.Dump(t, user); len(left) != 3 {
			t.Errorf("%s: %d messages in the real mailbox", user, len(left))
		}
	}
	if n := w.count(t, "welcome", event.Injected); n != people {
		t.Errorf("injected was recorded %d times, not %d", n, people)
	}
	if late := gates[0].metric(t, "inlay_gateway_late_total") + gates[1].metric(t, "inlay_gateway_late_total"); late != 0 {
		t.Errorf("%v sessions learnt of it too late", late)
	}
}
