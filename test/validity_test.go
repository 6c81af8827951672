package test_test

import (
	"slices"
	"testing"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/peertest"
)

// TestMadeAnewCyrus: a mailbox that was deleted and made again has another UIDVALIDITY: what was
// injected into the old one is void, and comes anew.
func TestMadeAnewCyrus(t *testing.T) {
	t.Parallel()
	d := peertest.StartCyrus(t, peertest.CyrusOptions{})
	d.Deliver(t, "ann", "Letters", mails(3)...)
	w := newWorld(t)
	w.run(t, "welcome", []string{"ann"}, func(c *campaign.Active) { c.Mailbox = "Letters" })
	p := newProxy(t, d.Addr, w.middleware)
	if n := login(t, p.addr, "ann").exists("SELECT Letters"); n != 4 {
		t.Fatalf("%d messages, not 4", n)
	}
	was := d.Status(t, "ann", "Letters").UIDValidity
	login(t, d.Addr, "ann").must("DELETE Letters")
	d.Deliver(t, "ann", "Letters", mails(3)...)
	if now := d.Status(t, "ann", "Letters").UIDValidity; now == was {
		t.Fatalf("UIDVALIDITY is %d as before", now)
	}
	comesAnew(t, d, p, "Letters")
}

// comesAnew opens the mailbox until the letter is there again, beside three mails, to stay.
func comesAnew(t *testing.T, d peertest.Server, p *proxy, mailbox string) {
	t.Helper()
	var seen []fetched
	peertest.Eventually(t, "it is injected anew", func() bool {
		c := login(t, p.addr, "ann")
		defer c.nc.Close()
		c.must("SELECT " + mailbox)
		seen = c.list()
		return len(seen) == 4
	})
	again := login(t, p.addr, "ann")
	if again.exists("SELECT "+mailbox) != 4 || !slices.Equal(again.list(), seen) {
		t.Errorf("first %v, then %v", seen, again.list())
	}
	if left := d.Dump(t, "ann"); len(left) != 3 {
		t.Errorf("%d messages in the real mailboxes", len(left))
	}
}

// TestRestored: a mailbox that was restored from a backup counts UIDs on from before the letter
// had its own. The letter is void as long as its UID is not spent, and its UID may be another
// message's afterwards; it comes anew, behind everything.
func TestRestored(t *testing.T) {
	t.Parallel()
	for name, arrive := range map[string]int{"its UID is not spent": 0, "its UID is a mail's": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := peertest.StartDovecot(t, peertest.Options{})
			d.Deliver(t, "ann", "INBOX", mails(3)...)
			backup := d.Backup(t, "ann")
			w := newWorld(t)
			w.run(t, "welcome", []string{"ann"})
			p := newProxy(t, d.Addr, w.middleware)
			c := login(t, p.addr, "ann")
			if n := c.exists("SELECT INBOX"); n != 4 {
				t.Fatalf("%d messages, not 4", n)
			}
			letter := c.list()[3].uid
			c.must("LOGOUT")
			before := d.Dump(t, "ann")
			d.Restore(t, "ann", backup)
			if next := d.Status(t, "ann", "INBOX").UIDNext; next > letter {
				t.Fatalf("UIDNEXT is %d: that is no backup of before", next)
			}
			if restored := d.Dump(t, "ann"); !slices.Equal(before, restored) {
				t.Fatalf("restored %v, and it was %v", restored, before)
			}
			d.Deliver(t, "ann", "INBOX", mails(3 + arrive)[3:]...)

			mailsNow := uint32(3 + arrive)
			var seen []fetched
			peertest.Eventually(t, "it is injected anew", func() bool {
				c := login(t, p.addr, "ann")
				defer c.nc.Close()
				n := c.exists("SELECT INBOX")
				seen = c.list()
				if int(n) != len(seen) || n < mailsNow || n > mailsNow+1 {
					t.Fatalf("%d messages are said to be there, and listed %v", n, seen)
				}
				return n == mailsNow+1
			})
			for i := range 3 + arrive {
				if got := seen[i].uid; got != uint32(i+1) {
					t.Errorf("mail %d has the UID %d: %v", i+1, got, seen)
				}
			}
			again := login(t, p.addr, "ann")
			again.must("SELECT INBOX")
			if !slices.Equal(again.list(), seen) {
				t.Errorf("first %v, then %v", seen, again.list())
			}
			if n := p.metric(t, "inlay_not_injected_total", "reason=uid_taken"); n == 0 {
				t.Error("no metric says that a letter was given up")
			}
			if n := w.count(t, "welcome", event.Injected); n < 1 || n > 2 {
				t.Errorf("injected was recorded %d times", n)
			}
			if left := d.Dump(t, "ann"); len(left) != 3+arrive {
				t.Errorf("%d messages in the real mailbox", len(left))
			}
		})
	}
}
