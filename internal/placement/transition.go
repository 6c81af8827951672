package placement

import (
	"time"

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
)

// Limits of a claim.
const (
	MinLease     = time.Second
	MaxLease     = time.Minute
	MinTokenSize = 16
	MaxTokenSize = 64

	// PauseAfterVoid is for how long nothing is claimed for a person after a void that left
	// something behind or made somebody wait: several connections of one phone must not void
	// each other for ever.
	PauseAfterVoid = 10 * time.Minute
)

// PendingLease is for how long a pending change, or a move, is the business of whoever made it.
const PendingLease = 10 * time.Second

// Limits of a move.
const (
	MaxMailbox = 1024 // octets of Target
	MaxCopy    = 256  // octets of Copy
)

// Step is the outcome of a transition: the record as it is now, and what happened to it.
type Step struct {
	Next     Placement
	Changed  bool         // whether Next has to be written
	Happened []event.Type // to be recorded together with Next
}

// unchanged is the outcome of a repetition.
func unchanged(p Placement) Step { return Step{Next: p} }

// Pend makes the change one whose mod-sequence is still to be raised and settled. A placement
// that never had a UID has none to raise for.
func (s Step) Pend() Step {
	if s.Changed && s.Next.UID != 0 {
		s.Next.Pending, s.Next.Unraised = true, false
	}
	return s
}

// Leave makes it a pending change that whoever makes it does not raise for: it is left to the
// first session that finds it and holds a mod-sequence of the mailbox.
func (s Step) Leave() Step {
	s = s.Pend()
	if s.Changed {
		s.Next.Unraised = s.Next.Pending
	}
	return s
}

// Pends makes it what a request says: pending, and unraised or not.
func (s Step) Pends(pending, unraised bool) Step {
	switch {
	case !pending:
		return s
	case unraised:
		return s.Leave()
	}
	return s.Pend()
}

func changed(p Placement, now time.Time, happened ...event.Type) Step {
	p.Rev++
	p.Changed = now
	return Step{Next: p, Changed: true, Happened: happened}
}

// CheckToken says whether a token may fence a claim: 16 to 64 of [A-Za-z0-9_-]; else Invalid.
func CheckToken(token string) error {
	if len(token) < MinTokenSize || len(token) > MaxTokenSize {
		return fault.New(fault.Invalid, "a token has %d to %d characters", MinTokenSize, MaxTokenSize)
	}
	for i := range len(token) {
		switch c := token[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return fault.New(fault.Invalid, "a token has only letters, digits, '_' and '-'")
		}
	}
	return nil
}

// Claim takes the right to inject: fresh is the record as it is to become (ID, Key, User,
// Mailbox, UIDValidity, Template, Variables, Until), old the one in the ledger, if any.
//
// Invalid: token or lease. Conflict: the record is claimed by another token, lapsed or not
// (a lapsed claim may have left a marker, so it is voided by whoever has looked for it), or it
// is live, final, or void under this very token. With the token of the claim that is held, it
// is a repetition and changes nothing, not even the lease.
func Claim(old *Placement, fresh Placement, token string, lease time.Duration, now time.Time) (Step, error) {
	if err := CheckToken(token); err != nil {
		return Step{}, err
	}
	if lease < MinLease || lease > MaxLease {
		return Step{}, fault.New(fault.Invalid, "a lease is %v to %v", MinLease, MaxLease)
	}
	if fresh.UIDValidity == 0 {
		return Step{}, fault.New(fault.Invalid, "a claim names the mailbox's UIDVALIDITY")
	}
	next := fresh
	next.Created = now
	if old != nil {
		switch {
		case old.State == Claimed && old.Token == token:
			return unchanged(*old), nil
		case old.State != Void:
			return Step{}, fault.New(fault.Conflict, "the placement is %s already", old.State)
		case old.Token == token:
			// A request that was on its way for a long time must not revive what its
			// sender has given up.
			return Step{}, fault.New(fault.Conflict, "this claim was voided")
		}
		next.Rev, next.Created = old.Rev, old.Created
	}
	next.State, next.Token, next.Lease = Claimed, token, now.Add(lease)
	return changed(next, now), nil
}

// Confirm makes a claim live under the UID that was reserved. The lease may have run out: what
// counts is that nobody voided the claim. Invalid: UID or date; Conflict: another token or state.
func Confirm(p Placement, token string, uid imap.UID, date time.Time, modSeq uint64, now time.Time) (Step, error) {
	if uid == 0 {
		return Step{}, fault.New(fault.Invalid, "a UID is not 0")
	}
	if date.IsZero() {
		return Step{}, fault.New(fault.Invalid, "the internal date is missing")
	}
	if p.Token != token || token == "" {
		return Step{}, fault.New(fault.Conflict, "the claim is held under another token")
	}
	switch p.State {
	case Claimed:
	case Live:
		if p.UID == uid {
			return unchanged(p), nil
		}
		return Step{}, fault.New(fault.Conflict, "the placement is live under another UID")
	default:
		return Step{}, fault.New(fault.Conflict, "the placement is %s", p.State)
	}
	if !now.Before(p.Until) {
		return Step{}, fault.New(fault.Conflict, "the campaign has ended")
	}
	p.State, p.UID, p.ModSeq = Live, uid, modSeq
	p.InternalDate = date.UTC().Truncate(time.Second)
	return changed(p, now, event.Injected), nil
}

// Void reasons with which a live placement ends; the others end claims only.
const (
	ReasonUIDTaken = "uid_taken"
	ReasonValidity = "validity"
	ReasonRecalled = "recalled" // given by the middleware to the claims of a recalled campaign
	// ReasonReplaced is that of a withdrawal which made room for the next occurrence.
	ReasonReplaced = "replaced"
)

// MaxReason is the greatest length of a void's reason; it is of [a-z0-9_].
const MaxReason = 32

// VoidNow ends a claim, or a live placement whose UID is no longer its own.
//
// With a token it is that claim only: a waiter that gives up must never end what has become
// live meanwhile. Without one it is whichever claim there is. A live placement is ended only
// for ReasonUIDTaken and ReasonValidity, and these end no claim without naming its token.
// What is void stays so; everything else is Conflict.
func VoidNow(p Placement, token, reason string, now time.Time) (Step, error) {
	if err := checkReason(reason); err != nil {
		return Step{}, err
	}
	if p.State == Void {
		return unchanged(p), nil
	}
	if token != "" && token != p.Token {
		return Step{}, fault.New(fault.Conflict, "the claim is held under another token")
	}
	taken := reason == ReasonUIDTaken || reason == ReasonValidity
	switch {
	case p.State == Live && taken, p.State == Claimed && (token != "" || !taken):
		p.State, p.Reason = Void, reason
		return changed(p, now), nil
	default:
		return Step{}, fault.New(fault.Conflict, "the placement is %s", p.State)
	}
}

func checkReason(reason string) error {
	if reason == "" || len(reason) > MaxReason {
		return fault.New(fault.Invalid, "a reason has 1 to %d characters", MaxReason)
	}
	for i := range len(reason) {
		if c := reason[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return fault.New(fault.Invalid, "a reason has only lower-case letters, digits and '_'")
		}
	}
	return nil
}

// AddFlags sets flags of a live placement, RemoveFlags takes some away, ReplaceFlags sets
// exactly these. Nothing changed is no error and keeps Rev. "read" happens when \Seen
// becomes set. Conflict when it is not live; Invalid and TooLarge as NormaliseFlags.
func AddFlags(p Placement, flags []string, now time.Time) (Step, error) {
	return setFlags(p, flags, now, withFlags)
}

// RemoveFlags is described at AddFlags.
func RemoveFlags(p Placement, flags []string, now time.Time) (Step, error) {
	return setFlags(p, flags, now, withoutFlags)
}

// ReplaceFlags is described at AddFlags.
func ReplaceFlags(p Placement, flags []string, now time.Time) (Step, error) {
	return setFlags(p, flags, now, func(_, flags []string) []string { return flags })
}

func setFlags(p Placement, flags []string, now time.Time, merge func(old, flags []string) []string) (Step, error) {
	flags, err := NormaliseFlags(flags)
	if err != nil {
		return Step{}, err
	}
	if p.State != Live {
		return Step{}, fault.New(fault.Conflict, "the placement is %s", p.State)
	}
	flags = merge(p.Flags, flags)
	if len(flags) > MaxFlags {
		return Step{}, fault.New(fault.TooLarge, "more than %d flags", MaxFlags)
	}
	if sameFlags(p.Flags, flags) {
		return unchanged(p), nil
	}
	var happened []event.Type
	if !p.Seen() && hasFlag(flags, `\Seen`) {
		happened = append(happened, event.Read)
	}
	p.Flags = flags
	return changed(p, now, happened...), nil
}

// sameFlags compares without regard to case: a keyword in another spelling is no change.
func sameFlags(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, f := range a {
		if !hasFlag(b, f) {
			return false
		}
	}
	return true
}

// Expunge removes a live placement for good. Expunging what is expunged changes nothing;
// Conflict when it is not live for another reason.
func Expunge(p Placement, now time.Time) (Step, error) {
	switch p.State {
	case Expunged:
		return unchanged(p), nil
	case Live:
		p.State = Expunged
		return changed(p, now, event.Expunged), nil
	default:
		return Step{}, fault.New(fault.Conflict, "the placement is %s", p.State)
	}
}

// Withdraw is what a recall does: what is live is withdrawn, a claim becomes void, and
// everything else stays; what is moving is the person's already. Nobody has raised the
// mod-sequence for it: the first session that sees it does.
func Withdraw(p Placement, now time.Time) Step {
	switch p.State {
	case Live:
		p.State, p.Reason = Withdrawn, ReasonRecalled
		return changed(p, now, event.Withdrawn).Leave()
	case Claimed:
		p.State, p.Reason = Void, ReasonRecalled
		return changed(p, now)
	default:
		return unchanged(p)
	}
}

// Replace withdraws a live placement because its next occurrence becomes live in the same change.
// Conflict when it is not live: what the person has removed or moved, or is moving, does not come
// again.
func Replace(p Placement, now time.Time) (Step, error) {
	if p.State != Live {
		return Step{}, fault.New(fault.Conflict, "the placement to be replaced is %s", p.State)
	}
	p.State, p.Reason = Withdrawn, ReasonReplaced
	return changed(p, now, event.Reinjected).Leave(), nil
}

// Expire ends a live placement whose Until has come. A claim is left: its marker may still
// have to be looked for, and Confirm fails for it.
func Expire(p Placement, now time.Time) Step {
	if p.State != Live || now.Before(p.Until) {
		return unchanged(p)
	}
	p.State = Expired
	return changed(p, now, event.Expired).Leave()
}
