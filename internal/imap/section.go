package imap

// Specifier is the part of a section after its part numbers.
type Specifier string

// The specifiers of RFC 9051 §6.4.5; the empty one means the whole part.
const (
	WholePart       Specifier = ""
	Header          Specifier = "HEADER"
	HeaderFields    Specifier = "HEADER.FIELDS"
	HeaderFieldsNot Specifier = "HEADER.FIELDS.NOT"
	Text            Specifier = "TEXT"
	MIME            Specifier = "MIME"
)

// Section is what stands between the brackets of BODY[…]<…>.
type Section struct {
	Part      []uint32 // empty: the message itself
	Specifier Specifier
	Fields    []string // of HeaderFields and HeaderFieldsNot, as written
	Partial   *Partial
}

// Partial is <offset.count> of a request, in octets; Count is above 0 (rfc3501 §9).
type Partial struct{ Offset, Count uint32 }
