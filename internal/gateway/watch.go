package gateway

import (
	"context"
	"crypto/rand"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
)

// watch hears the change stream of the tenant until ctx ends, and rings the bells. A stream that
// was lost is taken up again where it was; until then sessions look by themselves.
func (g *Gateway) watch(ctx context.Context) {
	acted := make(chan string, 1) // the last cursor up to which words were acted on
	done := make(chan struct{})
	go func() { defer close(done); g.attend(ctx, acted) }()
	defer func() { <-done }()
	cursor, wait := "", watchAgain
	for ctx.Err() == nil {
		err := g.service.Watch(ctx, injection.WatchRequest{Tenant: g.cfg.Tenant, Cursor: cursor}, func(c injection.Change) error {
			g.bells.signed()
			cursor, wait = c.Cursor, watchAgain
			switch c.Kind {
			case injection.Alive:
			case injection.OfPerson:
				g.bells.ringOwner(c.Owner)
				return nil
			case injection.OfCampaign:
				g.bells.turned()
				g.bells.ringAll(rung{offers: true})
			default: // Reset, or what is yet to be invented: something may have changed for anybody
				g.bells.turned()
				g.bells.ringAll(rung{person: true, offers: true})
			}
			select { // one that was not said yet is no news any more
			case <-acted:
			default:
			}
			acted <- c.Cursor
			return nil
		})
		g.bells.turned()
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

// attend says how far the stream was acted on, so that nothing begins for people who are quiet
// before this gateway knows (virtual-mailbox.md §7). Once it cannot be said, nobody is quiet any more
// when the lease has run out; nobody waits for us from then on. At the end it leaves: whatever is
// started anew in our place would wait for the rest of our lease otherwise.
func (g *Gateway) attend(ctx context.Context, acted <-chan string) {
	name, cursor := rand.Text(), ""
	for {
		select {
		case cursor = <-acted:
		case <-ctx.Done():
			if cursor != "" {
				g.leave(context.WithoutCancel(ctx), injection.AttendRequest{Tenant: g.cfg.Tenant, Name: name, Cursor: cursor, Leave: true})
			}
			return
		}
		sent := time.Now()
		call, cancel := context.WithTimeout(ctx, injection.AliveEvery)
		err := g.service.Attend(call, injection.AttendRequest{Tenant: g.cfg.Tenant, Name: name, Cursor: cursor})
		cancel()
		if err == nil {
			g.bells.attends(sent)
		} else if ctx.Err() == nil {
			g.log.Debug("not attended", "error", err)
		}
	}
}

// leave takes nobody for quiet any more, and says so: sessions may go on for a while.
func (g *Gateway) leave(ctx context.Context, req injection.AttendRequest) {
	g.bells.leaves()
	ctx, cancel := context.WithTimeout(ctx, leaveWithin)
	defer cancel()
	if err := g.service.Attend(ctx, req); err != nil {
		g.log.Debug("not left", "error", err)
	}
}

const (
	leaveWithin = time.Second            // it holds the end up
	watchAgain  = 200 * time.Millisecond // until the stream is asked for again, the first time
	watchNever  = time.Minute            // at most
)
