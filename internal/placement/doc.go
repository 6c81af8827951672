// Package placement is the ledger: one record per (tenant, user, campaign, occurrence) that
// says what became of it, and the states and transitions that such a record can go through.
//
// The placement of the virtual mailbox is the live part of that record. The transitions are
// pure functions; that two of them never happen at once is the business of the store
// (compare-and-set per person).
//
// It knows no HTTP, SQL or IMAP connection. UIDs and flags are those of RFC 9051.
package placement
