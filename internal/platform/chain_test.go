package platform_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/importer"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/platform/api"
	"inlay.example/inlay/internal/platform/client"
	"inlay.example/inlay/internal/webhook"
)

// importers adapts the importer to the middleware, as the program does.
type importers struct{ *importer.Importer }

func (i importers) Start(ctx context.Context, id, digest string, key object.Key) (middleware.ImportJob, error) {
	j, err := i.Importer.Start(ctx, id, digest, key)
	return middleware.ImportJob(j), err
}

func (i importers) Job(ctx context.Context, id string) (middleware.ImportJob, error) {
	j, err := i.Importer.Job(ctx, id)
	return middleware.ImportJob(j), err
}

// mimServer is a real middleware that is served, and can be stopped from answering.
type mimServer struct {
	*middleware.Middleware
	url     string
	handler atomic.Pointer[http.HandlerFunc]
	mu      sync.Mutex
	asked   []string // method and path of requests
}

// middleware starts one on the world.
func (w *world) middleware(t testing.TB) *mimServer {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	m, err := middleware.New(context.Background(), middleware.Config{
		Token: mimToken, EnsureDefaultTenant: &middleware.DefaultTenant{Secret: secret, Prefix: "bundles"},
	}, middleware.Deps{
		Store: w.store, Objects: w.objects, Now: w.Now, Log: log, Verify: webhook.Verify,
		Importer: func(s middleware.ImportSource) (middleware.Importer, error) {
			i, err := importer.New(importer.Config{ErrorRatio: s.ErrorRatio, Poll: 10 * time.Millisecond, Retry: 10 * time.Millisecond}, importer.Deps{
				Keyspace: s.Keyspace, Objects: s.Objects, NormaliseUser: s.NormaliseUser, Log: log, Now: w.Now,
			})
			return importers{i}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, m.Run)
	s := &mimServer{Middleware: m}
	s.answer(m.Handler().ServeHTTP)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		(*s.handler.Load())(rw, r)
	}))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

// answer makes h what answers; nil: the middleware itself.
func (s *mimServer) answer(h http.HandlerFunc) {
	if h == nil {
		h = s.Handler().ServeHTTP
	}
	s.handler.Store(&h)
}

// count tells how many requests there were that contain part.
func (s *mimServer) count(part string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.asked {
		if strings.Contains(a, part) {
			n++
		}
	}
	return n
}

// offers is what the middleware has for a person now.
func (s *mimServer) offers(t testing.TB, user string) []injection.Offer {
	t.Helper()
	session, err := s.Begin(context.Background(), injection.BeginRequest{Person: injection.Person{User: user}})
	if err != nil {
		t.Fatal(err)
	}
	return session.Offers
}

// until waits for a campaign to be as ok wants it.
func (s site) until(t testing.TB, id campaign.ID, what string, ok func(api.Campaign) bool) (c api.Campaign) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("campaign %s at the end: %+v", id, c)
		}
	}()
	eventually(t, fmt.Sprintf("campaign %s is %s", id, what), func() bool {
		var err error
		if c, _, err = s.Campaign(context.Background(), id); err != nil {
			t.Fatal(err)
		}
		return ok(c)
	})
	return c
}

func is(s campaign.State) func(api.Campaign) bool {
	return func(c api.Campaign) bool { return c.State == s && c.Pending == nil }
}

// The whole chain: campaign, bundle, push, import, an offer for the person; pause, resume,
// recall and their effects; statistics.
func TestCampaignReachesPeople(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	m := w.middleware(t)
	p := w.instance(t, m.url)
	run(t, p.Run)
	s := serve(t, p.Handler())

	s.expect(201, "POST", api.Base+"/templates?name=Welcome&id=welcome", welcome, "Content-Type", mail)
	a, err := s.UploadAudience(ctx, client.Upload{Name: "people", Body: strings.NewReader("user,code,first_name\nAnna@Example.org,4711,Anna\nbert@example.org,4712,\n")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateCampaign(ctx, api.Plan{ID: "c", Name: "Welcome", Class: campaign.Own, Template: "welcome", Audience: a.ID, Priority: 7}, ""); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Statistics(ctx, "c"); err != nil || got.Campaign != "c" || got.State != campaign.Draft {
		t.Errorf("statistics of a draft: %+v, %v", got, err)
	}
	started, err := s.Start(ctx, "c")
	if err != nil || started.State != campaign.Scheduled || !started.Start.Equal(w.Now()) || !started.End.Equal(w.Now().Add(campaign.DefaultWindow)) {
		t.Fatalf("started: %+v, %v", started, err)
	}
	running := s.until(t, "c", "running", is(campaign.Running))
	if running.Version != 1 || running.Progress.Step != api.StepDone || running.Progress.Rows != 2 || running.Progress.Imported != 2 {
		t.Errorf("running: %+v", running)
	}

	offers := m.offers(t, "anna@example.org")
	if len(offers) != 1 || offers[0].Campaign != "c" || offers[0].Variables["code"] != "4711" || offers[0].Template != running.Template.Digest {
		t.Fatalf("offers: %+v", offers)
	}
	if source, err := m.Template(ctx, "", offers[0].Template); err != nil || string(source) != welcome {
		t.Errorf("the template: %q, %v", source, err)
	}

	if c, err := s.Pause(ctx, "c"); err != nil || c.Pending == nil && c.State != campaign.Paused {
		t.Fatalf("paused: %+v, %v", c, err)
	}
	s.until(t, "c", "paused", is(campaign.Paused))
	if got := m.offers(t, "anna@example.org"); len(got) != 0 {
		t.Errorf("offers of a paused campaign: %+v", got)
	}
	if _, err := s.Resume(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	s.until(t, "c", "running", is(campaign.Running))

	// The gateway's part, for one person.
	offer := m.offers(t, "anna@example.org")[0]
	claim := injection.ClaimRequest{
		Person: injection.Person{User: "anna@example.org"}, Key: offer.Key, UIDValidity: 1, Token: "token-of-the-claim-1", Lease: 10 * time.Second,
	}
	claimed, err := m.Claim(ctx, claim)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Confirm(ctx, injection.ConfirmRequest{Person: claim.Person, ID: claimed.ID, Token: claim.Token, UID: 17, InternalDate: w.Now()}); err != nil {
		t.Fatal(err)
	}
	stats, err := s.Statistics(ctx, "c")
	if err != nil || stats.Assigned != 2 || stats.Live != 1 || stats.Events["injected"] != 1 || stats.State != campaign.Running {
		t.Errorf("statistics: %+v, %v", stats, err)
	}

	if _, err := s.Recall(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	s.until(t, "c", "cancelled", is(campaign.Cancelled))
	eventually(t, "the message is withdrawn", func() bool {
		list, err := m.Placements(ctx, claim.Person)
		if err != nil {
			t.Fatal(err)
		}
		live := 0
		for _, p := range list {
			if p.State == placement.Live {
				live++
			}
		}
		return live == 0
	})
	if got := m.offers(t, "bert@example.org"); len(got) != 0 {
		t.Errorf("offers of a recalled campaign: %+v", got)
	}
	eventually(t, "the withdrawal is counted", func() bool {
		stats, err := s.Statistics(ctx, "c")
		return err == nil && stats.Events["withdrawn"] == 1 && stats.Live == 0
	})
	s.expect(409, "POST", api.Base+"/campaigns/c/resume", "")
}

func TestCampaignCompletesAtItsEnd(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	m := w.middleware(t)
	p := w.instance(t, m.url)
	run(t, p.Run)
	s := serve(t, p.Handler())
	s.draft(t, "c")
	start := w.Now().Add(time.Hour)
	if _, err := s.PatchCampaign(ctx, "c", api.Patch{Start: &start}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Schedule(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	if c := s.until(t, "c", "running", is(campaign.Running)); c.Window != "before" {
		t.Errorf("window %q", c.Window)
	}
	if got := m.offers(t, "anna@example.org"); len(got) != 0 {
		t.Errorf("offers before the start: %+v", got)
	}
	w.Advance(time.Hour)
	if got := m.offers(t, "anna@example.org"); len(got) != 1 {
		t.Errorf("offers at the start: %+v", got)
	}
	w.Advance(campaign.DefaultWindow - time.Millisecond)
	if c, _, err := s.Campaign(ctx, "c"); err != nil || c.State != campaign.Running || c.Window != "open" {
		t.Errorf("before the end: %+v, %v", c, err)
	}
	w.Advance(time.Millisecond)
	if c := s.until(t, "c", "completed", is(campaign.Completed)); !c.Ended.Equal(w.Now()) {
		t.Errorf("ended %s", c.Ended)
	}
}

// Rows that are good CSV and no good names are the middleware's to refuse; when they are too
// many, the campaign fails and says why.
func TestCampaignWhoseImportFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.middleware(t)
	p := w.instance(t, m.url)
	s := serve(t, p.Handler())
	s.draft(t, "c")
	if _, err := s.Start(context.Background(), "c"); err != nil {
		t.Fatal(err)
	}
	// The bundle is damaged between the platform and the middleware.
	m.answer(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if err := w.objects.Delete(context.Background(), "bundles/c/1/template-default.eml"); err != nil {
				t.Error(err)
			}
		}
		m.Handler().ServeHTTP(rw, r)
	})
	run(t, p.Run)
	c := s.until(t, "c", "failed", is(campaign.Failed))
	if !strings.Contains(c.Failure, "the middleware has not imported it: ") || !strings.Contains(c.Failure, "template") {
		t.Errorf("failure: %q", c.Failure)
	}
	if got := m.offers(t, "anna@example.org"); len(got) != 0 {
		t.Errorf("offers of a failed campaign: %+v", got)
	}
	s.expect(409, "POST", api.Base+"/campaigns/c/recall", "")
}
