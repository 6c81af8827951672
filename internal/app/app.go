package app

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/config"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/obs"
	"inlay.example/inlay/internal/platform"
	"inlay.example/inlay/internal/platform/api"
)

// Deps is what a program gives to its App.
type Deps struct {
	Log     *slog.Logger // nil: nothing is logged
	Version string
}

// App is a process that was put together and listens. Run serves.
type App struct {
	cfg      config.Config
	log      *slog.Logger
	registry *prometheus.Registry
	health   *obs.Health
	version  string

	http    *server
	gateway *gateway.Gateway
	imap    []imapListener

	background []background
	closers    []closer // in the order of opening

	abort     chan struct{}
	abortOnce sync.Once
}

// imapListener is a bound address of the gateway.
type imapListener struct {
	net.Listener
	implicitTLS bool
}

// background is work that goes on until its context ends.
type background struct {
	role string
	run  func(context.Context) error
}

type closer struct {
	what  string
	close func() error
}

// New makes the roles of the configuration and binds their addresses. An address that is empty
// is not listened on. What New has opened is closed by Run, or by Close when there is no Run.
func New(ctx context.Context, cfg config.Config, deps Deps) (a *App, err error) {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if len(cfg.Roles) == 0 {
		return nil, fault.New(fault.Invalid, "roles: there is none to run")
	}
	a = &App{
		cfg: cfg, log: deps.Log, version: deps.Version, registry: obs.NewRegistry(deps.Version), abort: make(chan struct{}),
	}
	defer func() {
		if err != nil {
			if closing := a.Close(); closing != nil {
				a.log.Warn("closing what was opened failed", "error", closing)
			}
			a = nil
		}
	}()
	// Addresses first: that one is taken is found out before anything was made.
	if err := a.listen(ctx); err != nil {
		return a, err
	}
	if err := a.wire(ctx); err != nil {
		return a, err
	}
	return a, nil
}

// listen binds all addresses.
func (a *App) listen(ctx context.Context) error {
	if a.cfg.HTTP.Listen != "" {
		ln, err := Listen(ctx, "http.listen", a.cfg.HTTP.Listen)
		if err != nil {
			return err
		}
		a.opened("HTTP listener", ln.Close)
		cert, err := certificate("http", a.cfg.HTTP.TLSCert, a.cfg.HTTP.TLSKey)
		if err != nil {
			return err
		}
		a.http = newServer(ln, cert, a.log)
	}
	if !a.cfg.Has(config.Gateway) {
		return nil
	}
	g := a.cfg.Gateway
	for _, l := range []struct {
		key, addr string
		implicit  bool
	}{{"gateway.imap", g.IMAP, false}, {"gateway.imaps", g.IMAPS, true}} {
		if l.addr == "" {
			continue
		}
		ln, err := Listen(ctx, l.key, l.addr)
		if err != nil {
			return err
		}
		a.opened("IMAP listener", ln.Close)
		a.imap = append(a.imap, imapListener{ln, l.implicit})
	}
	return nil
}

func (a *App) opened(what string, c func() error) {
	a.closers = append(a.closers, closer{what, c})
}

// Close closes what New has opened, the last first. It is for an App that is not Run.
func (a *App) Close() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		if err := a.closers[i].close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	a.closers = nil
	return errors.Join(errs...)
}

// HTTPAddr is the bound address of the HTTP APIs; empty if there are none.
func (a *App) HTTPAddr() string {
	if a.http == nil {
		return ""
	}
	return a.http.ln.Addr().String()
}

// HTTPURL is the base URL at that address.
func (a *App) HTTPURL() string {
	scheme := "http"
	if a.cfg.HTTP.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + a.HTTPAddr()
}

// IMAPAddrs are the bound addresses of the gateway, the one with STARTTLS or none first.
func (a *App) IMAPAddrs() []string {
	var out []string
	for _, l := range a.imap {
		out = append(out, l.Addr().String())
	}
	return out
}

// certificate loads a key pair; section names it in messages. Both empty: nil.
func certificate(section, certFile, keyFile string) (*tls.Config, error) {
	if certFile == "" && keyFile == "" {
		return nil, nil //nolint:nilnil // no TLS
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s.tls-cert, %s.tls-key: %v", section, section, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// routes adds the endpoints that every process has.
func (a *App) routes(mux *http.ServeMux, mw *middleware.Middleware, pf *platform.Platform) {
	mux.HandleFunc("GET /{$}", index(mw != nil, pf != nil))
	mux.HandleFunc("/healthz", a.health.Healthz)
	mux.HandleFunc("/readyz", a.health.Readyz)
	mux.Handle("/metrics", obs.MetricsHandler(a.registry))
	if mw != nil {
		h := mw.Handler()
		mux.Handle("/api/tenants", h)
		mux.Handle("/api/tenants/", h)
		mux.Handle("/api/injection/", h)
	}
	if pf != nil {
		mux.Handle(api.Base+"/", pf.Handler())
	}
}

// drainTime is how long busy work may finish.
func (a *App) drainTime() time.Duration { return a.cfg.Stop.Drain }
