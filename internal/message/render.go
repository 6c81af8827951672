package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime/quotedprintable"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"inlay.example/inlay/internal/fault"
)

// System is what a message holds beside its template and the person's variables.
type System struct {
	Placement    string // the Message-ID's left side: a dot-atom of at most 200 octets
	Campaign     string // List-Id and X-Inlay-Campaign: likewise
	CampaignName string // List-Id's phrase; may be empty
	User         string // login name: the variable user; as an address the variable email, and To if the template has none
	Date         time.Time
	Domain       string // of Message-ID, List-Id and the addresses of logins without "@"; empty is "inlay.invalid"
}

func (s *System) check() error {
	if s.Domain == "" {
		s.Domain = "inlay.invalid"
	}
	switch {
	case !isDotAtom(s.Placement):
		return fault.New(fault.Invalid, "the placement %.100q cannot stand in a Message-ID", s.Placement)
	case !isDotAtom(s.Campaign):
		return fault.New(fault.Invalid, "the campaign %.100q cannot stand in a List-Id", s.Campaign)
	case !isDomain(s.Domain):
		return fault.New(fault.Invalid, "%.100q is not a domain", s.Domain)
	case s.Date.UTC().Year() < 1900 || s.Date.UTC().Year() > 9999:
		return fault.New(fault.Invalid, "a message needs a date")
	}
	return nil
}

// Render makes the message of one person: RFC 5322 with CRLF, seven bits, lines of at most 998
// octets; the same octets for the same input for ever. vars is only read.
//
// A variable without a value and default, a value that is no address where one is needed, and
// a System that is not well-formed are fault.Invalid; a message above MaxRendered, or a value
// that filters make too large, is fault.TooLarge.
func (t *Template) Render(vars map[string]string, sys System) ([]byte, error) {
	if err := sys.check(); err != nil {
		return nil, err
	}
	all := vars
	for _, name := range []string{"user", "email"} {
		if _, ok := all[name]; !ok {
			all = withUser(vars, sys)
			break
		}
	}
	w := &writer{vars: all, digest: t.digest, left: budget{octets: MaxRendered, work: maxWork}}
	for _, h := range t.header {
		if err := w.field(h); err != nil {
			return nil, err
		}
	}
	w.system(sys)
	if err := w.part(t.root, "0"); err != nil {
		return nil, err
	}
	if w.out.Len() > MaxRendered {
		return nil, fault.New(fault.TooLarge, "the message is larger than %d octets", MaxRendered)
	}
	return w.out.Bytes(), nil
}

// address is the person's: the login name, with the domain behind one that has none. Servers
// whose logins are bare names are common, and "To: {{ email }}" must not fail on all of them.
func (s *System) address() string {
	if !isDotAtom(s.User) { // an address already, or not a name that could be a part of one
		return s.User
	}
	return s.User + "@" + s.Domain
}

// withUser adds what every person has.
func withUser(vars map[string]string, sys System) map[string]string {
	all := make(map[string]string, len(vars)+2)
	all["user"], all["email"] = sys.User, sys.address()
	for k, v := range vars {
		all[k] = v
	}
	return all
}

// writer writes one message.
type writer struct {
	out    bytes.Buffer
	vars   map[string]string
	digest string
	left   budget
	hasTo  bool
}

func (w *writer) text(nodes []node) (string, error) {
	r := &rendering{vars: w.vars, left: &w.left}
	err := renderAll(nodes, r)
	return r.out.String(), err
}

func (w *writer) field(h headerField) error {
	w.hasTo = w.hasTo || strings.EqualFold(h.name, "To")
	wrong := func(err error) error {
		return fault.Wrap(fault.Invalid, err, "the header field %s: %v", h.name, err)
	}
	if h.kind == addressed {
		words, err := w.addresses(h)
		if err != nil {
			return err
		}
		appendFolded(&w.out, h.name, words)
		return nil
	}
	value, err := w.text(h.nodes)
	if err != nil {
		return err
	}
	if value = oneLine(value); h.kind == freeText {
		appendFreeText(&w.out, h.name, value)
		return nil
	}
	if err := appendStructured(&w.out, h.name, value); err != nil {
		return wrong(err)
	}
	return nil
}

// addresses gives the words of a list of addresses.
func (w *writer) addresses(h headerField) (words []string, err error) {
	for i, a := range h.addresses {
		name, err := w.text(a.name)
		if err != nil {
			return nil, err
		}
		spec, err := w.text(a.spec)
		if err != nil {
			return nil, err
		}
		if spec, err = addrSpec(strings.TrimSpace(spec)); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the header field %s: %v", h.name, err)
		}
		if name = oneLine(name); name != "" {
			words = append(words, phrase(name)...)
			spec = "<" + spec + ">"
		}
		if i+1 < len(h.addresses) {
			spec += ","
		}
		words = append(words, spec)
	}
	return words, nil
}

// system writes what the system owns.
func (w *writer) system(sys System) {
	fixed := func(name string, words ...string) { appendFolded(&w.out, name, words) }
	if !w.hasTo {
		to := "undisclosed-recipients:;"
		if spec, err := addrSpec(sys.address()); err == nil {
			to = spec
		}
		fixed("To", to)
	}
	fixed("Date", sys.Date.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	fixed("Message-ID", "<"+sys.Placement+"@"+sys.Domain+">")
	list := "<" + sys.Campaign + ".campaigns." + sys.Domain + ">" // rfc2919 §3
	if name := oneLine(sys.CampaignName); name != "" {
		fixed("List-Id", append(phrase(name), list)...)
	} else {
		fixed("List-Id", list)
	}
	fixed("X-Inlay-Campaign", sys.Campaign)
	fixed("X-Inlay-Placement", sys.Placement)
	fixed("Auto-Submitted", "auto-generated") // rfc3834 §5: no answers by machines
	fixed("Precedence", "bulk")
	fixed("MIME-Version", "1.0")
}

// part writes a part: its header, an empty line, its body.
func (w *writer) part(p *part, path string) error {
	w.out.Write(p.fields)
	switch {
	case len(p.children) > 0:
		return w.multipart(p, path)
	case !p.isText:
		w.out.WriteString("\r\n")
		w.out.Write(p.body)
		return nil
	}
	text, err := w.text(p.text)
	if err != nil {
		return err
	}
	w.contentType(p, param{"charset", "utf-8"})
	if plainEnough(text) {
		w.out.WriteString("Content-Transfer-Encoding: 7bit\r\n\r\n")
		w.out.WriteString(strings.ReplaceAll(text, "\n", "\r\n"))
		return nil
	}
	w.out.WriteString("Content-Transfer-Encoding: quoted-printable\r\n\r\n")
	q := quotedprintable.NewWriter(&w.out)
	if _, err := q.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		return fmt.Errorf("encoding a text part: %w", err)
	}
	return q.Close()
}

// plainEnough reports whether a text can be sent as it is: ASCII in short lines that neither a
// mailbox file nor a multipart takes for something else.
func plainEnough(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > foldedAt || strings.HasPrefix(line, "From ") || strings.HasPrefix(line, "--") || strings.HasSuffix(line, " ") || line == "." {
			return false
		}
		for i := range len(line) {
			if c := line[i]; c >= utf8.RuneSelf || c < 0x20 && c != '\t' || c == 0x7f {
				return false
			}
		}
	}
	return true
}

// multipart writes the parts with a boundary of their own: that of the source is known to
// everybody who ever got such a message, who could put it into a value.
func (w *writer) multipart(p *part, path string) error {
	// "=_" cannot occur in quoted-printable or base64, lines that begin with "--" are not sent as
	// they are, and nobody can write the digest of a source into it: the boundary is in no part.
	sum := sha256.Sum256([]byte(w.digest + path))
	boundary := "=_" + hex.EncodeToString(sum[:12])
	w.contentType(p, param{"boundary", boundary})
	w.out.WriteString("\r\n")
	for i, c := range p.children {
		w.out.WriteString("--" + boundary + "\r\n")
		if err := w.part(c, fmt.Sprintf("%s.%d", path, i)); err != nil {
			return err
		}
		w.out.WriteString("\r\n")
	}
	w.out.WriteString("--" + boundary + "--\r\n")
	return nil
}

// contentType writes the type with its parameters as they stand in the source, but for one.
func (w *writer) contentType(p *part, own param) {
	words := []string{p.kind + ";"}
	for _, x := range p.params {
		if strings.EqualFold(strings.TrimRight(x.name, "*"), own.name) {
			continue
		}
		words = append(words, parameter(x)+";")
	}
	appendFolded(&w.out, "Content-Type", append(words, parameter(own)))
}

// parameter writes a parameter, encoded if it is not ASCII (rfc2231 §4).
func parameter(p param) string {
	switch {
	case strings.HasSuffix(p.name, "*") && isASCII(p.value):
		return p.name + "=" + p.value
	case !isASCII(p.value):
		return strings.TrimRight(p.name, "*") + "*=utf-8''" + strings.ReplaceAll(url.QueryEscape(p.value), "+", "%20")
	}
	return p.name + "=" + quoteUnless(p.value, func(c byte) bool { return isToken(c) && c != '=' })
}
