package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// guard is the injection service behind a circuit breaker: when it does not answer, the people
// who log in must not each wait for it.
type guard struct {
	next     injection.Service
	breaker  *gobreaker.CircuitBreaker[any]
	metrics  *metrics
	patience time.Duration // see givenUp
}

// givenUp marks the error of a call that its session has cancelled by going away, when it had
// waited for longer than the patience. Clients often stay for less time than a call may take: if
// nobody's going away counted, a middleware that hangs would never be left alone.
type givenUp struct{ error }

func (e givenUp) Unwrap() error { return e.error }

var errBreaker = fault.New(fault.Unavailable, "the middleware failed before and is left alone for a moment")

func newGuard(next injection.Service, m *metrics, patience time.Duration) *guard {
	return &guard{next: next, metrics: m, patience: patience, breaker: gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
		Name:        "middleware",
		MaxRequests: 3,
		Interval:    30 * time.Second,
		Timeout:     5 * time.Second,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 5 },
		// A session that went away at once says nothing of the middleware.
		IsExcluded: func(err error) bool {
			return errors.Is(err, context.Canceled) && !errors.As(err, &givenUp{})
		},
		// A Conflict or NotFound is an answer.
		IsSuccessful: func(err error) bool {
			switch fault.KindOf(err) {
			case fault.Unavailable, fault.Internal, fault.Unauthenticated, fault.Denied:
				return err == nil
			}
			return true
		},
	})}
}

// open reports whether calls are refused now.
func (g *guard) open() bool { return g.breaker.State() == gobreaker.StateOpen }

func guarded[T any](g *guard, name string, call func() (T, error)) (T, error) {
	v, err := g.breaker.Execute(func() (any, error) {
		begun := time.Now()
		v, err := call()
		if errors.Is(err, context.Canceled) && time.Since(begun) >= g.patience {
			err = givenUp{err}
		}
		return v, err
	})
	switch {
	case err == nil:
		g.metrics.calls.WithLabelValues(name, "ok").Inc()
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		err = errBreaker
		g.metrics.calls.WithLabelValues(name, "refused").Inc()
	default:
		g.metrics.calls.WithLabelValues(name, fault.KindOf(err).String()).Inc()
	}
	t, _ := v.(T)
	return t, err
}

type none struct{}

func (g *guard) Begin(ctx context.Context, req injection.BeginRequest) (injection.Session, error) {
	return guarded(g, "begin", func() (injection.Session, error) { return g.next.Begin(ctx, req) })
}

func (g *guard) Placements(ctx context.Context, p injection.Person) ([]placement.Placement, error) {
	return guarded(g, "placements", func() ([]placement.Placement, error) { return g.next.Placements(ctx, p) })
}

func (g *guard) Template(ctx context.Context, tenant, digest string) ([]byte, error) {
	return guarded(g, "template", func() ([]byte, error) { return g.next.Template(ctx, tenant, digest) })
}

func (g *guard) Claim(ctx context.Context, req injection.ClaimRequest) (placement.Placement, error) {
	return guarded(g, "claim", func() (placement.Placement, error) { return g.next.Claim(ctx, req) })
}

func (g *guard) Confirm(ctx context.Context, req injection.ConfirmRequest) (placement.Placement, error) {
	return guarded(g, "confirm", func() (placement.Placement, error) { return g.next.Confirm(ctx, req) })
}

func (g *guard) Void(ctx context.Context, req injection.VoidRequest) error {
	_, err := guarded(g, "void", func() (none, error) { return none{}, g.next.Void(ctx, req) })
	return err
}

func (g *guard) SetFlags(ctx context.Context, req injection.FlagsRequest) (placement.Placement, error) {
	return guarded(g, "flags", func() (placement.Placement, error) { return g.next.SetFlags(ctx, req) })
}

func (g *guard) Expunge(ctx context.Context, req injection.ExpungeRequest) (placement.Placement, error) {
	return guarded(g, "expunge", func() (placement.Placement, error) { return g.next.Expunge(ctx, req) })
}

func (g *guard) Settle(ctx context.Context, req injection.SettleRequest) (injection.Settlement, error) {
	return guarded(g, "settle", func() (injection.Settlement, error) { return g.next.Settle(ctx, req) })
}

func (g *guard) Departed(ctx context.Context, req injection.DepartedRequest) ([]placement.Departure, error) {
	return guarded(g, "departed", func() ([]placement.Departure, error) { return g.next.Departed(ctx, req) })
}

func (g *guard) Move(ctx context.Context, req injection.MoveRequest) (placement.Placement, error) {
	return guarded(g, "move", func() (placement.Placement, error) { return g.next.Move(ctx, req) })
}

func (g *guard) EndMove(ctx context.Context, req injection.EndMoveRequest) (placement.Placement, error) {
	return guarded(g, "endmove", func() (placement.Placement, error) { return g.next.EndMove(ctx, req) })
}

func (g *guard) Record(ctx context.Context, p injection.Person, events []injection.Observation) error {
	_, err := guarded(g, "events", func() (none, error) { return none{}, g.next.Record(ctx, p, events) })
	return err
}

// Watch is not guarded: whoever follows has a patience of their own.
func (g *guard) Watch(ctx context.Context, req injection.WatchRequest, heard func(injection.Change) error) error {
	return g.next.Watch(ctx, req, heard)
}

// Attend is as Watch.
func (g *guard) Attend(ctx context.Context, req injection.AttendRequest) error {
	return g.next.Attend(ctx, req)
}
