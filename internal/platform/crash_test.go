package platform_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/platform"
	"inlay.example/inlay/internal/store"
)

var errCrash = errors.New("the process is gone")

// fuse ends an instance at its n-th effect on the world: before it, or after it and before
// anybody hears of it. From then on nothing of that instance has an effect.
type fuse struct {
	mu     sync.Mutex
	left   int
	after  bool
	blown  bool
	cancel context.CancelFunc
	what   string // the effect at which it ended
}

// around does one effect.
func (f *fuse) around(what string, effect func() error) error {
	f.mu.Lock()
	if f.blown {
		f.mu.Unlock()
		return errCrash
	}
	f.left--
	last := f.left == 0
	if last {
		f.blown, f.what = true, what
	}
	f.mu.Unlock()
	if !last {
		return effect()
	}
	defer f.cancel()
	if f.after {
		if err := effect(); err != nil {
			return errors.Join(errCrash, err)
		}
	}
	return errCrash
}

// The world as an instance sees it that has a fuse.
type (
	fusedDocuments struct {
		store.Documents
		*fuse
	}
	fusedObjects struct {
		object.Store
		*fuse
	}
	fusedHTTP struct{ *fuse }
)

func (d fusedDocuments) Put(ctx context.Context, kind, id string, rev uint64, body []byte) (out uint64, err error) {
	return out, d.around("document", func() error { out, err = d.Documents.Put(ctx, kind, id, rev, body); return err })
}

func (o fusedObjects) Put(ctx context.Context, key object.Key, r io.Reader, size int64) (out object.Info, err error) {
	return out, o.around("object "+string(key), func() error { out, err = o.Store.Put(ctx, key, r, size); return err })
}

func (h fusedHTTP) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	err = h.around(r.Method+" "+r.URL.Path, func() error { resp, err = http.DefaultTransport.RoundTrip(r); return err })
	if err != nil && resp != nil {
		_ = resp.Body.Close()
		resp = nil
	}
	return resp, err
}

// TestCrashAtEveryStep ends the platform at every effect of a preparation, before and after it.
// Whoever takes over comes to the same end: one bundle, one version, shown once.
func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for n := 1; n <= 9; n++ {
			t.Run(fmt.Sprintf("%d,after=%v", n, after), func(t *testing.T) {
				t.Parallel()
				crashAt(t, n, after)
			})
		}
	}
}

func crashAt(t *testing.T, n int, after bool) {
	ctx := context.Background()
	w := newWorld(t)
	m := w.middleware(t)
	calm := w.instance(t, m.url)
	s := serve(t, calm.Handler())
	s.draft(t, "c")
	if _, err := s.Start(ctx, "c"); err != nil {
		t.Fatal(err)
	}

	doomed, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &fuse{left: n, after: after, cancel: cancel}
	p := w.instance(t, m.url, func(_ *platform.Config, d *platform.Deps) {
		d.Documents, d.Bundles = fusedDocuments{d.Documents, f}, fusedObjects{d.Bundles, f}
		d.HTTP = &http.Client{Transport: fusedHTTP{f}}
	})
	ended := make(chan error, 1)
	go func() { ended <- p.Run(doomed) }()
	eventually(t, "the instance has ended or done it all", func() bool {
		c, _, err := s.Campaign(ctx, "c")
		return doomed.Err() != nil || err == nil && c.State == campaign.Running
	})
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	t.Logf("ended at %q", f.what)

	run(t, calm.Run)
	c := s.until(t, "c", "running", is(campaign.Running))
	if c.Version != 1 {
		t.Errorf("version %d", c.Version)
	}
	var manifests []string
	objects, err := w.objects.List(ctx, "bundles/", "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if strings.HasSuffix(string(o.Key), "/manifest.json") {
			manifests = append(manifests, string(o.Key))
		}
	}
	if !slices.Equal(manifests, []string{"bundles/c/1/manifest.json"}) {
		t.Errorf("manifests: %v", manifests)
	}
	ks, err := w.store.Keyspace(ctx, tenantKeyspace(t, w))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := ks.CountAssignments(ctx, "c", 1); err != nil || n != 1 {
		t.Errorf("%d assignments, %v", n, err)
	}
	if offers := m.offers(t, "anna@example.org"); len(offers) != 1 {
		t.Errorf("offers: %+v", offers)
	}
}

// tenantKeyspace is where the default tenant's data are.
func tenantKeyspace(t testing.TB, w *world) string {
	t.Helper()
	docs, err := w.store.Control().List(context.Background(), "keyspace", "", 10)
	if err != nil || len(docs) != 1 {
		t.Fatalf("%d keyspaces, %v", len(docs), err)
	}
	return docs[0].ID
}

// Two instances on the same documents do the same work once.
func TestTwoInstances(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	m := w.middleware(t)
	first, second := w.instance(t, m.url), w.instance(t, m.url)
	s, s2 := serve(t, first.Handler()), serve(t, second.Handler())
	run(t, first.Run)
	run(t, second.Run)
	for i := range 5 {
		id := campaign.ID(fmt.Sprintf("c-%d", i))
		s.draft(t, string(id))
		if _, err := s2.Start(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		id := campaign.ID(fmt.Sprintf("c-%d", i))
		if c := s.until(t, id, "running", is(campaign.Running)); c.Version != 1 {
			t.Errorf("%s: version %d", id, c.Version)
		}
		if _, err := s2.Recall(ctx, id); err != nil && !fault.Is(err, fault.Conflict) {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		s.until(t, campaign.ID(fmt.Sprintf("c-%d", i)), "cancelled", is(campaign.Cancelled))
	}
}
