package command_test

import (
	"strings"
	"testing"

	"inlay.example/inlay/internal/imap/command"
)

func chars(n int) string { return strings.Repeat("x", n) }

func TestSelect(t *testing.T) {
	t.Parallel()
	sel := func(in, as, octets, name string, readOnly bool) argTest {
		s, e := at(in, as)
		return argTest{in: in, want: &command.Select{Mailbox: name, Octets: octets, MailboxStart: s, MailboxEnd: e, ReadOnly: readOnly}}
	}
	testArgs(t, []argTest{
		sel("SELECT INBOX", "INBOX", "INBOX", "INBOX", false),
		sel("select inbox ", "inbox", "inbox", "INBOX", false),
		sel(`EXAMINE "InBox"`, `"InBox"`, "InBox", "INBOX", true),
		sel(`SELECT "a \"b\\c"`, `"a \"b\\c"`, `a "b\c`, `a "b\c`, false),
		sel("SELECT Entw&APw-rfe", "Entw&APw-rfe", "Entw&APw-rfe", "Entwürfe", false),
		sel("SELECT {7}\r\na&AOQ-b", "{7}\r\na&AOQ-b", "a&AOQ-b", "aäb", false),
		sel("SELECT a/b]", "a/b]", "a/b]", "a/b]", false),
		sel("SELECT "+chars(20), chars(20), chars(20), chars(20), false),
		sel(`SELECT ""`, `""`, "", "", false), // the backend says what that is
		{in: "SELECT " + chars(21), err: "more than 20 octets of a mailbox name at octet 11"},
		{in: "SELECT {21}\r\n" + chars(21), err: "more than 20 octets of a mailbox name at octet 11"},
		sel("SELECT {3+}\r\na\xffb", "{3+}\r\na\xffb", "a\xffb", "a\xffb", false),
		{in: "SELECT {4}\r\na\r\nb", err: "a mailbox name without a line's end expected at octet 11"},
		{in: "SELECT {2}\r\na\n", err: "a mailbox name without a line's end expected at octet 11"},
		{in: "SELECT", err: "a space expected at octet 10"},
		{in: "SELECT ", err: "a string expected at octet 11"},
		{in: "SELECT a*", err: "the end of the line expected at octet 12"},
		{in: "SELECT a b", err: "the end of the line expected at octet 13"},
		{in: "SELECT INBOX(CONDSTORE)", err: "the end of the line expected at octet 16"},
	})
}

func TestMailboxCommands(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE"} {
		in := name + ` "a b"`
		s, e := at(in, `"a b"`)
		testArgs(t, []argTest{{in: in, want: &command.Mailbox{Name: "a b", Start: s, End: e}}})
		if name != "CREATE" {
			testArgs(t, []argTest{{in: name + " x (USE (\\Drafts))", err: "a parameter of " + name + " is not offered"}})
		}
	}
	use := func(uses ...string) *command.Mailbox {
		return &command.Mailbox{Name: "x", Start: 10, End: 11, Uses: uses}
	}
	testArgs(t, []argTest{
		{in: "CREATE a/b/", want: &command.Mailbox{Name: "a/b/", Start: 10, End: 14}},
		{in: `CREATE x (USE (\Drafts))`, want: use(`\Drafts`)},
		{in: `create x  (use (\Drafts \Sent ) )`, want: use(`\Drafts`, `\Sent`)},
		{in: `CREATE x (USE ())`, want: use()},
		{in: `CREATE x ()`, err: "an atom expected at octet 14"},
		{in: `CREATE x (USE)`, err: "a space expected at octet 17"},
		{in: `CREATE x (USE \Drafts)`, err: "'(' expected at octet 18"},
		{in: `CREATE x (USE (Drafts))`, err: `'\\' expected at octet 19`},
		{in: `CREATE x (USE (\))`, err: "an atom expected at octet 20"},
		{in: `CREATE x (USE (\a \b \c \d \e))`, err: "more than 4 uses at octet 31"},
		{in: `CREATE x (PARTITION "p")`, err: "CREATE parameter PARTITION is not offered"},
		{in: `CREATE x (USE (\Drafts)) y`, err: "the end of the line expected at octet 29"},
		{in: "DELETE", err: "a space expected at octet 10"},
		{in: "CREATE %", err: "a string expected at octet 11"},
		{in: `RENAME a "b c"`, want: &command.Rename{From: "a", To: "b c"}},
		{in: "RENAME inbox &APw-", want: &command.Rename{From: "INBOX", To: "ü"}},
		{in: "RENAME a", err: "a space expected at octet 12"},
		{in: "RENAME a b c", err: "the end of the line expected at octet 15"},
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	list := func(ref string, patterns ...string) *command.List {
		return &command.List{Reference: ref, Patterns: patterns}
	}
	testArgs(t, []argTest{
		{in: `LIST "" *`, want: list("", "*")},
		{in: `LSUB "" "%"`, want: list("", "%")},
		{in: `LIST a/ %/b]*`, want: list("a/", "%/b]*")},
		{in: `LIST "" ""`, want: list("", "")},
		{in: "LIST \"\" {3}\r\na b ", want: list("", "a b")},
		{in: "LIST", err: "a space expected at octet 8"},
		{in: `LIST ""`, err: "a space expected at octet 11"},
		{in: `LIST "" `, err: "a pattern expected at octet 12"},
		{in: `LIST "" * x`, err: "the end of the line expected at octet 14"},
		{in: `LSUB (SUBSCRIBED) "" *`, err: "LIST-EXTENDED in LSUB is not offered"},
		{in: `LSUB "" (a b)`, err: "LIST-EXTENDED in LSUB is not offered"},
		{in: `LSUB "" * RETURN (CHILDREN)`, err: "LIST-EXTENDED in LSUB is not offered"},
		{in: "LIST \"\" ~{1}\r\na", err: "BINARY is not offered"},
	})
}

func TestListExtended(t *testing.T) {
	t.Parallel()
	with := func(a command.List) *command.List {
		a.Extended = true
		if a.Patterns == nil {
			a.Patterns = []string{"*"}
		}
		return &a
	}
	status := func(in, items string, ret []string, names ...string) argTest {
		a := command.List{Return: ret, Status: names}
		a.StatusStart, a.StatusEnd = at(in, items)
		return argTest{in: in, want: with(a)}
	}
	testArgs(t, []argTest{
		{in: `LIST () "" *`, want: with(command.List{})},
		{in: `list (Subscribed recursivematch) "" *`, want: with(command.List{Select: []string{"SUBSCRIBED", "RECURSIVEMATCH"}})},
		{in: `LIST (SPECIAL-USE REMOTE) a *`, want: with(command.List{Select: []string{"SPECIAL-USE", "REMOTE"}, Reference: "a"})},
		{in: `LIST "" (a "b c" %)`, want: with(command.List{Patterns: []string{"a", "b c", "%"}})},
		{in: "LIST \"\" ({3}\r\na b x) RETURN ()", want: with(command.List{Patterns: []string{"a b", "x"}})},
		{in: `LIST "" *  return (Children SUBSCRIBED special-use)`, want: with(command.List{Return: []string{"CHILDREN", "SUBSCRIBED", "SPECIAL-USE"}})},
		status(`LIST "" * RETURN (STATUS (MESSAGES unseen))`, "MESSAGES unseen", []string{"STATUS"}, "MESSAGES", "UNSEEN"),
		status(`LIST "" * RETURN (CHILDREN STATUS (SIZE ) SUBSCRIBED)`, "SIZE ", []string{"CHILDREN", "STATUS", "SUBSCRIBED"}, "SIZE"),
		status("LIST \"\" {1}\r\n* RETURN (STATUS (DELETED))", "DELETED", []string{"STATUS"}, "DELETED"),
		{in: `LIST (REMOTE "" *`, err: "an atom expected at octet 17"},
		{in: `LIST (REMOTE)"" *`, err: "a space expected at octet 17"},
		{in: `LIST (SHARED) "" *`, err: "LIST selection option SHARED is not offered"},
		{in: `LIST (REMOTE REMOTE REMOTE REMOTE REMOTE) "" *`, err: "more than 4 options at octet 38"},
		{in: `LIST "" ()`, err: "a pattern expected at octet 13"},
		{in: `LIST "" (a b c d e)`, err: "more than 4 patterns at octet 21"},
		{in: `LIST "" * RETURN`, err: "a space expected at octet 20"},
		{in: `LIST "" * RETURN CHILDREN`, err: "'(' expected at octet 21"},
		{in: `LIST "" * RETURN (MYRIGHTS)`, err: "LIST return option MYRIGHTS is not offered"},
		{in: `LIST "" * RETURN (STATUS)`, err: "a space expected at octet 28"},
		{in: `LIST "" * RETURN (STATUS ())`, err: "an atom expected at octet 30"},
		{in: `LIST "" * RETURN (STATUS (HIGHESTMODSEQX))`, err: "STATUS item HIGHESTMODSEQX is not offered"},
		{in: `LIST "" * RETURN (STATUS (SIZE) STATUS (SIZE))`, err: "STATUS only once expected at octet 42"},
		{in: `LIST "" * RETURN (STATUS (SIZE)) x`, err: "the end of the line expected at octet 37"},
	})
}

func TestStatus(t *testing.T) {
	t.Parallel()
	stat := func(in, box, name, list string, items ...string) argTest {
		a := command.Status{Mailbox: name, Items: items}
		a.MailboxStart, a.MailboxEnd = at(in, box)
		a.ItemsStart, a.ItemsEnd = at(in, list)
		return argTest{in: in, want: &a}
	}
	testArgs(t, []argTest{
		stat("STATUS INBOX (MESSAGES)", "INBOX", "INBOX", "MESSAGES", "MESSAGES"),
		stat(`STATUS "a b" (uidnext RECENT)`, `"a b"`, "a b", "uidnext RECENT", "UIDNEXT", "RECENT"),
		stat("STATUS a (UNSEEN  UIDVALIDITY )", "a", "a", "UNSEEN  UIDVALIDITY ", "UNSEEN", "UIDVALIDITY"),
		{in: "STATUS a", err: "a space expected at octet 12"},
		{in: "STATUS a MESSAGES", err: "'(' expected at octet 13"},
		{in: "STATUS a ()", err: "an atom expected at octet 14"},
		{in: "STATUS a (MESSAGES", err: "a space or ) expected at octet 22"},
		{in: "STATUS a (MESSAGES) x", err: "the end of the line expected at octet 24"},
		stat("STATUS a (MESSAGES HIGHESTMODSEQ)", "a", "a", "MESSAGES HIGHESTMODSEQ", "MESSAGES", "HIGHESTMODSEQ"),
		stat("STATUS a (SIZE deleted)", "a", "a", "SIZE deleted", "SIZE", "DELETED"),
		{in: "STATUS a (RECENT RECENT RECENT RECENT RECENT)", err: "more than 4 items at octet 42"},
	})
}
