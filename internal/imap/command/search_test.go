package command_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
)

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func flagKey(f string) imap.SearchKey { return imap.SearchKey{Op: imap.SearchFlag, Value: f} }
func notFlag(f string) imap.SearchKey { return imap.SearchKey{Op: imap.SearchUnflag, Value: f} }

// TestSearchKeys: every key of RFC 3501 §6.4.4, RFC 5032 §3 and RFC 5182 §3, alone.
func TestSearchKeys(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string // the keys
		want []imap.SearchKey
	}{
		{"ALL", []imap.SearchKey{{Op: imap.SearchAll}}},
		{"answered DELETED DRAFT FLAGGED RECENT SEEN", []imap.SearchKey{
			flagKey(`\Answered`), flagKey(`\Deleted`), flagKey(`\Draft`), flagKey(`\Flagged`), flagKey(`\Recent`), flagKey(`\Seen`),
		}},
		{"UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNSEEN", []imap.SearchKey{
			notFlag(`\Answered`), notFlag(`\Deleted`), notFlag(`\Draft`), notFlag(`\Flagged`), notFlag(`\Seen`),
		}},
		{"NEW OLD", []imap.SearchKey{{Op: imap.SearchNew}, {Op: imap.SearchOld}}},
		{"KEYWORD $Junk UNKEYWORD a[b", []imap.SearchKey{flagKey("$Junk"), notFlag("a[b")}},
		{"BCC a CC b FROM c TO d", []imap.SearchKey{
			{Op: imap.SearchAddress, Field: "Bcc", Value: "a"},
			{Op: imap.SearchAddress, Field: "Cc", Value: "b"},
			{Op: imap.SearchAddress, Field: "From", Value: "c"},
			{Op: imap.SearchAddress, Field: "To", Value: "d"},
		}},
		{`SUBJECT "a \"b" BODY {3}` + "\r\na\nb TEXT x]", []imap.SearchKey{
			{Op: imap.SearchSubject, Value: `a "b`}, {Op: imap.SearchBody, Value: "a\nb"}, {Op: imap.SearchText, Value: "x]"},
		}},
		{`HEADER Message-ID <a@b> HEADER "X Y" ""`, []imap.SearchKey{
			{Op: imap.SearchHeader, Field: "Message-ID", Value: "<a@b>"}, {Op: imap.SearchHeader, Field: "X Y"},
		}},
		{`BEFORE 1-Feb-1994 ON "01-FEB-1994" SINCE 29-feb-2024`, []imap.SearchKey{
			{Op: imap.SearchBefore, Date: day(1994, 2, 1)}, {Op: imap.SearchOn, Date: day(1994, 2, 1)}, {Op: imap.SearchSince, Date: day(2024, 2, 29)},
		}},
		{"SENTBEFORE 31-Dec-9999 SENTON 1-Jan-0001 SENTSINCE {11}\r\n10-Oct-2010", []imap.SearchKey{
			{Op: imap.SearchSentBefore, Date: day(9999, 12, 31)}, {Op: imap.SearchSentOn, Date: day(1, 1, 1)}, {Op: imap.SearchSentSince, Date: day(2010, 10, 10)},
		}},
		{"LARGER 0 SMALLER 4294967296 LARGER 9223372036854775807", []imap.SearchKey{
			{Op: imap.SearchLarger}, {Op: imap.SearchSmaller, Size: 1 << 32}, {Op: imap.SearchLarger, Size: 1<<63 - 1},
		}},
		{"MODSEQ 0 modseq 9223372036854775807", []imap.SearchKey{{Op: imap.SearchModSeq}, {Op: imap.SearchModSeq, Size: 1<<63 - 1}}},
		{`MODSEQ "/flags/\\Seen" all 620162338`, []imap.SearchKey{{Op: imap.SearchModSeq, Size: 620162338}}},
		{"OLDER 1 younger 4294967295", []imap.SearchKey{{Op: imap.SearchOlder, Interval: 1}, {Op: imap.SearchYounger, Interval: 1<<32 - 1}}},
		{"1:*,5 UID 7:3", []imap.SearchKey{{Op: imap.SearchSeq, Set: set("1:*,5")}, {Op: imap.SearchUID, Set: set("7:3")}}},
		{"* UID *", []imap.SearchKey{{Op: imap.SearchSeq, Set: set("*")}, {Op: imap.SearchUID, Set: set("*")}}},
		{"$ UID $ NOT $ KEYWORD $Junk", []imap.SearchKey{
			{Op: imap.SearchSaved}, {Op: imap.SearchSaved}, {Op: imap.SearchNot, Keys: []imap.SearchKey{{Op: imap.SearchSaved}}}, flagKey("$Junk"),
		}},
		{"NOT SEEN OR 1 (UID 2 NOT ALL)", []imap.SearchKey{
			{Op: imap.SearchNot, Keys: []imap.SearchKey{flagKey(`\Seen`)}},
			{Op: imap.SearchOr, Keys: []imap.SearchKey{
				{Op: imap.SearchSeq, Set: set("1")},
				{Op: imap.SearchAnd, Keys: []imap.SearchKey{
					{Op: imap.SearchUID, Set: set("2")},
					{Op: imap.SearchNot, Keys: []imap.SearchKey{{Op: imap.SearchAll}}},
				}},
			}},
		}},
		{"( SEEN  ALL ) ", []imap.SearchKey{{Op: imap.SearchAnd, Keys: []imap.SearchKey{flagKey(`\Seen`), {Op: imap.SearchAll}}}}},
	} {
		for _, name := range []string{"SEARCH ", "UID SEARCH "} {
			input := "A1 " + name + tt.in + "\r\n"
			c, err := one(t, input, command.Limits{})
			if text := refusal(t, c, err); text != "" {
				t.Errorf("%s: %s", tt.in, text)
				continue
			}
			a := c.Args.(*command.Search)
			if a.UID != (name[0] == 'U') || a.Charset != "" || a.Key.Op != imap.SearchAnd {
				t.Errorf("%s: %+v", tt.in, a)
			}
			if d := cmp.Diff(tt.want, a.Key.Keys, cmpopts.IgnoreFields(imap.SearchKey{}, "Start", "End")); d != "" {
				t.Errorf("%s (-want +got):\n%s", tt.in, d)
			}
			if got := string(c.Raw[a.KeysStart:a.KeysEnd]); got != strings.TrimSpace(tt.in) {
				t.Errorf("%s: keys at %q", tt.in, got)
			}
		}
	}
}

// TestSearchPlaces: what a key was parsed from is found again, wherever it lies, and not moved
// by literals before it.
func TestSearchPlaces(t *testing.T) {
	t.Parallel()
	c, err := one(t, "A1 SEARCH CHARSET utf-8 OR (1:5 SUBJECT {2}\r\nü) NOT  uid  9,* TEXT x\r\n", command.Limits{})
	if text := refusal(t, c, err); text != "" {
		t.Fatal(text)
	}
	var got []string
	var walk func(k imap.SearchKey)
	walk = func(k imap.SearchKey) {
		got = append(got, string(c.Raw[k.Start:k.End]))
		for _, s := range k.Keys {
			walk(s)
		}
	}
	a := c.Args.(*command.Search)
	walk(a.Key)
	want := []string{
		"OR (1:5 SUBJECT {2}\r\nü) NOT  uid  9,* TEXT x", "OR (1:5 SUBJECT {2}\r\nü) NOT  uid  9,*", "(1:5 SUBJECT {2}\r\nü)",
		"1:5", "SUBJECT {2}\r\nü", "NOT  uid  9,*", "uid  9,*", "TEXT x",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if a.Charset != "UTF-8" {
		t.Errorf("charset %q", a.Charset)
	}
}

func TestSearchCharset(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ charset, octets, want string }{
		{"UTF-8", "grün", "grün"},
		{"us-ascii", "gr\xfcn", "gr\xfcn"}, // as it is: the backend says what it thinks
		{"ISO-8859-1", "gr\xfcn", "grün"},
		{"iso-8859-15", "\xa4", "€"},
		{"windows-1252", "\x80", "€"},
		{"KOI8-R", "\xf0\xd2", "Пр"},
		{"Shift_JIS", "\x93\xfa", "日"},
		{"ISO-2022-JP", "\x1b$BF|\x1b(B", "日"},
		{"x-nobody-knows", "gr\xfcn", "gr\xfcn"},
	} {
		in := `A1 SEARCH CHARSET "` + tt.charset + `" SUBJECT {` + string(rune('0'+len(tt.octets))) + "}\r\n" + tt.octets + "\r\n"
		c, err := one(t, in, command.Limits{})
		if text := refusal(t, c, err); text != "" {
			t.Errorf("%s: %s", tt.charset, text)
			continue
		}
		a := c.Args.(*command.Search)
		if a.Charset != strings.ToUpper(tt.charset) || a.Key.Keys[0].Value != tt.want {
			t.Errorf("%s: %s %q, want %q", tt.charset, a.Charset, a.Key.Keys[0].Value, tt.want)
		}
	}
}

// TestSearchReturn: what is asked for, and that the keys are found behind it.
func TestSearchReturn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want *command.Return
	}{
		{"ALL", nil},
		{"RETURN () ALL", &command.Return{All: true}},
		{"RETURN (ALL) ALL", &command.Return{All: true}},
		{"return ( Min  MAX ) ALL", &command.Return{Min: true, Max: true}},
		{"RETURN (COUNT MIN COUNT) ALL", &command.Return{Min: true, Count: true}},
		{"RETURN (SAVE) ALL", &command.Return{Save: true}},
		{"RETURN (MAX save) ALL", &command.Return{Max: true, Save: true}},
		{"RETURN (MIN MAX ALL COUNT) CHARSET UTF-8 ALL", &command.Return{Min: true, Max: true, All: true, Count: true}},
	} {
		for _, name := range []string{"SEARCH ", "UID SEARCH "} {
			c, err := one(t, "A1 "+name+tt.in+"\r\n", command.Limits{})
			if text := refusal(t, c, err); text != "" {
				t.Errorf("%s: %s", tt.in, text)
				continue
			}
			a := c.Args.(*command.Search)
			if d := cmp.Diff(tt.want, a.Return); d != "" {
				t.Errorf("%s (-want +got):\n%s", tt.in, d)
			}
			if got := string(c.Raw[a.KeysStart:a.KeysEnd]); got != "ALL" {
				t.Errorf("%s: keys at %q", tt.in, got)
			}
		}
	}
}

func TestSearchErrors(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("(", n) + "ALL" + strings.Repeat(")", n) }
	nots := func(n int) string { return strings.Repeat("NOT ", n) + "ALL" }
	for _, tt := range []struct{ in, err string }{
		{"", "a search key expected at octet 11"},
		{"CHARSET", "a space expected at octet 18"},
		{"CHARSET UTF-8", "a space expected at octet 24"},
		{"CHARSET UTF-8 ", "a search key expected at octet 25"},
		{"ALL CHARSET UTF-8", "a search key expected at octet 15"},
		{"XYZZY", "a search key expected at octet 11"},
		{"ALL(SEEN)", "a space expected at octet 14"},
		{"(ALL)SEEN", "a space expected at octet 16"},
		{"()", "a search key expected at octet 12"},
		{"(ALL", "a space or ) expected at octet 15"},
		{"ALL)", "a space expected at octet 14"},
		{"(ALL(SEEN))", "a space or ) expected at octet 15"},
		{"NOT", "a space expected at octet 14"},
		{"NOT ", "a search key expected at octet 15"},
		{"OR ALL", "a space expected at octet 17"},
		{"FROM", "a space expected at octet 15"},
		{"FROM ", "a string expected at octet 16"},
		{"FROM (a)", "a string expected at octet 16"},
		{"HEADER a", "a space expected at octet 19"},
		{"KEYWORD", "a space expected at octet 18"},
		{"KEYWORD (a)", "an atom expected at octet 19"},
		{"UID", "a space expected at octet 14"},
		{"UID x", notSeq + " at octet 15"},
		{"0", notSeq + " at octet 11"},
		{"1,2,3,4,5", "more than 4 ranges at octet 19"},
		{"$", ""},
		{"NOT UID $", ""},
		{"$5", "a space expected at octet 12"},
		{"$,5", "a space expected at octet 12"},
		{"1,$", notSeq + " at octet 13"},
		{"UID 1:$", notSeq + " at octet 17"},
		{"UID $,1", "a space expected at octet 16"},
		{"RETURN", "a space expected at octet 17"},
		{"RETURN ", "'(' expected at octet 18"},
		{"RETURN MIN ALL", "'(' expected at octet 18"},
		{"RETURN(MIN) ALL", "a space expected at octet 17"},
		{"RETURN (MIN", "a space or ) expected at octet 22"},
		{"RETURN (MIN)", "a space expected at octet 23"},
		{"RETURN (MIN) ", "a search key expected at octet 24"},
		{"RETURN (MIN)ALL", "a space expected at octet 23"},
		{"RETURN (MIN(MAX)) ALL", "a space or ) expected at octet 22"},
		{`RETURN ("MIN") ALL`, "an atom expected at octet 19"},
		{"RETURN ((MIN)) ALL", "an atom expected at octet 19"},
		{"RETURN (MIN X-MOST) ALL", "result option X-MOST is not offered"},
		{"RETURN (MIN MIN MIN MIN MIN) ALL", "more than 4 result options at octet 35"},
		{"RETURN (MIN) RETURN (MIN) ALL", "a search key expected at octet 24"},
		{"CHARSET UTF-8 RETURN (MIN) ALL", "a search key expected at octet 25"},
		{"RETURN (MIN) CHARSET UTF-8", "a space expected at octet 37"},
		{"MODSEQ", "a space expected at octet 17"},
		{"MODSEQ x", "a number from 0 to 9223372036854775807 expected at octet 18"},
		{`MODSEQ "/flags/\\Seen" 5`, "priv, shared or all expected at octet 34"},
		{`MODSEQ "/a" all 5`, `an entry like "/flags/\\Seen" expected at octet 18`},
		{"OLDER", "a space expected at octet 16"},
		{"OLDER 0", "a number from 1 to 4294967295 expected at octet 17"},
		{"OLDER -1", "a number from 1 to 4294967295 expected at octet 17"},
		{"YOUNGER 01", "a number from 1 to 4294967295 expected at octet 19"},
		{"YOUNGER 4294967296", "a number from 1 to 4294967295 expected at octet 19"},
		{`YOUNGER "5"`, "a number from 1 to 4294967295 expected at octet 19"},
		{"LARGER", "a space expected at octet 17"},
		{"LARGER x", "a number from 0 to 9223372036854775807 expected at octet 18"},
		{"LARGER -1", "a number from 0 to 9223372036854775807 expected at octet 18"},
		{"LARGER 9223372036854775808", "a number from 0 to 9223372036854775807 expected at octet 18"},
		{"LARGER 18446744073709551617", "a number from 0 to 9223372036854775807 expected at octet 18"},
		{"ON", "a space expected at octet 13"},
		{"ON 30-Feb-2024", `a date like 1-Feb-2006, not "30-Feb-2024", expected at octet 14`},
		{"ON 29-Feb-2023", `a date like 1-Feb-2006, not "29-Feb-2023", expected at octet 14`},
		{"ON 0-Jan-2024", `a date like 1-Feb-2006, not "0-Jan-2024", expected at octet 14`},
		{"ON 1-Foo-2024", `a date like 1-Feb-2006, not "1-Foo-2024", expected at octet 14`},
		{"ON 1-Jan-24", `a date like 1-Feb-2006, not "1-Jan-24", expected at octet 14`},
		{`ON "1-Jan-2024 10:00"`, `a date like 1-Feb-2006, not "1-Jan-2024 10:00", expected at octet 14`},
		{deep(3), ""},
		{deep(4), "more than 3 search keys within each other at octet 15"},
		{nots(3), ""},
		{nots(4), "more than 3 search keys within each other at octet 27"},
		{"OR ALL OR ALL OR ALL (ALL)", "more than 3 search keys within each other at octet 33"},
		{"1 2 3 4 5 6 7 8", ""},
		{"1 2 3 4 5 6 7 8 9", "more than 8 search keys at octet 27"},
		{"(1 2 3 4 5 6 7) 8", "more than 8 search keys at octet 27"},
	} {
		c, err := one(t, "A1 SEARCH "+tt.in+"\r\n", small)
		if got := refusal(t, c, err); got != tt.err {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.err)
		}
	}
	// The defaults: deep, but not so deep that a stack could overflow.
	for n, want := range map[int]string{50: "", 51: "more than 50 search keys within each other at octet 62"} {
		c, err := one(t, "A1 SEARCH "+deep(n)+"\r\n", command.Limits{})
		if got := refusal(t, c, err); got != want {
			t.Errorf("%d parentheses: %q", n, got)
		}
	}
}
