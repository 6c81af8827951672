package test_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/peertest"
)

// TestProgram is the whole chain by the program's own commands, as its manual tells: a demo in
// front of a real mail server with 1,000 mails, a campaign of two files, the clients, the recall.
func TestProgram(t *testing.T) {
	t.Parallel()
	p := buildProgram(t)
	d := &desk{server: peertest.StartDovecot(t, peertest.Options{}), user: "ann"}
	d.server.Deliver(t, d.user, "INBOX", mails(manyMails)...)
	before := d.server.Dump(t, d.user)
	p.demo(t, d.server.Address())
	d.addr = p.imap
	sync, term := newMbsync(t, d), newTerminal(t)

	sync.sync(t)
	sync.holds(t, manyMails, "")
	sync.noop(t, "before the campaign")

	dir := t.TempDir()
	template, audience := filepath.Join(dir, "letter.eml"), filepath.Join(dir, "people.csv")
	for file, text := range map[string]string{template: letter, audience: "user,name\nann,Ms ann\nben,Mr ben\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := strings.Split(strings.TrimSpace(p.run(t, "campaign", "run", "--template", template, "--audience", audience, "--name", "Letters")), "\n")
	id := strings.TrimSpace(said[len(said)-1])
	if id == "" || strings.Contains(id, " ") {
		t.Fatalf("campaign run ends with %q, not with an id", said)
	}

	lookWithCurl(t, d).sees(t, "curl")
	python(t, d, "imapclient").sees(t, "imapclient")
	python(t, d, "imaplib").sees(t, "imaplib")
	lookWithGoIMAP(t, d).sees(t, "go-imap")
	rc := d.muttrc(t)
	term.start(t, peertest.Need(t, "neomutt", "neomutt"), "-F", rc)
	term.shows(t, "Msgs:1001")
	term.keys(t, "End", "Enter")
	term.shows(t, "Dear Ms ann,")
	term.keys(t, "q", "q")
	term.ended(t)
	sync.sync(t)
	sync.holds(t, manyMails+1, "this letter came by no post")
	sync.noop(t, "during the campaign")
	d.unchanged(t, before)

	p.run(t, "campaign", "recall", id)
	peertest.Eventually(t, "the recall has arrived", func() bool {
		c := login(t, d.addr, d.user)
		defer c.nc.Close()
		return c.exists("SELECT INBOX") == manyMails
	})
	lookWithCurl(t, d).seesNothing(t, "curl, after the recall")
	python(t, d, "imapclient").seesNothing(t, "imapclient, after the recall")
	lookWithGoIMAP(t, d).seesNothing(t, "go-imap, after the recall")
	sync.sync(t)
	sync.holds(t, manyMails, "")
	sync.noop(t, "after the recall")
	d.unchanged(t, before)

	var stats struct{ Events map[string]int }
	if err := json.Unmarshal([]byte(p.run(t, "campaign", "stats", id, "--json")), &stats); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"injected": 1, "read": 1, "withdrawn": 1, "expunged": 0, "expired": 0}
	for what, n := range want {
		if stats.Events[what] != n {
			t.Errorf("%s was counted %d times, not %d", what, stats.Events[what], n)
		}
	}
}

// program is the built binary, and a demo of it.
type program struct {
	path       string
	http, imap string
	token      string
}

func buildProgram(t *testing.T) *program {
	t.Helper()
	p := &program{path: filepath.Join(t.TempDir(), "inlay")}
	cmd := exec.Command("go", "build", "-o", p.path, "inlay.example/inlay/cmd/inlay")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	return p
}

// demo starts "inlay demo" in front of a backend and waits until it says that it is ready.
func (p *program) demo(t *testing.T, backend string) {
	t.Helper()
	out, in := io.Pipe()
	cmd := exec.Command(p.path, "demo", "--json", "--data", t.TempDir(), "--http", "127.0.0.1:0", "--imap", "127.0.0.1:0", "--backend", backend)
	cmd.Stdout = in
	proc := peertest.Start(t, cmd)
	go func() {
		<-proc.Done()
		in.Close()
	}()
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(out).ReadString('\n') // what came before the end, if it ends
		line <- text
		_, _ = io.Copy(io.Discard, out)
	}()
	var ready struct{ HTTP, IMAP, Token string }
	select {
	case text := <-line:
		if err := json.Unmarshal([]byte(text), &ready); err != nil {
			t.Fatalf("the demo says %q: %v\n%s", text, err, proc.Output())
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("the demo is not ready after 30 s:\n%s", proc.Output())
	}
	p.http, p.imap, p.token = ready.HTTP, ready.IMAP, ready.Token
	if !strings.Contains(p.http, "://") {
		p.http = "http://" + p.http
	}
}

// run runs a command of the program against the demo.
func (p *program) run(t *testing.T, args ...string) string {
	t.Helper()
	return output(t, p.path, append(args, "--server", p.http, "--token", p.token)...)
}
