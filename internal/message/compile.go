package message

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
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
	if e.kind == "" || e.subkind == "" || !isASCII(p.kind) || len(p.kind) > 127 {
		at("its Content-Type cannot be read")
		return p
	}
	for _, x := range e.params {
		if name := strings.TrimRight(x.name, "*"); name == "" || !isASCII(name) || len(x.name)+len(x.value) > 300 || clean(x.value) != x.value || strings.ContainsAny(x.value, "\n\t") {
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

// fitsSMTP reports whether octets can go as they are: ASCII without control characters, in
// lines of at most 998 octets.
func fitsSMTP(b []byte) bool {
	n := 0
	for i, c := range b {
		if n++; c == '\n' {
			n = 0
		}
		if c >= 0x7f || c < 0x20 && c != '\t' && c != '\r' && c != '\n' || n > 1000 || c == '\r' && (i+1 == len(b) || b[i+1] != '\n') {
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
