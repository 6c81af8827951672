package app_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/app"
	"inlay.example/inlay/internal/config"
	"inlay.example/inlay/internal/demo"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/peertest"
)

const bearer = "a-token-of-the-tests"

// settings are a configuration of all roles on free ports, in front of a mail server.
func settings(t *testing.T, roles ...config.Role) config.Config {
	t.Helper()
	if len(roles) == 0 {
		roles = []config.Role{config.Gateway, config.Middleware, config.Platform}
	}
	dir := t.TempDir()
	cfg, err := config.Make(roles, []config.Value{
		{Key: "http.listen", Text: "127.0.0.1:0"},
		{Key: "gateway.imap", Text: "127.0.0.1:0"},
		{Key: "gateway.backend.addr", Text: mailServer(t)},
		{Key: "gateway.notes", Text: filepath.Join(dir, "notes")},
		{Key: "middleware.token", Text: bearer},
		{Key: "platform.token", Text: bearer},
		{Key: "middleware.default-tenant.secret", Text: "a-secret-of-the-tests"},
		{Key: "store.sqlite.dir", Text: filepath.Join(dir, "store")},
		{Key: "objects.folder.dir", Text: filepath.Join(dir, "objects")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// mailServer starts the demo's mail server.
func mailServer(t *testing.T) string {
	t.Helper()
	s, err := demo.New(demo.Config{UIDValidity: 1, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// running is an App that runs.
type running struct {
	*app.App
	stop  context.CancelFunc
	ended chan error
}

func run(t *testing.T, cfg config.Config) *running {
	t.Helper()
	a, err := app.New(t.Context(), cfg, app.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{App: a, stop: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		a.Abort()
	})
	return r
}

// wait gives what Run returned.
func (r *running) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
		return nil
	}
}

func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAllRolesInOneProcess(t *testing.T) {
	t.Parallel()
	r := run(t, settings(t))
	peertest.Eventually(t, "all roles are ready", func() bool {
		code, body := get(t, http.DefaultClient, r.HTTPURL()+"/readyz")
		return code == http.StatusOK && strings.Count(body, `"ready":true`) == 4
	})
	for path, want := range map[string]int{
		"/": 200, "/nothing": 404, "/healthz": 200, "/metrics": 200, "/api/tenants": 401, "/api/injection/v1/begin": 405, "/api/v1/campaigns": 401,
		"/api/v1/openapi.json": 200,
	} {
		if code, body := get(t, http.DefaultClient, r.HTTPURL()+path); code != want {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	// Whoever opens the address in a browser is told where to go on, and every path told of is there.
	_, page := get(t, http.DefaultClient, r.HTTPURL()+"/")
	paths := 0
	for line := range strings.Lines(page) {
		path, _, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(path, "/") {
			continue
		}
		paths++
		if path == "/api/v1" || path == "/api/injection/v1" {
			path += "/" + map[string]string{"/api/v1": "campaigns", "/api/injection/v1": "begin"}[path]
		}
		if code, body := get(t, http.DefaultClient, r.HTTPURL()+path); code == http.StatusNotFound {
			t.Errorf("/ tells of %s: %d %s", path, code, body)
		}
	}
	if paths != 6 {
		t.Errorf("/ tells of %d paths:\n%s", paths, page)
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}

func TestWhatIsTakenIsFoundOutAtOnce(t *testing.T) {
	t.Parallel()
	cfg := settings(t)
	r := run(t, cfg)
	second := cfg
	second.HTTP.Listen = r.HTTPAddr()
	if _, err := app.New(t.Context(), second, app.Deps{}); !fault.Is(err, fault.Conflict) || !strings.HasPrefix(fault.Public(err), "http.listen: address "+r.HTTPAddr()+" is in use by ") {
		t.Errorf("an address in use: %v", err)
	}
	second = cfg
	second.Gateway.IMAP = r.IMAPAddrs()[0]
	if _, err := app.New(t.Context(), second, app.Deps{}); !fault.Is(err, fault.Conflict) || !strings.HasPrefix(fault.Public(err), "gateway.imap: address ") {
		t.Errorf("another address in use: %v", err)
	}
	if _, err := app.New(t.Context(), cfg, app.Deps{}); !fault.Is(err, fault.Conflict) || !strings.HasPrefix(fault.Public(err), "store.sqlite.dir: ") {
		t.Errorf("a directory in use: %v", err)
	}
	second = cfg
	second.Gateway.TLSCert, second.Gateway.TLSKey = "nowhere.pem", "nowhere.key"
	second.Store.SQLite.Dir = t.TempDir()
	if _, err := app.New(t.Context(), second, app.Deps{}); !fault.Is(err, fault.Invalid) || !strings.HasPrefix(fault.Public(err), "gateway.tls-cert, gateway.tls-key: ") {
		t.Errorf("no certificate: %v", err)
	}
	// A start that failed has let go of everything.
	if _, err := app.New(t.Context(), second, app.Deps{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("the second time: %v", err)
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	cert := peertest.NewCertificate(t)
	cfg := settings(t)
	cfg.HTTP.TLSCert, cfg.HTTP.TLSKey = cert.CertFile, cert.KeyFile
	cfg.Gateway.TLSCert, cfg.Gateway.TLSKey = cert.CertFile, cert.KeyFile
	cfg.Gateway.IMAPS, cfg.Gateway.RequireTLS = "127.0.0.1:0", true
	r := run(t, cfg)
	trust := &tls.Config{RootCAs: cert.Pool, ServerName: "localhost"}
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: trust}}
	defer c.CloseIdleConnections()
	if code, _ := get(t, c, r.HTTPURL()+"/healthz"); code != http.StatusOK {
		t.Errorf("healthz over TLS: %d", code)
	}
	nc, err := tls.Dial("tcp", r.IMAPAddrs()[1], trust)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if l, err := bufio.NewReader(nc).ReadString('\n'); err != nil || strings.Contains(l, "LOGINDISABLED") {
		t.Errorf("greeting over TLS: %q, %v", l, err)
	}
	plain, err := net.Dial("tcp", r.IMAPAddrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if l, err := bufio.NewReader(plain).ReadString('\n'); err != nil || !strings.Contains(l, "LOGINDISABLED") || !strings.Contains(l, "STARTTLS") {
		t.Errorf("greeting in the clear: %q, %v", l, err)
	}
}

// An idle session is told BYE at once; a request that takes its time is waited for; a second
// word cuts it off.
func TestStopsInTwoStages(t *testing.T) {
	t.Parallel()
	cfg := settings(t)
	cfg.Stop.Drain = time.Hour
	r := run(t, cfg)
	idle, err := net.Dial("tcp", r.IMAPAddrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	in := bufio.NewReader(idle)
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	busy, err := net.Dial("tcp", r.HTTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	// A body that does not come: the request is under way.
	if _, err := busy.Write([]byte("POST /api/injection/v1/begin HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + bearer +
		"\r\nContent-Type: application/json\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if l, err := bufio.NewReader(busy).ReadString('\n'); err != nil || !strings.Contains(l, "100") {
		t.Fatalf("%q, %v", l, err)
	}
	r.stop()
	if l, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(l, "* BYE ") {
		t.Errorf("an idle session hears %q, %v", l, err)
	}
	select {
	case err := <-r.ended:
		t.Fatalf("it did not wait for a request under way: %v", err)
	default:
	}
	r.Abort()
	r.Abort()
	if err := r.wait(t); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a request was cut off, and nobody is told: %v", err)
	}
}

// A gateway alone is ready when its backend greets, and says why it is not.
func TestGatewayAlone(t *testing.T) {
	t.Parallel()
	cfg := settings(t, config.Gateway)
	cfg.Gateway.Backend.Addr = "127.0.0.1:1"
	r := run(t, cfg)
	code, body := get(t, http.DefaultClient, r.HTTPURL()+"/readyz")
	var got struct {
		Roles map[string]struct{ Reason string }
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != http.StatusServiceUnavailable || got.Roles["gateway"].Reason != "the mail server cannot be reached" {
		t.Errorf("%d %s", code, body)
	}
	if _, err := os.Stat(cfg.Store.SQLite.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("a gateway has made a store")
	}
}
