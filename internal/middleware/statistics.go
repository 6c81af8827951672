package middleware

import (
	"context"
	"fmt"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
)

// Statistics are the figures of one campaign.
type Statistics struct {
	Campaign campaign.ID      `json:"campaign"`
	State    campaign.State   `json:"state"`
	Version  campaign.Version `json:"version"`
	Assigned int64            `json:"assigned"` // rows of the audience that counts now; 0 a week after the campaign's end
	// Live is how many placements are in the view: injected, and not expunged, withdrawn or
	// expired. One that lost its UID is counted until it leaves; it is usually injected again.
	Live   int64                `json:"live"`
	Events map[event.Type]int64 `json:"events"` // distinct events; every type is there
}

func statistics(ctx context.Context, t *tenant, c campaign.Active) (Statistics, error) {
	s := Statistics{Campaign: c.ID, State: c.State, Version: c.Version, Events: map[event.Type]int64{
		event.Injected: 0, event.Read: 0, event.Expunged: 0, event.Withdrawn: 0, event.Expired: 0,
		event.Moved: 0, event.Reinjected: 0,
	}}
	counts, err := t.Tally(ctx, c.ID)
	if err != nil {
		return s, fmt.Errorf("counting the events of campaign %s: %w", c.ID, err)
	}
	for _, n := range counts {
		s.Events[n.Type] = n.Count
	}
	s.Live = s.Events[event.Injected] - s.Events[event.Expunged] - s.Events[event.Withdrawn] - s.Events[event.Expired] -
		s.Events[event.Moved] - s.Events[event.Reinjected]
	if c.Version == 0 {
		return s, nil
	}
	if s.Assigned, err = t.CountAssignments(ctx, c.ID, c.Version); err != nil {
		return s, fmt.Errorf("counting the audience of campaign %s: %w", c.ID, err)
	}
	return s, nil
}
