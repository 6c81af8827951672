package command

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/wire"
)

// searchExtensions are keys of extensions that are not offered.
var searchExtensions = map[string]bool{
	"MODSEQ": true, "OLDER": true, "YOUNGER": true, "EMAILID": true, "THREADID": true, "SAVEDBEFORE": true, "SAVEDON": true,
	"SAVEDSINCE": true, "SAVEDATESUPPORTED": true, "FUZZY": true, "INTHREAD": true, "FILTER": true, "MIMEPART": true,
}

// search = "SEARCH" [SP "CHARSET" SP astring] 1*(SP search-key)
func (p *parser) search(uid bool) (any, error) {
	a := Search{UID: uid}
	if err := p.space(); err != nil {
		return nil, err
	}
	q := &query{parser: p}
	start := p.i
	switch word := strings.ToUpper(p.while(wire.IsAtom)); word {
	case "RETURN":
		return nil, unsupported{"ESEARCH"}
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
		a.KeysEnd = p.i
		a.Key.End = p.i
		for p.try(' ') {
		}
		if c := p.peek(); c == '\r' || c == '\n' {
			return &a, p.end()
		}
	}
}

// query parses search keys.
type query struct {
	*parser
	decode *encoding.Decoder // nil: UTF-8, or octets of a charset that we do not know
	keys   int
}

func (q *query) charset(name string) {
	if name == "UTF-8" || name == "US-ASCII" {
		return
	}
	// A charset that we do not know is the backend's business: it says BADCHARSET.
	if enc, err := ianaindex.IANA.Encoding(name); err == nil && enc != nil {
		q.decode = enc.NewDecoder()
	}
}

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

// flagKeys are keys that ask for one flag; the bool is false for the opposite.
var flagKeys = map[string]struct {
	flag string
	set  bool
}{
	"ANSWERED": {`\Answered`, true}, "DELETED": {`\Deleted`, true}, "DRAFT": {`\Draft`, true}, "FLAGGED": {`\Flagged`, true},
	"SEEN": {`\Seen`, true}, "RECENT": {`\Recent`, true}, "UNANSWERED": {`\Answered`, false}, "UNDELETED": {`\Deleted`, false},
	"UNDRAFT": {`\Draft`, false}, "UNFLAGGED": {`\Flagged`, false}, "UNSEEN": {`\Seen`, false},
}

var dateKeys = map[string]imap.SearchOp{
	"BEFORE": imap.SearchBefore, "ON": imap.SearchOn, "SINCE": imap.SearchSince,
	"SENTBEFORE": imap.SearchSentBef, "SENTON": imap.SearchSentOn, "SENTSINCE": imap.SearchSentSnce,
}

var addressKeys = map[string]string{"BCC": "Bcc", "CC": "Cc", "FROM": "From", "TO": "To"}

// key takes one search-key (rfc3501 §9).
func (q *query) key(depth int) (imap.SearchKey, error) {
	k := imap.SearchKey{Start: q.i}
	if q.keys++; q.keys > q.lim.Keys {
		return k, fmt.Errorf("more than %d search keys", q.lim.Keys)
	}
	if depth > q.lim.Nesting {
		return k, fmt.Errorf("search keys nested more than %d deep", q.lim.Nesting)
	}
	var err error
	switch c := q.peek(); {
	case c == '(':
		err = q.group(&k, depth)
	case '0' <= c && c <= '9' || c == '*':
		k.Op = imap.SearchSeq
		k.Set, _, _, err = q.set()
	case c == '$':
		err = unsupported{"SEARCHRES"}
	default:
		err = q.named(&k, depth)
	}
	k.End = q.i
	return k, err
}

// group takes "(" search-key *(SP search-key) ")".
func (q *query) group(k *imap.SearchKey, depth int) error {
	k.Op = imap.SearchAnd
	q.i++
	for {
		for q.try(' ') {
		}
		sub, err := q.key(depth + 1)
		if err != nil {
			return err
		}
		k.Keys = append(k.Keys, sub)
		for q.try(' ') {
		}
		if q.try(')') {
			return nil
		}
		if q.b[q.i-1] != ' ' {
			return q.fail("a space or )")
		}
	}
}

func (q *query) sub(k *imap.SearchKey, n, depth int) error {
	for range n {
		if err := q.space(); err != nil {
			return err
		}
		s, err := q.key(depth + 1)
		if err != nil {
			return err
		}
		k.Keys = append(k.Keys, s)
	}
	return nil
}

func (q *query) named(k *imap.SearchKey, depth int) (err error) {
	word := strings.ToUpper(q.while(wire.IsAtom))
	if f, ok := flagKeys[word]; ok {
		k.Op, k.Value = imap.SearchUnflag, f.flag
		if f.set {
			k.Op = imap.SearchFlag
		}
		return nil
	}
	if op, ok := dateKeys[word]; ok {
		k.Op = op
		k.Date, err = q.date()
		return err
	}
	if field, ok := addressKeys[word]; ok {
		k.Op, k.Field = imap.SearchAddress, field
		k.Value, err = q.text()
		return err
	}
	switch word {
	case "ALL":
		k.Op = imap.SearchAll
	case "NEW":
		k.Op = imap.SearchNew
	case "OLD":
		k.Op = imap.SearchOld
	case "KEYWORD", "UNKEYWORD":
		k.Op = imap.SearchFlag
		if word == "UNKEYWORD" {
			k.Op = imap.SearchUnflag
		}
		if err = q.space(); err == nil {
			k.Value, err = q.flag()
		}
	case "SUBJECT":
		k.Op = imap.SearchSubject
		k.Value, err = q.text()
	case "BODY":
		k.Op = imap.SearchBody
		k.Value, err = q.text()
	case "TEXT":
		k.Op = imap.SearchText
		k.Value, err = q.text()
	case "HEADER":
		k.Op = imap.SearchHeader
		if err = q.space(); err == nil {
			if k.Field, err = q.astring(); err == nil {
				k.Value, err = q.text()
			}
		}
	case "LARGER", "SMALLER":
		k.Op = imap.SearchOp(word)
		if err = q.space(); err == nil {
			k.Size, err = q.number()
		}
	case "UID":
		k.Op = imap.SearchUID
		if err = q.space(); err == nil {
			k.Set, _, _, err = q.set()
		}
	case "NOT":
		k.Op = imap.SearchNot
		err = q.sub(k, 1, depth)
	case "OR":
		k.Op = imap.SearchOr
		err = q.sub(k, 2, depth)
	default:
		if searchExtensions[word] {
			return unsupported{"search key " + word}
		}
		return q.fail("a search key")
	}
	return err
}

// date = date-text / DQUOTE date-text DQUOTE; date-text = date-day "-" date-month "-" date-year
func (q *query) date() (time.Time, error) {
	if err := q.space(); err != nil {
		return time.Time{}, err
	}
	s, err := q.astring()
	if err != nil {
		return time.Time{}, err
	}
	d, err := time.Parse("2-Jan-2006", s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is not a date like 1-Feb-2006", strconv.Quote(s))
	}
	return d, nil
}
