package middleware

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/store"
)

// maxAttempts bounds how often a change is decided anew because another instance was faster.
const maxAttempts = 12

// desk is a person's record with the changes that are being made to it.
type desk struct {
	tenant    *tenant
	now       time.Time
	campaigns map[campaign.ID]campaign.Active
	person    store.Person
	head      store.Head
	ledger    []placement.Placement // with the changes
	changed   []bool                // by index of ledger
	events    []event.Event
}

// read puts a person on a desk, with everything ended that has its end behind it: what is
// past its Until expires, what belongs to a recalled campaign is withdrawn.
func (m *Middleware) read(ctx context.Context, t *tenant, user string) (*desk, error) {
	// The campaigns are read first: a recall that comes between the two is found by its sweep.
	campaigns, err := t.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	now := m.now()
	p, err := t.Person(ctx, user, now)
	if err != nil {
		return nil, fmt.Errorf("reading a person: %w", err)
	}
	d := &desk{
		tenant: t, now: now, campaigns: campaigns, person: p, head: p.Head,
		ledger: slices.Clone(p.Ledger), changed: make([]bool, len(p.Ledger)),
	}
	for i, row := range d.ledger {
		if d.campaigns[row.Campaign].State == campaign.Cancelled {
			d.put(i, placement.Withdraw(row, now))
		} else {
			d.put(i, placement.Expire(row, now))
		}
	}
	return d, nil
}

// put lays the outcome of a transition of row i (or of a new row, if i is -1) on the desk.
func (d *desk) put(i int, s placement.Step) {
	if !s.Changed {
		return
	}
	if i < 0 {
		d.ledger, d.changed = append(d.ledger, s.Next), append(d.changed, true)
	} else {
		d.ledger[i], d.changed[i] = s.Next, true
	}
	for _, t := range s.Happened {
		d.events = append(d.events, d.tenant.event(s.Next, t, d.now))
	}
}

func (t *tenant) event(p placement.Placement, what event.Type, at time.Time) event.Event {
	return event.Event{
		ID: event.NewID(t.identity.Key, string(p.ID), what), Type: what,
		Campaign: p.Campaign, Occurrence: p.Occurrence, Placement: string(p.ID), User: p.User, At: at,
	}
}

// find returns the row with the ID, or NotFound. What is long over is fetched for it: that may be
// newer than the rest of the desk, and a change that comes of it meets a conflict then.
func (d *desk) find(ctx context.Context, id placement.ID) (int, error) {
	is := func(p placement.Placement) bool { return p.ID == id }
	if i := slices.IndexFunc(d.ledger, is); i >= 0 {
		return i, nil
	}
	all, err := d.tenant.History(ctx, d.person.User)
	if err != nil {
		return -1, fmt.Errorf("reading the history of a person: %w", err)
	}
	i := slices.IndexFunc(all, is)
	if i < 0 {
		return -1, fault.New(fault.NotFound, "the person has no such placement")
	}
	d.ledger, d.changed = append(d.ledger, all[i]), append(d.changed, false)
	return len(d.ledger) - 1, nil
}

// view returns what is claimed, live or moving, and what has left and is pending, by UID.
func (d *desk) view() []placement.Placement {
	out := []placement.Placement{}
	for _, p := range d.ledger {
		if !p.State.Final() || p.Pending || p.Lost(d.now) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, comparePlacements)
	return out
}

func (d *desk) dirty() bool { return d.head != d.person.Head || slices.Contains(d.changed, true) }

func (d *desk) change() store.Change {
	c := store.Change{
		User: d.person.User, Owner: d.tenant.owner(d.person.User), Rev: d.person.Rev, ID: rand.Text(), Head: d.head, Events: d.events,
	}
	for i, p := range d.ledger {
		if !d.changed[i] {
			continue
		}
		c.Put = append(c.Put, p)
		if left, ok := p.Departed(); ok {
			c.Departures = append(c.Departures, left)
		}
	}
	return c
}

// change makes a change of a person: read, decide, compare-and-set, as often as needed. What
// decide returns as an error is returned after the ends that were found due have been kept.
func (m *Middleware) change(ctx context.Context, t *tenant, user string, decide func(*desk) error) error {
	unlock, err := m.people.lock(ctx, t.id, user)
	if err != nil {
		return err
	}
	defer unlock()
	for attempt := range maxAttempts {
		if err := pause(ctx, attempt); err != nil {
			return err
		}
		d, err := m.read(ctx, t, user)
		if err != nil {
			return err
		}
		refusal := decide(d)
		if !d.dirty() {
			return refusal
		}
		change := d.change()
		err = m.apply(ctx, t, change)
		switch {
		case err == nil:
			m.metrics.recorded(change.Events)
			return refusal
		case fault.Is(err, fault.Conflict):
			m.metrics.conflicts.Inc()
		case refusal != nil:
			return refusal // which does not depend on whether the ends could be kept
		default:
			return fmt.Errorf("writing a person: %w", err)
		}
	}
	return fault.New(fault.Unavailable, "too many changes of this person at once")
}

// apply repeats a change once whose outcome is unknown: under its ID that is safe.
func (m *Middleware) apply(ctx context.Context, t *tenant, c store.Change) error {
	err := t.Apply(ctx, c)
	if fault.Is(err, fault.Unavailable) && ctx.Err() == nil {
		err = t.Apply(ctx, c)
	}
	if err == nil {
		m.changes.ring()
	}
	return err
}

// pause waits before another attempt, a little longer each time and not in step with others.
func pause(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return nil
	}
	timer := time.NewTimer(mathrand.N(time.Millisecond << min(attempt, 6)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, context.Cause(ctx), "the request was cancelled")
	}
}
