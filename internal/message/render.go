package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"inlay.example/inlay/internal/fault"
)

// System is what a message holds beside its template and the person's variables.
type System struct {
	Placement    string // the Message-ID's left side
	Campaign     string // List-Id and X-Inlay-Campaign
	CampaignName string // List-Id's phrase; may be empty
	User         string // login name: the variables user and email, and To if the template has none
	Date         time.Time
	Domain       string // of Message-ID and List-Id; empty is "inlay.invalid"
}

// Render makes the message of one person: RFC 5322 with CRLF, seven bits, the same octets for
// the same input for ever. A variable without a value and default is fault.Invalid, a message
// above MaxRendered fault.TooLarge.
func (t *Template) Render(vars map[string]string, sys System) ([]byte, error) {
	if sys.Domain == "" {
		sys.Domain = "inlay.invalid"
	}
	all := maps.Clone(vars)
	if all == nil {
		all = map[string]string{}
	}
	for _, name := range given {
		if _, ok := all[name]; !ok {
			all[name] = sys.User
		}
	}
	var out bytes.Buffer
	hasTo := false
	for _, h := range t.header {
		value, err := renderText(h.nodes, all)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the header field %s: %v", h.name, err)
		}
		hasTo = hasTo || strings.EqualFold(h.name, "To")
		if err := writeField(&out, h, oneLine(value)); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "%v", err)
		}
	}
	if !hasTo {
		to := "undisclosed-recipients:;"
		if a, err := mail.ParseAddress(sys.User); err == nil && a.Name == "" {
			to = sys.User
		}
		fold(&out, "To", to)
	}
	fold(&out, "Date", sys.Date.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	fold(&out, "Message-ID", "<"+sys.Placement+"@"+sys.Domain+">")
	list := "<" + sys.Campaign + ".campaigns." + sys.Domain + ">"
	if sys.CampaignName != "" {
		list = mime.QEncoding.Encode("utf-8", oneLine(sys.CampaignName)) + " " + list
	}
	fold(&out, "List-Id", list)
	fold(&out, "X-Inlay-Campaign", sys.Campaign)
	fold(&out, "X-Inlay-Placement", sys.Placement)
	fold(&out, "Auto-Submitted", "auto-generated")
	fold(&out, "Precedence", "bulk")
	fold(&out, "MIME-Version", "1.0")
	if err := t.writePart(&out, t.root, all, "0"); err != nil {
		return nil, err
	}
	if out.Len() > MaxRendered {
		return nil, fault.New(fault.TooLarge, "the message is larger than %d octets", MaxRendered)
	}
	return out.Bytes(), nil
}

func renderText(nodes []node, vars map[string]string) (string, error) {
	r := &rendering{vars: vars, limit: MaxRendered}
	err := renderAll(nodes, r)
	return r.out.String(), err
}

// oneLine makes of a value what a header field can hold: a line, without control characters.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

func writeField(out *bytes.Buffer, h headerField, value string) error {
	if !h.address {
		fold(out, h.name, mime.QEncoding.Encode("utf-8", value))
		return nil
	}
	list, err := checkAddresses(h.name, value)
	if err != nil {
		return err
	}
	parts := make([]string, len(list))
	for i, a := range list {
		parts[i] = a.String()
	}
	fold(out, h.name, strings.Join(parts, ", "))
	return nil
}

// fold writes a field in lines of at most 78 octets where it has spaces to break at
// (rfc5322 §2.1.1, §2.2.3), and never in lines of more than 998.
func fold(out *bytes.Buffer, name, value string) {
	line := name + ":"
	for i, word := range strings.Split(value, " ") {
		for len(word) > 900 {
			out.WriteString(line + " " + word[:900] + "\r\n")
			line, word = "", word[900:]
		}
		if i > 0 && len(line)+1+len(word) > 78 && word != "" {
			out.WriteString(line + "\r\n")
			line = ""
		}
		line += " " + word
	}
	out.WriteString(line + "\r\n")
}

func (t *Template) writePart(out *bytes.Buffer, p *part, vars map[string]string, path string) error {
	for _, h := range p.header {
		value, _ := renderText(h.nodes, nil) // as it stood in the source: no variables
		fold(out, h.name, oneLine(value))
	}
	if p.children != nil {
		return t.writeMultipart(out, p, vars, path)
	}
	params := maps.Clone(p.params)
	if p.text == nil {
		delete(params, "charset")
		fold(out, "Content-Type", mediaType(p.mediaType, params))
		fold(out, "Content-Transfer-Encoding", "base64")
		out.WriteString("\r\n")
		writeBase64(out, p.raw)
		return nil
	}
	text, err := renderText(p.text, vars)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "%v", err)
	}
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
	if params == nil {
		params = map[string]string{}
	}
	params["charset"] = "utf-8"
	fold(out, "Content-Type", mediaType(p.mediaType, params))
	if plainEnough(text) {
		fold(out, "Content-Transfer-Encoding", "7bit")
		out.WriteString("\r\n")
		out.WriteString(strings.ReplaceAll(text, "\n", "\r\n"))
		return nil
	}
	fold(out, "Content-Transfer-Encoding", "quoted-printable")
	out.WriteString("\r\n")
	w := quotedprintable.NewWriter(out)
	if _, err := w.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		return fmt.Errorf("encoding a text part: %w", err)
	}
	return w.Close()
}

// plainEnough reports whether a text can be sent as it is: ASCII in short lines.
func plainEnough(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > 78 || strings.HasPrefix(line, "From ") || strings.HasPrefix(line, "--") || strings.HasSuffix(line, " ") || line == "." {
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

func (t *Template) writeMultipart(out *bytes.Buffer, p *part, vars map[string]string, path string) error {
	// "=_" cannot occur in quoted-printable or base64, and lines that begin with "--" are not
	// sent as they are: so the boundary is in no part, and the same every time.
	sum := sha256.Sum256([]byte(t.digest + path))
	boundary := "=_" + hex.EncodeToString(sum[:12])
	params := maps.Clone(p.params)
	if params == nil {
		params = map[string]string{}
	}
	params["boundary"] = boundary
	fold(out, "Content-Type", mediaType(p.mediaType, params))
	out.WriteString("\r\n")
	for i, c := range p.children {
		out.WriteString("--" + boundary + "\r\n")
		if err := t.writePart(out, c, vars, fmt.Sprintf("%s.%d", path, i)); err != nil {
			return err
		}
		out.WriteString("\r\n")
	}
	out.WriteString("--" + boundary + "--\r\n")
	return nil
}

// mediaType formats a content type with its parameters in a fixed order.
func mediaType(t string, params map[string]string) string {
	var b strings.Builder
	b.WriteString(t)
	for _, k := range slices.Sorted(maps.Keys(params)) {
		one := mime.FormatMediaType("a/b", map[string]string{k: params[k]})
		if _, p, ok := strings.Cut(one, "; "); ok {
			if k == "boundary" && !strings.Contains(p, `"`) {
				p = k + `="` + params[k] + `"`
			}
			b.WriteString("; " + p)
		}
	}
	return b.String()
}

func writeBase64(out *bytes.Buffer, raw []byte) {
	enc := base64.StdEncoding.EncodeToString(raw)
	for len(enc) > 76 {
		out.WriteString(enc[:76] + "\r\n")
		enc = enc[76:]
	}
	if enc != "" {
		out.WriteString(enc + "\r\n")
	}
}
