// Package note keeps, on the gateway's own disk, what sessions may have told their clients past
// while the store did not answer: a journal of ranges of UIDs, by person and mailbox.
//
// A note is durable when Add returns, because the client is answered next. It is written again by
// nobody and removed when it was replayed; to replay one twice does no harm, so a crash between
// the two costs nothing. What a note leads to is not this package's business
// (virtual-mailbox.md §7: it never injects anew by itself).
//
// It must not know sessions, IMAP or the middleware. Why not in the store: it is kept because
// the store is not there. Why not in memory: the gateway may be restarted before the store is back.
package note
