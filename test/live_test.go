package test_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/peertest"
)

// toldWithin is how long it may take until an idle session is told of what happened elsewhere.
const toldWithin = 5 * time.Second

// TestTold has one person idle on two gateway processes that never look by themselves. What
// begins, is marked, moved and recalled elsewhere is told to them within five seconds, by the
// change stream; one of them injects, and \Recent is its.
func TestTold(t *testing.T) {
	t.Parallel()
	peertest.OnBackends(t, testTold)
}

func testTold(t *testing.T, kind peertest.Backend) {
	d := peertest.StartBackend(t, kind)
	d.Deliver(t, "ann", "INBOX", mails(10)...)
	w := newWorld(t)
	hour := func(c *childConfig) { c.Look = time.Hour }
	one, two := w.newChild(t, d.Address(), hour), w.newChild(t, d.Address(), hour)
	a, b := login(t, one.addr, "ann"), login(t, two.addr, "ann")
	a.must("CREATE Archive")
	before := d.Dump(t, "ann")
	for _, c := range []*conn{a, b} {
		if n := c.exists("SELECT INBOX"); n != 10 {
			t.Fatalf("%s sees %d messages", c.name, n)
		}
	}
	told := func(what string, since time.Time) {
		t.Helper()
		if took := time.Since(since); took > toldWithin {
			t.Errorf("%s was told after %s", what, took)
		}
	}

	// A campaign starts.
	tagA, tagB := a.idle(), b.idle()
	begun := time.Now()
	w.run(t, "welcome", []string{"ann"})
	heard := append(a.hear("* 11 EXISTS"), b.hear("* 11 EXISTS")...)
	told("a new campaign", begun)
	heard = slices.Concat(heard, a.done(tagA).untagged, b.done(tagB).untagged)
	recent := 0
	for _, c := range []*conn{a, b} {
		recent += strings.Count(c.must("SEARCH RECENT 11").raw(), "* SEARCH 11\r\n")
	}
	if recent != 1 {
		t.Errorf("%d sessions have \\Recent; heard %q", recent, heard)
	}
	if n := w.count(t, "welcome", event.Injected); n != 1 {
		t.Errorf("injected was recorded %d times", n)
	}

	// Flags.
	tagB = b.idle()
	begun = time.Now()
	a.must(`STORE 11 +FLAGS (\Flagged)`)
	b.hear(`* 11 FETCH (FLAGS (\Flagged`)
	told("a flag", begun)

	// It is moved.
	begun = time.Now()
	moved := a.must("MOVE 11 Archive").raw()
	b.hear("* 11 EXPUNGE")
	told("a move", begun)
	b.done(tagB)
	if !strings.Contains(moved, "* OK [COPYUID ") || !strings.Contains(moved, "* 11 EXPUNGE") {
		t.Errorf("MOVE: %s", moved)
	}

	// Another one comes, and is recalled.
	tagA, tagB = a.idle(), b.idle()
	w.run(t, "second", []string{"ann"})
	a.hear("* 11 EXISTS")
	b.hear("* 11 EXISTS")
	begun = time.Now()
	w.recall(t, "second")
	a.hear("* 11 EXPUNGE")
	b.hear("* 11 EXPUNGE")
	told("a recall", begun)
	a.done(tagA)
	b.done(tagB)
	w.recall(t, "welcome")
	for _, id := range []campaign.ID{"welcome", "second"} {
		if n := w.count(t, id, event.Injected); n != 1 {
			t.Errorf("%s: injected was recorded %d times", id, n)
		}
	}

	// The person keeps what was moved, with its flag; all else is as it was.
	var kept []string
	after := slices.DeleteFunc(d.Dump(t, "ann"), func(m peertest.Listed) bool {
		if m.Mailbox == "Archive" {
			kept = append(kept, fmt.Sprint(m.Flags))
		}
		return m.Mailbox == "Archive"
	})
	if len(kept) != 1 || !strings.Contains(kept[0], `\Flagged`) {
		t.Errorf("in the archive are messages with the flags %q", kept)
	}
	if !slices.Equal(before, after) {
		t.Errorf("the real mails have changed:\n%v\n%v", before, after)
	}
}
