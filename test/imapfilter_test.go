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

// TestImapfilter lets a filter flag the letter, copy it to another mailbox, and move it there
// (which it does by COPY, \Deleted and EXPUNGE where there is no MOVE).
func TestImapfilter(t *testing.T) {
	t.Parallel()
	d := newDesk(t, peertest.DovecotBackend, "ann")
	before := d.server.Dump(t, d.user)
	d.filter(t, "nothing is there yet", `print(#inbox:contain_from("offers@shop.example"))`, "0")

	d.run(t, "welcome", []string{d.user})
	d.filter(t, "flagged and copied", `
		local found = inbox:contain_from("offers@shop.example") * inbox:contain_subject("A letter")
		found:mark_flagged()
		found:copy_messages(account["Kept"])
		print(#found, #inbox:is_flagged() - flagged)`, "1 1")
	d.filter(t, "as it is afterwards", `
		print(#inbox:contain_from("offers@shop.example"), #account["Kept"]:select_all(), #account["Kept"]:is_flagged())`, "1 1 1")

	d.filter(t, "moved", `inbox:contain_from("offers@shop.example"):move_messages(account["Kept"]) print("done")`, "done")
	d.filter(t, "as it is after the move", `
		print(#inbox:contain_from("offers@shop.example"), #account["Kept"]:contain_body("came by no post"))`, "0 2")

	// What was kept is the person's own; nothing of the campaign is left to be taken back.
	d.recall(t, "welcome")
	d.filter(t, "after the recall", `
		print(#inbox:contain_from("offers@shop.example"), #account["Kept"]:contain_body("came by no post"))`, "0 2")
	if n := d.count(t, "welcome", event.Withdrawn); n != 0 {
		t.Errorf("withdrawn was recorded %d times", n)
	}
	c := login(t, d.server.Address(), d.user)
	c.must("SELECT Kept")
	c.must("STORE 1:* +FLAGS.SILENT (\\Deleted)")
	c.must("CLOSE")
	d.unchanged(t, before)
}

// filter runs imapfilter with a piece of Lua and compares what it prints, blanks apart.
func (d *desk) filter(t *testing.T, when, lua, want string) {
	t.Helper()
	program := peertest.Need(t, "imapfilter", "imapfilter")
	host, port := d.hostPort(t)
	rc := filepath.Join(t.TempDir(), "config.lua")
	config := fmt.Sprintf(`
options.timeout = 60
options.create = true
options.info = false
options.starttls = false
account = IMAP { server = "%s", port = %s, username = "%s", password = "pass" }
account:create_mailbox("Kept")
inbox = account.INBOX
flagged = %d
%s
`, host, port, d.user, realFlagged, lua)
	if err := os.WriteFile(rc, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(strings.Fields(output(t, program, "-c", rc)), " "); got != want {
		t.Errorf("%s: imapfilter says %q, not %q", when, got, want)
	}
}

// realFlagged is how many of the 1,000 mails are flagged: every sixth.
const realFlagged = 166
