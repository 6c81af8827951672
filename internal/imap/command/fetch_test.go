package command_test

import (
	"slices"
	"testing"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
)

func set(s string) imap.SeqSet {
	out, err := imap.ParseSeqSet([]byte(s), 1000)
	if err != nil {
		panic(err)
	}
	return out
}

func fetchTest(in, nums, list string, items ...command.FetchItem) argTest {
	a := command.Fetch{UID: in[0] == 'U', Set: set(nums), Items: items}
	a.SetStart, a.SetEnd = at(in, nums)
	a.ItemsStart, a.ItemsEnd = at(in, list)
	return argTest{in: in, want: &a}
}

func item(name string) command.FetchItem { return command.FetchItem{Name: name, Raw: name} }

func body(raw string, s imap.Section) command.FetchItem {
	return command.FetchItem{Name: "BODY[]", Section: &s, Peek: len(raw) > 5 && raw[4] == '.', Raw: raw}
}

func TestFetchItems(t *testing.T) {
	t.Parallel()
	fast := []command.FetchItem{item("FLAGS"), item("INTERNALDATE"), item("RFC822.SIZE")}
	all := slices.Concat(fast, []command.FetchItem{item("ENVELOPE")})
	full := slices.Concat(all, []command.FetchItem{item("BODY")})
	testArgs(t, []argTest{
		fetchTest("FETCH 2,4:7,9,12:* (FLAGS UID)", "2,4:7,9,12:*", "(FLAGS UID)", item("FLAGS"), item("UID")),
		fetchTest("UID FETCH 1:* (FLAGS )", "1:*", "(FLAGS )", item("FLAGS")), // seen from clients
		fetchTest("FETCH 1  FAST ", "1", "FAST", fast...),
		fetchTest("FETCH 1 all", "1", "all", all...),
		fetchTest("UID FETCH 1 FULL", "1", "FULL", full...),
		fetchTest("FETCH 1 ENVELOPE", "1", "ENVELOPE", item("ENVELOPE")),
		fetchTest("FETCH 1 (INTERNALDATE RFC822.SIZE BODY BODYSTRUCTURE)", "1", "(INTERNALDATE RFC822.SIZE BODY BODYSTRUCTURE)",
			item("INTERNALDATE"), item("RFC822.SIZE"), item("BODY"), item("BODYSTRUCTURE")),
		fetchTest("FETCH 1 (RFC822 RFC822.HEADER RFC822.TEXT)", "1", "(RFC822 RFC822.HEADER RFC822.TEXT)",
			item("RFC822"), item("RFC822.HEADER"), item("RFC822.TEXT")),
		fetchTest("FETCH 1 flags", "1", "flags", command.FetchItem{Name: "FLAGS", Raw: "flags"}),
		{in: "FETCH", err: "a space expected at octet 9"},
		{in: "FETCH 1", err: "a space expected at octet 11"},
		{in: "FETCH 1 ", err: "an item of FETCH expected at octet 12"},
		{in: "FETCH 1 ()", err: "an item of FETCH expected at octet 13"},
		{in: "FETCH 1 (FLAGS", err: "a space or ) expected at octet 18"},
		{in: "FETCH 1 (FLAGS,UID)", err: "an item of FETCH expected at octet 13"},
		{in: "FETCH 1 (ALL)", err: "an item of FETCH expected at octet 13"},
		{in: "FETCH 1 FLAGS UID", err: "the end of the line expected at octet 18"},
		{in: "FETCH 0 FLAGS", err: notSeq + " at octet 10"},
		{in: "FETCH 1,,2 FLAGS", err: notSeq + " at octet 12"},
		{in: "FETCH 1:2:3 FLAGS", err: "unexpected ':' at octet 13"},
		{in: "FETCH 1,$ FLAGS", err: notSeq + " at octet 12"},
		fetchTest("FETCH 1 MODSEQ", "1", "MODSEQ", item("MODSEQ")),
		{in: "FETCH 1 X-GM-MSGID", err: "FETCH item X-GM-MSGID is not offered"},
		{in: "FETCH 1 X-" + chars(70), err: "FETCH item X-" + "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX" + " is not offered"},
		{in: "FETCH 1,2,3,4 FLAGS", want: fetchTest("FETCH 1,2,3,4 FLAGS", "1,2,3,4", "FLAGS", item("FLAGS")).want},
		{in: "FETCH 1,2,3,4,5 FLAGS", err: "more than 4 ranges at octet 18"},
		{in: "FETCH 1 (UID UID UID UID)", want: fetchTest("FETCH 1 (UID UID UID UID)", "1", "(UID UID UID UID)", item("UID"), item("UID"), item("UID"), item("UID")).want},
		{in: "FETCH 1 (UID UID UID UID UID)", err: "more than 4 items at octet 29"},
	})
}

func TestSections(t *testing.T) {
	t.Parallel()
	one := func(raw string, s imap.Section) argTest { return fetchTest("FETCH 1 "+raw, "1", raw, body(raw, s)) }
	fields := []string{"To", "a b"}
	testArgs(t, []argTest{
		one("BODY[]", imap.Section{}),
		one("BODY.PEEK[]", imap.Section{}),
		one("BODY[TEXT]", imap.Section{Specifier: imap.Text}),
		one("BODY[header]", imap.Section{Specifier: imap.Header}),
		one("BODY[1]", imap.Section{Part: []uint32{1}}),
		one("BODY[1.2.4294967295]", imap.Section{Part: []uint32{1, 2, 1<<32 - 1}}),
		one("BODY[1.2.MIME]", imap.Section{Part: []uint32{1, 2}, Specifier: imap.MIME}),
		one("BODY[3.TEXT]", imap.Section{Part: []uint32{3}, Specifier: imap.Text}),
		one("BODY.PEEK[HEADER.FIELDS (To \"a b\")]", imap.Section{Specifier: imap.HeaderFields, Fields: fields}),
		one("BODY[1.HEADER.FIELDS.NOT ({2}\r\nTo \"a b\")]", imap.Section{Part: []uint32{1}, Specifier: imap.HeaderFieldsNot, Fields: fields}),
		one("BODY[]<0.1>", imap.Section{Partial: &imap.Partial{Offset: 0, Count: 1}}),
		one("BODY.PEEK[1]<4294967295.4294967295>", imap.Section{Part: []uint32{1}, Partial: &imap.Partial{Offset: 1<<32 - 1, Count: 1<<32 - 1}}),
		one("BODY[TEXT]<000.2048>", imap.Section{Specifier: imap.Text, Partial: &imap.Partial{Count: 2048}}),
		{in: "FETCH 1 BODY[", err: "a section expected at octet 17"},
		{in: "FETCH 1 BODY[1", err: "']' expected at octet 18"},
		{in: "FETCH 1 BODY[1.]", err: "a section expected at octet 19"},
		{in: "FETCH 1 BODY[.1]", err: "a section expected at octet 17"},
		{in: "FETCH 1 BODY[0]", err: "a number from 1 to 4294967295 expected at octet 17"},
		{in: "FETCH 1 BODY[01]", err: "a number from 1 to 4294967295 expected at octet 17"},
		{in: "FETCH 1 BODY[4294967296]", err: "a number from 1 to 4294967295 expected at octet 17"},
		{in: "FETCH 1 BODY[18446744073709551617]", err: "a number from 1 to 4294967295 expected at octet 17"},
		{in: "FETCH 1 BODY[MIME]", err: "a part number before MIME expected at octet 17"},
		{in: "FETCH 1 BODY[HEADERS]", err: "a section expected at octet 17"},
		{in: "FETCH 1 BODY[HEADER.FIELDS]", err: "a space expected at octet 30"},
		{in: "FETCH 1 BODY[HEADER.FIELDS To]", err: "'(' expected at octet 31"},
		{in: "FETCH 1 BODY[HEADER.FIELDS ()]", err: "a string expected at octet 32"},
		{in: "FETCH 1 BODY[HEADER.FIELDS (a)", err: "']' expected at octet 34"},
		{in: "FETCH 1 BODY[HEADER.FIELDS (a b c d e)]", err: "more than 4 header fields at octet 40"},
		{in: "FETCH 1 BODY[]<0>", err: "'.' expected at octet 20"},
		{in: "FETCH 1 BODY[]<0.0>", err: "a number from 1 to 4294967295 expected at octet 21"},
		{in: "FETCH 1 BODY[]<-1.5>", err: "a number from 0 to 4294967295 expected at octet 19"},
		{in: "FETCH 1 BODY[]<1.5", err: "'>' expected at octet 22"},
		{in: "FETCH 1 BODY[]<4294967296.1>", err: "a number from 0 to 4294967295 expected at octet 19"},
		{in: "FETCH 1 BODY.PEEK", err: "an item of FETCH expected at octet 12"},
		{in: "FETCH 1 RFC822[]", err: "the end of the line expected at octet 18"},
		one("BODY[1.1.1]", imap.Section{Part: []uint32{1, 1, 1}}),
		{in: "FETCH 1 BODY[1.1.1.1]", err: "more than 3 parts within each other at octet 24"},
	})
}
