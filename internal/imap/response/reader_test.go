package response_test

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
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
)

// reader reads input octet by octet: the hardest way.
func reader(input string, lim response.Limits) *response.Reader {
	return response.NewReader(iotest.OneByteReader(strings.NewReader(input)), lim)
}

func TestHead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want response.Head
		rest string
	}{
		{"* OK [ALERT] text\r\n", response.Head{Kind: response.Untagged, Name: "OK", Raw: []byte("* OK")}, " [ALERT] text\r\n"},
		{"* ok\r\n", response.Head{Kind: response.Untagged, Name: "OK", Raw: []byte("* ok")}, "\r\n"},
		{"* BYE bye {3}\r\n", response.Head{Kind: response.Untagged, Name: "BYE", Raw: []byte("* BYE")}, " bye {3}\r\n"},
		{"* PREAUTH \"\r\n", response.Head{Kind: response.Untagged, Name: "PREAUTH", Raw: []byte("* PREAUTH")}, " \"\r\n"},
		{"a1 NO (x\n", response.Head{Kind: response.Tagged, Tag: "a1", Name: "NO", Raw: []byte("a1 NO")}, " (x\n"},
		{"A]1 BAD \r\n", response.Head{Kind: response.Tagged, Tag: "A]1", Name: "BAD", Raw: []byte("A]1 BAD")}, " \r\n"},
		{"a1 OK\r\n", response.Head{Kind: response.Tagged, Tag: "a1", Name: "OK", Raw: []byte("a1 OK")}, "\r\n"},
		{"+ idling {3}\r\n", response.Head{Kind: response.Continuation, Raw: []byte("+")}, " idling {3}\r\n"},
		{"+\r\n", response.Head{Kind: response.Continuation, Raw: []byte("+")}, "\r\n"},
		{"+ \r\n", response.Head{Kind: response.Continuation, Raw: []byte("+")}, " \r\n"},
		{"* 23 EXISTS\r\n", response.Head{Kind: response.Untagged, Num: 23, HasNum: true, Name: "EXISTS", Raw: []byte("* 23 EXISTS")}, "\r\n"},
		{"* 0 recent \r\n", response.Head{Kind: response.Untagged, HasNum: true, Name: "RECENT", Raw: []byte("* 0 recent")}, " \r\n"},
		{"* 4294967295 EXPUNGE\r\n", response.Head{Kind: response.Untagged, Num: 1<<32 - 1, HasNum: true, Name: "EXPUNGE", Raw: []byte("* 4294967295 EXPUNGE")}, "\r\n"},
		{"* 1 FETCH (X {2}\r\n)\n)\r\n", response.Head{Kind: response.Untagged, Num: 1, HasNum: true, Name: "FETCH", Raw: []byte("* 1 FETCH")}, " (X {2}\r\n)\n)\r\n"},
		{"* CAPABILITY IMAP4rev1\r\n", response.Head{Kind: response.Untagged, Name: "CAPABILITY", Raw: []byte("* CAPABILITY")}, " IMAP4rev1\r\n"},
		{"* LIST () \"/\" {3}\r\na\r\n\r\n", response.Head{Kind: response.Untagged, Name: "LIST", Raw: []byte("* LIST")}, " () \"/\" {3}\r\na\r\n\r\n"},
		{"* X-NEW[1] 5\r\n", response.Head{Kind: response.Untagged, Name: "X-NEW[1]", Raw: []byte("* X-NEW[1]")}, " 5\r\n"},
		{"* SEARCH\r\n", response.Head{Kind: response.Untagged, Name: "SEARCH", Raw: []byte("* SEARCH")}, "\r\n"},
	} {
		r := reader(tt.in+"* NEXT x\r\n", response.Limits{})
		h, err := r.Next()
		if err != nil {
			t.Errorf("%q: %v", tt.in, err)
			continue
		}
		if d := cmp.Diff(tt.want, h); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.in, d)
		}
		raw := string(h.Raw)
		rest, err := r.Rest(1000)
		if err != nil || string(rest) != tt.rest || raw+tt.rest != tt.in {
			t.Errorf("%q: the rest is %q, %v", tt.in, rest, err)
		}
		if h, err := r.Next(); err != nil || h.Name != "NEXT" {
			t.Errorf("%q: the next one is %+v, %v", tt.in, h, err)
		}
	}
}

func TestMalformedHead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, err string }{
		{"\r\n", `response: "" is not a response`},
		{" OK\r\n", `response: "" is not a response`},
		{"*\r\n", `response: "*" is not a response`},
		{"OK\r\n", `response: "OK" is not a response`},
		{"* \r\n", `response: "* " has no name`},
		{"*  OK\r\n", `response: "* " has no name`},
		{"* 5\r\n", `response: "* 5": a number from 0 to 4294967295 and a word expected`},
		{"* 5 \r\n", `response: "* 5 " has no name`},
		{"* 4294967296 EXISTS\r\n", `response: "* 4294967296": a number from 0 to 4294967295 and a word expected`},
		{"* 12345678901234567890 EXISTS\r\n", `response: "* 12345678901234567890": a number from 0 to 4294967295 and a word expected`},
		{"* 5x EXISTS\r\n", `response: "* 5x": a number from 0 to 4294967295 and a word expected`},
		{"* 0 EXPUNGE\r\n", `response: "* 0 EXPUNGE": there is no message 0`},
		{"* 0 FETCH (X)\r\n", `response: "* 0 FETCH": there is no message 0`},
		{"a1 FETCH 1\r\n", `response: "a1 FETCH" is none of OK, NO, BAD`},
		{"a1 BYE\r\n", `response: "a1 BYE" is none of OK, NO, BAD`},
		{"a1 1 OK\r\n", `response: "a1 1" is none of OK, NO, BAD`},
		{"+OK fine\r\n", `response: "+OK" is not a tag`},
		{"a\xff OK\r\n", `response: "a\xff" is not a tag`},
		{"HTTP/1.1 200 OK\r\n", `response: "HTTP/1.1 200" is none of OK, NO, BAD`},
		{"* {3}\r\nabc\r\n", `response: "* ": a word expected, not "{3}\r\n"`},
		{"* (OK)\r\n", `response: "* ": a word expected, not "("`},
		{"\"a\" OK\r\n", `response: "": a word expected, not "\"a\""`},
		{strings.Repeat("x", 1025) + " OK\r\n", `response: a word of more than 1024 octets`},
		{"* " + strings.Repeat("x", 1025) + "\r\n", `response: a word of more than 1024 octets`},
	} {
		_, err := reader(tt.in, response.Limits{}).Next()
		if err == nil || err.Error() != tt.err || !fault.Is(err, fault.Invalid) {
			t.Errorf("%.40q: %v, want %s", tt.in, err, tt.err)
		}
	}
	for _, in := range []string{strings.Repeat("x", 1024) + " OK\r\n", "* " + strings.Repeat("x", 1024) + "\r\n"} {
		if _, err := reader(in, response.Limits{}).Next(); err != nil {
			t.Errorf("a word of 1024 octets: %v", err)
		}
	}
}

// TestEnd: the end of the stream is io.EOF between responses only, and no other error is
// taken for it.
func TestEnd(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	whole := "* 1 FETCH (X {3}\r\nabc)\r\n"
	for n := range len(whole) + 1 {
		want := io.ErrUnexpectedEOF
		if n == 0 || n == len(whole) {
			want = io.EOF
		}
		for _, tt := range []struct {
			r    io.Reader
			want error
		}{
			{strings.NewReader(whole[:n]), want},
			{io.MultiReader(strings.NewReader(whole[:n]), iotest.ErrReader(broken)), broken},
		} {
			r := response.NewReader(tt.r, response.Limits{})
			var err error
			for err == nil {
				if _, err = r.Next(); err == nil {
					err = r.Copy(io.Discard)
				}
			}
			if !errors.Is(err, tt.want) || tt.want == io.EOF && err != io.EOF { //nolint:errorlint // exactly
				t.Errorf("%q: %v, want %v", whole[:n], err, tt.want)
			}
		}
	}
}

func TestOrderOfCalls(t *testing.T) {
	t.Parallel()
	r := reader("* OK x\r\n", response.Limits{})
	if _, err := r.Token(); err == nil {
		t.Error("a token before any response")
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err == nil {
		t.Error("a response within another")
	}
	if err := r.Copy(io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := r.Copy(io.Discard); err == nil {
		t.Error("the rest a second time")
	}
	if err := r.Wait(); err != io.EOF || r.Buffered() != 0 { //nolint:errorlint // exactly
		t.Errorf("Wait: %v", err)
	}
}

// TestRestLimit: what is held ends at the limit, also where a literal only announces more.
func TestRestLimit(t *testing.T) {
	t.Parallel()
	const tooLarge = "response of more than 20 octets where a short one is expected"
	for _, tt := range []struct{ rest, err string }{
		{" " + strings.Repeat("x", 17) + "\r\n", ""},
		{" " + strings.Repeat("x", 18) + "\r\n", tooLarge},
		{" {11}\r\n12345678901\r\n", ""},
		{" {12}\r\n123456789012\r\n", tooLarge},
		{" {4294967296}\r\n", tooLarge},
		{" " + strings.Repeat("x", 100000), tooLarge},
	} {
		r := response.NewReader(strings.NewReader("* LIST"+tt.rest), response.Limits{Literal: 1 << 40})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		rest, err := r.Rest(20)
		if tt.err == "" && (err != nil || string(rest) != tt.rest) || tt.err != "" && (err == nil || err.Error() != tt.err || !fault.Is(err, fault.TooLarge)) {
			t.Errorf("%.30q: %q, %v", tt.rest, rest, err)
		}
	}
}

// TestNestingLimit: parentheses up to the limit, and one more.
func TestNestingLimit(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return "* X " + strings.Repeat("(", n) + strings.Repeat(")", n) + "\r\n" }
	for _, tt := range []struct {
		n, limit int
		ok       bool
	}{{5, 5, true}, {6, 5, false}, {1000, 0, true}, {1001, 0, false}} {
		r := response.NewReader(strings.NewReader(nested(tt.n)), response.Limits{Nesting: tt.limit})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		err := r.Copy(io.Discard)
		if tt.ok != (err == nil) || err != nil && !fault.Is(err, fault.TooLarge) {
			t.Errorf("%d, limit %d: %v", tt.n, tt.limit, err)
		}
	}
	// What closes without having been opened opens no room.
	r := response.NewReader(strings.NewReader("* X ))))(((\r\n"), response.Limits{Nesting: 2})
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if err := r.Copy(io.Discard); !fault.Is(err, fault.TooLarge) {
		t.Errorf("got %v", err)
	}
}

// zeros gives its head, then zeros without end, and counts what is taken.
type zeros struct {
	head string
	n    int64
}

func (z *zeros) Read(b []byte) (int, error) {
	n := copy(b, z.head)
	z.head = z.head[n:]
	if n == 0 {
		n = len(b)
		clear(b)
	}
	z.n += int64(n)
	return n, nil
}

// TestHugeLiteral: a literal of a terabyte is refused unread by those who hold and by those
// who limit, and streamed by Copy without being held.
func TestHugeLiteral(t *testing.T) {
	t.Parallel()
	const head = "* 1 FETCH (BODY[] {1099511627776}\r\n"
	start := func(lim response.Limits) (*zeros, *response.Reader) {
		z := &zeros{head: head}
		r := response.NewReader(z, lim)
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		return z, r
	}
	z, r := start(response.Limits{Literal: 1 << 41})
	if _, err := r.Rest(1 << 20); !fault.Is(err, fault.TooLarge) || z.n > 1<<13 {
		t.Errorf("Rest: %v, %d octets read", err, z.n)
	}
	z, r = start(response.Limits{})
	if err := r.Copy(io.Discard); !fault.Is(err, fault.TooLarge) || z.n > 1<<13 {
		t.Errorf("Copy, with a limit of 1 GiB: %v, %d octets read", err, z.n)
	}
	z, r = start(response.Limits{Literal: 1 << 41})
	full := errors.New("full")
	var written int64
	_, err := r.CopyFetch(writer(func(b []byte) (int, error) {
		if written += int64(len(b)); z.n-written > 1<<13 || len(b) > 1<<12 {
			t.Fatalf("%d octets held, %d at once", z.n-written, len(b))
		}
		if written > 10<<20 {
			return 0, full
		}
		return len(b), nil
	}))
	if !errors.Is(err, full) {
		t.Errorf("CopyFetch: %v", err)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func TestCopyWriteError(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	for _, copy := range []func(*response.Reader, io.Writer) error{
		(*response.Reader).Copy,
		func(r *response.Reader, w io.Writer) error { _, err := r.CopyFetch(w); return err },
	} {
		r := reader("* 1 FETCH (UID 1)\r\n", response.Limits{})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if err := copy(r, writer(func([]byte) (int, error) { return 0, full })); !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
	}
}

// readAll reads a stream to its end in one of three ways, and gives what was read and said.
func readAll(src io.Reader, way int) (said []string, all []byte, end error) {
	r := response.NewReader(src, response.Limits{Buffer: 64, Literal: 1000, Nesting: 10})
	for {
		h, err := r.Next()
		if err != nil {
			return said, all, err
		}
		said = append(said, fmt.Sprintf("%d %q %d %v %s", h.Kind, h.Tag, h.Num, h.HasNum, h.Name))
		all = append(all, h.Raw...)
		var b bytes.Buffer
		switch {
		case way == 0:
			var rest []byte
			rest, err = r.Rest(5000)
			b.Write(rest)
		case way == 1 && h.Name == "FETCH":
			var uid imap.UID
			uid, err = r.CopyFetch(&b)
			said = append(said, fmt.Sprintf("UID %d", uid))
		default:
			err = r.Copy(&b)
		}
		all = append(all, b.Bytes()...)
		if err != nil {
			return said, all, err
		}
	}
}

var scraps = []string{
	"* ", "a1 ", "+ ", "OK ", "[UIDNEXT 5] ", "1 ", "0 ", "FETCH ", "EXISTS", "SEARCH", " ", "(", ")", "[", "]", "\"", "\\", "\r\n", "\n", "\r",
	"UID 5", "FLAGS (\\Seen a[b)", "{3}\r\n", "{0}\r\n", "~{2}\r\n", "{9999}\r\n", "abc", "\x00", "\xff", strings.Repeat("y", 99),
}

// TestResponseChunking: heads, UIDs, octets and the end are the same however they arrive.
func TestResponseChunking(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := strings.Join(rapid.SliceOfN(rapid.SampledFrom(scraps), 0, 40).Draw(t, "scraps"), "")
		way := rapid.IntRange(0, 2).Draw(t, "way")
		sameInPieces(t, in, way)
	})
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func sameInPieces(t failer, in string, way int) {
	t.Helper()
	want, _, wantErr := readAll(strings.NewReader(in), way)
	got, all, err := readAll(iotest.OneByteReader(strings.NewReader(in)), way)
	if !slices.Equal(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Fatalf("%q: %v, want %v; -want +got:\n%s", in, err, wantErr, cmp.Diff(want, got))
	}
	if !strings.HasPrefix(in, string(all)) || err == io.EOF && string(all) != in { //nolint:errorlint // exactly
		t.Fatalf("%q was read as %q", in, all)
	}
}
