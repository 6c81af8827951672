package course

// Injection is a step of the course of one new injected message.
//
//	act      outcome    then
//	Claim    Done       Append
//	         Refused    Read: somebody else has it, and is in the ledger
//	         Unknown    Release: it may have been made, under a token that was used for nothing else
//	Append   Done       Expunge
//	         Refused    Release
//	         Unknown    End: the connection is gone; the lease runs out, and who finds it looks for the marker
//	Expunge  Done       Confirm: the marker was seen gone, so its UID is nobody's for ever
//	         Refused    Forgo: the marker could not be expunged
//	         Unknown    End
//	Confirm  Done       Tell
//	         Refused    End: it was voided meanwhile, and its UID is merely burnt
//	         Unknown    Confirm again, at most MaxConfirms times, then End: who finds it sees it live or voids it
//	Tell, Read, Release, Forgo   End
//
// The claim is written before the marker: a session that hears the marker, or the gap that it
// left, and then reads, knows of everything that the bell may stand for. Confirmed only when the
// marker was seen gone: before, the backend could still show the UID to somebody as a message.
type Injection struct {
	act      Act
	confirms uint8
}

// NewInjection is the first step.
func NewInjection() Injection { return Injection{act: Claim} }

// Do says what is to be done now.
func (i Injection) Do() Act { return i.act }

// Next is the step behind the outcome.
func (i Injection) Next(o Outcome) Injection {
	to := func(a Act) Injection { i.act = a; return i }
	switch i.act {
	case Claim:
		switch o {
		case Done:
			return to(Append)
		case Refused:
			return to(Read)
		default:
			return to(Release)
		}
	case Append:
		switch o {
		case Done:
			return to(Expunge)
		case Refused:
			return to(Release)
		default:
			return to(End)
		}
	case Expunge:
		switch o {
		case Done:
			return to(Confirm)
		case Refused:
			return to(Forgo)
		default:
			return to(End)
		}
	case Confirm:
		i.confirms++
		switch {
		case o == Done:
			return to(Tell)
		case o != Refused && i.confirms < MaxConfirms:
			return to(Confirm)
		}
		return to(End)
	default:
		return to(End)
	}
}
