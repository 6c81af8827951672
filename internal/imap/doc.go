// Package imap is the vocabulary of RFC 9051 and RFC 3501 that the rest of the project
// speaks: UIDs, sequence numbers and sets of them, flags, mailbox names, capabilities.
//
// It does no I/O, and knows nothing of the project. Its sub-packages are wire (bytes and
// tokens), command (what clients say) and response (what servers say).
package imap
