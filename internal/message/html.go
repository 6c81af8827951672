package message

import (
	"errors"
	"fmt"
	"html"
	"strings"
)

// htmlContext follows HTML as far as it must to know where a tag stands: in text, or in the
// value of an attribute, and of which. Everywhere else tags are refused, because nothing that
// a person's data could hold would be safe there. Where it cannot follow, it errs by refusing.
type htmlContext struct {
	at    htmlPlace
	tag   string // name of the element whose tag is open
	attr  string // name of the attribute
	quote byte
	url   urlPlace // in the attribute's value, as far as it is a URL
	raw   string   // element whose text is not HTML: script, style …
}

type htmlPlace uint8

const (
	inText htmlPlace = iota
	inTag
	inValue
	inComment
	inBogus // <!DOCTYPE …>, <?xml …>: up to the next ">"
)

func newHTML() context { return &htmlContext{} }

func (h *htmlContext) clone() context { c := *h; return &c }

func (h *htmlContext) state() string {
	switch h.at {
	case inText:
		return "text " + h.raw
	case inTag:
		return "tag " + h.tag
	case inValue:
		return fmt.Sprintf("value %c %s %s %d", h.quote, h.tag, h.attr, h.url)
	case inComment, inBogus: // nothing more to tell
	}
	return fmt.Sprint(h.at)
}

const htmlSpace = " \t\r\n\f"

// text follows the HTML that stands before a tag.
func (h *htmlContext) text(s string) error {
	for s != "" {
		switch h.at {
		case inText:
			s = h.inText(s)
		case inComment:
			s = h.until(s, "-->")
		case inBogus:
			s = h.until(s, ">")
		case inValue:
			i := strings.IndexByte(s, h.quote)
			if i < 0 {
				h.url = h.url.text(s)
				return nil
			}
			h.at, s = inTag, s[i+1:]
		case inTag:
			var err error
			if s, err = h.inTag(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// until goes back to text behind end.
func (h *htmlContext) until(s, end string) string {
	i := strings.Index(s, end)
	if i < 0 {
		return ""
	}
	h.at = inText
	return s[i+len(end):]
}

func (h *htmlContext) inText(s string) string {
	if h.raw != "" {
		return h.inRaw(s)
	}
	i := strings.IndexByte(s, '<')
	if i < 0 {
		return ""
	}
	s = s[i+1:]
	name := strings.TrimPrefix(s, "/")
	switch {
	case strings.HasPrefix(s, "!--"):
		h.at = inComment
		return s[3:]
	case strings.HasPrefix(s, "!"), strings.HasPrefix(s, "?"):
		h.at = inBogus
		return s[1:]
	case name == "": // a tag of ours follows: it could name an element
		h.at, h.tag = inTag, ""
		return ""
	case !isLetter(name[0]) || name[0] == '_':
		return s // "a < b" is text
	}
	n := strings.IndexAny(name, htmlSpace+"/>")
	if n < 0 {
		n = len(name)
	}
	h.at, h.tag, h.attr = inTag, strings.ToLower(name[:n]), ""
	if len(name) < len(s) {
		h.tag = "/" + h.tag
	}
	return name[n:]
}

// inRaw looks for the end tag of an element whose text is not HTML.
func (h *htmlContext) inRaw(s string) string {
	end := "</" + h.raw
	for lower := asciiLower(s); ; {
		i := strings.Index(lower, end)
		if i < 0 {
			return ""
		}
		s, lower = s[i+len(end):], lower[i+len(end):]
		if s == "" || strings.IndexByte(htmlSpace+"/>", s[0]) >= 0 {
			h.at, h.tag, h.attr, h.raw = inTag, "/", "", ""
			return s
		}
	}
}

// asciiLower keeps lengths, which strings.ToLower does not.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func (h *htmlContext) inTag(s string) (string, error) {
	s = strings.TrimLeft(s, htmlSpace+"/")
	if s == "" {
		return "", nil
	}
	if s[0] == '>' {
		h.at = inText
		switch h.tag {
		case "script", "style", "xmp", "iframe", "noembed", "noframes", "plaintext":
			h.raw = h.tag
		}
		return s[1:], nil
	}
	n := strings.IndexAny(s, htmlSpace+"/>=")
	if n == 0 {
		return "", errors.New(`an attribute without a name before "="`)
	}
	if n < 0 {
		n = len(s)
	}
	h.attr = strings.ToLower(s[:n])
	s = strings.TrimLeft(s[n:], htmlSpace)
	if !strings.HasPrefix(s, "=") {
		return s, nil
	}
	s = strings.TrimLeft(s[1:], htmlSpace)
	if s == "" {
		return "", errUnquoted
	}
	if s[0] == '"' || s[0] == '\'' {
		h.at, h.quote, h.url = inValue, s[0], urlStart
		return s[1:], nil
	}
	n = strings.IndexAny(s, htmlSpace+">")
	if n < 0 {
		return "", errUnquoted
	}
	return s[n:], nil
}

var errUnquoted = errors.New("the value of an attribute that holds a tag needs quotes around it")

// isURL reports whether an attribute's value is an address.
func isURL(attr string) bool {
	switch attr {
	case "action", "background", "cite", "poster", "formaction", "data", "longdesc", "usemap", "ping", "lowsrc", "dynsrc":
		return true
	}
	return strings.HasSuffix(attr, "href") || strings.HasSuffix(attr, "src")
}

// escaper gives how a tag that stands here is escaped.
func (h *htmlContext) escaper(last string) (func(string) string, error) {
	switch {
	case h.at == inComment:
		return nil, errors.New("a tag in an HTML comment")
	case h.raw != "":
		return nil, errors.New("a tag within <" + h.raw + ">, where nothing can be escaped")
	case h.at == inText:
		return html.EscapeString, nil
	case h.at == inTag, h.at == inBogus:
		return nil, errors.New("a tag of the template between the attributes of an HTML tag")
	case strings.HasPrefix(h.attr, "on"), h.attr == "style", h.attr == "srcset", h.attr == "srcdoc", h.tag == "meta":
		return nil, errors.New("a tag in the attribute " + h.attr + ", where nothing can be escaped")
	}
	place := h.url
	h.url = h.url.tag()
	if isURL(h.attr) {
		return htmlURLEscaper(place, last), nil
	}
	return html.EscapeString, nil
}
