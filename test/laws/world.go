package laws

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	gate "inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/object/folder"
	"inlay.example/inlay/internal/peertest"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/store"
	"inlay.example/inlay/internal/store/sqlite"
)

// bench is what dialogues are played on, one after the other: a server, and in front of it two
// gateways on one middleware. Each dialogue has people of its own on it.
type bench struct {
	backend  peertest.Backend
	server   peertest.Server
	gateways []string // Unix sockets
	ks       store.Keyspace
	service  *recorder
	people   int
	compiled []*message.Template
	shares   []string // capabilities that the server and the gateways offer alike

	mu    sync.Mutex
	cuts  *rand.Rand // guarded by mu; of the connections that are opened next
	piece int        // guarded by mu
}

const domain = "example.org"

// newBench starts everything; t ends it.
func newBench(t testing.TB, backend peertest.Backend, log *slog.Logger) *bench {
	t.Helper()
	ctx := context.Background()
	b := &bench{backend: backend, server: startServer(t, backend), cuts: rand.New(rand.NewPCG(0, 0))}
	dir, err := os.MkdirTemp("", "inlay-laws-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	st, err := sqlite.Open(ctx, sqlite.Config{Dir: filepath.Join(dir, "store")}, sqlite.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	objects, err := folder.New(folder.Config{Dir: filepath.Join(dir, "objects")})
	if err != nil {
		t.Fatal(err)
	}
	m, err := middleware.New(ctx, middleware.Config{
		Token: "bearer-token-of-the-laws", EnsureDefaultTenant: &middleware.DefaultTenant{Secret: "secret", Prefix: "bundles"},
	}, middleware.Deps{Store: st, Objects: objects, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	b.service = &recorder{Service: m, confirmed: map[string][]placement.Placement{}}
	if b.ks, err = keyspace(ctx, st); err != nil {
		t.Fatal(err)
	}
	for _, src := range letters {
		tmpl, err := message.Compile([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		b.compiled = append(b.compiled, tmpl)
		if err := b.ks.PutTemplate(ctx, message.Digest([]byte(src)), []byte(src)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 {
		b.serve(t, filepath.Join(dir, fmt.Sprintf("gateway%d", i)), log)
	}
	if err := b.compareCapabilities(); err != nil {
		t.Fatal(err)
	}
	return b
}

// startServer starts the server with what makes thousands of short sessions quick.
func startServer(t testing.TB, backend peertest.Backend) peertest.Server {
	t.Helper()
	if backend == peertest.DovecotBackend {
		return peertest.StartDovecot(t, peertest.Options{Extra: "service imap {\n  service_count = 500\n}\n"})
	}
	return peertest.StartBackend(t, backend)
}

func keyspace(ctx context.Context, st store.Store) (store.Keyspace, error) {
	doc, err := st.Control().Get(ctx, "tenant", injection.DefaultTenant)
	if err != nil {
		return nil, err
	}
	var tenant struct {
		Keyspace string `json:"keyspaceName"`
	}
	if err := json.Unmarshal(doc.Body, &tenant); err != nil {
		return nil, err
	}
	return st.Keyspace(ctx, tenant.Keyspace)
}

// look is how often a session asks for what there is: a NOOP after an offer always does, because
// making the offer takes longer.
const look = 200 * time.Microsecond

func (b *bench) serve(t testing.TB, socket string, log *slog.Logger) {
	t.Helper()
	g, err := gate.New(gate.Config{
		Domain: domain, Poll: 20 * time.Millisecond, Look: look, LookupAge: look, Exact: true, LookupBudget: patience, KnownBudget: patience,
		Backend: gate.BackendConfig{Addr: b.server.Address(), Dial: func(ctx context.Context) (net.Conn, error) {
			nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", b.server.Address())
			if err != nil {
				return nil, err
			}
			return b.inPieces(nc), nil
		}},
	}, gate.Deps{Injection: b.service, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(&cuttingListener{ln, b}, false) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nobody is asked to finish: the clients have gone
		_ = g.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	b.gateways = append(b.gateways, socket)
}

// cuttingListener hands out connections that are read in pieces.
type cuttingListener struct {
	net.Listener
	b *bench
}

func (l *cuttingListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.b.inPieces(nc), nil
}

// cut sets how the connections that are opened next are cut: those of half of the seeds not at
// all, the others in pieces of up to 2,000 octets or of up to 20.
func (b *bench) cut(seed uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cuts = rand.New(rand.NewPCG(seed, 1))
	b.piece = []int{0, 0, 2000, 20}[seed%4]
}

func (b *bench) inPieces(nc net.Conn) net.Conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return cut(nc, rand.New(rand.NewPCG(b.cuts.Uint64(), 2)), b.piece)
}

// compareCapabilities learns what both offer: dialogues are made of that.
func (b *bench) compareCapabilities() error {
	var all [2][]string
	for i, c := range [2]struct{ network, addr string }{{"tcp", b.server.Address()}, {"unix", b.gateways[0]}} {
		conn, err := dial(c.network, c.addr)
		if err != nil {
			return err
		}
		defer conn.close()
		if _, err := conn.must("LOGIN nobody pass"); err != nil {
			return err
		}
		a, err := conn.must("CAPABILITY")
		if err != nil {
			return err
		}
		for _, raw := range a.untagged {
			if rest, ok := strings.CutPrefix(raw, "* CAPABILITY "); ok {
				all[i] = strings.Fields(strings.ToUpper(rest))
			}
		}
	}
	for _, c := range all[1] {
		if slices.Contains(all[0], c) {
			b.shares = append(b.shares, c)
		}
	}
	return nil
}

// next numbers a dialogue.
func (b *bench) next() int {
	b.people++
	return b.people
}

func campaignOf(user string, n int) campaign.ID { return campaign.ID(fmt.Sprintf("%s-%d", user, n)) }

// offer starts a campaign for one person.
func (b *bench) offer(user string, n int) error {
	ctx := context.Background()
	now := time.Now().UTC()
	c := campaign.Active{
		ID: campaignOf(user, n), Name: "Letter", Class: campaign.Own, Mailbox: "INBOX", State: campaign.Running,
		Start: now.Add(-time.Hour), End: now.Add(time.Hour), Version: 1, Revision: 1, Template: message.Digest([]byte(letters[n%len(letters)])),
	}
	err := b.ks.WriteAssignments(ctx, c.ID, c.Version, c.End.Add(24*time.Hour), []store.AssignmentRow{
		{User: user, Line: 2, Variables: map[string]string{"name": "Ms " + user}},
	})
	if err != nil {
		return err
	}
	body, err := json.Marshal(c)
	if err == nil {
		_, err = b.ks.Put(ctx, "campaign", string(c.ID), 0, body)
	}
	return err
}

// recall takes a campaign back.
func (b *bench) recall(user string, n int) error {
	return b.alter(campaignOf(user, n), func(c *campaign.Active) { c.State, c.Revision = campaign.Cancelled, c.Revision+1 })
}

// forget ends a dialogue's campaigns, so that those to come do not think about them.
func (b *bench) forget(user string) {
	for n := range maxLetters {
		_ = b.alter(campaignOf(user, n), func(c *campaign.Active) { c.State, c.Revision = campaign.Completed, c.Revision+1 })
	}
	b.service.forget(user)
}

func (b *bench) alter(id campaign.ID, change func(*campaign.Active)) error {
	ctx := context.Background()
	doc, err := b.ks.Get(ctx, "campaign", string(id))
	if err != nil {
		return err
	}
	var c campaign.Active
	if err := json.Unmarshal(doc.Body, &c); err != nil {
		return err
	}
	change(&c)
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = b.ks.Put(ctx, "campaign", string(id), doc.Rev, body)
	return err
}

// letter is one that was injected.
type letter struct {
	number int
	uid    uint32
	date   time.Time
	text   []byte
}

// injected gives what was injected for a person since the last time.
func (b *bench) injected(user string) ([]letter, error) {
	var out []letter
	for _, p := range b.service.take(user) {
		var n int
		if _, err := fmt.Sscanf(string(p.Campaign), user+"-%d", &n); err != nil {
			return nil, fmt.Errorf("an injection of the campaign %q: %w", p.Campaign, err)
		}
		text, err := b.compiled[n%len(letters)].Render(p.Variables, message.System{
			Placement: string(p.ID), Campaign: string(p.Campaign), User: p.User, Date: p.InternalDate, Domain: domain,
		})
		if err != nil {
			return nil, err
		}
		out = append(out, letter{n, uint32(p.UID), p.InternalDate, text})
	}
	return out, nil
}

// live counts the letters that are in a person's mailbox.
func (b *bench) live(user string) (int, error) {
	all, err := b.service.Placements(context.Background(), injection.Person{User: user})
	n := 0
	for _, p := range all {
		if p.State == placement.Live {
			n++
		}
	}
	return n, err
}

// recorder is the middleware, and notes what becomes live.
type recorder struct {
	injection.Service

	mu        sync.Mutex
	confirmed map[string][]placement.Placement // guarded by mu
}

// Confirm notes an injection.
func (r *recorder) Confirm(ctx context.Context, req injection.ConfirmRequest) (placement.Placement, error) {
	p, err := r.Service.Confirm(ctx, req)
	if err == nil {
		r.mu.Lock()
		r.confirmed[req.User] = append(r.confirmed[req.User], p)
		r.mu.Unlock()
	}
	return p, err
}

func (r *recorder) take(user string) []placement.Placement {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.confirmed[user]
	delete(r.confirmed, user)
	return all
}

func (r *recorder) forget(user string) { r.take(user) }
