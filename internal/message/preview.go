package message

import "strings"

// previewLength is the number of characters of a preview (rfc8970 §3.2: at most 256, 200 are to
// be preferred).
const previewLength = 200

// Preview gives the beginning of the text of a message as Dovecot chooses it: of the first part
// that is text, of alternatives the plain one; without quoted lines, or only of those behind ">"
// if there is nothing else; HTML without tags, scripts and styles; white space as one space. It
// is empty for a message without text, and valid UTF-8.
func (m *Message) Preview() string {
	e := m.root.previewPart()
	if e == nil || e.subkind == "" {
		return ""
	}
	text := strings.ToValidUTF8(e.decodedText(), "\uFFFD")
	var p preview
	if e.is("text", "html") {
		h := htmlText{to: &p}
		h.text(text)
	} else {
		p.text(text)
	}
	switch {
	case p.own.n > 0:
		return p.own.String()
	case p.quoted.n > 0:
		return ">" + p.quoted.String()
	}
	return ""
}

// previewPart gives the part whose text is shown, nil if there is none. Messages within messages
// are passed over.
func (e *entity) previewPart() *entity {
	if !e.multipart {
		if strings.EqualFold(e.kind, "text") || !e.has("Content-Type") { // also of a digest
			return e
		}
		return nil
	}
	if strings.EqualFold(e.subkind, "alternative") {
		// The first plain one, the last HTML, the last of others; not what lies deeper.
		var best *entity
		for _, c := range e.children {
			switch {
			case c.multipart || c.previewPart() == nil:
			case c.is("text", "plain"):
				return c
			case best == nil, c.is("text", "html"), !best.is("text", "html"):
				best = c
			}
		}
		return best
	}
	for _, c := range e.children {
		if p := c.previewPart(); p != nil {
			return p
		}
	}
	return nil
}

// preview takes a text, line by line. A line that begins with ">" is quoted.
type preview struct {
	own, quoted excerpt
	within      bool // a line has begun
	marked      bool // a quoted line came before any other text: its ">" counts, whichever is shown
	quote       bool // it is a quoted one
}

func (p *preview) text(s string) {
	for _, r := range s {
		if p.add(r); p.full() {
			return
		}
	}
}

// full reports whether nothing that comes can change the preview.
func (p *preview) full() bool { return p.own.n == p.limit() }

// limit is how many characters of own text are shown.
func (p *preview) limit() int {
	if p.marked {
		return previewLength - 1
	}
	return previewLength
}

func (p *preview) add(r rune) {
	switch {
	case r == '\n':
		p.within, p.quote = false, false
		p.own.space, p.quoted.space = true, true
		return
	case r == '\r' || r == '\uFEFF':
		// White space, or nothing, and no beginning of a line.
	case !p.within:
		p.within, p.quote = true, r == '>'
		if p.quote {
			p.marked = p.marked || p.own.n == 0
			return
		}
	}
	if p.quote {
		p.quoted.add(r, previewLength-1) // ">" is the first
	} else {
		p.own.add(r, p.limit())
	}
}

// excerpt is the beginning of a text, its white space made one space each time.
type excerpt struct {
	strings.Builder
	n     int // characters
	space bool
}

func (e *excerpt) add(r rune, limit int) {
	if r == '\uFEFF' {
		return
	}
	if strings.ContainsRune(" \t\r\n\v\f", r) {
		e.space = true
		return
	}
	need := 1
	if e.space && e.n > 0 {
		need = 2
	}
	if e.n+need > limit {
		e.n = limit // whatever comes
		return
	}
	if need == 2 {
		e.WriteByte(' ')
	}
	e.WriteRune(r)
	e.n, e.space = e.n+need, false
}

// htmlText gives the text of HTML to a preview. It knows nothing of elements but script, style
// and blockquote: every tag is a space, and a quotation's lines begin with ">".
type htmlText struct {
	to    *preview
	last  rune // that was given
	level int  // quotations within each other
}

func (h *htmlText) put(s string) {
	for _, r := range s {
		h.last = r
		h.to.add(r)
	}
}

// tagEnd puts words apart that stand on both sides of a tag, and goes on with a quotation.
func (h *htmlText) tagEnd() {
	switch {
	case h.last != 0 && !strings.ContainsRune(" \t\r\n", h.last):
		h.put(" ")
	case h.level > 0:
		h.put("\n> ")
	}
}

// maxEntity bounds the name of a character: "&" before a longer one is no such thing.
const maxEntity = 10

func (h *htmlText) text(s string) {
	for s != "" && !h.to.full() {
		i := strings.IndexAny(s, "<&")
		if i < 0 {
			i = len(s)
		}
		h.put(s[:i])
		switch s = s[i:]; {
		case s == "":
		case s[0] == '&':
			s = h.entity(s[1:])
		case strings.HasPrefix(s, "<!--"):
			s = afterComment(s[len("<!--"):])
		case len(s) >= len(cdata) && strings.EqualFold(s[:len(cdata)], cdata):
			inner, rest, found := strings.Cut(s[len(cdata):], "]]>")
			if !found {
				inner = strings.TrimRight(inner, "]")
			}
			h.put(inner)
			s = rest
		default:
			s = h.tag(s[1:])
		}
	}
}

const cdata = "<![CDATA["

// entity takes a character's name up to its semicolon. Where there is none soon only "&" is
// taken; where the text ends before one all is.
func (h *htmlText) entity(s string) (rest string) {
	for i := range len(s) {
		switch {
		case i == maxEntity, strings.IndexByte(" \t\r\n", s[i]) >= 0:
			return s
		case s[i] == ';':
			h.put(htmlEntity(s[:i]))
			return s[i+1:]
		}
	}
	return ""
}

// afterComment gives what stands behind "-->", with white space before its end as some write it.
func afterComment(s string) string {
	for {
		_, rest, found := strings.Cut(s, "--")
		if !found {
			return ""
		}
		if end, ok := strings.CutPrefix(strings.TrimLeft(rest, " \t\r\n"), ">"); ok {
			return end
		}
		s = s[len(s)-len(rest)-1:] // the second "-" may be the first of two
	}
}

// tag takes a tag to its end, and the content of one that holds no text.
func (h *htmlText) tag(s string) (rest string) {
	end := tagLength(s)
	if end < 0 {
		return ""
	}
	name, _, _ := strings.Cut(s[:end], " ")
	name = strings.ToLower(strings.TrimRight(name, "\t\r\n"))
	if i := strings.IndexAny(name, "\t\r\n"); i >= 0 {
		name = name[:i]
	}
	rest = s[end+1:]
	switch name {
	case "script", "style":
		close := "</" + name + ">"
		if i := strings.Index(asciiLower(rest), close); i >= 0 {
			rest = rest[i+len(close):]
		} else {
			rest = ""
		}
	case "blockquote":
		h.level++
		h.put("\n> ")
		return rest
	case "/blockquote":
		if h.level == 0 {
			break
		}
		if h.level--; h.level > 0 {
			h.put("\n> ")
		} else {
			h.put("\n")
		}
		return rest
	}
	h.tagEnd()
	return rest
}

// tagLength finds the ">" that ends a tag, which may stand in quotes too; -1 if there is none.
func tagLength(s string) int {
	var quote byte
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return -1
}
