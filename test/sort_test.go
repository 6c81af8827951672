package test_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/message/messagetest"
	"inlay.example/inlay/internal/peertest"
)

// TestSortLaw is the delivery law of SORT and THREAD: mailboxes of messages that are hard to
// order, with letters among them that are as hard, delivered to one person and injected for
// another; and every key, forwards and backwards, alone and with others. INLAY_SEED repeats one.
func TestSortLaw(t *testing.T) {
	t.Parallel()
	testSortLaw(t, peertest.DovecotBackend)
}

const (
	sortTalks    = 5
	sortCommands = 200 // of each
)

func testSortLaw(t *testing.T, kind peertest.Backend) {
	d := peertest.StartBackend(t, kind)
	seeds := make([]uint64, sortTalks)
	for i := range seeds {
		seeds[i] = rand.Uint64()
	}
	if text := os.Getenv("INLAY_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("INLAY_SEED: %v", err)
		}
		seeds = []uint64{seed}
	}
	for i, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 0))
			x := sortPair(t, d, i, r)
			for range sortCommands {
				x.do(sortCommand(r, x.messages))
			}
		})
	}
}

// sorting is a pair whose mails may all have dates of their own.
type sorting struct {
	*pair
	datesDiffer bool
}

// do is pair.do, but for threads of REFS that are of one date: those whose root is not there
// come in the order in which Dovecot heard of their roots (for a client they are as any other).
func (x *sorting) do(command string) {
	x.t.Helper()
	if x.datesDiffer || !strings.Contains(command, "THREAD REFS") {
		x.pair.do(command)
		return
	}
	x.told = append(x.told, command)
	a, b := x.bare.cmd(command), x.inlay.cmd(command)
	for _, got := range []answer{a, b} {
		for i, u := range got.untagged {
			if strings.HasPrefix(u, "* THREAD ") {
				got.untagged[i] = sortedThreads(u)
			}
		}
	}
	x.compare(command, a, b)
}

func sortedThreads(line string) string {
	var threads []string
	depth, from := 0, 0
	for i, c := range line {
		switch c {
		case '(':
			if depth++; depth == 1 {
				from = i
			}
		case ')':
			if depth--; depth == 0 {
				threads = append(threads, line[from:i+1])
			}
		}
	}
	slices.Sort(threads)
	return "* THREAD " + strings.Join(threads, "") + "\r\n"
}

// sortPair is a pair with nasty messages, and nasty letters between them.
func sortPair(t *testing.T, d peertest.Server, n int, r *rand.Rand) *sorting {
	t.Helper()
	bareUser, inlayUser := fmt.Sprintf("bare%d", n), fmt.Sprintf("inlay%d", n)
	w := newWorld(t)
	p := newProxy(t, d.Address(), w.middleware)
	x := &sorting{pair: &pair{t: t, users: [2]string{bareUser, inlayUser}, keywords: keywords{}}, datesDiffer: r.IntN(2) == 0}
	var ids []string
	made := 0
	more := func(count int) {
		var msgs []peertest.Message
		for range count {
			raw, id := messagetest.Nasty(r, len(ids), ids)
			at := time.Now().Add(time.Duration(r.IntN(5)-5) * time.Hour).Truncate(time.Hour) // not in the future: Dovecot makes that now
			if x.datesDiffer {
				made++
				at = time.Now().Add(-time.Duration(1000*r.IntN(1e6)+1000+made) * time.Second)
				raw, id = messagetest.NastyOf(r, len(ids), at.Format(time.RFC1123Z), ids)
			}
			if id != "" {
				ids = append(ids, id)
			}
			var flags []string
			if r.IntN(3) == 0 {
				flags = []string{`\Seen`}
			}
			msgs = append(msgs, peertest.Message{Bytes: raw, Flags: flags, Date: at})
		}
		d.Deliver(t, bareUser, "INBOX", msgs...)
		d.Deliver(t, inlayUser, "INBOX", msgs...)
	}
	for i := range 1 + r.IntN(4) {
		if i > 0 || r.IntN(4) > 0 {
			more(1 + r.IntN(40))
		}
		source := nastyLetter(r)
		if err := w.keyspace(t).PutTemplate(context.Background(), message.Digest([]byte(source)), []byte(source)); err != nil {
			t.Fatal(err)
		}
		w.run(t, campaign.ID(fmt.Sprintf("c%d", i)), []string{inlayUser}, func(c *campaign.Active) { c.Template = message.Digest([]byte(source)) })
		x.bare, x.inlay = login(t, d.Address(), bareUser), login(t, p.addr, inlayUser)
		x.inlay.must("SELECT INBOX")
		letter := x.letter()
		if id := messageID(letter.Bytes); id != "" {
			ids = append(ids, id) // somebody may answer it
		}
		d.Deliver(t, bareUser, "INBOX", letter)
		x.bare.must("SELECT INBOX")
	}
	more(1 + r.IntN(40))
	x.do("SELECT INBOX")
	// Dovecot keeps numbers for the order of texts, and while some messages have none yet it puts
	// equal ones as it likes: a SORT by everything gives all of them one.
	for _, k := range []string{"CC", "FROM", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"} {
		x.bare.must("SORT (" + k + ") UTF-8 ALL")
		x.inlay.must("SORT (" + k + ") UTF-8 ALL")
	}
	return x
}

func messageID(raw []byte) string {
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if rest, ok := strings.CutPrefix(strings.ToLower(line), "message-id: "); ok {
			return line[len(line)-len(rest):]
		}
	}
	return ""
}

// nastyLetter is the source of a letter whose fields equal those of mails in one way or other.
func nastyLetter(r *rand.Rand) string {
	of := func(s ...string) string { return s[r.IntN(len(s))] }
	subject := of("Hello", "hello", "Re: Hello", "[list] Hello", "Zebra", "Änderung", "[only]", "Summer 😀", "日本", "ế", "~", "ﬁsh", "Hello there", "123", "Fwd: änderung", "ß", "no other has this")
	return "From: " + of("Anna <anna@example.org>", "anna@example.org", "Bob the Builder <bob@example.org>", "Änne <aenne@example.org>", "zoe@example.org", "john@example.org") + "\r\n" +
		"Subject: " + subject + "\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\n\r\nThis letter came by no post" + strings.Repeat(".", r.IntN(60)) + "\r\n"
}

// sortCommand makes a SORT or a THREAD.
func sortCommand(r *rand.Rand, messages int) string {
	keys := []string{"ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"}
	var by []string
	for range 1 + r.IntN(3)*r.IntN(2) {
		k := keys[r.IntN(len(keys))]
		if r.IntN(3) == 0 {
			k = "REVERSE " + k
		}
		by = append(by, k)
	}
	n := func() int { return 1 + r.IntN(messages) }
	queries := []string{
		"ALL", "ALL", "ALL", "ALL", "UNSEEN", "SEEN", "SUBJECT hello", "NOT SUBJECT hello", fmt.Sprintf("%d:*", n()), fmt.Sprintf("1:%d", n()),
		fmt.Sprintf("OR %d:%d %d", n(), n(), n()), fmt.Sprintf("UID %d:*", n()), "NOT ALL", "TEXT \"no post\"", fmt.Sprintf("%d,%d", n(), n()), "$", "LARGER 300", "FROM anna",
	}
	uid := ""
	if r.IntN(2) == 0 {
		uid = "UID "
	}
	if r.IntN(3) == 0 {
		algorithms := []string{"REFERENCES", "ORDEREDSUBJECT", "REFS"}
		return uid + "THREAD " + algorithms[r.IntN(3)] + " UTF-8 " + queries[r.IntN(len(queries))]
	}
	ret := ""
	if r.IntN(3) == 0 {
		options := []string{"MIN", "MAX", "ALL", "COUNT", "SAVE"}
		r.Shuffle(len(options), func(i, j int) { options[i], options[j] = options[j], options[i] })
		ret = "RETURN (" + strings.Join(options[:r.IntN(4)], " ") + ") "
	}
	return uid + "SORT " + ret + "(" + strings.Join(by, " ") + ") UTF-8 " + queries[r.IntN(len(queries))]
}
