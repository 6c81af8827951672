package course

// Bell is a step of the course of a doorbell. What rings is withheld until Tell.
//
//	act    outcome    then
//	Read   Done       Tell: no claim is alive
//	       Newer      Wait: a claim of somebody else's is
//	       NotAbove   Void: one has had its time, or its lease has run out
//	       Unknown    Note: the store does not answer
//	Wait              Read again
//	Void              Read again: it is void now, or was confirmed in this moment, or the store
//	                  does not answer; the reading tells
//	Note              Tell
//	Tell              End
//
// Nobody is told what lies behind an injected message before being told of it, while the store
// answers. Hence read after the bell, never before it, and until no claim is alive: a claim that
// is alive may become a message under a UID below what is withheld.
type Bell struct{ act Act }

// NewBell is the first step: something was heard.
func NewBell() Bell { return Bell{act: Read} }

// Do says what is to be done now.
func (b Bell) Do() Act { return b.act }

// Next is the step behind the outcome.
func (b Bell) Next(o Outcome) Bell {
	switch b.act {
	case Read:
		switch o {
		case Done:
			return Bell{Tell}
		case Newer:
			return Bell{Wait}
		case NotAbove:
			return Bell{Void}
		default:
			return Bell{Note}
		}
	case Wait, Void:
		return Bell{Read}
	case Note:
		return Bell{Tell}
	default:
		return Bell{End}
	}
}

// Claimed says what the reading of a bell has found: claims that are alive, and whether one of them
// has had its time. waited is that of the bell's own patience, lapsed that of the lease.
func Claimed(claims int, waited, lapsed bool) Outcome {
	switch {
	case claims == 0:
		return Done
	case waited || lapsed:
		return NotAbove
	}
	return Newer
}

// Matches reports whether a change is told to who synchronises from the mod-sequence since: one
// that is pending always is (virtual-mailbox.md §5: ≥, and not >).
func Matches(modSeq uint64, pending bool, since uint64) bool { return pending || modSeq >= since }

// Rings reports whether a mod-sequence that was heard is a doorbell to a session whose client
// uses them: known is the one that was known when the last reading began.
func Rings(heard, known uint64) bool { return heard > known }
