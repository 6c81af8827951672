// Package demo is the mail server behind `inlay demo`: three people with mail that could be
// real, in memory, over IMAP.
//
// It must not know gateway, middleware or platform: to them it is a mail server like any other,
// which is the point of the demo.
//
// Invariants:
//   - It does what a gateway needs of a backend: UIDPLUS, UIDs that only grow, keywords and
//     PERMANENTFLAGS with \*, SEARCH of keywords and headers, EXPUNGE at the right moments,
//     EXAMINE without side effects, IDLE.
//   - Mail lives as long as the process. A mailbox of the next start is another one, and says
//     so: it has a greater UIDVALIDITY, which Config.UIDValidity gives.
//   - It listens where it is told and has passwords that everybody knows: it is for loopback.
//
// The protocol is spoken by go-imap's imapserver. Why not also its imapmemserver: that one
// writes system flags in lower case, lists as PERMANENTFLAGS only the flags in use (so that no
// gateway would inject into a new mailbox), changes mail after EXAMINE, and starts every
// UIDVALIDITY at 1.
package demo
