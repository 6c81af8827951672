package middleware

import (
	"context"
	"fmt"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/store"
)

// keepAudience is how long the rows of an audience are kept after their campaign has ended.
// They are data of people, decide nothing any more, and would grow for ever; the ledger stays.
const keepAudience = 7 * 24 * time.Hour

// forgetBatches bounds how many rows are removed in one go, so that sweeps are not held up.
const forgetBatches = 10

// audienceKey names an audience that has been removed, in memory: after a restart it is looked
// for once more.
type audienceKey struct {
	keyspace string
	campaign campaign.ID
	version  campaign.Version
	end      int64
}

// forgetTenant removes the audiences of a tenant's campaigns that ended long ago.
func (m *Middleware) forgetTenant(ctx context.Context, t *tenant, gone map[audienceKey]bool) error {
	campaigns, err := t.snapshot(ctx)
	if err != nil {
		return err
	}
	now := m.now()
	for _, c := range campaigns {
		key := audienceKey{t.keyspace, c.ID, c.Version, c.End.UnixNano()}
		if gone[key] || c.Version == 0 || c.End.IsZero() || now.Before(c.End.Add(keepAudience)) {
			continue
		}
		for range forgetBatches {
			n, err := t.DropAssignments(ctx, c.ID, c.Version, store.MaxBatch)
			if err != nil {
				return fmt.Errorf("removing the audience of campaign %s: %w", c.ID, err)
			}
			if n == 0 {
				gone[key] = true
				break
			}
		}
	}
	return nil
}
