// Package mailview is the virtual mailbox as arithmetic: the difference between the list of
// messages that the backend has and the list that the client was told, kept as an edit
// script, and the translation of numbers in both directions.
//
// It is pure: no I/O, no clock, no context, and it must not know IMAP's syntax, sessions or
// what a message holds. A View belongs to one session and is not safe for concurrent use.
//
// Invariants: the client's list is the backend's without hidden messages, with injected ones
// and ghosts. Messages that are in both lists are in the same order in both. What lies in one
// list only:
//
//   - injected messages and ghosts, in the client's; each has a rank, the number of the
//     backend's messages before it, and ranks do not fall along the list;
//   - hidden messages, in the backend's: markers, and news that were not told yet.
//
// No number is above 4294967295 in either list. What would break an invariant is an error, the
// view is left as it was, and the session is over: a peer that says such things has lost count,
// or we have (RFC 3501 §7.4.1, RFC 9051 §7.5.1).
//
// State is O(k) in these three, kept as ranges and runs, never O(n) of the mailbox; so is the
// time of every call.
//
// Why not two lists: a mailbox may hold a million messages, and a session must cost what one
// on an empty mailbox costs.
package mailview
