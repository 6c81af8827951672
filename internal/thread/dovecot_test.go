package thread_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/message/messagetest"
	"inlay.example/inlay/internal/peertest"
	"inlay.example/inlay/internal/thread"
)

func text(trees []thread.Tree) string {
	var b strings.Builder
	for _, t := range trees {
		b.WriteString(t.String())
	}
	return b.String()
}

// TestDovecot compares the threads of mailboxes whose messages are hard to thread with those of
// Dovecot.
func TestDovecot(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{})
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 8)) //nolint:gosec // a seed is wanted
		user := fmt.Sprintf("u%d", seed)
		var msgs []peertest.Message
		var raws [][]byte
		var ids []string
		for n := range 2 + r.IntN(80) {
			raw, id := messagetest.Nasty(r, n, ids)
			if id != "" {
				ids = append(ids, id)
			}
			raws = append(raws, raw)
			msgs = append(msgs, peertest.Message{Bytes: raw, Date: time.Date(2023, 1, 1+r.IntN(4), r.IntN(3), 0, 0, 0, time.UTC)})
		}
		d.Deliver(t, user, "INBOX", msgs...)
		var in []thread.Message
		for i, raw := range raws {
			in = append(in, messageOf(uint32(i)+1, message.ParseHeader(raw), msgs[i].Date)) //nolint:gosec // few
		}
		for _, a := range []imap.ThreadAlgorithm{imap.ThreadReferences, imap.ThreadOrderedSubject, imap.ThreadRefs} {
			want := ask(t, d, user, "THREAD "+string(a)+" UTF-8 ALL")
			if got := text(thread.Build(a, in)); got != want {
				t.Errorf("seed %d, %s:\n got %s\nwant %s", seed, a, got, want)
				for i, raw := range raws {
					t.Logf("%d %s", i+1, raw)
				}
				return
			}
		}
	}
}

func messageOf(num uint32, h message.Header, arrived time.Time) thread.Message {
	m := thread.Message{Num: num, Date: h.SentDate(message.DovecotOrder, arrived)}
	m.ID, m.Refs = h.ThreadIDs()
	m.Subject, m.Reply = h.BaseSubject(message.DovecotOrder)
	return m
}

var threads = regexp.MustCompile(`\* THREAD ?([^\r]*)\r\n`)

func ask(t *testing.T, d *peertest.Dovecot, user, command string) string {
	t.Helper()
	nc, err := net.Dial("tcp", d.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(nc, "a LOGIN "+user+" "+d.Password+"\r\nb SELECT INBOX\r\nc "+command+"\r\nd LOGOUT\r\n"); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(bufio.NewReader(nc))
	if err != nil {
		t.Fatal(err)
	}
	m := threads.FindSubmatch(all)
	if m == nil {
		t.Fatalf("no THREAD in %s", all)
	}
	return string(m[1])
}
