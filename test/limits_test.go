package test_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/peertest"
)

// TestQuotaFull: a full mailbox takes no marker; mail goes on, and when there is room again the
// message comes.
func TestQuotaFull(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{Plugins: []string{"quota"}, Extra: `plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:messages=5
  quota_grace = 0
}
`})
	d.Deliver(t, "ann", "INBOX", mails(5)...)
	quotaFull(t, d)
}

// TestQuotaFullCyrus does the same.
func TestQuotaFullCyrus(t *testing.T) {
	t.Parallel()
	d := peertest.StartCyrus(t, peertest.CyrusOptions{})
	d.Deliver(t, "ann", "INBOX", mails(5)...)
	login(t, d.Addr, peertest.CyrusAdmin).must("SETQUOTA user/ann (MESSAGE 5)")
	quotaFull(t, d)
}

// quotaFull is a person's mailbox of five mails, and room for no more.
func quotaFull(t *testing.T, d peertest.Server) {
	t.Helper()
	before := d.Dump(t, "ann")
	w := newWorld(t)
	w.run(t, "welcome", []string{"ann"})
	p := newProxy(t, d.Address(), w.middleware)
	mailGoesOn(t, p, "ann")
	if n := p.metric(t, "inlay_not_injected_total", "reason=append_refused"); n == 0 {
		t.Error("no metric says why nothing was injected")
	}
	if after := d.Dump(t, "ann"); !slices.Equal(before, after) {
		t.Errorf("the real mails have changed:\n%v\n%v", before, after)
	}

	c := login(t, p.addr, "ann")
	c.must("SELECT INBOX")
	c.must(`STORE 1 +FLAGS (\Deleted)`)
	c.must("EXPUNGE")
	if n := login(t, p.addr, "ann").exists("SELECT INBOX"); n != 5 {
		t.Errorf("with room again there are %d messages, not 4 and the letter", n)
	}
	if n := w.count(t, "welcome", event.Injected); n != 1 {
		t.Errorf("injected was recorded %d times", n)
	}
}

// TestRights: where the person may not write, delete or expunge, no marker is set; also when
// SELECT says READ-WRITE.
func TestRights(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{Plugins: []string{"acl", "imap_acl"}, Extra: "plugin {\n  acl = vfile\n}\n"})
	for rights, injected := range map[string]bool{
		"lrwstipekxa": true,
		"lr":          false, // SELECT says READ-ONLY
		"lrs":         false,
		"lrwst":       false, // no insert
		"lrwsi":       false, // no delete, no expunge
		"lrwsti":      false, // a marker could be set and deleted, and not expunged
	} {
		t.Run(rights, func(t *testing.T) {
			t.Parallel()
			user := "user" + rights
			d.Deliver(t, user, "Letters", mails(3)...)
			d.Doveadm(t, append([]string{"acl", "set", "-u", user, "Letters", "owner"}, rightsByName(rights)...)...)
			injectedByRights(t, d, user, injected)
		})
	}
}

// TestRightsCyrus does the same: with "lrsip" Cyrus says READ-WRITE, takes a marker, and refuses to
// expunge it.
func TestRightsCyrus(t *testing.T) {
	t.Parallel()
	d := peertest.StartCyrus(t, peertest.CyrusOptions{})
	for rights, injected := range map[string]bool{
		"lrswipkxtea": true,
		"lr":          false,
		"lrs":         false,
		"lrsip":       false,
		"lrswt":       false, // no insert
		"lrswti":      false, // no expunge
		"lrswie":      false, // no delete
		"lrsite":      false, // no keywords
	} {
		t.Run(rights, func(t *testing.T) {
			t.Parallel()
			user := "user" + rights
			d.Deliver(t, user, "Letters", mails(3)...)
			login(t, d.Addr, peertest.CyrusAdmin).must(fmt.Sprintf("SETACL user/%[1]s/Letters %[1]s %[2]s", user, rights))
			injectedByRights(t, d, user, injected)
		})
	}
}

// injectedByRights opens the mailbox Letters of a person, which holds three mails.
func injectedByRights(t *testing.T, d peertest.Server, user string, injected bool) {
	t.Helper()
	before := d.Dump(t, user)
	w := newWorld(t)
	w.run(t, "welcome", []string{user}, func(c *campaign.Active) { c.Mailbox = "Letters" })
	p := newProxy(t, d.Address(), w.middleware)
	c := login(t, p.addr, user)
	want := uint32(3)
	if injected {
		want = 4
	}
	if n := c.exists("SELECT Letters"); n != want {
		t.Errorf("%d messages, not %d", n, want)
	}
	c.must("FETCH 1:* FLAGS")
	var counted float64
	for _, r := range []string{"rights", "read_only", "permanent_flags"} {
		counted += p.metric(t, "inlay_not_injected_total", "reason="+r)
	}
	if injected == (counted > 0) {
		t.Errorf("not injected was counted %v times", counted)
	}
	if after := d.Dump(t, user); !slices.Equal(before, after) {
		t.Errorf("the real mails have changed:\n%v\n%v", before, after)
	}
}

// rightsByName spells the rights of RFC 4314 as Dovecot's tools do.
func rightsByName(letters string) []string {
	names := map[rune]string{
		'l': "lookup", 'r': "read", 'w': "write", 's': "write-seen", 't': "write-deleted", 'i': "insert",
		'p': "post", 'e': "expunge", 'k': "create", 'x': "delete", 'a': "admin",
	}
	var out []string
	for _, l := range letters {
		out = append(out, names[l])
	}
	return out
}

// TestExamine: nothing is injected into a mailbox that is opened read-only; what is there is
// seen, and not changed.
func TestExamine(t *testing.T) {
	t.Parallel()
	peertest.OnBackends(t, testExamine)
}

func testExamine(t *testing.T, kind peertest.Backend) {
	d := peertest.StartBackend(t, kind)
	d.Deliver(t, "ann", "INBOX", mails(3)...)
	w := newWorld(t)
	w.run(t, "welcome", []string{"ann"})
	p := newProxy(t, d.Address(), w.middleware)
	if n := login(t, p.addr, "ann").exists("EXAMINE INBOX"); n != 3 {
		t.Errorf("EXAMINE injects: %d messages", n)
	}
	if n := p.metric(t, "inlay_not_injected_total", "reason=read_only"); n != 1 {
		t.Errorf("counted %v times", n)
	}
	if n := login(t, p.addr, "ann").exists("SELECT INBOX"); n != 4 {
		t.Fatalf("%d messages, not 4", n)
	}
	c := login(t, p.addr, "ann")
	if n := c.exists("EXAMINE INBOX"); n != 4 {
		t.Errorf("EXAMINE shows %d messages, not 4", n)
	}
	c.cmd(`STORE 4 +FLAGS (\Flagged \Deleted)`)
	c.must("FETCH 4 BODY[]")
	c.cmd("EXPUNGE")
	c.cmd("UID EXPUNGE 4")
	c.must("CLOSE")
	if n := c.exists("SELECT INBOX"); n != 4 {
		t.Errorf("%d messages, not 4", n)
	}
	if got := c.list()[3].flags; got != "" {
		t.Errorf("read-only, and it has the flags %q", got)
	}
}

// TestOtherUIDVALIDITY: when the mailbox is another one, what was injected into the old one is
// void, and comes anew.
func TestOtherUIDVALIDITY(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*testing.T, *peertest.Dovecot, *proxy){
		"numbered anew": func(t *testing.T, d *peertest.Dovecot, _ *proxy) {
			d.Doveadm(t, "mailbox", "update", "-u", "ann", "--uid-validity", "4242", "Letters")
		},
		"deleted and made again": func(t *testing.T, d *peertest.Dovecot, _ *proxy) {
			d.Doveadm(t, "mailbox", "delete", "-u", "ann", "Letters")
			d.Deliver(t, "ann", "Letters", mails(3)...)
			d.Doveadm(t, "mailbox", "update", "-u", "ann", "--uid-validity", "4242", "Letters")
		},
		"renamed, and another one made": func(t *testing.T, d *peertest.Dovecot, p *proxy) {
			c := login(t, p.addr, "ann")
			c.must("RENAME Letters Old")
			d.Deliver(t, "ann", "Letters", mails(3)...)
			d.Doveadm(t, "mailbox", "update", "-u", "ann", "--uid-validity", "4242", "Letters")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := peertest.StartDovecot(t, peertest.Options{})
			d.Deliver(t, "ann", "Letters", mails(3)...)
			w := newWorld(t)
			w.run(t, "welcome", []string{"ann"}, func(c *campaign.Active) { c.Mailbox = "Letters" })
			p := newProxy(t, d.Addr, w.middleware)
			if n := login(t, p.addr, "ann").exists("SELECT Letters"); n != 4 {
				t.Fatalf("%d messages, not 4", n)
			}
			change(t, d, p)
			var seen []fetched
			peertest.Eventually(t, "it is injected anew", func() bool {
				c := login(t, p.addr, "ann")
				defer c.nc.Close()
				c.must("SELECT Letters")
				seen = c.list()
				return len(seen) == 4
			})
			if again := login(t, p.addr, "ann"); again.exists("SELECT Letters") != 4 || !slices.Equal(again.list(), seen) {
				t.Errorf("first %v, then %v", seen, again.list())
			}
			if left := d.Dump(t, "ann"); len(left) != 3 && name != "renamed, and another one made" || len(left) > 6 {
				t.Errorf("%d messages in the real mailboxes", len(left))
			}
		})
	}
}

// TestBodyStreams fetches a large real message between injected ones: it passes through octet
// by octet, and the answer to the next command is the next one's.
func TestBodyStreams(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{})
	big := []byte("Subject: big\r\n\r\n" + strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz\r\n", 200_000))
	d.Deliver(t, "ann", "INBOX", mails(1)...)
	w := newWorld(t)
	w.run(t, "welcome", []string{"ann"})
	p := newProxy(t, d.Addr, w.middleware, func(c *gateway.Config) { c.Domain = "mail.example" })
	login(t, p.addr, "ann").must("SELECT INBOX")
	c := login(t, p.addr, "ann")
	c.must("SELECT INBOX")
	if got := c.must(fmt.Sprintf("APPEND INBOX {%d}\r\n%s", len(big), big)); !strings.Contains(got.tagged, "APPENDUID") {
		t.Errorf("APPEND: %s", got.tagged)
	}
	got := c.must("FETCH 1:* (UID BODY.PEEK[])").lines("FETCH")
	if len(got) != 3 || !strings.Contains(got[2], string(big)) || !strings.Contains(got[1], "came by no post") {
		t.Errorf("%d messages came, or not whole", len(got))
	}
	c.must("NOOP")
}
