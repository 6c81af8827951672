package command_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
)

// TestItemsOfExtensions: items of RFC 3516, 8474, 8514 and 8970, and of drafts of the last.
func TestItemsOfExtensions(t *testing.T) {
	t.Parallel()
	one := func(raw string, it command.FetchItem) argTest {
		it.Raw = raw
		return fetchTest("UID FETCH 1 "+raw, "1", raw, it)
	}
	binary := func(peek bool, s imap.Section) command.FetchItem {
		return command.FetchItem{Name: "BINARY[]", Section: &s, Peek: peek}
	}
	preview := func(name string, mods ...string) command.FetchItem {
		return command.FetchItem{Name: name, Modifiers: mods}
	}
	testArgs(t, []argTest{
		one("BINARY[]", binary(false, imap.Section{})),
		one("binary.peek[1.2]", binary(true, imap.Section{Part: []uint32{1, 2}})),
		one("BINARY.PEEK[2]<0.4294967295>", binary(true, imap.Section{Part: []uint32{2}, Partial: &imap.Partial{Count: 1<<32 - 1}})),
		one("BINARY.SIZE[1]", command.FetchItem{Name: "BINARY.SIZE[]", Section: &imap.Section{Part: []uint32{1}}, Peek: true}),
		one("EMAILID", item("EMAILID")),
		one("THREADID", item("THREADID")),
		one("SAVEDATE", item("SAVEDATE")),
		one("PREVIEW", preview("PREVIEW")),
		one("PREVIEW (LAZY)", preview("PREVIEW", "LAZY")),
		one("PREVIEW (lazy=fuzzy)", preview("PREVIEW", "LAZY=FUZZY")),
		one("SNIPPET", preview("SNIPPET")),
		one("SNIPPET (LAZY FUZZY)", preview("SNIPPET", "LAZY", "FUZZY")),
		fetchTest("FETCH 1 (PREVIEW UID)", "1", "(PREVIEW UID)", command.FetchItem{Name: "PREVIEW", Raw: "PREVIEW"}, item("UID")),
		fetchTest("FETCH 1 (PREVIEW (LAZY) UID)", "1", "(PREVIEW (LAZY) UID)", command.FetchItem{Name: "PREVIEW", Modifiers: []string{"LAZY"}, Raw: "PREVIEW (LAZY)"}, item("UID")),
		{in: "FETCH 1 BINARY", err: "'[' expected at octet 18"},
		{in: "FETCH 1 BINARY[", err: "a number from 1 to 4294967295 expected at octet 19"},
		{in: "FETCH 1 BINARY[1.]", err: "a number from 1 to 4294967295 expected at octet 21"},
		{in: "FETCH 1 BINARY[0]", err: "a number from 1 to 4294967295 expected at octet 19"},
		{in: "FETCH 1 BINARY[HEADER]", err: "a number from 1 to 4294967295 expected at octet 19"},
		{in: "FETCH 1 BINARY[1.MIME]", err: "a number from 1 to 4294967295 expected at octet 21"},
		{in: "FETCH 1 BINARY[1.1.1.1]", err: "more than 3 parts within each other at octet 26"},
		{in: "FETCH 1 BINARY[1]<0.0>", err: "a number from 1 to 4294967295 expected at octet 24"},
		{in: "FETCH 1 BINARY.SIZE[1]<0.1>", err: "the end of the line expected at octet 26"},
		{in: "FETCH 1 (PREVIEW (FOO))", err: "LAZY expected at octet 22"},
		{in: "FETCH 1 (PREVIEW ())", err: "LAZY expected at octet 22"},
	})
}

// TestKeysOfExtensions: search keys of RFC 8474 and 8514.
func TestKeysOfExtensions(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	for in, want := range map[string]imap.SearchKey{
		"EMAILID M6d99ac3275bb4e": {Op: imap.SearchEmailID, Value: "M6d99ac3275bb4e"},
		`threadid "T-_1"`:         {Op: imap.SearchThreadID, Value: "T-_1"},
		"SAVEDBEFORE 1-Feb-2026":  {Op: imap.SearchSavedBefore, Date: day},
		`SAVEDON "1-Feb-2026"`:    {Op: imap.SearchSavedOn, Date: day},
		"SAVEDSINCE 01-Feb-2026":  {Op: imap.SearchSavedSince, Date: day},
		"SAVEDATESUPPORTED":       {Op: imap.SearchSaveDateSupported},
	} {
		c, err := one(t, "A1 SEARCH "+in+"\r\n", command.Limits{})
		if err != nil || c.Err != nil {
			t.Errorf("%s: %v, %+v", in, err, c)
			continue
		}
		s, ok := c.Args.(*command.Search)
		if !ok || len(s.Key.Keys) != 1 {
			t.Fatalf("%s: %+v", in, c.Args)
		}
		if d := cmp.Diff(want, s.Key.Keys[0], cmpopts.IgnoreFields(imap.SearchKey{}, "Start", "End")); d != "" {
			t.Errorf("%s (-want +got):\n%s", in, d)
		}
	}
	for in, want := range map[string]string{
		"EMAILID":              "a space expected at octet 18",
		"EMAILID (x)":          "a string expected at octet 19",
		"SAVEDON":              "a space expected at octet 18",
		"SAVEDON x":            `a date like 1-Feb-2006, not "x", expected at octet 19`,
		"SAVEDATESUPPORTED(1)": "a space expected at octet 28",
	} {
		c, err := one(t, "A1 SEARCH "+in+"\r\n", command.Limits{})
		if got := refusal(t, c, err); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// TestUsesOfItems: which capability it is that a command needs.
func TestUsesOfItems(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"FETCH 1 (BINARY.SIZE[1] EMAILID SAVEDATE UID)": "BINARY OBJECTID SAVEDATE",
		"FETCH 1 (PREVIEW (LAZY) THREADID)":             "PREVIEW OBJECTID",
		"FETCH 1 PREVIEW (FUZZY)":                       "PREVIEW=FUZZY",
		"FETCH 1 SNIPPET (LAZY)":                        "SNIPPET=FUZZY",
		"SEARCH NOT (SAVEDATESUPPORTED) EMAILID x":      "SAVEDATE OBJECTID",
		"STATUS a (MAILBOXID)":                          "OBJECTID",
		"APPEND a ~{1+}":                                "BINARY",
		"APPEND a {1+}":                                 "",
		"FETCH 1 (FLAGS BODY[])":                        "",
	} {
		c, err := one(t, "A1 "+in+"\r\n", command.Limits{})
		if err != nil || c.Err != nil {
			t.Errorf("%s: %v, %+v", in, err, c)
			continue
		}
		if got := strings.Join(c.Uses, " "); got != want {
			t.Errorf("%s uses %q, not %q", in, got, want)
		}
	}
}

// TestPages: PARTIAL (rfc9394 §4) of SEARCH and of UID FETCH.
func TestPages(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]command.Page{
		"SEARCH RETURN (PARTIAL 1:100) ALL":                     {Lo: 1, Hi: 100, Start: 26, End: 31},
		"SEARCH RETURN (COUNT partial 100:1 SAVE) ALL":          {Lo: 1, Hi: 100, Start: 32, End: 37},
		"UID SEARCH RETURN (PARTIAL -1:-4294967295) ALL":        {Lo: 1, Hi: 1<<32 - 1, Last: true, Start: 30, End: 44},
		"UID FETCH 1:* FLAGS (PARTIAL -5:-2)":                   {Lo: 2, Hi: 5, Last: true, Start: 32, End: 37},
		"UID FETCH 1:* FLAGS (CHANGEDSINCE 9 PARTIAL 500:1000)": {Lo: 500, Hi: 1000, Start: 47, End: 55},
	} {
		c, err := one(t, "A1 "+in+"\r\n", command.Limits{})
		if err != nil || c.Err != nil {
			t.Errorf("%s: %v, %+v", in, err, c)
			continue
		}
		var got *command.Page
		switch a := c.Args.(type) {
		case *command.Search:
			got = a.Return.Partial
		case *command.Fetch:
			got = a.Partial
			if mods := string(c.Raw[a.ModStart:a.ModEnd]); !strings.HasPrefix(mods, " (") || !strings.HasSuffix(mods, ")") {
				t.Errorf("%s: modifiers %q", in, mods)
			}
		}
		if d := cmp.Diff(&want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", in, d)
		}
		if !slices.Contains(c.Uses, "PARTIAL") {
			t.Errorf("%s uses %v", in, c.Uses)
		}
	}
	for in, want := range map[string]string{
		"SEARCH RETURN (PARTIAL) ALL":                   "a space expected at octet 26",
		"SEARCH RETURN (PARTIAL 5) ALL":                 "':' expected at octet 28",
		"SEARCH RETURN (PARTIAL 0:5) ALL":               "a number from 1 to 4294967295 expected at octet 27",
		"SEARCH RETURN (PARTIAL 1:*) ALL":               "a number from 1 to 4294967295 expected at octet 29",
		"SEARCH RETURN (PARTIAL -1:5) ALL":              "'-' expected at octet 30",
		"SEARCH RETURN (PARTIAL 1:-5) ALL":              "a number from 1 to 4294967295 expected at octet 29",
		"SEARCH RETURN (PARTIAL 1:4294967296) ALL":      "a number from 1 to 4294967295 expected at octet 29",
		"SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL":   "PARTIAL only once expected at octet 38",
		"SEARCH RETURN (PARTIAL 1:2 ALL) ALL":           "not ALL and PARTIAL both expected at octet 35",
		"UID FETCH 1:* FLAGS (PARTIAL 1:2 PARTIAL 1:2)": "PARTIAL once, and of UID FETCH, expected at octet 44",
		"FETCH 1:* FLAGS (PARTIAL 1:2)":                 "PARTIAL once, and of UID FETCH, expected at octet 28",
		"UID FETCH 1:* FLAGS (PARTIAL)":                 "a space expected at octet 32",
		"SORT RETURN (PARTIAL 1:2) (DATE) UTF-8 ALL":    "result option PARTIAL is not offered",
	} {
		c, err := one(t, "A1 "+in+"\r\n", command.Limits{})
		if got := refusal(t, c, err); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
