package obs

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"inlay.example/inlay/internal/fault"
)

// readyBudget bounds how long one answer of /readyz may take.
const readyBudget = 2 * time.Second

// Health answers /healthz and /readyz. It is safe for concurrent use.
type Health struct {
	roles    []Role
	draining atomic.Bool
}

// Role is a part of the program that can be ready or not.
type Role struct {
	Name string
	// Ready returns nil, or why no work should be sent here; its public text is shown. It is
	// called at the same time as others' and must obey its context.
	Ready func(context.Context) error
}

// NewHealth returns the health of these roles; their names must differ.
func NewHealth(roles ...Role) *Health { return &Health{roles: roles} }

// Drain makes /readyz say no from now on, so that balancers send nobody any more.
func (h *Health) Drain() { h.draining.Store(true) }

// Readiness is the body of /readyz.
type Readiness struct {
	Ready bool                     `json:"ready"`
	Roles map[string]RoleReadiness `json:"roles"`
}

// RoleReadiness is the readiness of one role.
type RoleReadiness struct {
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"`
}

// Check asks all roles at once.
func (h *Health) Check(ctx context.Context) Readiness {
	ctx, cancel := context.WithTimeout(ctx, readyBudget)
	defer cancel()
	out := Readiness{Ready: !h.draining.Load(), Roles: map[string]RoleReadiness{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, r := range h.roles {
		wg.Go(func() {
			res := RoleReadiness{Ready: true}
			if err := r.Ready(ctx); err != nil {
				res = RoleReadiness{Reason: fault.Public(err)}
			}
			if h.draining.Load() {
				res = RoleReadiness{Reason: "stopping"}
			}
			mu.Lock()
			defer mu.Unlock()
			out.Roles[r.Name] = res
			out.Ready = out.Ready && res.Ready
		})
	}
	wg.Wait()
	return out
}

// Healthz answers 200 as long as the process can answer at all.
func (h *Health) Healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n"))
}

// Readyz answers 200 when every role is ready, else 503, with a Readiness.
func (h *Health) Readyz(w http.ResponseWriter, r *http.Request) {
	res := h.Check(r.Context())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !res.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(res) // who asked may have gone
}
