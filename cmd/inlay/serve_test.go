package main_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/emersion/go-imap/v2/imapclient"

	"inlay.example/inlay/internal/peertest"
)

// login at a server that takes anybody with its password.
const (
	user     = "anna"
	password = "pass"
)

// write puts a file into a directory.
func write(t *testing.T, dir, name, body string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Each role in a process of its own, in front of a real server: middleware and platform by
// `inlay serve`, the gateway by its own command, first without a middleware.
func TestRolesApart(t *testing.T) {
	t.Parallel()
	dovecot := peertest.StartDovecot(t, peertest.Options{})
	backend := dovecot.Addr
	imapAddr, httpAddr := free(t), free(t)

	plain := start(t, "gateway", "--imap", imapAddr, "--backend", backend)
	peertest.Eventually(t, "the plain proxy greets", func() bool { return greets(imapAddr) })
	if n := count(t, imapAddr); n != 0 {
		t.Errorf("%d messages", n)
	}
	plain.stop(syscall.SIGTERM)

	dir := t.TempDir()
	token := write(t, dir, "token", "a-token-of-this-test\n")
	file := write(t, dir, "inlay.toml", fmt.Sprintf(`roles = ["middleware", "platform"]
http.listen = %q
[middleware]
token-file = %[2]q
[middleware.default-tenant]
secret = "a-secret-of-this-test"
[platform]
token-file = %[2]q
[store.sqlite]
dir = %[3]q
[objects.folder]
dir = %[4]q
`, httpAddr, token, filepath.Join(dir, "store"), filepath.Join(dir, "objects")))
	serve := start(t, "serve", "-c", file)
	gateway := start(t, "gateway", "--imap", imapAddr, "--backend", backend, "--middleware", "http://"+httpAddr, "--token-file", token)
	peertest.Eventually(t, "the gateway greets", func() bool { return greets(imapAddr) && greets(httpAddr) })
	peertest.Eventually(t, "the line that operators wait for is logged", func() bool {
		return strings.Contains(serve.Output(), "Started MIMApplication in ")
	})

	r := ready{HTTP: "http://" + httpAddr, Token: "a-token-of-this-test", IMAP: imapAddr}
	template := write(t, dir, "hello.eml", "From: P <p@p.example>\nSubject: Hello {{ name }}\n\nHello.\n")
	people := write(t, dir, "people.csv", "user,name\n"+user+",Anna\n")
	out, errs, code := r.inlay(t, "campaign", "run", "--template", template, "--audience", people, "--name", "Apart")
	if code != 0 {
		t.Fatal(errs)
	}
	id := strings.TrimSpace(out)
	if n := count(t, imapAddr); n != 1 {
		t.Errorf("%d messages after the campaign started", n)
	}
	if n := count(t, backend); n != 0 {
		t.Errorf("%d messages on the server itself", n)
	}
	if _, errs, code := r.inlay(t, "campaign", "recall", id); code != 0 {
		t.Fatal(errs)
	}
	if n := count(t, imapAddr); n != 0 {
		t.Errorf("%d messages after the recall", n)
	}
	gateway.stop(syscall.SIGINT)
	serve.stop(syscall.SIGTERM)
}

// free gives an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", peertest.FreePort(t))
}

func greets(addr string) bool {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	nc.Close()
	return true
}

// count opens INBOX and says how many messages there are.
func count(t *testing.T, addr string) uint32 {
	t.Helper()
	c, err := imapclient.DialInsecure(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login(user, password).Wait(); err != nil {
		t.Fatal(err)
	}
	sel, err := c.Select("INBOX", nil).Wait()
	if err != nil {
		t.Fatal(err)
	}
	return sel.NumMessages
}

// The demo in front of a server of one's own: one message more, and none on the server.
func TestDemoInFrontOfDovecot(t *testing.T) {
	t.Parallel()
	dovecot := peertest.StartDovecot(t, peertest.Options{})
	p, r := startDemo(t, "--backend", dovecot.Addr, "--user", user)
	if len(r.Users) != 1 || r.Users[0].User != user || r.Users[0].Password != "" || r.Campaign == "" {
		t.Fatalf("ready with %+v", r)
	}
	if n := count(t, r.IMAP); n != 1 {
		t.Errorf("%d messages through the demo", n)
	}
	if n := count(t, dovecot.Addr); n != 0 {
		t.Errorf("%d messages on the server", n)
	}
	if _, errs, code := r.inlay(t, "campaign", "recall", r.Campaign); code != 0 {
		t.Fatal(errs)
	}
	if n := count(t, r.IMAP); n != 0 {
		t.Errorf("%d messages after the recall", n)
	}
	p.stop(syscall.SIGTERM)
}
