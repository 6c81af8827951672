package response_test

import (
	"strings"
	"testing"
	"testing/iotest"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
)

// TestESearchPage: the set of PARTIAL is given range by range (rfc9394 §4), however it comes.
func TestESearchPage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, want string
		numbers  string
		bad      bool
	}{
		{in: ` (TAG "A1") UID PARTIAL (-1:-100 200:250,252:300)`, want: "200:250,252:300"},
		{in: ` (TAG "A1") MIN 3 partial (1:5 3) COUNT 9`, want: "3", numbers: "MIN COUNT "},
		{in: ` (TAG "PARTIAL") PARTIAL (1:5 NIL)`, want: ""},
		{in: ` ALL 1:5 PARTIAL (1:5 2,4:5)`, want: "2,4:5"},
		{in: ` PARTIAL (1:5 2:)`, bad: true},
		{in: ` PARTIAL (1:5 x)`, bad: true},
		{in: ` PARTIAL (1:5 (2))`, bad: true},
		{in: ` PARTIAL (1:5 2`, bad: true},
	} {
		r := response.NewReader(iotest.OneByteReader(strings.NewReader("* ESEARCH"+tt.in+"\r\n")), response.Limits{})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		var set imap.Set
		numbers := ""
		err := r.ESearchPage(func(name string, _ uint64) error { numbers += name + " "; return nil }, func(r imap.Range) error { set.AddRange(r.Lo, r.Hi); return nil })
		if (err != nil) != tt.bad || !tt.bad && (set.String() != tt.want || numbers != tt.numbers) {
			t.Errorf("%s: %s, %s, %v", tt.in, set, numbers, err)
		}
	}
}
