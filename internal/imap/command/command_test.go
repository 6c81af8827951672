package command_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap/command"
)

// small are limits that tests can reach.
var small = command.Limits{
	Line: 300, Literals: 40, Mailbox: 20, Ranges: 4, Nesting: 3, Keys: 8, Items: 4, Append: 50, Skip: 2000,
}

// agreed asks for every literal.
func agreed() error { return nil }

// one reads the one command of input.
func one(t *testing.T, input string, lim command.Limits) (*command.Command, error) {
	t.Helper()
	return command.NewReader(strings.NewReader(input), lim).Read(agreed)
}

// refusal gives the text of whatever is wrong with a command, empty if nothing is.
func refusal(t *testing.T, c *command.Command, err error) string {
	t.Helper()
	var bad *command.BadError
	switch {
	case errors.As(err, &bad):
		return bad.Error()
	case err != nil:
		t.Fatalf("reading: %v", err)
	case c.Err != nil:
		if c.Args != nil {
			t.Errorf("arguments beside the error %v", c.Err)
		}
		switch fault.KindOf(c.Err) {
		case fault.Invalid, fault.TooLarge:
		case fault.Unsupported:
			if !c.Unsupported {
				t.Errorf("%v, and not Unsupported", c.Err)
			}
		default:
			t.Errorf("%v is of the kind %s", c.Err, fault.KindOf(c.Err))
		}
		return c.Err.Error()
	}
	return ""
}

// argTest is a command and what becomes of its arguments.
type argTest struct {
	in   string // without tag and line's end
	want any
	err  string
}

// testArgs reads every command, with limits of small, and compares. Whatever the arguments,
// Raw must be what came and positions must lie in it.
func testArgs(t *testing.T, tests []argTest) {
	t.Helper()
	for _, tt := range tests {
		input := "A1 " + tt.in + "\r\n"
		c, err := one(t, input, small)
		if got := refusal(t, c, err); got != tt.err {
			t.Errorf("%s: refused with %q, want %q", tt.in, got, tt.err)
			continue
		}
		if c == nil {
			continue
		}
		if string(c.Raw) != input {
			t.Errorf("%s: Raw is %q", tt.in, c.Raw)
		}
		if tt.err == "" {
			if d := cmp.Diff(tt.want, c.Args); d != "" {
				t.Errorf("%s (-want +got):\n%s", tt.in, d)
			}
		}
	}
}

// at gives where part lies in the command "A1 "+in, behind a space or a parenthesis.
func at(in, part string) (start, end int) {
	for start = len("A1 "); ; start++ {
		if before := ("A1 " + in)[start-1]; strings.HasPrefix(("A1 " + in)[start:], part) && (before == ' ' || before == '(') {
			return start, start + len(part)
		}
	}
}

// TestNoArguments: commands that have none, and take none.
func TestNoArguments(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "CHECK", "CLOSE", "UNSELECT", "EXPUNGE", "IDLE", "NAMESPACE",
	} {
		for _, in := range []string{name, strings.ToLower(name), name + " ", name + "   "} {
			c, err := one(t, "a.1 "+in+"\r\n", small)
			if got := refusal(t, c, err); got != "" {
				t.Errorf("%q: %s", in, got)
			} else if c.Name != name || c.Tag != "a.1" || !c.Known {
				t.Errorf("%q is %+v", in, c)
			}
		}
		c, err := one(t, "A "+name+" x\r\n", small)
		if got, want := refusal(t, c, err), "the end of the line expected at octet "; !strings.HasPrefix(got, want) {
			t.Errorf("%s x: %q", name, got)
		}
	}
}

func TestExpunge(t *testing.T) {
	t.Parallel()
	uid := "UID EXPUNGE 3:5,*"
	s, e := at(uid, "3:5,*")
	testArgs(t, []argTest{
		{in: "EXPUNGE", want: &command.Expunge{SetStart: 10, SetEnd: 10}},
		{in: uid, want: &command.Expunge{UID: true, Set: set("3:5,*"), SetStart: s, SetEnd: e}},
		{in: "uid expunge 1", want: &command.Expunge{UID: true, Set: set("1"), SetStart: 15, SetEnd: 16}},
		{in: "UID EXPUNGE", err: "a space expected at octet 15"},
		{in: "UID EXPUNGE ", err: notSeq + " at octet 16"},
		{in: "UID EXPUNGE 1,$", err: notSeq + " at octet 18"},
		{in: "UID EXPUNGE 1 2", err: "the end of the line expected at octet 18"},
		{in: "UID EXPUNGE 1,2,3,4,5", err: "more than 4 ranges at octet 24"},
	})
}

const notSeq = "a number from 1 to 4294967295 without leading zeros, or *, expected"
