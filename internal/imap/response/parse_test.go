package response_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
)

// differs compares what was parsed, or the text of the error, with what is wanted.
func differs(t *testing.T, in string, got any, err error, want any, wantErr string) {
	t.Helper()
	switch {
	case wantErr != "" && (err == nil || err.Error() != wantErr):
		t.Errorf("%.60q: %v, want %s", in, err, wantErr)
	case wantErr != "" && !fault.Is(err, fault.Invalid):
		t.Errorf("%.60q: the kind is %s", in, fault.KindOf(err))
	case wantErr == "" && err != nil:
		t.Errorf("%.60q: %v", in, err)
	case wantErr == "":
		if d := cmp.Diff(want, got, cmp.Comparer(func(a, b imap.Set) bool { return a.String() == b.String() })); d != "" {
			t.Errorf("%.60q (-want +got):\n%s", in, d)
		}
	}
}

func set(s string) imap.SeqSet {
	out, err := imap.ParseSeqSet([]byte(s), 100)
	if err != nil {
		panic(err)
	}
	return out
}

func TestParseStatus(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]response.Status{
		" done\r\n":                             {Text: "done"},
		"":                                      {},
		"\r\n":                                  {},
		" [READ-WRITE] Select completed.\r\n":   {Code: "READ-WRITE", CodeStart: 2, CodeEnd: 12, Text: "Select completed."},
		" [uidnext 4392] Predicted\n":           {Code: "UIDNEXT", CodeArgs: []byte("4392"), CodeStart: 2, CodeEnd: 14, Text: "Predicted"},
		" [PERMANENTFLAGS (\\Seen \\*)] x]\r\n": {Code: "PERMANENTFLAGS", CodeArgs: []byte("(\\Seen \\*)"), CodeStart: 2, CodeEnd: 27, Text: "x]"},
		"[ALERT]":                               {Code: "ALERT", CodeStart: 1, CodeEnd: 6},
		" [ALERT]text":                          {Code: "ALERT", CodeStart: 2, CodeEnd: 7, Text: "text"},
		" [COPYUID  1 2]":                       {Code: "COPYUID", CodeArgs: []byte(" 1 2"), CodeStart: 2, CodeEnd: 14},
		" [PARSE] bad header":                   {Code: "PARSE", CodeStart: 2, CodeEnd: 7, Text: "bad header"},
		" [BADCHARSET (a b)]":                   {Code: "BADCHARSET", CodeArgs: []byte("(a b)"), CodeStart: 2, CodeEnd: 18},
		" [no end\r\n":                          {Text: "[no end"},
		" []\r\n":                               {Text: "[]"},
		" [ ALERT] x":                           {Text: "[ ALERT] x"},
		" text [ALERT]":                         {Text: "text [ALERT]"},
		" {3}\r\n":                              {Text: "{3}"},
	} {
		differs(t, in, response.ParseStatus([]byte(in)), nil, want, "")
		if st := response.ParseStatus([]byte(in)); !strings.HasPrefix(strings.ToUpper(in[st.CodeStart:st.CodeEnd]), st.Code) {
			t.Errorf("%q: the code is at %q", in, in[st.CodeStart:st.CodeEnd])
		}
	}
}

func TestParseUIDPlus(t *testing.T) {
	t.Parallel()
	const notNumber = "a number from 1 to 4294967295 without leading zeros, or *, expected at octet 1 of the sequence set"
	for _, tt := range []struct {
		in       string
		validity uint32
		uids     imap.SeqSet
		err      string
	}{
		{in: "38505 3955", validity: 38505, uids: set("3955")},
		{in: "4294967295 4294967295", validity: 1<<32 - 1, uids: set("4294967295")},
		{in: "1 5:7,3", validity: 1, uids: set("5:7,3")}, // MULTIAPPEND
		{in: "", err: `response: APPENDUID "": UIDVALIDITY and UIDs expected`},
		{in: "1", err: `response: APPENDUID "1": UIDVALIDITY and UIDs expected`},
		{in: "1 2 3", err: `response: APPENDUID "1 2 3": UIDVALIDITY and UIDs expected`},
		{in: "1  2", err: `response: APPENDUID "1  2": UIDVALIDITY and UIDs expected`},
		{in: "0 2", err: `response: APPENDUID: UIDVALIDITY "0": a number from 1 to 4294967295 expected`},
		{in: "4294967296 2", err: `response: APPENDUID: UIDVALIDITY "4294967296": a number from 1 to 4294967295 expected`},
		{in: "x 2", err: `response: APPENDUID: UIDVALIDITY "x": a number from 1 to 4294967295 expected`},
		{in: "1 0", err: `response: APPENDUID "0": ` + notNumber},
		{in: "1 *", err: `response: APPENDUID "*": * among UIDs`},
		{in: "1 5:*", err: `response: APPENDUID "5:*": * among UIDs`},
	} {
		validity, uids, err := response.ParseAppendUID([]byte(tt.in))
		differs(t, tt.in, uids, err, tt.uids, tt.err)
		if err == nil && validity != tt.validity {
			t.Errorf("%q: UIDVALIDITY %d", tt.in, validity)
		}
	}
	for _, tt := range []struct {
		in       string
		src, dst imap.SeqSet
		err      string
	}{
		{in: "38505 304,319:320 3956:3958", src: set("304,319:320"), dst: set("3956:3958")},
		{in: "1 7:5 1:3", src: set("7:5"), dst: set("1:3")},
		{in: "1 2", err: `response: COPYUID "1 2": UIDVALIDITY and two sets of UIDs expected`},
		{in: "x 2 3", err: `response: COPYUID: UIDVALIDITY "x": a number from 1 to 4294967295 expected`},
		{in: "1 x 3", err: `response: COPYUID "x": ` + notNumber},
		{in: "1 2 *", err: `response: COPYUID "*": * among UIDs`},
	} {
		_, src, dst, err := response.ParseCopyUID([]byte(tt.in))
		differs(t, tt.in, [2]imap.SeqSet{src, dst}, err, [2]imap.SeqSet{tt.src, tt.dst}, tt.err)
	}
}

func TestParseFlags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want []string
		err  string
	}{
		{in: " (\\Answered \\Seen $Junk a[b c]d)\r\n", want: []string{`\Answered`, `\Seen`, "$Junk", "a[b", "c]d"}},
		{in: "(\\Seen \\*)", want: []string{`\Seen`, `\*`}},
		{in: " ()\r\n", want: []string{}},
		{in: " ( a  b ) \n", want: []string{"a", "b"}},
		{in: " \r\n", err: `response: ( expected at octet 2 of " \r\n"`},
		{in: " (a\r\n", err: `response: a space or ) expected at octet 4 of " (a\r\n"`},
		{in: " (a (b))\r\n", err: `response: a flag expected at octet 5 of " (a (b))\r\n"`},
		{in: ` ("a")`, err: `response: a flag expected at octet 3 of " (\"a\")"`},
		{in: ` (a"b")`, err: `response: a space or ) expected at octet 4 of " (a\"b\")"`},
		{in: " (a) b\r\n", err: `response: the end expected at octet 6 of " (a) b\r\n"`},
	} {
		got, err := response.ParseFlags([]byte(tt.in))
		differs(t, tt.in, got, err, tt.want, tt.err)
	}
}

func TestParseMailboxStatus(t *testing.T) {
	t.Parallel()
	type items = []response.StatusItem
	for _, tt := range []struct {
		in      string
		mailbox string
		want    items
		err     string
	}{
		{in: " blurdybloop (MESSAGES 231 uidnext 44292)\r\n", mailbox: "blurdybloop", want: items{{Name: "MESSAGES", Value: 231}, {Name: "UIDNEXT", Value: 44292}}},
		{in: ` "a \"b\\" ()` + "\r\n", mailbox: `a "b\`},
		{in: " {3}\r\na)b (UNSEEN 0)\r\n", mailbox: "a)b", want: items{{Name: "UNSEEN", Value: 0}}},
		{in: " &Jjo-[x] (HIGHESTMODSEQ 9223372036854775807 SIZE 18446744073709551615 )\n", mailbox: "&Jjo-[x]", want: items{{Name: "HIGHESTMODSEQ", Value: 1<<63 - 1}, {Name: "SIZE", Value: 1<<64 - 1}}},
		{in: " a (MAILBOXID (F123) MESSAGES 5)", mailbox: "a", want: items{{Name: "MAILBOXID", Other: "(F123)"}, {Name: "MESSAGES", Value: 5}}},     // rfc8474 §4.3
		{in: " a (APPENDLIMIT nil APPENDLIMIT 5)", mailbox: "a", want: items{{Name: "APPENDLIMIT", Other: "nil"}, {Name: "APPENDLIMIT", Value: 5}}}, // rfc7889 §3
		{in: "", err: `response: a value expected at octet 1 of ""`},
		{in: " (a) (MESSAGES 1)", err: `response: a mailbox name expected at octet 1 of " (a) (MESSAGES 1)"`},
		{in: " a", err: `response: a space and ( expected at octet 3 of " a"`},
		{in: " a(MESSAGES 1)", err: `response: a space and ( expected at octet 3 of " a(MESSAGES 1)"`},
		{in: " a (MESSAGES)", err: `response: an item and its value expected at octet 13 of " a (MESSAGES)"`},
		{in: " a (MESSAGES x)", err: `response: a number expected at octet 14 of " a (MESSAGES x)"`},
		{in: ` a (MESSAGES "1")`, err: `response: a number expected at octet 14 of " a (MESSAGES \"1\")"`},
		{in: " a (MESSAGES 18446744073709551616)", err: `response: a number expected at octet 14 of " a (MESSAGES 18446744073709551616)"`},
		{in: " a (MESSAGES 1", err: `response: an item and its value expected at octet 15 of " a (MESSAGES 1"`},
		{in: " a (X (", err: `response: a value expected at octet 8 of " a (X ("`},
		{in: " a (MESSAGES 1) x", err: `response: the end expected at octet 17 of " a (MESSAGES 1) x"`},
		{in: " {9}\r\nabc", err: `response: a literal expected at octet 2 of " {9}\r\nabc"`},
		{in: " \"a\r\n", err: `response: the end of a quoted string expected at octet 4 of " \"a\r\n"`},
	} {
		mailbox, end, got, err := response.ParseMailboxStatus([]byte(tt.in))
		differs(t, tt.in, got, err, tt.want, tt.err)
		if err == nil && (mailbox != tt.mailbox || !strings.HasPrefix(tt.in[end:], " (")) {
			t.Errorf("%q: %q up to %d", tt.in, mailbox, end)
		}
	}
}

func TestParseSearch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want []uint32
		err  string
	}{
		{in: "\r\n"},
		{in: " \r\n"},
		{in: " 2 84 4294967295 882\r\n", want: []uint32{2, 84, 1<<32 - 1, 882}},
		{in: "  1  2 ", want: []uint32{1, 2}},
		{in: " 0\r\n", err: `response: a space and a number from 1 to 4294967295 expected at octet 2 of " 0\r\n"`},
		{in: "5\r\n", err: `response: a space and a number from 1 to 4294967295 expected at octet 1 of "5\r\n"`},
		{in: " 1 4294967296\r\n", err: `response: a space and a number from 1 to 4294967295 expected at octet 4 of " 1 4294967296\r\n"`},
		{in: " 1,2\r\n", err: `response: a space and a number from 1 to 4294967295 expected at octet 2 of " 1,2\r\n"`},
		{in: " 1 (MODSEQ 5)\r\n", err: `response: a space and a number from 1 to 4294967295 expected at octet 4 of " 1 (MODSEQ 5)\r\n"`},
	} {
		got, err := response.ParseSearch([]byte(tt.in))
		differs(t, tt.in, got, err, tt.want, tt.err)
	}
}

func TestParseESearch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want response.ESearch
		err  string
	}{
		{in: "\r\n"},
		{in: ` (TAG "A285") UID MIN 7 MAX 3800` + "\r\n", want: response.ESearch{Tag: "A285", UID: true, Min: 7, HasMin: true, Max: 3800, HasMax: true}},
		{in: " (tag a1) COUNT 0\r\n", want: response.ESearch{Tag: "a1", HasCnt: true}},
		{in: " ALL 2,10:11 count 3\n", want: response.ESearch{All: set("2,10:11").Resolve(0), Count: 3, HasCnt: true}},
		{in: " (TAG x) MODSEQ 5 PARTIAL (-1:-10 5) MAX 4294967295", want: response.ESearch{Tag: "x", Max: 1<<32 - 1, HasMax: true}},
		{in: " (X y)", err: `response: TAG expected at octet 3 of " (X y)"`},
		{in: " (TAG)", err: `response: a space expected at octet 6 of " (TAG)"`},
		{in: " (TAG a", err: `response: a tag and ) expected at octet 8 of " (TAG a"`},
		{in: " MIN", err: `reading up to octet 5 of " MIN": response: ESEARCH with MIN that is no number or set`},
		{in: " MIN 0", err: `reading up to octet 7 of " MIN 0": response: ESEARCH with MIN that is no number or set`},
		{in: " MAX (1)", err: `reading up to octet 6 of " MAX (1)": response: ESEARCH with MAX that is no number or set`},
		{in: " COUNT 4294967296", err: `reading up to octet 18 of " COUNT 4294967296": response: ESEARCH with COUNT that is no number or set`},
		{in: " ALL 1:*", err: `reading up to octet 6 of " ALL 1:*": response: ESEARCH with ALL that is no set of numbers from 1 to 4294967295`},
		{in: " (5)", err: `response: TAG expected at octet 3 of " (5)"`},
		{in: " )", err: `reading up to octet 2 of " )": response: ESEARCH with unbalanced parentheses`},
		{in: " COUNT 1\r\n*", err: `reading up to octet 11 of " COUNT 1\r\n*": response: ESEARCH with more behind its end`},
		{in: " X {3}\r\nab", err: `reading up to octet 11 of " X {3}\r\nab": response: ESEARCH that ends with a literal`},
	} {
		got, err := response.ParseESearch([]byte(tt.in))
		differs(t, tt.in, got, err, tt.want, tt.err)
	}
}

// fetchTests are read by ParseFetch and by CopyFetch, which must agree.
var fetchTests = []struct {
	in   string
	want response.Fetch
	err  string // of ParseFetch
	copy string // of CopyFetch
}{
	{in: " (UID 4827313 FLAGS (\\Seen $x))\r\n", want: response.Fetch{UID: 4827313, HasFlags: true, Flags: []string{`\Seen`, "$x"}}},
	{in: " (flags () uid 4294967295)\r\n", want: response.Fetch{UID: 1<<32 - 1, HasFlags: true, Flags: []string{}}},
	{in: " ( UID  5  FLAGS ( a ) )\n", want: response.Fetch{UID: 5, HasFlags: true, Flags: []string{"a"}}},
	{in: " (FLAGS (a[b c]d e[) UID 5)\r\n", want: response.Fetch{UID: 5, HasFlags: true, Flags: []string{"a[b", "c]d", "e["}}},
	{in: " (UID 5 UID 6 FLAGS (a) FLAGS (b))\r\n", want: response.Fetch{UID: 6, HasFlags: true, Flags: []string{"b"}}},
	{in: " ()\r\n"},
	{
		in: ` (INTERNALDATE " 7-Jul-1996 02:44:25 -0700" RFC822.SIZE 4286000000000 MODSEQ (65402) X (UID 9 FLAGS (b)) UID 5)` + "\r\n",
		want: response.Fetch{
			UID: 5, Size: 4286000000000, ModSeq: 65402, InternalDate: time.Date(1996, 7, 7, 2, 44, 25, 0, time.FixedZone("", -7*3600)),
		},
	},
	{
		in: " (BODY[HEADER.FIELDS (UID To \"a]b\" {2}\r\n]))]<0> {7}\r\nUID 9)( BODY[] NIL RFC822.TEXT \"\" BODY[1] \"NIL\" UID 5)\r\n",
		want: response.Fetch{UID: 5, Sections: map[string][]byte{
			"BODY[HEADER.FIELDS (UID TO \"A]B\" {2}\r\n]))]<0>": []byte("UID 9)("), "BODY[]": nil, "RFC822.TEXT": {}, "BODY[1]": []byte("NIL"),
		}},
	},
	{in: " (ENVELOPE (\"UID 7\" NIL ((NIL NIL \"a\" \"b\\\")\"))) BODY (\"text\" \"plain\" (\"UID\" \"7\")) UID 5)\r\n", want: response.Fetch{UID: 5}},
	{in: " (BINARY[1] ~{3}\r\n\x00)( UID 5)\r\n", want: response.Fetch{UID: 5, Sections: map[string][]byte{"BINARY[1]": []byte("\x00)(")}}},
	{in: " (X ~a X a{b UID 5)\r\n", want: response.Fetch{UID: 5}},
	{in: " (X a[b UID 5)\r\n", want: response.Fetch{UID: 5}},

	{in: " (UID 0)\r\n", err: `response: a UID expected at octet 7 of " (UID 0)\r\n"`, copy: `response: FETCH with UID "0"`},
	{in: " (UID 4294967296)\r\n", err: `response: a UID expected at octet 7 of " (UID 4294967296)\r\n"`, copy: `response: FETCH with UID "4294967296"`},
	{in: " (UID \"5\")\r\n", err: `response: a UID expected at octet 7 of " (UID \"5\")\r\n"`, copy: `response: FETCH with UID ""`},
	{in: " (UID 5\r\n", err: `response: a space or ) expected at octet 8 of " (UID 5\r\n"`, copy: "response: FETCH with unbalanced parentheses"},
	{in: " (UID 5))\r\n", err: `response: the end expected at octet 9 of " (UID 5))\r\n"`, copy: "response: FETCH with unbalanced parentheses"},
	{in: " (FLAGS (a)\r\n", err: `response: a space or ) expected at octet 12 of " (FLAGS (a)\r\n"`, copy: "response: FETCH with unbalanced parentheses"},
	{in: " (BODY[ UID 5)\r\n", err: `response: ] expected at octet 15 of " (BODY[ UID 5)\r\n"`, copy: "response: FETCH with unbalanced parentheses"},
	{in: " (BODY[] \"a\r\n", err: `response: the end of a quoted string expected at octet 12 of " (BODY[] \"a\r\n"`, copy: "response: FETCH with unbalanced parentheses"},
	{in: " UID 5\r\n", err: `response: ( expected at octet 2 of " UID 5\r\n"`},
	{in: " (UID)\r\n", err: `response: a space expected at octet 6 of " (UID)\r\n"`},
	{in: " (UID )\r\n", err: `response: a value expected at octet 7 of " (UID )\r\n"`},
	{in: " (FLAGS a)\r\n", err: `response: ( expected at octet 9 of " (FLAGS a)\r\n"`},
	{in: " (FLAGS(a))\r\n", err: `response: a space expected at octet 8 of " (FLAGS(a))\r\n"`},
	{in: " (X 1UID 5)\r\n", err: `response: a space expected at octet 11 of " (X 1UID 5)\r\n"`},
	{in: " (X \"a\"UID 5)\r\n", err: `response: a space or ) expected at octet 8 of " (X \"a\"UID 5)\r\n"`},
	{in: " ((X) UID 5)\r\n", err: `response: an item expected at octet 3 of " ((X) UID 5)\r\n"`},
	{in: " (RFC822.SIZE -1)\r\n", err: `response: a size expected at octet 15 of " (RFC822.SIZE -1)\r\n"`},
	{in: " (MODSEQ (x))\r\n", err: `response: a mod-sequence expected at octet 10 of " (MODSEQ (x))\r\n"`},
	{in: " (INTERNALDATE \"today\")\r\n", err: `response: a date and time expected at octet 16 of " (INTERNALDATE \"today\")\r\n"`},
	{in: " (BODY[] x)\r\n", err: `response: a string or NIL expected at octet 10 of " (BODY[] x)\r\n"`},
	{in: " (X {5}\r\n)\r\n", err: `response: a literal expected at octet 5 of " (X {5}\r\n)\r\n"`, copy: "unexpected EOF"},
	{in: " (X " + strings.Repeat("(", 101) + strings.Repeat(")", 101) + ")\r\n"},
}

func TestParseFetch(t *testing.T) {
	t.Parallel()
	for _, tt := range fetchTests {
		got, err := response.ParseFetch([]byte(tt.in))
		differs(t, tt.in, got, err, tt.want, tt.err)
	}
	if _, err := response.ParseFetch([]byte(" (X " + strings.Repeat("(", 102) + strings.Repeat(")", 102) + ")\r\n")); !fault.Is(err, fault.Invalid) {
		t.Errorf("a list of 102 within each other: %v", err)
	}
}

// TestCopyFetch: the UID that is noted while a response streams by is that of the parser that
// holds it, and the octets are what came.
func TestCopyFetch(t *testing.T) {
	t.Parallel()
	for _, tt := range fetchTests {
		r := reader("* 7 FETCH"+tt.in, response.Limits{})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		uid, err := r.CopyFetch(&b)
		if tt.copy != "" {
			if err == nil || err.Error() != tt.copy {
				t.Errorf("%q: %v, want %s", tt.in, err, tt.copy)
			}
			continue
		}
		if err != nil || b.String() != tt.in {
			t.Errorf("%q: %v, copied as %q", tt.in, err, b.String())
		}
		if tt.err == "" && uid != tt.want.UID {
			t.Errorf("%q: UID %d, want %d", tt.in, uid, tt.want.UID)
		}
	}
}

// TestCopyFetchLongWords: words are held no longer than they can mean anything.
func TestCopyFetchLongWords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("UID", 30000)
	for in, want := range map[string]string{
		" (" + long + " " + long + " UID 5)\r\n":                "",
		" (UID " + strings.Repeat("5", 100000) + ")\r\n":        `response: FETCH with UID "5555555555555555"`,
		" (FLAGS (" + strings.Repeat("a ", 9999) + ") UID 5)\n": "",
	} {
		r := response.NewReader(strings.NewReader("* 7 FETCH"+in), response.Limits{})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		uid, err := r.CopyFetch(&b)
		if want == "" && (err != nil || uid != 5 || b.String() != in) || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%.30q: UID %d, %v", in, uid, err)
		}
	}
}
