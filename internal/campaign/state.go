package campaign

import (
	"slices"

	"inlay.example/inlay/internal/fault"
)

// States lists all states, in the order of a life.
func States() []State {
	return []State{Draft, Scheduled, Preparing, Running, Paused, Completed, Cancelled, Failed, Archived}
}

// Next lists the states that may follow.
func (s State) Next() []State {
	switch s {
	case Draft:
		return []State{Scheduled}
	case Scheduled:
		return []State{Preparing, Cancelled, Failed}
	case Preparing:
		return []State{Running, Cancelled, Failed}
	case Running:
		return []State{Paused, Completed, Cancelled}
	case Paused:
		return []State{Running, Completed, Cancelled}
	case Completed, Cancelled, Failed:
		return []State{Archived}
	case Archived:
	}
	return nil
}

// Over reports whether nothing will be shown to anybody any more.
func (s State) Over() bool {
	return s == Completed || s == Cancelled || s == Failed || s == Archived
}

// transition is Conflict unless the campaign may go from one state to the other.
func transition(from, to State) error {
	if !slices.Contains(from.Next(), to) {
		return fault.New(fault.Conflict, "the campaign is %s and cannot become %s", from, to)
	}
	return nil
}
