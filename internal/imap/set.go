package imap

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
)

// Range is an inclusive range of numbers, 1 ≤ Lo ≤ Hi.
type Range struct{ Lo, Hi uint32 }

// Len returns how many numbers the range holds; up to 2^32−1, hence 64 bits.
func (r Range) Len() uint64 { return uint64(r.Hi) - uint64(r.Lo) + 1 }

// Set is a set of UIDs or of sequence numbers: sorted ranges that neither overlap nor touch,
// without "*". The zero value is the empty set. It is not safe for concurrent change.
//
// Why ranges: clients say 1:* for a million messages, and answer lists are runs.
type Set struct{ r []Range }

// SetOf returns the set of the given numbers; zeros are left out.
func SetOf(nums ...uint32) Set {
	var s Set
	for _, n := range nums {
		if n != 0 {
			s.AddRange(n, n)
		}
	}
	return s
}

// Add adds a number; 0 is ignored.
func (s *Set) Add(n uint32) {
	if n != 0 {
		s.AddRange(n, n)
	}
}

// AddRange adds lo to hi, in whichever order they are given; a 0 counts as 1.
func (s *Set) AddRange(lo, hi uint32) {
	if lo > hi {
		lo, hi = hi, lo
	}
	lo, hi = max(lo, 1), max(hi, 1)
	// The common cases are at the end: append or extend without a search.
	if n := len(s.r); n == 0 || uint64(s.r[n-1].Hi)+1 < uint64(lo) {
		s.r = append(s.r, Range{lo, hi})
		return
	}
	// First range that touches or follows lo, and the first that lies wholly beyond hi. The
	// sums are of 64 bits because Hi+1 and hi+1 may not fit.
	i := sort.Search(len(s.r), func(i int) bool { return uint64(s.r[i].Hi)+1 >= uint64(lo) })
	j := sort.Search(len(s.r), func(j int) bool { return uint64(s.r[j].Lo) > uint64(hi)+1 })
	if i < j {
		lo, hi = min(lo, s.r[i].Lo), max(hi, s.r[j-1].Hi)
	}
	s.r = slices.Replace(s.r, i, j, Range{lo, hi})
}

// Remove takes n out.
func (s *Set) Remove(n uint32) { s.RemoveRange(n, n) }

// RemoveRange takes lo to hi out.
func (s *Set) RemoveRange(lo, hi uint32) {
	if lo > hi {
		lo, hi = hi, lo
	}
	i := sort.Search(len(s.r), func(i int) bool { return s.r[i].Hi >= lo })
	j := sort.Search(len(s.r), func(j int) bool { return s.r[j].Lo > hi })
	if i >= j {
		return
	}
	var keep []Range
	if first := s.r[i]; first.Lo < lo {
		keep = append(keep, Range{first.Lo, lo - 1})
	}
	if last := s.r[j-1]; last.Hi > hi {
		keep = append(keep, Range{hi + 1, last.Hi})
	}
	s.r = slices.Replace(s.r, i, j, keep...)
}

// Contains reports whether n is in the set.
func (s Set) Contains(n uint32) bool {
	i := sort.Search(len(s.r), func(i int) bool { return s.r[i].Hi >= n })
	return i < len(s.r) && s.r[i].Lo <= n
}

// Empty reports whether the set holds nothing.
func (s Set) Empty() bool { return len(s.r) == 0 }

// Len returns how many numbers the set holds.
func (s Set) Len() uint64 {
	var n uint64
	for _, r := range s.r {
		n += r.Len()
	}
	return n
}

// Ranges returns the ranges in ascending order. The caller must not change them.
func (s Set) Ranges() []Range { return s.r }

// Max returns the highest number, 0 of the empty set.
func (s Set) Max() uint32 {
	if len(s.r) == 0 {
		return 0
	}
	return s.r[len(s.r)-1].Hi
}

// CountBelow returns how many numbers of the set are below n.
func (s Set) CountBelow(n uint32) uint32 {
	var c uint32
	for _, r := range s.r {
		if r.Lo >= n {
			break
		}
		c += min(r.Hi, n-1) - r.Lo + 1
	}
	return c
}

// Clone returns a set that shares nothing with s.
func (s Set) Clone() Set { return Set{slices.Clone(s.r)} }

// AppendTo appends the set as IMAP writes it ("1:3,7"), nothing for the empty set.
func (s Set) AppendTo(b []byte) []byte {
	for i, r := range s.r {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(r.Lo), 10)
		if r.Hi != r.Lo {
			b = append(b, ':')
			b = strconv.AppendUint(b, uint64(r.Hi), 10)
		}
	}
	return b
}

// String returns the set as IMAP writes it.
func (s Set) String() string { return string(s.AppendTo(nil)) }

// WrittenRange is a range as it was written: 0 stands for "*", the order is the writer's, and
// a single number has A = B.
type WrittenRange struct{ A, B uint32 }

// SeqSet is a sequence-set as it was written (RFC 9051 §9, sequence-set), of UIDs or of
// sequence numbers. It is kept as written because what "*" is depends on the mailbox, and
// because COPYUID pairs sets in their written order.
type SeqSet []WrittenRange

// ParseSeqSet parses all of b.
//
//	sequence-set = (seq-number / seq-range) ["," sequence-set]
//	seq-range    = seq-number ":" seq-number
//	seq-number   = nz-number / "*"
//
// More than maxRanges ranges is an error.
func ParseSeqSet(b []byte, maxRanges int) (SeqSet, error) {
	var set SeqSet
	for i := 0; ; i++ {
		if len(set) == maxRanges {
			return nil, fmt.Errorf("sequence set of more than %d ranges", maxRanges)
		}
		a, n, err := seqNumber(b[i:])
		if err != nil {
			return nil, fmt.Errorf("sequence set at octet %d: %w", i, err)
		}
		i += n
		r := WrittenRange{a, a}
		if i < len(b) && b[i] == ':' {
			i++
			if r.B, n, err = seqNumber(b[i:]); err != nil {
				return nil, fmt.Errorf("sequence set at octet %d: %w", i, err)
			}
			i += n
		}
		set = append(set, r)
		if i == len(b) {
			return set, nil
		}
		if b[i] != ',' {
			return nil, fmt.Errorf("sequence set at octet %d: unexpected %q", i, b[i])
		}
	}
}

func seqNumber(b []byte) (num uint32, n int, err error) {
	if len(b) > 0 && b[0] == '*' {
		return 0, 1, nil
	}
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	if n == 0 {
		return 0, 0, fmt.Errorf("a number or * expected")
	}
	v, err := strconv.ParseUint(string(b[:min(n, 11)]), 10, 32)
	if err != nil || v == 0 || n > 10 || b[0] == '0' {
		return 0, 0, fmt.Errorf("a number from 1 to 4294967295 without leading zeros expected")
	}
	return uint32(v), n, nil
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

// Resolve gives the numbers, with star for "*". A star of 0 (an empty mailbox) leaves out
// what needs it.
func (s SeqSet) Resolve(star uint32) Set {
	var set Set
	for _, r := range s {
		a, b := r.A, r.B
		if a == 0 {
			a = star
		}
		if b == 0 {
			b = star
		}
		if a != 0 && b != 0 {
			set.AddRange(a, b)
		}
	}
	return set
}
