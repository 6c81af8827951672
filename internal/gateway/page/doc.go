// Package page is the arithmetic of PARTIAL (RFC 9394): which messages of a page are the
// backend's, when injected ones stand between them.
//
// The backend counts its own messages. A page of the client's list lies within a page of the
// backend's that begins as many places sooner as there are injected messages; what is too much of
// it is cut off.
//
// Invariants: Cut of a widened page is the page of the merged list, whatever the list holds outside
// of it. It knows no session, and holds nothing but what it is given.
//
// Why not ask for everything up to the page: pages are what clients of huge mailboxes ask for.
package page
