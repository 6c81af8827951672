package wire_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// FuzzWire: no octet is lost, and no way of arriving changes the tokens.
func FuzzWire(f *testing.F) {
	f.Add("A1 LOGIN {5+}\r\nalice \"pa\\\\ss\"\r\n", 7)
	f.Add(strings.Join(pieces, ""), 3)
	f.Fuzz(func(t *testing.T, input string, step int) {
		if len(input) > 4<<10 {
			return // longer ones say nothing that these do not, and are slow octet by octet
		}
		want, wantErr := read(t, strings.NewReader(input), 64, input)
		cuts := make([]int, min(len(input), 1000))
		for i := range cuts {
			cuts[i] = 1 + (step*(i+1))&0x3f
		}
		got, err := read(t, &cutter{input, cuts}, 64, input)
		if !slices.Equal(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("in pieces:\n%s\n%v, want %v", cmp.Diff(want, got), err, wantErr)
		}
		got, err = read(t, iotest.OneByteReader(strings.NewReader(input)), 64, input)
		if !slices.Equal(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("octet by octet:\n%s\n%v, want %v", cmp.Diff(want, got), err, wantErr)
		}
	})
}
