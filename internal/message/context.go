package message

import (
	"errors"
	"html"
	"net/url"
	"strings"
)

// context says how a tag must be escaped; it is told the text that stands before each tag.
type context interface {
	text(s string) error
	// escaper gives how a tag that stands here is escaped; last is the name of its last filter.
	escaper(last string) (func(string) string, error)
	// state is comparable: the branches of a condition must end where they agree on.
	state() string
	clone() context
}

// plainContext escapes nothing: text parts, and header fields of free text, whose line ends
// and encoding are the writer's business.
type plainContext struct{}

func (plainContext) text(string) error { return nil }
func (plainContext) escaper(string) (func(string) string, error) {
	return func(s string) string { return s }, nil
}
func (plainContext) state() string    { return "" }
func (p plainContext) clone() context { return p }

// noContext takes no tags: header fields whose form a value would break.
type noContext struct{ plainContext }

func (noContext) escaper(string) (func(string) string, error) {
	return nil, errors.New("this header field cannot hold tags")
}
func (n noContext) clone() context { return n }

// listContext is a field of URLs in angle brackets (rfc2369).
type listContext struct {
	url    string // so far, of the one that is open
	within bool
}

func (l *listContext) text(s string) error {
	for _, c := range []byte(s) {
		switch {
		case c == '<':
			l.within, l.url = true, ""
		case c == '>':
			l.within = false
		case l.within:
			l.url += string(rune(c))
		}
	}
	return nil
}

func (l *listContext) escaper(last string) (func(string) string, error) {
	if !l.within {
		return nil, errors.New("a tag outside of the angle brackets of a URL")
	}
	esc := urlEscaper(l.url, last)
	l.url += tagMark
	return esc, nil
}

func (l *listContext) state() string {
	if !l.within {
		return ""
	}
	return string(rune('0' + urlPlace(l.url)))
}

func (l *listContext) clone() context { c := *l; return &c }

// tagMark stands for a tag in a URL.
const tagMark = "\x00"

// Places in a URL, by what a value could do there.
const (
	urlStart  = iota // it may name the scheme
	urlScheme        // the scheme is not ended yet: it may still be made another
	urlPath          // host or path
	urlQuery         // behind "?" or "#"
)

func urlPlace(before string) int {
	switch {
	case before == "":
		return urlStart
	case strings.ContainsAny(before, "?#"):
		return urlQuery
	case strings.HasPrefix(before, tagMark), strings.ContainsAny(before, ":/"):
		return urlPath
	}
	return urlScheme
}

// urlEscaper escapes for the place behind before. A value that was encoded by the filter
// url_encode is not encoded twice.
func urlEscaper(before, last string) func(string) string {
	place := urlPlace(before)
	switch {
	case place == urlStart:
		return safeURL
	case last == "url_encode":
		return func(s string) string { return s }
	case place == urlQuery: // "+" is a space in forms, and a plus in mailto: (rfc6068 §5)
		return func(s string) string { return strings.ReplaceAll(url.QueryEscape(unbroken(s)), "+", "%20") }
	case place == urlScheme:
		return func(s string) string { return strings.ReplaceAll(url.PathEscape(unbroken(s)), ":", "%3A") }
	}
	return func(s string) string { return url.PathEscape(unbroken(s)) }
}

// unbroken makes one line of a value: in the subject of a mailto: URL it could end a field.
func unbroken(s string) string { return strings.ReplaceAll(s, "\n", " ") }

// safeURL lets addresses through that a mail client opens without running anything.
func safeURL(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil {
		return "#"
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https", "mailto", "tel", "cid", "":
		return strings.NewReplacer("<", "%3C", ">", "%3E", `"`, "%22", " ", "%20", "'", "%27").Replace(u.String())
	}
	return "#"
}

// htmlURLEscaper is urlEscaper within an attribute.
func htmlURLEscaper(before, last string) func(string) string {
	esc := urlEscaper(before, last)
	return func(s string) string { return html.EscapeString(esc(s)) }
}
