package message

import (
	"errors"
	"fmt"
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
	url    urlPlace // in the one that is open
	within bool
}

func (l *listContext) text(s string) error {
	for s != "" {
		if !l.within {
			_, rest, found := strings.Cut(s, "<")
			if !found {
				return nil
			}
			l.within, l.url, s = true, urlStart, rest
			continue
		}
		url, rest, found := strings.Cut(s, ">")
		l.url = l.url.text(url)
		l.within, s = !found, rest
	}
	return nil
}

func (l *listContext) escaper(last string) (func(string) string, error) {
	if !l.within {
		return nil, errors.New("a tag outside of the angle brackets of a URL")
	}
	esc := urlEscaper(l.url, last)
	l.url = l.url.tag()
	return esc, nil
}

func (l *listContext) state() string { return fmt.Sprint(l.within, l.url) }

func (l *listContext) clone() context { c := *l; return &c }

// urlPlace is a place in a URL, by what a value could do there.
type urlPlace uint8

const (
	urlStart  urlPlace = iota // it may name the scheme
	urlScheme                 // the scheme is not ended yet: it may still be made another
	urlPath                   // host or path
	urlQuery                  // behind "?" or "#"
)

// text gives the place behind a stretch of text.
func (u urlPlace) text(s string) urlPlace {
	switch {
	case s == "" || u == urlQuery:
		return u
	case strings.ContainsAny(s, "?#"):
		return urlQuery
	case u == urlPath || strings.ContainsAny(s, ":/"):
		return urlPath
	}
	return urlScheme
}

// tag gives the place behind a tag: one that begins a URL names its scheme.
func (u urlPlace) tag() urlPlace {
	if u == urlStart {
		return urlPath
	}
	return u
}

// urlEscaper escapes for a place. A value that was encoded by the filter
// url_encode is not encoded twice.
func urlEscaper(place urlPlace, last string) func(string) string {
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
func htmlURLEscaper(place urlPlace, last string) func(string) string {
	esc := urlEscaper(place, last)
	return func(s string) string { return html.EscapeString(esc(s)) }
}
