package placement

import (
	"time"

	"inlay.example/inlay/internal/fault"
)

// Outcome is what became of an attempt to settle.
type Outcome string

// The outcomes of Settle.
const (
	Settled Outcome = "settled" // the record has the mod-sequence now
	// Overtaken: the record was changed again since, and whoever did that settles it. Until then it
	// is pending, which is at least what the caller's change needs to be found.
	Overtaken Outcome = "overtaken"
	// TooLow: the record has that mod-sequence, or a higher one, of an earlier change: another
	// session raised to the same. Raise again.
	TooLow Outcome = "too_low"
)

// Settle gives a pending change the mod-sequence to which the backend's HIGHESTMODSEQ was raised
// after the record had the revision rev (virtual mailbox §5: pending, raised, settled,
// acknowledged). A mod-sequence of 0 says that the backend keeps none for the mailbox: nothing is
// pending then, and what the record had stays. Settling again what is settled changes nothing.
//
// A record without any mod-sequence, because it was reserved before anybody used them in the
// mailbox, takes the value though nothing is pending.
//
// Conflict: it never had a UID. Settle changes neither Rev nor Changed: it is no change that a
// session has to be told of.
func Settle(p Placement, rev, modSeq uint64) (Step, Outcome, error) {
	switch {
	case p.UID == 0:
		return Step{}, "", fault.New(fault.Conflict, "the placement is %s, and has no mod-sequence", p.State)
	case p.Rev != rev:
		return unchanged(p), Overtaken, nil
	case !p.Pending && (p.ModSeq != 0 || modSeq == 0): // by the caller before, or by somebody who found it
		return unchanged(p), Settled, nil
	case modSeq != 0 && modSeq <= p.ModSeq:
		return unchanged(p), TooLow, nil
	}
	p.Pending, p.Unraised = false, false
	if modSeq != 0 {
		p.ModSeq = modSeq
	}
	return Step{Next: p, Changed: true}, Settled, nil
}

// Touch is a change of a live placement that changes nothing but its revision, and is pending:
// settled, it has a new mod-sequence, by which clients find the message that may have been kept
// from them. Conflict when it is not live.
func Touch(p Placement, now time.Time) (Step, error) {
	if p.State != Live {
		return Step{}, fault.New(fault.Conflict, "the placement is %s", p.State)
	}
	return changed(p, now).Leave(), nil
}

// Left reports whether the pending change, or the move, was left to others by whoever began it.
func (p *Placement) Left(now time.Time) bool {
	return p.Pending && p.Unraised || (p.Pending || p.State == Moving) && !now.Before(p.Changed.Add(PendingLease))
}
