package test_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/object/folder"
	"inlay.example/inlay/internal/peertest"
	"inlay.example/inlay/internal/store"
	"inlay.example/inlay/internal/store/sqlite"
)

const apiToken = "bearer-token-of-the-tests"

// world is everything of ours but the gateways: a store, objects, and a middleware on them that
// is spoken to in process and over HTTP.
type world struct {
	store      store.Store
	middleware *middleware.Middleware
	url        string // of the middleware's HTTP API
	served     *httptest.Server
	dir        string       // of the store's files
	objects    string       // folder of the object store
	later      atomic.Int64 // by how much the middleware's clock is ahead, nanoseconds
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := context.Background()
	w := &world{dir: t.TempDir(), objects: t.TempDir()}
	st, err := sqlite.Open(ctx, sqlite.Config{Dir: w.dir}, sqlite.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	objects, err := folder.New(folder.Config{Dir: w.objects})
	if err != nil {
		t.Fatal(err)
	}
	w.store = st
	w.middleware, err = middleware.New(ctx, middleware.Config{
		Token: apiToken, EnsureDefaultTenant: &middleware.DefaultTenant{Secret: "secret", Prefix: "bundles"},
	}, middleware.Deps{
		Store: st, Objects: objects, Log: logTo(t, "middleware"),
		Now: func() time.Time { return time.Now().Add(time.Duration(w.later.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.served = httptest.NewServer(w.middleware.Handler())
	t.Cleanup(w.served.Close)
	w.url = w.served.URL
	return w
}

// client is the middleware over HTTP.
func (w *world) client(t testing.TB) *middleware.Client {
	t.Helper()
	c, err := middleware.NewClient(middleware.ClientConfig{BaseURL: w.url, Token: apiToken})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (w *world) keyspace(t testing.TB) store.Keyspace {
	t.Helper()
	doc, err := w.store.Control().Get(context.Background(), "tenant", injection.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	var tenant struct {
		Keyspace string `json:"keyspaceName"`
	}
	if err := json.Unmarshal(doc.Body, &tenant); err != nil {
		t.Fatal(err)
	}
	ks, err := w.store.Keyspace(context.Background(), tenant.Keyspace)
	if err != nil {
		t.Fatal(err)
	}
	return ks
}

// letter is the template of these tests: headers with variables, text and HTML.
const letter = "From: Offers <offers@shop.example>\r\n" +
	"Subject: A letter for {{ name | default: \"you\" }}\r\n" +
	"MIME-Version: 1.0\r\n" +
	"Content-Type: multipart/alternative; boundary=seam\r\n" +
	"\r\n" +
	"--seam\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\n" +
	"\r\n" +
	"Dear {{ name | default: \"reader\" }},\r\n\r\nthis letter came by no post.\r\n" +
	"--seam\r\n" +
	"Content-Type: text/html; charset=utf-8\r\n" +
	"\r\n" +
	"<p>Dear <b>{{ name | default: \"reader\" }}</b>, this letter came by no post.</p>\r\n" +
	"--seam--\r\n"

// run starts a campaign for the users, as an import that has just been completed would; change
// may alter it first.
func (w *world) run(t testing.TB, id campaign.ID, users []string, change ...func(*campaign.Active)) {
	t.Helper()
	ctx := context.Background()
	ks := w.keyspace(t)
	now := time.Now().UTC()
	c := campaign.Active{
		ID: id, Name: "Campaign " + string(id), Class: campaign.Own, Mailbox: "INBOX", State: campaign.Running,
		Start: now.Add(-time.Hour), End: now.Add(time.Hour), Version: 1, Revision: 1, Template: message.Digest([]byte(letter)),
	}
	for _, f := range change {
		f(&c)
	}
	if err := ks.PutTemplate(ctx, message.Digest([]byte(letter)), []byte(letter)); err != nil {
		t.Fatal(err)
	}
	rows := make([]store.AssignmentRow, len(users))
	for i, u := range users {
		rows[i] = store.AssignmentRow{User: u, Line: int64(i + 2), Variables: map[string]string{"name": "Ms " + u}}
	}
	if err := ks.WriteAssignments(ctx, c.ID, c.Version, c.End.Add(24*time.Hour), rows); err != nil {
		t.Fatal(err)
	}
	w.alter(t, id, func(old *campaign.Active) { *old = c })
}

// recall takes a campaign back.
func (w *world) recall(t testing.TB, id campaign.ID) {
	t.Helper()
	w.alter(t, id, func(c *campaign.Active) { c.State, c.Revision = campaign.Cancelled, c.Revision+1 })
}

func (w *world) alter(t testing.TB, id campaign.ID, change func(*campaign.Active)) {
	t.Helper()
	ctx := context.Background()
	ks := w.keyspace(t)
	var c campaign.Active
	doc, err := ks.Get(ctx, "campaign", string(id))
	if err == nil {
		err = json.Unmarshal(doc.Body, &c)
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	change(&c)
	body, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ks.Put(ctx, "campaign", string(id), doc.Rev, body); err != nil {
		t.Fatal(err)
	}
}

// count is how often an event of a campaign was recorded.
func (w *world) count(t testing.TB, id campaign.ID, what event.Type) int64 {
	t.Helper()
	counts, err := w.keyspace(t).Tally(context.Background(), id)
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

// pollInTests is how often idle sessions look for changes made elsewhere: more often than they
// need to, so that tests need not wait.
const pollInTests = 200 * time.Millisecond

// patience is how long gateways wait for the middleware in tests that are not about waiting: on
// a machine that does much else, the 150 ms and 2 s that people get are sometimes not enough.
const patience = 5 * time.Second

// proxy is a gateway in the test's process.
type proxy struct {
	*gateway.Gateway
	addr    string
	metrics *prometheus.Registry
}

// newProxy starts a gateway in front of a backend; service may be nil.
func newProxy(t testing.TB, backend string, service injection.Service, change ...func(*gateway.Config)) *proxy {
	t.Helper()
	cfg := gateway.Config{Backend: gateway.BackendConfig{Addr: backend}, Poll: pollInTests, Exact: true, LookupBudget: patience, KnownBudget: patience}
	for _, f := range change {
		f(&cfg)
	}
	p := &proxy{metrics: prometheus.NewRegistry()}
	var err error
	if p.Gateway, err = gateway.New(cfg, gateway.Deps{Injection: service, Log: logTo(t, "gateway"), Registerer: p.metrics}); err != nil {
		t.Fatal(err)
	}
	p.addr = p.serve(t, false)
	return p
}

// serve adds a listener and returns its address.
func (p *proxy) serve(t testing.TB, implicitTLS bool) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- p.Serve(ln, implicitTLS) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nobody is asked to finish: the tests' clients have gone
		_ = p.Shutdown(ctx)
		if err := <-done; err != nil {
			t.Errorf("gateway: %v", err)
		}
	})
	return ln.Addr().String()
}

// metric is the value of a counter with exactly the labels "name=value …"; 0 if there is none.
func (p *proxy) metric(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	families, err := p.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var have []string
			for _, l := range m.GetLabel() {
				have = append(have, l.GetName()+"="+l.GetValue())
			}
			if strings.Join(have, " ") == strings.Join(labels, " ") {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

// shown is a log that is printed when the test has failed.
type shown struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *shown) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *shown) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func logTo(t testing.TB, who string) *slog.Logger {
	t.Helper()
	var s shown
	t.Cleanup(func() {
		if out := s.String(); t.Failed() && out != "" {
			t.Logf("log of the %s:\n%s", who, out[max(0, len(out)-8<<10):])
		}
	})
	return slog.New(slog.NewTextHandler(&s, &slog.HandlerOptions{Level: slog.LevelDebug})).With("of", who)
}

// mails makes n plausible messages, the same ones every time.
func mails(n int) []peertest.Message {
	out := make([]peertest.Message, n)
	day := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	for i := range out {
		date := day.Add(time.Duration(i) * 7 * time.Hour)
		var b bytes.Buffer
		fmt.Fprintf(&b, "From: Friend %d <friend%d@mail.example>\r\nTo: me@mail.example\r\nSubject: Mail %d", i%17, i%17, i+1)
		if i%5 == 0 {
			b.WriteString(" about a thing that needs\r\n a folded subject")
		}
		fmt.Fprintf(&b, "\r\nDate: %s\r\nMessage-ID: <m%d@mail.example>\r\n", date.Format(time.RFC1123Z), i+1)
		switch i % 4 {
		case 0:
			b.WriteString("\r\nGood morning,\r\n\r\nsee you later.\r\n")
		case 1:
			b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße aus Köln, ärgerlich früh.\r\n")
		case 2:
			b.WriteString("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\nPreamble\r\n--=_b\r\nContent-Type: text/plain\r\n\r\nText\r\n--=_b\r\n" +
				"Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
				strings.Repeat("JVBERi0xLjQKJcfsj6IKNSAwIG9iago8PC9MZW5ndGggNiAwIFIvRmlsdGVyIC9GbGF0ZURlY29k\r\n", 1+i%13) + "--=_b--\r\n")
		case 3:
			fmt.Fprintf(&b, "In-Reply-To: <m%d@mail.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\n"+
				"Content-Type: message/rfc822\r\n\r\nFrom: a@mail.example\r\nSubject: forwarded\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\nInner\r\n--outer--\r\n", i)
		}
		out[i] = peertest.Message{Bytes: b.Bytes(), Date: date}
		switch i % 6 {
		case 1, 2:
			out[i].Flags = []string{`\Seen`}
		case 3:
			out[i].Flags = []string{`\Seen`, `\Answered`}
		case 4:
			out[i].Flags = []string{`\Flagged`, "Work"}
		}
	}
	return out
}
