package middleware

import (
	"context"
	"hash/maphash"

	"inlay.example/inlay/internal/fault"
)

// stripes puts the changes of one person in this process in a row. Different people share a
// stripe now and then; that costs a short wait and nothing else. Safety does not come from
// here but from the store's compare-and-set.
type stripes struct {
	seed  maphash.Seed
	locks [256]chan struct{}
}

func newStripes() stripes {
	s := stripes{seed: maphash.MakeSeed()}
	for i := range s.locks {
		s.locks[i] = make(chan struct{}, 1)
	}
	return s
}

// lock waits for the person's turn, or for the end of ctx (Unavailable).
func (s *stripes) lock(ctx context.Context, tenant, user string) (unlock func(), err error) {
	turn := s.locks[maphash.String(s.seed, tenant+"\x00"+user)%uint64(len(s.locks))]
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, context.Cause(ctx), "too many changes of this person at once")
	}
}
