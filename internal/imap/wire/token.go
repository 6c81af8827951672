package wire

// Kind of a token.
type Kind uint8

// The kinds.
const (
	Atom         Kind = iota // a run of octets that are nothing of the following
	Space                    // one SP
	Open                     // (
	Close                    // )
	OpenBracket              // [
	CloseBracket             // ]
	Quoted                   // a quoted string with its quotes
	LiteralHead              // {n}CRLF, {n+}CRLF, ~{n}CRLF
	LiteralData              // octets of a literal; none of an empty one
	Text                     // octets of a text line (NextText)
	CRLF                     // end of a line: CRLF, or a bare LF
	Stray                    // what fits nowhere: a bare CR, a { that starts no literal, a quoted string that nobody ended
)

var kindNames = [...]string{
	Atom: "Atom", Space: "Space", Open: "Open", Close: "Close", OpenBracket: "OpenBracket", CloseBracket: "CloseBracket",
	Quoted: "Quoted", LiteralHead: "LiteralHead", LiteralData: "LiteralData", Text: "Text", CRLF: "CRLF", Stray: "Stray",
}

// String returns the name of the kind.
func (k Kind) String() string { return kindNames[k] }

// Token is a piece of the stream.
type Token struct {
	Kind Kind
	Raw  []byte // never empty; valid until the next call of the Reader

	// More: the token does not end here. Of Quoted and LiteralData the next token goes on with
	// it. Of Atom and Text it may go on, if the next token is of the same kind: where the
	// buffer ends, nobody knows yet.
	More bool

	// Of LiteralHead.
	Size    int64 // octets that follow
	NonSync bool  // {n+}: they follow unasked (rfc7888 §4)
	Binary  bool  // ~{n}: they may hold NUL (rfc3516 §4.4)
}
