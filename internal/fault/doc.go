// Package fault classifies errors once, so that every edge of the program
// (HTTP, IMAP, exit codes) can translate them without knowing where they came from.
//
// It must not know HTTP, IMAP, SQL or any other package of the project.
//
// A fault has a kind, a text that may be shown to whoever caused it, and a cause that
// may not. An error without a kind is Internal: the edge shows a generic text and a
// reference, and logs the cause under the same reference.
//
// Why not sentinel errors in every package: the edges would have to know them all, and
// a new one would silently be a 500.
package fault
