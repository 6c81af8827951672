package test_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to hold the store's files locked

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/peertest"
)

// atOnce is what a person may be made to wait, at most, by a fault of ours. It is generous:
// the machine of the tests does much else. The faults would hold a session for ever.
const atOnce = 10 * time.Second

// TestWithoutMiddleware lets people log in and read mail while the middleware is stopped, hangs
// or talks nonsense: at once, and a metric says why nothing is injected.
func TestWithoutMiddleware(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{})
	for name, fault := range map[string]struct {
		url     func(t *testing.T) string
		reasons []string // one of them is counted
	}{
		"stopped": {func(t *testing.T) string {
			return fmt.Sprintf("http://127.0.0.1:%d", peertest.FreePort(t))
		}, []string{"middleware_failed", "breaker_open"}},
		"hung":             {hung, []string{"lookup_timeout", "breaker_open"}},
		"not HTTP":         {notHTTP, []string{"middleware_failed", "breaker_open"}},
		"HTML":             {serving(200, "text/html", "<html><body>It works!</body></html>"), []string{"middleware_failed", "breaker_open"}},
		"other JSON":       {serving(200, "application/json", `{"placements": 7, "offers": "many"}`), []string{"middleware_failed", "breaker_open"}},
		"half JSON":        {serving(200, "application/json", `{"placements": [{"id": "x"`), []string{"middleware_failed", "breaker_open"}},
		"an error":         {serving(500, "application/problem+json", `{"status": 500}`), []string{"middleware_failed", "breaker_open"}},
		"too much":         {serving(200, "application/json", `{"placements": [`+strings.Repeat(" ", 40<<20)), []string{"middleware_failed", "breaker_open", "lookup_timeout"}},
		"not its token":    {func(t *testing.T) string { return newWorld(t).url + "/elsewhere" }, []string{"middleware_failed", "breaker_open"}},
		"unsound messages": {serving(200, "application/json", `{"offers":[{"id":"x","key":{"campaign":"c","occurrence":"1"},"mailbox":"INBOX","template":"sha256:none"}],"placements":[]}`), []string{"render_failed", "middleware_failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := strings.ReplaceAll(name, " ", ".")
			d.Deliver(t, user, "INBOX", mails(5)...)
			before := d.Dump(t, user)
			client, err := middleware.NewClient(middleware.ClientConfig{BaseURL: fault.url(t), Token: apiToken})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			p := newProxy(t, d.Addr, client, func(c *gateway.Config) { c.LookupBudget, c.KnownBudget = 0, 0 }) // as people have it
			for range 8 {                                                                                      // beyond the point where the breaker opens
				begun := time.Now()
				mailGoesOn(t, p, user)
				if took := time.Since(begun); took > atOnce {
					t.Errorf("a session took %s", took)
				}
			}
			var counted float64
			for _, r := range fault.reasons {
				counted += p.metric(t, "inlay_not_injected_total", "reason="+r)
			}
			if counted == 0 {
				t.Errorf("none of %v was counted", fault.reasons)
			}
			if after := d.Dump(t, user); !slices.Equal(before, after) {
				t.Errorf("the real mails have changed:\n%v\n%v", before, after)
			}
		})
	}
}

// mailGoesOn is a plain session with five mails.
func mailGoesOn(t *testing.T, p *proxy, user string) {
	t.Helper()
	c := login(t, p.addr, user)
	if n := c.exists("SELECT INBOX"); n != 5 {
		t.Errorf("%d messages, not 5", n)
	}
	if l := c.list(); len(l) != 5 {
		t.Errorf("%d messages are listed, not 5", len(l))
	}
	c.must("FETCH 1:* BODY.PEEK[]")
	c.must(`STORE 1 +FLAGS (\Flagged)`)
	c.must(`STORE 1 -FLAGS (\Flagged)`)
	c.must("STATUS INBOX (MESSAGES)")
	c.must("LOGOUT")
}

// hung accepts and never answers.
func hung(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var held []net.Conn
	t.Cleanup(func() {
		ln.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range held {
			c.Close()
		}
	})
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			held = append(held, c)
			mu.Unlock()
		}
	}()
	return "http://" + ln.Addr().String()
}

// notHTTP answers in no language at all.
func notHTTP(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("\x00\xff220 hello\r\n\r\n"))
			c.Close()
		}
	}()
	return "http://" + ln.Addr().String()
}

func serving(status int, kind, body string) func(*testing.T) string {
	return func(t *testing.T) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
}

// TestMiddlewareGone takes the middleware away from a session that shows an injected message:
// what was shown stays addressable, nothing about it is acknowledged, mail goes on; and when it
// is back everything is as before.
func TestMiddlewareGone(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{})
	d.Deliver(t, "ann", "INBOX", mails(5)...)
	w := newWorld(t)
	w.run(t, "welcome", []string{"ann"})
	gone := &switched{handler: w.middleware.Handler()}
	front := httptest.NewServer(gone)
	t.Cleanup(front.Close)
	client, err := middleware.NewClient(middleware.ClientConfig{BaseURL: front.URL, Token: apiToken})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	p := newProxy(t, d.Addr, client)
	c := login(t, p.addr, "ann")
	if n := c.exists("SELECT INBOX"); n != 6 {
		t.Fatalf("%d messages, not 6", n)
	}

	gone.set(true)
	if got := c.must("FETCH 6 (FLAGS BODY.PEEK[TEXT])").raw(); !strings.Contains(got, "came by no post") {
		t.Errorf("what was shown cannot be read any more:\n%s", got)
	}
	if got := c.cmd(`STORE 6 +FLAGS (\Flagged)`); !strings.HasPrefix(got.tagged, "NO [UNAVAILABLE]") || len(got.lines("FETCH")) > 0 {
		t.Errorf("a flag that cannot be kept: %s", got.raw())
	}
	// The implicit \Seen is left out, and the text is told all the same.
	if got := c.must("FETCH 6 BODY[TEXT]").raw(); !strings.Contains(got, "came by no post") || strings.Contains(got, `\Seen`) {
		t.Errorf("read while nothing can be kept:\n%s", got)
	}
	c.must(`STORE 1 +FLAGS (\Flagged)`)
	c.must(`STORE 1 -FLAGS (\Flagged)`)
	if n := len(c.list()); n != 6 {
		t.Errorf("%d messages are listed, not 6", n)
	}
	// A second connection, and the same one anew: what the person's sessions have seen stays.
	if n := login(t, p.addr, "ann").exists("SELECT INBOX"); n != 6 {
		t.Errorf("another session sees %d messages, not 6", n)
	}
	if n := c.exists("SELECT INBOX"); n != 6 {
		t.Errorf("opened again there are %d messages, not 6", n)
	}

	gone.set(false)
	peertest.Eventually(t, "flags can be stored again", func() bool { return c.cmd(`STORE 6 +FLAGS (\Flagged)`).ok() })
	if got := c.list()[5].flags; got != `\Flagged` {
		t.Errorf("flags in the end: %q", got)
	}

	// \Deleted, and then it is gone before the EXPUNGE.
	c.must(`STORE 6 +FLAGS (\Deleted)`)
	gone.set(true)
	if got := c.cmd("EXPUNGE"); strings.Contains(got.raw(), "EXPUNGE\r\n") && len(got.lines("EXPUNGE")) > 0 {
		t.Errorf("told as expunged, and not durably so:\n%s", got.raw())
	}
	if n := len(c.list()); n != 6 {
		t.Errorf("%d messages are listed, not 6", n)
	}
	gone.set(false)
	peertest.Eventually(t, "it can be expunged again", func() bool { return len(c.cmd("EXPUNGE").lines("EXPUNGE")) == 1 })
	if n := w.count(t, "welcome", event.Expunged); n != 1 {
		t.Errorf("expunged was recorded %d times", n)
	}
}

// switched is a handler that can be taken off the network.
type switched struct {
	handler http.Handler
	mu      sync.Mutex
	off     bool
}

func (s *switched) set(off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = off
}

func (s *switched) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	off := s.off
	s.mu.Unlock()
	if off {
		panic(http.ErrAbortHandler) // the connection ends without an answer
	}
	s.handler.ServeHTTP(w, r)
}

// TestStoreUnwritable keeps every file of the store locked for writing by somebody else.
func TestStoreUnwritable(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{})
	for _, u := range []string{"ann", "ben"} {
		d.Deliver(t, u, "INBOX", mails(5)...)
	}
	before := d.Dump(t, "ann")
	w := newWorld(t)
	w.run(t, "welcome", []string{"ann", "ben"})
	p := newProxy(t, d.Addr, w.client(t), func(c *gateway.Config) { c.LookupBudget, c.KnownBudget = time.Second, 0 })
	ben := login(t, newProxy(t, d.Addr, w.client(t)).addr, "ben")
	if n := ben.exists("SELECT INBOX"); n != 6 {
		t.Fatalf("%d messages, not 6", n)
	}

	unlock := lockFiles(t, w.dir)
	begun := time.Now()
	mailGoesOn(t, p, "ann")
	if took := time.Since(begun); took > atOnce {
		t.Errorf("a session took %s", took)
	}
	var counted float64
	for _, r := range []string{"middleware_failed", "lookup_timeout", "breaker_open"} {
		counted += p.metric(t, "inlay_not_injected_total", "reason="+r)
	}
	if counted == 0 {
		t.Error("no metric says why nothing was injected")
	}
	if after := d.Dump(t, "ann"); !slices.Equal(before, after) {
		t.Errorf("the real mails have changed, or a marker is left:\n%v\n%v", before, after)
	}
	if got := ben.cmd(`STORE 6 +FLAGS (\Flagged)`); !strings.HasPrefix(got.tagged, "NO [UNAVAILABLE]") {
		t.Errorf("a flag that cannot be kept: %s", got.raw())
	}
	ben.must("FETCH 1:* BODY.PEEK[]")

	unlock()
	peertest.Eventually(t, "ann gets it after all", func() bool {
		c := login(t, p.addr, "ann")
		defer c.nc.Close()
		return c.exists("SELECT INBOX") == 6
	})
	if n := w.count(t, "welcome", event.Injected); n != 2 {
		t.Errorf("injected was recorded %d times, not 2", n)
	}
}

// lockFiles takes the write lock of every database below dir.
func lockFiles(t *testing.T, dir string) (unlock func()) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.db"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of the store in %s: %v", dir, err)
	}
	ctx := context.Background()
	var held []*sql.Conn
	for _, f := range files {
		db, err := sql.Open("sqlite", "file:"+f+"?_pragma=busy_timeout(5000)")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		conn, err := db.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
	}
	return func() {
		for _, c := range held {
			if _, err := c.ExecContext(ctx, "ROLLBACK"); err != nil {
				t.Error(err)
			}
			c.Close()
		}
	}
}

// TestObjectsGone removes the object store under a running middleware: bundles cannot be
// imported then, and what is running goes on.
func TestObjectsGone(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{})
	d.Deliver(t, "ann", "INBOX", mails(5)...)
	w := newWorld(t)
	w.run(t, "welcome", []string{"ann"})
	if err := os.RemoveAll(w.objects); err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, d.Addr, w.client(t))
	if n := login(t, p.addr, "ann").exists("SELECT INBOX"); n != 6 {
		t.Errorf("%d messages, not 6", n)
	}
	if err := w.middleware.Ready(t.Context()); err == nil {
		t.Error("the middleware says it is ready")
	}
}

// TestBackendGone ends the mail server under a session: the client is told BYE, and a new one
// is told at once too.
func TestBackendGone(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{})
	d.Deliver(t, "ann", "INBOX", mails(5)...)
	p := newProxy(t, d.Addr, nil, func(c *gateway.Config) { c.LoginTimeout = time.Minute })
	c := login(t, p.addr, "ann")
	c.must("SELECT INBOX")
	d.Stop(t)
	c.deadline()
	if r, err := c.tryResponse(); err != nil || !strings.HasPrefix(r, "* BYE") {
		t.Errorf("the session ends with %q, %v", r, err)
	}
	nc, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(commandTimeout))
	b := make([]byte, 200)
	n, err := nc.Read(b)
	if got := string(b[:n]); err != nil || !strings.HasPrefix(got, "* BYE") {
		t.Errorf("a new session is greeted with %q, %v", got, err)
	}
}
