package middleware

import (
	"context"
	"slices"
	"strconv"

	"inlay.example/inlay/internal/decision"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// Claim implements injection.Service. Whether the offer still stands is decided anew: between
// lookup and claim the campaign may have been paused, or another session may have been faster.
func (m *Middleware) Claim(ctx context.Context, req injection.ClaimRequest) (placement.Placement, error) {
	p, err := m.claim(ctx, req)
	m.metrics.claimed(err)
	return p, err
}

func (m *Middleware) claim(ctx context.Context, req injection.ClaimRequest) (placement.Placement, error) {
	t, user, err := m.person(ctx, req.Person)
	if err != nil {
		return placement.Placement{}, err
	}
	var claimed placement.Placement
	err = m.whenHeard(ctx, func() error { return m.tryClaim(ctx, t, user, req, &claimed) })
	if err != nil {
		return placement.Placement{}, err
	}
	return claimed, nil
}

func (m *Middleware) tryClaim(ctx context.Context, t *tenant, user string, req injection.ClaimRequest, claimed *placement.Placement) error {
	return m.change(ctx, t, user, func(d *desk) error {
		i := slices.IndexFunc(d.ledger, func(p placement.Placement) bool { return p.Key == req.Key })
		fresh := placement.Placement{
			ID: placement.NewID(t.identity.Key, user, req.Key), Key: req.Key, User: user, UIDValidity: req.UIDValidity,
		}
		var old *placement.Placement
		if i >= 0 {
			old = &d.ledger[i]
		}
		// The record speaks before the decision does: a repeated claim has its answer even
		// when the campaign was paused meanwhile.
		step, err := placement.Claim(old, fresh, req.Token, req.Lease, d.now)
		if err == nil && step.Changed {
			err = d.offered(req.Key, &step.Next)
		}
		if err == nil && step.Changed {
			err = m.heard(ctx, t, req.Campaign)
		}
		if err != nil {
			return err
		}
		d.put(i, step)
		*claimed = step.Next
		return nil
	})
}

// offered completes a claim by what the decision says about its key; Conflict when it is not
// to be injected now.
func (d *desk) offered(key placement.Key, p *placement.Placement) error {
	result := decision.Decide(d.decision())
	for _, c := range result.Chosen {
		if c.Key == key {
			p.Mailbox, p.Template, p.Variables, p.Until = mailbox(c.Campaign.Mailbox), c.Campaign.Template, c.Variables, c.Campaign.End
			p.Replaces = c.Replaces
			return nil
		}
	}
	for _, r := range result.Rejected {
		if r.Campaign == key.Campaign {
			return fault.New(fault.Conflict, "the campaign is not to be injected for this person now: %s", r.Reason)
		}
	}
	return fault.New(fault.Conflict, "there is no such campaign")
}

// Confirm implements injection.Service.
func (m *Middleware) Confirm(ctx context.Context, req injection.ConfirmRequest) (placement.Placement, error) {
	t, user, err := m.person(ctx, req.Person)
	if err != nil {
		return placement.Placement{}, err
	}
	var live placement.Placement
	err = m.change(ctx, t, user, func(d *desk) error {
		i, err := d.find(ctx, req.ID)
		if err != nil {
			return err
		}
		step, err := placement.Confirm(d.ledger[i], req.Token, req.UID, req.InternalDate, req.ModSeq, d.now)
		if err != nil {
			return err
		}
		if replaced := d.ledger[i].Replaces; step.Changed && replaced != "" {
			old, err := d.find(ctx, replaced)
			if err != nil {
				return err
			}
			left, err := placement.Replace(d.ledger[old], d.now)
			if err != nil {
				return err
			}
			d.put(old, left)
		}
		d.put(i, step)
		live = step.Next
		return nil
	})
	if err != nil {
		return placement.Placement{}, err
	}
	return live, nil
}

// Void implements injection.Service.
func (m *Middleware) Void(ctx context.Context, req injection.VoidRequest) error {
	t, user, err := m.person(ctx, req.Person)
	if err != nil {
		return err
	}
	voided := false
	err = m.change(ctx, t, user, func(d *desk) error {
		voided = false
		i, err := d.find(ctx, req.ID)
		if err != nil {
			return err
		}
		step, err := placement.VoidNow(d.ledger[i], req.Token, req.Reason, d.now)
		if err != nil {
			return err
		}
		voided = step.Changed
		d.put(i, step)
		if until := d.now.Add(placement.PauseAfterVoid); step.Changed && !req.Release && until.After(d.head.NoClaimsBefore) {
			d.head.NoClaimsBefore = until
		}
		return nil
	})
	if err == nil && voided {
		m.metrics.voids.WithLabelValues(strconv.FormatBool(req.Release)).Inc()
	}
	return err
}
