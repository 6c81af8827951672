package message

import "strings"

// address as ENVELOPE has it: raw, encoded words not decoded.
type address struct {
	name, route, mailbox, host *string // nil: NIL
	group                      bool    // the beginning or the end of one
}

// What stands for the parts of an address that are missing, in Dovecot's words: clients that
// show an address must show something.
const (
	missingMailbox = "MISSING_MAILBOX"
	missingDomain  = "MISSING_DOMAIN"
	syntaxError    = "SYNTAX_ERROR"
	invalidRoute   = "INVALID_ROUTE"
)

// maxAddresses bounds the addresses of one message's field.
const maxAddresses = 10_000

// addressList reads a list of addresses. One that lacks parts is told with them missing; the
// list ends where neither a comma nor the end follows, as it does for Dovecot.
//
//	address-list = (address *("," address)) / obs-addr-list     rfc5322 §3.4, §4.4
func addressList(s string, out []address) []address {
	p := addressParser{scanner: scanner{s: s}, out: out}
	more, ok := p.space()
	for more && ok && len(p.out) < maxAddresses {
		if !p.group() {
			p.mailbox()
		}
		if p.s == "" || p.s[0] != ',' {
			break
		}
		p.s = p.s[1:]
		more, ok = p.space()
	}
	return p.out
}

type addressParser struct {
	scanner
	out []address
}

// add adds an address, with something for what it lacks.
func (p *addressParser) add(a address) {
	if !a.group {
		if a.mailbox == nil {
			a.mailbox = ptr(missingMailbox)
		}
		if a.host == nil || *a.host == "" {
			a.host = ptr(missingDomain)
		}
	}
	p.out = append(p.out, a)
}

func ptr(s string) *string { return &s }

// group = display-name ":" [mailbox-list / CFWS] ";" [CFWS]. Nothing is taken if there is none.
func (p *addressParser) group() bool {
	start := p.s
	name, more, ok := p.phrase()
	if !more || !ok || p.s[0] != ':' {
		p.s = start
		return false
	}
	p.s = p.s[1:]
	more, ok = p.space()
	p.add(address{mailbox: &name, group: true})
	if more && ok && p.s[0] != ';' {
		for len(p.out) < maxAddresses {
			p.mailbox()
			if p.s == "" || p.s[0] != ',' {
				break
			}
			p.s = p.s[1:]
			if more, ok = p.space(); !more || !ok {
				break
			}
		}
	}
	if p.s != "" && p.s[0] == ';' {
		p.s = p.s[1:]
		p.space()
	}
	p.add(address{group: true})
	return true
}

// mailbox = name-addr / addr-spec
func (p *addressParser) mailbox() {
	start := p.s
	name, more, ok := p.phrase()
	if more && ok && p.s[0] == '<' {
		var a address
		if name != "" {
			a.name = &name
		}
		if !p.angle(&a) {
			a.host = ptr(syntaxError)
		}
		p.add(a)
		return
	}
	p.s = start
	p.add(p.addrSpec())
}

// phrase = 1*word / obs-phrase, words being put apart by one space.
func (p *addressParser) phrase() (value string, more, ok bool) {
	if p.s == "" {
		return "", false, true
	}
	if p.s[0] == '.' {
		return "", true, false
	}
	for b := (strings.Builder{}); ; b.WriteByte(' ') {
		var w string
		if p.s[0] == '"' {
			w, more, ok = p.quoted()
		} else {
			w, more, ok = p.word(isAtextOrDot)
		}
		b.WriteString(w)
		if !more || !ok || !isAtextOrDot(p.s[0]) && p.s[0] != '"' {
			return b.String(), more, ok
		}
	}
}

// angle-addr = "<" [ "@" domain *("," "@" domain) ":" ] [ local-part "@" domain ] ">"
func (p *addressParser) angle(a *address) bool {
	p.s = p.s[1:]
	if more, ok := p.space(); !more || !ok {
		return false
	}
	if p.s[0] == '@' {
		route, ok := p.route()
		a.route = &route
		if !ok {
			a.route = ptr(invalidRoute)
		}
		if more, ok := p.space(); !more || !ok {
			return false
		}
	}
	if p.s[0] != '>' {
		local, more, ok := p.localPart()
		if local != nil {
			a.mailbox = local
		}
		if !more || !ok {
			return false
		}
		if p.s[0] == '@' {
			host, more, ok := p.domain()
			if !more || !ok {
				return false
			}
			a.host = &host
		}
	}
	if p.s[0] != '>' {
		return false
	}
	p.s = p.s[1:]
	p.space()
	return true
}

// route takes the obsolete list of hosts up to its colon.
func (p *addressParser) route() (string, bool) {
	route := ""
	for p.s != "" && p.s[0] == '@' {
		host, more, ok := p.domain()
		if !ok {
			return "", false
		}
		if route != "" {
			route += ","
		}
		route += "@" + host
		if !more {
			return "", false
		}
		for p.s != "" && p.s[0] == ',' {
			p.s = p.s[1:]
			if more, ok := p.space(); !more || !ok {
				return "", false
			}
		}
	}
	if p.s == "" || p.s[0] != ':' {
		return "", false
	}
	p.s = p.s[1:]
	return route, true
}

// addr-spec = local-part "@" domain; a comment behind it is its name. Words without a domain
// are a name, but for a single one, which is a mailbox.
func (p *addressParser) addrSpec() (a address) {
	p.comment = ""
	start := p.s
	local, more, ok := p.localPart()
	a.mailbox = local
	domain := false
	if p.s != "" && p.s[0] == '@' && (more || !ok) {
		domain = true
		host, _, ok := p.domain()
		if ok {
			a.host = &host
		}
	}
	switch {
	case p.comment != "":
		a.name = ptr(p.comment)
	case !domain:
		read := start[:len(start)-len(p.s)]
		if rest, _, _ := p.phrase(); rest != "" {
			a.name, a.mailbox = ptr(asPhrase(read)+" "+rest), nil
		} else if a.mailbox != nil && len(start) > 0 && start[0] == '"' {
			a.name, a.mailbox = a.mailbox, nil
		}
	}
	return a
}

// asPhrase gives the words of what was read as a local part.
func asPhrase(read string) string {
	p := addressParser{scanner: scanner{s: read}}
	local, _, _ := p.localPart()
	if local != nil {
		return *local
	}
	p = addressParser{scanner: scanner{s: read}}
	return p.take(isAtextOrDot)
}

// local-part = dot-atom / quoted-string / obs-local-part, with dots anywhere: there are
// mailboxes like that, above all in Japan. It is nil where there is none.
func (p *addressParser) localPart() (local *string, more, ok bool) {
	if p.s != "" && p.s[0] == '"' {
		v, more, ok := p.quoted()
		if !ok {
			return nil, more, ok
		}
		return &v, more, ok
	}
	var b strings.Builder
	value := func() *string { return ptr(b.String()) }
	for {
		for p.s != "" && p.s[0] == '.' {
			b.WriteByte('.')
			if p.s = p.s[1:]; p.s == "" {
				return value(), false, true
			}
		}
		if p.s == "" || p.s[0] == '@' {
			break
		}
		if !isAtext(p.s[0]) {
			return nil, true, false
		}
		var w string
		w, more, ok = p.word(isAtext)
		b.WriteString(w)
		if !ok {
			return nil, more, ok
		}
		if !more || p.s[0] != '.' {
			return value(), more, true
		}
	}
	if b.Len() == 0 {
		return nil, p.s != "", false
	}
	return value(), p.s != "", true
}

// domain = "@" (dot-atom / domain-literal), with white space around dots.
func (p *addressParser) domain() (host string, more, ok bool) {
	p.s = p.s[1:]
	if more, ok = p.space(); !more || !ok {
		return "", more, false
	}
	if p.s[0] == '[' {
		return p.domainLiteral()
	}
	for b := (strings.Builder{}); ; {
		if !isAtext(p.s[0]) {
			return "", true, false
		}
		var w string
		w, more, ok = p.word(isAtext)
		b.WriteString(w)
		if !ok || !more || p.s[0] != '.' {
			return b.String(), more, ok
		}
		b.WriteByte('.')
		p.s = p.s[1:]
		if more, ok = p.space(); !more || !ok {
			return "", more, false
		}
	}
}

func (p *addressParser) domainLiteral() (host string, more, ok bool) {
	for i := 1; i < len(p.s); i++ {
		switch p.s[i] {
		case '\\':
			i++
		case '[':
			return "", true, false
		case ']':
			host, p.s = p.s[:i+1], p.s[i+1:]
			more, ok = p.space()
			return host, more, ok
		}
	}
	return "", true, false
}
