package command

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/wire"
)

// parsers are the commands that are understood, each with what takes its arguments; the UID
// forms are below "UID". APPEND is parsed at its message, see appendHead.
var parsers = map[string]func(*parser) (any, error){
	"CAPABILITY": (*parser).none, "NOOP": (*parser).none, "LOGOUT": (*parser).none, "STARTTLS": (*parser).none,
	"CHECK": (*parser).none, "CLOSE": (*parser).none, "UNSELECT": (*parser).none, "IDLE": (*parser).none, "NAMESPACE": (*parser).none,
	"AUTHENTICATE": (*parser).authenticate, "LOGIN": (*parser).login, "ID": (*parser).id, "ENABLE": (*parser).enable,
	"COMPRESS": (*parser).compress,
	"SELECT":   (*parser).selectMailbox, "EXAMINE": (*parser).examine, "STATUS": (*parser).status,
	"CREATE": (*parser).create, "DELETE": (*parser).mailboxArg, "SUBSCRIBE": (*parser).mailboxArg, "UNSUBSCRIBE": (*parser).mailboxArg,
	"RENAME": (*parser).rename, "LIST": (*parser).listMailboxes, "LSUB": (*parser).lsub,
	"GETQUOTA": (*parser).getQuota, "GETQUOTAROOT": (*parser).ofMailbox, "SETQUOTA": (*parser).setQuota,
	"GETACL": (*parser).ofMailbox, "SETACL": (*parser).setACL, "DELETEACL": (*parser).rightsOf, "LISTRIGHTS": (*parser).rightsOf,
	"MYRIGHTS": (*parser).ofMailbox, "GETMETADATA": (*parser).getMetadata, "SETMETADATA": (*parser).setMetadata,
	"APPEND": func(p *parser) (any, error) { return nil, p.fail("a message as a literal") },
	"FETCH":  (*parser).fetch, "STORE": (*parser).store, "SEARCH": (*parser).search, "COPY": (*parser).copy, "EXPUNGE": (*parser).expunge,
	"SORT": (*parser).sort, "UID SORT": (*parser).sort, "THREAD": (*parser).thread, "UID THREAD": (*parser).thread,
	"MOVE": (*parser).move, "UID MOVE": (*parser).move,
	"UID FETCH": (*parser).fetch, "UID STORE": (*parser).store, "UID SEARCH": (*parser).search, "UID COPY": (*parser).copy, "UID EXPUNGE": (*parser).expunge,
}

// parser walks over a held command.
type parser struct {
	name string // of the command
	b    []byte
	i    int
	lits []Literal
	lim  Limits
	uses []string // extensions, see Command.Uses
}

// parser starts behind the command's name.
func (r *Reader) parser(c *Command) *parser {
	return &parser{name: c.Name, b: c.Raw, i: len(c.Tag) + 1 + len(c.Name), lits: c.Literals, lim: r.lim}
}

func (p *parser) uid() bool { return strings.HasPrefix(p.name, "UID ") }

// use takes note of an extension whose syntax is used.
func (p *parser) use(extension string) {
	if !slices.Contains(p.uses, extension) {
		p.uses = append(p.uses, extension)
	}
}

// fail gives what was expected, and where.
func (p *parser) fail(want string) error {
	return fault.New(fault.Invalid, "%s expected at octet %d", want, p.i+1)
}

// tooMany is the error of a limit that was passed.
func (p *parser) tooMany(limit int, what string) error {
	return fault.New(fault.TooLarge, "more than %d %s at octet %d", limit, what, p.i+1)
}

// unsupported is the error of syntax that belongs to an extension that is not offered.
func unsupported(what string) error {
	return fault.New(fault.Unsupported, "%s is not offered", what)
}

// peek gives the next octet; at the end '\n', which is none of any syntax but the end's.
func (p *parser) peek() byte {
	if p.i >= len(p.b) {
		return '\n'
	}
	return p.b[p.i]
}

func (p *parser) try(c byte) bool {
	if p.i < len(p.b) && p.b[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *parser) char(c byte) error {
	if !p.try(c) {
		return p.fail(fmt.Sprintf("%q", c))
	}
	return nil
}

// spaces takes any number of spaces, and says whether there were any.
func (p *parser) spaces() bool {
	start := p.i
	for p.try(' ') {
	}
	return p.i > start
}

// space takes SP; further ones are let through, as servers do.
func (p *parser) space() error {
	if !p.spaces() {
		return p.fail("a space")
	}
	return nil
}

// end takes trailing spaces and the line's end.
func (p *parser) end() error {
	p.spaces()
	at := p.i
	p.try('\r')
	if !p.try('\n') || p.i != len(p.b) {
		p.i = at
		return p.fail("the end of the line")
	}
	return nil
}

// endWithout is end, and names a parenthesis there as what it is in an extension.
func (p *parser) endWithout(what string) error {
	if p.spaces() && p.peek() == '(' {
		return unsupported(what)
	}
	return p.end()
}

// none takes the arguments of a command that has none.
func (p *parser) none() (any, error) { return nil, p.end() }

func (p *parser) while(is func(byte) bool) string {
	start := p.i
	for p.i < len(p.b) && is(p.b[p.i]) {
		p.i++
	}
	return string(p.b[start:p.i])
}

// atom takes 1*ATOM-CHAR.
func (p *parser) atom() (string, error) {
	a := p.while(wire.IsAtom)
	if a == "" {
		return "", p.fail("an atom")
	}
	return a, nil
}

// list takes "(" item *(SP item) ")" of at most limit items; where empty, also "()".
func (p *parser) list(limit int, what string, empty bool, item func() error) error {
	if err := p.char('('); err != nil {
		return err
	}
	for n := 0; ; n++ {
		spaced := p.spaces()
		switch {
		case (n > 0 || empty) && p.try(')'):
			return nil
		case n > 0 && !spaced:
			return p.fail("a space or )")
		case n == limit:
			return p.tooMany(limit, what)
		}
		if err := item(); err != nil {
			return err
		}
	}
}

// astring takes a string of any form.
//
//	astring = 1*ASTRING-CHAR / string
func (p *parser) astring() (string, error) {
	if s, ok, err := p.str(); ok || err != nil {
		return s, err
	}
	s := p.while(wire.IsAString)
	if s == "" {
		return "", p.fail("a string")
	}
	return s, nil
}

// str takes a quoted string or a literal, if there is one.
//
//	string = quoted / literal
func (p *parser) str() (s string, ok bool, err error) {
	if l, ok := p.literalHere(); ok {
		s, err = p.literal(l)
		return s, err == nil, err
	}
	if p.peek() != '"' {
		return "", false, nil
	}
	s, err = p.quoted()
	return s, err == nil, err
}

// literalHere gives the literal whose head comes next.
func (p *parser) literalHere() (Literal, bool) {
	i, found := slices.BinarySearchFunc(p.lits, p.i, func(l Literal, at int) int { return cmp.Compare(l.Pos, at) })
	if !found {
		return Literal{}, false
	}
	return p.lits[i], true
}

// literal takes a literal that is held.
//
//	literal = "{" number ["+"] "}" CRLF *CHAR8
//	CHAR8   = %x01-ff
func (p *parser) literal(l Literal) (string, error) {
	if l.Binary {
		return "", unsupported("BINARY")
	}
	start := l.Pos + l.Len
	end := start + int(l.Size)
	if end > len(p.b) {
		return "", p.fail("a literal that is held") // APPEND's message
	}
	for i, c := range p.b[start:end] {
		if c == 0 {
			p.i = start + i
			return "", p.fail("no NUL")
		}
	}
	p.i = end
	return string(p.b[start:end]), nil
}

// quoted takes a quoted string.
//
//	quoted          = DQUOTE *QUOTED-CHAR DQUOTE
//	QUOTED-CHAR     = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials
//	quoted-specials = DQUOTE / "\"
func (p *parser) quoted() (string, error) {
	var out []byte
	for p.i++; p.i < len(p.b); p.i++ {
		c := p.b[p.i]
		switch {
		case c == '"':
			p.i++
			return string(out), nil
		case c == '\\' && p.i+1 < len(p.b) && (p.b[p.i+1] == '"' || p.b[p.i+1] == '\\'):
			p.i++
			out = append(out, p.b[p.i])
		case c == '\r' || c == '\n':
			return "", p.fail("the end of a quoted string")
		case c == '\\' || !wire.IsText(c):
			return "", p.fail("a character that may be quoted")
		default:
			out = append(out, c)
		}
	}
	return "", p.fail("the end of a quoted string")
}

// mailboxName is a mailbox name and its place.
type mailboxName struct {
	name       string // UTF-8, INBOX in upper case
	octets     string // as they came, without quotes
	start, end int
}

// mailbox takes a mailbox name.
//
//	mailbox = "INBOX" / astring
//
// A literal could hold a line's end. No server has such a mailbox, and a name without can be
// quoted wherever it is said again.
func (p *parser) mailbox() (mailboxName, error) {
	m := mailboxName{start: p.i}
	var err error
	if m.octets, err = p.astring(); err != nil {
		return m, err
	}
	end := p.i
	p.i = m.start // of what is wrong
	switch {
	case len(m.octets) > p.lim.Mailbox:
		return m, p.tooMany(p.lim.Mailbox, "octets of a mailbox name")
	case strings.ContainsAny(m.octets, "\r\n"):
		return m, p.fail("a mailbox name without a line's end")
	}
	p.i, m.end = end, end
	m.name = imap.CanonicalMailbox(imap.DecodeMailbox(m.octets))
	return m, nil
}

// spaceMailbox takes SP mailbox.
func (p *parser) spaceMailbox() (mailboxName, error) {
	if err := p.space(); err != nil {
		return mailboxName{}, err
	}
	return p.mailbox()
}

// set takes a sequence set, with its place; nil for "$".
//
//	sequence-set =/ seq-last-command      (rfc5182 §3)
//	seq-last-command = "$"
func (p *parser) set() (set imap.SeqSet, start, end int, err error) {
	start = p.i
	if p.try('$') {
		return nil, start, p.i, nil
	}
	raw := p.while(func(c byte) bool { return '0' <= c && c <= '9' || c == '*' || c == ':' || c == ',' })
	set, err = imap.ParseSeqSet([]byte(raw), p.lim.Ranges)
	if bad := (*imap.SetError)(nil); errors.As(err, &bad) {
		kind := fault.Invalid
		if bad.TooMany {
			kind = fault.TooLarge
		}
		return nil, start, p.i, fault.New(kind, "%s at octet %d", bad.Text, start+bad.Octet)
	}
	return set, start, p.i, err
}

// spaceSet takes SP sequence-set.
func (p *parser) spaceSet() (set imap.SeqSet, start, end int, err error) {
	if err := p.space(); err != nil {
		return nil, 0, 0, err
	}
	return p.set()
}

// number takes a number from lo to hi.
//
//	number    = 1*DIGIT
//	nz-number = digit-nz *DIGIT
func (p *parser) number(lo, hi uint64) (uint64, error) {
	start := p.i
	var n uint64
	ok := true
	for ; '0' <= p.peek() && p.peek() <= '9'; p.i++ {
		d := uint64(p.b[p.i] - '0')
		if n > (hi-d)/10 {
			ok = false
			continue
		}
		n = n*10 + d
	}
	if !ok || p.i == start || n < lo || lo > 0 && p.b[start] == '0' {
		p.i = start
		return 0, p.fail(fmt.Sprintf("a number from %d to %d", lo, hi))
	}
	return n, nil
}

const (
	max32 = math.MaxUint32 // of number and nz-number (rfc3501 §9)
	max63 = math.MaxInt64  // of number64 (rfc9051 §9)
)
