package test_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/peertest"
)

// dead is a letter that a gateway died over.
type dead struct {
	w    *world
	d    peertest.Server
	user string
	uid  uint32 // of the letter
	high uint64 // HIGHESTMODSEQ that a client holds
}

// diesOver injects a letter behind three mails, flags it, and lets a gateway die at a step of a
// command of which %d is the letter's UID. If lapse, what it leaves is old enough for others at once.
func diesOver(t *testing.T, d peertest.Server, user string, step gateway.Step, command string, lapse bool) *dead {
	t.Helper()
	d.Deliver(t, user, "INBOX", mails(3)...)
	w := newWorld(t)
	w.run(t, "welcome", []string{user})
	alive := newProxy(t, d.Address(), w.middleware)
	c := login(t, alive.addr, user)
	c.cmd("CREATE Kept")
	if n := c.exists("SELECT INBOX"); n != 4 {
		t.Fatalf("%d messages, of three and a letter", n)
	}
	x := &dead{w: w, d: d, user: user, uid: c.list()[3].uid}
	c.must(fmt.Sprintf(`UID STORE %d +FLAGS (\Flagged)`, x.uid))
	c.must("LOGOUT")
	c = login(t, alive.addr, user)
	if x.high = c.must("SELECT INBOX (CONDSTORE)").highest(); x.high == 0 {
		t.Fatal("no HIGHESTMODSEQ")
	}
	c.must("LOGOUT")
	if lapse {
		w.later.Store(-int64(2 * time.Minute)) // what happens now happened two minutes ago
	}
	w.killed(t, d, user, step, 10*time.Second, "SELECT INBOX", fmt.Sprintf(command, x.uid))
	return x
}

// TestKilledMoving kills a gateway after every step of a MOVE of a letter and a mail: what comes
// back is in one place, once, as soon as somebody may look for it, with the flags that it had.
func TestKilledMoving(t *testing.T) {
	t.Parallel()
	peertest.OnBackends(t, func(t *testing.T, kind peertest.Backend) {
		d := peertest.StartBackend(t, kind)
		for _, step := range gateway.MoveSteps() {
			for _, first := range []string{"", "SELECT INBOX", "EXAMINE INBOX", "SELECT Kept", "STATUS INBOX (MESSAGES)"} {
				name := first
				if first == "" {
					name = "at once"
				}
				t.Run(string(step)+"/"+name, func(t *testing.T) {
					t.Parallel()
					user := strings.ToLower(strings.Join(strings.FieldsFunc(string(step)+"."+name, func(r rune) bool { return !(r >= 'A' && r <= 'z' || r == '.') }), "."))
					x := diesOver(t, d, user, step, "UID MOVE 2,%d Kept", first != "")
					x.movedOnce(t, step, first)
				})
			}
		}
	})
}

// movedOnce is the person's coming back after a MOVE that was cut off; first is empty as long as
// the MOVE may still be going on for all that others know.
func (x *dead) movedOnce(t *testing.T, step gateway.Step, first string) {
	t.Helper()
	p := newProxy(t, x.d.Address(), x.w.middleware)
	if first != "" {
		c := login(t, p.addr, x.user)
		c.must(first)
		c.must("LOGOUT")
	}
	c := login(t, p.addr, x.user)
	c.must("SELECT INBOX")
	inbox := c.list()
	c.must("SELECT Kept")
	kept := rowsOf(c.cmd("UID FETCH 1:* " + rowItems))

	copied, rest, ended := step != gateway.StepAnnounced, step != gateway.StepAnnounced && step != gateway.StepCopied, slices.Contains(append(gateway.ChangeSteps(), gateway.StepEnded), step)
	here := slices.IndexFunc(inbox, func(f fetched) bool { return f.uid == x.uid })
	there := 0
	for _, r := range kept {
		if r.injected {
			if there++; !slices.Equal(r.flags, []string{`\Flagged`}) {
				t.Errorf("the copy has the flags %q", r.flags)
			}
		}
	}
	if want := map[bool]int{true: 1}[copied]; there != want {
		t.Errorf("%d copies, not %d", there, want)
	}
	gone := copied // its copy says so
	if first == "" {
		gone = ended
	}
	if gone != (here < 0) {
		t.Errorf("in the view: %v", inbox)
	}
	if here >= 0 && inbox[here].flags != `\Flagged` {
		t.Errorf("the letter has the flags %q", inbox[here].flags)
	}
	if real := len(kept) - there; real != map[bool]int{true: 1}[rest] {
		t.Errorf("%d real mails were moved", real)
	}
	if left := x.d.Dump(t, x.user); len(left) != 3+there {
		t.Errorf("three mails and %d copies, and there are %v", there, left)
	}
	if n := x.w.count(t, "welcome", event.Moved); (n == 1) != gone || n > 1 {
		t.Errorf("moved was recorded %d times", n)
	}
	if n := x.w.count(t, "welcome", event.Injected); n != 1 {
		t.Errorf("injected was recorded %d times", n)
	}
	if !gone && first != "" { // it was given back: it can be moved
		c.must("SELECT INBOX")
		c.must(fmt.Sprintf("UID MOVE %d Kept", x.uid))
		if left := x.d.Dump(t, x.user); len(left) != 4 {
			t.Errorf("moved in the end, there are %v", left)
		}
	}
}

// TestKilledChanging kills a gateway after every step of a STORE of a letter and a mail: a
// client that holds a mod-sequence learns of the change when it comes back.
func TestKilledChanging(t *testing.T) {
	t.Parallel()
	peertest.OnBackends(t, func(t *testing.T, kind peertest.Backend) {
		d := peertest.StartBackend(t, kind)
		for _, step := range gateway.ChangeSteps() {
			t.Run(string(step), func(t *testing.T) {
				t.Parallel()
				x := diesOver(t, d, "changed."+string(step), step, `UID STORE 2,%d +FLAGS (\Answered)`, true)
				c := login(t, newProxy(t, d.Address(), x.w.middleware).addr, x.user)
				if now := c.must("SELECT INBOX (CONDSTORE)").highest(); now <= x.high {
					t.Errorf("HIGHESTMODSEQ was %d before the change, and is %d", x.high, now)
				}
				told := c.must(fmt.Sprintf("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d)", x.high)).raw()
				if !strings.Contains(told, fmt.Sprintf("UID %d ", x.uid)) || strings.Count(told, `\Answered`) != 2 {
					t.Errorf("changed since %d:\n%s", x.high, told)
				}
				if left := d.Dump(t, x.user); len(left) != 3 {
					t.Errorf("left in the real mailbox: %v", left)
				}
			})
		}
	})
}
