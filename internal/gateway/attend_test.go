package gateway_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/injection"
)

// attended is a middleware that notes who attends; its stream gives a sign of life every two seconds.
type attended struct {
	*fakeService
	said chan injection.AttendRequest
}

func (a attended) Watch(ctx context.Context, req injection.WatchRequest, heard func(injection.Change) error) error {
	return a.fakeService.Watch(ctx, req, func(c injection.Change) error {
		c.Cursor = "7.1"
		return heard(c)
	})
}

func (a attended) Attend(ctx context.Context, req injection.AttendRequest) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a.said <- req
	return nil
}

// TestAttend: a gateway attends for as long as it runs, and leaves when it is stopped, so that the
// one that is started in its place waits for nobody.
func TestAttend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := attended{newFakeService(), make(chan injection.AttendRequest, 16)}
		service.streaming = true
		g, err := gateway.New(gateway.Config{Backend: gateway.BackendConfig{Addr: "backend:143"}}, gateway.Deps{Injection: service})
		if err != nil {
			t.Fatal(err)
		}
		ln := newPipeListener()
		served := make(chan error, 1)
		go func() { served <- g.Serve(ln, false) }()

		began := time.Now()
		first := <-service.said
		second := <-service.said
		if first.Name == "" || first.Cursor != "7.1" || first.Leave || second != first || time.Since(began) > injection.AliveEvery {
			t.Errorf("it attends with %+v, and after %s with %+v", first, time.Since(began), second)
		}
		if err := g.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		want := first
		want.Leave = true
		if got := <-service.said; got != want || len(service.said) != 0 {
			t.Errorf("it leaves with %+v, and says %d more", got, len(service.said))
		}
	})
}
