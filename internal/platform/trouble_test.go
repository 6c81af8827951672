package platform_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/platform"
	"inlay.example/inlay/internal/platform/api"
	"inlay.example/inlay/internal/webhook"
)

// troubles are ways in which a middleware does not do what it should.
func troubles() map[string]http.HandlerFunc {
	problem := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"status":%d,"detail":"said the test"}`, status)
		}
	}
	return map[string]http.HandlerFunc{
		"closes the connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"hangs": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the client has gone
			<-r.Context().Done()
		},
		"is another server": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"answers garbage": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"id":`))
		},
		"answers without end": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(bytes.Repeat([]byte(" "), 2<<20))
		},
		"redirects":           http.RedirectHandler("https://elsewhere.example/", http.StatusTemporaryRedirect).ServeHTTP,
		"does not know us":    problem(http.StatusUnauthorized),
		"has no such tenant":  problem(http.StatusNotFound),
		"has no store now":    problem(http.StatusServiceUnavailable),
		"has a defect":        problem(http.StatusInternalServerError),
		"is behind a gateway": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	}
}

// Whatever the middleware does instead of answering: a preparation and a command wait, say
// why, and go on when it answers; nothing is lost, also over a restart of the platform.
func TestMiddlewareInTrouble(t *testing.T) {
	t.Parallel()
	for name, trouble := range troubles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			w := newWorld(t)
			m := w.middleware(t)
			impatient := func(c *platform.Config, _ *platform.Deps) {
				if name == "hangs" {
					c.Timeout = 500 * time.Millisecond
				}
			}
			p := w.instance(t, m.url, impatient)
			stop := run(t, p.Run)
			s := serve(t, p.Handler())
			s.draft(t, "c")

			m.answer(trouble)
			if _, err := s.Start(ctx, "c"); err != nil {
				t.Fatal(err)
			}
			c := s.until(t, "c", "waiting", func(c api.Campaign) bool { return c.Progress.Waiting != "" })
			if c.State != campaign.Preparing || c.Progress.Step != api.StepPush || !strings.Contains(c.Progress.Waiting, "middleware") {
				t.Errorf("waiting: %+v", c)
			}
			s.expect(map[bool]int{true: 200, false: 503}[name == "has no such tenant"], "GET", api.Base+"/campaigns/c/statistics", "")
			m.answer(nil)
			if c := s.until(t, "c", "running", is(campaign.Running)); c.Progress.Waiting != "" {
				t.Errorf("still waiting: %+v", c)
			}

			m.answer(trouble)
			a := s.expect(202, "POST", api.Base+"/campaigns/c/pause", "")
			if pending, _ := a.json["pending"].(map[string]any); a.json["state"] != "running" || pending["command"] != "pause" {
				t.Errorf("paused: %s", a.text)
			}
			c = s.until(t, "c", "known to be in trouble", func(c api.Campaign) bool { return c.Pending != nil && c.Pending.Problem != "" })
			if c.State != campaign.Running {
				t.Errorf("paused, said before it was: %+v", c)
			}
			stop()
			run(t, w.instance(t, m.url, impatient).Run)
			m.answer(nil)
			s.until(t, "c", "paused", is(campaign.Paused))
			if got := m.offers(t, "anna@example.org"); len(got) != 0 {
				t.Errorf("offers of a paused campaign: %+v", got)
			}
		})
	}
}

// What the middleware says is wrong with a push is not repeated: the campaign fails.
func TestMiddlewareRefusesThePush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.middleware(t)
	p := w.instance(t, m.url, func(c *platform.Config, _ *platform.Deps) { c.DataSource = "none" })
	run(t, p.Run)
	s := serve(t, p.Handler())
	s.draft(t, "c")
	if _, err := s.Start(context.Background(), "c"); err != nil {
		t.Fatal(err)
	}
	if c := s.until(t, "c", "failed", is(campaign.Failed)); !strings.Contains(c.Failure, "422") || !strings.Contains(c.Failure, "data source") {
		t.Errorf("failure: %q", c.Failure)
	}
}

// A recall while the middleware imports is told at once, repeated until it is heard, and wins:
// nothing is ever shown.
func TestRecallDuringAnImport(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	m := w.middleware(t)
	p := w.instance(t, m.url)
	run(t, p.Run)
	s := serve(t, p.Handler())
	s.draft(t, "c")
	var through atomic.Bool
	m.answer(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/commands") && !through.Load() {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/imports/") {
			rw.Header().Set("Content-Type", "application/json")
			_, _ = rw.Write([]byte(`{"id":"x","state":"running","rows":{"read":5,"rejected":2},"rejected":[{"file":"f","line":3,"reason":"r"}],"waiting":"the disk is full"}`))
			return
		}
		m.Handler().ServeHTTP(rw, r)
	})
	if _, err := s.Start(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	c := s.until(t, "c", "being imported", func(c api.Campaign) bool { return c.Progress.Imported == 3 })
	if c.Progress.Step != api.StepImport || c.Progress.Rejected != 2 || fmt.Sprint(c.Progress.Errors) != "[f line 3: r]" || c.Progress.Waiting != "the disk is full" {
		t.Errorf("progress: %+v", c.Progress)
	}
	s.expect(202, "POST", api.Base+"/campaigns/c/recall", "")
	s.expect(202, "POST", api.Base+"/campaigns/c/recall", "")
	s.expect(409, "POST", api.Base+"/campaigns/c/pause", "")
	c = s.until(t, "c", "known not to be recalled yet", func(c api.Campaign) bool { return c.Pending != nil && c.Pending.Problem != "" })
	if c.State != campaign.Preparing {
		t.Errorf("recalled: %+v", c)
	}
	through.Store(true)
	s.until(t, "c", "cancelled", is(campaign.Cancelled))
	if got := m.offers(t, "anna@example.org"); len(got) != 0 {
		t.Errorf("offers: %+v", got)
	}
}

// A recall overtakes the bundle: it is told before the push, which is not made any more.
func TestRecallBeforeThePush(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	m := w.middleware(t)
	p := w.instance(t, m.url)
	run(t, p.Run)
	s := serve(t, p.Handler())
	s.draft(t, "c")
	m.answer(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) })
	if _, err := s.Start(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	s.until(t, "c", "waiting", func(c api.Campaign) bool { return c.Progress.Step == api.StepPush && c.Progress.Waiting != "" })
	s.expect(202, "POST", api.Base+"/campaigns/c/recall", "")
	s.until(t, "c", "being recalled", func(c api.Campaign) bool { return c.Pending.Problem != "" })
	before := m.count("POST /api/tenants/default/imports")
	m.answer(nil)
	s.until(t, "c", "cancelled", is(campaign.Cancelled))
	if n := m.count("POST /api/tenants/default/imports"); n != before {
		t.Errorf("pushed %d times after the recall", n-before)
	}
	if got := m.offers(t, "anna@example.org"); len(got) != 0 {
		t.Errorf("offers: %+v", got)
	}
}

// A recall is not done because the middleware says that something is not there: that may be the tenant.
func TestRecallOfNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.middleware(t)
	p := w.instance(t, m.url)
	run(t, p.Run)
	s := serve(t, p.Handler())
	s.draft(t, "c")
	if _, err := s.Start(context.Background(), "c"); err != nil {
		t.Fatal(err)
	}
	s.until(t, "c", "running", is(campaign.Running))
	m.answer(troubles()["has no such tenant"])
	s.expect(202, "POST", api.Base+"/campaigns/c/recall", "")
	c := s.until(t, "c", "refused", func(c api.Campaign) bool { return c.State == campaign.Cancelled || c.Pending.Problem != "" })
	if c.State != campaign.Running {
		t.Errorf("nothing was withdrawn, and it is said to be: %+v", c)
	}
	m.answer(nil)
	s.until(t, "c", "cancelled", is(campaign.Cancelled))
}

// A middleware that has lost the import is pushed to again.
func TestImportThatWasLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.middleware(t)
	p := w.instance(t, m.url)
	run(t, p.Run)
	s := serve(t, p.Handler())
	s.draft(t, "c")
	var lost atomic.Bool
	m.answer(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/imports/") && lost.CompareAndSwap(false, true) {
			r.URL.Path += "-unheard-of"
		}
		m.Handler().ServeHTTP(rw, r)
	})
	if _, err := s.Start(context.Background(), "c"); err != nil {
		t.Fatal(err)
	}
	if c := s.until(t, "c", "running", is(campaign.Running)); c.Version != 1 {
		t.Errorf("version %d", c.Version)
	}
	if n := m.count("POST /api/tenants/default/imports"); n != 2 {
		t.Errorf("pushed %d times", n)
	}
}

// command tells the middleware something that the platform does not know of.
func (s *mimServer) command(t testing.TB, w *world, id string, c campaign.Command, revision uint64) {
	t.Helper()
	body := []byte(fmt.Sprintf(`{"campaign":%q,"command":%q,"revision":%d}`, id, c, revision))
	req, err := http.NewRequest(http.MethodPost, s.url+"/api/tenants/default/commands", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = webhook.Sign([]byte(secret), fmt.Sprintf("other-%d", revision), w.Now(), body)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("another tool's command: %d", resp.StatusCode)
	}
}

// Somebody else steers the same campaign at the middleware: our commands still have effect,
// and a recall of theirs is final for us, too.
func TestAnotherToolSteers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	m := w.middleware(t)
	p := w.instance(t, m.url)
	run(t, p.Run)
	s := serve(t, p.Handler())
	s.draft(t, "c")
	if _, err := s.Start(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	s.until(t, "c", "running", is(campaign.Running))
	m.command(t, w, "c", campaign.Resume, 50)
	if _, err := s.Pause(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	if c := s.until(t, "c", "paused", is(campaign.Paused)); c.Revision != 51 {
		t.Errorf("revision %d", c.Revision)
	}
	if got := m.offers(t, "anna@example.org"); len(got) != 0 {
		t.Errorf("offers of a paused campaign: %+v", got)
	}
	m.command(t, w, "c", campaign.Recall, 60)
	if _, err := s.Resume(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	s.until(t, "c", "cancelled", is(campaign.Cancelled))
}

// The bundles of an earlier campaign of the same id are not taken for this one's.
func TestBundleOfAnEarlierLife(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	m := w.middleware(t)
	old := bundle.Manifest{
		Campaign: "c", Version: 1, Name: "Of old", Class: campaign.Own, Mailbox: "INBOX", Start: w.Now(), End: w.Now().Add(time.Hour),
	}
	var rows iter.Seq2[bundle.Row, error] = func(yield func(bundle.Row, error) bool) {
		yield(bundle.Row{User: "otto@example.org", Values: []string{"1"}}, nil)
	}
	if _, err := bundle.Write(ctx, object.Below(w.objects, "bundles"), "", old, []byte(welcome), []string{"code"}, rows); err != nil {
		t.Fatal(err)
	}
	p := w.instance(t, m.url)
	run(t, p.Run)
	s := serve(t, p.Handler())
	s.draft(t, "c")
	if _, err := s.Start(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	if c := s.until(t, "c", "running", is(campaign.Running)); c.Version != 2 {
		t.Errorf("version %d", c.Version)
	}
	if got := len(m.offers(t, "anna@example.org")); got != 1 {
		t.Errorf("%d offers", got)
	}
	if got := len(m.offers(t, "otto@example.org")); got != 0 {
		t.Errorf("%d offers for the earlier one's people", got)
	}
}

// A stored audience that was damaged is noticed before anybody is shown anything.
func TestDamagedAudience(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	m := w.middleware(t)
	p := w.instance(t, m.url)
	run(t, p.Run)
	s := serve(t, p.Handler())
	c := s.draft(t, "c")
	key := object.Key("platform/audiences/" + c.Audience + ".csv")
	if _, err := w.objects.Put(ctx, key, strings.NewReader("user,code\nanna\n"), -1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Start(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	if c := s.until(t, "c", "failed", is(campaign.Failed)); !strings.Contains(c.Failure, "damaged") {
		t.Errorf("failure: %q", c.Failure)
	}
}

func TestNewRefusesABadConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := platform.Config{Token: token, Secret: secret, MiddlewareURL: "http://127.0.0.1:1/"}
	deps := platform.Deps{Documents: w.store.Control(), Objects: w.objects, Bundles: w.objects}
	if _, err := platform.New(good, deps); err != nil {
		t.Fatal(err)
	}
	for key, breakIt := range map[string]func(*platform.Config){
		"platform.token":          func(c *platform.Config) { c.Token = "" },
		"platform.secret":         func(c *platform.Config) { c.Secret = "" },
		"platform.middleware-url": func(c *platform.Config) { c.MiddlewareURL = "ftp://127.0.0.1" },
		"platform.timeout":        func(c *platform.Config) { c.Timeout = -1 },
	} {
		c := good
		breakIt(&c)
		if _, err := platform.New(c, deps); err == nil || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("%s: %v", key, err)
		}
	}
}
