// Package sqlite keeps the store's contract in SQLite files: one of the instance, one per
// keyspace, in one directory that one process holds locked.
//
// All writes of a file go through one goroutine, which commits what has gathered meanwhile
// together: with synchronous=FULL a commit is a write to disk, and group commit is what
// carries many claims a second. Claims go before documents and events, those before imports.
// Readers have connections of their own and never wait for a writer (WAL).
//
// It must not know what the data mean beyond what the contract says.
//
// Why modernc.org/sqlite: no C compiler, one static binary.
package sqlite
