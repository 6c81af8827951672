// Package thread puts messages into threads as mail servers do: REFERENCES and ORDEREDSUBJECT of
// RFC 5256 §3, and REFS, which is REFERENCES without the gathering of equal subjects, its
// threads ordered by their latest message.
//
// It is pure: it knows neither headers nor sessions. What it is given are some messages with
// their ids, subjects and dates; that a set of messages makes the same threads alone as among all
// others, because none of the others has to do with them, is the caller's business.
//
// Invariants: every message is in one tree, once; a Node without a number has children.
//
// Where RFC 5256 and Dovecot differ Dovecot wins (TestDovecot compares the two): a message whose
// id another one has is kept apart, one whose parents contradict each other takes its own word,
// and messages join their threads in the order of the mailbox.
//
// Why not what the server answers alone: an injected message may stand between the messages of
// a thread, or bring two threads together.
package thread
