package command

import "inlay.example/inlay/internal/imap"

// Command is one command of a client. All positions are octets of Raw, from 0.
type Command struct {
	Tag      string
	Name     string    // upper case; "UID FETCH" for UID forms; of an unknown one the first 64 octets
	Known    bool      // the name is one of those that are understood
	Raw      []byte    // all octets with literals and the final CRLF; of APPEND up to the head of its message
	Literals []Literal // in Raw, in order
	Args     any       // *Login, *Select …; nil of commands without arguments or with none that matter, and with Err
	// Err: the arguments of a known command could not be parsed. It is a fault of kind Invalid,
	// TooLarge or Unsupported with a text for the client, which names the octet, from 1.
	Err error
	// Uses are the extensions whose syntax is used, by their capabilities, of those that some
	// backends have and others have not.
	Uses []string
	// Unsupported: Err is because of the syntax of an extension that is not offered.
	Unsupported bool
}

// Literal is a literal's head in Raw; its octets follow it there.
type Literal struct {
	Pos, Len int // of the head
	Size     int64
	NonSync  bool
	Binary   bool
}

// Limits of a Reader. Zeros mean the defaults.
type Limits struct {
	Buffer   int   // octets of the buffer: 4096
	Line     int   // octets of a command without those of its literals and its line's end: 65,536
	Literals int   // octets of all held literals of a command: 65,536
	Mailbox  int   // octets of a mailbox name: 4,096
	Ranges   int   // ranges of a set: 16,384
	Nesting  int   // search keys within each other, parts within a section: 50
	Keys     int   // keys of a SEARCH: 4,096
	Items    int   // items of a FETCH, flags of a STORE, header fields of a section: 1,024
	Append   int64 // octets of a message: 128 MiB
	Skip     int64 // octets that are read past because they belong to a command that was refused: 16 MiB
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		v   *int
		def int
	}{{&l.Line, 64 << 10}, {&l.Literals, 64 << 10}, {&l.Mailbox, 4 << 10}, {&l.Ranges, 16 << 10}, {&l.Nesting, 50}, {&l.Keys, 4096}, {&l.Items, 1024}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if l.Append == 0 {
		l.Append = 128 << 20
	}
	if l.Skip == 0 {
		l.Skip = 16 << 20
	}
	return l
}

// Login is LOGIN.
type Login struct{ User, Password string }

// Authenticate is AUTHENTICATE.
type Authenticate struct {
	Mechanism  string // upper case
	Initial    []byte // decoded
	HasInitial bool
}

// Enable is ENABLE.
type Enable struct{ Names []string } // upper case

// Compress is COMPRESS.
type Compress struct{ Mechanism string } // upper case

// Select is SELECT or EXAMINE.
type Select struct {
	Mailbox                  string // UTF-8, INBOX in upper case
	Octets                   string // the name's octets as they came, without quotes
	MailboxStart, MailboxEnd int
	ReadOnly                 bool
	CondStore                bool     // the parameter CONDSTORE was given
	QResync                  *QResync // the parameter QRESYNC; nil if it was not given
	ParamsStart, ParamsEnd   int      // of the parameters with their parentheses; 0 if there are none
}

// QResync is the parameter QRESYNC of SELECT. Sequence match data are read past: they only make the
// answer shorter, and name numbers.
type QResync struct {
	UIDValidity uint32
	ModSeq      uint64
	Known       imap.SeqSet // UIDs, without "*"; nil if none were named
}

// Status is STATUS.
type Status struct {
	Mailbox                  string
	MailboxStart, MailboxEnd int
	Items                    []string // upper case, as asked
	ItemsStart, ItemsEnd     int      // between the parentheses
}

// Fetch is FETCH or UID FETCH.
type Fetch struct {
	UID                  bool
	Set                  imap.SeqSet
	Saved                bool // the set is "$", the result that SEARCH saved; Set is nil
	SetStart, SetEnd     int
	Items                []FetchItem // macros spelt out
	ItemsStart, ItemsEnd int
	Changed              bool   // the modifier CHANGEDSINCE was given
	ChangedSince         uint64 // its mod-sequence
	Vanished             bool   // the modifier VANISHED was given
	Partial              *Page  // of the modifier PARTIAL; nil without it
	ModStart, ModEnd     int    // of all modifiers, with the space before them
}

// FetchItem is an item of FETCH.
type FetchItem struct {
	// Name is FLAGS UID INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE RFC822 RFC822.HEADER RFC822.TEXT BODY[]
	// BINARY[] BINARY.SIZE[] EMAILID THREADID SAVEDATE PREVIEW SNIPPET MODSEQ.
	Name      string
	Section   *imap.Section // of BODY[] and BINARY[]
	Modifiers []string      // of PREVIEW and SNIPPET, upper case
	Peek      bool
	Raw       string // as written
}

// Store is STORE or UID STORE.
type Store struct {
	UID                  bool
	Set                  imap.SeqSet
	Saved                bool // the set is "$", the result that SEARCH saved; Set is nil
	SetStart, SetEnd     int
	Op                   byte // '+', '-' or '='
	Silent               bool
	Flags                []string
	FlagsStart, FlagsEnd int
	Unchanged            bool   // the modifier UNCHANGEDSINCE was given
	UnchangedSince       uint64 // its mod-sequence
}

// Search is SEARCH or UID SEARCH.
type Search struct {
	UID                bool
	Return             *Return        // what is asked for by RETURN; nil if it was not said
	Charset            string         // upper case; empty if none was named
	Key                imap.SearchKey // the conjunction of all keys; strings in UTF-8
	KeysStart, KeysEnd int
}

// Return are the result options of SEARCH (rfc4731 §3.1, rfc5182 §2.1, rfc9394 §3.1).
type Return struct {
	Min, Max, All, Count, Save bool

	Partial *Page // nil without PARTIAL
}

// Page is a part of a result, by places in it: from Lo to Hi, from 1, Lo being the lower one.
type Page struct {
	Lo, Hi     uint32
	Last       bool // places count from the end
	Start, End int  // of what was written: "1:100", "-1:-100"
}

// Copy is COPY or UID COPY.
type Copy struct {
	UID                      bool
	Set                      imap.SeqSet
	Saved                    bool // the set is "$", the result that SEARCH saved; Set is nil
	SetStart, SetEnd         int
	Mailbox                  string // UTF-8, INBOX in upper case
	Octets                   string // the name's octets as they came, without quotes
	MailboxStart, MailboxEnd int
}

// Move is MOVE or UID MOVE (rfc6851).
type Move struct{ Copy }

// Expunge is EXPUNGE (without a set) or UID EXPUNGE.
type Expunge struct {
	UID              bool
	Set              imap.SeqSet
	Saved            bool // the set is "$", the result that SEARCH saved; Set is nil
	SetStart, SetEnd int
}

// Append is APPEND, up to its first message.
type Append struct {
	Mailbox                  string
	MailboxStart, MailboxEnd int
	Message
}

// Message is what APPEND says of a message before its octets.
type Message struct {
	Flags   []string
	Date    string // as written, without quotes; empty if there is none
	Size    int64
	NonSync bool
	Binary  bool // a literal8: it may hold NUL
}

// NextMessage is a further message of an APPEND, up to its octets.
type NextMessage struct {
	Message
	Raw     []byte // what came, from the octet behind the message before
	Literal Literal
}

// Mailbox is CREATE, DELETE, SUBSCRIBE or UNSUBSCRIBE.
type Mailbox struct {
	Name       string
	Start, End int
	Uses       []string // of CREATE … (USE …), as written
}

// Rename is RENAME.
type Rename struct{ From, To string }

// List is LIST or LSUB.
type List struct {
	Reference              string
	Patterns               []string
	Extended               bool     // there are options, or patterns in parentheses
	Select, Return         []string // options, upper case
	Status                 []string // items of the return option STATUS, upper case; nil without it
	StatusStart, StatusEnd int      // of the items, between the parentheses
}

// ID is ID. Params is nil for NIL; names are in lower case, fields with the value NIL are left out.
type ID struct{ Params map[string]string }

// BadError says that a command was refused and has been read to its end: the client is to be
// answered "Tag BAD Text", and goes on.
type BadError struct{ Tag, Text string }

func (e *BadError) Error() string { return e.Tag + " BAD " + e.Text }
