package message_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/message/messagetest"
	"inlay.example/inlay/internal/peertest"
)

// append appends a message.
func (c *client) append(t *testing.T, mailbox, args string, raw []byte) {
	t.Helper()
	c.n++
	if _, err := fmt.Fprintf(c.conn, "t%d APPEND %s %s{%d+}\r\n%s\r\n", c.n, mailbox, args, len(raw), raw); err != nil {
		t.Fatal(err)
	}
	for {
		res := c.response(t)
		if rest, ok := bytes.CutPrefix(res, fmt.Appendf(nil, "t%d ", c.n)); ok {
			if !bytes.HasPrefix(rest, []byte("OK")) {
				t.Fatalf("APPEND: %s", rest)
			}
			return
		}
	}
}

// nastyMailbox fills a mailbox.
func nastyMailbox(t *testing.T, c *client, mailbox string, r *rand.Rand, count int) {
	t.Helper()
	var ids []string
	for n := range count {
		raw, id := messagetest.Nasty(r, n, ids)
		if id != "" {
			ids = append(ids, id)
		}
		at := time.Date(2023, 1, 1+r.IntN(4), r.IntN(3), 0, 0, 0, time.UTC)
		c.append(t, mailbox, at.Format(`"02-Jan-2006 15:04:05 -0700" `), raw)
	}
}

var sortKeys = []imap.SortKey{
	imap.SortArrival, imap.SortCc, imap.SortDate, imap.SortFrom, imap.SortSize, imap.SortSubject, imap.SortTo,
	imap.SortDisplayFrom, imap.SortDisplayTo,
}

// TestSortKeysDovecot compares the order that the keys make of messages, as FETCH gives them,
// with that of Dovecot.
func TestSortKeysDovecot(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{})
	c := dial(t, d.Addr, "anna", d.Password)
	const count, seeds = 600, 3
	for seed := range uint64(seeds) {
		mailbox := fmt.Sprintf("box%d", seed)
		c.do(t, "CREATE "+mailbox)
		nastyMailbox(t, c, mailbox, rand.New(rand.NewPCG(seed, 2)), count)
		c.do(t, "SELECT "+mailbox)
		compareSorting(t, c, count, message.DovecotOrder)
	}
}

func compareSorting(t *testing.T, c *client, count int, order message.Order) {
	t.Helper()
	type known struct {
		h message.Header
		f message.SortFacts
	}
	all := make([]known, count+1)
	for _, res := range c.do(t, "FETCH 1:* (INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])") {
		var n int
		if _, err := fmt.Fscanf(bytes.NewReader(res), "* %d FETCH ", &n); err != nil {
			continue
		}
		_, rest, _ := bytes.Cut(res, []byte("FETCH"))
		f, err := response.ParseFetch(rest)
		if err != nil {
			t.Fatal(err)
		}
		all[n] = known{message.ParseHeader(f.Sections["BODY[HEADER]"]), message.SortFacts{InternalDate: f.InternalDate, Size: int64(f.Size)}}
	}
	for _, k := range sortKeys {
		want := numbers(t, c, fmt.Sprintf("SORT (%s) UTF-8 ALL", k), "* SORT")
		got := make([]int, count)
		for i := range got {
			got[i] = i + 1
		}
		value := func(n int) message.SortValue { return all[n].h.SortValue(order, k, all[n].f) }
		slices.SortStableFunc(got, func(a, b int) int { return value(a).Compare(value(b)) })
		differ := 0
		for i := range got {
			if got[i] != want[i] {
				if differ++; differ < 6 {
					show := func(n int) string {
						var out strings.Builder
						for _, field := range message.SortFields(k) {
							v, _ := all[n].h.Field(field)
							fmt.Fprintf(&out, "%q", v)
						}
						return fmt.Sprintf("%d %s %v", n, out.String(), value(n))
					}
					t.Errorf("%s: place %d:\n have %s\n want %s", k, i, show(got[i]), show(want[i]))
				}
			}
		}
	}
}

// numbers gives the numbers of an answer.
func numbers(t *testing.T, c *client, command, head string) (out []int) {
	t.Helper()
	for _, res := range c.do(t, command) {
		rest, ok := strings.CutPrefix(string(res), head)
		for r := strings.NewReader(rest); ok; {
			var n int
			if _, err := fmt.Fscan(r, &n); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", res, err)
			}
			out = append(out, n)
		}
	}
	return out
}
