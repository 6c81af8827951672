package app

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/obs"
)

// Run serves until ctx ends or a role fails, then stops in order, and closes everything. It
// returns nil after a stop in good order; Unavailable when something had to be cut off.
func (a *App) Run(ctx context.Context) error {
	// Background work outlives the listeners: what is being drained may need it.
	work, endWork := context.WithCancel(context.WithoutCancel(ctx))
	defer endWork()
	serving, failed := errgroup.WithContext(ctx)
	working, broken := errgroup.WithContext(work)
	for _, b := range a.background {
		working.Go(func() error {
			if err := b.run(broken); err != nil {
				return fmt.Errorf("role %s: %w", b.role, err)
			}
			return nil
		})
	}
	if a.http != nil {
		serving.Go(a.http.serve)
	}
	for _, ln := range a.imap {
		serving.Go(func() error { return a.gateway.Serve(ln.Listener, ln.implicitTLS) })
	}

	select {
	case <-failed.Done(): // also when ctx ends
	case <-broken.Done():
	}
	a.log.Info("stopping")
	err := a.drain(ctx)
	err = errors.Join(err, serving.Wait())
	endWork()
	err = errors.Join(err, working.Wait())
	err = errors.Join(err, a.Close())
	a.log.Info("stopped")
	return err
}

// Readiness is what /readyz would answer.
func (a *App) Readiness(ctx context.Context) obs.Readiness { return a.health.Check(ctx) }

// Abort ends draining at once. It may be called at any time, from any goroutine, repeatedly.
func (a *App) Abort() { a.abortOnce.Do(func() { close(a.abort) }) }

// drain is the first stage of stopping, and the second for what does not end.
func (a *App) drain(ctx context.Context) error {
	a.health.Drain()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.drainTime())
	defer cancel()
	go func() {
		select {
		case <-a.abort:
			cancel()
		case <-ctx.Done():
		}
	}()
	var wg sync.WaitGroup
	var gatewayErr, httpErr error
	if a.gateway != nil {
		wg.Go(func() { gatewayErr = a.gateway.Shutdown(ctx) })
	}
	if a.http != nil {
		wg.Go(func() { httpErr = a.http.shutdown(ctx) })
	}
	wg.Wait()
	if err := errors.Join(gatewayErr, httpErr); err != nil {
		return fault.Wrap(fault.Unavailable, err, "sessions or requests were cut off")
	}
	return nil
}
