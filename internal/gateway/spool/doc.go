// Package spool holds what a backend answers while it is not known yet what is to be put into
// it: up to a limit in memory, the rest in a file that has no name.
//
// Invariants: memory is at most the limit and one buffer, whatever is written; nothing is left
// on disk when the process dies. It knows of IMAP only what threads look like. A Spool belongs to one goroutine.
//
// Why not memory alone: a SORT of a million messages is 4 MB, and a session must cost what one
// on an empty mailbox costs. Why not several SORTs, with a part of the answer held each time:
// the backend would sort as often, and between two answers messages come, go and change.
package spool
