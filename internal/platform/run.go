package platform

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/store"
)

// How often Run looks for what other instances have changed and whose end has come, and how
// long it waits before it tries again what has failed.
const (
	lookEvery  = time.Second
	minBackoff = 250 * time.Millisecond
	maxBackoff = 10 * time.Second
)

// work is what Run knows of a campaign that is not over.
type work struct {
	rev   uint64    // that was looked at last
	due   time.Time // when the next step is; zero: not before it changes, or its end
	end   time.Time // by the platform's clock
	fails int       // in a row
	busy  bool      // a step is being done
	again bool      // it has changed while it was busy
}

// result is a step that was done.
type result struct {
	id  string
	out outcome
	err error
}

// loop is the state of one Run.
type loop struct {
	*Platform
	jobs  map[string]*work
	epoch uint64 // of the documents when they were listed last
	known bool   // they were
	done  chan result
	steps sync.WaitGroup
}

// Run prepares campaigns, carries commands to the middleware and completes campaigns whose end
// has passed, until ctx ends; then it waits for the steps under way and returns nil. What it
// had begun goes on with the next Run. Campaigns do not wait for each other.
func (p *Platform) Run(ctx context.Context) error {
	l := &loop{Platform: p, jobs: map[string]*work{}, done: make(chan result)}
	defer l.steps.Wait()
	for ctx.Err() == nil {
		if err := l.look(ctx); err != nil && ctx.Err() == nil {
			l.log.Warn("campaigns cannot be looked at", "error", err)
		}
		timer := time.NewTimer(l.start(ctx))
		select {
		case <-ctx.Done():
		case <-p.bell:
		case <-timer.C:
		case r := <-l.done:
			l.take(ctx, r)
		}
		timer.Stop()
	}
	return nil
}

// look lists the campaigns if any document has changed since.
func (l *loop) look(ctx context.Context) error {
	epoch, err := l.documents.Epoch(ctx)
	if err != nil {
		return fmt.Errorf("reading the epoch: %w", err)
	}
	if l.known && epoch == l.epoch {
		return nil
	}
	for after := ""; ; {
		docs, err := l.documents.List(ctx, kindCampaign, after, store.MaxPage)
		if err != nil {
			return fmt.Errorf("listing campaigns: %w", err)
		}
		for _, doc := range docs {
			l.note(doc)
			after = doc.ID
		}
		if len(docs) < store.MaxPage {
			break
		}
	}
	l.epoch, l.known = epoch, true
	return nil
}

// note takes a campaign as it is now.
func (l *loop) note(doc store.Doc) {
	w := l.jobs[doc.ID]
	if w != nil && w.rev == doc.Rev {
		return
	}
	r, err := parse[campaign.Campaign](doc)
	if err != nil {
		l.log.Error("a campaign cannot be read", "campaign", doc.ID, "error", err)
		return
	}
	switch {
	case w == nil && (r.Value.State == campaign.Draft || r.Value.State.Over()):
		return
	case w == nil:
		w = &work{}
		l.jobs[doc.ID] = w
	}
	w.rev, w.due, w.again = doc.Rev, time.Now(), w.busy
}

// start begins the steps that are due and tells for how long there is nothing else to do.
func (l *loop) start(ctx context.Context) time.Duration {
	now, wall, wait := l.now(), time.Now(), lookEvery
	for id, w := range l.jobs {
		ended := !w.end.IsZero() && !now.Before(w.end)
		switch {
		case w.busy:
		case ended || !w.due.IsZero() && !wall.Before(w.due):
			w.busy, w.again, w.due, w.end = true, false, time.Time{}, time.Time{}
			l.steps.Go(func() {
				out, err := l.advance(ctx, id)
				select {
				case l.done <- result{id, out, err}:
				case <-ctx.Done():
				}
			})
		case !w.due.IsZero():
			wait = min(wait, w.due.Sub(wall))
		}
	}
	return wait
}

// take notes what a step came to.
func (l *loop) take(ctx context.Context, r result) {
	w := l.jobs[r.id]
	w.busy = false
	if r.out.rev > w.rev {
		w.rev = r.out.rev // our own change is no news
	}
	if r.err == nil {
		l.metrics.steps.WithLabelValues("done").Inc()
	} else {
		l.metrics.steps.WithLabelValues("waits").Inc()
	}
	defer l.tellWaiting()
	switch {
	case w.again:
		w.due = time.Now()
	case r.err != nil:
		if ctx.Err() == nil {
			l.log.Warn("campaign waits", "campaign", r.id, "attempt", w.fails+1, "error", r.err)
		}
		w.fails++
		w.due = time.Now().Add(backoff(w.fails))
	case r.out.more:
		w.fails, w.due = 0, time.Now().Add(r.out.wait)
	case !r.out.end.IsZero():
		w.fails, w.end = 0, r.out.end
	default:
		delete(l.jobs, r.id)
	}
}

// tellWaiting counts the campaigns whose last step has failed.
func (l *loop) tellWaiting() {
	n := 0
	for _, w := range l.jobs {
		if w.fails > 0 {
			n++
		}
	}
	l.metrics.waiting.Set(float64(n))
}

// backoff is how long to wait after so many failures in a row, a fifth more or less, so that
// campaigns that fail together do not try together for ever.
func backoff(fails int) time.Duration {
	d := maxBackoff
	if fails < 10 {
		d = min(maxBackoff, minBackoff<<(fails-1))
	}
	return d + time.Duration((rand.Float64()-0.5)*0.4*float64(d)) //nolint:gosec // not a secret
}
