package middleware_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/object/folder"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/store"
	"inlay.example/inlay/internal/store/sqlite"
	"inlay.example/inlay/internal/webhook"
)

const (
	token  = "bearer-token-of-the-tests"
	secret = "secret-of-the-default-tenant"
)

// clock is a clock that only Advance moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)} }

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
	objects *folder.Store
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
	return &world{clock: newClock(), store: st, objects: objects}
}

// instance starts a middleware on the world; change may alter how.
func (w *world) instance(t testing.TB, change ...func(*middleware.Config, *middleware.Deps)) *middleware.Middleware {
	t.Helper()
	cfg := middleware.Config{Token: token, EnsureDefaultTenant: &middleware.DefaultTenant{Secret: secret, Prefix: "bundles"}}
	deps := middleware.Deps{Store: w.store, Objects: w.objects, Now: w.Now, Verify: webhook.Verify}
	for _, c := range change {
		c(&cfg, &deps)
	}
	m, err := middleware.New(context.Background(), cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// serve serves an instance and returns its URL.
func serve(t testing.TB, m *middleware.Middleware) string {
	t.Helper()
	srv := httptest.NewServer(m.Handler())
	t.Cleanup(srv.Close)
	return srv.URL
}

func newClient(t testing.TB, url string) *middleware.Client {
	t.Helper()
	c, err := middleware.NewClient(middleware.ClientConfig{BaseURL: url, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// keyspaceOf is where createTenant puts a tenant's data in these tests.
func keyspaceOf(tenant string) string {
	if tenant == "" {
		tenant = injection.DefaultTenant
	}
	return "mim_" + tenant
}

func (w *world) keyspace(t testing.TB, tenant string) store.Keyspace {
	t.Helper()
	ks, err := w.store.Keyspace(context.Background(), keyspaceOf(tenant))
	if err != nil {
		t.Fatal(err)
	}
	return ks
}

// AddTenant implements injectiontest.Admin; it writes what the tenant API would.
func (w *world) AddTenant(t testing.TB, tenant string) {
	t.Helper()
	if err := w.store.CreateKeyspace(context.Background(), keyspaceOf(tenant)); err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"id":%q,"keyspaceName":%q,"configuration":{"secretKey":"s"},"dataSources":[
		{"id":"d","type":"folder","defaultDataSource":true,"folderConnectionInformation":{"prefix":"p"}}]}`, tenant, keyspaceOf(tenant))
	if _, err := w.store.Control().Put(context.Background(), "tenant", tenant, 0, []byte(body)); err != nil {
		t.Fatal(err)
	}
}

// PutCampaign implements injectiontest.Admin.
func (w *world) PutCampaign(t testing.TB, tenant string, c campaign.Active, rows map[string]map[string]string) {
	t.Helper()
	ks := w.keyspace(t, tenant)
	var list []store.AssignmentRow
	for user, vars := range rows {
		list = append(list, store.AssignmentRow{User: user, Line: int64(len(list) + 2), Variables: vars})
	}
	if len(list) > 0 {
		if err := ks.WriteAssignments(context.Background(), c.ID, c.Version, c.End.Add(24*time.Hour), list); err != nil {
			t.Fatal(err)
		}
	}
	w.updateCampaign(t, tenant, c.ID, func(old *campaign.Active) { *old = c })
}

// SetState implements injectiontest.Admin.
func (w *world) SetState(t testing.TB, tenant string, id campaign.ID, state campaign.State) {
	t.Helper()
	w.updateCampaign(t, tenant, id, func(c *campaign.Active) { c.State = state })
}

func (w *world) updateCampaign(t testing.TB, tenant string, id campaign.ID, change func(*campaign.Active)) {
	t.Helper()
	ks := w.keyspace(t, tenant)
	var c campaign.Active
	doc, err := ks.Get(context.Background(), "campaign", string(id))
	switch {
	case fault.Is(err, fault.NotFound):
	case err != nil:
		t.Fatal(err)
	default:
		if err := json.Unmarshal(doc.Body, &c); err != nil {
			t.Fatal(err)
		}
	}
	change(&c)
	body, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ks.Put(context.Background(), "campaign", string(id), doc.Rev, body); err != nil {
		t.Fatal(err)
	}
}

// PutTemplate implements injectiontest.Admin.
func (w *world) PutTemplate(t testing.TB, tenant, digest string, body []byte) {
	t.Helper()
	if err := w.keyspace(t, tenant).PutTemplate(context.Background(), digest, body); err != nil {
		t.Fatal(err)
	}
}

// Count implements injectiontest.Admin.
func (w *world) Count(t testing.TB, tenant string, id campaign.ID, what event.Type) int64 {
	t.Helper()
	counts, err := w.keyspace(t, tenant).Tally(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		if c.Type == what {
			return c.Count
		}
	}
	return 0
}

// alternating asks several instances in turn, as a load balancer does.
type alternating struct {
	of   []injection.Service
	next atomic.Uint64
}

func (a *alternating) pick() injection.Service { return a.of[a.next.Add(1)%uint64(len(a.of))] }

func (a *alternating) Begin(ctx context.Context, r injection.BeginRequest) (injection.Session, error) {
	return a.pick().Begin(ctx, r)
}

func (a *alternating) Placements(ctx context.Context, p injection.Person) ([]placement.Placement, error) {
	return a.pick().Placements(ctx, p)
}

func (a *alternating) Template(ctx context.Context, tenant, digest string) ([]byte, error) {
	return a.pick().Template(ctx, tenant, digest)
}

func (a *alternating) Claim(ctx context.Context, r injection.ClaimRequest) (placement.Placement, error) {
	return a.pick().Claim(ctx, r)
}

func (a *alternating) Confirm(ctx context.Context, r injection.ConfirmRequest) (placement.Placement, error) {
	return a.pick().Confirm(ctx, r)
}

func (a *alternating) Void(ctx context.Context, r injection.VoidRequest) error {
	return a.pick().Void(ctx, r)
}

func (a *alternating) SetFlags(ctx context.Context, r injection.FlagsRequest) (placement.Placement, error) {
	return a.pick().SetFlags(ctx, r)
}

func (a *alternating) Expunge(ctx context.Context, r injection.ExpungeRequest) (placement.Placement, error) {
	return a.pick().Expunge(ctx, r)
}

func (a *alternating) Settle(ctx context.Context, r injection.SettleRequest) (injection.Settlement, error) {
	return a.pick().Settle(ctx, r)
}

func (a *alternating) Departed(ctx context.Context, r injection.DepartedRequest) ([]placement.Departure, error) {
	return a.pick().Departed(ctx, r)
}

func (a *alternating) Move(ctx context.Context, r injection.MoveRequest) (placement.Placement, error) {
	return a.pick().Move(ctx, r)
}

func (a *alternating) EndMove(ctx context.Context, r injection.EndMoveRequest) (placement.Placement, error) {
	return a.pick().EndMove(ctx, r)
}

func (a *alternating) Record(ctx context.Context, p injection.Person, e []injection.Observation) error {
	return a.pick().Record(ctx, p, e)
}

func (a *alternating) Watch(ctx context.Context, r injection.WatchRequest, heard func(injection.Change) error) error {
	return a.pick().Watch(ctx, r, heard)
}

func (a *alternating) Attend(ctx context.Context, r injection.AttendRequest) error {
	return a.pick().Attend(ctx, r)
}
