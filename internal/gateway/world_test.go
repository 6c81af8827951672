package gateway_test

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/injection"
)

// world is what a transcript is played in: gateways, their one middleware, and both ends of
// all sessions. It lives in a bubble of synctest.
type world struct {
	t        *testing.T
	service  *fakeService
	config   gateway.Config
	plain    bool
	caps     string
	server   string // what the backend says it is
	gateways []*host
	mu       sync.Mutex
	clients  []*end
	backends []*end // guarded by mu: the gateways dial
	tokens   []string
}

// host is a gateway and how to connect to it.
type host struct {
	g        *gateway.Gateway
	ln       *pipeListener
	served   chan error
	registry *prometheus.Registry
}

const (
	greeting    = "* OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID IDLE AUTH=PLAIN] %s ready."
	defaultCaps = "IMAP4rev1 LITERAL+ ID IDLE UIDPLUS UNSELECT NAMESPACE ESEARCH"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, service: newFakeService(), caps: defaultCaps, server: "Backend", config: gateway.Config{Domain: "example.org", Poll: time.Hour, Look: time.Hour}}
}

// host gives the nth gateway, made when it is first named.
func (w *world) host(n int) *host {
	for len(w.gateways) < n {
		cfg := w.config
		cfg.Backend = gateway.BackendConfig{Addr: "backend:143", Dial: w.dial}
		h := &host{ln: newPipeListener(), served: make(chan error, 1), registry: prometheus.NewRegistry()}
		deps := gateway.Deps{Registerer: h.registry}
		if !w.plain {
			deps.Injection = injection.Service(w.service)
		}
		g, err := gateway.New(cfg, deps)
		if err != nil {
			w.t.Fatal(err)
		}
		h.g = g
		go func() { h.served <- g.Serve(h.ln, false) }()
		w.gateways = append(w.gateways, h)
	}
	return w.gateways[n-1]
}

func (w *world) dial(context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.backends = append(w.backends, newEnd(ours))
	return theirs, nil
}

func (w *world) connect(gw int) {
	ours, theirs := net.Pipe()
	w.clients = append(w.clients, newEnd(ours))
	w.host(gw).ln.conns <- theirs
	synctest.Wait()
}

func (w *world) client(n int) *end {
	if n == 1 && len(w.clients) == 0 {
		w.connect(1)
	}
	if n > len(w.clients) {
		w.t.Fatalf("there is no client %d", n)
	}
	return w.clients[n-1]
}

func (w *world) backend(n int) *end {
	if n == 1 && len(w.clients) == 0 {
		w.connect(1)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if n > len(w.backends) {
		w.t.Fatalf("there is no connection %d to the backend", n)
	}
	return w.backends[n-1]
}

func (w *world) end() {
	for _, c := range w.clients {
		c.close()
	}
	w.mu.Lock()
	backends := slices.Clone(w.backends)
	w.mu.Unlock()
	for _, b := range backends {
		b.close()
	}
	w.service.release()
	for _, h := range w.gateways {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := h.g.Shutdown(ctx); err != nil {
			w.t.Errorf("Shutdown: %v", err)
		}
		cancel()
		if err := <-h.served; err != nil {
			w.t.Errorf("Serve: %v", err)
		}
		if n := value(h.registry, "inlay_gateway_closed_total", "reason", "panic"); n != 0 {
			w.t.Errorf("%v sessions were ended by a defect", n)
		}
	}
}

// heard gives what was said since the last time, to the backend first.
func (w *world) heard() []string {
	var out []string
	add := func(what string, n int, sign string, e *end) {
		if n > 0 {
			what += strconv.Itoa(n + 1)
		}
		for _, l := range e.take() {
			out = append(out, strings.TrimRight(what+sign+" "+w.clean(l), " "))
		}
	}
	w.mu.Lock()
	backends := slices.Clone(w.backends)
	w.mu.Unlock()
	for i, b := range backends {
		add("U", i, ">", b)
	}
	for i, c := range w.clients {
		add("S", i, ":", c)
	}
	return out
}

var tokenPattern = regexp.MustCompile(`\b[A-Z2-7]{26}\b`)

// parseError is what the parser says of a bad command: its words are its own tests' business.
var parseError = regexp.MustCompile(`^(\S+ BAD Error in IMAP command [A-Z ]+: ).* octet .*$`)

// clean gives tokens of claims names: they are random.
func (w *world) clean(l string) string {
	l = parseError.ReplaceAllString(l, "${1}what and where")
	return tokenPattern.ReplaceAllStringFunc(l, func(token string) string {
		i := slices.Index(w.tokens, token)
		if i < 0 {
			i = len(w.tokens)
			w.tokens = append(w.tokens, token)
		}
		return tokenName(i)
	})
}

func tokenName(i int) string {
	if i == 0 {
		return "TOKEN"
	}
	return "TOKEN" + strconv.Itoa(i+1)
}

// spell is the reverse of clean.
func (w *world) spell(l string) string {
	for i, token := range slices.Backward(w.tokens) {
		l = strings.ReplaceAll(l, tokenName(i), token)
	}
	return l
}

// act does what an "@" line says:
//
//	@config KEY VALUE     before the first session: plain, notes, lookup, known, poll, look, login, backend, stall, lease
//	@caps WORDS           what the backend can do, for @login and @open
//	@server NAME          what the backend says it is in its greeting, for @login and @open
//	@connect [GATEWAY]    another client comes, to the gateway with that number
//	@login [N]            client N logs in, unless it has
//	@open EXISTS UIDNEXT [N]   client N logs in and selects INBOX; its real messages have the
//	                      lowest UIDs that no placement has
//	@wait DURATION        time goes on
//	@close C|U [N]        a connection is closed
//	@drain [GATEWAY]      the gateway is to stop
//	@metrics [GATEWAY]    tells what was counted
//	others                see fakeService.act
func (w *world) act(args []string) (told []string) {
	number := func(i, def int) int {
		if len(args) <= i {
			return def
		}
		n, err := strconv.Atoi(args[i])
		if err != nil {
			w.t.Fatalf("@%v: %v", args, err)
		}
		return n
	}
	switch args[0] {
	case "config":
		w.configure(args[1:])
	case "caps":
		w.caps = strings.Join(args[1:], " ")
	case "server":
		w.server = strings.Join(args[1:], " ")
	case "connect":
		w.connect(number(1, 1))
	case "login":
		w.login(number(1, 1))
	case "open":
		return []string{w.open(number(1, 0), number(2, 1), number(3, 1))}
	case "wait":
		d, err := time.ParseDuration(args[1])
		if err != nil {
			w.t.Fatalf("@%v: %v", args, err)
		}
		time.Sleep(d) // of the bubble
	case "close":
		if args[1] == "C" {
			w.client(number(2, 1)).close()
		} else {
			w.backend(number(2, 1)).close()
		}
	case "drain":
		g := w.host(number(1, 1)).g
		go func() { _ = g.Shutdown(context.Background()) }()
	case "metrics":
		return counted(w.host(number(1, 1)).registry)
	default:
		return w.service.act(w.t, args)
	}
	return nil
}

func (w *world) configure(args []string) {
	switch args[0] {
	case "plain":
		w.plain = true
		return
	case "notes":
		w.config.Notes = w.t.TempDir()
		return
	}
	d, err := time.ParseDuration(args[1])
	if err != nil {
		w.t.Fatalf("@config %v: %v", args, err)
	}
	switch args[0] {
	case "lookup":
		w.config.LookupBudget = d
	case "known":
		w.config.KnownBudget = d
	case "poll":
		w.config.Poll = d
	case "look":
		w.config.Look = d
	case "login":
		w.config.LoginTimeout = d
	case "backend":
		w.config.BackendTimeout = d
	case "stall":
		w.config.StallTimeout = d
	case "lease":
		w.config.Lease = d
	default:
		w.t.Fatalf("@config %v: not known", args)
	}
}

// login logs client n in, without a word in the transcript.
func (w *world) login(n int) {
	for len(w.clients) < n {
		w.connect(1)
	}
	c, b := w.client(n), w.backend(n)
	b.say(fmt.Sprintf(greeting, w.server))
	synctest.Wait()
	c.say("a LOGIN anna secret")
	synctest.Wait()
	b.say("a OK [CAPABILITY " + w.caps + "] Logged in")
	synctest.Wait()
	b.take()
	if lines := c.take(); len(lines) != 2 || !strings.HasPrefix(lines[1], "a OK") {
		w.t.Fatalf("client %d heard %q", n, lines)
	}
}

// open selects INBOX for client n, and answers for the backend.
func (w *world) open(exists, uidNext, n int) string {
	if len(w.clients) < n || !w.clients[n-1].said {
		w.login(n)
	}
	c, b := w.client(n), w.backend(n)
	c.say("b SELECT INBOX")
	uids := w.service.realUIDs(exists)
	flags := `\Answered \Flagged \Deleted \Seen \Draft`
	if w.service.used() {
		flags += " $InlayReserved"
	}
	for range 20 {
		synctest.Wait()
		for _, l := range b.take() {
			tag, text, _ := strings.Cut(l, " ")
			switch {
			case text == "SELECT INBOX":
				b.say("* FLAGS (" + flags + ")")
				b.say("* OK [PERMANENTFLAGS (" + flags + ` \*)] Flags permitted.`)
				b.say(fmt.Sprintf("* %d EXISTS", exists))
				b.say("* 0 RECENT")
				b.say("* OK [UIDVALIDITY 7] UIDs valid")
				b.say(fmt.Sprintf("* OK [UIDNEXT %d] Predicted next UID", uidNext))
				b.say(tag + " OK [READ-WRITE] Select completed.")
				continue
			case strings.HasPrefix(text, "UID SEARCH"):
				b.say("* SEARCH")
			case strings.HasPrefix(text, "SEARCH RETURN (MAX) UID 1:"):
				answer := fmt.Sprintf("* ESEARCH (TAG %q)", tag)
				if n := below(uids, strings.TrimPrefix(text, "SEARCH RETURN (MAX) UID 1:")); n > 0 {
					answer += fmt.Sprintf(" MAX %d", n)
				}
				b.say(answer)
			case strings.HasPrefix(text, "SEARCH UID "):
				above := "* SEARCH"
				lo, _, _ := strings.Cut(strings.TrimPrefix(text, "SEARCH UID "), ":")
				for n := below(uids, lo) + 1; n <= exists; n++ {
					above += " " + strconv.Itoa(n)
				}
				b.say(above)
			default:
				w.t.Fatalf("@open cannot answer %q", l)
			}
			b.say(tag + " OK Completed.")
		}
		synctest.Wait()
		told := ""
		for _, l := range c.take() {
			if strings.HasSuffix(l, " EXISTS") {
				told = "client " + strconv.Itoa(n) + " opened INBOX: " + strings.TrimPrefix(l, "* ")
			}
			if strings.HasPrefix(l, "b OK [READ-WRITE]") {
				return told
			}
		}
	}
	w.t.Fatal("SELECT was not answered")
	return ""
}

// below counts the UIDs up to a limit.
func below(uids []int, limit string) int {
	n, _ := strconv.Atoi(limit)
	i, found := slices.BinarySearch(uids, n)
	if found {
		i++
	}
	return i
}

// counted lists the counters that are above zero and belong to what the contract promises.
func counted(reg *prometheus.Registry) []string {
	families, err := reg.Gather()
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, f := range families {
		switch f.GetName() {
		case "inlay_not_injected_total", "inlay_gateway_closed_total", "inlay_gateway_doorbells_total", "inlay_gateway_markers_total",
			"inlay_injected_total", "inlay_gateway_late_total", "inlay_gateway_passed_total", "inlay_gateway_replayed_total":
		default:
			continue
		}
		for _, m := range f.GetMetric() {
			label := ""
			for _, l := range m.GetLabel() {
				label = " " + l.GetValue()
			}
			if v := m.GetCounter().GetValue(); v > 0 {
				out = append(out, fmt.Sprintf("%s%s %v", f.GetName(), label, v))
			}
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}

func value(reg *prometheus.Registry, name, label, want string) float64 {
	for _, l := range counted(reg) {
		var v float64
		if _, err := fmt.Sscanf(l, name+" "+want+" %v", &v); err == nil {
			return v
		}
	}
	return 0
}

// end is the test's end of a connection. Both directions have a goroutine of their own, so
// that neither side ever waits for the test.
type end struct {
	conn  net.Conn
	out   chan string
	lines chan string
	said  bool
	once  sync.Once
}

func newEnd(conn net.Conn) *end {
	e := &end{conn: conn, out: make(chan string, 1000), lines: make(chan string, 10_000)}
	go func() {
		for l := range e.out {
			if _, err := conn.Write([]byte(l)); err != nil {
				break
			}
		}
		for range e.out { //nolint:revive // nobody listens any more
		}
	}()
	go func() {
		defer close(e.lines)
		r := bufio.NewReader(conn)
		for {
			l, err := r.ReadString('\n')
			if l != "" {
				e.lines <- strings.TrimRight(l, "\r\n")
			}
			if err != nil {
				e.lines <- "(closed)"
				return
			}
		}
	}()
	return e
}

func (e *end) say(text string) { e.raw(text + "\r\n") }

func (e *end) raw(text string) {
	e.said = true
	e.out <- text
}

// take gives the lines that came since the last time.
func (e *end) take() []string {
	var out []string
	for {
		select {
		case l, ok := <-e.lines:
			if !ok {
				return out
			}
			out = append(out, l)
		default:
			return out
		}
	}
}

func (e *end) close() {
	e.once.Do(func() {
		close(e.out)
		e.conn.Close()
	})
}

// pipeListener hands out ends of pipes.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, errors.New("listener closed")
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 143} }
