package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"slices"
	"strings"

	gomessage "github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // template sources in the charsets that mail uses

	"inlay.example/inlay/internal/fault"
)

// Limits of templates and what they render to.
const (
	MaxSource   = 4 << 20 // octets of a source
	MaxRendered = 8 << 20 // octets of a rendered message
	maxParts    = 200
	maxNesting  = 20
)

// Digest names a source: "sha256:" and 64 hexadecimal digits.
func Digest(src []byte) string {
	sum := sha256.Sum256(src)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Template is a compiled source. It is safe for concurrent use.
type Template struct {
	digest string
	header []headerField
	root   *part
	vars   []Variable
}

type headerField struct {
	name    string
	nodes   []node
	address bool // From, To …: its value is a list of addresses
}

// part is a MIME part of a template.
type part struct {
	mediaType string
	params    map[string]string
	header    []headerField // Content-Disposition, Content-ID …, as they stand
	children  []*part       // of a multipart
	text      []node        // of text/plain and text/html
	raw       []byte        // of everything else, decoded
}

// owned are fields that the system writes; in a source they are refused, because what they
// say would be ignored.
var owned = []string{"Date", "Message-Id", "List-Id", "Received", "Return-Path", "Bcc", "Auto-Submitted", "Precedence"}

var addressFields = []string{"From", "To", "Cc", "Reply-To", "Sender"}

// Compile reads a template: an RFC 5322 message with a From, a Subject and a text or HTML
// part, whose headers and text may hold Liquid. Errors are fault.Invalid and say where.
func Compile(src []byte) (*Template, error) {
	if len(src) > MaxSource {
		return nil, fault.New(fault.TooLarge, "template of %d octets, more than %d", len(src), MaxSource)
	}
	t, err := compile(src)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "template: %v", err)
	}
	return t, nil
}

func compile(src []byte) (*Template, error) {
	e, err := gomessage.Read(bytes.NewReader(src))
	if err != nil && !gomessage.IsUnknownCharset(err) {
		return nil, fmt.Errorf("the source is not a mail message: %w", err)
	}
	t := &Template{digest: Digest(src)}
	vars := &variables{}
	for f := e.Header.Fields(); f.Next(); {
		key := f.Key()
		switch {
		case slices.ContainsFunc(owned, func(o string) bool { return strings.EqualFold(o, key) }) || strings.HasPrefix(strings.ToLower(key), "x-inlay-"):
			return nil, fmt.Errorf("the header field %s is written by the system and cannot be set", key)
		case strings.HasPrefix(strings.ToLower(key), "content-") || strings.EqualFold(key, "Mime-Version"):
			continue
		}
		value, err := f.Text()
		if err != nil {
			return nil, fmt.Errorf("the header field %s: %w", key, err)
		}
		nodes, err := compileText(value, "the header field "+key, plain{}, vars)
		if err != nil {
			return nil, err
		}
		t.header = append(t.header, headerField{
			name: key, nodes: nodes,
			address: slices.ContainsFunc(addressFields, func(a string) bool { return strings.EqualFold(a, key) }),
		})
	}
	for _, name := range []string{"From", "Subject"} {
		if !slices.ContainsFunc(t.header, func(h headerField) bool { return strings.EqualFold(h.name, name) }) {
			return nil, fmt.Errorf("the header field %s is missing", name)
		}
	}
	n := 0
	if t.root, err = compilePart(e, vars, &n, 0); err != nil {
		return nil, err
	}
	if !t.root.hasText() {
		return nil, errors.New("there is neither a text nor an HTML part")
	}
	t.vars = vars.list
	// What does not depend on anybody's data is checked now and not when somebody looks.
	if !slices.ContainsFunc(t.vars, func(v Variable) bool { return v.Required }) {
		_, err = t.Render(map[string]string{}, System{Placement: "p", Campaign: "c", User: "user@example.org"})
	}
	return t, err
}

func (p *part) hasText() bool {
	return p.text != nil || slices.ContainsFunc(p.children, (*part).hasText)
}

func compilePart(e *gomessage.Entity, vars *variables, count *int, depth int) (*part, error) {
	if *count++; *count > maxParts || depth > maxNesting {
		return nil, fmt.Errorf("more than %d parts, or nested more than %d deep", maxParts, maxNesting)
	}
	mediaType, params, err := e.Header.ContentType()
	if err != nil {
		return nil, fmt.Errorf("the content type of part %d: %w", *count, err)
	}
	if mediaType == "" {
		mediaType = "text/plain"
	}
	p := &part{mediaType: mediaType, params: params}
	if depth > 0 {
		for f := e.Header.Fields(); f.Next(); {
			switch key := f.Key(); strings.ToLower(key) {
			case "content-disposition", "content-id", "content-description", "content-location", "content-language":
				p.header = append(p.header, headerField{name: key, nodes: []node{literal(unfold(f.Value()))}})
			}
		}
	}
	if mr := e.MultipartReader(); mr != nil {
		for {
			child, err := mr.NextPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil && !gomessage.IsUnknownCharset(err) {
				return nil, fmt.Errorf("part %d: %w", *count, err)
			}
			c, err := compilePart(child, vars, count, depth+1)
			if err != nil {
				return nil, err
			}
			p.children = append(p.children, c)
		}
		if len(p.children) == 0 {
			return nil, fmt.Errorf("part %d is a multipart without parts", *count)
		}
		return p, nil
	}
	body, err := io.ReadAll(io.LimitReader(e.Body, MaxSource+1))
	if err != nil {
		return nil, fmt.Errorf("the body of part %d: %w", *count, err)
	}
	disposition, _, _ := mime.ParseMediaType(e.Header.Get("Content-Disposition"))
	if disposition == "attachment" {
		p.raw = body
		return p, nil
	}
	text := strings.ReplaceAll(string(body), "\r\n", "\n")
	switch mediaType {
	case "text/plain":
		p.text, err = compileText(text, "the text part", plain{}, vars)
	case "text/html":
		p.text, err = compileText(text, "the HTML part", newHTML(), vars)
	default:
		p.raw = body
	}
	if p.text == nil && p.raw == nil {
		p.text = []node{}
	}
	return p, err
}

func unfold(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\r' || r == '\n' }), "")
}

// given are variables that every person has.
var given = []string{"user", "email"}

// Variables lists what the template asks for, in the order of first use, without what every
// person has: user (the login name) and email (the same).
func (t *Template) Variables() []Variable {
	return slices.DeleteFunc(slices.Clone(t.vars), func(v Variable) bool { return slices.Contains(given, v.Name) })
}

// checkAddresses makes sure that a rendered address field can be read by others.
func checkAddresses(name, value string) ([]*mail.Address, error) {
	list, err := mail.ParseAddressList(value)
	if err != nil {
		return nil, fmt.Errorf("the header field %s: %q is not a list of addresses", name, value)
	}
	return list, nil
}
