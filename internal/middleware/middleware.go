package middleware

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/store"
)

// Config of a middleware.
type Config struct {
	// Token authenticates the injection API and the tenant API as a bearer token. It is
	// required: there is no open mode.
	Token string

	// DefaultDomain is appended to login names without "@". It is frozen with the first use of
	// a tenant's keyspace: names written under one rule are not found under another.
	DefaultDomain string

	// EnsureDefaultTenant, if set, makes the tenant "default" when New finds none.
	EnsureDefaultTenant *DefaultTenant

	// ImportErrorRatio stops an import whose share of bad rows is greater; 0 means 0.01.
	ImportErrorRatio float64
}

// DefaultTenant is what Config.EnsureDefaultTenant makes.
type DefaultTenant struct {
	Secret string // of pushes and commands
	Prefix string // of its data source of type "folder", in Deps.Objects
}

// Deps of a middleware. Store and Objects are closed by whoever opened them, after Run has returned.
type Deps struct {
	Store   store.Store
	Objects object.Store // the instance's folder, for data sources of that type
	// Importer makes the importer of a data source; nil: imports are refused as Unsupported.
	Importer func(ImportSource) (Importer, error)
	// Verify checks a signed message by Standard Webhooks and returns its id: Unauthenticated
	// for a wrong signature, Invalid for missing headers or a time beyond the tolerance. nil:
	// pushes and commands are refused as Unsupported.
	Verify func(secret []byte, h http.Header, body []byte, now time.Time, tolerance time.Duration) (id string, err error)

	Log        *slog.Logger          // nil: nothing is logged
	Registerer prometheus.Registerer // nil: nothing is registered
	Now        func() time.Time      // nil: time.Now
}

// Middleware is the middleware of one instance. It implements injection.Service in process,
// and is safe for concurrent use.
type Middleware struct {
	cfg     Config
	store   store.Store
	objects object.Store
	log     *slog.Logger
	clock   func() time.Time
	metrics *metrics
	people  stripes
	imports bell // wakes the part of Run that starts importers
	sweeps  bell // wakes the part of Run that sweeps
	changes gong // wakes those who watch
	ending  chan struct{}
	endOnce sync.Once

	newImporter func(ImportSource) (Importer, error)
	verify      func(secret []byte, h http.Header, body []byte, now time.Time, tolerance time.Duration) (string, error)

	mu        sync.Mutex
	tenants   map[string]openedTenant // by id
	importers map[importerKey]*runningImporter
}

var _ injection.Service = (*Middleware)(nil)

// New returns a middleware that answers at once; imports and sweeps need Run. Invalid when the
// configuration lacks something, Unavailable when the store does not answer.
func New(ctx context.Context, cfg Config, deps Deps) (*Middleware, error) {
	switch {
	case cfg.Token == "":
		return nil, fault.New(fault.Invalid, "middleware.token: must not be empty")
	case cfg.ImportErrorRatio < 0 || cfg.ImportErrorRatio > 1:
		return nil, fault.New(fault.Invalid, "middleware.import-error-ratio: must be 0 to 1")
	case deps.Store == nil || deps.Objects == nil:
		return nil, fault.New(fault.Internal, "a middleware needs a store and objects")
	}
	if cfg.ImportErrorRatio == 0 {
		cfg.ImportErrorRatio = 0.01
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	m := &Middleware{
		cfg: cfg, store: deps.Store, objects: deps.Objects, log: deps.Log, clock: deps.Now,
		newImporter: deps.Importer, verify: deps.Verify, people: newStripes(), imports: newBell(), sweeps: newBell(),
		changes: newGong(), ending: make(chan struct{}),
		tenants: map[string]openedTenant{}, importers: map[importerKey]*runningImporter{},
	}
	var err error
	if m.metrics, err = newMetrics(deps.Registerer); err != nil {
		return nil, err
	}
	if cfg.EnsureDefaultTenant != nil {
		if err := m.ensureDefaultTenant(ctx, *cfg.EnsureDefaultTenant); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// now is the time by which everything is decided and recorded: UTC and whole milliseconds, so
// that a time is the same before and after it was kept.
func (m *Middleware) now() time.Time { return m.clock().UTC().Truncate(time.Millisecond) }

// Ready reports whether requests can be served: the store and the objects answer.
func (m *Middleware) Ready(ctx context.Context) error {
	if err := m.store.Ping(ctx); err != nil {
		return err
	}
	return m.objects.Ping(ctx)
}

// EndStreams ends the change streams over HTTP, so that a server can be shut down in good order;
// their clients turn to another instance. It may be called repeatedly.
func (m *Middleware) EndStreams() { m.endOnce.Do(func() { close(m.ending) }) }

// ring wakes Run up, and those who watch.
func (m *Middleware) ring() {
	m.imports.ring()
	m.sweeps.ring()
	m.changes.ring()
}

// bell holds one ring until it is heard; more make no difference.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// gong is heard by everybody who waits for it at that moment.
type gong struct {
	mu   *sync.Mutex
	next *chan struct{}
}

func newGong() gong {
	c := make(chan struct{})
	return gong{new(sync.Mutex), &c}
}

// heard returns a channel that is closed by the next ring.
func (g gong) heard() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return *g.next
}

func (g gong) ring() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(*g.next)
	*g.next = make(chan struct{})
}
