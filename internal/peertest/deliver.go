package peertest

import (
	"bufio"
	"fmt"
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
	deliver(t, d.Addr, d.Password, user, mailbox, msgs)
}

func deliver(t testing.TB, addr, password, user, mailbox string, msgs []Message) {
	t.Helper()
	s := newTalk(t, addr, user, password)
	defer s.end()
	if !strings.EqualFold(mailbox, "INBOX") {
		s.cmd("CREATE %q", mailbox) // NO: it is there
	}
	const atOnce = 250
	for len(msgs) > 0 {
		n := min(atOnce, len(msgs))
		out := bufio.NewWriter(s.nc)
		fmt.Fprintf(out, "%s APPEND %q", s.tag(), mailbox)
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
		if _, got := s.answer(); !strings.HasPrefix(got, "OK") {
			t.Fatalf("delivering to %s of %s: %s", mailbox, user, got)
		}
		msgs = msgs[n:]
	}
}
