package course

// Outcome is how an act has ended, as far as the one who asked can know.
type Outcome uint8

// The outcomes. What Done, Refused and Other mean at an act is said there.
const (
	Unknown  Outcome = iota // no answer: it may be so, now or later
	Done                    // it is so, durably
	Refused                 // it is not so, and will not be
	Newer                   // of Settle: the row was changed again since; of Read: claims of others are alive
	NotAbove                // of Settle: the value is not above the row's own; of Read: a claim of others has had its time
)

func (o Outcome) String() string {
	return [...]string{"unknown", "done", "refused", "newer", "not above"}[o]
}

// Act is what is to be done at a step.
type Act uint8

// The acts. Of each course some; End is the last of all.
const (
	End Act = iota

	Write  // Change: make the change durable, its mod-sequence pending where the mailbox has any
	Raise  // Change: raise the mailbox's HIGHESTMODSEQ, once for all changes of a command
	Settle // Change: replace pending by the raised value, by compare-and-set
	Deny   // Change: answer NO; nothing of the change was told

	Claim   // Injection: write the claim, by compare-and-set
	Append  // Injection: put the marker into the mailbox
	Expunge // Injection: expunge it, and see it gone
	Confirm // Injection: make the placement live, by compare-and-set from the claim
	Release // Injection: give the claim up; the offer may be claimed again at once
	Forgo   // Injection: give the claim up, of which something may be left behind

	Read // Bell: read the placements, linearizably, begun after the bell; Injection: a claim of somebody else's was met
	Wait // Bell: wait for a claim's gateway, a moment
	Void // Bell: end a claim by compare-and-set, so that its Confirm fails, and look for its marker
	Note // Bell: note what may be passed, and go on with what is known

	Tell // all: tell the client
)

func (a Act) String() string {
	return [...]string{
		"end", "write", "raise", "settle", "deny", "claim", "append", "expunge", "confirm", "release", "forgo", "read", "wait", "void", "note", "tell",
	}[a]
}

// MaxRaises bounds how often one change is raised: values that are not above the row's own come
// of other sessions that raise at the same moment.
const MaxRaises = 3

// MaxConfirms bounds how often a claim is confirmed when no answer comes. Repeating is safe, by
// the claim's token, and finds out what became of a lost answer.
const MaxConfirms = 2
