package test_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/peertest"
)

var sortedMails = flag.Int("sorted-mails", 20_000, "messages in the mailbox of BenchmarkSort")

// BenchmarkSort sorts and threads a mailbox on the server itself, and through a gateway with three
// letters in the view.
func BenchmarkSort(b *testing.B) {
	d := peertest.StartDovecot(b, peertest.Options{})
	w := newWorld(b)
	p := newProxy(b, d.Addr, w.middleware)
	msgs := make([]peertest.Message, *sortedMails)
	for i := range msgs {
		at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i*7919%len(msgs)) * time.Minute)
		msgs[i] = peertest.Message{Date: at, Bytes: fmt.Appendf(nil, "Date: %s\r\nFrom: f%d@example.org\r\nSubject: about %d things\r\nMessage-ID: <%d@example.org>\r\n\r\nText\r\n",
			at.Format(time.RFC1123Z), i%997, i*31%5003, i)}
	}
	d.Deliver(b, "anna", "INBOX", msgs...)
	for i := range 3 {
		w.run(b, campaign.ID(fmt.Sprintf("c%d", i)), []string{"anna"})
	}
	direct, through := login(b, d.Addr, "anna"), login(b, p.addr, "anna")
	direct.must("SELECT INBOX")
	through.must("SELECT INBOX")
	if n := len(through.must("UID SEARCH RETURN (ALL) TEXT \"came by no post\"").untagged); n != 1 {
		b.Fatal("no letters in the view")
	}
	for _, command := range []string{"SORT (SUBJECT) UTF-8 ALL", "UID SORT (REVERSE DATE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL"} {
		for name, c := range map[string]*conn{"direct": direct, "gateway": through} {
			c.must(command) // the server's caches
			b.Run(command+"/"+name, func(b *testing.B) {
				for range b.N {
					c.must(command)
				}
			})
		}
	}
}
