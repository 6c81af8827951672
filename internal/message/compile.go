package message

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
)

// templateCompiler goes through a source, and goes on behind what is wrong.
type templateCompiler struct {
	raw      []byte // of the whole source; all slices are of it
	vars     variables
	parts    int
	problems []error
}

func (c *templateCompiler) problem(err error) {
	if err != nil && len(c.problems) < maxProblems {
		c.problems = append(c.problems, err)
	}
}

// lineOf gives the line on which a slice of the source begins.
func (c *templateCompiler) lineOf(sub []byte) int {
	return 1 + bytes.Count(c.raw[:cap(c.raw)-cap(sub)], []byte("\n"))
}

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

// part is a MIME part of a template.
type part struct {
	kind     string // "multipart/related"; of text the type as written
	params   []param
	fields   []byte  // its other Content-… fields, as they stand
	children []*part // of a multipart
	isText   bool
	text     []node // of text
	body     []byte // of everything else, as it stands
}

func (p *part) hasText() bool {
	for _, c := range p.children {
		if c.hasText() {
			return true
		}
	}
	return p.isText
}

func (c *templateCompiler) part(e *entity, depth int) *part {
	p := &part{kind: e.kind + "/" + e.subkind, params: e.params}
	line := c.lineOf(e.body)
	at := func(format string, args ...any) {
		c.problem(&SourceError{Where: "the part", Line: line, Column: 1, Reason: fmt.Sprintf(format, args...)})
	}
	if c.parts++; c.parts > maxParts || depth > maxDepth {
		at("more than %d parts, or nested more than %d deep", maxParts, maxDepth)
		return p
	}
	if e.kind == "" || e.subkind == "" {
		at("its Content-Type cannot be read")
		return p
	}
	for _, x := range e.params {
		if name := strings.TrimRight(x.name, "*"); name == "" || !isASCII(name) || len(x.value) > 500 {
			at("its Content-Type has a parameter %.50q that cannot be used", x.name)
			return p
		}
	}
	disposition, _, _ := e.disposition()
	p.isText = (e.is("text", "plain") || e.is("text", "html")) && !strings.EqualFold(disposition, "attachment")
	c.contentFields(e, p)
	switch {
	case e.is("multipart", "signed"), e.is("multipart", "encrypted"):
		at("%s cannot be rendered: every person's message is another one", p.kind)
	case e.multipart && e.param("boundary") == "":
		at("a multipart needs a boundary")
	case e.multipart && len(e.children) == 0:
		at("the boundary --%s is nowhere", e.param("boundary"))
	case e.multipart && !e.closed:
		at("the closing boundary --%s-- is missing", e.param("boundary"))
	case e.multipart:
		for _, child := range e.children {
			p.children = append(p.children, c.part(child, depth+1))
		}
	case p.isText:
		c.textPart(e, p, at)
	default:
		c.opaquePart(e, p, at)
	}
	return p
}

// contentFields keeps the fields that are not made anew: of what is opaque, all.
func (c *templateCompiler) contentFields(e *entity, p *part) {
	for _, f := range e.fields {
		n := strings.ToLower(f.name)
		if !strings.HasPrefix(n, "content-") {
			continue
		}
		made := n == "content-type" || n == "content-transfer-encoding" || n == "content-md5"
		if made && (e.multipart || p.isText) {
			continue
		}
		if !fitsSMTP(f.raw) {
			c.problem(&SourceError{Where: "the header field " + f.name, Line: c.lineOf(f.raw), Column: 1, Reason: "it holds more than ASCII, or more than 998 octets in a line: encode it (RFC 2231)"})
			continue
		}
		p.fields = append(p.fields, f.raw...)
		if !bytes.HasSuffix(f.raw, []byte("\r\n")) {
			p.fields = append(p.fields, "\r\n"...)
		}
	}
}

// fitsSMTP reports whether octets can go as they are: ASCII, in lines of at most 998 octets.
func fitsSMTP(b []byte) bool {
	n := 0
	for i, c := range b {
		if n++; c == '\n' {
			n = 0
		}
		if c >= 0x80 || n > 1000 || c == '\r' && (i+1 == len(b) || b[i+1] != '\n') {
			return false
		}
	}
	return true
}

// textPart decodes and compiles a text.
func (c *templateCompiler) textPart(e *entity, p *part, at func(string, ...any)) {
	raw, where, line := e.body, "the text part", c.lineOf(e.body)
	if e.is("text", "html") {
		where = "the HTML part"
	}
	switch enc := strings.ToLower(e.encoding()); enc {
	case "", "7bit", "8bit", "binary":
	case "quoted-printable":
		raw, line = decodeQuoted(raw), 1
	case "base64":
		var err error
		if raw, err = strictBase64(raw); err != nil {
			at("%v", err)
			return
		}
		line = 1
	default:
		at("the Content-Transfer-Encoding %s is not known", enc)
		return
	}
	text, ok := toUTF8(e.param("charset"), raw)
	switch {
	case !ok:
		at("the charset %s is not known", e.param("charset"))
		return
	case !utf8.ValidString(text):
		at("the text is not in the charset that it is said to be in (%s)", strings.ToUpper(orUTF8(e.param("charset"))))
		return
	}
	if line == 1 {
		where = strings.Replace(where, "the ", "the decoded ", 1)
	}
	ctx := context(plainContext{})
	if e.is("text", "html") {
		ctx = newHTML()
	}
	var err error
	p.text, err = compileText(newPassage(strings.ReplaceAll(text, "\r\n", "\n"), where, line, 1), ctx, &c.vars)
	c.problem(err)
}

func orUTF8(name string) string {
	if name == "" {
		return "utf-8"
	}
	return name
}

func strictBase64(raw []byte) ([]byte, error) {
	out, err := base64.StdEncoding.AppendDecode(nil, bytes.Join(bytes.Fields(raw), nil))
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	return out, nil
}

// opaquePart keeps what is no text as it is, octet for octet where it is fit for mail.
func (c *templateCompiler) opaquePart(e *entity, p *part, at func(string, ...any)) {
	enc := strings.ToLower(e.encoding())
	switch {
	case enc != "binary" && enc != "8bit" && fitsSMTP(e.body):
		p.body = e.body
		if enc == "base64" {
			if _, err := strictBase64(e.body); err != nil {
				at("%v", err)
			}
		}
	case strings.EqualFold(e.kind, "message"):
		at("%s must be ASCII in short lines: it cannot be encoded (RFC 2046 §5.2.1)", p.kind)
	case enc == "base64" || enc == "quoted-printable":
		at("it is said to be %s, and holds more than ASCII or too long lines", enc)
	default:
		var fields []byte
		for _, f := range e.fields {
			if n := strings.ToLower(f.name); strings.HasPrefix(n, "content-") && n != "content-transfer-encoding" {
				fields = append(fields, f.raw...)
			}
		}
		p.fields = append(fields, "Content-Transfer-Encoding: base64\r\n"...)
		p.body = appendBase64(nil, e.body)
	}
}
