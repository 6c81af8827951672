package gateway_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"inlay.example/inlay/internal/gateway"
)

// zipped is a client's connection that compresses: the standard library's, against ours.
type zipped struct {
	net.Conn
	r io.Reader
	w *flate.Writer
}

func (z *zipped) Read(b []byte) (int, error) { return z.r.Read(b) }

func (z *zipped) Write(b []byte) (int, error) {
	n, err := z.w.Write(b)
	if err == nil {
		err = z.w.Flush()
	}
	return n, err
}

// compressed goes on with a talker whose session has turned compression on.
func compressed(t testing.TB, k *talker) *talker {
	t.Helper()
	w, err := flate.NewWriter(k.c, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	return newTalker(t, &zipped{Conn: k.c, r: flate.NewReader(k.r), w: w})
}

// TestCompress: offered after the login, turned on once, and then everything goes on as before:
// commands, literals, long answers, IDLE.
func TestCompress(t *testing.T) {
	t.Parallel()
	const size = 300_000
	k := dialIMAP(t, serveTCP(t, gateway.Config{}, gateway.Deps{}, false, dummy{size: size}.talk))
	if l := k.line(); strings.Contains(l, "COMPRESS") {
		t.Errorf("offered before the login: %q", l)
	}
	if l := k.do("COMPRESS DEFLATE"); l[0] != "t BAD Please login first." {
		t.Errorf("before the login: %q", l)
	}
	k.ok("LOGIN anna secret")
	if l := k.do("CAPABILITY"); !strings.HasSuffix(l[0], " COMPRESS=DEFLATE") {
		t.Errorf("capabilities: %q", l)
	}
	for cmd, want := range map[string]string{
		"COMPRESS":           "t BAD ",
		"COMPRESS DEFLATE x": "t BAD ",
		`COMPRESS "DEFLATE"`: "t BAD ",
		"COMPRESS GZIP":      "t NO Unknown compression mechanism.",
	} {
		if l := k.do(cmd); !strings.HasPrefix(l[0], want) {
			t.Errorf("%s: %q", cmd, l)
		}
	}
	k.ok("compress deflate")
	k = compressed(t, k)
	for _, cmd := range []string{"COMPRESS DEFLATE", "COMPRESS GZIP"} {
		if l := k.do(cmd); !strings.HasPrefix(l[0], "t NO [COMPRESSIONACTIVE]") {
			t.Errorf("a second time: %q", l)
		}
	}
	k.ok("CAPABILITY")
	k.ok("SELECT INBOX")
	k.say("t FETCH 1 BODY[]")
	if l := k.line(); l != fmt.Sprintf("* 1 FETCH (UID 1 BODY[] {%d}", size) {
		t.Fatalf("heard %q", l)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(k.r, body); err != nil || !bytes.Equal(body[:len(block)], block) {
		t.Fatalf("the body is another one: %v", err)
	}
	if l := k.line(); l != ")" {
		t.Fatalf("heard %q", l)
	}
	k.line()
	k.say(fmt.Sprintf("t APPEND INBOX {%d+}\r\n%s", size, bytes.Repeat([]byte("x"), size)))
	if l := k.line(); !strings.HasPrefix(l, "t OK") {
		t.Errorf("APPEND: %q", l)
	}
	k.say("1 NOOP\r\n2 NOOP\r\n3 NOOP")
	for _, want := range "123" {
		if l := k.line(); !strings.HasPrefix(l, string(want)+" OK") {
			t.Errorf("pipelined: %q", l)
		}
	}
	k.do("LOGOUT")
}

// Within TLS there is no other compression, and what is sent is compressed first.
func TestCompressWithinTLS(t *testing.T) {
	t.Parallel()
	cert, _ := certificate(t, "imap.example.org")
	addr := serveTCP(t, gateway.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}, gateway.Deps{}, false, dummy{}.talk)
	k := dialIMAP(t, addr)
	k.line()
	k.ok("STARTTLS")
	k = clientTLS(t, k)
	k.ok("LOGIN anna secret")
	k.ok("COMPRESS DEFLATE")
	k = compressed(t, k)
	k.ok("NOOP")
	if l := k.do("STARTTLS"); !strings.HasPrefix(l[0], "t BAD") {
		t.Errorf("STARTTLS within compression: %q", l)
	}
}

// What came behind COMPRESS, which a client must not send, belongs to the compressed stream:
// taken for it if it is, and else the end of the session, in compressed words.
func TestCompressWithOctetsBehind(t *testing.T) {
	t.Parallel()
	const noop = "JT\xf0\xf3\xf7\x0f\xe0\xe5\x02\x00\x00\x00\xff\xff" // a NOOP
	for behind, want := range map[string]string{
		noop + noop:            "a OK",
		"b NOOP\r\nc NOOP\r\n": "* BYE Compressed data that cannot be read",
	} {
		k := dialIMAP(t, serveTCP(t, gateway.Config{}, gateway.Deps{}, false, dummy{}.talk))
		k.line()
		k.ok("LOGIN anna secret")
		if _, err := io.WriteString(k.c, "z COMPRESS DEFLATE\r\n"+behind); err != nil {
			t.Fatal(err)
		}
		if l := k.line(); !strings.HasPrefix(l, "z OK") {
			t.Fatalf("heard %q", l)
		}
		if l := compressed(t, k).line(); !strings.HasPrefix(l, want) {
			t.Errorf("with %q behind: %q", behind, l)
		}
	}
}

// A client that makes much of little is stopped, and the backend spared.
func TestCompressBomb(t *testing.T) {
	t.Parallel()
	k := dialIMAP(t, serveTCP(t, gateway.Config{}, gateway.Deps{}, false, dummy{}.talk))
	k.line()
	k.ok("LOGIN anna secret")
	k.ok("COMPRESS DEFLATE")
	k = compressed(t, k)
	heard := make(chan string, 1)
	go func() { heard <- k.line() }()
	w := bufio.NewWriterSize(k.c, 1<<20)
	fmt.Fprintf(w, "t APPEND INBOX {%d+}\r\n", 1<<30)
	zeros := make([]byte, 1<<20)
	for range 256 {
		if _, err := w.Write(zeros); err != nil {
			break // it was told, and the connection closed
		}
	}
	if l := <-heard; l != "* BYE Compressed data that grows without measure" {
		t.Errorf("heard %q", l)
	}
}

func TestCompressNotWanted(t *testing.T) {
	t.Parallel()
	d := dummy{caps: "IMAP4rev1 COMPRESS=DEFLATE AUTH=PLAIN"}
	k := dialIMAP(t, serveTCP(t, gateway.Config{NoCompression: true}, gateway.Deps{}, false, d.talk))
	k.line()
	k.ok("LOGIN anna secret")
	if l := k.do("CAPABILITY"); strings.Contains(l[0], "COMPRESS") {
		t.Errorf("offered: %q", l)
	}
	if l := k.do("COMPRESS DEFLATE"); !strings.HasPrefix(l[0], "t BAD") {
		t.Errorf("heard %q", l)
	}
}

// BenchmarkSessionMemory is what an idle session holds, without compression and with it.
func BenchmarkSessionMemory(b *testing.B) {
	const sessions = 100
	live := func() float64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc + m.StackInuse)
	}
	addr := serveTCP(b, gateway.Config{}, gateway.Deps{}, false, dummy{}.talk)
	open := func() []*talker {
		all := make([]*talker, sessions)
		for i := range all {
			all[i] = dialIMAP(b, addr)
			all[i].line()
			all[i].ok("LOGIN anna secret")
			all[i].ok("SELECT INBOX")
		}
		return all
	}
	for b.Loop() {
		all := open()
		plain := live()
		for _, k := range all {
			k.ok("COMPRESS DEFLATE")
			// The client's half is small: stored blocks, no window that grows.
			text := "t FETCH 1:3 FLAGS\r\n"
			stored := append([]byte{0, byte(len(text)), 0, ^byte(len(text)), 0xff}, text...)
			if _, err := k.c.Write(append(stored, 0, 0, 0, 0xff, 0xff)); err != nil {
				b.Fatal(err)
			}
			if _, err := k.r.ReadByte(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric((live()-plain)/sessions, "B/session")
		for _, k := range all {
			k.c.Close()
		}
	}
}
