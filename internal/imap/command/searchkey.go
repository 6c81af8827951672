package command

import (
	"fmt"
	"strings"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/wire"
)

// searchExtensions are keys of extensions that are not offered.
var searchExtensions = map[string]bool{
	"FUZZY": true, "INTHREAD": true, "FILTER": true, "MIMEPART": true,
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

var bareKeys = map[string]imap.SearchOp{"ALL": imap.SearchAll, "NEW": imap.SearchNew, "OLD": imap.SearchOld, "SAVEDATESUPPORTED": imap.SearchSaveDateSupported}

var dateKeys = map[string]imap.SearchOp{
	"BEFORE": imap.SearchBefore, "ON": imap.SearchOn, "SINCE": imap.SearchSince,
	"SENTBEFORE": imap.SearchSentBefore, "SENTON": imap.SearchSentOn, "SENTSINCE": imap.SearchSentSince,
	"SAVEDBEFORE": imap.SearchSavedBefore, "SAVEDON": imap.SearchSavedOn, "SAVEDSINCE": imap.SearchSavedSince,
}

var addressKeys = map[string]string{"BCC": "Bcc", "CC": "Cc", "FROM": "From", "TO": "To"}

var textKeys = map[string]imap.SearchOp{"SUBJECT": imap.SearchSubject, "BODY": imap.SearchBody, "TEXT": imap.SearchText}

// objectKeys are keys of an object's id (rfc8474 §6).
var objectKeys = map[string]imap.SearchOp{"EMAILID": imap.SearchEmailID, "THREADID": imap.SearchThreadID}

var sizeKeys = map[string]imap.SearchOp{"LARGER": imap.SearchLarger, "SMALLER": imap.SearchSmaller}

var intervalKeys = map[string]imap.SearchOp{"OLDER": imap.SearchOlder, "YOUNGER": imap.SearchYounger}

// subKeys are keys of keys, with how many.
var subKeys = map[string]struct {
	op imap.SearchOp
	n  int
}{"NOT": {imap.SearchNot, 1}, "OR": {imap.SearchOr, 2}}

// key takes one search-key, which lies depth deep in others.
//
//	search-key = "ALL" / "ANSWERED" / … / sequence-set / "(" search-key *(SP search-key) ")"
func (q *query) key(depth int) (imap.SearchKey, error) {
	k := imap.SearchKey{Start: q.i}
	if q.keys++; q.keys > q.lim.Keys {
		return k, q.tooMany(q.lim.Keys, "search keys")
	}
	if depth > q.lim.Nesting {
		return k, q.tooMany(q.lim.Nesting, "search keys within each other")
	}
	var err error
	switch c := q.peek(); {
	case c == '(':
		k.Op = imap.SearchAnd
		err = q.list(q.lim.Keys, "search keys", false, func() error { return q.sub(&k, depth) })
	case '0' <= c && c <= '9' || c == '*':
		k.Op = imap.SearchSeq
		k.Set, _, _, err = q.set()
	case c == '$':
		k.Op = imap.SearchSaved
		q.i++
	default:
		err = q.named(&k, depth)
	}
	k.End = q.i
	return k, err
}

// sub takes a key that belongs to k.
func (q *query) sub(k *imap.SearchKey, depth int) error {
	s, err := q.key(depth + 1)
	k.Keys = append(k.Keys, s)
	return err
}

// named takes a key that begins with a word.
func (q *query) named(k *imap.SearchKey, depth int) (err error) {
	start := q.i
	word := strings.ToUpper(q.while(wire.IsAtom))
	if f, ok := flagKeys[word]; ok {
		k.Op, k.Value = imap.SearchUnflag, f.flag
		if f.set {
			k.Op = imap.SearchFlag
		}
		return nil
	}
	if strings.HasPrefix(word, "SAVED") {
		q.use("SAVEDATE")
	}
	if k.Op = bareKeys[word]; k.Op != "" {
		return nil
	}
	if k.Op = dateKeys[word]; k.Op != "" {
		k.Date, err = q.date()
		return err
	}
	if k.Op = textKeys[word]; k.Op != "" {
		k.Value, err = q.text()
		return err
	}
	if field, ok := addressKeys[word]; ok {
		k.Op, k.Field = imap.SearchAddress, field
		k.Value, err = q.text()
		return err
	}
	if k.Op = sizeKeys[word]; k.Op != "" {
		if err := q.space(); err != nil {
			return err
		}
		k.Size, err = q.number(0, max63)
		return err
	}
	if k.Op = intervalKeys[word]; k.Op != "" { // ("OLDER" / "YOUNGER") SP nz-number      (rfc5032 §4)
		if err := q.space(); err != nil {
			return err
		}
		n, err := q.number(1, max32)
		k.Interval = uint32(n)
		return err
	}
	if k.Op = objectKeys[word]; k.Op != "" {
		q.use("OBJECTID")
		if err := q.space(); err != nil {
			return err
		}
		k.Value, err = q.astring() // not decoded: it is no text
		return err
	}
	if s, ok := subKeys[word]; ok {
		k.Op = s.op
		for range s.n {
			if err := q.space(); err != nil {
				return err
			}
			if err := q.sub(k, depth); err != nil {
				return err
			}
		}
		return nil
	}
	switch word {
	case "KEYWORD", "UNKEYWORD":
		k.Op = imap.SearchFlag
		if word == "UNKEYWORD" {
			k.Op = imap.SearchUnflag
		}
		if err := q.space(); err != nil {
			return err
		}
		k.Value, err = q.flag()
		return err
	case "HEADER": // "HEADER" SP header-fld-name SP astring
		k.Op = imap.SearchHeader
		if err := q.space(); err != nil {
			return err
		}
		if k.Field, err = q.astring(); err != nil {
			return err
		}
		k.Value, err = q.text()
		return err
	case "MODSEQ":
		return q.modSeqKey(k)
	case "UID":
		k.Op = imap.SearchUID
		if k.Set, _, _, err = q.spaceSet(); err == nil && k.Set == nil {
			k.Op = imap.SearchSaved
		}
		return err
	}
	if searchExtensions[word] {
		return unsupported("search key " + word)
	}
	q.i = start
	return q.fail("a search key")
}

// date takes SP date.
//
//	date      = date-text / DQUOTE date-text DQUOTE
//	date-text = date-day "-" date-month "-" date-year
//	date-day  = 1*2DIGIT
func (q *query) date() (time.Time, error) {
	if err := q.space(); err != nil {
		return time.Time{}, err
	}
	at := q.i
	s, err := q.astring()
	if err != nil {
		return time.Time{}, err
	}
	d, err := time.Parse("2-Jan-2006", s)
	if err != nil {
		q.i = at
		return time.Time{}, q.fail(fmt.Sprintf("a date like 1-Feb-2006, not %q,", clip(s)))
	}
	return d, nil
}
