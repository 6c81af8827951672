package command

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/wire"
)

// search takes the arguments of SEARCH and UID SEARCH.
//
//	search = "SEARCH" [SP "CHARSET" SP astring] 1*(SP search-key)
func (p *parser) search() (any, error) {
	a := Search{UID: p.uid()}
	if err := p.space(); err != nil {
		return nil, err
	}
	q := &query{parser: p}
	start := p.i
	switch strings.ToUpper(p.while(wire.IsAtom)) {
	case "RETURN":
		return nil, unsupported("ESEARCH")
	case "CHARSET":
		if err := p.space(); err != nil {
			return nil, err
		}
		name, err := p.astring()
		if err != nil {
			return nil, err
		}
		a.Charset = strings.ToUpper(name)
		q.charset(a.Charset)
		if err := p.space(); err != nil {
			return nil, err
		}
	default:
		p.i = start
	}
	a.KeysStart = p.i
	a.Key = imap.SearchKey{Op: imap.SearchAnd, Start: p.i}
	for {
		k, err := q.key(0)
		if err != nil {
			return nil, err
		}
		a.Key.Keys = append(a.Key.Keys, k)
		a.KeysEnd, a.Key.End = p.i, p.i
		spaced := p.spaces()
		if c := p.peek(); c == '\r' || c == '\n' {
			return &a, p.end()
		}
		if !spaced {
			return nil, p.fail("a space")
		}
	}
}

// query parses search keys.
type query struct {
	*parser
	decode *encoding.Decoder // nil: UTF-8, or octets of a charset that we do not know
	keys   int
}

// charset chooses how strings are decoded. A charset that is not known here is the backend's
// business: it says BADCHARSET.
func (q *query) charset(name string) {
	if name == "UTF-8" || name == "US-ASCII" {
		return
	}
	if enc, err := ianaindex.IANA.Encoding(name); err == nil && enc != nil {
		q.decode = enc.NewDecoder()
	}
}

// text takes SP astring and gives it in UTF-8.
func (q *query) text() (string, error) {
	if err := q.space(); err != nil {
		return "", err
	}
	s, err := q.astring()
	if err != nil || q.decode == nil {
		return s, err
	}
	if utf8, err := q.decode.String(s); err == nil {
		return utf8, nil
	}
	return s, nil
}
