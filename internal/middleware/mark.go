package middleware

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
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
		i, err := d.find(ctx, req.ID)
		if err != nil {
			return err
		}
		if rev := d.ledger[i].Rev; req.IfRev != 0 && req.IfRev != rev {
			return fault.New(fault.Conflict, "the placement has revision %d, not %d", rev, req.IfRev)
		}
		step, err := setFlags(d.ledger[i], req, d.now)
		if err != nil {
			return err
		}
		step = step.Pends(req.Pending, req.Unraised)
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
	if req.Touch {
		if req.Op != "" || len(req.Flags) > 0 {
			return placement.Step{}, fault.New(fault.Invalid, "touch: changes no flags; leave op and flags out")
		}
		return placement.Touch(p, now)
	}
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
func (m *Middleware) Expunge(ctx context.Context, req injection.ExpungeRequest) (placement.Placement, error) {
	return m.transit(ctx, req.Person, req.ID, func(p placement.Placement, now time.Time) (placement.Step, error) {
		step, err := placement.Expunge(p, now)
		return step.Pends(req.Pending, req.Unraised), err
	})
}

// Move implements injection.Service.
func (m *Middleware) Move(ctx context.Context, req injection.MoveRequest) (placement.Placement, error) {
	return m.transit(ctx, req.Person, req.ID, func(p placement.Placement, now time.Time) (placement.Step, error) {
		return placement.Move(p, mailbox(req.Target), req.Copy, now)
	})
}

// EndMove implements injection.Service.
func (m *Middleware) EndMove(ctx context.Context, req injection.EndMoveRequest) (placement.Placement, error) {
	return m.transit(ctx, req.Person, req.ID, func(p placement.Placement, now time.Time) (placement.Step, error) {
		step, err := placement.EndMove(p, req.Done, now)
		return step.Pends(req.Pending && req.Done, req.Unraised), err
	})
}

// Settle implements injection.Service.
func (m *Middleware) Settle(ctx context.Context, req injection.SettleRequest) (injection.Settlement, error) {
	var out injection.Settlement
	var err error
	out.Placement, err = m.transit(ctx, req.Person, req.ID, func(p placement.Placement, _ time.Time) (placement.Step, error) {
		step, outcome, err := placement.Settle(p, req.Rev, req.ModSeq)
		out.Outcome = outcome
		return step, err
	})
	return out, err
}

// transit makes one transition of one placement, and returns it as it is then.
func (m *Middleware) transit(ctx context.Context, person injection.Person, id placement.ID, transition func(placement.Placement, time.Time) (placement.Step, error)) (placement.Placement, error) {
	t, user, err := m.person(ctx, person)
	if err != nil {
		return placement.Placement{}, err
	}
	var out placement.Placement
	err = m.change(ctx, t, user, func(d *desk) error {
		i, err := d.find(ctx, id)
		if err != nil {
			return err
		}
		step, err := transition(d.ledger[i], d.now)
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

// Departed implements injection.Service.
func (m *Middleware) Departed(ctx context.Context, req injection.DepartedRequest) ([]placement.Departure, error) {
	if req.Mailbox == "" || len(req.Mailbox) > placement.MaxMailbox {
		return nil, fault.New(fault.Invalid, "mailbox: has 1 to %d octets", placement.MaxMailbox)
	}
	// What is due to leave now has left for this answer too.
	t, d, err := m.look(ctx, req.Person)
	if err != nil {
		return nil, err
	}
	list, err := t.Departures(ctx, t.owner(d.person.User), mailbox(req.Mailbox), req.UIDValidity)
	if err != nil {
		return nil, fmt.Errorf("reading departures: %w", err)
	}
	// An end holds whether or not it could be written.
	for i := range d.ledger {
		left, ok := d.ledger[i].Departed()
		if !ok || !d.changed[i] || left.Mailbox != mailbox(req.Mailbox) || left.UIDValidity != req.UIDValidity {
			continue
		}
		at, found := slices.BinarySearchFunc(list, left.UID, func(d placement.Departure, uid imap.UID) int { return cmp.Compare(d.UID, uid) })
		if !found {
			list = slices.Insert(list, at, left)
		}
	}
	return list, nil
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
		i, err := d.find(ctx, o.Placement)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
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
