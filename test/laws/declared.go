package laws

// Difference is something that may differ between the two sides of a comparison.
type Difference struct {
	Name string
	Laws string // "both", or the one that needs it
	Why  string
}

// Names of the declared differences; a normaliser asks for each where it applies it.
const (
	dCapability  = "capability list"
	dTime        = "time in OK texts"
	dValidity    = "UIDVALIDITY"
	dBadWords    = "words of BAD"
	dFetchOrder  = "order of FETCH items"
	dFlagOrder   = "order of flags"
	dFlagLists   = "FLAGS and PERMANENTFLAGS"
	dCopyOrder   = "order in COPYUID"
	dByTheWay    = "order of news"
	dAgain       = "news of what is known"
	dRecent      = "when a message becomes recent"
	dLenient     = "what the grammar forbids"
	dPipelined   = "attribution in a pipeline"
	dLaterUIDs   = "later UIDs"
	dMarked      = "marks in LIST"
	dModSeq      = "values of MODSEQ"
	dModSeqApart = "where MODSEQ is told"
	dSince       = "CHANGEDSINCE of injected messages"
	dResults     = "order of ESEARCH results"
	dObjectID    = "object identifiers"
	dSaveDate    = "SAVEDATE"
	dLazy        = "PREVIEW (LAZY)"
	dLetters     = "the injected messages"
	dCounts      = "counts of flags"
)

// Declared lists everything that may differ. What is not here has to be the same, octet by
// octet. docs/laws.md shows this list to people.
func Declared() []Difference {
	return []Difference{
		{dCapability, "both", "the gateway offers only what it can keep true, and says so"},
		{dTime, "both", "servers write into the text of OK how long it took, Cyrus also how many steps and messages that were"},
		{dValidity, "both", "it is the second in which a mailbox was made, and each side has a mailbox of its own"},
		{dBadWords, "both", "what the gateway refuses by itself it refuses in its own words; that it is BAD is compared"},
		{dFetchOrder, "both", "RFC 9051 §7.5.2 promises none, and what was asked for twice may be told once; that UID comes first for an injected message is checked"},
		{dFlagOrder, "both", "a flag list is a set; servers sort keywords by when the mailbox first saw them"},
		{dFlagLists, "both", "a server lists a keyword for ever that some message once had, the gateway while a message has it; that none is used before it was listed is checked"},
		{dCopyOrder, "delivery", "in a mixed COPY the injected messages are appended first, so the UIDs in the target are in another order; which messages were copied is compared, and what lies in the target at the end"},
		{dByTheWay, "both", "flags and expunges told with another command's answer: the real messages' come first, then the injected ones'; each names its message. So too where HIGHESTMODSEQ is told to a client that has just enabled CONDSTORE"},
		{dAgain, "both", "flags that the client knows already may be told again, or of a change that was undone, and an EXISTS that is what it was; what is different in the end is compared, and so is that it was told"},
		{dRecent, "both", "Dovecot gives a new real message \\Recent and counts it with this command or the next, whichever synchronises in earnest, and of several sessions the first that does so has it; the number is compared whenever a person of one session asks for news, the flag of injected messages always"},
		{dLenient, "both", "Dovecot takes some commands that RFC 9051 §9 has no form for (STATUS with two lists, FETCH of a number with spaces behind); the gateway may answer them BAD. Played with commands that change nothing"},
		{dPipelined, "both", "a server answers pipelined commands together: untagged responses are compared for the pipeline as a whole, tagged ones each"},
		{dLaterUIDs, "both", "a marker burns a UID, so later messages have higher ones; each UID is put in the numbering of the other side by which message it is"},
		{dMarked, "both", "Dovecot marks a mailbox by the age of its files in whole seconds, so the mark depends on the moment of asking"},
		{dModSeq, "both", "raising HIGHESTMODSEQ for an injected message uses up values; that the order is the same is checked. That of an injected message may be later than it would be, which tells of it once too often"},
		{dModSeqApart, "both", "with the flags that have changed, or in a FETCH response of its own after the others; whether it is told for a message, and the last value, is compared, and an injected message may have it once more (of a STORE that changes nothing Dovecot leaves it out)"},
		{dSince, "both", "an injected message matches CHANGEDSINCE m when its own mod-sequence is m too, not only above: told once too often at worst, never too little, because its change is written before its mod-sequence is known"},
		{dResults, "both", "RFC 4731 §3.1 promises none; Cyrus tells them in the order of asking or another one, the gateway in one of its own where it has merged them"},
		{dObjectID, "both", "EMAILID, THREADID and MAILBOXID are made from names that differ; that the same message has the same one is checked, but for THREADID of injected ones: a Cyrus that keeps no conversations gives all messages one"},
		{dSaveDate, "both", "of an injected message it is the moment of reservation; the server's is when the delivery was written"},
		{dLazy, "both", "RFC 8970 §4.1: NIL while there is no preview at hand, and Dovecot makes one only when it is asked for without LAZY; of an injected message there always is one"},
		{dLetters, "erasure", "they are what is erased: their responses, their numbers in answers to SEARCH, their part of EXISTS and MESSAGES, and their numbers before those of others"},
		{dCounts, "erasure", "UNSEEN, RECENT, SIZE, the first unseen and the MODSEQ of a search are of the injected messages too, and nothing in the answer says by how much; the delivery law compares them"},
	}
}

// normaliser takes out what is declared to differ; off names what it is to leave, so that a
// test can show that each is needed.
type normaliser struct{ off map[string]bool }

func (n normaliser) on(name string) bool { return !n.off[name] }
