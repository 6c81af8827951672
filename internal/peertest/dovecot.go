package peertest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Options of a Dovecot.
type Options struct {
	// Format of the mailboxes: "mdbox" (empty), "sdbox" or "maildir".
	Format string
	// Password of every user; empty is "pass". Any user name is accepted, and has an empty
	// INBOX, Sent and Trash until something is delivered.
	Password string
	// TLS adds a listener with implicit TLS, and STARTTLS to the plain one.
	TLS bool
	// AdminKey is the doveadm_api_key with which the administration answers over HTTP; empty: it
	// does not.
	AdminKey string
	// Plugins are loaded for every user: "quota", "imap_quota", "acl", "imap_acl".
	Plugins []string
	// Extra is put at the end of the configuration, in Dovecot's syntax.
	Extra string
}

// Dovecot is a running server of its own.
type Dovecot struct {
	Addr     string       // host:port of IMAP, with STARTTLS if Options.TLS
	AddrTLS  string       // host:port of IMAP with implicit TLS; empty without Options.TLS
	Password string       // of every user
	Cert     *Certificate // nil without Options.TLS
	AdminURL string       // of the administration's HTTP API; empty without Options.AdminKey

	dir     string
	conf    string
	log     string
	doveadm string
	proc    *Process
}

// StartDovecot starts a server and returns when it greets, well within a second. It is
// stopped, and its data removed, when the test ends; its log is shown if the test has failed.
func StartDovecot(t testing.TB, o Options) *Dovecot {
	t.Helper()
	program := Need(t, "dovecot", "dovecot-imapd")
	d := &Dovecot{Password: o.Password, doveadm: Need(t, "doveadm", "dovecot-imapd")}
	if d.Password == "" {
		d.Password = "pass"
	}
	// Not t.TempDir: its name is too long for the path of a Unix socket, and its mode keeps
	// the account out that the mail processes run as.
	dir, err := os.MkdirTemp("", "inlay-dovecot-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d.dir, d.conf, d.log = dir, filepath.Join(dir, "dovecot.conf"), filepath.Join(dir, "dovecot.log")
	acc := mailAccount(t)
	for _, sub := range []string{"mail", "run"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if acc.root {
		if err := os.Chown(filepath.Join(dir, "mail"), acc.uid, acc.gid); err != nil {
			t.Fatal(err)
		}
	}
	if o.TLS {
		d.Cert = newCertificate(t, dir)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Dovecot's log:\n%s", tail(readFile(d.log)))
		}
	})
	for range 5 { // somebody else may take a free port before Dovecot does
		if d.start(t, program, o, acc) {
			return d
		}
	}
	t.Fatal("Dovecot found no free port")
	return nil
}

// start reports false when a port was taken meanwhile.
func (d *Dovecot) start(t testing.TB, program string, o Options, acc account) bool {
	t.Helper()
	plain, tls := FreePort(t), 0
	d.Addr = fmt.Sprintf("127.0.0.1:%d", plain)
	if o.TLS {
		tls = FreePort(t)
		d.AddrTLS = fmt.Sprintf("127.0.0.1:%d", tls)
	}
	if o.AdminKey != "" {
		admin := FreePort(t)
		d.AdminURL = fmt.Sprintf("http://127.0.0.1:%d/doveadm/v1", admin)
		o.Extra += fmt.Sprintf("doveadm_api_key = %s\nservice doveadm {\n  inet_listener http {\n    port = %d\n  }\n}\n", o.AdminKey, admin)
	}
	if err := os.WriteFile(d.conf, []byte(d.config(o, acc, plain, tls)), 0o644); err != nil {
		t.Fatal(err)
	}
	d.proc = Start(t, exec.Command(program, "-F", "-c", d.conf))
	deadline := time.Now().Add(20 * time.Second)
	for !greets(d.Addr) {
		select {
		case <-d.proc.Done():
			said := d.proc.Output() + readFile(d.log)
			if strings.Contains(said, "Address already in use") {
				return false
			}
			t.Fatalf("Dovecot ended at once:\n%s", said)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("Dovecot does not greet after 20 s")
		}
	}
	return true
}

// greets reports whether an IMAP server says hello.
func greets(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "* OK")
}

// Kind is DovecotBackend.
func (d *Dovecot) Kind() Backend { return DovecotBackend }

// Address is Addr.
func (d *Dovecot) Address() string { return d.Addr }

// Stop ends the server before the test does, with all its connections.
func (d *Dovecot) Stop(t testing.TB) { d.proc.Stop(t) }

// account is whom the mail processes run as.
type account struct {
	root     bool // the test may choose
	uid, gid int
	user     string
	group    string
}

func mailAccount(t testing.TB) account {
	t.Helper()
	name := "nobody"
	if os.Getuid() != 0 {
		u, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		name = u.Username
	}
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		t.Fatal(err)
	}
	a := account{root: os.Getuid() == 0, user: u.Username, group: g.Name}
	if _, err := fmt.Sscan(u.Uid+" "+u.Gid, &a.uid, &a.gid); err != nil {
		t.Fatal(err)
	}
	return a
}

// Log is what the server has logged so far.
func (d *Dovecot) Log() string { return readFile(d.log) }
