// Package course holds the protocol of virtual-mailbox.md §7 as tables: what is done next, given
// how what was done before has ended. There are three courses,
//
//	Change     a change of an injected message: written, raised, settled, told
//	Injection  a new injected message: claimed, appended, expunged, confirmed, told
//	Bell       a doorbell: heard, read, claims of others resolved, told
//
// and one way to walk each of them:
//
//	for step := course.NewChange(tracked); ; step = step.Next(outcome) {
//		switch step.Do() { … } // the act; its outcome is what Next is told
//	}
//
// The gateway runs on these tables, and so does TestExplore, which walks all interleavings of
// several sessions: what is proven of them is proven of the code. Whoever needs another rule
// puts it here, and not into an if beside the table.
//
// A course belongs to one session. Several rows that a command changes each have theirs, and
// share one raise: the acts are walked row by row up to Raise, the raise is done once, its
// outcome is told to all of them.
//
// It must not know IMAP, the store, time or goroutines. A step is a small comparable value; Next
// is a pure function, total over all outcomes: one that has no place at a step is taken for
// Unknown, which is the outcome of which nothing can be concluded. Every walk ends, because the
// tables have no cycle but those that count (Change: raising again; Injection: confirming
// again) and the one whose end is time's (Bell: waiting for a claim).
//
// Why not methods of the session: then a test could only explore a copy of the rules.
package course
