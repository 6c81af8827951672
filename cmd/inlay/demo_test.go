package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/emersion/go-imap/v2"

	"inlay.example/inlay/internal/peertest"
)

// The first minute of somebody who tries it: see the message, read it, take it away, stop.
func TestDemo(t *testing.T) {
	t.Parallel()
	p, r := startDemo(t)
	if len(r.Users) != 3 || r.Token == "" || r.Campaign == "" || !strings.HasPrefix(r.HTTP, "http://127.0.0.1:") {
		t.Fatalf("ready with %+v", r)
	}
	for who := range r.Users {
		c := r.login(t, who)
		sel, err := c.Select("INBOX", nil).Wait()
		if err != nil {
			t.Fatal(err)
		}
		uids := injected(t, c, r.Campaign)
		if sel.NumMessages != 13 || len(uids) != 1 {
			t.Fatalf("%s sees %d messages, and injected ones at %v", r.Users[who].User, sel.NumMessages, uids)
		}
		body := &imap.FetchItemBodySection{}
		msgs, err := c.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{Envelope: true, BodySection: []*imap.FetchItemBodySection{body}}).Collect()
		if err != nil || len(msgs) != 1 {
			t.Fatalf("%d messages, %v", len(msgs), err)
		}
		if !strings.Contains(msgs[0].Envelope.Subject, "your mailbox is ready") || !strings.Contains(string(msgs[0].FindBodySection(body)), r.Users[who].User) {
			t.Errorf("%s reads %q:\n%s", r.Users[who].User, msgs[0].Envelope.Subject, msgs[0].FindBodySection(body))
		}
	}
	var stats struct {
		Live   int              `json:"live"`
		Events map[string]int64 `json:"events"`
	}
	peertest.Eventually(t, "three messages are read", func() bool {
		out, errs, code := r.inlay(t, "campaign", "stats", "--json", r.Campaign)
		if code != 0 {
			t.Fatal(errs)
		}
		if err := json.Unmarshal([]byte(out), &stats); err != nil {
			t.Fatal(err)
		}
		return stats.Events["read"] == 3
	})
	if stats.Live != 3 || stats.Events["injected"] != 3 {
		t.Errorf("statistics: %+v", stats)
	}

	open := r.login(t, 0)
	if _, err := open.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	out, errs, code := r.inlay(t, "campaign", "recall", r.Campaign)
	if code != 0 || out != r.Campaign+": cancelled\n" {
		t.Fatalf("recall: %q, %q, exit code %d", out, errs, code)
	}
	fresh := r.login(t, 0)
	sel, err := fresh.Select("INBOX", nil).Wait()
	if err != nil || sel.NumMessages != 12 {
		t.Errorf("after the recall a new session sees %d messages, %v", sel.NumMessages, err)
	}
	peertest.Eventually(t, "the message leaves the open session", func() bool {
		if err := open.Noop().Wait(); err != nil {
			t.Fatal(err)
		}
		return len(injected(t, open, r.Campaign)) == 0
	})
	p.stop(syscall.SIGTERM)
}

// The mail is new after a restart, the campaign goes on, and what was flagged is kept where it
// belongs: with the injected message.
func TestDemoAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	p, first := startDemo(t, "--data", dir)
	c := first.login(t, 1)
	sel, err := c.Select("INBOX", nil).Wait()
	if err != nil || len(injected(t, c, first.Campaign)) != 1 {
		t.Fatalf("%v", err)
	}
	p.stop(syscall.SIGINT)

	p, second := startDemo(t, "--data", dir)
	if second.Campaign != first.Campaign || second.Token != first.Token {
		t.Errorf("campaign %s and token %s became %s and %s", first.Campaign, first.Token, second.Campaign, second.Token)
	}
	c = second.login(t, 1)
	again, err := c.Select("INBOX", nil).Wait()
	if err != nil || again.NumMessages != 13 || len(injected(t, c, first.Campaign)) != 1 {
		t.Errorf("after a restart: %d messages, %v", again.NumMessages, err)
	}
	if again.UIDValidity <= sel.UIDValidity {
		t.Errorf("UIDVALIDITY went from %d to %d", sel.UIDValidity, again.UIDValidity)
	}
	if _, errs, code := second.inlay(t, "campaign", "recall", first.Campaign); code != 0 {
		t.Fatal(errs)
	}
	p.stop(syscall.SIGTERM)

	// A demo without a campaign would show nothing: a recalled one is followed by another.
	_, third := startDemo(t, "--data", dir)
	if third.Campaign == first.Campaign {
		t.Error("the recalled campaign is shown as running")
	}
}

func TestTwoDemos(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/data"
	_, r := startDemo(t, "--data", dir)
	httpAddr := strings.TrimPrefix(r.HTTP, "http://")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"one IMAP port": {[]string{"--imap", r.IMAP, "--http", "127.0.0.1:0"}, "--imap: address " + r.IMAP + " is in use by "},
		"one HTTP port": {[]string{"--imap", "127.0.0.1:0", "--http", httpAddr}, "--http: address " + httpAddr + " is in use by "},
		"one directory": {[]string{"--imap", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", dir}, "--data: the store's directory " + dir + "/store is in use by process "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, append([]string{"demo"}, c.args...)...)
			if code := p.wait(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			if got := p.Output(); !strings.Contains(got, c.want) || !strings.Contains(got, "Is another demo running?") || strings.Count(got, "\n") != 1 {
				t.Errorf("it says %q, not %q", got, c.want)
			}
		})
	}
}

// What a password is made of is in no log, at any level, however it was sent.
func TestNoLogHoldsThePassword(t *testing.T) {
	t.Parallel()
	p, r := startDemo(t, "--log-level", "debug")
	const password = "correct-horse-battery"
	c := r.login(t, 0)
	if err := c.Noop().Wait(); err != nil {
		t.Fatal(err)
	}
	raw := dialRaw(t, r.IMAP)
	raw.command("a LOGIN " + r.Users[0].User + " " + password)
	raw.command(`b LOGIN "` + r.Users[0].User + `" "` + password + `"`)
	raw.command("c AUTHENTICATE PLAIN AGFubmEAY29ycmVjdC1ob3JzZS1iYXR0ZXJ5") // anna, and the password
	raw.command("d LOGIN too many " + password)
	raw.command("e LOGIN " + password)
	raw.command("f NOSUCH " + password)
	req, err := http.NewRequest(http.MethodGet, r.HTTP+"/api/v1/campaigns?token="+password, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	p.stop(syscall.SIGTERM)
	log := p.Output()
	if !strings.Contains(log, "level=DEBUG") || !strings.Contains(log, "status=401") {
		t.Fatalf("this is no trace of all that:\n%s", log)
	}
	for _, secret := range []string{password, "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", r.Token} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
	kept, err := os.ReadFile(filepath.Join(p.Cmd.Dir, "inlay-demo", "demo.json"))
	if err != nil || !strings.Contains(string(kept), r.Token) {
		t.Errorf("the token that must not be in the log is %q, but in the directory: %s, %v", r.Token, kept, err)
	}
}

func TestDemoIsHealthy(t *testing.T) {
	t.Parallel()
	_, r := startDemo(t)
	for path, want := range map[string]string{
		"/healthz": "ok",
		"/readyz":  `{"ready":true,"roles":{"gateway":{"ready":true},"middleware":{"ready":true},"platform":{"ready":true}}}`,
		"/metrics": "inlay_injected_total 0",
	} {
		resp, err := http.Get(r.HTTP + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s, %v\n%s", path, resp.Status, err, body)
		}
	}
}

// What the demo prints works as it is printed: whoever copies a line gets what it says.
func TestDemosLinesWorkAsPrinted(t *testing.T) {
	t.Parallel()
	peertest.Need(t, "curl", "curl")
	p := start(t, "demo", "--imap", "127.0.0.1:0", "--http", "127.0.0.1:0")
	var curl, exports, campaign []string
	for {
		l := p.line()
		switch f := strings.TrimSpace(l); {
		case strings.HasPrefix(f, "curl "):
			curl = append(curl, f)
		case strings.HasPrefix(f, "export "):
			exports = append(exports, f)
		case strings.HasPrefix(f, "inlay campaign "):
			campaign = append(campaign, f)
		}
		if strings.Contains(l, "Ctrl-C ends it") {
			break
		}
	}
	if len(curl) != 2 || len(exports) != 1 || len(campaign) != 2 {
		t.Fatalf("it prints %q, %q and %q", curl, exports, campaign)
	}
	sh := func(line string) string {
		t.Helper()
		out, err := exec.Command("sh", "-c", exports[0]+"\n"+line).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		return string(out)
	}
	for i, want := range []string{"* SEARCH 13", "your mailbox is ready"} {
		if got := sh(curl[i]); !strings.Contains(got, want) {
			t.Errorf("%s\n%s", curl[i], got)
		}
	}
	if got := sh(campaign[0]); !regexp.MustCompile(`(?m)^injected +1$`).MatchString(got) {
		t.Errorf("%s\n%s", campaign[0], got)
	}
	sh(campaign[1])
	if got := sh(curl[0]); strings.TrimSpace(got) != "* SEARCH" {
		t.Errorf("after the recall: %s", got)
	}
	p.stop(syscall.SIGINT)
}
