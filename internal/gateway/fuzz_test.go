package gateway_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/gateway"
)

// fuzzed bounds what one run may allocate: what a session holds has limits, whoever speaks.
// A template is compiled and a message rendered within it.
const fuzzed = 64 << 20

// fuzz runs a session in a bubble, where a session that hangs is found at once: nothing in the
// bubble can go on. both speaks for client and backend, and closes both.
func fuzz(t *testing.T, both func(client, backend net.Conn)) {
	t.Helper()
	before := allocated()
	synctest.Test(t, func(t *testing.T) {
		backend, theirs := net.Pipe()
		registry := prometheus.NewRegistry()
		g, err := gateway.New(gateway.Config{
			Backend: gateway.BackendConfig{Addr: "backend:143", Dial: func(context.Context) (net.Conn, error) { return theirs, nil }},
		}, gateway.Deps{Injection: withLive(t), Registerer: registry})
		if err != nil {
			t.Fatal(err)
		}
		ln := newPipeListener()
		served := make(chan error, 1)
		go func() { served <- g.Serve(ln, false) }()
		client, end := net.Pipe()
		ln.conns <- end
		both(client, backend)
		if err := g.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-served
		if value(registry, "inlay_gateway_closed_total", "reason", "panic") != 0 {
			t.Error("the session was ended by a defect")
		}
	})
	if used := allocated() - before; used > fuzzed {
		t.Errorf("%d octets were allocated", used)
	}
}

// transcripts gives what one side says in the golden transcripts, as seeds.
func transcripts(f *testing.F, sign string) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var said strings.Builder
		for l := range strings.Lines(string(b)) {
			if text, ok := strings.CutPrefix(l, sign+" "); ok {
				said.WriteString(strings.TrimSuffix(text, "\n") + "\r\n")
			}
		}
		f.Add([]byte(said.String()))
	}
}

// FuzzClient: whatever a client says, the session neither panics nor hangs, and allocates
// within bounds, in front of a backend that answers.
func FuzzClient(f *testing.F) {
	transcripts(f, "C:")
	f.Add([]byte("a LOGIN anna secret\r\nb SELECT INBOX\r\nc FETCH 1:* (BODY[])\r\nd IDLE\r\nDONE\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		fuzz(t, func(client, backend net.Conn) {
			go dummy{size: 10}.talk(backend)
			go func() { _, _ = io.Copy(io.Discard, client) }()
			_, _ = client.Write([]byte("a LOGIN anna secret\r\nb SELECT INBOX\r\n"))
			_, _ = client.Write(said)
			time.Sleep(time.Second) // of the bubble: what was said is done
			client.Close()
			time.Sleep(time.Second)
			backend.Close()
		})
	})
}

// FuzzBackend: whatever a backend says, the same, and the client does not wait for ever.
func FuzzBackend(f *testing.F) {
	transcripts(f, "U<")
	f.Add([]byte("* 1 FETCH (UID 3 BODY[] {10}\r\n"))
	tags := regexp.MustCompile(`(?m)^(\S+) `)
	f.Fuzz(func(t *testing.T, said []byte) {
		fuzz(t, func(client, backend net.Conn) {
			go func() { _, _ = io.Copy(io.Discard, client) }()
			go func() {
				_, _ = client.Write([]byte("a LOGIN anna secret\r\nb SELECT INBOX\r\nc FETCH 1:* (FLAGS)\r\nd UID SEARCH 1:*\r\n" +
					"e STORE 1:* +FLAGS (\\Seen)\r\nf COPY 1:* Trash\r\ng EXPUNGE\r\nh STATUS INBOX (MESSAGES)\r\ni IDLE\r\nDONE\r\nj NOOP\r\n"))
			}()
			// The backend hears, and says what was given: one line for each that it hears, so
			// that tags can be right.
			go func() {
				lines := bytes.SplitAfter(said, []byte("\n"))
				_, _ = backend.Write([]byte("* OK [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS IDLE AUTH=PLAIN] ready\r\n"))
				buf := make([]byte, 4096)
				for {
					n, err := backend.Read(buf)
					if err != nil {
						return
					}
					tag := tags.FindSubmatch(buf[:n])
					for len(lines) > 0 {
						l := lines[0]
						lines = lines[1:]
						ends := len(l) > 0 && l[0] != '*' && l[0] != '+' && bytes.Contains(l, []byte(" OK"))
						if ends && tag != nil {
							l = append(append(bytes.Clone(tag[1]), ' '), l[bytes.IndexByte(l, ' ')+1:]...)
						}
						if _, err := backend.Write(l); err != nil {
							return
						}
						if ends {
							break
						}
					}
				}
			}()
			time.Sleep(time.Minute) // of the bubble
			backend.Close()
			time.Sleep(time.Second)
			client.Close()
		})
	})
}
