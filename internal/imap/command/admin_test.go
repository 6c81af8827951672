package command_test

import "testing"

func TestQuotaCommands(t *testing.T) {
	t.Parallel()
	testArgs(t, []argTest{
		{in: `GETQUOTA ""`},
		{in: `getquota "User quota"`},
		{in: "GETQUOTA", err: "a space expected at octet 12"},
		{in: "GETQUOTA (a)", err: "a string expected at octet 13"},
		{in: "GETQUOTA a b", err: "the end of the line expected at octet 15"},
		{in: "GETQUOTAROOT INBOX"},
		{in: "GETQUOTAROOT", err: "a space expected at octet 16"},
		{in: "GETQUOTAROOT " + chars(21), err: "more than 20 octets of a mailbox name at octet 17"},
		{in: `SETQUOTA "" (STORAGE 512 MESSAGE 0)`},
		{in: `SETQUOTA "" ()`},
		{in: `SETQUOTA "" (STORAGE)`, err: "a space expected at octet 24"},
		{in: `SETQUOTA "" (STORAGE x)`, err: "a number from 0 to 9223372036854775807 expected at octet 25"},
		{in: `SETQUOTA "" (STORAGE 9223372036854775808)`, err: "a number from 0 to 9223372036854775807 expected at octet 25"},
		{in: `SETQUOTA "" (A 1 B 1 C 1 D 1 E 1)`, err: "more than 4 resources at octet 33"},
		{in: `SETQUOTA ""`, err: "a space expected at octet 15"},
	})
}

func TestACLCommands(t *testing.T) {
	t.Parallel()
	testArgs(t, []argTest{
		{in: "SETACL INBOX anyone +lrs"},
		{in: `setacl {5+}` + "\r\n" + `INBOX "-some one" ""`},
		{in: "SETACL INBOX anyone", err: "a space expected at octet 23"},
		{in: "SETACL INBOX anyone lr x", err: "the end of the line expected at octet 27"},
		{in: "DELETEACL INBOX anyone"},
		{in: "DELETEACL INBOX", err: "a space expected at octet 19"},
		{in: "LISTRIGHTS INBOX anyone"},
		{in: "LISTRIGHTS INBOX (x)", err: "a string expected at octet 21"},
		{in: "GETACL INBOX"},
		{in: "MYRIGHTS &APw-"},
		{in: "MYRIGHTS", err: "a space expected at octet 12"},
		{in: "GETACL a b", err: "the end of the line expected at octet 13"},
	})
}

func TestMetadataCommands(t *testing.T) {
	t.Parallel()
	testArgs(t, []argTest{
		{in: `GETMETADATA "" /shared/comment`},
		{in: `getmetadata INBOX (/shared/comment "/private/x" {2+}` + "\r\n/y)"},
		{in: `GETMETADATA (MAXSIZE 1024 DEPTH infinity) INBOX /private`},
		{in: `GETMETADATA INBOX (maxsize 1024) (/shared/comment)`},
		{in: `GETMETADATA INBOX (DEPTH 1) /shared`},
		{in: `GETMETADATA`, err: "a space expected at octet 15"},
		{in: `GETMETADATA INBOX`, err: "a space expected at octet 21"},
		{in: `GETMETADATA INBOX ()`, err: "a string expected at octet 23"},
		{in: `GETMETADATA (DEPTH 2) INBOX /x`, err: "0, 1 or infinity expected at octet 23"},
		{in: `GETMETADATA (MAXSIZE -1) INBOX /x`, err: "a number from 0 to 4294967295 expected at octet 25"},
		{in: `GETMETADATA (OTHER 2) INBOX /x`, err: "MAXSIZE or DEPTH expected at octet 17"},
		{in: `GETMETADATA () INBOX /x`, err: "MAXSIZE or DEPTH expected at octet 17"},
		{in: `GETMETADATA INBOX (a b c d e)`, err: "more than 4 entries at octet 31"},
		{in: `SETMETADATA INBOX (/private/comment "My comment")`},
		{in: `setmetadata "" (/a nil /b {3}` + "\r\na\r\n" + ` /c ~{3+}` + "\r\na\x00b)"},
		{in: `SETMETADATA INBOX /private/comment x`, err: "'(' expected at octet 22"},
		{in: `SETMETADATA INBOX ()`, err: "a string expected at octet 23"},
		{in: `SETMETADATA INBOX (/a x)`, err: "a string or NIL expected at octet 26"},
		{in: `SETMETADATA INBOX (/a)`, err: "a space expected at octet 25"},
		{in: "SETMETADATA INBOX (/a {2}\r\na\x00)", err: "no NUL expected at octet 32"},
		{in: "SETMETADATA INBOX (~{1}\r\na x)", err: "BINARY is not offered"},
	})
}
