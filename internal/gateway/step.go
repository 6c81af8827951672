package gateway

// Step names a point of what a gateway does in several steps, any of which may be its last.
// Config.AtStep hears each of them as it is reached.
type Step string

// The steps of an injection (virtual-mailbox.md §3), in order.
const (
	StepOffered   Step = "offered"   // something is to be injected, nothing was done yet
	StepClaimed   Step = "claimed"   // 1: the claims are durable
	StepAppended  Step = "appended"  // 2: the markers are in the mailbox
	StepExpunged  Step = "expunged"  // 3: the markers are gone
	StepConfirmed Step = "confirmed" // 4: the placements are live
	StepAnswered  Step = "answered"  // the client has the answer to SELECT
)

// The steps of a MOVE of injected messages, in order. Between the last two are those of a change.
const (
	StepAnnounced Step = "announced" // the ledger says that they are moving
	StepCopied    Step = "copied"    // the copies are in the target
	StepMoved     Step = "moved"     // the real part of the MOVE is done, too
	StepEnded     Step = "ended"     // the ledger says that they have moved; nothing is told
)

// The steps of a change of an injected message (flags, leaving), in order; nothing is told before
// the last.
const (
	StepWritten Step = "written" // durable
	StepRaised  Step = "raised"  // HIGHESTMODSEQ is above everything that was told
	StepSettled Step = "settled" // and is the change's mod-sequence
)

// Steps lists all steps of an injection in order.
func Steps() []Step {
	return []Step{StepOffered, StepClaimed, StepAppended, StepExpunged, StepConfirmed, StepAnswered}
}

// MoveSteps lists all steps of a MOVE in order, with those of the change that it ends with.
func MoveSteps() []Step {
	return append(append([]Step{StepAnnounced, StepCopied, StepMoved}, ChangeSteps()...), StepEnded)
}

// ChangeSteps lists all steps of a change in order.
func ChangeSteps() []Step { return []Step{StepWritten, StepRaised, StepSettled} }
