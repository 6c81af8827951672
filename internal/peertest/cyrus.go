package peertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// CyrusOptions of a Cyrus.
type CyrusOptions struct {
	// Password of every user; empty is "pass". Any user name is accepted, and has an empty
	// INBOX, Sent and Trash from the first login on.
	Password string
	// Extra is put at the end of imapd.conf.
	Extra string
}

// Cyrus is a running server of its own.
type Cyrus struct {
	Addr     string // host:port of IMAP
	Password string // of every user

	dir  string
	proc *Process
}

// CyrusAdmin is the user who may do everything with everybody's mailboxes, which that user
// sees below "user/".
const CyrusAdmin = "cyrus"

// cyrusBins is where imapd may be: as Debian's package installs it, and where tools/cyrus.sh
// puts it beside Dovecot's.
var cyrusBins = [...]string{"/usr/lib/cyrus/bin", "/usr/local/lib/cyrus/bin"}

// StartCyrus starts a server and returns when it greets, within a second or two. It is stopped,
// and its data removed, when the test ends; what it said is shown if the test has failed.
func StartCyrus(t testing.TB, o CyrusOptions) *Cyrus {
	t.Helper()
	const how = "cyrus-common; tools/cyrus.sh adds imapd, whose package excludes dovecot-imapd"
	master := Need(t, "cyrmaster", how)
	bin := ""
	for _, dir := range cyrusBins {
		if _, err := os.Stat(filepath.Join(dir, "imapd")); err == nil {
			bin = dir
		}
	}
	if bin == "" {
		Missing(t, "Cyrus imapd is not installed (Debian: apt-get install %s)", how)
	}
	c := &Cyrus{Password: o.Password}
	if c.Password == "" {
		c.Password = "pass"
	}
	dir, err := os.MkdirTemp("", "inlay-cyrus-") // not t.TempDir, for the reasons in StartDovecot
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c.dir = dir
	acc := mailAccount(t)
	dirs := []string{"."}
	for _, sub := range []string{"db", "socket", "log", "msg", "proc", "ptclient", "sieve", "user", "quota", "lock"} {
		dirs = append(dirs, filepath.Join("conf", sub))
	}
	for _, sub := range append(dirs, "conf", "spool") {
		path := filepath.Join(dir, sub)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if acc.root {
			if err := os.Chown(path, acc.uid, acc.gid); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.answerPasswords(t, acc)
	for range 5 { // somebody else may take a free port before Cyrus does
		if c.start(t, master, bin, o, acc) {
			return c
		}
	}
	t.Fatal("Cyrus found no free port")
	return nil
}

// start reports false when the port was taken meanwhile.
func (c *Cyrus) start(t testing.TB, master, bin string, o CyrusOptions, acc account) bool {
	t.Helper()
	port := FreePort(t)
	c.Addr = fmt.Sprintf("127.0.0.1:%d", port)
	conf, services := filepath.Join(c.dir, "imapd.conf"), filepath.Join(c.dir, "cyrus.conf")
	for path, text := range map[string]string{conf: c.config(o, acc), services: c.services(conf, bin, port)} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(master, "-C", conf, "-M", services, "-p", filepath.Join(c.dir, "master.pid"), "-D")
	apart(cmd) // it ends with a SIGTERM to its process group, in which other peers would be
	if acc.root {
		// Not by Cyrus itself: who changes the account it runs as is no longer ended with its parent.
		runAs(cmd, acc)
	}
	c.proc = Start(t, cmd)
	deadline := time.Now().Add(30 * time.Second)
	for !greets(c.Addr) {
		select {
		case <-c.proc.Done():
			said := c.proc.Output()
			if strings.Contains(said, "in use") {
				return false
			}
			t.Fatalf("Cyrus ended at once:\n%s", said)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("Cyrus does not greet after 30 s; it wrote:\n%s", c.proc.Output())
		}
	}
	return true
}

// config is imapd.conf: names as other servers have them, with "/" and folders beside INBOX.
func (c *Cyrus) config(o CyrusOptions, acc account) string {
	return fmt.Sprintf(`configdirectory: %[1]s/conf
defaultpartition: default
partition-default: %[1]s/spool
cyrus_user: %[2]s
cyrus_group: %[3]s
proc_path: %[1]s/conf/proc
mboxname_lockpath: %[1]s/conf/lock
admins: %[4]s
allowplaintext: yes
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: %[1]s/%[5]s
sasl_mech_list: PLAIN LOGIN
unixhierarchysep: yes
altnamespace: yes
virtdomains: userid
autocreate_post: yes
autocreate_quota: 0
autocreate_inbox_folders: Sent | Trash
xlist-sent: Sent
xlist-trash: Trash
expunge_mode: delayed
maxlogins_per_user: 0
maxlogins_per_host: 0
%[6]s`, c.dir, acc.user, acc.group, CyrusAdmin, passwordSocket, o.Extra)
}

func (c *Cyrus) services(conf, bin string, port int) string {
	return fmt.Sprintf(`START {
  recover cmd="ctl_cyrusdb -C %[1]s -r"
}
SERVICES {
  imap cmd="%[2]s/imapd -C %[1]s -U 30" listen="127.0.0.1:%[3]d" proto="tcp4" prefork=1 maxchild=500
}
DAEMON {
  idled cmd="%[2]s/idled -C %[1]s"
}
EVENTS {
}
`, conf, bin, port)
}

// Kind is CyrusBackend.
func (c *Cyrus) Kind() Backend { return CyrusBackend }

// Address is Addr.
func (c *Cyrus) Address() string { return c.Addr }

// Deliver appends messages to a mailbox, in order, making the mailbox if it is not there.
func (c *Cyrus) Deliver(t testing.TB, user, mailbox string, msgs ...Message) {
	t.Helper()
	deliver(t, c.Addr, c.Password, user, mailbox, msgs)
}

// Dump lists all messages of all mailboxes of a user, by mailbox and UID, as a session of the
// user sees them that changes nothing.
func (c *Cyrus) Dump(t testing.TB, user string) []Listed {
	t.Helper()
	s := newTalk(t, c.Addr, user, c.Password)
	defer s.end()
	return s.dump()
}

// Status asks the server about a mailbox.
func (c *Cyrus) Status(t testing.TB, user, mailbox string) Status {
	t.Helper()
	s := newTalk(t, c.Addr, user, c.Password)
	defer s.end()
	return s.status(mailbox)
}

// Serves reports whether the server has a session of the user: every process of Cyrus says in a
// file of its own what it does, service, client, user, mailbox and command between tabs.
func (c *Cyrus) Serves(t testing.TB, user string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.dir, "conf", "proc", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it ended in this moment
		}
		if f := strings.Split(strings.TrimSpace(string(b)), "\t"); len(f) > 2 && f[2] == user {
			return true
		}
	}
	return false
}

// Stop ends the server before the test does, with all its connections.
func (c *Cyrus) Stop(t testing.TB) { c.proc.Stop(t) }
