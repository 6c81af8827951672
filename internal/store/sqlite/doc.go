// Package sqlite keeps the store's contract in SQLite files: one of the instance, one per
// keyspace, in one directory that one process holds locked.
//
// All writes of a file go through one goroutine, which commits what has gathered meanwhile
// together: with synchronous=FULL a commit is a write to disk, and group commit is what
// carries many claims a second. What somebody waits for (claims, flags, events, documents) goes
// before imports and the removal of what they replace; these work in turns of 5 ms, so that a
// claim waits behind one turn at most, and get a turn now and then whatever is urgent.
// Readers have connections of their own and never wait for a writer (WAL).
//
// What is removed is overwritten (secure_delete), and a little after the last write the WAL is
// emptied, so that what was removed is not left there either.
//
// It must not know what the data mean beyond what the contract says.
//
// Why modernc.org/sqlite: no C compiler, one static binary.
package sqlite
