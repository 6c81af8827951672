package command_test

import (
	"testing"

	"inlay.example/inlay/internal/imap/command"
)

func storeTest(in, nums string, op byte, silent bool, list string, flags ...string) argTest {
	a := command.Store{UID: in[0] == 'U', Set: set(nums), Op: op, Silent: silent, Flags: flags}
	a.SetStart, a.SetEnd = at(in, nums)
	a.FlagsStart, a.FlagsEnd = at(in, list)
	return argTest{in: in, want: &a}
}

func TestStore(t *testing.T) {
	t.Parallel()
	testArgs(t, []argTest{
		storeTest(`STORE 2:4 +FLAGS (\Deleted)`, "2:4", '+', false, `(\Deleted)`, `\Deleted`),
		storeTest(`UID STORE 2:* -flags.silent ($Junk \Seen )`, "2:*", '-', true, `($Junk \Seen )`, "$Junk", `\Seen`),
		storeTest(`STORE 2 FLAGS ()`, "2", '=', false, `()`),
		storeTest(`STORE 2 FLAGS.SILENT \Seen a[b `, "2", '=', true, `\Seen a[b`, `\Seen`, "a[b"),
		storeTest(`STORE 2 FLAGS a b c d`, "2", '=', false, `a b c d`, "a", "b", "c", "d"),
		{in: "STORE 1", err: "a space expected at octet 11"},
		{in: "STORE 1 ", err: "an atom expected at octet 12"},
		{in: "STORE 1 FLAGS", err: "a space expected at octet 17"},
		{in: "STORE 1 FLAGS ", err: "an atom expected at octet 18"},
		{in: `STORE 1 ++FLAGS (\Seen)`, err: "FLAGS or FLAGS.SILENT expected at octet 12"},
		{in: `STORE 1 FLAG (\Seen)`, err: "FLAGS or FLAGS.SILENT expected at octet 12"},
		{in: `STORE 1 FLAGS (\Seen`, err: "a space or ) expected at octet 24"},
		{in: `STORE 1 FLAGS (\Seen\Deleted)`, err: "a space or ) expected at octet 24"},
		{in: `STORE 1 FLAGS (\)`, err: "an atom expected at octet 20"},
		{in: `STORE 1 FLAGS (\*)`, err: "an atom expected at octet 20"},
		{in: `STORE 1 FLAGS ("a")`, err: "an atom expected at octet 19"},
		{in: `STORE 1 +FLAGS \recent`, err: `a flag that clients may set, not \Recent, expected at octet 19`},
		{in: `STORE 1 FLAGS (a) b`, err: "the end of the line expected at octet 22"},
		{in: `STORE 1 FLAGS a b c d e`, err: "more than 4 flags at octet 26"},
		{in: `STORE 1 FLAGS (a b c d e)`, err: "more than 4 flags at octet 27"},
	})
}

func TestCopy(t *testing.T) {
	t.Parallel()
	copyTest := func(in, nums, box, octets, name string) argTest {
		a := command.Copy{UID: in[0] == 'U', Set: set(nums), Mailbox: name, Octets: octets}
		a.SetStart, a.SetEnd = at(in, nums)
		a.MailboxStart, a.MailboxEnd = at(in, box)
		return argTest{in: in, want: &a}
	}
	testArgs(t, []argTest{
		copyTest("COPY 2:4 Archive", "2:4", "Archive", "Archive", "Archive"),
		copyTest(`UID COPY *:9 "&APw- b"`, "*:9", `"&APw- b"`, "&APw- b", "ü b"),
		copyTest("COPY 7 {5+}\r\ninbox", "7", "{5+}\r\ninbox", "inbox", "INBOX"),
		{in: "COPY 2", err: "a space expected at octet 10"},
		{in: "COPY a b", err: notSeq + " at octet 9"},
		{in: "COPY 1 a b", err: "the end of the line expected at octet 13"},
		{in: "COPY 1 " + chars(21), err: "more than 20 octets of a mailbox name at octet 11"},
	})
}

func TestMove(t *testing.T) {
	t.Parallel()
	moveTest := func(in, nums, box, octets, name string) argTest {
		a := command.Move{Copy: command.Copy{UID: in[0] == 'U', Set: set(nums), Mailbox: name, Octets: octets}}
		a.SetStart, a.SetEnd = at(in, nums)
		a.MailboxStart, a.MailboxEnd = at(in, box)
		return argTest{in: in, want: &a}
	}
	testArgs(t, []argTest{
		moveTest("MOVE 2:4 Archive", "2:4", "Archive", "Archive", "Archive"),
		moveTest(`UID MOVE *:9 "&APw- b"`, "*:9", `"&APw- b"`, "&APw- b", "ü b"),
		moveTest("move 7 {5+}\r\ninbox", "7", "{5+}\r\ninbox", "inbox", "INBOX"),
		{in: "MOVE 2", err: "a space expected at octet 10"},
		{in: "MOVE a b", err: notSeq + " at octet 9"},
		{in: "UID MOVE 1 a b", err: "the end of the line expected at octet 17"},
	})
}
