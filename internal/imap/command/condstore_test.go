package command_test

import (
	"slices"
	"strings"
	"testing"

	"inlay.example/inlay/internal/imap/command"
)

func TestSelectParameters(t *testing.T) {
	t.Parallel()
	sel := func(in, params string, condstore bool, q *command.QResync) argTest {
		a := command.Select{Mailbox: "INBOX", Octets: "INBOX", CondStore: condstore, QResync: q, ReadOnly: in[0] == 'E'}
		a.MailboxStart, a.MailboxEnd = at(in, "INBOX")
		a.ParamsStart = a.MailboxEnd + 1
		a.ParamsEnd = a.ParamsStart + len(params)
		return argTest{in: in, want: &a}
	}
	testArgs(t, []argTest{
		sel("SELECT INBOX (CONDSTORE)", "(CONDSTORE)", true, nil),
		sel("EXAMINE INBOX (condstore ) ", "(condstore )", true, nil),
		sel("SELECT INBOX (QRESYNC (7 90060115))", "(QRESYNC (7 90060115))", false, &command.QResync{UIDValidity: 7, ModSeq: 90060115}),
		sel("SELECT INBOX (QRESYNC (7 0 1:5,9) CONDSTORE)", "(QRESYNC (7 0 1:5,9) CONDSTORE)", true, &command.QResync{UIDValidity: 7, Known: set("1:5,9")}),
		sel("SELECT INBOX (QRESYNC (7 9 1:5 (1,3 4,5)))", "(QRESYNC (7 9 1:5 (1,3 4,5)))", false, &command.QResync{UIDValidity: 7, ModSeq: 9, Known: set("1:5")}),
		sel("SELECT INBOX (QRESYNC (7 9 (1,3 4,5)))", "(QRESYNC (7 9 (1,3 4,5)))", false, &command.QResync{UIDValidity: 7, ModSeq: 9}),
		sel("SELECT INBOX (QRESYNC (7 9223372036854775807))", "(QRESYNC (7 9223372036854775807))", false, &command.QResync{UIDValidity: 7, ModSeq: 1<<63 - 1}),
		{in: "SELECT INBOX ()", err: "an atom expected at octet 18"},
		{in: "SELECT INBOX (FOO)", err: "parameter FOO of SELECT is not offered"},
		{in: "SELECT INBOX (QRESYNC)", err: "a space expected at octet 25"},
		{in: "SELECT INBOX (QRESYNC ())", err: "a number from 1 to 4294967295 expected at octet 27"},
		{in: "SELECT INBOX (QRESYNC (7))", err: "a space expected at octet 28"},
		{in: "SELECT INBOX (QRESYNC (0 1))", err: "a number from 1 to 4294967295 expected at octet 27"},
		{in: "SELECT INBOX (QRESYNC (7 9223372036854775808))", err: "a number from 0 to 9223372036854775807 expected at octet 29"},
		{in: "SELECT INBOX (QRESYNC (7 9 1:*))", err: "a set of numbers without * expected at octet 31"},
		{in: "SELECT INBOX (QRESYNC (7 9 *))", err: "a set of numbers without * expected at octet 31"},
		{in: "SELECT INBOX (QRESYNC (7 9 (1)))", err: "a space expected at octet 33"},
		{in: "SELECT INBOX (QRESYNC (7 9) QRESYNC (7 9))", err: "QRESYNC only once expected at octet 32"},
	})
}

func TestModifiers(t *testing.T) {
	t.Parallel()
	fetch := func(in string, since uint64, vanished bool) argTest {
		tt := fetchTest(in, "1:4", "(FLAGS)", item("FLAGS"))
		a := tt.want.(*command.Fetch) //nolint:forcetypeassert // made a line above
		a.Changed, a.ChangedSince, a.Vanished = true, since, vanished
		a.ModStart, a.ModEnd = a.ItemsEnd, len("A1 ")+strings.LastIndexByte(in, ')')+1
		return tt
	}
	store := func(in string, since uint64) argTest {
		tt := storeTest(in, "1", '+', false, `(\Seen)`, `\Seen`)
		a := tt.want.(*command.Store) //nolint:forcetypeassert // made a line above
		a.Unchanged, a.UnchangedSince = true, since
		return tt
	}
	testArgs(t, []argTest{
		fetch("FETCH 1:4 (FLAGS) (CHANGEDSINCE 5)", 5, false),
		fetch("FETCH 1:4 (FLAGS)   (changedsince 0 ) ", 0, false),
		fetch("UID FETCH 1:4 (FLAGS) (CHANGEDSINCE 5 VANISHED)", 5, true),
		fetch("UID FETCH 1:4 (FLAGS) (VANISHED CHANGEDSINCE 5)", 5, true),
		{in: "FETCH 1 (FLAGS) (CHANGEDSINCE 5 VANISHED)", err: "VANISHED with CHANGEDSINCE of UID FETCH alone expected at octet 20"},
		{in: "UID FETCH 1 (FLAGS) (VANISHED)", err: "VANISHED with CHANGEDSINCE of UID FETCH alone expected at octet 24"},
		{in: "FETCH 1 (FLAGS) ()", err: "an atom expected at octet 21"},
		{in: "FETCH 1 (FLAGS) (CHANGEDSINCE)", err: "a space expected at octet 33"},
		{in: "FETCH 1 (FLAGS) (CHANGEDSINCE x)", err: "a number from 0 to 9223372036854775807 expected at octet 34"},
		{in: "FETCH 1 (FLAGS) (FOO 1)", err: "modifier FOO of FETCH is not offered"},
		store(`STORE 1 (UNCHANGEDSINCE 5) +FLAGS (\Seen)`, 5),
		store(`UID STORE 1 (unchangedsince 0) +FLAGS (\Seen)`, 0),
		{in: "STORE 1 (UNCHANGEDSINCE 5)FLAGS ()", err: "a space expected at octet 30"},
		{in: "STORE 1 (UNCHANGEDSINCE) FLAGS ()", err: "a space expected at octet 27"},
		{in: "STORE 1 (FOO 1) FLAGS ()", err: "modifier FOO of STORE is not offered"},
	})
}

// TestUses: what belongs to an extension is named, so that it is not sent to a backend without it.
func TestUses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"SELECT INBOX":                                  nil,
		"SELECT INBOX (CONDSTORE)":                      {"CONDSTORE"},
		"SELECT INBOX (QRESYNC (7 9))":                  {"QRESYNC"},
		"FETCH 1 (FLAGS MODSEQ)":                        {"CONDSTORE"},
		"UID FETCH 1 UID (CHANGEDSINCE 1 VANISHED)":     {"CONDSTORE", "QRESYNC"},
		"STORE 1 (UNCHANGEDSINCE 1) FLAGS ()":           {"CONDSTORE"},
		"SEARCH NOT MODSEQ 5":                           {"CONDSTORE"},
		"STATUS a (HIGHESTMODSEQ)":                      {"CONDSTORE"},
		`LIST "" * RETURN (STATUS (HIGHESTMODSEQ))`:     {"CONDSTORE"},
		`SEARCH MODSEQ "/flags/\\\\Seen" all 620162338`: {"CONDSTORE"},
	} {
		c, err := one(t, "A1 "+in+"\r\n", command.Limits{})
		if got := refusal(t, c, err); got != "" {
			t.Errorf("%s: refused with %q", in, got)
			continue
		}
		if !slices.Equal(c.Uses, want) {
			t.Errorf("%s: uses %q, want %q", in, c.Uses, want)
		}
	}
}
