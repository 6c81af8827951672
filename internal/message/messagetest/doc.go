// Package messagetest makes messages that are hard to sort, to thread and to search: what a
// mail server and we must understand alike. It is for tests alone, and knows nothing of either.
//
// Invariants: the same source of random numbers gives the same octets; lines end in CRLF; what
// is odd is in the header.
//
// Why not files: what two implementations disagree on is found in mixtures that nobody writes down.
package messagetest
