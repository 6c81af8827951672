package message_test

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/message"
)

var asking = flag.Int("queries", 250, "generated queries that a real server is asked")

// text is something to look for: a word that occurs, or a piece of one or of several.
func (n nasty) text() string {
	w := n.pick(words...)
	switch n.IntN(10) {
	case 0:
		w = strings.ToUpper(w)
	case 1:
		w = strings.ToLower(w)
	case 2:
		w += " " + n.pick(words...)
	case 3:
		w += "  " + n.pick(words...)
	case 4, 5:
		if r := []rune(w); len(r) > 2 {
			i := n.IntN(len(r) - 1)
			w = string(r[i : i+1+n.IntN(len(r)-i)])
		}
	case 6:
		w = n.pick("example.org", "anna@", "<anna", "Anna\" <", "bob.smith@example.org", "preamble", "epilogue", "Content-Type", "content-type: text", "boundary", "ubject", "b>", "color:red",
			"display:none", "nbsp", "ä", "Ä", "e", "?", "=C3", "utf-8", "", " ", "Köln ", "a", "x_y", "\t", "> ", "--", "of", "id@example")
	}
	return w
}

// key is a search key of texts, flags, dates and sizes.
func (n nasty) key(depth int) string {
	str := func() string { return string(imap.AppendQuoted(nil, n.text())) }
	if depth < 3 {
		switch n.IntN(8) {
		case 0:
			return "NOT " + n.key(depth+1)
		case 1:
			return "OR " + n.key(depth+1) + " " + n.key(depth+1)
		case 2:
			return "(" + n.key(depth+1) + " " + n.key(depth+1) + ")"
		}
	}
	switch n.IntN(14) {
	case 0, 1:
		return "BODY " + str()
	case 2, 3:
		return "TEXT " + str()
	case 4, 5:
		return "SUBJECT " + str()
	case 6:
		return n.pick("FROM", "TO", "CC", "BCC") + " " + str()
	case 7:
		return "HEADER " + n.pick("Subject", "From", "To", "Date", "X-Test", "Received", "Message-ID", "Content-Type", "content-type", "X-None", "List-Id", "In-Reply-To", "MIME-Version", "Reply-To") + " " + str()
	case 8:
		return n.pick("SENTBEFORE", "SENTON", "SENTSINCE") + " " + fmt.Sprintf("%d-%s-%s", 1+n.IntN(28), n.pick("Jan", "Feb", "Mar", "Dec"), n.pick("2024", "2025", "2026", "1999", "2026"))
	case 9:
		return n.pick("BEFORE", "ON", "SINCE") + " " + n.pick("1", "2", "3", "4", "5", "6") + "-Feb-2026"
	case 10:
		return n.pick("SEEN", "FLAGGED", "ANSWERED", "UNDELETED", "UNDRAFT", "UNSEEN", "KEYWORD $Forwarded", "UNKEYWORD custom", "NEW", "OLD", "RECENT", "ALL")
	case 11:
		if depth > 0 {
			return "ALL" // Dovecot mixes the sizes within OR up
		}
		return n.pick("LARGER", "SMALLER") + " " + strconv.Itoa(n.IntN(4000))
	}
	return n.pick("TEXT", "BODY", "SUBJECT") + " " + str()
}

// TestDovecotDifferenceSearch: a message is found where Dovecot finds it.
func TestDovecotDifferenceSearch(t *testing.T) {
	t.Parallel()
	msgs, c := delivered(t, true)
	var parsed []*message.Message
	for _, raw := range msgs {
		parsed = append(parsed, parse(t, raw))
	}
	n := newNasty(*seed + 1000)
	for range *asking {
		query := n.key(0)
		want := map[int]bool{}
		for _, res := range c.do(t, "SEARCH CHARSET UTF-8 "+query) {
			rest, ok := strings.CutPrefix(string(res), "* SEARCH")
			if !ok {
				continue
			}
			for _, f := range strings.Fields(rest) {
				i, err := strconv.Atoi(f)
				if err != nil {
					t.Fatalf("%s: %s", query, res)
				}
				want[i-1] = true
			}
		}
		key := parseKey(t, query)
		for i, m := range parsed {
			flags, date := facts(i)
			got, err := m.Match(key, message.Facts{Flags: flags, InternalDate: date, Recent: true, Seq: imap.SeqNum(i + 1), UID: imap.UID(i + 1)})
			if err != nil || got != want[i] {
				t.Errorf("%s of message %d: we say %v, %v\n%s", query, i, got, err, msgs[i])
			}
		}
	}
}
