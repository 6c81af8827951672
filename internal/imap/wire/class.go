package wire

// Class of an octet at the lexical level.
type Class uint8

// The classes. Every octet has exactly one.
const (
	Run     Class = iota // part of a run: atoms, numbers, flags, and whatever else is not below
	Blank                // SP
	Paren                // ( )
	Bracket              // [ ]
	Quote                // "
	Brace                // {
	Return               // CR
	Feed                 // LF
)

// classes is indexed by octet. class_test.go derives it again from the ABNF of RFC 9051 §9.
var classes = [256]Class{
	' ': Blank, '(': Paren, ')': Paren, '[': Bracket, ']': Bracket, '"': Quote, '{': Brace, '\r': Return, '\n': Feed,
}

// ClassOf returns the class of an octet.
func ClassOf(c byte) Class { return classes[c] }

// The sets of RFC 9051 §9 that parsers ask for, as bits of one table.
const (
	atomChar    = 1 << iota // ATOM-CHAR
	astringChar             // ASTRING-CHAR = ATOM-CHAR / resp-specials
	tagChar                 // ASTRING-CHAR except "+"; of 7 bits
	listChar                // list-char = ATOM-CHAR / list-wildcards / resp-specials
	textChar                // TEXT-CHAR = <any CHAR except CR and LF>
)

// sets is indexed by octet.
//
//	ATOM-CHAR     = <any CHAR except atom-specials>
//	atom-specials = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials
//
// deviates: octets from 0x80 on count as ATOM-CHAR and TEXT-CHAR, because clients send them in
// mailbox names and search strings, and servers in texts; what is wrong with them is the
// backend's to say. Not in tags: a server that refuses a tag answers without it, and the
// answer could not be told from news.
var sets = func() (t [256]uint8) {
	for i := range 256 {
		c := byte(i)
		ctl := c < 0x20 || c == 0x7f
		switch {
		case ctl, c == '(', c == ')', c == '{', c == ' ', c == '"', c == '\\':
		case c == '%', c == '*':
			t[i] |= listChar
		case c == ']':
			t[i] |= astringChar | tagChar | listChar
		case c == '+':
			t[i] |= atomChar | astringChar | listChar
		case c >= 0x80:
			t[i] |= atomChar | astringChar | listChar
		default:
			t[i] |= atomChar | astringChar | tagChar | listChar
		}
		if c != 0 && c != '\r' && c != '\n' {
			t[i] |= textChar
		}
	}
	return t
}()

// IsAtom reports whether c is an ATOM-CHAR.
func IsAtom(c byte) bool { return sets[c]&atomChar != 0 }

// IsAString reports whether c is an ASTRING-CHAR.
func IsAString(c byte) bool { return sets[c]&astringChar != 0 }

// IsTag reports whether c may stand in a tag.
func IsTag(c byte) bool { return sets[c]&tagChar != 0 }

// IsList reports whether c may stand in a LIST pattern that is not quoted.
func IsList(c byte) bool { return sets[c]&listChar != 0 }

// IsText reports whether c may stand in a quoted string or a text.
func IsText(c byte) bool { return sets[c]&textChar != 0 }
