package imap_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"inlay.example/inlay/internal/imap"
)

const last = math.MaxUint32

// domain is where sets are tried: both ends of 32 bits, and one number for all that lies
// between, which every range over it holds.
var domain = func() (d []uint32) {
	for n := uint32(1); n <= 12; n++ {
		d = append(d, n)
	}
	d = append(d, middle)
	for n := uint32(last - 11); n != 0; n++ {
		d = append(d, n)
	}
	return d
}()

const middle = 1 << 31

// model is what a Set stands for.
type model map[uint32]bool

func (m model) addRange(a, b uint32, in bool) {
	for _, n := range domain {
		if n >= min(a, b) && n <= max(a, b) {
			m[n] = in
		}
	}
}

// weight is how many numbers one of the domain stands for.
func weight(n uint32) uint64 {
	if n == middle {
		return last - 24
	}
	return 1
}

func (m model) len() (n uint64) {
	for k, in := range m {
		if in {
			n += weight(k)
		}
	}
	return n
}

// check compares s with m, and s with what a Set promises.
func check(t *rapid.T, what string, s imap.Set, m model) {
	t.Helper()
	for _, n := range domain {
		if s.Contains(n) != m[n] {
			t.Fatalf("%s: %s: Contains(%d) = %v", what, s, n, s.Contains(n))
		}
	}
	if s.Contains(0) {
		t.Fatalf("%s: %s holds 0", what, s)
	}
	if s.Len() != m.len() || s.Empty() != (m.len() == 0) {
		t.Fatalf("%s: %s: Len %d Empty %v, want %d", what, s, s.Len(), s.Empty(), m.len())
	}
	var top uint32
	var below uint64
	for _, n := range domain {
		if n != middle && s.CountBelow(n) != uint32(below) {
			t.Fatalf("%s: %s: CountBelow(%d) = %d, want %d", what, s, n, s.CountBelow(n), below)
		}
		if m[n] {
			top = n
			below += weight(n)
		}
	}
	if top == middle {
		top = last - 12
	}
	if s.Max() != top {
		t.Fatalf("%s: %s: Max %d, want %d", what, s, s.Max(), top)
	}
	for i, r := range s.Ranges() {
		if r.Lo == 0 || r.Lo > r.Hi || i > 0 && uint64(s.Ranges()[i-1].Hi)+1 >= uint64(r.Lo) {
			t.Fatalf("%s: ranges %v", what, s.Ranges())
		}
	}
	if s.Empty() {
		return
	}
	again, err := imap.ParseSeqSet([]byte(s.String()), 100)
	if err != nil || again.Resolve(0).String() != s.String() {
		t.Fatalf("%s: %s written and read: %v, %v", what, s, again, err)
	}
}

func number(t *rapid.T, name string) uint32 {
	for {
		if n := rapid.SampledFrom(domain).Draw(t, name); n != middle {
			return n
		}
	}
}

func randomSet(t *rapid.T, name string) (imap.Set, model) {
	var s imap.Set
	m := model{}
	for range rapid.IntRange(0, 8).Draw(t, name+" ranges") {
		a, b := number(t, name), number(t, name)
		if rapid.Bool().Draw(t, "one") {
			b = a
		}
		s.AddRange(a, b)
		m.addRange(a, b, true)
	}
	return s, m
}

// TestSetAgainstMap: random changes and combinations, against a map of booleans.
func TestSetAgainstMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, m := randomSet(t, "s")
		check(t, "made", s, m)
		for range 10 {
			a, b := number(t, "a"), number(t, "b")
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0:
				s.AddRange(a, b)
				m.addRange(a, b, true)
			case 1:
				s.RemoveRange(a, b)
				m.addRange(a, b, false)
			case 2:
				s.Add(a)
				m[a] = true
			case 3:
				s.Remove(a)
				m[a] = false
			}
			check(t, "changed", s, m)
		}
		u, n := randomSet(t, "u")
		before, other := s.String(), u.String()
		union, both, without := model{}, model{}, model{}
		for _, k := range domain {
			union[k], both[k], without[k] = m[k] || n[k], m[k] && n[k], m[k] && !n[k]
		}
		check(t, "union", s.Union(u), union)
		check(t, "intersection", s.Intersect(u), both)
		check(t, "difference", s.Subtract(u), without)
		c := s.Clone()
		c.AddRange(1, last)
		c.Remove(5)
		if s.String() != before || u.String() != other {
			t.Fatalf("operands changed: %s was %s, %s was %s", s, before, u, other)
		}
	})
}

func TestSetEdges(t *testing.T) {
	t.Parallel()
	var s imap.Set
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() {}, ""},
		{func() { s.Add(0); s.AddRange(0, 0); s.Remove(0); s.RemoveRange(0, last) }, ""},
		{func() { s.Add(last) }, "4294967295"},
		{func() { s.Add(last); s.Add(last - 1) }, "4294967294:4294967295"},
		{func() { s.Add(1) }, "1,4294967294:4294967295"},
		{func() { s.AddRange(5, 0) }, "1:5,4294967294:4294967295"},
		{func() { s.AddRange(4294967293, 6) }, "1:4294967295"},
		{func() { s.Remove(1); s.Remove(last) }, "2:4294967294"},
		{func() { s.RemoveRange(10, 2) }, "11:4294967294"},
		{func() { s.RemoveRange(20, last) }, "11:19"},
		{func() { s.AddRange(21, 30) }, "11:19,21:30"},
		{func() { s.Add(20) }, "11:30"},
		{func() { s.RemoveRange(15, 15) }, "11:14,16:30"},
		{func() { s.RemoveRange(1, last) }, ""},
	} {
		step.do()
		if s.String() != step.want {
			t.Fatalf("got %q, want %q", s, step.want)
		}
	}
	full := imap.Range{Lo: 1, Hi: last}
	if full.Len() != last {
		t.Errorf("the whole range holds %d", full.Len())
	}
	s.AddRange(1, last)
	if s.Len() != last || s.CountBelow(last) != last-1 || s.CountBelow(1) != 0 || s.CountBelow(0) != 0 || s.Max() != last {
		t.Errorf("the full set: Len %d, CountBelow %d", s.Len(), s.CountBelow(last))
	}
	if got := imap.SetOf(3, 0, 1, 2, last).String(); got != "1:3,4294967295" {
		t.Errorf("SetOf: %s", got)
	}
}

func TestParseSeqSet(t *testing.T) {
	t.Parallel()
	const number = "a number from 1 to 4294967295 without leading zeros, or *, expected"
	for _, tt := range []struct {
		in   string
		want imap.SeqSet
		err  string
	}{
		{in: "1", want: imap.SeqSet{{1, 1}}},
		{in: "*", want: imap.SeqSet{{0, 0}}},
		{in: "1:*", want: imap.SeqSet{{1, 0}}},
		{in: "*:1", want: imap.SeqSet{{0, 1}}},
		{in: "*:*", want: imap.SeqSet{{0, 0}}},
		{in: "5:3,1,*,4294967295", want: imap.SeqSet{{5, 3}, {1, 1}, {0, 0}, {last, last}}},
		{in: "", err: number + " at octet 1 of the sequence set"},
		{in: "0", err: number + " at octet 1 of the sequence set"},
		{in: "1,0", err: number + " at octet 3 of the sequence set"},
		{in: "01", err: number + " at octet 1 of the sequence set"},
		{in: "1:", err: number + " at octet 3 of the sequence set"},
		{in: "1,", err: number + " at octet 3 of the sequence set"},
		{in: ",1", err: number + " at octet 1 of the sequence set"},
		{in: "1:2:3", err: "unexpected ':' at octet 4 of the sequence set"},
		{in: "1;2", err: "unexpected ';' at octet 2 of the sequence set"},
		{in: "**", err: "unexpected '*' at octet 2 of the sequence set"},
		{in: "-1", err: number + " at octet 1 of the sequence set"},
		{in: "4294967296", err: number + " at octet 1 of the sequence set"},
		{in: "1:4294967296", err: number + " at octet 3 of the sequence set"},
		{in: "18446744073709551617", err: number + " at octet 1 of the sequence set"},
		{in: "1,2,3,4", want: imap.SeqSet{{1, 1}, {2, 2}, {3, 3}, {4, 4}}},
		{in: "1,2,3,4,5", err: "more than 4 ranges at octet 9 of the sequence set"},
	} {
		got, err := imap.ParseSeqSet([]byte(tt.in), 4)
		if !slices.Equal(got, tt.want) || err == nil && tt.err != "" || err != nil && err.Error() != tt.err {
			t.Errorf("%q: %v, %v; want %v, %s", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		star uint32
		want string
		has  bool
	}{
		{"1:*", 5, "1:5", true},
		{"*:1", 5, "1:5", true},
		{"7:*", 5, "5:7", true}, // rfc3501 §9: always includes the last message
		{"*", 5, "5", true},
		{"*", 0, "", true},
		{"1:*,3", 0, "3", true},
		{"5:3", 9, "3:5", false},
		{"9,1:3,2:5,6", 9, "1:6,9", false},
		{"4294967295,4294967294:*", last, "4294967294:4294967295", true},
		{"1:4294967295", 3, "1:4294967295", false},
		{"3,2,1,3,2", 3, "1:3", false},
	} {
		set, err := imap.ParseSeqSet([]byte(tt.in), 100)
		if err != nil {
			t.Fatal(err)
		}
		if got := set.Resolve(tt.star); got.String() != tt.want || set.HasStar() != tt.has {
			t.Errorf("%s with * = %d: %s, HasStar %v", tt.in, tt.star, got, set.HasStar())
		}
	}
}

// FuzzSet: what parses resolves to a set that is well-formed, reads back as itself, and holds
// what the ranges say.
func FuzzSet(f *testing.F) {
	f.Add("1:*,5,4294967295:3", uint32(7))
	f.Fuzz(func(t *testing.T, in string, star uint32) {
		set, err := imap.ParseSeqSet([]byte(in), 50)
		if err != nil {
			return
		}
		got := set.Resolve(star)
		for i, r := range got.Ranges() {
			if r.Lo == 0 || r.Lo > r.Hi || i > 0 && uint64(got.Ranges()[i-1].Hi)+1 >= uint64(r.Lo) {
				t.Fatalf("ranges %v", got.Ranges())
			}
		}
		for _, r := range set {
			for _, n := range []uint32{r.A, r.B} {
				if n == 0 {
					n = star
				}
				other := r.A == 0 && star == 0 || r.B == 0 && star == 0
				if n != 0 && !other && !got.Contains(n) {
					t.Fatalf("%s does not hold %d of %q", got, n, in)
				}
			}
		}
		var slow imap.Set
		for _, r := range got.Ranges() {
			slow.AddRange(r.Hi, r.Lo)
		}
		if slow.String() != got.String() || !got.Subtract(slow).Empty() || got.Union(slow).Len() != got.Len() || got.Intersect(slow).Len() != got.Len() {
			t.Fatalf("%s and %s", got, slow)
		}
	})
}
