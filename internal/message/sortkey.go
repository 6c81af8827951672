package message

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"inlay.example/inlay/internal/imap"
)

// Order is how a mail server orders messages. Each was established by tests on the server.
type Order string

// The orders that are known.
const (
	DovecotOrder Order = "dovecot"
)

// Criteria gives the criteria of a SORT as the server takes them: for Dovecot a key that came
// before does not count again, and a REVERSE before such a one turns the next key round.
func (o Order) Criteria(by []imap.SortCriterion) []imap.SortCriterion {
	var out []imap.SortCriterion
	reverse := false
	for _, c := range by {
		reverse = reverse != c.Reverse
		if slices.ContainsFunc(out, func(d imap.SortCriterion) bool { return d.Key == c.Key }) {
			continue
		}
		out = append(out, imap.SortCriterion{Key: c.Key, Reverse: reverse})
		reverse = false
	}
	return out
}

// SortFields are the header fields that a key is made of; none of ARRIVAL and SIZE.
func SortFields(k imap.SortKey) []string {
	switch k {
	case imap.SortCc:
		return []string{"Cc"}
	case imap.SortDate:
		return []string{"Date"}
	case imap.SortFrom, imap.SortDisplayFrom:
		return []string{"From"}
	case imap.SortSubject:
		return []string{"Subject"}
	case imap.SortTo, imap.SortDisplayTo:
		return []string{"To"}
	default: // of the mailbox, and not of the message
		return nil
	}
}

// SortFacts is what a server orders a message by, apart from its header.
type SortFacts struct {
	InternalDate time.Time
	Size         int64 // RFC822.SIZE, octets
}

// SortValue is the value that a message has for one key: a number or a text. Values of the same
// key and order are compared by Compare.
type SortValue struct {
	number int64
	text   string
}

// Compare is -1 if v comes before w, 1 if behind, and 0 if the key does not tell them apart.
func (v SortValue) Compare(w SortValue) int {
	return cmp.Or(cmp.Compare(v.number, w.number), strings.Compare(v.text, w.text))
}

// CompareText compares a text with the value of a key that is one.
func CompareText(s string, v SortValue) int { return strings.Compare(s, v.text) }

// Header is what SORT and THREAD look at of a message's header. It is immutable.
type Header struct{ e *entity }

// Header gives the message's header.
func (m *Message) Header() Header { return Header{m.root} }

// ParseHeader reads a header, or what FETCH gave of one. It takes anything.
func ParseHeader(raw []byte) Header {
	var e entity
	e.setHeader(raw)
	return Header{&e}
}

// SortValue gives the value of a key in the order of a server.
func (h Header) SortValue(o Order, k imap.SortKey, f SortFacts) SortValue {
	switch k {
	case imap.SortArrival:
		return SortValue{number: f.InternalDate.Unix()}
	case imap.SortSize:
		return SortValue{number: f.Size}
	case imap.SortDate:
		return SortValue{number: h.SentDate(o, f.InternalDate)}
	case imap.SortSubject:
		base, _ := h.BaseSubject(o)
		return SortValue{text: base}
	case imap.SortCc:
		return SortValue{text: h.mailbox("Cc")}
	case imap.SortFrom:
		return SortValue{text: h.mailbox("From")}
	case imap.SortTo:
		return SortValue{text: h.mailbox("To")}
	case imap.SortDisplayFrom:
		return SortValue{text: h.display("From")}
	case imap.SortDisplayTo:
		return SortValue{text: h.display("To")}
	}
	return SortValue{}
}

// SentDate gives the seconds since 1970 by which DATE orders a message: of its Date, in UTC, and
// where that is missing, or no date, of its INTERNALDATE (rfc5256 §2.2).
func (h Header) SentDate(_ Order, arrived time.Time) int64 {
	if f := h.e.find("Date"); f != nil {
		if day, since, ok := dateOf(f.value()); ok {
			// deviates: Dovecot keeps 32 bits of it, and takes 0 for none.
			if n := day.Add(since).Unix() & math.MaxUint32; n != 0 {
				return n
			}
		}
	}
	return arrived.Unix()
}

// BaseSubject gives the base subject (rfc5256 §2.1) in a form in which equal ones are equal, and
// whether the subject is one of a reply or a forward.
func (h Header) BaseSubject(Order) (base string, reply bool) {
	f := h.e.find("Subject")
	if f == nil {
		return "", false
	}
	return baseSubject(f.folded())
}

// mailbox gives the local part of the first address of a field, folded for comparison.
func (h Header) mailbox(field string) string {
	a, ok := h.first(field)
	if !ok || a.mailbox == nil {
		return ""
	}
	return foldCase(*a.mailbox)
}

// display gives the name of the first address of a field, or the address if it has none, folded
// for comparison.
//
// rfc5957 §3: "If this address has a display-name, it is used. Otherwise …"
func (h Header) display(field string) string {
	a, ok := h.first(field)
	switch {
	case !ok:
		return ""
	case a.name != nil && *a.name != "":
		if name := decodeWords(*a.name); name != "" {
			return foldCase(name)
		}
	}
	switch {
	case a.mailbox == nil:
		return ""
	case a.host == nil:
		return foldCase(*a.mailbox)
	}
	return foldCase(*a.mailbox + "@" + *a.host)
}

func (h Header) first(field string) (a address, ok bool) {
	f := h.e.find(field)
	if f == nil {
		return a, false
	}
	list := addressList(f.value(), nil)
	if len(list) == 0 {
		return a, false
	}
	return list[0], true
}

// Field gives the first field of a name as it stands in its lines.
func (h Header) Field(name string) (string, bool) {
	f := h.e.find(name)
	if f == nil {
		return "", false
	}
	return f.folded(), true
}
