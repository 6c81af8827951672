package message

import (
	"bytes"
	"fmt"
	"mime"
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
)

// headerField is a field of a message: free text, or addresses.
type headerField struct {
	name      string
	nodes     []node
	kind      fieldKind
	addresses []addressTemplate
}

type fieldKind uint8

const (
	freeText   fieldKind = iota // encoded where it must be (rfc2047 §5)
	structured                  // ASCII, never encoded
	addressed
)

// addressTemplate is an address whose name and mailbox may hold tags. Their values cannot
// become another address: that is decided when the template is compiled.
type addressTemplate struct{ name, spec []node }

// kindOf says what a field holds; owned ones are written by the system, or speak of a way
// that an injected message never went: in a source they are refused, because what they say
// would be ignored or wrong.
func kindOf(name string) (kind fieldKind, ctx context, owned bool) {
	switch n := strings.ToLower(name); n {
	case "from", "to", "cc", "reply-to", "sender":
		return addressed, nil, false
	case "list-unsubscribe", "list-help", "list-subscribe", "list-post", "list-owner", "list-archive":
		return structured, &listContext{}, false
	case "references", "in-reply-to", "list-unsubscribe-post":
		return structured, noContext{}, false
	case "date", "message-id", "list-id", "received", "return-path", "bcc", "auto-submitted", "precedence",
		"delivered-to", "x-original-to", "dkim-signature", "authentication-results", "received-spf":
		return 0, nil, true
	default:
		owned = strings.HasPrefix(n, "x-inlay-") || strings.HasPrefix(n, "resent-") || strings.HasPrefix(n, "arc-")
		return freeText, plainContext{}, owned
	}
}

// once are fields that a message has at most once (rfc5322 §3.6).
func once(name string) bool {
	switch strings.ToLower(name) {
	case "from", "sender", "reply-to", "to", "cc", "subject", "in-reply-to", "references":
		return true
	}
	return false
}

// header compiles the fields of the message, but for those that its body needs.
func (c *templateCompiler) header(e *entity) (out []headerField) {
	seen := map[string]bool{}
	for _, f := range e.fields {
		line := c.lineOf(f.raw)
		lower := strings.ToLower(f.name)
		if f.name == "" || strings.ContainsFunc(f.name, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			c.problem(&SourceError{Where: "the header", Line: line, Column: 1, Reason: "this line is no header field (the header ends at the first empty line)"})
			continue
		}
		kind, ctx, owned := kindOf(f.name)
		switch {
		case owned:
			c.problem(&SourceError{Where: "the header field " + f.name, Line: line, Column: 1, Reason: "it is written by the system and cannot be set: take it out"})
			continue
		case seen[lower] && once(f.name):
			c.problem(&SourceError{Where: "the header field " + f.name, Line: line, Column: 1, Reason: "it is there twice"})
			continue
		}
		seen[lower] = true
		if strings.HasPrefix(lower, "content-") || lower == "mime-version" {
			continue
		}
		h, err := c.field(f, kind, ctx, line)
		if err != nil {
			c.problem(err)
			continue
		}
		out = append(out, h)
	}
	for _, name := range []string{"From", "Subject"} {
		if !seen[strings.ToLower(name)] {
			c.problem(fmt.Errorf("the header field %s is missing", name))
		}
	}
	return out
}

func (c *templateCompiler) field(f field, kind fieldKind, ctx context, line int) (h headerField, err error) {
	h = headerField{name: f.name, kind: kind}
	p := newPassage(f.folded(), "the header field "+f.name, line, 1)
	p.column += utf8.RuneCount(f.raw) - utf8.RuneCountInString(strings.TrimSuffix(p.src, "\r\n"))
	if bytes.HasSuffix(f.raw, []byte("\r\n")) {
		p.column -= 2
	}
	if !utf8.ValidString(p.src) {
		return h, p.errorf(0, "it is not UTF-8: write it as UTF-8 or as an encoded word (RFC 2047)")
	}
	switch kind {
	case addressed:
		h.addresses, err = compileAddresses(p, &c.vars)
	case freeText:
		if strings.Contains(p.src, "=?") {
			p = newPassage(decodeWords(strings.ReplaceAll(p.src, "\r\n", "")), "the decoded header field "+f.name, line, p.column)
		}
		h.nodes, err = compileText(p, ctx, &c.vars)
	default:
		h.nodes, err = compileText(p, ctx, &c.vars)
	}
	return h, err
}

// compileAddresses compiles a list of addresses. Its tags are set aside as words that occur
// nowhere else, the list is read, and the tags put back where the words are. A tag that stands
// alone, or alone between angle brackets, is a whole mailbox.
func compileAddresses(p *passage, vars *variables) ([]addressTemplate, error) {
	word := "tag"
	for strings.Contains(p.src, word) {
		word += "x"
	}
	var b strings.Builder
	var tags []node
	c := &compiler{passage: p, ctx: plainContext{}, vars: vars, known: map[string]bool{}}
	for at := 0; ; {
		t, found, err := p.nextTag(at)
		if err != nil {
			return nil, err
		}
		if !found {
			b.WriteString(p.src[at:])
			break
		}
		if !t.output {
			return nil, p.errorf(t.start, "conditions cannot stand in a field of addresses: use the filter default")
		}
		if len(tags) == maxFilters {
			return nil, p.errorf(t.start, "more than %d tags in a field of addresses", maxFilters)
		}
		n, err := c.output(t)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s%s%dz", p.src[at:t.start], word, len(tags))
		if standsAlone(p.src[:t.start], p.src[t.end:]) {
			b.WriteString("@" + word)
		}
		tags = append(tags, n)
		at = t.end
	}
	parser := mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: charset.Reader}}
	list, err := parser.ParseList(strings.ReplaceAll(b.String(), "\r\n", ""))
	if err != nil {
		return nil, p.errorf(0, "this is no list of addresses (like Name <mailbox@example.org>): %s", strings.TrimPrefix(err.Error(), "mail: "))
	}
	out := make([]addressTemplate, len(list))
	for i, a := range list {
		out[i] = addressTemplate{name: putBack(a.Name, word, tags), spec: putBack(strings.TrimSuffix(a.Address, "@"+word), word, tags)}
	}
	return out, nil
}

func standsAlone(before, after string) bool {
	before, after = strings.TrimRight(before, " \t\r\n"), strings.TrimLeft(after, " \t\r\n")
	if strings.HasSuffix(before, "<") {
		return strings.HasPrefix(after, ">")
	}
	return (before == "" || strings.HasSuffix(before, ",")) && (after == "" || strings.HasPrefix(after, ","))
}

func putBack(s, word string, tags []node) (out []node) {
	for i, n := range tags {
		before, after, found := strings.Cut(s, fmt.Sprintf("%s%dz", word, i))
		if !found {
			continue
		}
		out = append(out, literal(before), n)
		s = after
	}
	if s == "" {
		return out
	}
	return append(out, literal(s))
}
