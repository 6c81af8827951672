package platform_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/object/folder"
	"inlay.example/inlay/internal/platform"
	"inlay.example/inlay/internal/platform/client"
	"inlay.example/inlay/internal/store"
	"inlay.example/inlay/internal/store/sqlite"
)

const (
	token    = "platform-token-of-the-tests"
	mimToken = "middleware-token-of-the-tests"
	secret   = "secret-of-the-tenant"
)

// clock is a clock that only Advance moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a store with objects and a clock, on which any number of instances run.
type world struct {
	*clock
	store   store.Store
	objects object.Store
}

func newWorld(t testing.TB) *world {
	t.Helper()
	st, err := sqlite.Open(context.Background(), sqlite.Config{Dir: t.TempDir()}, sqlite.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	objects, err := folder.New(folder.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		clock: &clock{now: time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)},
		store: st, objects: objects,
	}
}

// nowhere is the address of a middleware that does not answer.
const nowhere = "http://127.0.0.1:1"

// instance makes a platform on the world; change may alter how.
func (w *world) instance(t testing.TB, middleware string, change ...func(*platform.Config, *platform.Deps)) *platform.Platform {
	t.Helper()
	cfg := platform.Config{
		Token: token, MiddlewareURL: middleware, MiddlewareToken: mimToken, Secret: secret,
		Poll: 5 * time.Millisecond, Timeout: 5 * time.Second,
	}
	deps := platform.Deps{
		Documents: w.store.Control(), Objects: object.Below(w.objects, "platform"), Bundles: object.Below(w.objects, "bundles"),
		Now: w.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, c := range change {
		c(&cfg, &deps)
	}
	p, err := platform.New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run runs a part of the system until the test ends or stop is called.
func run(t testing.TB, what func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- what(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// site is a platform that is served, and its client.
type site struct {
	*client.Client
	t   testing.TB
	url string
}

func serve(t testing.TB, h http.Handler) site {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := client.New(client.Config{BaseURL: srv.URL, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return site{Client: c, t: t, url: srv.URL}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	text   string
	json   map[string]any
}

// do makes a raw request. Headers come in pairs; the token is sent unless they have one.
func (s site) do(method, path, body string, headers ...string) answer {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(b)}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(b, &a.json); err != nil {
			s.t.Fatalf("%s %s: not JSON: %s", method, path, b)
		}
	}
	return a
}

// expect makes a request that must have the status; a status of 400 or more must be a problem.
func (s site) expect(status int, method, path, body string, headers ...string) answer {
	s.t.Helper()
	a := s.do(method, path, body, headers...)
	if a.status != status {
		s.t.Fatalf("%s %s: %d, want %d: %s", method, path, a.status, status, a.text)
	}
	if status >= 400 {
		if got := a.header.Get("Content-Type"); got != "application/problem+json" {
			s.t.Errorf("%s %s: content type %q of a problem", method, path, got)
		}
		if a.json["status"] != float64(status) || a.json["title"] == "" || a.json["detail"] == "" {
			s.t.Errorf("%s %s: not a whole problem: %s", method, path, a.text)
		}
	}
	return a
}

// has reports whether one of the problem's items has this location.
func (a answer) has(location string) bool {
	items, _ := a.json["errors"].([]any)
	for _, i := range items {
		if m, ok := i.(map[string]any); ok && m["location"] == location {
			return true
		}
	}
	return false
}

// eventually waits until ok, which is asked again and again, says so.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("%s: not within a minute", what)
		case <-tick.C:
		}
	}
}

const welcome = "From: Shop <shop@example.org>\r\nSubject: Welcome, {{ first_name | default: \"there\" }}\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\n\r\nYour code is {{ code }}.\r\n"
