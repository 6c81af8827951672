package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/store"
)

const (
	lease    = 30 * time.Second    // of a job; far longer than from one sign of life to the next
	maxLease = 2 * lease           // as seen by another clock
	keepJobs = 30 * 24 * time.Hour // after their end
)

// Run works on accepted jobs, also those that a crash interrupted, until ctx ends. What fails
// is in the job, or is tried again; Run itself does not fail.
func (i *Importer) Run(ctx context.Context) error {
	for failures := 0; ctx.Err() == nil; {
		worked, err := i.step(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			failures++
			i.log.Warn("importing is interrupted and will be tried again", "failures", failures, "error", err)
			i.wait(ctx, i.backoff(failures), false)
		case worked:
			failures = 0
		default:
			failures = 0
			i.wait(ctx, i.cfg.Poll, true)
		}
	}
	return nil
}

func (i *Importer) backoff(failures int) time.Duration {
	return i.cfg.Retry << min(failures-1, 5)
}

// wait waits for a while, or for the bell.
func (i *Importer) wait(ctx context.Context, d time.Duration, bell bool) {
	t := time.NewTimer(d)
	defer t.Stop()
	rings := i.bell
	if !bell {
		rings = nil
	}
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-rings:
	}
}

// step works on the oldest job that is not settled; worked is false when there is nothing to
// do now.
func (i *Importer) step(ctx context.Context) (worked bool, err error) {
	epoch, err := i.keyspace.Epoch(ctx)
	if err != nil {
		return false, fmt.Errorf("reading the epoch: %w", err)
	}
	if epoch == i.idle {
		return false, nil // nothing has changed since there was nothing to do
	}
	r, err := i.next(ctx)
	if err != nil {
		return false, err
	}
	if r == nil {
		i.idle = epoch
		return false, nil
	}
	// A lease that is longer than any is from a clock that was ahead: it would hold for as long.
	if left := r.Lease.Sub(i.now()); r.Owner != i.owner && left > 0 && left <= maxLease {
		return false, nil // in good hands
	}
	p := i.progressOf(r.ID)
	err = i.work(ctx, r, p)
	switch {
	case err == nil, errors.Is(err, errLost):
		i.forget(r.ID)
		return true, nil
	case ctx.Err() != nil:
		return true, nil
	}
	now := i.now()
	p.set(func(p *progress) {
		p.waiting = fault.Public(err)
		if p.troubled.IsZero() {
			p.troubled = now
		}
	})
	if now.Sub(p.troubled) < i.cfg.RetryFor {
		return false, fmt.Errorf("job %s: %w", r.ID, err)
	}
	return true, i.fail(ctx, r, fault.Wrap(fault.Unavailable, err, "given up after %s: %s", i.cfg.RetryFor, fault.Public(err)))
}

// next returns the oldest job that is not settled, or nil. On the way it removes jobs that are
// past keeping.
func (i *Importer) next(ctx context.Context) (*record, error) {
	var oldest *record
	for after := ""; ; {
		page, err := i.keyspace.List(ctx, kindJob, after, store.MaxPage)
		if err != nil {
			return nil, fmt.Errorf("listing jobs: %w", err)
		}
		for _, doc := range page {
			after = doc.ID
			r, err := readRecord(doc)
			if err != nil {
				i.log.Error("a job cannot be read and is passed over", "job", doc.ID, "error", err)
				continue
			}
			switch {
			case !r.settled():
				if oldest == nil || cmp.Or(r.AcceptedAt.Compare(oldest.AcceptedAt), cmp.Compare(r.ID, oldest.ID)) < 0 {
					oldest = r
				}
			case i.now().Sub(r.FinishedAt) > keepJobs:
				err := i.keyspace.Delete(ctx, kindJob, doc.ID, doc.Rev)
				if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
					return nil, fmt.Errorf("removing job %s: %w", doc.ID, err)
				}
			}
		}
		if len(page) < store.MaxPage {
			return oldest, nil
		}
	}
}

// work does a job from where it is to its end. An error means that it has not ended, and may
// be tried again.
func (i *Importer) work(ctx context.Context, r *record, p *progress) error {
	if !r.finished() {
		if r.State == Accepted {
			r.State, r.StartedAt = Running, i.now()
			i.log.Info("import begins", "job", r.ID, "manifest", string(r.Manifest))
		}
		if err := i.save(ctx, r); err != nil {
			return err
		}
		err := i.bring(ctx, r, p)
		switch {
		case errors.Is(err, errLost), fault.Is(err, fault.Unavailable):
			return err
		case err != nil:
			if err := i.fail(ctx, r, err); err != nil {
				return err
			}
		}
	}
	return i.drop(ctx, r)
}

// fail ends a job. What it has written is dropped.
func (i *Importer) fail(ctx context.Context, r *record, why error) error {
	i.log.Warn("import failed", "job", r.ID, "campaign", string(r.Campaign), "version", uint32(r.Version), "error", why)
	r.State, r.Problem, r.FinishedAt = Failed, fault.Public(why), i.now()
	if r.Files > 0 || r.Written > 0 || r.Phase == ReadRecipients || r.Phase == Publish {
		r.Drop = r.Version
	}
	if err := i.save(ctx, r); err != nil {
		return err
	}
	i.metrics.ended(r.Status)
	return i.drop(ctx, r)
}

// drop removes rows that nobody reads any more, a little at a time.
func (i *Importer) drop(ctx context.Context, r *record) error {
	if r.Drop == 0 {
		return nil
	}
	active, _, err := i.campaign(ctx, r.Campaign)
	if err != nil {
		return err
	}
	if active.Version != r.Drop {
		if err := i.dropRows(ctx, r, r.Drop); err != nil {
			return err
		}
	}
	r.Drop = 0
	return i.save(ctx, r)
}
