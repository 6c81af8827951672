package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"inlay.example/inlay/internal/peertest"
)

// TestMain builds the program once: these tests run it as people do.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "inlay-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		build := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, "inlay"), ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building: %v\n%s", err, out)
			return 1
		}
		if err := os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// limit is how long anything here may take before the test gives up; nothing takes near it.
const limit = 30 * time.Second

// process is a running program.
type process struct {
	*peertest.Process
	t     testing.TB
	lines chan string // of standard output
}

// start runs the program until the test ends.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	cmd := exec.Command("inlay", args...)
	cmd.Dir = t.TempDir()
	r, w := io.Pipe()
	cmd.Stdout = w
	p := &process{Process: peertest.Start(t, cmd), t: t, lines: make(chan string, 1000)}
	go func() {
		<-p.Done()
		w.Close()
	}()
	go func() {
		defer close(p.lines)
		for in := bufio.NewScanner(r); in.Scan(); {
			p.lines <- in.Text()
		}
	}()
	return p
}

// line gives the next line of standard output.
func (p *process) line() string {
	p.t.Helper()
	select {
	case l, ok := <-p.lines:
		if !ok {
			p.t.Fatalf("it ended without a word on standard output; on the other:\n%s", p.Output())
		}
		return l
	case <-time.After(limit):
		p.t.Fatal("nothing was printed")
	}
	return ""
}

// wait waits for the end and returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.Done():
	case <-time.After(limit):
		p.t.Fatal("it does not end")
	}
	return p.Cmd.ProcessState.ExitCode()
}

// stop sends a signal and waits; the program must end well, and has nothing more to say.
func (p *process) stop(sig syscall.Signal) {
	p.t.Helper()
	began := time.Now()
	if err := p.Cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	if code := p.wait(); code != 0 {
		p.t.Fatalf("exit code %d after %v", code, sig)
	}
	p.t.Logf("ended %v after %v", time.Since(began).Round(time.Millisecond), sig)
}

// ready is what a demo says in JSON.
type ready struct {
	HTTP  string `json:"http"`
	IMAP  string `json:"imap"`
	Users []struct {
		User     string `json:"user"`
		Password string `json:"password"`
	} `json:"users"`
	Token    string `json:"token"`
	Campaign string `json:"campaign"`
}

// startDemo starts a demo and waits until it is ready.
func startDemo(t testing.TB, args ...string) (*process, ready) {
	t.Helper()
	began := time.Now()
	p := start(t, append([]string{"demo", "--imap", "127.0.0.1:0", "--http", "127.0.0.1:0", "--json"}, args...)...)
	var r ready
	if l := p.line(); json.Unmarshal([]byte(l), &r) != nil {
		t.Fatalf("not JSON: %s", l)
	}
	t.Logf("ready after %v", time.Since(began).Round(time.Millisecond))
	return p, r
}

// inlay runs a command with the demo's server and token, and returns what it printed and the
// exit code.
func (r ready) inlay(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command("inlay", args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &errs, t.TempDir()
	cmd.Env = append(os.Environ(), "INLAY_SERVER="+r.HTTP, "INLAY_TOKEN="+r.Token)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// login opens a connection as one of the demo's people.
func (r ready) login(t testing.TB, who int) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(r.IMAP, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Login(r.Users[who].User, r.Users[who].Password).Wait(); err != nil {
		t.Fatal(err)
	}
	return c
}

// injected are the UIDs that carry the campaign's header.
func injected(t testing.TB, c *imapclient.Client, campaign string) []imap.UID {
	t.Helper()
	found, err := c.UIDSearch(&imap.SearchCriteria{
		Header: []imap.SearchCriteriaHeaderField{{Key: "X-Inlay-Campaign", Value: campaign}},
	}, nil).Wait()
	if err != nil {
		t.Fatal(err)
	}
	return found.AllUIDs()
}
