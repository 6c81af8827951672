package command_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap/command"
)

func TestAppend(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string // with the head of the message
		want command.Append
	}{
		{"APPEND INBOX {5}\r\n", command.Append{Mailbox: "INBOX", MailboxStart: 10, MailboxEnd: 15, Message: command.Message{Size: 5}}},
		{"append inbox {0+}\r\n", command.Append{Mailbox: "INBOX", MailboxStart: 10, MailboxEnd: 15, Message: command.Message{NonSync: true}}},
		{`APPEND "a b" (\Seen $x) {50}` + "\r\n", command.Append{
			Mailbox: "a b", MailboxStart: 10, MailboxEnd: 15, Message: command.Message{Flags: []string{`\Seen`, "$x"}, Size: 50},
		}},
		{`APPEND a () " 7-Feb-1994 21:52:25 -0800" {5}` + "\r\n", command.Append{
			Mailbox: "a", MailboxStart: 10, MailboxEnd: 11, Message: command.Message{Date: " 7-Feb-1994 21:52:25 -0800", Size: 5},
		}},
		{`APPEND a "any date" {5}` + "\r\n", command.Append{Mailbox: "a", MailboxStart: 10, MailboxEnd: 11, Message: command.Message{Date: "any date", Size: 5}}},
		{"APPEND {3}\r\na&- {5}\r\n", command.Append{Mailbox: "a&", MailboxStart: 10, MailboxEnd: 18, Message: command.Message{Size: 5}}},
	} {
		input := "A1 " + tt.in + "12345 more\r\nA2 NOOP\r\n"
		r := command.NewReader(iotest.OneByteReader(strings.NewReader(input)), small)
		c, err := r.Read(agreed)
		if text := refusal(t, c, err); text != "" {
			t.Errorf("%q: %s", tt.in, text)
			continue
		}
		if d := cmp.Diff(&tt.want, c.Args); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.in, d)
		}
		if string(c.Raw) != "A1 "+tt.in {
			t.Errorf("%q: Raw is %q", tt.in, c.Raw)
		}
	}
}

// TestAppendIsStreamed: the message is the caller's to read, then the rest of the line, and
// then comes the next command.
func TestAppendIsStreamed(t *testing.T) {
	t.Parallel()
	read := func() *command.Reader {
		r := command.NewReader(strings.NewReader("A1 APPEND a {5}\r\n\r\n)(\x00 rest\r\nA2 NOOP\r\n"), small)
		c, err := r.Read(func() error { t.Error("asked for the message"); return nil })
		if text := refusal(t, c, err); text != "" {
			t.Fatal(text)
		}
		return r
	}
	next := func(r *command.Reader) {
		t.Helper()
		if line, err := r.Line(10); string(line) != " rest" || err != nil {
			t.Errorf("the rest of the line: %q, %v", line, err)
		}
		if c, err := r.Read(agreed); err != nil || c.Tag != "A2" {
			t.Errorf("the next command: %+v, %v", c, err)
		}
	}
	r := read()
	var b bytes.Buffer
	if err := r.CopyLiteral(&b, 4); err == nil || err.Error() != "copying a literal of 4 octets: 5 are to come" {
		t.Errorf("a wrong size: %v", err)
	}
	if err := r.CopyLiteral(&b, 5); err != nil || b.String() != "\r\n)(\x00" {
		t.Errorf("%q, %v", b.String(), err)
	}
	next(r)
	r = read()
	if err := r.Discard(5); err != nil {
		t.Error(err)
	}
	next(r)
	// A message that was not asked for does not come.
	r = command.NewReader(strings.NewReader("A1 APPEND a {5}\r\nA2 NOOP\r\n"), small)
	if _, err := r.Read(agreed); err != nil {
		t.Fatal(err)
	}
	r.NotAsked()
	if c, err := r.Read(agreed); err != nil || c.Tag != "A2" {
		t.Errorf("the next command: %+v, %v", c, err)
	}
	// Nor all of one whose client went away.
	r = command.NewReader(strings.NewReader("A1 APPEND a {5}\r\n123"), small)
	if _, err := r.Read(agreed); err != nil {
		t.Fatal(err)
	}
	if err := r.Discard(5); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off: %v", err)
	}
}

// TestAppendEnd: what follows the message is read past with its literals.
func TestAppendEnd(t *testing.T) {
	t.Parallel()
	for in, clean := range map[string]bool{
		"\r\n": true, "\n": true, " \r\n": false, " rubbish \"a b\" {x\r\n": false,
		" {3}\r\n": false, " (\\Seen) {9+}\r\nA3 NOOP\r\n\r\n": false, "{1+}\r\nx {1+}\r\ny\r\n": false,
	} {
		r := command.NewReader(strings.NewReader("A1 APPEND a {2}\r\nab"+in+"A2 NOOP\r\n"), small)
		if _, err := r.Read(agreed); err != nil {
			t.Fatal(err)
		}
		if err := r.Discard(2); err != nil {
			t.Fatal(err)
		}
		if got, err := r.End(); got != clean || err != nil {
			t.Errorf("%q: %v, %v", in, got, err)
		}
		if c, err := r.Read(agreed); err != nil || c.Tag != "A2" {
			t.Errorf("%q: the next command is %+v, %v", in, c, err)
		}
	}
}

// TestNextMessage: what stands before a further message is read up to its head (rfc3502), and
// what is wrong is said and read past.
func TestNextMessage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string // behind the first message
		want command.Message
		end  bool
		err  string
	}{
		{in: "\r\n", end: true},
		{in: "\n", end: true},
		{in: " {5}\r\n", want: command.Message{Size: 5}},
		{in: ` (\Seen $x) "any date" {5+}` + "\r\n12345", want: command.Message{Flags: []string{`\Seen`, "$x"}, Date: "any date", Size: 5, NonSync: true}},
		{in: " () {0+}\r\n", want: command.Message{NonSync: true}},
		{in: " rubbish\r\n", err: "a message as a literal expected behind the one before"},
		{in: ` (\Seen)` + "\r\n", err: "a message as a literal expected behind the one before"},
		{in: "{5}\r\n", err: "a space expected at octet 1 behind the message before"},
		{in: " x {5+}\r\n12345 {1+}\r\nx\r\n", err: "the message as a literal expected at octet 2 behind the message before"},
		{in: ` (\Recent) {5}` + "\r\n", err: `a flag that clients may set, not \Recent, expected at octet 3 behind the message before`},
		{in: " (a b c d e) {5}\r\n", err: "more than 4 flags at octet 11 behind the message before"},
		{in: " {51+}\r\n" + chars(51) + "\r\n", err: "Message of more than 50 octets"},
		{in: " ~{5+}\r\n12\x0045", want: command.Message{Size: 5, NonSync: true, Binary: true}},
		{in: " " + chars(310) + " {5+}\r\n12345\r\n", err: "more than 300 octets before a message"},
	} {
		input := "A1 APPEND a {2}\r\nab" + tt.in
		if tt.want.NonSync {
			input += "\r\n"
		}
		r := command.NewReader(iotest.OneByteReader(strings.NewReader(input+"A2 NOOP\r\n")), small)
		if _, err := r.Read(agreed); err != nil {
			t.Fatal(err)
		}
		if err := r.Discard(2); err != nil {
			t.Fatal(err)
		}
		m, err := r.NextMessage()
		switch bad := (*command.BadError)(nil); {
		case tt.err != "":
			if !errors.As(err, &bad) || bad.Text != "Error in IMAP command APPEND: "+tt.err {
				t.Errorf("%q: %v, want %q", tt.in, err, tt.err)
			}
		case err != nil || (m == nil) != tt.end:
			t.Errorf("%q: %+v, %v", tt.in, m, err)
		case m == nil:
		default:
			if d := cmp.Diff(tt.want, m.Message); d != "" {
				t.Errorf("%q (-want +got):\n%s", tt.in, d)
			}
			if l := m.Literal; !strings.HasPrefix(tt.in, string(m.Raw)) || l.Pos+l.Len != len(m.Raw) {
				t.Errorf("%q: Raw is %q, the literal's head at %d to %d", tt.in, m.Raw, l.Pos, l.Pos+l.Len)
			}
			if !m.NonSync {
				r.NotAsked()
			} else if err := r.Discard(m.Size); err != nil {
				t.Error(err)
			} else if m, err := r.NextMessage(); m != nil || err != nil {
				t.Errorf("%q: behind the last message %+v, %v", tt.in, m, err)
			}
		}
		if c, err := r.Read(agreed); err != nil || c.Tag != "A2" {
			t.Errorf("%q: the next command is %+v, %v", tt.in, c, err)
		}
	}
}

// TestAppendRefused: what is wrong is said, what can be read past is, and the next command is
// the next command.
func TestAppendRefused(t *testing.T) {
	t.Parallel()
	const failed = "A1 BAD Error in IMAP command APPEND: "
	for _, tt := range []struct{ in, err string }{
		{"APPEND a {51}\r\n", failed + "Message of more than 50 octets"},
		{"APPEND a {51+}\r\n" + chars(51) + "\r\n", failed + "Message of more than 50 octets"},
		{"APPEND a b {5}\r\n", failed + "the message as a literal expected at octet 13"},
		{"APPEND a b {5+}\r\n12345\r\n", failed + "the message as a literal expected at octet 13"},
		{`APPEND a (\Seen {5}` + "\r\n", failed + "an atom expected at octet 20"},
		{`APPEND a (\Recent) {5}` + "\r\n", failed + `a flag that clients may set, not \Recent, expected at octet 14`},
		{`APPEND a "date {5}` + "\r\n", "the end of a quoted string"},
		{"APPEND a CATENATE (TEXT {5+}\r\n12345)\r\n", failed + "the message as a literal expected at octet 13"},
		{"APPEND {4}\r\n(\x00{a {5}\r\n", failed + "no NUL expected at octet 17"},
		{"APPEND " + chars(21) + " {5}\r\n", failed + "more than 20 octets of a mailbox name at octet 11"},
		{"APPEND a (a b c d e) {5}\r\n", failed + "more than 4 flags at octet 22"},
		{"APPEND a\r\n", "a message as a literal expected at octet 10"},
		{"APPEND {1}\r\na\r\n", "a message as a literal expected at octet 10"},
		{"APPEND a \"inline\"\r\n", "a message as a literal expected at octet 10"},
	} {
		r := command.NewReader(strings.NewReader("A1 "+tt.in+"A2 NOOP\r\n"), small)
		c, err := r.Read(agreed)
		if got := refusal(t, c, err); got != tt.err && !(tt.err[0] == 't' && c != nil) {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.err)
		}
		if c, err := r.Read(agreed); err != nil || c.Tag != "A2" {
			t.Errorf("%q: the next command: %+v, %v", tt.in, c, err)
		}
	}
	// What is more than may be read past ends the session, and is not read.
	endless := &endless{head: "A1 APPEND a {4294967296+}\r\n"}
	if _, err := command.NewReader(endless, small).Read(agreed); !fault.Is(err, fault.TooLarge) || endless.n > 1<<14 {
		t.Errorf("%v, %d octets read", err, endless.n)
	}
}

// endless goes on for ever behind its head, and counts what is taken.
type endless struct {
	head string
	n    int64
}

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, e.head)
	e.head = e.head[n:]
	if n == 0 {
		n = copy(b, bytes.Repeat([]byte("x"), len(b)))
	}
	e.n += int64(n)
	return n, nil
}
