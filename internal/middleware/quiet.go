package middleware

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/decision"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/store"
)

// A person is quiet when nothing can happen to them before the change stream tells of it; IMAP
// servers that have heard so are plain proxies for them, and do not look at doorbells. What ends
// quiet is a campaign that becomes visible, and nothing else: the start of one, the end of a pause
// and the instant from which a pinned message may come again are all foreseen, and who may be
// concerned by them is not quiet before. So the first claim for a campaign waits until every server
// that attends has heard of it, or its lease has run out.

// afterVoid is for how long a void keeps a person from being quiet: an APPEND may have been waiting
// behind a lock, and its marker comes later.
const afterVoid = time.Hour

// quiet reports whether nothing can happen to the person before the stream tells of it.
func (d *desk) quiet() bool {
	if d.now.Before(d.head.NoClaimsBefore) {
		return false
	}
	for i := range d.ledger {
		p := &d.ledger[i]
		if !p.State.Final() || p.Pending || p.State == placement.Void && d.now.Before(p.Changed.Add(afterVoid)) {
			return false
		}
	}
	return !decision.MayConcern(d.decision())
}

// Attend implements injection.Service.
func (m *Middleware) Attend(ctx context.Context, req injection.AttendRequest) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Unavailable, context.Cause(ctx), "the request was cancelled")
	}
	if req.Name == "" || len(req.Name) > injection.MaxName {
		return fault.New(fault.Invalid, "name: has 1 to %d octets", injection.MaxName)
	}
	t, err := m.openTenant(ctx, req.Tenant)
	if err != nil {
		return err
	}
	cursor, _, _ := strings.Cut(req.Cursor, ".") // the rest of it is a time
	until := m.now().Add(injection.AttendLease)
	if req.Leave {
		until = m.now()
	}
	if err := t.Attend(ctx, req.Name, cursor, until); err != nil {
		return fmt.Errorf("noting who attends: %w", err)
	}
	m.changes.ring() // for the claims that wait
	return nil
}

// errUnheard is for what may not begin because not everybody has heard of it.
var errUnheard = errors.New("not everybody has heard of the campaign")

// heard is errUnheard as long as somebody who attends may not have heard of the campaign.
func (m *Middleware) heard(ctx context.Context, t *tenant, c campaign.ID) error {
	cursor := t.unheardSince(c)
	if cursor == "" {
		return nil
	}
	all, err := t.Attended(ctx, cursor, m.now())
	if err != nil {
		return fmt.Errorf("looking who attends: %w", err)
	}
	if !all {
		return errUnheard
	}
	t.wasHeard(c, cursor)
	return nil
}

// whenHeard tries until everybody has heard. That takes a moment after a campaign has become
// visible, and at most a lease; nothing is waited for otherwise.
func (m *Middleware) whenHeard(ctx context.Context, try func() error) error {
	limit := time.NewTimer(injection.AttendLease)
	defer limit.Stop()
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		woken := m.changes.heard()
		err := try()
		if !errors.Is(err, errUnheard) {
			return err
		}
		again.Reset(gather)
		select {
		case <-woken:
		case <-again.C: // somebody may attend at another instance, or be waited for no longer
		case <-limit.C:
			return fault.Wrap(fault.Unavailable, err, "the campaign has not been heard of everywhere")
		case <-ctx.Done():
			return fault.Wrap(fault.Unavailable, context.Cause(ctx), "the campaign has not been heard of everywhere")
		}
	}
}

// unheard goes on from what was known of campaigns: those that concern people whom they did not
// concern before are not to begin until what was changed up to the cursor was heard everywhere.
func unheard(known map[campaign.ID]string, before, now map[campaign.ID]campaign.Active, cursor string) map[campaign.ID]string {
	out := map[campaign.ID]string{}
	for id, c := range now {
		was, there := before[id]
		switch {
		case !there, was.Version != c.Version, was.End.Before(c.End), was.State == campaign.Cancelled && c.State != was.State:
			out[id] = cursor
		case known[id] != "":
			out[id] = known[id]
		}
	}
	return out
}

// follow looks for the last trace that a campaign has left. The end of all traces would do as well,
// but who attends says so at once only of words, and most traces are none: claims would wait until
// the next sign of life. The caller holds t.mu.
func (t *tenant) follow(ctx context.Context) error {
	for {
		page, next, err := t.Traces(ctx, t.followed, store.MaxPage)
		if fault.Is(err, fault.NotFound) && t.followed != "" { // swept meanwhile
			t.followed = ""
			continue
		}
		if err != nil {
			return fmt.Errorf("reading traces: %w", err)
		}
		if t.followed == "" {
			t.published = next
		}
		t.followed = next
		for _, trace := range page {
			if trace.Owner == "" && trace.Kind == kindCampaign {
				t.published = trace.Cursor
			}
		}
		if len(page) < store.MaxPage {
			return nil
		}
	}
}

func (t *tenant) unheardSince(c campaign.ID) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.unheard[c]
}

func (t *tenant) wasHeard(c campaign.ID, cursor string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.unheard[c] == cursor {
		delete(t.unheard, c)
	}
}
