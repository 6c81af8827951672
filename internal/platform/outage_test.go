package platform_test

import (
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/platform"
	"inlay.example/inlay/internal/platform/api"
	"inlay.example/inlay/internal/platform/client"
	"inlay.example/inlay/internal/store"
)

// outage is a switch: while it is on, what it is built into does not answer.
type outage struct{ on atomic.Bool }

func (o *outage) err() error {
	if o.on.Load() {
		return fault.New(fault.Unavailable, "the storage does not answer")
	}
	return nil
}

type brokenObjects struct {
	object.Store
	*outage
}

func (b brokenObjects) Put(ctx context.Context, key object.Key, r io.Reader, size int64) (object.Info, error) {
	if err := b.err(); err != nil {
		_, _ = r.Read(make([]byte, 10)) // it fails in the midst
		return object.Info{}, err
	}
	return b.Store.Put(ctx, key, r, size)
}

func (b brokenObjects) Get(ctx context.Context, key object.Key, offset int64) (io.ReadCloser, object.Info, error) {
	if err := b.err(); err != nil {
		return nil, object.Info{}, err
	}
	return b.Store.Get(ctx, key, offset)
}

type brokenDocuments struct {
	store.Documents
	*outage
}

func (b brokenDocuments) Get(ctx context.Context, kind, id string) (store.Doc, error) {
	if err := b.err(); err != nil {
		return store.Doc{}, err
	}
	return b.Documents.Get(ctx, kind, id)
}

func (b brokenDocuments) List(ctx context.Context, kind, after string, limit int) ([]store.Doc, error) {
	if err := b.err(); err != nil {
		return nil, err
	}
	return b.Documents.List(ctx, kind, after, limit)
}

func (b brokenDocuments) Put(ctx context.Context, kind, id string, rev uint64, body []byte) (uint64, error) {
	if err := b.err(); err != nil {
		return 0, err
	}
	return b.Documents.Put(ctx, kind, id, rev, body)
}

func (b brokenDocuments) Epoch(ctx context.Context) (uint64, error) {
	if err := b.err(); err != nil {
		return 0, err
	}
	return b.Documents.Epoch(ctx)
}

// While objects do not answer, uploads are refused as a whole and a preparation waits and says
// so; afterwards it goes on.
func TestObjectsDoNotAnswer(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	m := w.middleware(t)
	gone := &outage{}
	p := w.instance(t, m.url, func(_ *platform.Config, d *platform.Deps) {
		d.Objects, d.Bundles = brokenObjects{d.Objects, gone}, brokenObjects{d.Bundles, gone}
	})
	run(t, p.Run)
	s := serve(t, p.Handler())
	s.draft(t, "c")
	start := w.Now()
	if _, err := s.PatchCampaign(ctx, "c", api.Patch{Start: &start}, ""); err != nil {
		t.Fatal(err)
	}

	gone.on.Store(true)
	s.expect(503, "POST", api.Base+"/templates?name=n", strings.Replace(welcome, "Your", "My", 1), "Content-Type", mail)
	_, err := s.UploadAudience(ctx, client.Upload{Name: "n", Body: strings.NewReader("user\n" + strings.Repeat("anna@example.org\n", 10_000))})
	if !fault.Is(err, fault.Unavailable) || client.ProblemOf(err) == nil {
		t.Errorf("an upload: %v", err)
	}
	s.expect(503, "POST", api.Base+"/campaigns/c/schedule", "")
	if page, err := s.Audiences(ctx, client.List{}); err != nil || len(page.Items) != 1 {
		t.Errorf("audiences: %+v, %v", page, err)
	}
	gone.on.Store(false)

	// The storage goes between the decision and the bundle.
	pushes := m.count("POST")
	stopped := w.instance(t, m.url)
	s2 := serve(t, stopped.Handler())
	gone.on.Store(true)
	if _, err := s2.Schedule(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	c := s.until(t, "c", "waiting", func(c api.Campaign) bool { return c.Progress.Waiting != "" })
	if c.State != campaign.Preparing || c.Progress.Step != api.StepBundle || !strings.Contains(c.Progress.Waiting, "storage") || m.count("POST") != pushes {
		t.Errorf("waiting: %+v", c)
	}
	gone.on.Store(false)
	s.until(t, "c", "running", is(campaign.Running))
}

// While documents do not answer, requests are refused, readiness says so, and the jobs go on
// afterwards.
func TestDocumentsDoNotAnswer(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	m := w.middleware(t)
	gone := &outage{}
	p := w.instance(t, m.url, func(_ *platform.Config, d *platform.Deps) { d.Documents = brokenDocuments{d.Documents, gone} })
	run(t, p.Run)
	s := serve(t, p.Handler())
	s.draft(t, "c")
	if _, err := s.Start(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(ctx); err != nil {
		t.Errorf("ready: %v", err)
	}
	gone.on.Store(true)
	if err := p.Ready(ctx); !fault.Is(err, fault.Unavailable) {
		t.Errorf("ready without documents: %v", err)
	}
	s.expect(503, "GET", api.Base+"/campaigns/c", "")
	s.expect(503, "GET", api.Base+"/campaigns", "")
	s.expect(503, "POST", api.Base+"/campaigns/c/recall", "")
	s.expect(503, "POST", api.Base+"/campaigns", `{"name":"n","class":"own"}`)
	gone.on.Store(false)
	s.until(t, "c", "running", is(campaign.Running))
}
