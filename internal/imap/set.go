package imap

import (
	"slices"
	"sort"
	"strconv"
)

// Range is an inclusive range of numbers, 1 ≤ Lo ≤ Hi.
type Range struct{ Lo, Hi uint32 }

// Len returns how many numbers the range holds; up to 2^32−1, hence 64 bits.
func (r Range) Len() uint64 { return uint64(r.Hi) - uint64(r.Lo) + 1 }

// Set is a set of UIDs or of sequence numbers, from 1 to 4294967295: sorted ranges that neither
// overlap nor touch, without "*". The zero value is the empty set. Sets may share their ranges
// with the one they were copied from: change only your own, or a Clone. Not safe for
// concurrent change.
//
// Add, Remove, Contains and CountBelow take the logarithm of the number of ranges (and moving
// them, if in the middle); Union, Intersect and Subtract are linear.
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

// AddRange adds lo to hi, in whichever order they are given; 0 is ignored.
func (s *Set) AddRange(lo, hi uint32) {
	if lo > hi {
		lo, hi = hi, lo
	}
	if hi == 0 {
		return
	}
	lo = max(lo, 1)
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

// RemoveRange takes lo to hi out, in whichever order they are given.
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

// appendRange adds a range that begins at or above the last one's beginning.
func appendRange(to []Range, r Range) []Range {
	if n := len(to); n > 0 && uint64(r.Lo) <= uint64(to[n-1].Hi)+1 {
		to[n-1].Hi = max(to[n-1].Hi, r.Hi)
		return to
	}
	return append(to, r)
}

// Union returns what is in s, in t or in both.
func (s Set) Union(t Set) Set {
	out := make([]Range, 0, len(s.r)+len(t.r))
	for i, j := 0, 0; i < len(s.r) || j < len(t.r); {
		if j == len(t.r) || i < len(s.r) && s.r[i].Lo <= t.r[j].Lo {
			out = appendRange(out, s.r[i])
			i++
		} else {
			out = appendRange(out, t.r[j])
			j++
		}
	}
	return Set{out}
}

// Intersect returns what is in both s and t.
func (s Set) Intersect(t Set) Set {
	var out []Range
	for i, j := 0, 0; i < len(s.r) && j < len(t.r); {
		a, b := s.r[i], t.r[j]
		if lo, hi := max(a.Lo, b.Lo), min(a.Hi, b.Hi); lo <= hi {
			out = append(out, Range{lo, hi})
		}
		if a.Hi < b.Hi {
			i++
		} else {
			j++
		}
	}
	return Set{out}
}

// Subtract returns what is in s and not in t.
func (s Set) Subtract(t Set) Set {
	var out []Range
	j := 0
	for _, a := range s.r {
		lo := a.Lo // what of a is from lo on is not decided
		for done := false; !done; {
			switch {
			case j == len(t.r) || t.r[j].Lo > a.Hi:
				out = append(out, Range{lo, a.Hi})
				done = true
			case t.r[j].Hi < lo:
				j++
			default:
				if t.r[j].Lo > lo {
					out = append(out, Range{lo, t.r[j].Lo - 1})
				}
				if done = t.r[j].Hi >= a.Hi; !done {
					lo = t.r[j].Hi + 1
				}
			}
		}
	}
	return Set{out}
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
