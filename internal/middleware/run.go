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
		defer m.stopImporters(nil, nil)
		return m.repeat(ctx, m.imports, m.runImporters)
	})
	g.Go(func() error {
		finished, gone := map[sweepKey]bool{}, map[audienceKey]bool{}
		return m.repeat(ctx, m.sweeps, func(ctx context.Context, tenants roster) error {
			var failed []error // of one tenant must not hold up the others
			for _, t := range tenants.open {
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
func (m *Middleware) repeat(ctx context.Context, b bell, do func(context.Context, roster) error) error {
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
			err = errors.Join(tenants.err(), do(ctx, tenants))
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

// roster is all tenants: one that cannot be opened must not hold up the others.
type roster struct {
	open   []*tenant
	closed map[string]error // by id: why it could not be opened
}

func (r roster) err() error {
	var all []error
	for id, err := range r.closed {
		all = append(all, fmt.Errorf("tenant %s: %w", id, err))
	}
	return errors.Join(all...)
}

// openTenants opens all tenants that can be opened. One whose keyspace does not exist yet has
// no work either.
func (m *Middleware) openTenants(ctx context.Context) (roster, error) {
	out := roster{closed: map[string]error{}}
	var ids []string
	err := eachDoc(ctx, m.store.Control(), kindTenant, func(doc store.Doc) error {
		ids = append(ids, doc.ID)
		return nil
	})
	if err != nil {
		return out, err
	}
	for _, id := range ids {
		t, err := m.openTenant(ctx, id)
		switch {
		case fault.Is(err, fault.NotFound):
		case err != nil:
			out.closed[id] = err
		default:
			out.open = append(out.open, t)
		}
	}
	return out, nil
}

// runImporters starts the importers of all data sources that can be imported from, and stops
// those whose tenant or data source is no more.
func (m *Middleware) runImporters(ctx context.Context, tenants roster) error {
	wanted := map[importerKey]bool{}
	var failed []error
	for _, t := range tenants.open {
		for _, s := range t.sources {
			r, err := m.importer(t, s)
			if fault.Is(err, fault.Unsupported) {
				continue
			}
			if err != nil {
				failed = append(failed, fmt.Errorf("opening the importer of data source %s of tenant %s: %w", s.ID, t.id, err))
				continue
			}
			wanted[t.importerKey(s)] = true
			m.startImporter(ctx, r, t.id, s.ID)
		}
	}
	m.stopImporters(wanted, tenants.closed)
	return errors.Join(failed...)
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

// stopImporters ends all importers but the wanted ones, and those of tenants that cannot be
// opened now; it waits for them.
func (m *Middleware) stopImporters(wanted map[importerKey]bool, closed map[string]error) {
	var ending []*runningImporter
	m.mu.Lock()
	for key, r := range m.importers {
		if !wanted[key] && closed[key.tenant] == nil && r.done != nil {
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
