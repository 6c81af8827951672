// Package imap is the vocabulary of RFC 9051 and RFC 3501 that the rest of the project
// speaks: UIDs, sequence numbers and sets of them, sections, search keys, strings, mailbox
// names in modified UTF-7, capabilities.
//
// It does no I/O, and must not know anything of the project: no campaign, no placement, no
// view. Its sub-packages are wire (octets and tokens), command (what clients say) and response
// (what servers say).
//
// Invariants: a Set holds sorted ranges that neither overlap nor touch, within 1 to 2^32−1, and
// its arithmetic does not overflow at either end. No two well-formed mailbox names decode to
// the same one.
//
// Why not the types of an IMAP library: theirs stand for what a message means, ours have to
// remember how it was written, so that what need not be changed is sent on as it came.
package imap
