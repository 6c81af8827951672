package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/gateway"
)

// serveTCP runs a gateway on loopback in front of a backend that talk plays, once for each
// connection, and returns its address.
func serveTCP(t testing.TB, cfg gateway.Config, deps gateway.Deps, implicitTLS bool, talk func(net.Conn)) string {
	t.Helper()
	back, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := back.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				talk(c)
			}()
		}
	}()
	if cfg.Backend.Addr == "" {
		cfg.Backend.Addr = back.Addr().String()
	}
	g, err := gateway.New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(front, implicitTLS) }()
	t.Cleanup(func() {
		back.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = g.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return front.Addr().String()
}

// dummy is a backend that says OK to everything, has three messages in every mailbox, or
// exists, and answers FETCH of a body with one of size octets, and SEARCH RETURN with every
// second message.
type dummy struct {
	caps   string
	size   int64
	exists int
}

var block = []byte(strings.Repeat("0123456789abcdef", 4096)) // 64 KiB

func (d dummy) talk(c net.Conn) {
	r, w := bufio.NewReaderSize(c, 4<<10), bufio.NewWriterSize(c, 4<<10)
	caps := "IMAP4rev1 LITERAL+ UIDPLUS IDLE ESEARCH AUTH=PLAIN"
	if d.caps != "" {
		caps = d.caps
	}
	fmt.Fprintf(w, "* OK [CAPABILITY %s] Dummy ready.\r\n", caps)
	for {
		if w.Flush() != nil {
			return
		}
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		tag, rest, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
		name, args, _ := strings.Cut(rest, " ")
		switch strings.ToUpper(name) {
		case "CAPABILITY":
			fmt.Fprintf(w, "* CAPABILITY %s\r\n", caps)
		case "SELECT", "EXAMINE":
			n := 3
			if d.exists > 0 {
				n = d.exists
			}
			fmt.Fprintf(w, "* FLAGS (\\Seen \\Deleted)\r\n* %d EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 7] Ok\r\n* OK [UIDNEXT %d] Ok\r\n", n, n+1)
		case "SEARCH":
			if strings.HasPrefix(args, "RETURN (COUNT ALL)") {
				fmt.Fprintf(w, "* ESEARCH (TAG %q) ALL 1", tag)
				var b []byte
				for n := 3; n <= d.exists; n += 2 {
					b = strconv.AppendInt(append(b[:0], ','), int64(n), 10)
					_, _ = w.Write(b)
				}
				fmt.Fprintf(w, " COUNT %d\r\n", (d.exists+1)/2)
				break
			}
			fmt.Fprintf(w, "* SEARCH 1 2 3\r\n")
		case "FETCH":
			if strings.Contains(args, "BODY") {
				fmt.Fprintf(w, "* 1 FETCH (UID 1 BODY[] {%d}\r\n", d.size)
				for left := d.size; left > 0; {
					n := min(left, int64(len(block)))
					if _, err := w.Write(block[:n]); err != nil {
						return
					}
					left -= n
				}
				fmt.Fprintf(w, ")\r\n")
			}
		case "APPEND":
			i := strings.LastIndexByte(args, '{')
			n, err := strconv.ParseInt(strings.Trim(args[i+1:], "+}"), 10, 64)
			if err != nil {
				return
			}
			if !strings.HasSuffix(args, "+}") {
				fmt.Fprintf(w, "+ OK\r\n")
				if w.Flush() != nil {
					return
				}
			}
			if _, err := io.CopyN(io.Discard, r, n+2); err != nil {
				return
			}
		case "LOGOUT":
			fmt.Fprintf(w, "* BYE\r\n%s OK Logout completed.\r\n", tag)
			w.Flush()
			return
		}
		fmt.Fprintf(w, "%s OK Completed.\r\n", tag)
	}
}

// talker is a client that does not parse: it waits for its tag.
type talker struct {
	t testing.TB
	c net.Conn
	r *bufio.Reader
}

func dialIMAP(t testing.TB, addr string) *talker {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return newTalker(t, c)
}

func newTalker(t testing.TB, c net.Conn) *talker {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	k := &talker{t: t, c: c, r: bufio.NewReaderSize(c, 4<<10)}
	return k
}

func (k *talker) line() string {
	k.t.Helper()
	b, err := k.r.ReadString('\n')
	if err != nil {
		k.t.Fatalf("reading: %v", err)
	}
	return strings.TrimRight(b, "\r\n")
}

func (k *talker) say(text string) {
	k.t.Helper()
	if _, err := io.WriteString(k.c, text+"\r\n"); err != nil {
		k.t.Fatalf("writing: %v", err)
	}
}

// do sends a command and returns the lines of the answer.
func (k *talker) do(text string) []string {
	k.t.Helper()
	k.say("t " + text)
	var lines []string
	for {
		l := k.line()
		lines = append(lines, l)
		if strings.HasPrefix(l, "t ") || strings.HasPrefix(l, "+") || strings.HasPrefix(l, "* BYE") {
			return lines
		}
	}
}

func (k *talker) ok(text string) {
	k.t.Helper()
	if lines := k.do(text); !strings.HasPrefix(lines[len(lines)-1], "t OK") {
		k.t.Fatalf("%s: %q", text, lines)
	}
}

// opens selects INBOX, which must show so many messages: the dummy's three and injected ones.
func (k *talker) opens(messages int) {
	k.t.Helper()
	if lines := k.do("SELECT INBOX"); !slices.Contains(lines, fmt.Sprintf("* %d EXISTS", messages)) {
		k.t.Fatalf("not %d messages: %q", messages, lines)
	}
}

// huge is the size of the message that is streamed.
func huge() int64 {
	if testing.Short() {
		return 20 << 20
	}
	return 200 << 20
}

// allowed is how much may be allocated in all while huge octets pass: what a session costs
// however large the message is.
const allowed = 1 << 20

// TestMemoryOfAFetch and the next run alone, for what they measure is the whole process.
//
//nolint:paralleltest // see above
func TestMemoryOfAFetch(t *testing.T) {
	addr := serveTCP(t, gateway.Config{}, gateway.Deps{Injection: withLive(t)}, false, dummy{size: huge()}.talk)
	k := dialIMAP(t, addr)
	k.line()
	k.ok("LOGIN anna secret")
	k.opens(4)
	before := allocated()
	k.say("t FETCH 1:4 (BODY.PEEK[])")
	if l := k.line(); l != fmt.Sprintf("* 1 FETCH (UID 1 BODY[] {%d}", huge()) {
		t.Fatalf("heard %q", l)
	}
	buf := make([]byte, 64<<10)
	for left := huge(); left > 0; {
		n, err := k.r.Read(buf[:min(left, int64(len(buf)))])
		if err != nil {
			t.Fatal(err)
		}
		left -= int64(n)
	}
	for !strings.HasPrefix(k.line(), "t ") { // the rest of the answer
	}
	if got := allocated() - before; got > allowed {
		t.Errorf("a FETCH of %d octets allocated %d", huge(), got)
	}
}

// TestMemoryOfASearch: of a million hits of which no two are neighbours, nothing is held.
//
//nolint:paralleltest // see TestMemoryOfAFetch
func TestMemoryOfASearch(t *testing.T) {
	const hits = 1_000_000
	addr := serveTCP(t, gateway.Config{LookupBudget: time.Minute}, gateway.Deps{Injection: withLive(t)}, false, dummy{exists: 2*hits - 1}.talk)
	k := dialIMAP(t, addr)
	k.line()
	k.ok("LOGIN anna secret")
	k.ok("SELECT INBOX")
	before := allocated()
	k.say("t SEARCH RETURN (COUNT ALL) ALL")
	// The dummy says of no message that its UID is lower: the injected one is the first.
	var commas int
	first, last := "", byte(0)
	for last != '\n' {
		b, err := k.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			t.Fatal(err)
		}
		if first == "" {
			first = string(b[:40])
		}
		if bytes.Contains(b, []byte(" COUNT ")) && !bytes.HasSuffix(b, []byte(",2000000 COUNT 1000001\r\n")) {
			t.Errorf("it ends with %q", b[max(0, len(b)-40):])
		}
		commas += bytes.Count(b, []byte(","))
		last = b[len(b)-1]
	}
	if got := allocated() - before; got > allowed {
		t.Errorf("a SEARCH of %d hits allocated %d", hits, got)
	}
	if commas != hits-1 || !strings.HasPrefix(first, `* ESEARCH (TAG "t") ALL 1:2,4,6,`) {
		t.Errorf("%d commas after %q", commas, first)
	}
	if l := k.line(); l != "t OK Completed." {
		t.Errorf("heard %q", l)
	}
}

//nolint:paralleltest // see TestMemoryOfAFetch
func TestMemoryOfAnAppend(t *testing.T) {
	for _, plus := range []string{"", "+"} {
		addr := serveTCP(t, gateway.Config{}, gateway.Deps{Injection: withLive(t)}, false, dummy{}.talk)
		k := dialIMAP(t, addr)
		k.line()
		k.ok("LOGIN anna secret")
		before := allocated()
		k.say(fmt.Sprintf("t APPEND Trash {%d%s}", huge(), plus))
		if plus == "" {
			if l := k.line(); l != "+ OK" {
				t.Fatalf("heard %q", l)
			}
		}
		for left := huge(); left > 0; {
			n := min(left, int64(len(block)))
			if _, err := k.c.Write(block[:n]); err != nil {
				t.Fatal(err)
			}
			left -= n
		}
		k.say("")
		if l := k.line(); !strings.HasPrefix(l, "t OK") {
			t.Fatalf("heard %q", l)
		}
		if got := allocated() - before; got > allowed {
			t.Errorf("an APPEND of %d octets allocated %d", huge(), got)
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// withLive is a middleware with one message in INBOX, UID 3 of UIDVALIDITY 7.
func withLive(t testing.TB) *fakeService {
	t.Helper()
	f := newFakeService()
	f.live("spring", "INBOX", 7, 3)
	return f
}
