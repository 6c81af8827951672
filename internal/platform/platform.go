package platform

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/store"
)

// Config of a platform. Keys in errors are those of the configuration file.
type Config struct {
	// Token is the bearer token of the API. It is required: there is no open mode.
	Token string

	// MiddlewareURL is where the middleware is, as "http://127.0.0.1:8080".
	MiddlewareURL string
	// MiddlewareToken is the bearer token of its readings.
	MiddlewareToken string
	// Tenant is the tenant whose campaigns are made here; empty means "default".
	Tenant string
	// Secret signs pushes and commands: the tenant's secretKey.
	Secret string
	// DataSource is the id of the tenant's data source that Deps.Bundles is; empty is its
	// default one.
	DataSource string

	// Timeout bounds a call of the middleware; 0 means 10 s.
	Timeout time.Duration
	// Poll is how often an import that takes long is asked for; 0 means 500 ms.
	Poll time.Duration
	// Domain is that of Message-ID and List-Id in previews; empty is "inlay.invalid".
	Domain string
}

// Deps of a platform. Whoever opened them closes them, after Run has returned.
type Deps struct {
	Documents store.Documents  // kinds that begin with "platform-" are the platform's
	Objects   object.Store     // sources of templates and audiences
	Bundles   object.Store     // the tenant's data source, keys as the middleware sees them
	HTTP      *http.Client     // to the middleware; nil: one of its own
	Now       func() time.Time // nil: time.Now

	Log        *slog.Logger          // nil: nothing is logged
	Registerer prometheus.Registerer // nil: nothing is registered
}

// Platform is the platform of one instance. It is safe for concurrent use; several instances
// on the same documents and objects do no harm, but more work.
type Platform struct {
	cfg       Config
	documents store.Documents
	objects   object.Store
	bundles   object.Store
	mim       *mim
	log       *slog.Logger
	clock     func() time.Time
	metrics   *metrics
	handler   http.Handler
	openapi   []byte
	bell      chan struct{} // wakes Run: a campaign has changed
	writers   chan struct{} // one for each bundle that may be written at a time
}

// writersAtOnce bounds how many bundles are written at a time: each takes a core.
const writersAtOnce = 2

// New returns a platform that answers at once; campaigns are prepared by Run. Invalid when the
// configuration lacks something.
func New(cfg Config, deps Deps) (*Platform, error) {
	if cfg.Tenant == "" {
		cfg.Tenant = "default"
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Poll == 0 {
		cfg.Poll = 500 * time.Millisecond
	}
	switch u, err := url.Parse(cfg.MiddlewareURL); {
	case deps.Documents == nil || deps.Objects == nil || deps.Bundles == nil:
		return nil, fault.New(fault.Internal, "a platform needs documents, objects and bundles")
	case cfg.Token == "":
		return nil, fault.New(fault.Invalid, "platform.token: must not be empty")
	case cfg.Secret == "":
		return nil, fault.New(fault.Invalid, "platform.secret: must not be empty")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, fault.New(fault.Invalid, "platform.middleware-url: must be http[s]://host[:port][/path]")
	case cfg.Timeout < 0 || cfg.Poll < 0:
		return nil, fault.New(fault.Invalid, "platform.timeout: must not be negative")
	}
	cfg.MiddlewareURL = strings.TrimSuffix(cfg.MiddlewareURL, "/")
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.HTTP == nil {
		deps.HTTP = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 5 * time.Second,
			IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
		}}
	}
	p := &Platform{
		cfg: cfg, documents: deps.Documents, objects: deps.Objects, bundles: deps.Bundles,
		log: deps.Log, clock: deps.Now,
		bell: make(chan struct{}, 1), writers: make(chan struct{}, writersAtOnce),
	}
	p.mim = &mim{cfg: cfg, http: *deps.HTTP, now: p.now}
	p.mim.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	var err error
	if p.metrics, err = newMetrics(deps.Registerer); err != nil {
		return nil, err
	}
	if p.handler, p.openapi, err = p.routes(); err != nil {
		return nil, err
	}
	return p, nil
}

// Handler serves the API below api.Base. One slash at the end of a path makes no difference.
func (p *Platform) Handler() http.Handler { return p.handler }

// OpenAPI is the document that is served at /api/v1/openapi.json.
func (p *Platform) OpenAPI() []byte { return p.openapi }

// Ready reports whether requests can be served: documents and objects answer. That the
// middleware does is not needed.
func (p *Platform) Ready(ctx context.Context) error {
	if _, err := p.documents.Epoch(ctx); err != nil {
		return err
	}
	if err := p.objects.Ping(ctx); err != nil {
		return err
	}
	return p.bundles.Ping(ctx)
}

// now is the time by which everything is decided and recorded: UTC and whole milliseconds, so
// that a time is the same before and after it was kept.
func (p *Platform) now() time.Time { return p.clock().UTC().Truncate(time.Millisecond) }

// ring wakes Run; a ring that was not heard yet makes one more needless.
func (p *Platform) ring() {
	select {
	case p.bell <- struct{}{}:
	default:
	}
}
