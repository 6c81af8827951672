package peertest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// Message is what Deliver puts into a mailbox.
type Message struct {
	Bytes []byte
	Flags []string  // without \Recent
	Date  time.Time // INTERNALDATE; zero is now
}

// Deliver appends messages to a mailbox, in order, making the mailbox if it is not there. It
// speaks IMAP to the server itself, with one MULTIAPPEND for every few hundred messages.
func (d *Dovecot) Deliver(t testing.TB, user, mailbox string, msgs ...Message) {
	t.Helper()
	nc, err := net.Dial("tcp", d.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(nc)
	// until reads to the tagged answer.
	until := func(tag string) string {
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatalf("delivering to %s of %s: %v", mailbox, user, err)
			}
			if rest, ok := strings.CutPrefix(line, tag+" "); ok {
				return rest
			}
		}
	}
	must := func(tag string) {
		if got := until(tag); !strings.HasPrefix(got, "OK") {
			t.Fatalf("delivering to %s of %s: %s", mailbox, user, got)
		}
	}
	fmt.Fprintf(nc, "a LOGIN %q %q\r\n", user, d.Password)
	must("a")
	if !strings.EqualFold(mailbox, "INBOX") {
		fmt.Fprintf(nc, "b CREATE %q\r\n", mailbox)
		until("b") // NO: it is there
	}
	const atOnce = 250
	for len(msgs) > 0 {
		n := min(atOnce, len(msgs))
		out := bufio.NewWriter(nc)
		fmt.Fprintf(out, "c APPEND %q", mailbox)
		for _, m := range msgs[:n] {
			fmt.Fprintf(out, " (%s)", strings.Join(m.Flags, " "))
			if !m.Date.IsZero() {
				fmt.Fprintf(out, " %q", m.Date.Format("_2-Jan-2006 15:04:05 -0700"))
			}
			fmt.Fprintf(out, " {%d+}\r\n", len(m.Bytes))
			if _, err := out.Write(m.Bytes); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(out, "\r\n")
		if err := out.Flush(); err != nil {
			t.Fatal(err)
		}
		must("c")
		msgs = msgs[n:]
	}
	fmt.Fprintf(nc, "d LOGOUT\r\n")
	must("d")
}
