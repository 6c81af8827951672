package middleware

import (
	"context"
	"fmt"
	"time"

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// SetFlags implements injection.Service.
func (m *Middleware) SetFlags(ctx context.Context, req injection.FlagsRequest) (placement.Placement, error) {
	t, user, err := m.person(ctx, req.Person)
	if err != nil {
		return placement.Placement{}, err
	}
	var out placement.Placement
	err = m.change(ctx, t, user, func(d *desk) error {
		i, err := d.find(req.ID)
		if err != nil {
			return err
		}
		step, err := setFlags(d.ledger[i], req, d.now)
		if err != nil {
			return err
		}
		d.put(i, step)
		out = step.Next
		return nil
	})
	if err != nil {
		return placement.Placement{}, err
	}
	return out, nil
}

func setFlags(p placement.Placement, req injection.FlagsRequest, now time.Time) (placement.Step, error) {
	switch req.Op {
	case injection.AddFlags:
		return placement.AddFlags(p, req.Flags, now)
	case injection.RemoveFlags:
		return placement.RemoveFlags(p, req.Flags, now)
	case injection.ReplaceFlags:
		return placement.ReplaceFlags(p, req.Flags, now)
	}
	return placement.Step{}, fault.New(fault.Invalid, "op: must be add, remove or replace")
}

// Expunge implements injection.Service.
func (m *Middleware) Expunge(ctx context.Context, req injection.ExpungeRequest) error {
	t, user, err := m.person(ctx, req.Person)
	if err != nil {
		return err
	}
	return m.change(ctx, t, user, func(d *desk) error {
		i, err := d.find(req.ID)
		if err != nil {
			return err
		}
		step, err := placement.Expunge(d.ledger[i], d.now)
		if err != nil {
			return err
		}
		d.put(i, step)
		return nil
	})
}

// Record implements injection.Service. Observations change no placement, so they are logged
// without a compare-and-set; their IDs make that idempotent. They are welcome when the
// placement has left meanwhile: they tell of a time when it was there.
func (m *Middleware) Record(ctx context.Context, p injection.Person, observed []injection.Observation) error {
	if len(observed) > injection.MaxEvents {
		return fault.New(fault.TooLarge, "more than %d events at once", injection.MaxEvents)
	}
	t, user, err := m.person(ctx, p)
	if err != nil {
		return err
	}
	d, err := m.read(ctx, t, user)
	if err != nil {
		return err
	}
	var events []event.Event
	seen := map[event.ID]bool{}
	for n, o := range observed {
		if o.Type != event.Read {
			return fault.New(fault.Invalid, "events[%d].type: only %q is observed", n, event.Read)
		}
		i, err := d.find(o.Placement)
		if err != nil || d.ledger[i].UID == 0 {
			return fault.New(fault.Invalid, "events[%d].placement: the person has not had it", n)
		}
		if o.Campaign != "" && o.Campaign != d.ledger[i].Campaign {
			return fault.New(fault.Invalid, "events[%d].campaign: is not the placement's", n)
		}
		if e := t.event(d.ledger[i], o.Type, d.now); !seen[e.ID] {
			seen[e.ID] = true
			events = append(events, e)
		}
	}
	if len(events) == 0 {
		return nil
	}
	if _, err := t.Log(ctx, events); err != nil {
		return fmt.Errorf("recording events: %w", err)
	}
	m.metrics.recorded(events)
	return nil
}
