package peertest

import (
	"os"
	"path/filepath"
	"testing"
)

// Backup copies a user's mail as it is on the disk, while nobody writes to it, and returns where.
func (d *Dovecot) Backup(t testing.TB, user string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "backup")
	if err := os.CopyFS(to, os.DirFS(d.home(user))); err != nil {
		t.Fatal(err)
	}
	return to
}

// Restore puts a backup in the place of a user's mail. The server must have no session of the
// user.
func (d *Dovecot) Restore(t testing.TB, user, backup string) {
	t.Helper()
	Eventually(t, "nobody has the mail open", func() bool { return !d.Serves(t, user) })
	home := d.home(user)
	if err := os.RemoveAll(home); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(home, os.DirFS(backup)); err != nil {
		t.Fatal(err)
	}
	acc := mailAccount(t)
	if !acc.root {
		return
	}
	err := filepath.WalkDir(home, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, acc.uid, acc.gid)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (d *Dovecot) home(user string) string { return filepath.Join(d.dir, "mail", user) }
