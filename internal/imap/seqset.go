package imap

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// WrittenRange is a range as it was written: 0 stands for "*", the order is the writer's, and
// a single number has A = B.
type WrittenRange struct{ A, B uint32 }

// SeqSet is a sequence-set as it was written (RFC 9051 §9, sequence-set), of UIDs or of
// sequence numbers. It is kept as written because what "*" is depends on the mailbox, and
// because COPYUID pairs sets in their written order.
type SeqSet []WrittenRange

// SetError says what is wrong with a sequence set, and where.
type SetError struct {
	Octet   int // from 1
	Text    string
	TooMany bool // more ranges than the limit
}

func (e *SetError) Error() string {
	return fmt.Sprintf("%s at octet %d of the sequence set", e.Text, e.Octet)
}

// ParseSeqSet parses all of b. Errors are of type *SetError.
//
//	sequence-set = (seq-number / seq-range) ["," sequence-set]
//	seq-range    = seq-number ":" seq-number
//	seq-number   = nz-number / "*"
func ParseSeqSet(b []byte, maxRanges int) (SeqSet, error) {
	var set SeqSet
	for i := 0; ; i++ {
		if len(set) == maxRanges {
			return nil, &SetError{Octet: i + 1, Text: fmt.Sprintf("more than %d ranges", maxRanges), TooMany: true}
		}
		a, n, ok := seqNumber(b[i:])
		if !ok {
			return nil, &SetError{Octet: i + 1, Text: notSeqNumber}
		}
		i += n
		r := WrittenRange{a, a}
		if i < len(b) && b[i] == ':' {
			i++
			if r.B, n, ok = seqNumber(b[i:]); !ok {
				return nil, &SetError{Octet: i + 1, Text: notSeqNumber}
			}
			i += n
		}
		set = append(set, r)
		if i == len(b) {
			return set, nil
		}
		if b[i] != ',' {
			return nil, &SetError{Octet: i + 1, Text: fmt.Sprintf("unexpected %q", b[i])}
		}
	}
}

const notSeqNumber = "a number from 1 to 4294967295 without leading zeros, or *, expected"

// seqNumber takes a seq-number from the start of b, n octets; "*" is 0.
//
//	nz-number = digit-nz *DIGIT
func seqNumber(b []byte) (num uint32, n int, ok bool) {
	if len(b) > 0 && b[0] == '*' {
		return 0, 1, true
	}
	var v uint64
	for ; n < len(b) && '0' <= b[n] && b[n] <= '9'; n++ {
		if v = v*10 + uint64(b[n]-'0'); v == 0 || v > math.MaxUint32 {
			return 0, 0, false
		}
	}
	if n == 0 {
		return 0, 0, false
	}
	return uint32(v), n, true
}

// HasStar reports whether "*" is written anywhere.
func (s SeqSet) HasStar() bool {
	for _, r := range s {
		if r.A == 0 || r.B == 0 {
			return true
		}
	}
	return false
}

// Resolve gives the numbers, with star for "*" (rfc9051 §9: "*" is the largest number in use,
// and 5:* is 3:5 where that is 3). A star of 0 (an empty mailbox) leaves out what needs it.
func (s SeqSet) Resolve(star uint32) Set {
	ranges := make([]Range, 0, len(s))
	for _, r := range s {
		a, b := r.A, r.B
		if a == 0 {
			a = star
		}
		if b == 0 {
			b = star
		}
		if a != 0 && b != 0 {
			ranges = append(ranges, Range{min(a, b), max(a, b)})
		}
	}
	slices.SortFunc(ranges, func(a, b Range) int { return cmp.Compare(a.Lo, b.Lo) })
	var set Set
	for _, r := range ranges {
		set.r = appendRange(set.r, r)
	}
	return set
}
