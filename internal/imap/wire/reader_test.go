package wire_test

import (
	"bytes"
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
	"inlay.example/inlay/internal/imap/wire"
)

// failer is a test, a fuzz target or a property.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// read takes a stream apart, joining what comes in pieces, and gives it as lines "Kind raw".
// The raw octets of all tokens must be the input: that is checked here, for every test.
func read(t failer, r io.Reader, size int, input string) (tokens []string, err error) {
	t.Helper()
	w := wire.NewReader(r, size, wire.Limits{})
	var all []byte
	var last wire.Token
	for {
		tok, err := w.Next()
		if err != nil {
			if !strings.HasPrefix(input, string(all)) || errors.Is(err, io.EOF) && len(all) != len(input) ||
				errors.Is(err, io.ErrUnexpectedEOF) && len(all) != len(input) {
				t.Fatalf("octets lost or made up:\n got %q\nwant %q\nthen %v", all, input, err)
			}
			return tokens, err
		}
		if len(tok.Raw) == 0 {
			t.Fatalf("empty token %s in %q", tok.Kind, input)
		}
		all = append(all, tok.Raw...)
		if last.More && last.Kind == tok.Kind {
			tokens[len(tokens)-1] += string(tok.Raw)
		} else {
			if last.More && (last.Kind == wire.LiteralData || last.Kind == wire.Quoted && tok.Kind != wire.Stray && tok.Kind != wire.CRLF) {
				t.Fatalf("%s is said to go on, and %s follows", last.Kind, tok.Kind)
			}
			tokens = append(tokens, tok.Kind.String()+" "+string(tok.Raw))
		}
		last = tok
		last.Raw = nil
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		input string
		want  []string
		err   error // io.EOF if nil
	}{
		{name: "nothing", input: ""},
		{
			name: "command", input: "A1 UID FETCH 1:* (FLAGS BODY.PEEK[TEXT]<0.5>)\r\n",
			want: []string{
				"Atom A1", "Space  ", "Atom UID", "Space  ", "Atom FETCH", "Space  ", "Atom 1:*", "Space  ", "Open (", "Atom FLAGS", "Space  ",
				"Atom BODY.PEEK", "OpenBracket [", "Atom TEXT", "CloseBracket ]", "Atom <0.5>", "Close )", "CRLF \r\n",
			},
		},
		{name: "bare line feed ends a line", input: "a\nb\r\n", want: []string{"Atom a", "CRLF \n", "Atom b", "CRLF \r\n"}},
		{name: "bare carriage return", input: "a\rb\r\n", want: []string{"Atom a", "Stray \r", "Atom b", "CRLF \r\n"}},
		{name: "carriage return, then a line's end", input: "\r\r\n", want: []string{"Stray \r", "CRLF \r\n"}},
		{name: "end within a line", input: "a", want: []string{"Atom a"}, err: io.ErrUnexpectedEOF},
		{name: "end behind a carriage return", input: "a\r", want: []string{"Atom a", "Stray \r"}, err: io.ErrUnexpectedEOF},

		{name: "escaped backslash ends a quoted string", input: `"a\\b" "\\"` + "\r\n", want: []string{`Quoted "a\\b"`, "Space  ", `Quoted "\\"`, "CRLF \r\n"}},
		{name: "escaped quotes", input: `"\"" "a\"b"` + "\r\n", want: []string{`Quoted "\""`, "Space  ", `Quoted "a\"b"`, "CRLF \r\n"}},
		{name: "anything may be in quotes", input: "\"({[ ]})\x80\x01\"\n", want: []string{"Quoted \"({[ ]})\x80\x01\"", "CRLF \n"}},
		{name: "line's end within quotes", input: "\"ab\r\nC\r\n", want: []string{"Stray \"ab", "CRLF \r\n", "Atom C", "CRLF \r\n"}},
		{name: "line feed within quotes", input: "\"\n", want: []string{"Stray \"", "CRLF \n"}},
		{name: "escape before a line's end", input: "\"ab\\\r\n", want: []string{"Stray \"ab\\", "CRLF \r\n"}},
		{name: "end within quotes", input: `a "b c`, want: []string{"Atom a", "Space  ", `Stray "b c`}, err: io.ErrUnexpectedEOF},
		{name: "end within an escape", input: `"b\`, want: []string{`Stray "b\`}, err: io.ErrUnexpectedEOF},

		{name: "literal", input: "a {3}\r\n)\r\n b\r\n", want: []string{"Atom a", "Space  ", "LiteralHead {3}\r\n", "LiteralData )\r\n", "Space  ", "Atom b", "CRLF \r\n"}},
		{name: "empty literal", input: "{0}\r\n\r\n", want: []string{"LiteralHead {0}\r\n", "CRLF \r\n"}},
		{name: "literal that does not wait", input: "{1+}\r\n{\r\n", want: []string{"LiteralHead {1+}\r\n", "LiteralData {", "CRLF \r\n"}},
		{name: "binary literal", input: "~{2}\r\n\x00\xff\r\n", want: []string{"LiteralHead ~{2}\r\n", "LiteralData \x00\xff", "CRLF \r\n"}},
		{name: "literal behind a bare line feed", input: "{1}\nx\n", want: []string{"LiteralHead {1}\n", "LiteralData x", "CRLF \n"}},
		{name: "size with zeros before it", input: "{0001}\r\nx\n", want: []string{"LiteralHead {0001}\r\n", "LiteralData x", "CRLF \n"}},
		{name: "tilde of a run", input: "~a a~{1}\r\nx\n", want: []string{"Atom ~a", "Space  ", "Atom a~", "LiteralHead {1}\r\n", "LiteralData x", "CRLF \n"}},
		{name: "tilde alone", input: "~ ~\n", want: []string{"Atom ~", "Space  ", "Atom ~", "CRLF \n"}},
		{name: "brace that starts nothing", input: "{a} {} {+} {1 {1}x\n", want: []string{
			"Stray {", "Atom a}", "Space  ", "Stray {", "Atom }", "Space  ", "Stray {", "Atom +}", "Space  ", "Stray {", "Atom 1", "Space  ",
			"Stray {", "Atom 1}x", "CRLF \n",
		}},
		{name: "brace and carriage return only", input: "{1}\rx\n", want: []string{"Stray {", "Atom 1}", "Stray \r", "Atom x", "CRLF \n"}},
		{name: "end within a head", input: "{12", want: []string{"Stray {", "Atom 12"}, err: io.ErrUnexpectedEOF},
		{name: "end within a literal", input: "{3}\r\nab", want: []string{"LiteralHead {3}\r\n", "LiteralData ab"}, err: io.ErrUnexpectedEOF},
		{name: "end before a literal", input: "{3}\r\n", want: []string{"LiteralHead {3}\r\n"}, err: io.ErrUnexpectedEOF},

		{name: "control and 8-bit octets", input: "a\x00\x1a\x1b\x1f\x7f\x80\xff\t\n", want: []string{"Atom a\x00\x1a\x1b\x1f\x7f\x80\xff\t", "CRLF \n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := tt.err
			if want == nil {
				want = io.EOF
			}
			for name, r := range readers(tt.input) {
				got, err := read(t, r, 64, tt.input)
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Errorf("%s (-want +got):\n%s", name, d)
				}
				if !errors.Is(err, want) {
					t.Errorf("%s: ends with %v, want %v", name, err, want)
				}
			}
		})
	}
}

// readers gives the ways in which a stream may arrive.
func readers(input string) map[string]io.Reader {
	return map[string]io.Reader{
		"whole":          strings.NewReader(input),
		"octet by octet": iotest.OneByteReader(strings.NewReader(input)),
		"halves":         iotest.HalfReader(strings.NewReader(input)),
		"with its error": iotest.DataErrReader(strings.NewReader(input)),
		"with pauses":    &pausing{r: strings.NewReader(input)},
	}
}

// pausing reads nothing at every second call, which io.Reader allows.
type pausing struct {
	r     io.Reader
	pause bool
}

func (p *pausing) Read(b []byte) (int, error) {
	if p.pause = !p.pause; p.pause || len(b) == 0 {
		return 0, nil
	}
	return p.r.Read(b[:1])
}

// pieces of which random streams are made: what means something, next to what almost does.
var pieces = []string{
	" ", "(", ")", "[", "]", "\"", "\\", "{", "}", "~", "+", "\r", "\n", "\r\n", "a", "FETCH", "{0}\r\n", "{1}\r\n", "{3+}\r\n", "~{2}\r\n", "{5}\n",
	"\"a b\"", `"\""`, `\\`, "12345678901234567890", "\x00", "\x1a", "\x80", "\xff", strings.Repeat("x", 70), `"` + strings.Repeat(`\\`, 40),
}

// cutter reads up to the next cut.
type cutter struct {
	s    string
	cuts []int
}

func (c *cutter) Read(b []byte) (int, error) {
	if c.s == "" {
		return 0, io.EOF
	}
	n := len(c.s)
	if len(c.cuts) > 0 {
		n = min(n, max(1, c.cuts[0]))
		c.cuts = c.cuts[1:]
	}
	n = copy(b, c.s[:n])
	c.s = c.s[n:]
	return n, nil
}

// TestChunking: however a stream arrives, its tokens are the same and lose no octet.
func TestChunking(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		input := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 40).Draw(rt, "pieces"), "")
		size := rapid.SampledFrom([]int{64, 65, 100, 4096}).Draw(rt, "buffer")
		want, wantErr := read(rt, strings.NewReader(input), size, input)
		cut := &cutter{input, rapid.SliceOfN(rapid.IntRange(1, 80), 0, 60).Draw(rt, "cuts")}
		for name, r := range map[string]io.Reader{"cut": cut, "octet by octet": iotest.OneByteReader(strings.NewReader(input))} {
			got, err := read(rt, r, size, input)
			if !slices.Equal(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
				rt.Fatalf("%s, of %q:\n%s\n%v, want %v", name, input, cmp.Diff(want, got), err, wantErr)
			}
		}
	})
}

// TestReadError: an error of the stream is that error, never its end, and comes behind what
// was read before it, again and again.
func TestReadError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, input := range []string{"", "a", "a\r", "\"a", "\"a\\", "{1", "{3}\r\na", "~", "a\r\n"} {
		r := io.MultiReader(strings.NewReader(input), iotest.ErrReader(broken))
		w := wire.NewReader(r, 0, wire.Limits{})
		var all []byte
		var err error
		for err == nil {
			var tok wire.Token
			tok, err = w.Next()
			all = append(all, tok.Raw...)
		}
		if !errors.Is(err, broken) || string(all) != input {
			t.Errorf("%q: %q, then %v", input, all, err)
		}
		for name, again := range map[string]func() error{
			"Next": func() error { _, err := w.Next(); return err }, "NextText": func() error { _, err := w.NextText(); return err },
			"Peek": func() error { _, err := w.Peek(); return err }, "Wait": w.Wait,
		} {
			if err := again(); !errors.Is(err, broken) {
				t.Errorf("%q: %s says %v the second time", input, name, err)
			}
		}
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestNoProgress(t *testing.T) {
	t.Parallel()
	if _, err := wire.NewReader(stuck{}, 0, wire.Limits{}).Next(); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v", err)
	}
}

// counter counts what is taken from it, and never ends.
type counter struct {
	head string
	n    int64
}

func (c *counter) Read(b []byte) (int, error) {
	n := copy(b, c.head)
	c.head = c.head[n:]
	if n == 0 {
		n = len(b)
		clear(b)
	}
	c.n += int64(n)
	return n, nil
}

// TestLiteralLimit: at the limit a literal is announced, one past it is refused, and in
// neither case is more read than a buffer.
func TestLiteralLimit(t *testing.T) {
	t.Parallel()
	const def = 1 << 30
	for _, tt := range []struct {
		head  string
		limit int64
		size  int64 // −1: refused
		err   string
	}{
		{head: "{10}\r\n", limit: 10, size: 10},
		{head: "{11}\r\n", limit: 10, size: -1, err: "literal of 11 octets, more than 10"},
		{head: "{11+}\r\n", limit: 10, size: -1, err: "literal of 11 octets, more than 10"},
		{head: "~{11}\r\n", limit: 10, size: -1, err: "literal of 11 octets, more than 10"},
		{head: "{1073741824}\r\n", size: def},
		{head: "{1073741825}\r\n", size: -1, err: "literal of 1073741825 octets, more than 1073741824"},
		{head: "{9223372036854775807}\r\n", limit: 1<<63 - 1, size: 1<<63 - 1},
		{head: "{9223372036854775808}\r\n", limit: 1<<63 - 1, size: -1, err: "literal of more than 9223372036854775807 octets"},
		{head: "{18446744073709551615}\r\n", limit: 1<<63 - 1, size: -1, err: "literal of more than 9223372036854775807 octets"},
		{head: "~{18446744073709551615+}\r\n", size: -1, err: "literal of more than 1073741824 octets"},
		{head: "{00000000000000000007}\r\n", size: 7}, // 20 digits
		{head: "{000000000000000000007}\r\n", size: -1, err: "literal of more than 1073741824 octets"},
		{head: "{99999999999999999999999999999999999", size: -1, err: "literal of more than 1073741824 octets"},
	} {
		c := &counter{head: tt.head}
		w := wire.NewReader(c, 4096, wire.Limits{Literal: tt.limit})
		tok, err := w.Next()
		if tt.size < 0 {
			for range 2 { // and again
				if err == nil || err.Error() != tt.err || !fault.Is(err, fault.TooLarge) {
					t.Errorf("%q: %v, want %s", tt.head, err, tt.err)
				}
				_, err = w.Next()
			}
		} else if err != nil || tok.Kind != wire.LiteralHead || tok.Size != tt.size || w.InLiteral() != tt.size {
			t.Errorf("%q: %v %d, %v", tt.head, tok.Kind, tok.Size, err)
		}
		if c.n > 2*4096 {
			t.Errorf("%q: %d octets were read", tt.head, c.n)
		}
	}
}

// TestLiteralIsStreamed: of a literal of 100 MB never more than the buffer is held: what was
// written never lags more than a buffer behind what was read.
func TestLiteralIsStreamed(t *testing.T) {
	t.Parallel()
	const size, buffer = 100 << 20, 1024
	c := &counter{head: fmt.Sprintf("{%d}\r\n", size)}
	w := wire.NewReader(c, buffer, wire.Limits{})
	if _, err := w.Next(); err != nil {
		t.Fatal(err)
	}
	var written int64
	err := w.CopyLiteral(writerFunc(func(b []byte) (int, error) {
		written += int64(len(b))
		if held := c.n - int64(len(fmt.Sprintf("{%d}\r\n", size))) - written; held > buffer || len(b) > buffer {
			t.Fatalf("%d octets held, %d at once", held, len(b))
		}
		return len(b), nil
	}))
	if err != nil || written != size || w.InLiteral() != 0 {
		t.Errorf("%d octets, %d to come, %v", written, w.InLiteral(), err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestCopyLiteral(t *testing.T) {
	t.Parallel()
	head := func(input string) *wire.Reader {
		w := wire.NewReader(iotest.OneByteReader(strings.NewReader(input)), 0, wire.Limits{})
		if _, err := w.Next(); err != nil {
			t.Fatal(err)
		}
		return w
	}
	var b bytes.Buffer
	w := head("{5}\r\n12345A\r\n")
	if err := w.CopyLiteral(&b); err != nil || b.String() != "12345" {
		t.Errorf("%q, %v", b.String(), err)
	}
	if tok, err := w.Next(); err != nil || string(tok.Raw) != "A" {
		t.Errorf("behind it: %q, %v", tok.Raw, err)
	}
	if err := head("{5}\r\n123").CopyLiteral(io.Discard); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off: %v", err)
	}
	full := errors.New("full")
	w = head("{2}\r\n12A\r\n")
	if err := w.CopyLiteral(writerFunc(func([]byte) (int, error) { return 0, full })); !errors.Is(err, full) || w.InLiteral() != 1 {
		t.Errorf("a writer that fails: %v, %d to come", err, w.InLiteral())
	}
	// A literal that was not asked for does not come.
	w = head("{2}\r\nA")
	w.Skip()
	if tok, err := w.Next(); err != nil || tok.Kind != wire.Atom || string(tok.Raw) != "A" {
		t.Errorf("behind a skipped literal: %s %q, %v", tok.Kind, tok.Raw, err)
	}
	w = head("{2}\r\n")
	w.Skip()
	if _, err := w.Next(); err != io.EOF { //nolint:errorlint // exactly this
		t.Errorf("the end behind a skipped literal: %v", err)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long \"text ({[", 300)
	input := "ends like {3}\r\n\"\r\n\n" + long + "\ra\nlast"
	for name, r := range readers(input) {
		w := wire.NewReader(r, 64, wire.Limits{})
		var got []string
		var last wire.Token
		for {
			tok, err := w.NextText()
			if err != nil {
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%s: ends with %v", name, err)
				}
				break
			}
			if last.More && tok.Kind == last.Kind {
				got[len(got)-1] += string(tok.Raw)
			} else {
				got = append(got, tok.Kind.String()+" "+string(tok.Raw))
			}
			last = tok
		}
		want := []string{
			"Text ends like {3}", "CRLF \r\n", "Text \"", "CRLF \r\n", "CRLF \n",
			"Text " + long, "Stray \r", "Text a", "CRLF \n", "Text last",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestPeek: looking consumes nothing.
func TestPeek(t *testing.T) {
	t.Parallel()
	w := wire.NewReader(strings.NewReader("ab \n"), 0, wire.Limits{})
	if n := w.Buffered(); n != 0 {
		t.Errorf("%d octets before the first reading", n)
	}
	if err := w.Wait(); err != nil || w.Buffered() != 4 {
		t.Errorf("Wait: %v, %d octets", err, w.Buffered())
	}
	if c, err := w.Peek(); c != 'a' || err != nil {
		t.Errorf("Peek: %q, %v", c, err)
	}
	if tok, err := w.Next(); string(tok.Raw) != "ab" || err != nil {
		t.Errorf("Next: %q, %v", tok.Raw, err)
	}
	if c, err := w.Peek(); c != ' ' || err != nil {
		t.Errorf("Peek: %q, %v", c, err)
	}
}

func TestParseHead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		size            int64
		nonSync, binary bool
		raw             string
	}{
		"{12}\r\nabc": {12, false, false, "{12}\r\n"}, "{0+}\r\n": {0, true, false, "{0+}\r\n"}, "~{3}\n": {3, false, true, "~{3}\n"},
	} {
		tok, ok := wire.ParseHead([]byte(in))
		if !ok || tok.Kind != wire.LiteralHead || tok.Size != want.size || tok.NonSync != want.nonSync || tok.Binary != want.binary || string(tok.Raw) != want.raw {
			t.Errorf("%q: %+v, %v", in, tok, ok)
		}
	}
	for _, in := range []string{"", "{", "~", "~a", "a{1}\r\n", "{1}", "{1}\r", "{1}}\r\n", "{1++}\r\n", "{-1}\r\n", "{9223372036854775808}\r\n"} {
		if tok, ok := wire.ParseHead([]byte(in)); ok {
			t.Errorf("%q: %+v", in, tok)
		}
	}
}
