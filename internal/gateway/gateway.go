package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/gateway/deflate"
	"inlay.example/inlay/internal/gateway/note"
	"inlay.example/inlay/internal/gateway/reserve"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/injection"
)

// BackendConfig says where the real IMAP server is.
type BackendConfig struct {
	Addr       string // host:port
	TLS        string // "none", "starttls" or "tls"; empty is "none"
	CAFile     string // PEM certificates to trust instead of the system's
	ServerName string // name to verify instead of the host of Addr
	// Dial connects to Addr instead of TCP: for a backend in the same process. nil is TCP.
	Dial func(ctx context.Context) (net.Conn, error)
	// SendAddress tells the server the client's address before the login, as Dovecot
	// understands it; see backend.Dialer.DialFor.
	SendAddress bool
}

// Config of a gateway. Durations of 0 mean the default named with them.
type Config struct {
	Backend BackendConfig
	// TLS of the client's side, for STARTTLS and for implicit TLS; nil offers neither.
	TLS *tls.Config
	// RequireTLS advertises LOGINDISABLED and refuses credentials in the clear.
	RequireTLS bool
	// Tenant whose campaigns are injected; empty is injection.DefaultTenant.
	Tenant string
	// Domain of Message-ID and List-Id of injected messages; empty is "inlay.invalid".
	Domain string
	// LookupBudget is how long a SELECT waits for the middleware when the person is not known
	// to have placements in the mailbox: 150 ms.
	LookupBudget time.Duration
	// KnownBudget is how long it waits when the mailbox was injected into before: 2 s.
	KnownBudget time.Duration
	// Lease of a claim: 10 s.
	Lease time.Duration
	// MoveLease is for how long a placement may say that it is moving before others look for its
	// copy: 1 min. A MOVE appends the copies first and at once; what may take long is the real part.
	MoveLease time.Duration
	// Poll is how often an idle session that shows injected messages looks for changes: 5 s.
	Poll time.Duration
	// Look is how often an open session asks what there is for its person, at a NOOP or while
	// it idles: 1 min. Up to a quarter of it, as of Poll, is left out at random.
	Look time.Duration
	// LookupAge is how old an answer of the middleware may be that SELECT and STATUS decide with:
	// 2 s. Clients open several folders and connections within a moment, and the claim decides in the end.
	LookupAge time.Duration
	// Exact has NOOP and FETCH read the placements that are shown even when the change stream
	// stands and has said nothing: what was acknowledged to a session of another gateway a moment
	// ago is told then, and not when its word arrives, up to a second later.
	Exact bool
	// Notes is the folder of the notes of what clients were told past while the store did not
	// answer, one of this gateway alone; empty: nothing is noted.
	Notes string
	// LoginTimeout is how long a client may take to authenticate: 3 min.
	LoginTimeout time.Duration
	// StallTimeout is how long a client may say nothing more in the middle of a command: 30 min,
	// the least that rfc9051 §5.4 allows. Between commands, and in IDLE, it is the backend that
	// ends a session.
	StallTimeout time.Duration
	// MaxPerAddress is how many connections there may be at a time from one address, IPv6
	// addresses counted by their /64; 0 is no limit. Many people may come from few addresses: a
	// load balancer's, a provider's, a company's.
	MaxPerAddress int
	// BackendTimeout is how long the backend may say nothing while a command is in progress: 15 min.
	BackendTimeout time.Duration
	// NoCompression does without COMPRESS=DEFLATE.
	NoCompression bool
	// AtStep, if set, is called by the session's goroutine after each step of a reservation, a MOVE and a change.
	// It is how tests kill a gateway at every one of them.
	AtStep func(Step)
}

// Deps of a gateway.
type Deps struct {
	// Injection is the middleware; nil makes a plain proxy.
	Injection injection.Service
	// Administration of the backend, by which UIDs are reserved; nil: by markers.
	Administration reserve.Administration
	Log            *slog.Logger
	Registerer     prometheus.Registerer // nil: metrics are kept and not exported
}

// maxMessage bounds APPEND and FETCH at what a literal of RFC 3501 can announce: messages are
// streamed, and what is too large for the mailbox is the backend's to say.
const maxMessage = 1<<32 - 1

// Gateway serves IMAP clients. It is safe for concurrent use.
type Gateway struct {
	cfg     Config
	dialer  *backend.Dialer
	service *guard // nil for a plain proxy
	known   *known
	bells   *bells
	notes   *note.Journal // nil: nothing is noted
	// reserver burns UIDs
	reserver reserve.Reserver
	render   *renderer
	log      *slog.Logger
	metrics  *metrics

	buffers deflate.Buffers

	cmdLimits  command.Limits
	respLimits response.Limits

	mu        sync.Mutex
	draining  bool                      // no new connections; guarded by mu
	listeners map[net.Listener]struct{} // guarded by mu
	sessions  map[*session]struct{}     // guarded by mu
	stopWatch context.CancelFunc        // of the change stream, from the first Serve on; guarded by mu
	crowd     crowd                     // guarded by mu
	wg        sync.WaitGroup            // of sessions; Add under mu while not draining
}

// New checks the configuration and returns a gateway that Serve can be called on.
func New(cfg Config, deps Deps) (*Gateway, error) {
	d, err := backend.New(backend.Config{
		Addr: cfg.Backend.Addr, TLS: backend.Mode(cfg.Backend.TLS),
		CAFile: cfg.Backend.CAFile, ServerName: cfg.Backend.ServerName, SendAddress: cfg.Backend.SendAddress, Dial: cfg.Backend.Dial,
	})
	if err != nil {
		return nil, err
	}
	if cfg.RequireTLS && cfg.TLS == nil {
		return nil, fault.New(fault.Invalid, "gateway: TLS is required of clients and no certificate is configured")
	}
	for _, t := range []struct {
		d   *time.Duration
		def time.Duration
		key string
	}{
		{&cfg.LookupBudget, 150 * time.Millisecond, "lookup budget"},
		{&cfg.KnownBudget, 2 * time.Second, "budget for known placements"},
		{&cfg.Lease, 10 * time.Second, "lease"},
		{&cfg.MoveLease, time.Minute, "lease of a move"},
		{&cfg.Poll, 5 * time.Second, "poll interval"},
		{&cfg.Look, time.Minute, "look interval"},
		{&cfg.LookupAge, 2 * time.Second, "age of a lookup"},
		{&cfg.LoginTimeout, 3 * time.Minute, "login timeout"},
		{&cfg.BackendTimeout, 15 * time.Minute, "backend timeout"},
		{&cfg.StallTimeout, 30 * time.Minute, "stall timeout"},
	} {
		if *t.d < 0 {
			return nil, fault.New(fault.Invalid, "gateway: the %s is negative", t.key)
		}
		if *t.d == 0 {
			*t.d = t.def
		}
	}
	if cfg.Lease < time.Second || cfg.Lease > time.Minute {
		return nil, fault.New(fault.Invalid, "gateway: the lease is %s, not between 1s and 1m", cfg.Lease)
	}
	if cfg.MaxPerAddress < 0 {
		return nil, fault.New(fault.Invalid, "gateway: the number of connections from one address is negative")
	}
	if cfg.Tenant == "" {
		cfg.Tenant = injection.DefaultTenant
	}
	if cfg.Domain == "" {
		cfg.Domain = "inlay.invalid"
	}
	if cfg.AtStep == nil {
		cfg.AtStep = func(Step) {}
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(deps.Registerer)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		cfg: cfg, dialer: d, log: deps.Log, metrics: m,
		known: newKnown(), bells: newBells(cfg.Exact), reserver: reserve.Marker{},
		cmdLimits: command.Limits{Append: maxMessage}, respLimits: response.Limits{Literal: maxMessage},
		listeners: map[net.Listener]struct{}{}, sessions: map[*session]struct{}{}, crowd: crowd{},
	}
	if deps.Administration != nil {
		g.reserver = reserve.NewAhead(deps.Administration)
	}
	if deps.Injection != nil {
		g.service = newGuard(deps.Injection, g.metrics, cfg.LookupBudget)
		g.render = newRenderer(g.service, cfg.Tenant, cfg.Domain)
	}
	if cfg.Notes != "" && g.service != nil {
		var skipped int
		if g.notes, skipped, err = note.Open(cfg.Notes); err != nil {
			return nil, err
		}
		if skipped > 0 {
			g.log.Warn("damaged notes were left out", "dir", cfg.Notes, "count", skipped)
		}
	}
	return g, nil
}

// Serve accepts clients on ln until Shutdown or an error of the listener, and closes ln. With
// implicit TLS the handshake comes before the greeting (port 993). It returns nil after Shutdown.
func (g *Gateway) Serve(ln net.Listener, implicitTLS bool) error {
	defer ln.Close()
	if implicitTLS && g.cfg.TLS == nil {
		return fault.New(fault.Invalid, "gateway: implicit TLS on %s needs a certificate", ln.Addr())
	}
	g.mu.Lock()
	if g.draining {
		g.mu.Unlock()
		return nil
	}
	g.listeners[ln] = struct{}{}
	if g.service != nil && g.stopWatch == nil {
		ctx, cancel := context.WithCancel(context.Background())
		g.stopWatch = cancel
		g.wg.Go(func() { g.watch(ctx) })
		if g.notes != nil {
			g.wg.Go(func() { g.replay(ctx) })
		}
	}
	g.mu.Unlock()

	for {
		nc, err := ln.Accept()
		if err != nil {
			g.mu.Lock()
			draining := g.draining
			delete(g.listeners, ln)
			g.mu.Unlock()
			if draining {
				return nil
			}
			if isTemporary(err) {
				// Out of descriptors: the clients that are here must not suffer for it.
				g.log.Warn("accepting a client", "error", err)
				time.Sleep(50 * time.Millisecond) //nolint:forbidigo // ends by itself before anybody would miss it
				g.mu.Lock()
				g.listeners[ln] = struct{}{}
				g.mu.Unlock()
				continue
			}
			return err
		}
		s := newSession(g, nc, implicitTLS)
		g.mu.Lock()
		if g.draining {
			g.mu.Unlock()
			nc.Close()
			return nil
		}
		if g.cfg.MaxPerAddress > 0 && !g.crowd.enter(s.remote, g.cfg.MaxPerAddress) {
			g.mu.Unlock()
			s.end()
			g.turnAway(nc, implicitTLS)
			continue
		}
		g.sessions[s] = struct{}{}
		g.wg.Add(1)
		g.mu.Unlock()
		go g.session(s)
	}
}

func isTemporary(err error) bool {
	var ne interface{ Temporary() bool }
	return errors.As(err, &ne) && ne.Temporary()
}

func (g *Gateway) session(s *session) {
	defer func() {
		g.mu.Lock()
		delete(g.sessions, s)
		if g.cfg.MaxPerAddress > 0 {
			g.crowd.leave(s.remote)
		}
		g.mu.Unlock()
		g.wg.Done()
	}()
	g.metrics.sessions.Inc()
	defer g.metrics.sessions.Dec()
	s.run()
}

// Shutdown stops accepting, tells idle clients BYE at once and busy ones after their command,
// and returns when all have gone. When ctx ends first, the rest is cut off.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.mu.Lock()
	g.draining = true
	for ln := range g.listeners {
		ln.Close()
	}
	for s := range g.sessions {
		s.drain()
	}
	if g.stopWatch != nil {
		g.stopWatch()
	}
	g.mu.Unlock()

	done := make(chan struct{})
	go func() {
		g.wg.Wait()
		if g.notes != nil {
			_ = g.notes.Close()
		}
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	for s := range g.sessions {
		s.abort()
	}
	g.mu.Unlock()
	<-done
	return context.Cause(ctx)
}

// Ready reports whether clients can be served: whether the backend greets. The middleware
// does not count: without it mail is served all the same.
func (g *Gateway) Ready(ctx context.Context) error {
	g.mu.Lock()
	draining := g.draining
	g.mu.Unlock()
	if draining {
		return fault.New(fault.Unavailable, "the gateway is stopping")
	}
	c, err := g.dialer.Dial(ctx, g.respLimits)
	if err != nil {
		return err
	}
	return c.Close()
}
