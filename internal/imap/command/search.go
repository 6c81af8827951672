package command

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"

	"inlay.example/inlay/internal/imap"
)

// search takes the arguments of SEARCH and UID SEARCH.
//
//	search = "SEARCH" [search-return-opts] [SP "CHARSET" SP astring] 1*(SP search-key)      (rfc4466 §2.6.1)
func (p *parser) search() (any, error) {
	a := Search{UID: p.uid()}
	if err := p.space(); err != nil {
		return nil, err
	}
	q := &query{parser: p}
	if p.word("RETURN") {
		var err error
		if a.Return, err = p.returns(); err != nil {
			return nil, err
		}
		if err := p.space(); err != nil {
			return nil, err
		}
	}
	if p.word("CHARSET") {
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
	}
	if err := q.keysOf(&a); err != nil {
		return nil, err
	}
	return &a, nil
}

// keysOf takes the search keys and the line's end.
func (q *query) keysOf(a *Search) error {
	a.KeysStart = q.i
	a.Key = imap.SearchKey{Op: imap.SearchAnd, Start: q.i}
	for {
		k, err := q.key(0)
		if err != nil {
			return err
		}
		a.Key.Keys = append(a.Key.Keys, k)
		a.KeysEnd, a.Key.End = q.i, q.i
		spaced := q.spaces()
		if c := q.peek(); c == '\r' || c == '\n' {
			return q.end()
		}
		if !spaced {
			return q.fail("a space")
		}
	}
}

// returns takes the result options of SEARCH. One that is said twice is one, as for Dovecot.
//
//	search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"      (rfc4466 §2.6.1)
//	search-return-opt  = "MIN" / "MAX" / "ALL" / "COUNT" / "SAVE"                                (rfc4731 §4, rfc5182 §3)
//	search-return-opt =/ "PARTIAL" SP partial-range                                              (rfc9394 §4)
func (p *parser) returns() (*Return, error) {
	if err := p.space(); err != nil {
		return nil, err
	}
	var r Return
	err := p.list(p.lim.Items, "result options", true, func() error {
		word, err := p.atom()
		if err != nil {
			return err
		}
		switch strings.ToUpper(word) {
		case "MIN":
			r.Min = true
		case "MAX":
			r.Max = true
		case "ALL":
			r.All = true
		case "COUNT":
			r.Count = true
		case "SAVE":
			r.Save = true
		case "PARTIAL":
			p.use("PARTIAL")
			if r.Partial != nil {
				return p.fail("PARTIAL only once")
			}
			r.Partial, err = p.page()
			return err
		default:
			// Of an extension, as far as we can know.
			return unsupported("result option " + clip(word))
		}
		return nil
	})
	if r == (Return{}) {
		r.All = true // rfc4731 §3.1: an empty list is (ALL)
	}
	if err == nil && r.All && r.Partial != nil { // rfc9394 §3.1
		err = p.fail("not ALL and PARTIAL both")
	}
	return &r, err
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
