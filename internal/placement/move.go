package placement

import (
	"time"

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
)

// Move says that a copy is about to be put into the target mailbox, before it is: so that
// whoever finds the record after a crash can look for it. copied is the caller's own description
// of the copy. Moving what moves to the same place by the same description changes nothing.
// Invalid: target or description; Conflict: it is not live.
func Move(p Placement, target, copied string, now time.Time) (Step, error) {
	switch {
	case target == "" || len(target) > MaxMailbox:
		return Step{}, fault.New(fault.Invalid, "a target has 1 to %d octets", MaxMailbox)
	case copied == "" || len(copied) > MaxCopy:
		return Step{}, fault.New(fault.Invalid, "the description of a copy has 1 to %d octets", MaxCopy)
	case p.State == Moving && p.Target == target && p.Copy == copied:
		return unchanged(p), nil
	case p.State != Live:
		return Step{}, fault.New(fault.Conflict, "the placement is %s", p.State)
	}
	p.State, p.Target, p.Copy = Moving, target, copied
	return changed(p, now), nil
}

// EndMove ends a move: done, the placement has left for good; else it is live as before. To end
// again in the same way changes nothing. Conflict: it is not moving.
func EndMove(p Placement, done bool, now time.Time) (Step, error) {
	switch {
	case p.State == Moved && done, p.State == Live && !done:
		return unchanged(p), nil
	case p.State != Moving:
		return Step{}, fault.New(fault.Conflict, "the placement is %s", p.State)
	case done:
		p.State = Moved
		return changed(p, now, event.Moved), nil
	}
	p.State, p.Target, p.Copy = Live, "", ""
	return changed(p, now), nil
}
