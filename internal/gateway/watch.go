package gateway

import (
	"context"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
)

// watch hears the change stream of the tenant until ctx ends, and rings the bells. A stream that
// was lost is taken up again where it was; until then sessions look by themselves.
func (g *Gateway) watch(ctx context.Context) {
	cursor, wait := "", watchAgain
	for ctx.Err() == nil {
		err := g.service.Watch(ctx, injection.WatchRequest{Tenant: g.cfg.Tenant, Cursor: cursor}, func(c injection.Change) error {
			g.bells.signed()
			cursor, wait = c.Cursor, watchAgain
			switch c.Kind {
			case injection.Alive:
			case injection.OfPerson:
				g.bells.ringOwner(c.Owner)
			case injection.OfCampaign:
				g.bells.ringAll(rung{offers: true})
			default: // Reset, or what is yet to be invented: something may have changed for anybody
				g.bells.ringAll(rung{person: true, offers: true})
			}
			return nil
		})
		g.bells.lost()
		if ctx.Err() != nil {
			return
		}
		if fault.Is(err, fault.Unsupported) || fault.Is(err, fault.NotFound) {
			wait = watchNever
		}
		g.log.Info("change stream lost", "error", err)
		select {
		case <-time.After(jittered(wait)):
		case <-ctx.Done():
		}
		wait = min(2*wait, watchNever)
	}
}

const (
	watchAgain = 200 * time.Millisecond // until the stream is asked for again, the first time
	watchNever = time.Minute            // at most
)
