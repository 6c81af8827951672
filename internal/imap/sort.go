package imap

// SortKey names what SORT orders messages by.
type SortKey string

// The keys of rfc5256 §3 and rfc5957 §3.
const (
	SortArrival     SortKey = "ARRIVAL"
	SortCc          SortKey = "CC"
	SortDate        SortKey = "DATE"
	SortFrom        SortKey = "FROM"
	SortSize        SortKey = "SIZE"
	SortSubject     SortKey = "SUBJECT"
	SortTo          SortKey = "TO"
	SortDisplayFrom SortKey = "DISPLAYFROM"
	SortDisplayTo   SortKey = "DISPLAYTO"
)

// SortCriterion is one key of a SORT. Reverse turns the order of that key round, and of nothing
// else: what is equal by all keys stays in the order of the mailbox.
type SortCriterion struct {
	Key     SortKey
	Reverse bool
}

// ThreadAlgorithm names how THREAD finds threads.
type ThreadAlgorithm string

// The algorithms of rfc5256 §3, and REFS, which is REFERENCES without the gathering of equal
// subjects, its threads ordered by their latest message.
const (
	ThreadOrderedSubject ThreadAlgorithm = "ORDEREDSUBJECT"
	ThreadReferences     ThreadAlgorithm = "REFERENCES"
	ThreadRefs           ThreadAlgorithm = "REFS"
)
