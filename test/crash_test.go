package test_test

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/peertest"
	"inlay.example/inlay/internal/placement"
)

// TestKilled kills a gateway's process with SIGKILL after every step of an injection, and
// connects again through another gateway: no marker may be seen or left behind, nothing may be
// there twice, and what was to be injected must come in the end.
func TestKilled(t *testing.T) {
	t.Parallel()
	peertest.OnBackends(t, testKilled)
}

func testKilled(t *testing.T, kind peertest.Backend) {
	d := peertest.StartBackend(t, kind)
	for _, step := range gateway.Steps() {
		for _, how := range []struct {
			name  string
			lapse bool // until the dead gateway's lease has run out
			strip bool // another session takes the marker's flags away
			first string
		}{
			{"at once", false, false, "SELECT INBOX"},
			{"read-only first", false, false, "EXAMINE INBOX"},
			{"when the lease has run out", true, false, "SELECT INBOX"},
			{"with the flags stripped", false, true, "SELECT INBOX"},
			{"with the flags stripped and the lease run out", true, true, "SELECT INBOX"},
		} {
			t.Run(string(step)+"/"+how.name, func(t *testing.T) {
				t.Parallel()
				user := strings.ReplaceAll(string(step)+"."+how.name, " ", ".")
				d.Deliver(t, user, "INBOX", mails(3)...)
				w := newWorld(t)
				w.run(t, "welcome", []string{user})
				lease := 10 * time.Second
				if how.lapse {
					lease = time.Second
				}
				w.killed(t, d, user, step, lease, "SELECT INBOX")

				if how.strip {
					bare := login(t, d.Address(), user)
					bare.must("SELECT INBOX")
					bare.must(`STORE 1:* FLAGS (\Seen)`)
					bare.must("STORE 1:* FLAGS ()") // as they were, but for the marker
					bare.must("LOGOUT")
				}
				if how.lapse {
					w.lapsed(t, user)
				}
				p := newProxy(t, d.Address(), w.middleware, func(c *gateway.Config) { c.KnownBudget = 0 }) // 2 s, as people have it
				if how.lapse {
					// Before anybody has opened the mailbox, and cleared it.
					if got := login(t, p.addr, user).must("STATUS INBOX (MESSAGES)").lines("STATUS"); len(got) != 1 || !strings.Contains(got[0], "(MESSAGES 3)") && !strings.Contains(got[0], "(MESSAGES 4)") || strings.Contains(got[0], "(MESSAGES 4)") && !live(step) {
						t.Errorf("after %s STATUS counts %q of three mails", step, got)
					}
				}
				w.comesBack(t, d, p, user, how.first, step, how.lapse)
			})
		}
	}
}

// live reports whether a letter is in the mailbox after a step, for those who look.
func live(step gateway.Step) bool {
	return step == gateway.StepConfirmed || step == gateway.StepAnswered
}

// killed lets a gateway die at a step, in the middle of the last of a person's commands.
func (w *world) killed(t *testing.T, d peertest.Server, user string, step gateway.Step, lease time.Duration, commands ...string) {
	t.Helper()
	g := w.newChild(t, d.Address(), func(c *childConfig) { c.DieAt, c.Lease = step, lease })
	c := login(t, g.addr, user)
	last := len(commands) - 1
	for _, text := range commands[:last] {
		c.must(text)
	}
	c.write("last " + commands[last] + "\r\n")
	for {
		if _, err := c.tryResponse(); err != nil {
			break
		}
	}
	var exit *exec.ExitError
	if err := g.Wait(t, 10*time.Second); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the gateway was not killed at %s, but: %v\n%s", step, err, g.Output())
	}
	// Its session on the server has to be gone, as it would be after a while.
	peertest.Eventually(t, "the server notices", func() bool {
		return !d.Serves(t, user)
	})
}

// lapsed waits until no claim of the person holds a living lease.
func (w *world) lapsed(t *testing.T, user string) {
	t.Helper()
	all, err := w.middleware.Placements(t.Context(), injection.Person{User: user})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.State == placement.Claimed {
			<-time.After(time.Until(p.Lease) + 10*time.Millisecond)
		}
	}
}

// comesBack is the person's reconnecting after the crash, until the letter is there.
func (w *world) comesBack(t *testing.T, d peertest.Server, p *proxy, user, first string, step gateway.Step, lapsed bool) {
	t.Helper()
	// What is seen: the three real mails, and the letter or not; never anything else.
	look := func(command string) []fetched {
		t.Helper()
		c := login(t, p.addr, user)
		n := c.exists(command)
		all := c.list()
		if int(n) != len(all) {
			t.Errorf("%s says %d messages, and %d are there", command, n, len(all))
		}
		if found := c.must("SEARCH HEADER X-Inlay-Reserved \"\"").lines("SEARCH"); !slices.Equal(found, []string{"SEARCH"}) {
			t.Errorf("a marker is found: %q", found)
		}
		status := c.must("STATUS INBOX (MESSAGES)").lines("STATUS")
		c.must("LOGOUT")
		if len(all) < 3 || len(all) > 4 || all[2].uid != 3 {
			t.Errorf("after %s: %v", command, all)
		}
		if len(status) != 1 || !strings.Contains(status[0], "(MESSAGES "+string(rune('0'+len(all)))+")") {
			t.Errorf("STATUS %q of %d messages", status, len(all))
		}
		return all
	}
	begun := time.Now()
	seen := look(first)
	if took := time.Since(begun); took > atOnce {
		t.Errorf("the first SELECT took %s", took)
	}
	switch {
	case step == gateway.StepConfirmed, step == gateway.StepAnswered:
		if len(seen) != 4 {
			t.Errorf("it was live, and is not seen: %v", seen)
		}
	case lapsed || step == gateway.StepOffered && first == "SELECT INBOX":
		if len(seen) != 4 {
			t.Errorf("the dead gateway's claim was free, and is not taken over at once: %v", seen)
		}
	}
	look("SELECT INBOX")
	if left := d.Dump(t, user); len(left) != 3 {
		t.Errorf("left in the real mailbox: %v", left)
	}
	// A claim that had to be voided while its lease lived keeps the person from new ones for
	// ten minutes.
	w.later.Add(int64(11 * time.Minute))
	seen = look("SELECT INBOX")
	again := look("SELECT INBOX")
	if len(seen) != 4 || !slices.Equal(seen, again) {
		t.Errorf("in the end there are %v, and then %v", seen, again)
	}
	if left := d.Dump(t, user); len(left) != 3 {
		t.Errorf("left in the real mailbox: %v", left)
	}
	if n := w.count(t, "welcome", event.Injected); n != 1 {
		t.Errorf("injected was recorded %d times", n)
	}
}
