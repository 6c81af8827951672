package imap

import "time"

// SearchOp is the operator of a search key.
type SearchOp string

// The keys of RFC 3501 §6.4.4, the three connectives, and the keys of RFC 5032, 5182, 8474 and 8514. NEW is And(Recent, Unseen), OLD is Not(Recent).
const (
	SearchAnd        SearchOp = "AND" // Keys; a parenthesised list, or the whole query
	SearchOr         SearchOp = "OR"  // two Keys
	SearchNot        SearchOp = "NOT" // one of Keys
	SearchSeq        SearchOp = "SEQ" // Set, of sequence numbers
	SearchUID        SearchOp = "UID" // Set
	SearchSaved      SearchOp = "$"   // the result that SAVE kept; also written UID $
	SearchAll        SearchOp = "ALL"
	SearchFlag       SearchOp = "FLAG"    // Value is the flag: \Seen for SEEN, the keyword for KEYWORD
	SearchUnflag     SearchOp = "UNFLAG"  // likewise, for UNSEEN, UNKEYWORD …
	SearchNew        SearchOp = "NEW"     // \Recent and not \Seen
	SearchOld        SearchOp = "OLD"     // not \Recent
	SearchHeader     SearchOp = "HEADER"  // Field, Value
	SearchAddress    SearchOp = "ADDRESS" // Field is From, To, Cc or Bcc; Value
	SearchSubject    SearchOp = "SUBJECT" // Value
	SearchBody       SearchOp = "BODY"    // Value
	SearchText       SearchOp = "TEXT"    // Value
	SearchBefore     SearchOp = "BEFORE"  // Date, of INTERNALDATE
	SearchOn         SearchOp = "ON"
	SearchSince      SearchOp = "SINCE"
	SearchSentBefore SearchOp = "SENTBEFORE" // Date, of the Date header
	SearchSentOn     SearchOp = "SENTON"
	SearchSentSince  SearchOp = "SENTSINCE"
	SearchLarger     SearchOp = "LARGER" // Size
	SearchSmaller    SearchOp = "SMALLER"
	SearchOlder      SearchOp = "OLDER" // Interval, between INTERNALDATE and now
	SearchYounger    SearchOp = "YOUNGER"
	SearchModSeq     SearchOp = "MODSEQ" // Size, a mod-sequence: changed at it or after

	SearchEmailID           SearchOp = "EMAILID" // Value
	SearchThreadID          SearchOp = "THREADID"
	SearchSavedBefore       SearchOp = "SAVEDBEFORE" // Date, at which it came into the mailbox
	SearchSavedOn           SearchOp = "SAVEDON"
	SearchSavedSince        SearchOp = "SAVEDSINCE"
	SearchSaveDateSupported SearchOp = "SAVEDATESUPPORTED"
)

// SearchKey is a node of a query.
type SearchKey struct {
	Op       SearchOp
	Keys     []SearchKey
	Set      SeqSet
	Field    string
	Value    string    // octets in the query's charset
	Date     time.Time // midnight UTC of the day that was named: only year, month and day count
	Size     uint64
	Interval uint32 // seconds

	// Start and End are the octets of the command's Raw that the key was parsed from, so that
	// what need not be rewritten is sent as it was written.
	Start, End int
}
