package obs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/obs"
)

const secret = "s3cr3t-token-of-somebody"

// credentials has fields that no log may spell out.
type credentials struct{ user, password string }

func TestLogsKeepSecrets(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		var b bytes.Buffer
		log := obs.NewLogger(&b, obs.LogConfig{Level: slog.LevelDebug, Format: format, Secrets: []string{secret, secret + "-longer", "abc"}})
		log = log.With("user", "anna", "password", "hunter22")
		log.Info("login with "+secret,
			"authorization", "Bearer x1y2z3",
			"body", "Dear Anna, here is your contract",
			"error", fmt.Errorf("calling http://h/?token=%s-longer: %w", secret, errors.New("refused")),
			"path", "/"+secret,
			"kind", credentials{"anna", "hunter23"},
			"id", []byte("raw octets"),
			slog.Group("mailbox", "name", "a group"),
			"status", 401, "duration", 3*time.Second, "roles", []string{"gateway", "platform"})
		out := b.String()
		for _, leak := range []string{secret, "-longer", "hunter2", "x1y2z3", "contract", "raw octets", "a group"} {
			if strings.Contains(out, leak) {
				t.Errorf("%s: %q is in the log: %s", format, leak, out)
			}
		}
		for _, kept := range []string{"anna", "login with [redacted]", "token=[redacted]", "refused", "/[redacted]", "401", "gateway platform"} {
			if !strings.Contains(out, kept) {
				t.Errorf("%s: %q is not in the log: %s", format, kept, out)
			}
		}
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := obs.NewLogger(&b, obs.LogConfig{Level: slog.LevelWarn})
	log.Info("not this")
	log.Warn("but this")
	if got := b.String(); strings.Contains(got, "not this") || !strings.Contains(got, "but this") {
		t.Error(got)
	}
}

func ready(context.Context) error { return nil }

func TestReadiness(t *testing.T) {
	t.Parallel()
	h := obs.NewHealth(
		obs.Role{Name: "gateway", Ready: func(context.Context) error {
			return fault.Wrap(fault.Unavailable, errors.New("dial tcp 10.1.2.3:143"), "the mail server cannot be reached")
		}},
		obs.Role{Name: "middleware", Ready: ready},
	)
	rec := httptest.NewRecorder()
	h.Readyz(rec, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	want := `{"ready":false,"roles":{"gateway":{"ready":false,"reason":"the mail server cannot be reached"},"middleware":{"ready":true}}}`
	if rec.Code != http.StatusServiceUnavailable || strings.TrimSpace(rec.Body.String()) != want {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}

	h = obs.NewHealth(obs.Role{Name: "gateway", Ready: ready})
	if got := h.Check(t.Context()); !got.Ready {
		t.Errorf("%+v", got)
	}
	h.Drain()
	if got := h.Check(t.Context()); got.Ready || got.Roles["gateway"].Reason != "stopping" {
		t.Errorf("while it stops: %+v", got)
	}
	rec = httptest.NewRecorder()
	h.Healthz(rec, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	if rec.Code != http.StatusOK {
		t.Errorf("it stops, and is not dead: %d", rec.Code)
	}
}

// A role that does not answer is not ready, and keeps nobody waiting.
func TestReadinessIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := obs.NewHealth(obs.Role{Name: "gateway", Ready: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}, obs.Role{Name: "middleware", Ready: ready})
		start := time.Now()
		got := h.Check(t.Context())
		if took := time.Since(start); got.Ready || took != 2*time.Second || !got.Roles["middleware"].Ready {
			t.Errorf("after %s: %+v", took, got)
		}
	})
}

func TestRequestsAreLogged(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := obs.NewLogger(&b, obs.LogConfig{Level: slog.LevelDebug, Format: "json"})
	h := obs.LogRequests(log, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fails":
			w.WriteHeader(http.StatusBadGateway)
		case "/early":
			w.WriteHeader(http.StatusEarlyHints)
		case "/refused":
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, "hello")
	}))
	written := make(chan struct{}, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		written <- struct{}{}
	}))
	defer srv.Close()
	for path, want := range map[string]struct {
		level  string
		status float64
		bytes  float64
	}{"/good": {"DEBUG", 200, 5}, "/early": {"DEBUG", 200, 5}, "/fails": {"WARN", 502, 5}, "/refused": {"INFO", 403, 3}} {
		b.Reset()
		resp, err := http.Post(srv.URL+path+"?token="+secret, "text/plain", strings.NewReader("a body"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		<-written
		var line map[string]any
		if err := json.Unmarshal(b.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line["level"] != want.level || line["status"] != want.status || line["bytes"] != want.bytes || line["path"] != path || line["method"] != "POST" {
			t.Errorf("%s: %s", path, b.String())
		}
		if strings.Contains(b.String(), secret) || strings.Contains(b.String(), "a body") {
			t.Errorf("%s: query or body in %s", path, b.String())
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	rec := httptest.NewRecorder()
	obs.MetricsHandler(obs.NewRegistry("v1.2.3")).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{`inlay_build_info{version="v1.2.3"} 1`, "go_goroutines ", "process_"} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("no %q in\n%s", want, rec.Body)
		}
	}
}
