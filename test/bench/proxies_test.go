package bench_test

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/peertest"
)

var (
	rounds   = flag.Int("rounds", 10, "how often each measurement is repeated, the targets in turn")
	sessions = flag.Int("sessions", 200, "idle sessions per proxy, for their memory")
)

const (
	password = "pass"
	real     = 101     // messages of everybody's INBOX
	big      = 1 << 20 // octets of its first message; the others are small
	noops    = 200     // per round
	logins   = 20      // per round
	fetches  = 20      // per round
	walks    = 3       // of the list of commands, per round
)

// BenchmarkProxies measures once, whatever b.N, and prints its tables. It fails when something
// could not be measured, never because of a figure.
func BenchmarkProxies(b *testing.B) {
	d := peertest.StartDovecot(b, peertest.Options{Password: password})
	targets := startTargets(b, d)
	for _, t := range targets {
		deliver(b, d, t.name)
		look(b, t)
	}
	started := time.Now()
	machine := describe(b, program(b))

	// Memory first, of processes that have served nobody yet.
	var mem []footprint
	for _, t := range targets {
		if t.pid != 0 {
			mem = append(mem, weigh(b, t))
		}
	}

	res := results{}
	for r := range *rounds {
		for i := range targets {
			t := targets[(i+r)%len(targets)]
			measure(b, t, res)
		}
	}
	b.ReportMetric(0, "ns/op") // of the whole run: means nothing
	report(b, machine, started, targets, res, mem)
}

func deliver(b *testing.B, d *peertest.Dovecot, user string) {
	b.Helper()
	const line = "The quick brown fox jumps over the lazy dog.\r\n"
	head := "From: Bench <bench@example.org>\r\nTo: you@example.org\r\nSubject: hello %d\r\n" +
		"Date: Mon, 2 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%d@example.org>\r\nContent-Type: text/plain\r\n\r\n"
	first := fmt.Appendf(nil, head, 0, 0)
	first = append(first, bytes.Repeat([]byte(line), (big-len(first))/len(line))...)
	messages := []peertest.Message{{Bytes: first, Flags: []string{`\Seen`}}}
	for i := 1; i < real; i++ {
		messages = append(messages, peertest.Message{Bytes: fmt.Appendf(nil, head+strings.Repeat(line, 40), i, i)})
	}
	d.Deliver(b, user, "INBOX", messages...)
}

// look makes sure that a target shows what it is measured with.
func look(b *testing.B, t target) {
	b.Helper()
	c, err := login(t.addr, t.name, password)
	if err != nil {
		b.Fatalf("%s: %v", t.name, err)
	}
	defer c.close()
	if err := c.do("SELECT INBOX"); err != nil {
		b.Fatalf("%s: %v", t.name, err)
	}
	if c.exists != strconv.Itoa(t.messages) {
		b.Fatalf("%s shows %s messages, not %d", t.name, c.exists, t.messages)
	}
}

// A footprint is what a proxy weighs, in octets.
type footprint struct {
	target  string
	alone   int64 // the processes, before anybody came
	idle    int64 // per session that has selected INBOX
	fetched int64 // per session after a FETCH of the big message in each
}

func weigh(b *testing.B, t target) footprint {
	b.Helper()
	f := footprint{target: t.name, alone: settled(b, t.pid)}
	open := make([]*client, 0, *sessions)
	for range *sessions {
		c, err := login(t.addr, t.name, password)
		if err == nil {
			open = append(open, c)
			err = c.do("SELECT INBOX")
		}
		if err != nil {
			b.Fatalf("session %d of %s: %v", len(open), t.name, err)
		}
	}
	f.idle = (settled(b, t.pid) - f.alone) / int64(*sessions)
	for _, c := range open {
		if err := c.do("FETCH 1 BODY.PEEK[]"); err != nil {
			b.Fatalf("%s: %v", t.name, err)
		}
	}
	f.fetched = (settled(b, t.pid) - f.alone) / int64(*sessions)
	for _, c := range open {
		c.close()
	}
	return f
}

// settled waits until a process's memory is the same, within a percent, for a second.
func settled(b *testing.B, pid int) int64 {
	b.Helper()
	const need = 5
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var last int64
	same := 0
	for range 50 {
		n, err := memory(pid)
		if err != nil {
			b.Fatal(err)
		}
		if diff := n - last; diff < last/100 && -diff < last/100 {
			same++
		} else {
			same = 0
		}
		if last = n; same == need {
			break
		}
		<-tick.C
	}
	return last
}

// Names of measurements that are not commands of the walk.
const (
	noop       = "NOOP"
	connection = "connect, LOGIN, LOGOUT"
	fetch      = "FETCH of 1 MiB"
)

func measure(b *testing.B, t target, res results) {
	b.Helper()
	c, err := login(t.addr, t.name, password)
	if err != nil {
		b.Fatalf("%s: %v", t.name, err)
	}
	defer c.close()
	time1 := func(name string, f func() error) {
		begin := time.Now()
		if err := f(); err != nil {
			b.Fatalf("%s through %s: %v", name, t.name, err)
		}
		res.add(name, t.name, time.Since(begin))
	}
	if err := c.do("SELECT INBOX"); err != nil {
		b.Fatalf("%s: %v", t.name, err)
	}
	for range noops {
		time1(noop, func() error { return c.do("NOOP") })
	}
	for range logins {
		time1(connection, func() error {
			l, err := login(t.addr, t.name, password)
			if err != nil {
				return err
			}
			defer l.close()
			return l.do("LOGOUT")
		})
	}
	before := c.got
	for range fetches {
		time1(fetch, func() error { return c.do("FETCH 1 BODY.PEEK[]") })
	}
	if got := c.got - before; got < fetches*big*9/10 {
		b.Fatalf("%s: %d octets came for %d messages of %d", t.name, got, fetches, big)
	}
	for range walks {
		for _, cmd := range walk {
			time1(cmd.name, func() error { return c.do(cmd.line) })
		}
		for _, in := range waysIn(t.name) {
			time1(in.name, func() error {
				l, err := dial(t.addr)
				if err != nil {
					return err
				}
				defer l.close()
				return l.do(in.line)
			})
		}
	}
}

type command struct{ name, line string }

const letter = "Subject: hello\r\n\r\nhello\r\n"

// walk leaves the mailbox as it was. Commands in several writes are those that a delayed ACK
// would hold up.
var walk = []command{
	{"CAPABILITY", "CAPABILITY"},
	{"LIST", `LIST "" "*"`},
	{"STATUS", "STATUS Sent (MESSAGES UIDNEXT UNSEEN)"},
	{"SELECT", "SELECT INBOX"},
	{"FETCH FLAGS of all", "FETCH 1:* (UID FLAGS)"},
	{"FETCH ENVELOPE BODYSTRUCTURE of all", "FETCH 1:* (ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)"},
	{"UID FETCH of the headers of all", "UID FETCH 1:* (BODY.PEEK[HEADER])"},
	{"FETCH of 2 KiB", "FETCH 2 (BODY.PEEK[])"},
	{"SEARCH", "SEARCH UNSEEN"},
	{"SEARCH with a literal", "SEARCH SUBJECT {5}\r\n\x00hello"},
	{"STORE +", `STORE 2 +FLAGS (\Flagged)`},
	{"STORE -", `STORE 2 -FLAGS (\Flagged)`},
	{"COPY", "COPY 2 Trash"},
	{"APPEND {n}", fmt.Sprintf("APPEND Trash {%d}\r\n\x00%s", len(letter), letter)},
	{"APPEND {n+}", fmt.Sprintf("APPEND Trash {%d+}\r\n%s", len(letter), letter)},
	{"IDLE, DONE", "IDLE\r\n\x00DONE"},
	{"CHECK", "CHECK"},
	{"SELECT of Trash", "SELECT Trash"},
	{"STORE of all", `STORE 1:* +FLAGS.SILENT (\Deleted)`},
	{"EXPUNGE", "EXPUNGE"},
	{"UNSELECT", "UNSELECT"},
	{"SELECT again", "SELECT INBOX"},
}

// waysIn are for a connection of their own.
func waysIn(user string) []command {
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	return []command{
		{"LOGIN with literals", fmt.Sprintf("LOGIN {%d}\r\n\x00%s {%d}\r\n\x00%s", len(user), user, len(password), password)},
		{"AUTHENTICATE PLAIN", "AUTHENTICATE PLAIN\r\n\x00" + plain},
	}
}
