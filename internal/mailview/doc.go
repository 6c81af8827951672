// Package mailview is the virtual mailbox as arithmetic: the difference between the list of
// messages that the backend has and the list that the client was told, kept as an edit
// script, and the translation of numbers in both directions.
//
// It is pure: no I/O, no clock, no context, no knowledge of IMAP's syntax. A View belongs to
// one session and is not safe for concurrent use.
//
// Invariants: Client() = Backend() − hidden + injected + ghosts. Messages that are in both
// lists are in the same order in both. What lies in one list only:
//
//   - injected messages and ghosts, in the client's; each has a rank, the number of the
//     backend's messages before it, and ranks do not fall along the list;
//   - hidden messages, in the backend's: markers, and news that were not told yet.
//
// State is O(k) in these three, kept as ranges and runs, never O(n) of the mailbox.
//
// Why not two lists: a mailbox may hold a million messages, and a session must cost what one
// on an empty mailbox costs.
package mailview
