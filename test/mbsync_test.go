package test_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inlay.example/inlay/internal/peertest"
)

// TestMbsync synchronises a mailbox of 1,000 mails with mbsync before, during and after a
// campaign. Whenever nothing has happened, a second run must do nothing: a synchroniser that
// finds work where there is none destroys mail in the long run.
func TestMbsync(t *testing.T) {
	t.Parallel()
	peertest.OnBackends(t, testMbsync)
}

func testMbsync(t *testing.T, kind peertest.Backend) {
	m := newMbsync(t, newDesk(t, kind, "ann"))
	before := m.server.Dump(t, m.user)

	m.sync(t)
	m.holds(t, manyMails, "")
	m.noop(t, "before the campaign")
	m.compresses(t)

	m.desk.run(t, "welcome", []string{m.user})
	m.sync(t)
	letter := m.holds(t, manyMails+1, "this letter came by no post")
	m.noop(t, "during the campaign")

	// The person reads it: mbsync carries the flag of the file's name over.
	if err := os.Rename(letter, renamed(letter, "FS")); err != nil {
		t.Fatal(err)
	}
	m.sync(t)
	c := login(t, m.addr, m.user)
	if n := c.exists("EXAMINE INBOX"); n != manyMails+1 {
		t.Errorf("another session sees %d messages", n)
	}
	if got := c.must(fmt.Sprintf("UID SEARCH UID %d SEEN FLAGGED", manyMails+1)).lines("SEARCH"); len(got) != 1 || got[0] != fmt.Sprintf("SEARCH %d", manyMails+1) {
		t.Errorf("another session finds it read and flagged: %q", got)
	}
	// And the other way round.
	c.must("SELECT INBOX")
	c.must(fmt.Sprintf(`UID STORE %d -FLAGS (\Flagged)`, manyMails+1))
	m.sync(t)
	letter = m.holds(t, manyMails+1, "this letter came by no post")
	if !strings.HasSuffix(letter, ",S") {
		t.Errorf("the flag that was taken off elsewhere is still there: %s", filepath.Base(letter))
	}
	m.noop(t, "after flags were changed")

	m.recall(t, "welcome")
	m.sync(t)
	m.holds(t, manyMails, "")
	m.noop(t, "after the recall")
	m.unchanged(t, before)
}

type mbsync struct {
	*desk
	program string
	dir     string
}

func newMbsync(t *testing.T, d *desk) *mbsync {
	t.Helper()
	return &mbsync{desk: d, program: peertest.Need(t, "mbsync", "isync"), dir: t.TempDir()}
}

// renamed gives a maildir file's name with other flags, in cur.
func renamed(path, flags string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ":2,")
	return filepath.Join(filepath.Dir(filepath.Dir(path)), "cur", name+":2,"+flags)
}

// sync runs mbsync once.
func (m *mbsync) sync(t *testing.T) {
	t.Helper()
	host, port := m.hostPort(t)
	rc := filepath.Join(m.dir, "mbsyncrc")
	config := fmt.Sprintf(`FSync no

IMAPAccount far
Host %s
Port %s
User %s
Pass pass
SSLType None
AuthMechs LOGIN

IMAPStore far
Account far

MaildirStore near
Path %[4]s/mail/
Inbox %[4]s/mail/INBOX
SubFolders Verbatim

Channel inbox
Far :far:INBOX
Near :near:INBOX
Create Near
Expunge Both
SyncState %[4]s/state/
`, host, port, m.user, m.dir)
	for _, dir := range []string{"mail", "state"} {
		if err := os.MkdirAll(filepath.Join(m.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(rc, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, m.program, "-c", rc, "-a")
}

// files gives the local mails by path.
func (m *mbsync) files(t *testing.T) map[string][sha256.Size]byte {
	t.Helper()
	all := map[string][sha256.Size]byte{}
	err := filepath.WalkDir(filepath.Join(m.dir, "mail", "INBOX"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = sha256.Sum256(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// holds checks how many mails there are locally, and returns the path of the one with the text.
func (m *mbsync) holds(t *testing.T, n int, text string) string {
	t.Helper()
	all := m.files(t)
	if len(all) != n {
		t.Errorf("mbsync has %d mails, not %d", len(all), n)
	}
	var found []string
	for path := range all {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "this letter came by no post") {
			found = append(found, path)
		}
	}
	switch {
	case text == "" && len(found) > 0:
		t.Fatalf("mbsync still has the letter: %v", found)
	case text != "" && len(found) != 1:
		t.Fatalf("mbsync has the letter %d times", len(found))
	case text == "":
		return ""
	}
	return found[0]
}

// noop runs mbsync when nothing has happened since it ran.
func (m *mbsync) noop(t *testing.T, when string) {
	t.Helper()
	near, far := m.files(t), m.server.Dump(t, m.user)
	m.sync(t)
	after := m.files(t)
	for path, sum := range after {
		if old, ok := near[path]; !ok || old != sum {
			t.Errorf("%s: a second mbsync changed or made %s", when, filepath.Base(path))
		}
	}
	if len(after) != len(near) {
		t.Errorf("%s: a second mbsync made %d mails of %d", when, len(after), len(near))
	}
	m.unchanged(t, far)
}
