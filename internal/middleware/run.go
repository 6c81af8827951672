package middleware

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/store"
)

// How often Run looks by itself. Commands, pushes and changes of tenants wake it at once.
const (
	runEvery   = time.Second
	retryAfter = 5 * time.Second // after the store did not answer
)

// Run does what goes on in the background: the importers of all tenants, sweeps, and the removal
// of audiences a week after the end of their campaigns. It
// returns when ctx has ended and everything that it started has, too.
func (m *Middleware) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer m.stopImporters(nil)
		return m.repeat(ctx, m.imports, m.runImporters)
	})
	g.Go(func() error {
		finished, gone := map[sweepKey]bool{}, map[audienceKey]bool{}
		return m.repeat(ctx, m.sweeps, func(ctx context.Context, tenants []*tenant) error {
			var failed []error // of one tenant must not hold up the others
			for _, t := range tenants {
				if err := errors.Join(m.sweepTenant(ctx, t, finished), m.forgetTenant(ctx, t, gone)); err != nil {
					failed = append(failed, fmt.Errorf("tenant %s: %w", t.id, err))
				}
			}
			return errors.Join(failed...)
		})
	})
	return g.Wait()
}

// repeat calls do again and again until ctx ends. A failure is logged and tried again later.
func (m *Middleware) repeat(ctx context.Context, b bell, do func(context.Context, []*tenant) error) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b:
		case <-timer.C:
		}
		tenants, err := m.openTenants(ctx)
		if err == nil {
			err = do(ctx, tenants)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			m.log.Warn("background work failed and will be tried again", "error", err)
			timer.Reset(retryAfter)
		default:
			timer.Reset(runEvery)
		}
	}
}

// openTenants opens all tenants that can be opened. One whose keyspace does not exist yet has
// no work either.
func (m *Middleware) openTenants(ctx context.Context) ([]*tenant, error) {
	var ids []string
	err := eachDoc(ctx, m.store.Control(), kindTenant, func(doc store.Doc) error {
		ids = append(ids, doc.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []*tenant
	for _, id := range ids {
		t, err := m.openTenant(ctx, id)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// runImporters starts the importers of all data sources that can be imported from, and stops
// those whose tenant or data source is no more.
func (m *Middleware) runImporters(ctx context.Context, tenants []*tenant) error {
	wanted := map[importerKey]bool{}
	for _, t := range tenants {
		for _, s := range t.sources {
			r, err := m.importer(t, s)
			if fault.Is(err, fault.Unsupported) {
				continue
			}
			if err != nil {
				return fmt.Errorf("opening the importer of data source %s of tenant %s: %w", s.ID, t.id, err)
			}
			wanted[t.importerKey(s)] = true
			m.startImporter(ctx, r, t.id, s.ID)
		}
	}
	m.stopImporters(wanted)
	return nil
}

func (m *Middleware) startImporter(ctx context.Context, r *runningImporter, tenant, source string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.done != nil {
		select {
		case <-r.done: // it failed, see below
		default:
			return
		}
	}
	ctx, r.cancel = context.WithCancel(ctx)
	done := make(chan struct{})
	r.done = done
	go func() {
		defer close(done)
		if err := r.Run(ctx); err != nil && ctx.Err() == nil {
			m.log.Error("an importer failed and will be started again", "tenant", tenant, "dataSource", source, "error", err)
		}
	}()
}

// stopImporters ends all importers but the wanted ones, and waits for them.
func (m *Middleware) stopImporters(wanted map[importerKey]bool) {
	var ending []*runningImporter
	m.mu.Lock()
	for key, r := range m.importers {
		if !wanted[key] && r.done != nil {
			delete(m.importers, key)
			ending = append(ending, r)
		}
	}
	m.mu.Unlock()
	for _, r := range ending {
		r.cancel()
		<-r.done
	}
}
