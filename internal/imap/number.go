package imap

// UID is a unique identifier of a message in a mailbox (RFC 9051 §2.3.1.1). 0 is no UID.
type UID uint32

// SeqNum is a message sequence number (RFC 9051 §2.3.1.2), from 1. 0 is no number.
type SeqNum uint32

// MaxUID is the highest number that a UID, or any nz-number of IMAP, can have.
const MaxUID = UID(1<<32 - 1)
