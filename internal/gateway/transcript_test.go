package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/gateway"
)

var update = flag.Bool("update", false, "write what was said into the golden transcripts")

// TestTranscripts plays the dialogues of testdata: what the client says (C:) and what the
// backend says (U<) is sent, what the client hears (S:) and what the backend hears (U>) is
// compared. Lines of "#" are comments, "@" lines act on the middleware:
//
//	@offer CAMPAIGN MAILBOX          something to be injected
//	@live CAMPAIGN MAILBOX VALIDITY UID [FLAGS]
//	@flags UID FLAGS    @withdraw UID    @down    @up
//
// Tokens of claims and dates of now are replaced by TOKEN and NOW.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
				t.Errorf("transcript differs (-want +got):\n%s", d)
			}
		})
	}
}

// player holds both ends of a session.
type player struct {
	t       *testing.T
	service *fakeService
	client  *end
	backend *end
	token   string
}

// end is one of the two sockets that a test holds.
type end struct {
	conn  net.Conn
	lines chan string
}

func newEnd(conn net.Conn) *end {
	e := &end{conn: conn, lines: make(chan string, 1000)}
	go func() {
		defer close(e.lines)
		r := bufio.NewReader(conn)
		for {
			l, err := r.ReadString('\n')
			if l != "" {
				e.lines <- strings.TrimRight(l, "\r\n")
			}
			if err != nil {
				return
			}
		}
	}()
	return e
}

func (e *end) hear(wait time.Duration) (string, bool) {
	select {
	case l, ok := <-e.lines:
		if !ok {
			return "(closed)", true
		}
		return l, true
	case <-time.After(wait):
		return "", false
	}
}

const heard = 3 * time.Second

func play(t *testing.T, script string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	svc := newFakeService()
	g, err := gateway.New(gateway.Config{
		Backend:      gateway.BackendConfig{Addr: ln.Addr().String()},
		LookupBudget: time.Second, Poll: 50 * time.Millisecond, Domain: "example.org",
	}, gateway.Deps{Injection: svc})
	if err != nil {
		t.Fatal(err)
	}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(front, false) }()
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = g.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}()
	cc, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close()
	bc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer bc.Close()
	p := &player{t: t, service: svc, client: newEnd(cc), backend: newEnd(bc)}
	var out bytes.Buffer
	lines := strings.Split(strings.TrimSuffix(script, "\n"), "\n")
	for _, l := range lines {
		fmt.Fprintln(&out, p.step(l))
	}
	// Nothing may have been said that the transcript does not hold.
	for name, e := range map[string]*end{"S: ": p.client, "U> ": p.backend} {
		for {
			l, ok := e.hear(20 * time.Millisecond)
			if !ok || l == "(closed)" {
				break
			}
			fmt.Fprintln(&out, name+p.clean(l))
		}
	}
	return out.String()
}

func (p *player) step(l string) string {
	switch {
	case strings.HasPrefix(l, "C: "):
		p.say(p.client, l[3:])
	case strings.HasPrefix(l, "U< "):
		p.say(p.backend, l[3:])
	case strings.HasPrefix(l, "S:"):
		got, ok := p.client.hear(heard)
		if !ok {
			return "S: (nothing)"
		}
		return strings.TrimRight("S: "+p.clean(got), " ")
	case strings.HasPrefix(l, "U>"):
		got, ok := p.backend.hear(heard)
		if !ok {
			return "U> (nothing)"
		}
		return strings.TrimRight("U> "+p.clean(got), " ")
	case strings.HasPrefix(l, "@"):
		p.service.act(p.t, strings.Fields(l[1:]))
	}
	return l
}

func (p *player) say(e *end, text string) {
	if strings.Contains(text, "TOKEN") {
		text = strings.ReplaceAll(text, "TOKEN", p.token)
	}
	if _, err := e.conn.Write([]byte(text + "\r\n")); err != nil {
		p.t.Logf("saying %q: %v", text, err)
	}
}

var (
	tokenPattern = regexp.MustCompile(`\b[A-Z2-7]{26}\b`)
	datePattern  = regexp.MustCompile(`"\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d \+0000"`)
)

func (p *player) clean(l string) string {
	if m := tokenPattern.FindString(l); m != "" {
		p.token = m
		l = tokenPattern.ReplaceAllString(l, "TOKEN")
	}
	return datePattern.ReplaceAllString(l, `"NOW"`)
}
