package middleware

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
)

// A sweep goes through everybody who ever held a placement of a campaign that was recalled or
// has ended, and lets the ends happen that reading the person makes due. Answers do not depend
// on it; statistics, and people who do not come back, do.
//
// A claim may be decided just before a recall and written just after the sweep has passed. So
// a sweep counts as finished when a pass has gone through that began sweepSettle after the
// recall was first seen, which is longer than such a claim can be on its way.
const (
	kindSweep    = "sweep"         // document by campaign
	sweepSettle  = 2 * time.Minute // > MaxLease, and than any request takes
	sweepPage    = 200             // people between two notes of the progress
	sweepWorkers = 8               // at once, so that the store can commit them together
)

// sweep is the progress of a sweep, as it is kept.
type sweep struct {
	State campaign.State `json:"state"` // of the campaign, for which it is
	End   time.Time      `json:"end"`   // of the campaign, for which it is
	Since time.Time      `json:"since"` // when the need for it was first seen
	Began time.Time      `json:"began"` // of this pass; may be to come
	After string         `json:"after"` // this person has been looked at last
	Done  bool           `json:"done"`
}

// due reports whether a campaign needs a sweep at all.
func due(c campaign.Active, now time.Time) bool {
	return c.State == campaign.Cancelled || !c.End.IsZero() && !now.Before(c.End)
}

// sweepKey names a finished sweep in memory, so that it is not looked up again and again.
type sweepKey struct {
	keyspace string
	campaign campaign.ID
	state    campaign.State
	end      int64
}

// sweepTenant does what there is to do for a tenant, campaign by campaign.
func (m *Middleware) sweepTenant(ctx context.Context, t *tenant, finished map[sweepKey]bool) error {
	campaigns, err := t.snapshot(ctx)
	if err != nil {
		return err
	}
	var failed []error // of one campaign must not hold up the others
	for _, c := range campaigns {
		key := sweepKey{t.keyspace, c.ID, c.State, c.End.UnixNano()}
		if finished[key] || !due(c, m.now()) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		done, err := m.sweepCampaign(ctx, t, c)
		if err != nil {
			failed = append(failed, fmt.Errorf("sweeping campaign %s: %w", c.ID, err))
		}
		if done {
			finished[key] = true
		}
	}
	return errors.Join(failed...)
}

// sweepCampaign goes on where the last pass stopped, if it is time for a pass.
func (m *Middleware) sweepCampaign(ctx context.Context, t *tenant, c campaign.Active) (done bool, err error) {
	s, rev, err := loadSweep(ctx, t, c)
	if err != nil || s.Done {
		return s.Done, err
	}
	now := m.now()
	if s.Since.IsZero() {
		s.Since = now
	}
	if s.Began.IsZero() {
		s.Began = now
	}
	if now.Before(s.Began) {
		return false, nil // the last pass is still to come
	}
	for {
		users, err := t.Members(ctx, c.ID, s.After, sweepPage)
		if err != nil {
			return false, fmt.Errorf("listing members: %w", err)
		}
		if err := m.sweepPeople(ctx, t, users); err != nil {
			return false, err
		}
		last := len(users) < sweepPage
		switch {
		case !last:
			s.After = users[len(users)-1]
		case s.Began.Before(s.Since.Add(sweepSettle)):
			s.Began, s.After = s.Since.Add(sweepSettle), "" // once more, then
		default:
			s.After, s.Done = "", true
		}
		if rev, err = saveSweep(ctx, t, c, s, rev); err != nil {
			return false, err
		}
		if last {
			return s.Done, nil
		}
	}
}

func (m *Middleware) sweepPeople(ctx context.Context, t *tenant, users []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sweepWorkers)
	for _, user := range users {
		g.Go(func() error {
			m.metrics.sweeps.Inc()
			err := m.change(ctx, t, user, func(*desk) error { return nil })
			if fault.Is(err, fault.Internal) {
				// It would be so the next time, too, and those behind would never have their turn.
				m.log.Error("a person's record cannot be swept and is passed over", "tenant", t.id, "user", user, "error", err)
				return nil
			}
			return err
		})
	}
	return g.Wait()
}

func loadSweep(ctx context.Context, t *tenant, c campaign.Active) (sweep, uint64, error) {
	fresh := sweep{State: c.State, End: c.End}
	doc, err := t.Get(ctx, kindSweep, string(c.ID))
	if fault.Is(err, fault.NotFound) {
		return fresh, 0, nil
	}
	if err != nil {
		return fresh, 0, fmt.Errorf("reading the progress: %w", err)
	}
	var s sweep
	if err := json.Unmarshal(doc.Body, &s); err != nil || s.State != c.State || !s.End.Equal(c.End) {
		return fresh, doc.Rev, nil //nolint:nilerr // of another end of this campaign, or of no use: from the start
	}
	return s, doc.Rev, nil
}

func saveSweep(ctx context.Context, t *tenant, c campaign.Active, s sweep, rev uint64) (uint64, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return rev, err
	}
	rev, err = t.Put(ctx, kindSweep, string(c.ID), rev, body)
	if err != nil {
		return rev, fmt.Errorf("noting the progress: %w", err)
	}
	return rev, nil
}
