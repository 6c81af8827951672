package middleware

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/store"
)

// How often a stream looks for what other instances have changed; what this one has is looked
// for at once, but not more often than gather.
const (
	lookEvery = 500 * time.Millisecond
	gather    = 25 * time.Millisecond
)

// Watch implements injection.Service.
func (m *Middleware) Watch(ctx context.Context, req injection.WatchRequest, heard func(injection.Change) error) error {
	m.metrics.streams.Inc()
	defer m.metrics.streams.Dec()
	w := watch{m: m, id: req.Tenant, heard: heard}
	if err := w.start(ctx, req.Cursor); err != nil {
		return err
	}
	if err := w.tell(injection.Alive, ""); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		woken := m.changes.heard() // before looking, so that nothing falls between
		if err := w.look(ctx); err != nil {
			return err
		}
		if time.Since(w.told) >= injection.AliveEvery-lookEvery {
			if err := w.tell(injection.Alive, ""); err != nil {
				return err
			}
		}
		timer.Reset(gather)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return gone(ctx)
		}
		timer.Reset(lookEvery - gather)
		select {
		case <-timer.C:
		case <-woken:
		case <-ctx.Done():
			return gone(ctx)
		}
	}
}

func gone(ctx context.Context) error {
	return fault.Wrap(fault.Unavailable, context.Cause(ctx), "the stream was ended")
}

// watch is one stream. What was changed comes from the traces in the store; the instants at which
// campaigns start and end leave none and come by the clock. So a place in the stream is both a
// cursor of the store and a time, and holds on every instance.
type watch struct {
	m     *Middleware
	id    string // of the tenant
	heard func(injection.Change) error
	told  time.Time // when something was told last, by the machine's clock

	cursor string    // of the store
	until  time.Time // starts and ends up to this were told
}

func (w *watch) tell(kind injection.ChangeKind, owner string) error {
	w.told = time.Now()
	return w.heard(injection.Change{Kind: kind, Owner: owner, Cursor: w.cursor + "." + strconv.FormatInt(w.until.UnixMilli(), 10)})
}

// start goes to the place that cursor names, or to the end of the stream.
func (w *watch) start(ctx context.Context, cursor string) error {
	t, err := w.m.openTenant(ctx, w.id)
	if err != nil {
		return err
	}
	traces, at, _ := strings.Cut(cursor, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	if cursor != "" && err == nil && traces != "" {
		if _, _, err = t.Traces(ctx, traces, 1); err == nil {
			w.cursor, w.until = traces, time.UnixMilli(ms).UTC()
			return nil
		}
		if !fault.Is(err, fault.NotFound) {
			return fmt.Errorf("reading traces: %w", err)
		}
	}
	if w.until = w.m.now(); cursor == "" {
		return w.skip(ctx, t)
	}
	return w.reset(ctx, t)
}

// skip goes to the end of the traces.
func (w *watch) skip(ctx context.Context, t *tenant) error {
	_, next, err := t.Traces(ctx, "", 1)
	if err != nil {
		return fmt.Errorf("reading traces: %w", err)
	}
	w.cursor = next
	return nil
}

func (w *watch) reset(ctx context.Context, t *tenant) error {
	if err := w.skip(ctx, t); err != nil {
		return err
	}
	return w.tell(injection.Reset, "")
}

// look tells what has come.
func (w *watch) look(ctx context.Context) error {
	t, err := w.m.openTenant(ctx, w.id) // it may have been removed meanwhile
	if err != nil {
		return err
	}
	now := w.m.now()
	for {
		page, next, err := t.Traces(ctx, w.cursor, store.MaxPage)
		switch {
		case fault.Is(err, fault.NotFound): // swept under us, or another store was put in its place
			return w.reset(ctx, t)
		case err != nil:
			return fmt.Errorf("reading traces: %w", err)
		}
		for _, c := range wordsOf(page) {
			w.cursor = c.Cursor
			if err := w.tell(c.Kind, c.Owner); err != nil {
				return err
			}
		}
		w.cursor = next
		if len(page) < store.MaxPage {
			break
		}
	}
	return w.instants(ctx, t, now)
}

// wordsOf makes words of traces. Of several that say the same the last one stays: whoever goes on
// behind any of them misses nothing.
func wordsOf(page []store.Trace) []injection.Change {
	out := make([]injection.Change, 0, len(page))
	said := map[string]bool{} // by owner; campaigns have none
	for _, trace := range slices.Backward(page) {
		c := injection.Change{Kind: injection.OfPerson, Owner: trace.Owner, Cursor: trace.Cursor}
		if c.Owner == "" {
			c.Kind = injection.OfCampaign
		}
		if (c.Owner != "" || trace.Kind == kindCampaign) && !said[c.Owner] {
			said[c.Owner] = true
			out = append(out, c)
		}
	}
	slices.Reverse(out)
	return out
}

// instants tells when the start or the end of a campaign has come.
func (w *watch) instants(ctx context.Context, t *tenant, now time.Time) error {
	campaigns, err := t.snapshot(ctx)
	if err != nil {
		return err
	}
	since := w.until
	if !now.After(since) {
		return nil
	}
	w.until = now
	came := func(at time.Time) bool { return at.After(since) && !at.After(now) }
	for _, c := range campaigns {
		if came(c.Start) || came(c.End) {
			return w.tell(injection.OfCampaign, "")
		}
	}
	return nil
}
