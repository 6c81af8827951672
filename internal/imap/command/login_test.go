package command_test

import (
	"testing"

	"inlay.example/inlay/internal/imap/command"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	login := func(user, password string) *command.Login { return &command.Login{User: user, Password: password} }
	testArgs(t, []argTest{
		{in: "LOGIN alice secret", want: login("alice", "secret")},
		{in: `login "alice" "a\\b"`, want: login("alice", `a\b`)},
		{in: `LOGIN "a\"l" "\\"`, want: login(`a"l`, `\`)},
		{in: `LOGIN a]b +c`, want: login("a]b", "+c")},
		{in: `LOGIN a ""`, want: login("a", "")},
		{in: "LOGIN {5}\r\nalice {0}\r\n", want: login("alice", "")},
		{in: "LOGIN {5+}\r\nal\r\ne {3+}\r\n\xff\"\\", want: login("al\r\ne", "\xff\"\\")},
		{in: "LOGIN ü ß", want: login("ü", "ß")},
		{in: `LOGIN "" x`, err: "the user name is empty"},
		{in: "LOGIN", err: "a space expected at octet 9"},
		{in: "LOGIN alice", err: "a space expected at octet 15"},
		{in: "LOGIN alice ", err: "a string expected at octet 16"},
		{in: "LOGIN alice a b", err: "the end of the line expected at octet 18"},
		{in: "LOGIN (a) b", err: "a string expected at octet 10"},
		{in: `LOGIN a "b`, err: "the end of a quoted string expected at octet 14"},
		{in: `LOGIN a "\b"`, err: "a character that may be quoted expected at octet 13"},
		{in: "LOGIN a \"b\x00\"", err: "a character that may be quoted expected at octet 14"},
		{in: "LOGIN {3}\r\na\x00b c", err: "no NUL expected at octet 16"},
		{in: "LOGIN ~{3}\r\nabc c", err: "BINARY is not offered"},
		{in: "LOGIN a\x1a b", err: "a space expected at octet 11"},
		{in: "LOGIN a\x1f b", err: "a space expected at octet 11"},
		{in: "LOGIN a\x7f b", err: "a space expected at octet 11"},
	})
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	testArgs(t, []argTest{
		{in: "AUTHENTICATE PLAIN", want: &command.Authenticate{Mechanism: "PLAIN"}},
		{in: "authenticate plain ", want: &command.Authenticate{Mechanism: "PLAIN"}},
		{in: "AUTHENTICATE PLAIN AGEAYg==", want: &command.Authenticate{Mechanism: "PLAIN", Initial: []byte("\x00a\x00b"), HasInitial: true}},
		{in: "AUTHENTICATE EXTERNAL =", want: &command.Authenticate{Mechanism: "EXTERNAL", HasInitial: true}}, // rfc4959 §3
		{in: "AUTHENTICATE", err: "a space expected at octet 16"},
		{in: "AUTHENTICATE ", err: "an atom expected at octet 17"},
		{in: `AUTHENTICATE "PLAIN"`, err: "an atom expected at octet 17"},
		{in: "AUTHENTICATE PLAIN AGEAYg", err: "an initial response in base64 expected at octet 23"},
		{in: "AUTHENTICATE PLAIN ==", err: "an initial response in base64 expected at octet 23"},
		{in: "AUTHENTICATE PLAIN AGE!", err: "an initial response in base64 expected at octet 23"},
		{in: "AUTHENTICATE PLAIN {4}\r\nAGEA", err: "the end of the line expected at octet 23"},
		{in: "AUTHENTICATE PLAIN AGEAYg== x", err: "the end of the line expected at octet 32"},
	})
}

func TestCompress(t *testing.T) {
	t.Parallel()
	testArgs(t, []argTest{
		{in: "COMPRESS DEFLATE", want: &command.Compress{Mechanism: "DEFLATE"}},
		{in: "compress deflate ", want: &command.Compress{Mechanism: "DEFLATE"}},
		{in: "COMPRESS LZW", want: &command.Compress{Mechanism: "LZW"}},
		{in: "COMPRESS", err: "a space expected at octet 12"},
		{in: "COMPRESS ", err: "an atom expected at octet 13"},
		{in: `COMPRESS "DEFLATE"`, err: "an atom expected at octet 13"},
		{in: "COMPRESS {7}\r\nDEFLATE", err: "an atom expected at octet 13"},
		{in: "COMPRESS DEFLATE 9", err: "the end of the line expected at octet 21"},
	})
}

func TestID(t *testing.T) {
	t.Parallel()
	id := func(kv ...string) *command.ID {
		m := map[string]string{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return &command.ID{Params: m}
	}
	testArgs(t, []argTest{
		{in: "ID NIL", want: &command.ID{}},
		{in: "id nil", want: &command.ID{}},
		{in: "ID ()", want: id()},
		{in: `ID ("Name" "a b" "version" NIL)`, want: id("name", "a b")},
		{in: `ID ("name" "NIL" "x" {3}` + "\r\nNIL)", want: id("name", "NIL", "x", "NIL")},
		{in: `ID ( name Mutt  )`, want: id("name", "Mutt")},
		{in: "ID", err: "a space expected at octet 6"},
		{in: "ID x", err: "a list or NIL expected at octet 7"},
		{in: "ID (", err: "a string expected at octet 8"},
		{in: `ID ("a")`, err: "a space expected at octet 11"},
		{in: `ID ("a" "b""c" "d")`, err: "a space or ) expected at octet 15"},
		{in: `ID ("a" ("b"))`, err: "a string expected at octet 12"},
		{in: `ID ("` + chars(30) + `" "x")`, want: id(chars(30), "x")},
		{in: `ID ("` + chars(31) + `" "x")`, err: "a name of more than 30 or a value of more than 1024 octets at octet 8"},
	})
	// rfc2971 §3.3, at the limit and one past it.
	fields := func(n, value int) string {
		s := ""
		for i := range n {
			s += ` "` + string(rune('a'+i%26)) + string(rune('a'+i/26)) + `" "` + chars(value) + `"`
		}
		return "A1 ID (" + s + ")\r\n"
	}
	for _, tt := range []struct {
		in  string
		err string
		n   int
	}{
		{in: fields(30, 1), n: 30},
		{in: fields(31, 1), err: "more than 30 fields at octet 279"},
		{in: fields(1, 1024), n: 1},
		{in: fields(1, 1025), err: "a name of more than 30 or a value of more than 1024 octets at octet 9"},
	} {
		c, err := one(t, tt.in, command.Limits{})
		if got := refusal(t, c, err); got != tt.err {
			t.Errorf("%.30s…: %q, want %q", tt.in, got, tt.err)
		} else if tt.err == "" && len(c.Args.(*command.ID).Params) != tt.n {
			t.Errorf("%.30s…: %d fields", tt.in, len(c.Args.(*command.ID).Params))
		}
	}
}
