package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/message"
)

// spoolError is an error of holding an answer: the connections are as good as before.
type spoolError struct{ err error }

func (e spoolError) Error() string { return e.err.Error() }
func (e spoolError) Unwrap() error { return e.err }

func asSpoolError(err error, to *spoolError) bool { return errors.As(err, to) }

// unheld is an error after which the answer that was begun cannot be ended: the session is over.
func unheld(err error) error {
	var held spoolError
	if errors.As(err, &held) {
		return held.err
	}
	return err
}

// pivots is how many real messages are looked at for each hit of ours in one round: a mailbox
// of a million is done in seven.
const pivots = 7

// span is where the place of a hit may still be: lo ≤ place ≤ hi.
type span struct{ lo, hi int }

// pivot gives the ith of those that divide a span.
func (s span) pivot(i, of int) int { return s.lo + (s.hi-s.lo)*(i+1)/(of+1) }

// place finds the place of each hit by searching the answer of the backend, whose order is
// known, for the keys that hit has. Of a message that has gone meanwhile nothing is known:
// the search goes on with its neighbours.
func (o *ordering) place() error {
	if o.err != nil {
		return spoolError{o.err}
	}
	return narrow(o.found.Len(), len(o.hits), o.look, func(i int, p probe) bool { return o.before(o.hits[i], p) },
		func(i, at int) { o.hits[i].at = at })
}

// before reports whether a hit comes before a real message.
func (o *ordering) before(h ordered, p probe) bool {
	return cmp.Or(o.compare(h.keys, p.keys), cmp.Compare(h.n, p.n)) < 0
}

// probe is a real message that was looked at.
type probe struct {
	n    uint32 // in the client's numbers
	keys []message.SortValue
}

// narrow finds for each of several items its place among n that are in order. look gives probes
// at indices, as far as they can be had; before says whether an item comes before a probe; done is given the place: the number of those before it.
func narrow[P any](n, items int, look func(at []int) (map[int]P, error), before func(item int, p P) bool, done func(item, at int)) error {
	spans := make([]span, items)
	for i := range spans {
		spans[i] = span{0, n}
	}
	for {
		var want []int
		for _, s := range spans {
			k := min(pivots, s.hi-s.lo)
			for j := range k {
				want = append(want, s.pivot(j, k))
			}
		}
		if len(want) == 0 {
			for i, s := range spans {
				done(i, s.lo)
			}
			return nil
		}
		slices.Sort(want)
		got, err := look(slices.Compact(want))
		if err != nil {
			return err
		}
		for i := range spans {
			spans[i] = narrowed(spans[i], func(at int) (bool, bool) {
				p, ok := got[at]
				return ok && before(i, p), ok
			})
		}
	}
}

// narrowed is a span after its pivots were looked at. One that nothing is known of is taken for
// one that comes before, so that the search ends.
func narrowed(s span, before func(at int) (yes, known bool)) span {
	k := min(pivots, s.hi-s.lo)
	lo, hi, known := s.lo, s.hi, false
	for j := range k {
		at := s.pivot(j, k)
		switch yes, ok := before(at); {
		case !ok:
			continue
		case yes:
			return span{lo, at}
		}
		lo, known = at+1, true
	}
	if !known && k > 0 {
		lo = s.pivot(k-1, k) + 1
	}
	return span{lo, hi}
}

// look fetches the keys of the messages at some indices of the answer.
func (o *ordering) look(at []int) (map[int]probe, error) {
	numbers := map[uint32]int{} // of the backend
	for _, i := range at {
		n, err := o.found.At(i)
		if err != nil {
			return nil, spoolError{err}
		}
		numbers[n] = i
	}
	got := map[int]probe{}
	err := o.s.headers(o.uid, numbers, o.items(), func(n uint32, h message.Header, f message.SortFacts) {
		if told, ok := o.told(n); ok {
			got[numbers[n]] = probe{told, o.keys(h, f)}
		}
	})
	return got, err
}

// items are what FETCH must tell of a message for its keys.
func (o *ordering) items() []string {
	var items, fields []string
	add := func(list *[]string, what string) {
		if !slices.Contains(*list, what) {
			*list = append(*list, what)
		}
	}
	for _, c := range o.by {
		switch c.Key {
		case imap.SortSize:
			add(&items, "RFC822.SIZE")
		case imap.SortArrival, imap.SortDate: // a message without a date has that of its arrival
			add(&items, "INTERNALDATE")
		default: // it is made of the header alone
		}
		for _, f := range message.SortFields(c.Key) {
			add(&fields, f)
		}
	}
	if len(fields) > 0 {
		items = append(items, headerItem(fields))
	}
	return items
}

// headerItem asks for fields of a header. What lies behind the first octets orders nothing:
// of a field that is longer its beginning counts.
func headerItem(fields []string) string {
	return "BODY.PEEK[HEADER.FIELDS (" + strings.Join(fields, " ") + ")]<0.32768>"
}

// headers asks for items of messages by UIDs or by numbers of the backend, and gives what came.
func (s *session) headers(uid bool, numbers map[uint32]int, items []string, use func(n uint32, h message.Header, f message.SortFacts)) error {
	var set imap.Set
	for n := range numbers {
		set.Add(n)
	}
	if uid {
		items = append([]string{"UID"}, items...)
	}
	text := "FETCH " + set.String() + " (" + strings.Join(items, " ") + ")"
	if uid {
		text = "UID " + text
	}
	_, err := s.own(text, s.collect("FETCH", heldLine, func(head response.Head, rest []byte) error {
		f, err := response.ParseFetch(rest)
		if err != nil {
			return desync{fmt.Errorf("FETCH of message %d: %w", head.Num, err)}
		}
		n := head.Num
		if uid {
			n = uint32(f.UID)
		}
		if _, asked := numbers[n]; asked && (len(f.Sections) > 0 || f.Size > 0 || !f.InternalDate.IsZero()) {
			var raw []byte
			for _, b := range f.Sections {
				raw = b
			}
			use(n, message.ParseHeader(raw), message.SortFacts{InternalDate: f.InternalDate, Size: int64(f.Size)}) //nolint:gosec // of 63 bits
		}
		return s.flagsAside(imap.SeqNum(head.Num), f)
	}))
	return err
}
