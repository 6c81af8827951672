package command_test

import (
	"testing"

	"inlay.example/inlay/internal/imap/command"
)

func TestEnable(t *testing.T) {
	t.Parallel()
	names := func(n ...string) *command.Enable { return &command.Enable{Names: n} }
	testArgs(t, []argTest{
		{in: "ENABLE CONDSTORE", want: names("CONDSTORE")},
		{in: "enable  utf8=accept X-Good-Idea ", want: names("UTF8=ACCEPT", "X-GOOD-IDEA")},
		{in: "ENABLE", err: "a space expected at octet 10"},
		{in: "ENABLE ", err: "an atom expected at octet 11"},
		{in: "ENABLE (CONDSTORE)", err: "an atom expected at octet 11"},
		{in: `ENABLE "CONDSTORE"`, err: "an atom expected at octet 11"},
		{in: "ENABLE A,B(", err: "a space expected at octet 14"},
	})
}
