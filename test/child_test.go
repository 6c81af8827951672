package test_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/peertest"
)

// childEnv holds the childConfig of a test binary that is to be a gateway and nothing else.
const childEnv = "INLAY_TEST_GATEWAY"

// childConfig is how a gateway in a process of its own is to run.
type childConfig struct {
	Backend    string        `json:"backend"`
	Middleware string        `json:"middleware"` // URL
	AddrFile   string        `json:"addrFile"`   // written, once it listens, with its address
	DieAt      gateway.Step  `json:"dieAt"`      // kill -9 of itself as soon as the step is reached
	Spare      int64         `json:"spare"`      // so many times that the step is reached it lives on
	Lease      time.Duration `json:"lease"`
	MoveLease  time.Duration `json:"moveLease"`
	Look       time.Duration `json:"look"` // how often sessions look by themselves; 0: often
}

func TestMain(m *testing.M) {
	if text := os.Getenv(childEnv); text != "" {
		if err := runChild(text); err != nil {
			fmt.Fprintln(os.Stderr, "gateway of a test:", err)
			os.Exit(1)
		}
		return
	}
	// These tests wait more than they compute: for leases, for servers that notice, for screens.
	flag.Parse()
	if n := flag.Lookup("test.parallel"); n.Value.String() == n.DefValue {
		_ = flag.Set("test.parallel", "12") // a number: it cannot fail
	}
	os.Exit(m.Run())
}

// runChild is the whole life of such a process: the gateway as the program wires it, over HTTP
// to the middleware, until SIGTERM.
func runChild(text string) error {
	var cfg childConfig
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		return err
	}
	service, err := middleware.NewClient(middleware.ClientConfig{BaseURL: cfg.Middleware, Token: apiToken})
	if err != nil {
		return err
	}
	var reached atomic.Int64
	g, err := gateway.New(gateway.Config{
		Backend: gateway.BackendConfig{Addr: cfg.Backend}, Lease: cfg.Lease, MoveLease: cfg.MoveLease, Poll: cmp.Or(cfg.Look, pollInTests), Look: cfg.Look, Exact: cfg.Look == 0, LookupBudget: patience, KnownBudget: patience,
		AtStep: func(s gateway.Step) {
			if s == cfg.DieAt && reached.Add(1) > cfg.Spare {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {} // until the kernel has done it
			}
		},
	}, gateway.Deps{Injection: service, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	// Renamed into place, so that nobody reads half an address.
	if err := os.WriteFile(cfg.AddrFile+".new", []byte(ln.Addr().String()), 0o600); err != nil {
		return err
	}
	if err := os.Rename(cfg.AddrFile+".new", cfg.AddrFile); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = g.Shutdown(now) // nobody is waited for
	}()
	return g.Serve(ln, false)
}

// child is a gateway in a process of its own.
type child struct {
	*peertest.Process
	addr string
}

// newChild starts a gateway process in front of a backend, on the world's middleware; change
// may alter how.
func (w *world) newChild(t testing.TB, backend string, change ...func(*childConfig)) *child {
	t.Helper()
	file := filepath.Join(t.TempDir(), "addr")
	cfg := childConfig{Backend: backend, Middleware: w.url, AddrFile: file}
	for _, f := range change {
		f(&cfg)
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	c := &child{Process: peertest.Start(t, cmd)}
	peertest.Eventually(t, "the gateway's process listens", func() bool {
		b, err := os.ReadFile(file)
		c.addr = strings.TrimSpace(string(b))
		return err == nil
	})
	return c
}
