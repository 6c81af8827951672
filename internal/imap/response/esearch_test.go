package response_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
)

var sets = cmp.Comparer(func(a, b imap.Set) bool { return a.String() == b.String() })

// esearchItems are remainders of ESEARCH responses, and what is given of them.
var esearchItems = []struct {
	in   string
	want string // items in their order
	err  bool
}{
	{in: "", want: ""},
	{in: ` (TAG "A1")`, want: ""},
	{in: ` (TAG "A1") UID`, want: ""},
	{in: ` (TAG "A1") UID COUNT 0`, want: "COUNT 0"},
	{in: ` (TAG "A1") MIN 1 MAX 6 ALL 1:6 COUNT 6`, want: "MIN 1, MAX 6, 1:6, COUNT 6"},
	{in: ` (TAG {2}` + "\r\n" + `A1) uid all 17,900,9:5,4294967295 min 5`, want: "17, 900, 5:9, 4294967295, MIN 5"},
	{in: ` COUNT 5`, want: "COUNT 5"},
	{in: ` (TAG "A1") MODSEQ 917162500 ALL 3 PARTIAL (1:2 4:5) X "a b" Y {3}` + "\r\n" + `1 2 MAX 3`, want: "MODSEQ 917162500, 3, MAX 3"},
	{in: ` (TAG "A1") ALL 1,2,3:3`, want: "1, 2, 3"},
	{in: ` UID MIN 1 MODSEQ 9223372036854775807`, want: "MIN 1, MODSEQ 9223372036854775807"},
	{in: ` MODSEQ 9223372036854775808`, err: true},
	{in: ` MODSEQ (5)`, err: true},
	{in: ` MODSEQ`, err: true},
	{in: ` MIN 0`, err: true},
	{in: ` MIN 4294967296`, err: true},
	{in: ` MIN`, err: true},
	{in: ` MIN x`, err: true},
	{in: ` MIN "5"`, err: true},
	{in: ` MAX (5)`, err: true},
	{in: ` COUNT`, err: true},
	{in: ` COUNT -1`, err: true},
	{in: ` ALL 0`, err: true},
	{in: ` ALL 1:*`, err: true},
	{in: ` ALL *`, err: true},
	{in: ` ALL 01`, err: true},
	{in: ` ALL 1:`, err: true},
	{in: ` ALL :1`, err: true},
	{in: ` ALL 1:2:3`, err: true},
	{in: ` ALL 1,`, err: true},
	{in: ` ALL ,1`, err: true},
	{in: ` ALL 4294967296`, err: true},
	{in: ` ALL "1"`, err: true},
	{in: ` ALL`, err: true},
	{in: ` (TAG "A1"`, err: true},
	{in: ` TAG "A1")`, err: true},
}

// streamESearch collects what is streamed.
func streamESearch(r io.Reader) (e response.ESearch, err error) {
	rd := response.NewReader(r, response.Limits{Buffer: 64})
	if _, err := rd.Next(); err != nil {
		return e, err
	}
	err = rd.ESearchItems(func(name string, n uint64) error {
		switch name {
		case "MIN":
			e.Min, e.HasMin = uint32(n), true
		case "MAX":
			e.Max, e.HasMax = uint32(n), true
		case "COUNT":
			e.Count, e.HasCnt = uint32(n), true
		}
		return nil
	}, func(r imap.Range) error {
		e.All.AddRange(r.Lo, r.Hi)
		return nil
	})
	return e, err
}

func TestESearchItems(t *testing.T) {
	t.Parallel()
	for _, tt := range esearchItems {
		for _, cut := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader} {
			r := response.NewReader(cut(strings.NewReader("* ESEARCH"+tt.in+"\r\n* 5 EXISTS\r\n")), response.Limits{})
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			var got []string
			err := r.ESearchItems(func(name string, n uint64) error {
				got = append(got, fmt.Sprint(name, " ", n))
				return nil
			}, func(r imap.Range) error {
				var s imap.Set
				s.AddRange(r.Lo, r.Hi)
				got = append(got, s.String())
				return nil
			})
			if (err != nil) != tt.err {
				t.Errorf("%q: %v", tt.in, err)
			}
			if tt.err {
				continue
			}
			if d := cmp.Diff(tt.want, strings.Join(got, ", ")); d != "" {
				t.Errorf("%q (-want +got):\n%s", tt.in, d)
			}
			if h, err := r.Next(); err != nil || h.Name != "EXISTS" {
				t.Errorf("%q: then %+v, %v", tt.in, h, err)
			}
		}
	}
}

// An error of whoever is told ends the reading.
func TestESearchItemsEnded(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	for _, in := range []string{"* ESEARCH MIN 1 ALL 2\r\n", "* ESEARCH ALL 1,2\r\n"} {
		r := response.NewReader(strings.NewReader(in), response.Limits{})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		n := 0
		end := func() error { n++; return enough }
		err := r.ESearchItems(func(string, uint64) error { return end() }, func(imap.Range) error { return end() })
		if !errors.Is(err, enough) || n != 1 {
			t.Errorf("%q: %v after %d items", in, err, n)
		}
	}
}
