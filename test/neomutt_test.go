package test_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"inlay.example/inlay/internal/peertest"
)

// TestNeomutt has a person at a terminal: neomutt in tmux, keys typed, the screen read.
func TestNeomutt(t *testing.T) {
	t.Parallel()
	peertest.OnBackends(t, testNeomutt)
}

func testNeomutt(t *testing.T, kind peertest.Backend) {
	d := newDesk(t, kind, "ann")
	before := d.server.Dump(t, d.user)
	term := newTerminal(t)

	d.run(t, "welcome", []string{d.user})
	rc := d.muttrc(t)
	term.start(t, peertest.Need(t, "neomutt", "neomutt"), "-F", rc)
	term.shows(t, "Msgs:1001")
	term.keys(t, "End")
	term.shows(t, "A letter for Ms ann")
	term.keys(t, "Enter")
	term.shows(t, "Dear Ms ann,")
	term.keys(t, "q")
	// Flag it, limit the list to what is found by subject, and write back.
	term.shows(t, "Msgs:1001")
	term.keys(t, "F", "l")
	term.shows(t, "Limit to")
	term.keys(t, "~s letter", "Enter")
	term.shows(t, "Msgs:1/1001")
	term.keys(t, "q")
	term.ended(t)

	c := login(t, d.addr, d.user)
	c.must("SELECT INBOX")
	if got := c.must(fmt.Sprintf("UID FETCH %d FLAGS", manyMails+1)).raw(); strings.Join(flagsIn(got), " ") != `\Flagged \Seen` {
		t.Errorf("after neomutt its flags are %q", got)
	}

	d.recall(t, "welcome")
	term.start(t, peertest.Need(t, "neomutt", "neomutt"), "-F", rc)
	term.shows(t, "Msgs:1000")
	term.keys(t, "q")
	term.ended(t)
	d.unchanged(t, before)
}

func (d *desk) muttrc(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	rc := filepath.Join(dir, "muttrc")
	text := fmt.Sprintf(`set folder = "imap://%[1]s/"
set spoolfile = "imap://%[1]s/INBOX"
set imap_user = "%[2]s"
set imap_pass = "pass"
set ssl_starttls = no
set ssl_force_tls = no
set header_cache = "%[3]s/cache"
set mark_old = no
set wait_key = no
set quit = yes
set sort = mailbox-order
set mail_check = 2
set status_format = "Msgs:%%?M?%%M/?%%m"
set imap_idle = yes
`, d.addr, d.user, dir)
	if err := os.WriteFile(rc, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return rc
}

// terminal is a tmux of its own with one window.
type terminal struct {
	tmux   string
	socket string
	home   string
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	dir, err := os.MkdirTemp("", "inlay-tmux-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{tmux: peertest.Need(t, "tmux", "tmux"), socket: filepath.Join(dir, "s"), home: t.TempDir()}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen:\n%s", term.screen())
		}
		_ = exec.Command(term.tmux, "-S", term.socket, "kill-server").Run() // fails if it has ended with its window
		os.RemoveAll(dir)
	})
	return term
}

func (term *terminal) start(t *testing.T, command ...string) {
	t.Helper()
	args := append([]string{"-S", term.socket, "-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", "env", "HOME=" + term.home, "LC_ALL=C.UTF-8", "TERM=screen"}, command...)
	cmd := exec.Command(term.tmux, args...)
	cmd.Env = append(os.Environ(), "TERM=xterm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v: %s", err, out)
	}
}

func (term *terminal) screen() string {
	out, _ := exec.Command(term.tmux, "-S", term.socket, "capture-pane", "-p").Output() // empty when there is none
	return string(out)
}

// shows waits for a text on the screen.
func (term *terminal) shows(t *testing.T, text string) {
	t.Helper()
	peertest.Eventually(t, "on the screen: "+text, func() bool { return strings.Contains(term.screen(), text) })
}

// keys types: names of keys as tmux has them, anything else literally.
func (term *terminal) keys(t *testing.T, keys ...string) {
	t.Helper()
	if out, err := exec.Command(term.tmux, append([]string{"-S", term.socket, "send-keys"}, keys...)...).CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v: %s", err, out)
	}
}

// ended waits for the program to end.
func (term *terminal) ended(t *testing.T) {
	t.Helper()
	peertest.Eventually(t, "the program ends", func() bool {
		return exec.Command(term.tmux, "-S", term.socket, "has-session").Run() != nil
	})
}
