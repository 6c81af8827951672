package message

import (
	"errors"
	"html"
	"net/url"
	"strings"
)

// htmlContext follows HTML as far as it must to know where a tag stands: in text, or in the
// value of an attribute, and of which. Everywhere else tags are refused, because nothing that
// a person's data could hold would be safe there.
type htmlContext struct {
	at    place
	tag   string // name of the element whose tag is open
	attr  string // name of the attribute
	quote byte
	value string // of the attribute so far; a tag in it stands as "\x00"
	raw   string // element whose text is not HTML: script, style, title, textarea
}

type place uint8

const (
	inText place = iota
	inTag
	inValue
	inComment
)

func newHTML() context { return &htmlContext{} }

func (h *htmlContext) clone() context { c := *h; return &c }

func (h *htmlContext) state() string {
	return string([]byte{byte(h.at), h.quote}) + h.tag + "\x00" + h.attr + "\x00" + h.raw
}

// text follows the HTML that stands before a tag.
func (h *htmlContext) text(s string) error {
	for s != "" {
		switch h.at {
		case inText:
			s = h.inText(s)
		case inComment:
			i := strings.Index(s, "-->")
			if i < 0 {
				return nil
			}
			h.at, s = inText, s[i+3:]
		case inValue:
			i := strings.IndexByte(s, h.quote)
			if i < 0 {
				h.value += s
				return nil
			}
			h.at, h.value, s = inTag, "", s[i+1:]
		case inTag:
			var err error
			if s, err = h.inTag(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *htmlContext) inText(s string) string {
	if h.raw != "" {
		end := "</" + h.raw
		i := strings.Index(strings.ToLower(s), end)
		if i < 0 {
			return ""
		}
		h.raw = ""
		h.at, h.tag = inTag, ""
		return s[i+len(end):]
	}
	i := strings.IndexByte(s, '<')
	if i < 0 {
		return ""
	}
	s = s[i+1:]
	if strings.HasPrefix(s, "!--") {
		h.at = inComment
		return s[3:]
	}
	n := strings.IndexFunc(s, func(r rune) bool { return r == '>' || r == '/' || r == ' ' || r == '\t' || r == '\r' || r == '\n' })
	if n < 0 {
		n = len(s)
	}
	h.at, h.tag, h.attr = inTag, strings.ToLower(s[:n]), ""
	return s[n:]
}

func (h *htmlContext) inTag(s string) (string, error) {
	s = strings.TrimLeft(s, " \t\r\n/")
	if s == "" {
		return "", nil
	}
	if s[0] == '>' {
		h.at = inText
		switch h.tag {
		case "script", "style":
			h.raw = h.tag
		}
		return s[1:], nil
	}
	n := strings.IndexFunc(s, func(r rune) bool { return strings.ContainsRune(" \t\r\n/>=", r) })
	if n < 0 {
		h.attr = strings.ToLower(s)
		return "", nil
	}
	if n > 0 {
		h.attr = strings.ToLower(s[:n])
	}
	s = strings.TrimLeft(s[n:], " \t\r\n")
	if !strings.HasPrefix(s, "=") {
		return s, nil
	}
	s = strings.TrimLeft(s[1:], " \t\r\n")
	if s == "" {
		return "", errUnquoted
	}
	if s[0] == '"' || s[0] == '\'' {
		h.at, h.quote, h.value = inValue, s[0], ""
		return s[1:], nil
	}
	n = strings.IndexFunc(s, func(r rune) bool { return strings.ContainsRune(" \t\r\n>", r) })
	if n < 0 {
		return "", errUnquoted
	}
	return s[n:], nil
}

var errUnquoted = errors.New("a tag in an attribute's value needs quotes around the value")

// urlAttributes hold addresses.
var urlAttributes = map[string]bool{
	"href": true, "src": true, "action": true, "background": true, "cite": true, "poster": true, "formaction": true, "data": true, "longdesc": true,
}

// escaper gives how a tag that stands here is escaped.
func (h *htmlContext) escaper() (func(string) string, error) {
	switch {
	case h.at == inComment:
		return nil, errors.New("a tag in an HTML comment")
	case h.raw != "":
		return nil, errors.New("a tag within <" + h.raw + ">, where nothing can be escaped")
	case h.at == inText:
		return html.EscapeString, nil
	case h.at == inTag:
		return nil, errors.New("a tag between the attributes of an HTML element")
	}
	before := h.value
	h.value += "\x00"
	switch {
	case strings.HasPrefix(h.attr, "on"), h.attr == "style", h.attr == "srcset", h.attr == "srcdoc":
		return nil, errors.New("a tag in the attribute " + h.attr + ", where nothing can be escaped")
	case !urlAttributes[h.attr]:
		return html.EscapeString, nil
	case before == "":
		return func(s string) string { return html.EscapeString(safeURL(s)) }, nil
	case strings.ContainsAny(before, "?#"):
		return url.QueryEscape, nil
	case strings.HasPrefix(before, "\x00"):
		return url.PathEscape, nil
	}
	return url.PathEscape, nil
}

// safeURL lets addresses through that a mail client opens without running anything.
func safeURL(s string) string {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	if err != nil {
		return "#"
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https", "mailto", "tel", "cid", "":
		return u.String()
	}
	return "#"
}
