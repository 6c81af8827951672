package test_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/peertest"
)

// download is a program that copies mails from the mailbox to the disk.
type download struct {
	*desk
	dir  string
	once func(t *testing.T) // runs it once
}

// letterText is in the body of the injected message, and in no real mail.
const letterText = "this letter came by no post"

// TestDownloads lets programs that copy mail away run before, during and after a campaign. Each is
// run twice whenever something has happened: the second time it must find nothing to do, and never
// may it fetch a mail twice.
func TestDownloads(t *testing.T) {
	t.Parallel()
	for name, with := range map[string]func(*testing.T, *download){
		"getmail":   withGetmail,
		"fetchmail": withFetchmail,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const mails = 100 // each costs a process
			d := &download{desk: newDeskOf(t, peertest.DovecotBackend, "ann", mails), dir: t.TempDir()}
			with(t, d)
			d.runs(t, mails, 0, "before the campaign")
			before := d.server.Dump(t, d.user) // fetchmail has set \Seen

			d.desk.run(t, "welcome", []string{d.user})
			// getmail opens the mailbox read-only, which injects nothing; the person has a phone too.
			login(t, d.addr, d.user).must("SELECT INBOX")
			d.runs(t, mails+1, 1, "during the campaign")
			d.runs(t, mails+1, 1, "while nothing happens")

			d.recall(t, "welcome")
			// What was copied away stays there, as with any mail.
			d.runs(t, mails+1, 1, "after the recall")
			d.unchanged(t, before)
		})
	}
}

// runs runs the program twice and checks what is on the disk after each time.
func (d *download) runs(t *testing.T, mails, letters int, when string) {
	t.Helper()
	for _, time := range []string{"first", "second"} {
		d.once(t)
		all := tree(t, filepath.Join(d.dir, "mail"))
		sums := map[[sha256.Size]byte]bool{}
		found := 0
		for _, b := range all {
			sums[sha256.Sum256(b)] = true
			found += bytes.Count(b, []byte(letterText+".\r\n")) + bytes.Count(b, []byte(letterText+".\n"))
		}
		if len(all) != mails || found != letters {
			t.Errorf("%s, after the %s run: %d mails and %d letters on the disk, not %d and %d", when, time, len(all), found, mails, letters)
		}
	}
}

// tree reads every file of a folder that is not hidden.
func tree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// configure writes a program's configuration, and makes the maildir that it delivers into.
func (d *download) configure(t *testing.T, name, format string, args ...any) (path string) {
	t.Helper()
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(d.dir, "mail", sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(d.dir, name)
	if err := os.WriteFile(path, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// withGetmail fetches what it has not fetched yet, known by UID. It hands mails to an LMTP server
// (RFC 2033): its own delivery to a maildir refuses to be root, which tests may be, and its
// delivery by a program hangs now and then in a lock of its own.
func withGetmail(t *testing.T, d *download) {
	t.Helper()
	program := peertest.Need(t, "getmail", "getmail6")
	host, port := d.hostPort(t)
	lmtp := d.serveLMTP(t)
	rc := d.configure(t, "getmailrc", `[retriever]
type = SimpleIMAPRetriever
server = %s
port = %s
username = %s
password = pass

[destination]
type = MDA_lmtp
host = 127.0.0.1
port = %d
override = ann@mail.example

[options]
read_all = false
delete = false
delivered_to = false
received = false
verbose = 0
`, host, port, d.user, lmtp)
	d.once = func(t *testing.T) {
		t.Helper()
		output(t, program, "--getmaildir", d.dir, "--rcfile", rc)
	}
}

// serveLMTP takes mails, writes each to a file of the maildir, and returns its port.
func (d *download) serveLMTP(t *testing.T) (port int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	var mails atomic.Int64
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				d.takeMails(t, textproto.NewConn(nc), &mails)
			}()
		}
	}()
	return ln.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it listens on TCP
}

func (d *download) takeMails(t *testing.T, c *textproto.Conn, mails *atomic.Int64) {
	answer := "220 ready"
	for {
		if err := c.PrintfLine("%s", answer); err != nil {
			return
		}
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); verb {
		case "LHLO":
			answer = "250 8BITMIME"
		case "DATA":
			_ = c.PrintfLine("354 go on")
			body, err := c.ReadDotBytes()
			if err == nil {
				err = os.WriteFile(filepath.Join(d.dir, "mail", "new", fmt.Sprint(mails.Add(1))), body, 0o600)
			}
			if answer = "250 taken"; err != nil {
				t.Errorf("taking a mail: %v", err)
				answer = "451 not taken"
			}
		case "QUIT":
			_ = c.PrintfLine("221 bye")
			return
		default:
			answer = "250 fine"
		}
	}
}

// withFetchmail fetches what is not \Seen, which it sets.
func withFetchmail(t *testing.T, d *download) {
	t.Helper()
	program := peertest.Need(t, "fetchmail", "fetchmail")
	host, port := d.hostPort(t)
	rc := d.configure(t, "fetchmailrc", `poll %s service %s protocol imap auth password
  user "%s" password "pass" sslproto ""
  keep nofetchall norewrite no forcecr
  mda "cat > %s/mail/new/$$"
`, host, port, d.user, d.dir)
	first := true
	d.once = func(t *testing.T) {
		t.Helper()
		args := []string{"-f", rc, "--pidfile", filepath.Join(d.dir, "pid"), "--nodetach", "--silent"}
		if first {
			args = append(args, "--fetchall") // all there is, read or not
			first = false
		}
		// It says 1 when there is nothing to fetch.
		run(t, []int{0, 1}, program, args...)
	}
}

// TestOfflineIMAP synchronises both ways, as TestMbsync does.
func TestOfflineIMAP(t *testing.T) {
	t.Parallel()
	d := &download{desk: newDesk(t, peertest.DovecotBackend, "ann"), dir: t.TempDir()}
	withOfflineIMAP(t, d)
	before := d.server.Dump(t, d.user)
	d.runs(t, manyMails, 0, "before the campaign")
	d.unchanged(t, before)

	d.desk.run(t, "welcome", []string{d.user})
	d.runs(t, manyMails+1, 1, "during the campaign")
	d.unchanged(t, before)

	// The person reads and flags it on the disk, then somebody takes the flag off elsewhere.
	letter := d.letter(t)
	if err := os.Rename(letter, renamed(letter, "FS")); err != nil {
		t.Fatal(err)
	}
	d.runs(t, manyMails+1, 1, "after it was read")
	c := login(t, d.addr, d.user)
	c.must("SELECT INBOX")
	if got := c.must(fmt.Sprintf("UID SEARCH UID %d SEEN FLAGGED", manyMails+1)).lines("SEARCH"); len(got) != 1 || got[0] != fmt.Sprintf("SEARCH %d", manyMails+1) {
		t.Errorf("another session finds it read and flagged: %q", got)
	}
	if n := d.count(t, "welcome", event.Read); n != 1 {
		t.Errorf("read was recorded %d times", n)
	}
	c.must(fmt.Sprintf(`UID STORE %d -FLAGS (\Flagged)`, manyMails+1))
	d.runs(t, manyMails+1, 1, "after flags were changed")
	if letter = d.letter(t); !strings.HasSuffix(letter, ":2,S") {
		t.Errorf("the flag that was taken off elsewhere is still there: %s", filepath.Base(letter))
	}

	d.recall(t, "welcome")
	d.runs(t, manyMails, 0, "after the recall")
	d.unchanged(t, before)

	// One that the person removes on the disk is removed for good.
	d.desk.run(t, "second", []string{d.user})
	d.runs(t, manyMails+1, 1, "during the second campaign")
	if err := os.Remove(d.letter(t)); err != nil {
		t.Fatal(err)
	}
	d.runs(t, manyMails, 0, "after it was deleted")
	if n := d.count(t, "second", event.Expunged); n != 1 {
		t.Errorf("expunged was recorded %d times", n)
	}
	d.unchanged(t, before)
}

// letter is the path of the letter on the disk.
func (d *download) letter(t *testing.T) string {
	t.Helper()
	for path, b := range tree(t, filepath.Join(d.dir, "mail")) {
		if bytes.Contains(b, []byte(letterText)) {
			return path
		}
	}
	t.Fatal("the letter is not on the disk")
	return ""
}

func withOfflineIMAP(t *testing.T, d *download) {
	t.Helper()
	program := peertest.Need(t, "offlineimap", "offlineimap3")
	host, port := d.hostPort(t)
	rc := d.configure(t, "offlineimaprc", `[general]
accounts = A
metadata = %[4]s/metadata
ui = quiet

[Account A]
localrepository = L
remoterepository = R

[Repository L]
type = Maildir
localfolders = %[4]s/mail

[Repository R]
type = IMAP
remotehost = %[1]s
remoteport = %[2]s
remoteuser = %[3]s
remotepass = pass
ssl = no
starttls = no
folderfilter = lambda name: name == 'INBOX'
`, host, port, d.user, d.dir)
	d.once = func(t *testing.T) {
		t.Helper()
		output(t, program, "-c", rc, "-o", "-1")
	}
}
