package test_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/peertest"
)

// TestAlpine has a person at a terminal with alpine, whose c-client library many programs share:
// reads the letter, flags it, deletes it and expunges.
func TestAlpine(t *testing.T) {
	t.Parallel()
	d := newDesk(t, peertest.DovecotBackend, "ann")
	before := d.server.Dump(t, d.user)
	program := peertest.Need(t, "alpine", "alpine")
	term := newTerminal(t)
	start := func() {
		t.Helper()
		host, port := d.hostPort(t)
		rc := filepath.Join(term.home, "pinerc")
		text := fmt.Sprintf("inbox-path={%s:%s/imap/user=%s/notls}INBOX\n", host, port, d.user) +
			"feature-list=disable-password-file-saving,enable-flag-cmd,quit-without-confirm,expunge-without-confirm-everywhere,no-save-aggregates-copy-sequence\n" +
			"mail-check-interval=5\nlast-version-used=9.99\n"
		if err := os.WriteFile(rc, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		term.start(t, program, "-p", rc, "-i")
		term.shows(t, "PASSWORD")
		term.keys(t, "pass", "Enter")
	}

	d.run(t, "welcome", []string{d.user})
	start()
	term.shows(t, "of 1,001") // "Message 1,001 of 1,001"
	term.keys(t, "j")
	term.shows(t, "Message number to jump to")
	term.keys(t, "1001", "Enter")
	term.shows(t, "A letter for Ms ann")
	term.keys(t, "Enter")
	term.shows(t, "Dear Ms ann,")
	term.keys(t, "*", "*") // flags it as important
	term.shows(t, `Flagged message 1001 "Important"`)
	term.keys(t, "q")
	term.ended(t)
	c := login(t, d.addr, d.user)
	c.must("SELECT INBOX")
	if got := c.must(fmt.Sprintf("UID FETCH %d FLAGS", manyMails+1)).raw(); strings.Join(flagsIn(got), " ") != `\Flagged \Seen` {
		t.Errorf("after alpine its flags are %q", got)
	}
	c.must("CLOSE")
	d.unchanged(t, before)

	start()
	term.shows(t, "of 1,001")
	term.keys(t, "j")
	term.shows(t, "Message number to jump to")
	term.keys(t, "1001", "Enter")
	term.shows(t, "Message 1,001 of 1,001")
	term.keys(t, "d", "x")
	term.shows(t, "of 1,000")
	term.keys(t, "q")
	term.ended(t)
	if n := d.count(t, "welcome", event.Expunged); n != 1 {
		t.Errorf("expunged was recorded %d times", n)
	}
	d.unchanged(t, before)
}
