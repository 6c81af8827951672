package message

import (
	"fmt"
	"strings"
	"time"

	"inlay.example/inlay/internal/imap"
)

// Facts is what a query asks of a message that its octets do not tell.
type Facts struct {
	Flags        []string
	Recent       bool
	InternalDate time.Time // its day counts in UTC, in which FETCH tells it
	Seq          imap.SeqNum
	UID          imap.UID
	SeqStar      uint32 // what "*" means among sequence numbers
	UIDStar      uint32 // and among UIDs
	Now          time.Time
	ModSeq       uint64
	Saved        bool      // it is in the result that SEARCH saved
	SaveDate     time.Time // at which it came into the mailbox; as InternalDate
	EmailID      string
	ThreadID     string
}

// Match evaluates a search key (rfc3501 §6.4.4, rfc5032 §3, rfc8474 §6, rfc8514 §4.3) as Dovecot does. Texts are decoded, and
// compared as substrings without regard to case. The error is of a key that is not known or
// not well-formed; its answer must then be had elsewhere.
func (m *Message) Match(k imap.SearchKey, f Facts) (bool, error) {
	return (&matching{m: m, f: f}).match(k)
}

// matching is one query of a message. A query may look for thousands of words: the texts are
// decoded once.
type matching struct {
	m     *Message
	f     Facts
	texts map[*entity]string // decoded, for comparison
}

func (x *matching) text(e *entity) string {
	t, ok := x.texts[e]
	if !ok {
		t = foldCase(e.decodedText())
		if x.texts == nil {
			x.texts = map[*entity]string{}
		}
		x.texts[e] = t
	}
	return t
}

func (x *matching) match(k imap.SearchKey) (bool, error) {
	m, f := x.m, x.f
	switch k.Op {
	case imap.SearchAnd:
		for _, sub := range k.Keys {
			if ok, err := x.match(sub); err != nil || !ok {
				return false, err
			}
		}
		return true, nil
	case imap.SearchOr:
		for _, sub := range k.Keys {
			if ok, err := x.match(sub); err != nil || ok {
				return ok, err
			}
		}
		return false, nil
	case imap.SearchNot:
		if len(k.Keys) != 1 {
			return false, fmt.Errorf("NOT of %d keys", len(k.Keys))
		}
		ok, err := x.match(k.Keys[0])
		return !ok && err == nil, err
	case imap.SearchSeq:
		return k.Set.Resolve(f.SeqStar).Contains(uint32(f.Seq)), nil
	case imap.SearchUID:
		return k.Set.Resolve(f.UIDStar).Contains(uint32(f.UID)), nil
	case imap.SearchSaved:
		return f.Saved, nil
	case imap.SearchAll:
		return true, nil
	case imap.SearchFlag:
		return f.has(k.Value), nil
	case imap.SearchUnflag:
		return !f.has(k.Value), nil
	case imap.SearchNew:
		return f.Recent && !f.has(`\Seen`), nil
	case imap.SearchOld:
		return !f.Recent, nil
	case imap.SearchLarger:
		return uint64(len(m.raw)) > k.Size, nil
	case imap.SearchSmaller:
		return uint64(len(m.raw)) < k.Size, nil
	case imap.SearchBefore, imap.SearchOn, imap.SearchSince:
		return compareDay(k.Op, f.InternalDate.UTC(), k.Date), nil
	case imap.SearchModSeq: // rfc7162 §3.1.5: "greater than or equal to"
		return f.ModSeq >= k.Size, nil
	case imap.SearchSavedBefore, imap.SearchSavedOn, imap.SearchSavedSince:
		return compareDay(k.Op, f.SaveDate.UTC(), k.Date), nil
	case imap.SearchSaveDateSupported:
		return true, nil
	case imap.SearchEmailID: // rfc8474 §4: ids are compared octet for octet
		return f.EmailID == k.Value, nil
	case imap.SearchThreadID:
		return f.ThreadID == k.Value, nil
	case imap.SearchOlder: // both of them hold of a message that is exactly as old
		return f.InternalDate.Unix() <= f.Now.Unix()-int64(k.Interval), nil
	case imap.SearchYounger:
		return f.InternalDate.Unix() >= f.Now.Unix()-int64(k.Interval), nil
	case imap.SearchSentBefore, imap.SearchSentOn, imap.SearchSentSince:
		return compareDay(k.Op, m.sent(), k.Date), nil
	case imap.SearchHeader:
		return m.root.matchField(k.Field, k.Value, unfolded), nil
	case imap.SearchSubject:
		return m.root.matchField("Subject", k.Value, compressed), nil
	case imap.SearchAddress:
		return m.root.matchField(k.Field, k.Value, canonicalAddresses), nil
	case imap.SearchBody:
		return x.matchText(m.root, foldCase(k.Value), false), nil
	case imap.SearchText:
		return x.matchText(m.root, foldCase(k.Value), true), nil
	}
	return false, fmt.Errorf("search key %q is not known", k.Op)
}

func (f Facts) has(flag string) bool {
	if strings.EqualFold(flag, `\Recent`) {
		return f.Recent
	}
	for _, x := range f.Flags {
		if strings.EqualFold(x, flag) {
			return true
		}
	}
	return false
}

func compareDay(op imap.SearchOp, at, day time.Time) bool {
	y, mo, d := at.Date()
	have := time.Date(y, mo, d, 0, 0, 0, 0, time.UTC)
	switch op {
	case imap.SearchBefore, imap.SearchSentBefore, imap.SearchSavedBefore:
		return have.Before(day)
	case imap.SearchOn, imap.SearchSentOn, imap.SearchSavedOn:
		return have.Equal(day)
	}
	return !have.Before(day)
}

// sent gives the day that the first Date field names, whatever its zone (rfc3501 §6.4.4:
// "disregarding time and timezone"); of a field that is missing or no date, the first day of 1970.
func (m *Message) sent() time.Time {
	if f := m.root.find("Date"); f != nil {
		if day, ok := dayOf(f.value()); ok {
			return day
		}
	}
	return time.Unix(0, 0).UTC()
}

// matchField looks into the fields of a name; text gives what is looked at. An empty value
// asks whether there is such a field.
func (e *entity) matchField(name, value string, text func(field) string) bool {
	needle := foldCase(value)
	for _, f := range e.fields {
		if strings.EqualFold(f.name, name) && (value == "" || strings.Contains(foldCase(decodeWords(text(f))), needle)) {
			return true
		}
	}
	return false
}

// unfold makes one line, with a space where a further line began, also with a tab.
func unfold(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n\t", " "), "\r\n", "")
}

func unfolded(f field) string { return unfold(f.folded()) }

// compressed is a field's text with one space for all white space in a row, also at its end.
func compressed(f field) string {
	s := f.value()
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' })
	if strings.HasSuffix(s, " ") || strings.HasSuffix(s, "\t") {
		words = append(words, "")
	}
	return strings.Join(words, " ")
}

// canonicalAddresses writes the addresses of a field in one form, so that they are found
// however the field is written: "Quoted Name" <mailbox@host>.
func canonicalAddresses(f field) string {
	var b strings.Builder
	first, inGroup := true, false
	for _, a := range addressList(f.value(), nil) {
		if a.group && inGroup {
			b.WriteByte(';')
			first, inGroup = false, false
			continue
		}
		switch {
		case first && inGroup:
			b.WriteByte(' ')
		case !first:
			b.WriteString(", ")
		}
		first = false
		if a.group {
			b.WriteString(quotePhrase(*a.mailbox) + ":")
			first, inGroup = true, true
			continue
		}
		if a.name != nil && *a.name != "" {
			b.WriteString(quotePhrase(*a.name) + " ")
		}
		b.WriteByte('<')
		if a.route != nil {
			b.WriteString(*a.route + ":")
		}
		b.WriteString(quoteUnless(*a.mailbox, isAtextOrDot) + "@" + *a.host + ">")
	}
	return b.String()
}

// quotePhrase quotes what is not an atom; encoded words stay, to be decoded.
func quotePhrase(s string) string {
	if strings.Contains(s, "=?") {
		return s
	}
	return quoteUnless(s, isAtext)
}

func quoteUnless(s string, plain func(byte) bool) string {
	for i := range len(s) {
		if !plain(s[i]) {
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
		}
	}
	return s
}

// matchText looks into the decoded texts of the parts, and with headers into every header, of
// parts too. What stands between the parts of a multipart is not looked at.
func (x *matching) matchText(e *entity, needle string, headers bool) bool {
	if needle == "" || headers && e.matchHeader(needle) {
		return true
	}
	for _, c := range e.children {
		if x.matchText(c, needle, headers) {
			return true
		}
	}
	if e.multipart || e.nested || e.subkind == "" || !strings.EqualFold(e.kind, "text") && !strings.EqualFold(e.kind, "message") {
		return false
	}
	return strings.Contains(x.text(e), needle)
}

func (e *entity) matchHeader(needle string) bool {
	for _, f := range e.fields {
		line := strings.ReplaceAll(string(f.raw), "\r\n", "")
		if f.name != "" {
			text := unfolded(f)
			line = strings.TrimSuffix(unfold(string(f.raw)), text) + decodeWords(text)
		}
		if strings.Contains(foldCase(line), needle) {
			return true
		}
	}
	return false
}
