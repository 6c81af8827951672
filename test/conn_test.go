package test_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// conn is an IMAP client that knows just enough of the protocol to find the end of an answer,
// and keeps every octet of it.
type conn struct {
	t    testing.TB
	nc   net.Conn
	in   *bufio.Reader
	tags int
	name string // in messages
	last string // command, for messages
}

// goroutine is a test in a goroutine that is not the test's own: it fails the test and ends the
// goroutine alone.
type goroutine struct{ testing.TB }

func (g *goroutine) Fatalf(format string, args ...any) {
	g.Helper()
	g.Errorf(format, args...)
	runtime.Goexit()
}

func (g *goroutine) Fatal(args ...any) {
	g.Helper()
	g.Error(args...)
	runtime.Goexit()
}

// answer is what came for one command.
type answer struct {
	untagged []string // whole responses with their literals and line ends; continuations too
	tagged   string   // without tag and line end
}

// raw gives the octets of the answer, but for the tag.
func (a answer) raw() string { return strings.Join(a.untagged, "") + a.tagged + "\r\n" }

func (a answer) ok() bool { return strings.HasPrefix(a.tagged, "OK") }

// lines gives the untagged responses of a name ("EXISTS", "FETCH"), without "* " and line end.
func (a answer) lines(name string) []string {
	var out []string
	for _, u := range a.untagged {
		f := strings.Fields(u)
		if len(f) > 2 && (f[1] == name || f[2] == name) || len(f) == 2 && f[1] == name {
			out = append(out, strings.TrimSuffix(strings.TrimPrefix(u, "* "), "\r\n"))
		}
	}
	return out
}

// commandTimeout is for a machine that does much else at the same time.
const commandTimeout = 60 * time.Second

func dial(t testing.TB, addr string) *conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return greeted(t, nc, addr)
}

func greeted(t testing.TB, nc net.Conn, name string) *conn {
	t.Helper()
	t.Cleanup(func() { nc.Close() })
	c := &conn{t: t, nc: nc, in: bufio.NewReader(nc), name: name}
	c.deadline()
	if g := c.response(); !strings.HasPrefix(g, "* OK") {
		t.Fatalf("greeting of %s: %q", name, g)
	}
	return c
}

// login dials and logs in.
func login(t testing.TB, addr, user string) *conn {
	t.Helper()
	c := dial(t, addr)
	c.must(fmt.Sprintf("LOGIN %s pass", user))
	return c
}

// startTLS makes the connection a TLS one.
func (c *conn) startTLS(cfg *tls.Config) {
	c.t.Helper()
	c.must("STARTTLS")
	tc := tls.Client(c.nc, cfg)
	if err := tc.Handshake(); err != nil {
		c.t.Fatalf("TLS with %s: %v", c.name, err)
	}
	c.nc, c.in = tc, bufio.NewReader(tc)
}

func (c *conn) deadline() { _ = c.nc.SetDeadline(time.Now().Add(commandTimeout)) }

var literalEnd = regexp.MustCompile(`\{([0-9]+)(\+?)\}\r\n$`)

// response reads one response with its literals, or fails the test.
func (c *conn) response() string {
	c.t.Helper()
	r, err := c.tryResponse()
	if err != nil {
		c.t.Fatalf("%s: %v after %q, in %.200q", c.name, err, r, c.last)
	}
	return r
}

func (c *conn) tryResponse() (string, error) {
	var b strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			return b.String(), err
		}
		m := literalEnd.FindStringSubmatch(line)
		if m == nil {
			return b.String(), nil
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return b.String(), err
		}
		if _, err := io.CopyN(&b, c.in, n); err != nil {
			return b.String(), err
		}
	}
}

var literalHead = regexp.MustCompile(`\{[0-9]+(\+?)\}\r\n`)

// send writes a command under a new tag, asking for leave where it has synchronising literals.
// If that is refused, the answer is complete.
func (c *conn) send(text string) (tag string, got answer, refused bool) {
	c.t.Helper()
	c.deadline()
	c.tags++
	c.last = text
	tag = "a" + strconv.Itoa(c.tags)
	rest := tag + " " + text + "\r\n"
	for {
		at := literalHead.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		c.write(rest[:at[1]])
		sync := at[2] == at[3] // no "+"
		rest = rest[at[1]:]
		if sync {
			more, done := c.until(tag, true)
			got.untagged = append(got.untagged, more.untagged...)
			if done {
				got.tagged = more.tagged
				return tag, got, true
			}
		}
	}
	c.write(rest)
	return tag, got, false
}

func (c *conn) write(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.nc, s); err != nil {
		c.t.Fatalf("writing to %s: %v", c.name, err)
	}
}

// until reads up to the tagged response (done), or to a continuation.
func (c *conn) until(tag string, continuation bool) (got answer, done bool) {
	c.t.Helper()
	for {
		r := c.response()
		if rest, ok := strings.CutPrefix(r, tag+" "); ok {
			got.tagged = strings.TrimSuffix(rest, "\r\n")
			return got, true
		}
		// Tags are as many as the connection had commands.
		r = strings.Replace(r, "* ESEARCH (TAG \""+tag+"\")", "* ESEARCH (TAG of the command)", 1)
		got.untagged = append(got.untagged, r)
		if continuation && strings.HasPrefix(r, "+") {
			return got, false
		}
	}
}

// cmd runs a command; literals are written into its text.
func (c *conn) cmd(text string) answer {
	c.t.Helper()
	tag, got, refused := c.send(text)
	if refused {
		return got
	}
	more, _ := c.until(tag, false)
	return answer{append(got.untagged, more.untagged...), more.tagged}
}

// must runs a command that has to succeed.
func (c *conn) must(text string) answer {
	c.t.Helper()
	a := c.cmd(text)
	if !a.ok() {
		c.t.Fatalf("%s: %s\n%s", c.name, text, a.raw())
	}
	return a
}

// idle enters IDLE.
func (c *conn) idle() (tag string) {
	c.t.Helper()
	tag, _, _ = c.send("IDLE")
	if _, done := c.until(tag, true); done {
		c.t.Fatalf("%s: IDLE refused", c.name)
	}
	return tag
}

// hear reads responses until one holds the text, and returns them all.
func (c *conn) hear(text string) []string {
	c.t.Helper()
	c.deadline()
	c.last = "waiting for " + text
	var all []string
	for {
		r := c.response()
		all = append(all, r)
		if strings.Contains(r, text) {
			return all
		}
	}
}

// done leaves IDLE.
func (c *conn) done(tag string) answer {
	c.t.Helper()
	c.deadline()
	c.write("DONE\r\n")
	a, _ := c.until(tag, false)
	if !a.ok() {
		c.t.Fatalf("%s: IDLE ended with %s", c.name, a.tagged)
	}
	return a
}

// fetched is what the tests look at of a message.
type fetched struct {
	seq, uid uint32
	flags    string // sorted, without \\Recent
}

var (
	uidItem   = regexp.MustCompile(`\bUID ([0-9]+)`)
	flagsItem = regexp.MustCompile(`FLAGS \(([^)]*)\)`)
)

// list asks for all messages of the selected mailbox.
func (c *conn) list() []fetched {
	c.t.Helper()
	var out []fetched
	for _, l := range c.must("FETCH 1:* (UID FLAGS)").lines("FETCH") {
		var f fetched
		if _, err := fmt.Sscan(l, &f.seq); err != nil {
			c.t.Fatalf("%q: %v", l, err)
		}
		if m := uidItem.FindStringSubmatch(l); m != nil {
			f.uid = number(m[1])
		}
		f.flags = strings.Join(flagsIn(l), " ")
		out = append(out, f)
	}
	return out
}

func number(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32) // what a pattern of digits matched
	return uint32(n)
}

// exists opens a mailbox and returns how many messages it is said to hold.
func (c *conn) exists(command string) uint32 {
	c.t.Helper()
	l := c.must(command).lines("EXISTS")
	if len(l) != 1 {
		c.t.Fatalf("%s: %d EXISTS after %s", c.name, len(l), command)
	}
	return number(strings.Fields(l[0])[0])
}
