package command

import (
	"slices"
	"strings"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/wire"
)

// macros of RFC 3501 §6.4.5.
var macros = map[string][]string{
	"ALL":  {"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"},
	"FAST": {"FLAGS", "INTERNALDATE", "RFC822.SIZE"},
	"FULL": {"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"},
}

var fetchItems = map[string]bool{
	"FLAGS": true, "UID": true, "INTERNALDATE": true, "RFC822.SIZE": true, "ENVELOPE": true, "BODY": true,
	"BODYSTRUCTURE": true, "RFC822": true, "RFC822.HEADER": true, "RFC822.TEXT": true,
}

// fetchExtensions are items of extensions that are not offered.
var fetchExtensions = []string{"MODSEQ", "BINARY", "PREVIEW", "SNIPPET", "EMAILID", "THREADID", "SAVEDATE", "X-"}

// fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
func (p *parser) fetch(uid bool) (any, error) {
	a := Fetch{UID: uid}
	err := p.space()
	if err == nil {
		a.Set, a.SetStart, a.SetEnd, err = p.set()
	}
	if err == nil {
		err = p.space()
	}
	if err != nil {
		return nil, err
	}
	a.ItemsStart = p.i
	if p.try('(') {
		for {
			it, err := p.fetchAtt()
			if err != nil {
				return nil, err
			}
			if a.Items = append(a.Items, it); len(a.Items) > p.lim.Items {
				return nil, p.fail("fewer items")
			}
			if p.try(')') {
				break
			}
			if err := p.space(); err != nil {
				return nil, err
			}
			if p.try(')') { // a space before it: seen from clients, let through by servers
				break
			}
		}
	} else {
		start := p.i
		word := strings.ToUpper(p.while(wire.IsAtom))
		if m, ok := macros[word]; ok {
			for _, name := range m {
				a.Items = append(a.Items, FetchItem{Name: name, Raw: name})
			}
		} else {
			p.i = start
			it, err := p.fetchAtt()
			if err != nil {
				return nil, err
			}
			a.Items = []FetchItem{it}
		}
	}
	a.ItemsEnd = p.i
	if p.peek() == ' ' {
		if p.try(' '); p.peek() == '(' {
			return nil, unsupported{"a modifier of FETCH"}
		}
	}
	return &a, p.end()
}

// fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822" [".HEADER" / ".SIZE" / ".TEXT"] /
//
//	"BODY" ["STRUCTURE"] / "UID" / "BODY" section ["<" number "." nz-number ">"] /
//	"BODY.PEEK" section ["<" number "." nz-number ">"]
func (p *parser) fetchAtt() (FetchItem, error) {
	start := p.i
	name := strings.ToUpper(p.while(func(c byte) bool { return wire.IsAtom(c) && c != '[' && c != '<' }))
	if p.peek() != '[' || name != "BODY" && name != "BODY.PEEK" {
		if fetchItems[name] {
			return FetchItem{Name: name, Raw: string(p.b[start:p.i])}, nil
		}
		for _, ext := range fetchExtensions {
			if strings.HasPrefix(name, ext) {
				return FetchItem{}, unsupported{"FETCH item " + name}
			}
		}
		return FetchItem{}, p.fail("an item of FETCH")
	}
	p.i++
	sec, err := p.section()
	if err != nil {
		return FetchItem{}, err
	}
	if p.try('<') {
		if sec.Partial, err = p.partial(); err != nil {
			return FetchItem{}, err
		}
	}
	return FetchItem{Name: "BODY[]", Section: sec, Peek: name == "BODY.PEEK", Raw: string(p.b[start:p.i])}, nil
}

// section      = "[" [section-spec] "]"
// section-spec = section-msgtext / (section-part ["." section-text])
func (p *parser) section() (*imap.Section, error) {
	var s imap.Section
	for '0' <= p.peek() && p.peek() <= '9' {
		n, err := p.number()
		if err != nil || n == 0 {
			return nil, p.fail("a part number")
		}
		if s.Part = append(s.Part, uint32(n)); len(s.Part) > p.lim.Nesting {
			return nil, p.fail("fewer part numbers")
		}
		if !p.try('.') {
			return &s, p.char(']')
		}
	}
	if p.try(']') {
		if len(s.Part) > 0 {
			return nil, p.fail("a part number") // "[1.]"
		}
		return &s, nil
	}
	word := strings.ToUpper(p.while(func(c byte) bool { return wire.IsAtom(c) && c != ']' }))
	s.Specifier = imap.Specifier(word)
	switch s.Specifier {
	case imap.Header, imap.Text:
		return &s, p.char(']')
	case imap.MIME:
		if len(s.Part) == 0 {
			return nil, p.fail("a part number before MIME")
		}
		return &s, p.char(']')
	case imap.HeaderFields, imap.HeaderFieldsNot:
		if err := p.space(); err != nil {
			return nil, err
		}
		if err := p.char('('); err != nil {
			return nil, err
		}
		for {
			f, err := p.astring()
			if err != nil {
				return nil, err
			}
			if s.Fields = append(s.Fields, f); len(s.Fields) > p.lim.Items {
				return nil, p.fail("fewer header fields")
			}
			if p.try(')') {
				return &s, p.char(']')
			}
			if err := p.space(); err != nil {
				return nil, err
			}
		}
	}
	return nil, p.fail("a section")
}

// partial takes number "." nz-number ">".
func (p *parser) partial() (*imap.Partial, error) {
	off, err := p.number()
	if err != nil {
		return nil, err
	}
	if err := p.char('.'); err != nil {
		return nil, err
	}
	n, err := p.number()
	if err != nil || n == 0 {
		return nil, p.fail("a number above 0")
	}
	return &imap.Partial{Offset: uint32(off), Count: uint32(n)}, p.char('>')
}

// store           = "STORE" SP sequence-set SP store-att-flags
// store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
func (p *parser) store(uid bool) (any, error) {
	a := Store{UID: uid, Op: '='}
	err := p.space()
	if err == nil {
		a.Set, a.SetStart, a.SetEnd, err = p.set()
	}
	if err == nil {
		err = p.space()
	}
	if err != nil {
		return nil, err
	}
	if p.peek() == '(' {
		return nil, unsupported{"a modifier of STORE"}
	}
	if c := p.peek(); c == '+' || c == '-' {
		a.Op = c
		p.i++
	}
	word, err := p.atom()
	if err != nil {
		return nil, err
	}
	switch strings.ToUpper(word) {
	case "FLAGS":
	case "FLAGS.SILENT":
		a.Silent = true
	default:
		return nil, p.fail("FLAGS or FLAGS.SILENT")
	}
	if err := p.space(); err != nil {
		return nil, err
	}
	a.FlagsStart = p.i
	if p.peek() == '(' {
		if a.Flags, err = p.flagList(); err != nil {
			return nil, err
		}
	} else {
		for {
			f, err := p.flag()
			if err != nil {
				return nil, err
			}
			a.Flags = append(a.Flags, f)
			if len(a.Flags) > p.lim.Items {
				return nil, p.fail("fewer flags")
			}
			if p.peek() != ' ' {
				break
			}
			if err := p.space(); err != nil {
				return nil, err
			}
		}
	}
	a.FlagsEnd = p.i
	if slices.ContainsFunc(a.Flags, func(f string) bool { return strings.EqualFold(f, `\Recent`) }) {
		return nil, p.fail(`a flag that may be stored, not \Recent,`)
	}
	return &a, p.end()
}

// flag-list = "(" [flag *(SP flag)] ")"
func (p *parser) flagList() ([]string, error) {
	if err := p.char('('); err != nil {
		return nil, err
	}
	var flags []string
	for {
		for p.try(' ') {
		}
		if p.try(')') {
			return flags, nil
		}
		f, err := p.flag()
		if err != nil {
			return nil, err
		}
		if flags = append(flags, f); len(flags) > p.lim.Items {
			return nil, p.fail("fewer flags")
		}
	}
}

// flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
func (p *parser) flag() (string, error) {
	prefix := ""
	if p.try('\\') {
		prefix = `\`
	}
	a, err := p.atom()
	return prefix + a, err
}

// copy = "COPY" SP sequence-set SP mailbox
func (p *parser) copy(uid bool) (any, error) {
	a := Copy{UID: uid}
	err := p.space()
	if err == nil {
		a.Set, a.SetStart, a.SetEnd, err = p.set()
	}
	if err == nil {
		err = p.space()
	}
	if err == nil {
		a.Mailbox, a.MailboxStart, a.MailboxEnd, err = p.mailbox()
	}
	if err == nil {
		err = p.end()
	}
	return &a, err
}

// expunge = "EXPUNGE"; uid-expunge = "UID" SP "EXPUNGE" SP sequence-set      (rfc4315 §2.1)
func (p *parser) expunge(uid bool) (any, error) {
	a := Expunge{UID: uid, SetStart: p.i, SetEnd: p.i}
	if uid {
		err := p.space()
		if err == nil {
			a.Set, a.SetStart, a.SetEnd, err = p.set()
		}
		if err != nil {
			return nil, err
		}
	}
	return &a, p.end()
}
