package course

// Change is a step of the course of one change of one injected message: flags, or leaving.
//
//	act     outcome    then
//	Write   Done       Raise, where mod-sequences are kept (tracked), else Tell
//	        Refused    Deny: it has left, or was changed by somebody else
//	        Unknown    Deny: if it was written after all, it is pending, and lapses
//	Raise   Done       Settle
//	        Refused    Tell: the row stays pending and matches everything until somebody can raise
//	        Unknown    End: the connection is gone, and with it who could be told
//	Settle  Done       Tell
//	        Newer      Tell: the newer change is pending for whoever made it, and includes this one
//	        NotAbove   Raise again, at most MaxRaises times, then Tell: the row is pending still
//	        Refused    Tell: there is no row any more that could be missed
//	        Unknown    Tell: pending or settled, both match what a client can hold
//	Tell, Deny         End
//
// Written before it is raised, and told last. Raised first and written after, a session that
// reads in between holds the value and not the change; told before it is raised, another client
// finds HIGHESTMODSEQ as it was and does not look.
type Change struct {
	act     Act
	tracked bool
	raises  uint8
}

// NewChange is the first step of a change that somebody asked for. tracked says that the backend
// keeps mod-sequences for the mailbox: where it does not, no client can hold one.
func NewChange(tracked bool) Change { return Change{act: Write, tracked: tracked} }

// Found is the first step for a change that was written by somebody who did not come to raising
// it: a pending that has lapsed, or a withdrawal of which no session was told yet. Where the
// backend keeps no mod-sequences there is nothing to be above, and it is settled as it is.
func Found(tracked bool) Change {
	if !tracked {
		return Change{act: Settle}
	}
	return Change{act: Raise, tracked: true}
}

// Do says what is to be done now.
func (c Change) Do() Act { return c.act }

// Next is the step behind the outcome.
func (c Change) Next(o Outcome) Change {
	to := func(a Act) Change { c.act = a; return c }
	switch c.act {
	case Write:
		switch {
		case o != Done:
			return to(Deny)
		case c.tracked:
			return to(Raise)
		}
		return to(Tell)
	case Raise:
		c.raises++
		switch o {
		case Done:
			return to(Settle)
		case Refused:
			return to(Tell)
		default:
			return to(End)
		}
	case Settle:
		if o == NotAbove && c.tracked && c.raises < MaxRaises {
			return to(Raise)
		}
		return to(Tell)
	default:
		return to(End)
	}
}
