package command

import (
	"fmt"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/wire"
)

// unsupported is the error of syntax that belongs to an extension that is not offered.
type unsupported struct{ what string }

func (u unsupported) Error() string { return u.what + " is not offered" }

// parser walks over a held command.
type parser struct {
	b    []byte
	i    int
	lits []Literal
	lim  Limits
}

// parser starts behind the command's name.
func (r *Reader) parser(c *Command) *parser {
	return &parser{b: c.Raw, i: len(c.Tag) + 1 + len(c.Name), lits: c.Literals, lim: r.lim}
}

func (p *parser) arguments(name string) (any, error) {
	uid := strings.HasPrefix(name, "UID ")
	switch strings.TrimPrefix(name, "UID ") {
	case "LOGIN":
		return p.login()
	case "AUTHENTICATE":
		return p.authenticate()
	case "SELECT", "EXAMINE":
		return p.selectArgs(name == "EXAMINE")
	case "STATUS":
		return p.status()
	case "FETCH":
		return p.fetch(uid)
	case "STORE":
		return p.store(uid)
	case "SEARCH":
		return p.search(uid)
	case "COPY":
		return p.copy(uid)
	case "EXPUNGE":
		return p.expunge(uid)
	case "APPEND":
		return nil, p.fail("a message as a literal")
	case "CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE":
		return p.mailboxArg()
	case "RENAME":
		return p.rename()
	case "LIST", "LSUB":
		return p.list()
	case "ID":
		return p.id()
	}
	return nil, p.end()
}

func (p *parser) peek() byte {
	if p.i >= len(p.b) {
		return '\n'
	}
	return p.b[p.i]
}

// fail gives what was expected, and where.
func (p *parser) fail(want string) error {
	return fmt.Errorf("%s expected at octet %d", want, p.i+1)
}

func (p *parser) char(c byte) error {
	if p.peek() != c || p.i >= len(p.b) {
		return p.fail(strconv.QuoteRune(rune(c)))
	}
	p.i++
	return nil
}

func (p *parser) try(c byte) bool {
	if p.i < len(p.b) && p.b[p.i] == c {
		p.i++
		return true
	}
	return false
}

// space takes SP; further ones are let through, as servers do.
func (p *parser) space() error {
	if !p.try(' ') {
		return p.fail("a space")
	}
	for p.try(' ') {
	}
	return nil
}

// end takes trailing spaces and the line's end.
func (p *parser) end() error {
	for p.try(' ') {
	}
	p.try('\r')
	if !p.try('\n') || p.i != len(p.b) {
		return p.fail("the end of the line")
	}
	return nil
}

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

// astring takes a string of any form.
//
//	astring = 1*ASTRING-CHAR / string
func (p *parser) astring() (string, error) {
	switch p.peek() {
	case '"', '{', '~':
		if s, ok, err := p.str(); ok || err != nil {
			return s, err
		}
	}
	s := p.while(wire.IsAString)
	if s == "" {
		return "", p.fail("a string")
	}
	return s, nil
}

// str takes a quoted string or a literal, if there is one.
func (p *parser) str() (s string, ok bool, err error) {
	for _, l := range p.lits {
		if l.Pos == p.i {
			if l.Binary {
				return "", false, unsupported{"BINARY"}
			}
			start := l.Pos + l.Len
			end := start + int(l.Size)
			if end > len(p.b) {
				return "", false, p.fail("a literal")
			}
			for _, c := range p.b[start:end] {
				if c == 0 {
					return "", false, p.fail("a literal without NUL")
				}
			}
			p.i = end
			return string(p.b[start:end]), true, nil
		}
	}
	if p.peek() != '"' {
		return "", false, nil
	}
	var out []byte
	for i := p.i + 1; i < len(p.b); i++ {
		c := p.b[i]
		switch {
		case c == '"':
			p.i = i + 1
			return string(out), true, nil
		case c == '\\' && i+1 < len(p.b) && (p.b[i+1] == '"' || p.b[i+1] == '\\'):
			i++
			out = append(out, p.b[i])
		case c == '\\' || !wire.IsText(c):
			p.i = i
			return "", false, p.fail("a character that may be quoted")
		default:
			out = append(out, c)
		}
	}
	return "", false, p.fail("the end of a quoted string")
}

// mailbox takes a mailbox name and gives it in UTF-8, with its place.
func (p *parser) mailbox() (name string, start, end int, err error) {
	start = p.i
	name, err = p.astring()
	return imap.CanonicalMailbox(imap.DecodeMailbox(name)), start, p.i, err
}

// set takes a sequence set, with its place.
func (p *parser) set() (set imap.SeqSet, start, end int, err error) {
	start = p.i
	raw := p.while(func(c byte) bool { return '0' <= c && c <= '9' || c == '*' || c == ':' || c == ',' })
	if p.peek() == '$' {
		return nil, start, p.i, unsupported{"SEARCHRES"}
	}
	set, err = imap.ParseSeqSet([]byte(raw), p.lim.Ranges)
	return set, start, p.i, err
}

// number takes a number of 32 bits.
func (p *parser) number() (uint64, error) {
	s := p.while(func(c byte) bool { return '0' <= c && c <= '9' })
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, p.fail("a number from 0 to 4294967295")
	}
	return n, nil
}

// login = "LOGIN" SP userid SP password
func (p *parser) login() (any, error) {
	var a Login
	err := p.space()
	if err == nil {
		a.User, err = p.astring()
	}
	if err == nil {
		err = p.space()
	}
	if err == nil {
		a.Password, err = p.astring()
	}
	if err == nil {
		err = p.end()
	}
	if err == nil && a.User == "" {
		err = fmt.Errorf("the user name is empty")
	}
	return &a, err
}

// rename = "RENAME" SP mailbox SP mailbox
func (p *parser) rename() (any, error) {
	var a Rename
	err := p.space()
	if err == nil {
		a.From, _, _, err = p.mailbox()
	}
	if err == nil {
		err = p.space()
	}
	if err == nil {
		a.To, _, _, err = p.mailbox()
	}
	if err == nil {
		err = p.end()
	}
	return &a, err
}

func (p *parser) mailboxArg() (any, error) {
	var a Mailbox
	err := p.space()
	if err == nil {
		a.Name, a.Start, a.End, err = p.mailbox()
	}
	if err == nil && p.peek() == ' ' {
		if p.try(' '); p.peek() == '(' {
			return nil, unsupported{"a parameter of CREATE"}
		}
	}
	if err == nil {
		err = p.end()
	}
	return &a, err
}

// list         = "LIST" SP mailbox SP list-mailbox
// list-mailbox = 1*list-char / string
func (p *parser) list() (any, error) {
	var a List
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.peek() == '(' {
		return nil, unsupported{"LIST-EXTENDED"}
	}
	var err error
	if a.Reference, _, _, err = p.mailbox(); err != nil {
		return nil, err
	}
	if err := p.space(); err != nil {
		return nil, err
	}
	switch p.peek() {
	case '(':
		return nil, unsupported{"LIST-EXTENDED"}
	case '"', '{':
		if a.Pattern, _, err = p.str(); err != nil {
			return nil, err
		}
	default:
		if a.Pattern = p.while(wire.IsList); a.Pattern == "" {
			return nil, p.fail("a pattern")
		}
	}
	if p.peek() == ' ' {
		p.try(' ')
		if len(p.b)-p.i > 6 && strings.EqualFold(string(p.b[p.i:p.i+6]), "RETURN") {
			return nil, unsupported{"LIST-EXTENDED"}
		}
	}
	return &a, p.end()
}

// id           = "ID" SP id-params-list      (rfc2971 §4)
// id-params-list = "(" *(string SP nstring) ")" / nil
func (p *parser) id() (any, error) {
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.peek() != '(' {
		a, err := p.atom()
		if err != nil || !strings.EqualFold(a, "NIL") {
			return nil, p.fail("a list or NIL")
		}
		return &ID{}, p.end()
	}
	p.i++
	params := map[string]string{}
	for n := 0; ; n++ {
		for p.try(' ') {
		}
		if p.try(')') {
			break
		}
		// rfc2971 §3.3: at most 30 pairs, names of 30 octets, values of 1024.
		if n == 30 {
			return nil, fmt.Errorf("more than 30 fields")
		}
		key, err := p.astring()
		if err != nil {
			return nil, err
		}
		if err := p.space(); err != nil {
			return nil, err
		}
		value, err := p.astring()
		if err != nil {
			return nil, err
		}
		if len(key) > 30 || len(value) > 1024 {
			return nil, fmt.Errorf("a field's name of more than 30 or value of more than 1024 octets")
		}
		params[strings.ToLower(key)] = value
	}
	return &ID{Params: params}, p.end()
}
