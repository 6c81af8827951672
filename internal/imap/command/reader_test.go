package command_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap/command"
)

// readAll reads a stream to its end: for each command what it is, and how it ended.
func readAll(r io.Reader, lim command.Limits) (said []string, end error) {
	in := command.NewReader(r, lim)
	for {
		asked := 0
		c, err := in.Read(func() error { asked++; return nil })
		var bad *command.BadError
		switch {
		case errors.As(err, &bad):
			said = append(said, fmt.Sprintf("%s asked=%d", bad, asked))
			continue
		case err != nil:
			return said, err
		}
		said = append(said, fmt.Sprintf("%q name=%s known=%v err=%v asked=%d", c.Raw, c.Name, c.Known, c.Err, asked))
		if a, ok := c.Args.(*command.Append); ok {
			if err := in.Discard(a.Size); err != nil {
				return said, err
			}
			line, err := in.Line(40)
			if err != nil && !errors.As(err, &bad) {
				return said, err
			}
			said = append(said, fmt.Sprintf("rest %q", line))
		}
	}
}

// TestFraming: where a command begins and ends, whatever is in it.
func TestFraming(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want []string
		end  error // io.EOF if nil
	}{
		{in: ""},
		{in: "A1 NOOP\r\nA2 NOOP\n", want: []string{
			`"A1 NOOP\r\n" name=NOOP known=true err=<nil> asked=0`, `"A2 NOOP\n" name=NOOP known=true err=<nil> asked=0`,
		}},
		{in: "A1 NOO", end: io.ErrUnexpectedEOF},
		{in: "A1 NOOP\r", end: io.ErrUnexpectedEOF},
		{in: "A1 LOGIN a {3}\r\nab", end: io.ErrUnexpectedEOF},
		{in: "A1 LOGIN {1}\r\na {1+}\r\nb\r\n", want: []string{`"A1 LOGIN {1}\r\na {1+}\r\nb\r\n" name=LOGIN known=true err=<nil> asked=1`}},
		{in: "\r\n", want: []string{"* BAD Error in IMAP tag: Invalid tag asked=0"}},
		{in: " NOOP\r\n", want: []string{"* BAD Error in IMAP tag: Invalid tag asked=0"}},
		{in: "+ NOOP\r\n", want: []string{"* BAD Error in IMAP tag: Invalid tag asked=0"}},
		{in: "* NOOP\r\n", want: []string{"* BAD Error in IMAP tag: Invalid tag asked=0"}},
		{in: "A\xfc NOOP\r\n", want: []string{"* BAD Error in IMAP tag: Invalid tag asked=0"}},
		{in: "A\x1f NOOP\r\n", want: []string{"* BAD Error in IMAP tag: Invalid tag asked=0"}},
		{in: "\"A\" NOOP\r\n", want: []string{"* BAD Error in IMAP tag: Invalid tag asked=0"}},
		{in: "A1\r\n", want: []string{"A1 BAD Error in IMAP command: Missing command name asked=0"}},
		{in: "A1 \r\n", want: []string{"A1 BAD Error in IMAP command: Missing command name asked=0"}},
		{in: "A1  NOOP\r\n", want: []string{"A1 BAD Error in IMAP command: Missing command name asked=0"}},
		{in: "A1 UID\r\n", want: []string{"A1 BAD Error in IMAP command: Missing command name asked=0"}},
		{in: "A1 UID \r\n", want: []string{"A1 BAD Error in IMAP command: Missing command name asked=0"}},
		{in: "A1 XYZZY (a) \"b\"\r\n", want: []string{`"A1 XYZZY (a) \"b\"\r\n" name=XYZZY known=false err=<nil> asked=0`}},
		{in: "A1 UID SCATTER x\r\n", want: []string{`"A1 UID SCATTER x\r\n" name=UID SCATTER known=false err=<nil> asked=0`}},
		{in: "A1 UID NOOP\r\n", want: []string{`"A1 UID NOOP\r\n" name=UID NOOP known=false err=<nil> asked=0`}},
		{in: "A1 " + strings.Repeat("y", 70) + "\r\n", want: []string{
			`"A1 ` + strings.Repeat("y", 70) + `\r\n" name=` + strings.Repeat("Y", 64) + ` known=false err=<nil> asked=0`,
		}},
		// Literals of commands that nobody knows are not asked for.
		{in: "A1 XYZZY {5}\r\nA2 NOOP\r\n", want: []string{
			"A1 BAD Error in IMAP command XYZZY: Unknown command asked=0", `"A2 NOOP\r\n" name=NOOP known=true err=<nil> asked=0`,
		}},
		{in: "A1 XYZZY {9+}\r\nA2 NOOP\r\n {1}\r\nA3 NOOP\r\n", want: []string{
			"A1 BAD Error in IMAP command XYZZY: Unknown command asked=0", `"A3 NOOP\r\n" name=NOOP known=true err=<nil> asked=0`,
		}},
		{in: "{2}\r\nA2 NOOP\r\n", want: []string{"* BAD Error in IMAP tag: Invalid tag asked=0", `"A2 NOOP\r\n" name=NOOP known=true err=<nil> asked=0`}},
		{in: "A1 {2+}\r\nxx\r\nA2 NOOP\r\n", want: []string{
			"A1 BAD Error in IMAP command: Missing command name asked=0", `"A2 NOOP\r\n" name=NOOP known=true err=<nil> asked=0`,
		}},
		// A line's end within quotes ends the command.
		{in: "A1 LOGIN \"a\r\nA2 NOOP\r\n", want: []string{
			`"A1 LOGIN \"a\r\n" name=LOGIN known=true err=the end of a quoted string expected at octet 12 asked=0`,
			`"A2 NOOP\r\n" name=NOOP known=true err=<nil> asked=0`,
		}},
		{in: "A1 NOOP {3}\r\nabc\r\n", want: []string{`"A1 NOOP {3}\r\nabc\r\n" name=NOOP known=true err=the end of the line expected at octet 9 asked=1`}},
		{in: "A1 APPEND a {3}\r\nabc\r\nA2 NOOP\r\n", want: []string{
			`"A1 APPEND a {3}\r\n" name=APPEND known=true err=<nil> asked=0`, `rest ""`, `"A2 NOOP\r\n" name=NOOP known=true err=<nil> asked=0`,
		}},
	} {
		want := tt.end
		if want == nil {
			want = io.EOF
		}
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(tt.in), "octet by octet": iotest.OneByteReader(strings.NewReader(tt.in))} {
			got, err := readAll(r, command.Limits{})
			if d := cmp.Diff(tt.want, got); d != "" || err != want { //nolint:errorlint // exactly
				t.Errorf("%q %s: ends with %v; -want +got:\n%s", tt.in, name, err, d)
			}
		}
	}
}

// TestLineLimit: a line of exactly the limit is read, one octet more is refused and read past.
func TestLineLimit(t *testing.T) {
	t.Parallel()
	line := func(n int) string { return "A1 LOGIN a " + chars(n-len("A1 LOGIN a ")) }
	for _, tt := range []struct{ in, err string }{
		{line(300), ""},
		{line(301), "A1 BAD Command line of more than 300 octets"},
		{line(1500), "A1 BAD Command line of more than 300 octets"},
		{line(285) + " {5+}\r\n12345", "the end of the line expected at octet 287"}, // and 6 of the head
		{line(295) + " {5+}\r\n12345", "A1 BAD Command line of more than 300 octets"},
		{line(310) + " {9+}\r\nA3 NOOP\r\n", "A1 BAD Command line of more than 300 octets"},
		{chars(310), "* BAD Command line of more than 300 octets"},
		{"A1 LOGIN \"" + chars(310) + "\"", "A1 BAD Command line of more than 300 octets"},
	} {
		r := command.NewReader(strings.NewReader(tt.in+"\r\nA2 NOOP\r\n"), small)
		c, err := r.Read(agreed)
		if got := refusal(t, c, err); got != tt.err {
			t.Errorf("%d octets: %q, want %q", len(tt.in), got, tt.err)
		}
		if c, err := r.Read(agreed); err != nil || c.Tag != "A2" {
			t.Errorf("%d octets: the next command is %+v, %v", len(tt.in), c, err)
		}
	}
	for _, head := range []string{"", "A1 NOOP ", `A1 LOGIN "`, "A1 XYZZY ("} {
		e := &endless{head: head}
		if _, err := command.NewReader(e, small).Read(agreed); !fault.Is(err, fault.TooLarge) || err.Error() != "command of more than 2000 octets" || e.n > 1<<14 {
			t.Errorf("%q and no end: %v, %d octets read", head, err, e.n)
		}
	}
}

// TestLiteralLimit: what literals may hold is counted over the command. What is announced
// beyond is neither asked for nor kept.
func TestLiteralLimit(t *testing.T) {
	t.Parallel()
	const tooMuch = "A1 BAD Literals of more than 40 octets"
	for _, tt := range []struct {
		in    string
		err   string
		asked int
	}{
		{in: "A1 LOGIN {40}\r\n" + chars(40) + " b\r\n", asked: 1},
		{in: "A1 LOGIN {41}\r\n", err: tooMuch},
		{in: "A1 LOGIN {41+}\r\n" + chars(41) + " b\r\n", err: tooMuch},
		{in: "A1 LOGIN {20}\r\n" + chars(20) + " {20+}\r\n" + chars(20) + "\r\n", asked: 1},
		{in: "A1 LOGIN {20}\r\n" + chars(20) + " {21}\r\n", err: tooMuch, asked: 1},
		{in: "A1 LOGIN {20+}\r\n" + chars(20) + " {21+}\r\n" + chars(21) + " {1}\r\n", err: tooMuch},
		{in: "A1 LOGIN {9223372036854775807}\r\n", err: tooMuch},
		{in: "A1 SEARCH ~{41}\r\n", err: tooMuch},
		{in: "A1 LOGIN {41+}\r\n" + chars(41) + " {1999}\r\n", err: tooMuch},
	} {
		r := command.NewReader(strings.NewReader(tt.in+"A2 NOOP\r\n"), small)
		asked := 0
		c, err := r.Read(func() error { asked++; return nil })
		if got := refusal(t, c, err); got != tt.err || asked != tt.asked {
			t.Errorf("%q: %q, asked %d", tt.in, got, asked)
		}
		if c, err := r.Read(agreed); err != nil || c.Tag != "A2" {
			t.Errorf("%q: the next command is %+v, %v", tt.in, c, err)
		}
	}
	// A huge literal that comes without being asked for ends the session, unread.
	for _, head := range []string{
		"A1 LOGIN {4294967296+}\r\n", "A1 XYZZY {9223372036854775807+}\r\n", "A1 LOGIN {18446744073709551615}\r\n", "A1 NOOP {2001+}\r\n",
	} {
		e := &endless{head: head}
		if _, err := command.NewReader(e, small).Read(agreed); !fault.Is(err, fault.TooLarge) || e.n > 1<<14 {
			t.Errorf("%q: %v, %d octets read", head, err, e.n)
		}
	}
	// Nor is any of it read when much could be read past.
	e := &endless{head: "A1 XYZZY {1048577+}\r\n"}
	if _, err := command.NewReader(e, command.Limits{Skip: 1 << 20}).Read(agreed); !fault.Is(err, fault.TooLarge) || e.n > 1<<14 {
		t.Errorf("one octet more than may be read past: %v, %d octets read", err, e.n)
	}
	// A continuation that cannot be said ends it too.
	broken := errors.New("broken")
	if _, err := command.NewReader(strings.NewReader("A1 LOGIN {1}\r\na\r\n"), small).Read(func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	r := command.NewReader(strings.NewReader("DONE\r\n\n0123456789\r\n01234567890\r\nlike {3}\r\nA\rB\r\nlast"), small)
	for _, want := range []string{"DONE", "", "0123456789", "* BAD Line of more than 10 octets", "like {3}", "A\rB"} {
		line, err := r.Line(10)
		got := string(line)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if _, err := r.Line(10); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the last one: %v", err)
	}
	e := &endless{}
	if _, err := command.NewReader(e, small).Line(10); !fault.Is(err, fault.TooLarge) || e.n > 1<<14 {
		t.Errorf("without end: %v, %d octets read", err, e.n)
	}
}

// scraps of which random dialogues are made.
var scraps = []string{
	"A1 ", "NOOP", "LOGIN ", "UID ", "SEARCH ", "FETCH ", "APPEND a ", "XYZZY ", " ", "(", ")", "\"", "\\", "\r\n", "\n", "\r", "{0}\r\n", "{3}\r\n",
	"{3+}\r\n", "~{2}\r\n", "{50}\r\n", "{99999}\r\n", "1:*", "ALL", "BODY[]<0.5>", "\x00", "\xff", strings.Repeat("z", 99),
}

// TestCommandChunking: however the octets arrive, the commands are the same.
func TestCommandChunking(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := strings.Join(rapid.SliceOfN(rapid.SampledFrom(scraps), 0, 40).Draw(t, "scraps"), "")
		want, wantErr := readAll(strings.NewReader(in), small)
		for name, r := range map[string]io.Reader{
			"octet by octet": iotest.OneByteReader(strings.NewReader(in)), "halves": iotest.HalfReader(strings.NewReader(in)),
			"with its error": iotest.DataErrReader(strings.NewReader(in)),
		} {
			got, err := readAll(r, small)
			if !slices.Equal(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Fatalf("%q %s: %v, want %v; -want +got:\n%s", in, name, err, wantErr, cmp.Diff(want, got))
			}
		}
	})
}
