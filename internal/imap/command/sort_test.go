package command_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
)

// TestSort: the criteria of rfc5256 §3 and rfc5957 §3, and what comes before and behind them.
func TestSort(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want []imap.SortCriterion
	}{
		{"SORT (DATE) UTF-8 ALL", []imap.SortCriterion{{Key: imap.SortDate}}},
		{"UID SORT (reverse arrival REVERSE Cc from) us-ascii 1:* UID 5", []imap.SortCriterion{
			{Key: imap.SortArrival, Reverse: true}, {Key: imap.SortCc, Reverse: true}, {Key: imap.SortFrom},
		}},
		{"SORT (SIZE SUBJECT TO DISPLAYFROM DISPLAYTO SIZE) {5}\r\nUTF-8 ALL", []imap.SortCriterion{
			{Key: imap.SortSize}, {Key: imap.SortSubject}, {Key: imap.SortTo}, {Key: imap.SortDisplayFrom}, {Key: imap.SortDisplayTo}, {Key: imap.SortSize},
		}},
		{`SORT RETURN (MIN COUNT) (DATE) "UTF-8" SUBJECT "x" OR SEEN $`, []imap.SortCriterion{{Key: imap.SortDate}}},
	} {
		c, err := one(t, "A1 "+tt.in+"\r\n", command.Limits{})
		if got := refusal(t, c, err); got != "" {
			t.Errorf("%s: %s", tt.in, got)
			continue
		}
		a := c.Args.(*command.Sort)
		if d := cmp.Diff(tt.want, a.By); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.in, d)
		}
	}
	c, err := one(t, "A1 UID SORT RETURN (MIN COUNT) (DATE) iso-8859-1 SUBJECT {1}\r\n\xe4 5\r\n", command.Limits{})
	if got := refusal(t, c, err); got != "" {
		t.Fatal(got)
	}
	a := c.Args.(*command.Sort)
	if !a.UID || *a.Return != (command.Return{Min: true, Count: true}) || a.Charset != "ISO-8859-1" || a.Key.Keys[0].Value != "ä" || string(c.Raw[a.KeysStart:a.KeysEnd]) != "SUBJECT {1}\r\n\xe4 5" {
		t.Errorf("%+v", a)
	}
}

func TestSortErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, err string }{
		{"SORT", "a space expected at octet 8"},
		{"SORT ", "'(' expected at octet 9"},
		{"SORT DATE UTF-8 ALL", "'(' expected at octet 9"},
		{"SORT () UTF-8 ALL", "an atom expected at octet 10"},
		{"SORT (REVERSE) UTF-8 ALL", "a space expected at octet 17"},
		{"SORT (REVERSE REVERSE DATE) UTF-8 ALL", "sort key REVERSE is not offered"},
		{"SORT (DATE SPAM) UTF-8 ALL", "sort key SPAM is not offered"},
		{"SORT (DATE)", "a space expected at octet 15"},
		{"SORT (DATE) ", "a string expected at octet 16"},
		{"SORT (DATE) UTF-8", "a space expected at octet 21"},
		{"SORT (DATE) UTF-8 ", "a search key expected at octet 22"},
		{"SORT (DATE)UTF-8 ALL", "a space expected at octet 15"},
		{"SORT (DATE) UTF-8 ALL)", "a space expected at octet 25"},
		{"SORT RETURN (PARTIAL 1:2) (DATE) UTF-8 ALL", "result option PARTIAL is not offered"},
		{"SORT RETURN MIN (DATE) UTF-8 ALL", "'(' expected at octet 16"},
		{"THREAD REFERENCES UTF-8 ALL", ""},
		{"UID THREAD orderedsubject UTF-8 1:*", ""},
		{"THREAD REFS UTF-8 ALL", ""},
		{"THREAD", "a space expected at octet 10"},
		{"THREAD REFERENCES", "a space expected at octet 21"},
		{"THREAD REFERENCES UTF-8", "a space expected at octet 27"},
		{"THREAD X-FOO UTF-8 ALL", "thread algorithm X-FOO is not offered"},
		{"THREAD (REFS) UTF-8 ALL", "a string expected at octet 11"},
	} {
		c, err := one(t, "A1 "+tt.in+"\r\n", command.Limits{})
		if got := refusal(t, c, err); got != tt.err {
			t.Errorf("%s: %q, want %q", tt.in, got, tt.err)
		}
	}
}
