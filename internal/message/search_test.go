package message_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/peertest"
)

// queries are asked of all messages of the corpus.
var queries = []string{
	"ALL", "2:4,7", "UID 3:*", "NOT ALL", "OR 1 2", "OR (1 SUBJECT plain) NOT 1:*",
	"SEEN", "UNSEEN", "FLAGGED", "DELETED", "UNDELETED", "ANSWERED", "DRAFT", `KEYWORD $Forwarded`, `KEYWORD $forwarded`, "UNKEYWORD custom", "KEYWORD none",
	"LARGER 284", "LARGER 283", "SMALLER 284", "SMALLER 285", "LARGER 4294967295", "SMALLER 0",
	"BEFORE 3-Feb-2026", "ON 3-Feb-2026", "SINCE 3-Feb-2026", "ON 4-Feb-2026", "NOT SINCE 5-Feb-2026",
	"SENTBEFORE 10-Feb-2026", "SENTON 10-Feb-2026", "SENTSINCE 10-Feb-2026", "SENTON 11-Feb-2026", "SENTON 2-Feb-2026", "SENTON 3-Feb-2026", "SENTON 4-Feb-2026", "SENTON 5-Feb-2026",
	"SENTON 1-Jan-1970", "SENTSINCE 1-Jan-1970", "SENTBEFORE 1-Jan-1970", "SENTON 13-Feb-1969", "SENTON 1-Dec-2025",
	`SUBJECT ""`, `FROM ""`, `HEADER X-EMPTY ""`, `HEADER X-NONE ""`, `HEADER Bcc ""`, `TEXT ""`, `BODY ""`,
	`SUBJECT plain`, `SUBJECT "folded twice"`, `SUBJECT "folded  twice"`, `SUBJECT "a b c"`, `SUBJECT first`, `SUBJECT second`, `SUBJECT "münchen"`, `SUBJECT "MÜNCHEN"`, `SUBJECT "grüße aus"`,
	`SUBJECT "split word"`, `SUBJECT "wordäöü plainglued"`, `SUBJECT "äöü"`, `SUBJECT "ä"`, `SUBJECT "привет"`, `SUBJECT "ПРИВЕТ"`, `SUBJECT "приветeuro"`, `SUBJECT "unclosed"`, `SUBJECT "=?"`, `SUBJECT "€uro"`,
	`SUBJECT strasse`, `SUBJECT special`, `SUBJECT "ſpecial"`, `SUBJECT istanbul`, `SUBJECT "größe"`, `SUBJECT "inner"`, `SUBJECT "bare return"`,
	`FROM anna`, `FROM "anna@example.org"`, `FROM "Anna Example <"`, `FROM "\"Anna Example\" <anna@"`, `FROM "kundenservice münchen <service"`, `FROM "ab <ab@"`, `FROM "jörg"`, `FROM "pete"`, `FROM "nice chap"`, `FROM "MISSING"`, `FROM "\"Quoted \\\"inner"`,
	`TO "carol, the third"`, `TO "Friends"`, `TO "Friends: <bob"`, `TO ";, <dan"`, `TO "undisclosed"`, `CC "undisclosed"`, `CC "recipients"`, `BCC "a group"`, `TO "user59@"`, `TO "SYNTAX_ERROR"`, `BCC "SYNTAX_ERROR"`, `TO "jdoe@one.test>;"`, `TO "Dan Brown"`, `TO "böb"`, `TO "bäcker"`,
	`HEADER From "anna example"`, `HEADER To "Friends: bob"`, `HEADER Received two`, `HEADER received three`, `HEADER "X-Spaces" "spaced"`, `HEADER "Message-ID" "<1@"`, `HEADER Comments "en"`, `HEADER X-Many "word399"`, `HEADER X-Many "word1 word2"`, `HEADER X-Long "xxxxxxxxxx"`,
	`HEADER Content-Type multipart`, `HEADER Date yesterday`, `HEADER Subject "a	b"`, `HEADER Subject "b  c"`, `HEADER X y`,
	`BODY "plain"`, `BODY "inner text"`, `BODY "hello"`, `BODY "hello world"`, `BODY garbage`, `BODY "SGVs"`, `BODY "grüße"`, `BODY "5€"`, `BODY "5e2"`, `BODY angebot`, `BODY "<h1>"`, `BODY "привет мир"`, `BODY "€uro sign"`, `BODY mystery`, `BODY secretword`,
	`BODY "unknown encoding"`, `BODY "softbreak"`, `BODY "break trailing"`, `BODY "=zz"`, `BODY "lower ä, end"`, `BODY styleword`, `BODY scriptword`, `BODY attrword`, `BODY commentword`, `BODY visibleword`, `BODY "vis<b>ible"`, `BODY "änderung"`, `BODY "café"`, `BODY preambleword`, `BODY innerpreamble`, `BODY epilogueword`, `BODY partheaderword`,
	`TEXT preambleword`, `TEXT partheaderword`, `TEXT epilogueword`, `TEXT "X-Part: part"`, `TEXT "the inner one"`, `TEXT "inner@example.net"`, `TEXT "a.pdf"`, `TEXT "dot.png"`, `TEXT boundary`, `TEXT "--x"`, `TEXT "hidden body"`, `TEXT "body one"`, `BODY "body one"`, `TEXT "From: one"`, `TEXT "reporting-mta"`, `BODY "reporting-mta"`, `BODY "final-recipient"`, `BODY "part of a message"`, `BODY returned`,
	`TEXT "line is no field"`, `TEXT "header is not ended"`, `TEXT "nocolon"`, `TEXT "foo bar"`, `TEXT "word10 word11"`, `BODY "needle"`, `BODY "yyyyneedle"`, `BODY "straße"`, `BODY "STRASSE"`, `BODY "STRAßE"`, `BODY "éclair"`, `BODY "fi"`, `BODY "ﬁn"`, `BODY "ångström"`, `BODY "å"`, `BODY "ß"`, `BODY "Привет"`, `TO "σίσυφοσ"`,
	`BODY "fußgänger"`, `BODY "ärger mit 8 bit"`, `TEXT "grüße aus köln"`, `TEXT "jörg müller"`, `TEXT "größe"`, `TEXT "gr"`, `BODY "not a header"`, `BODY "deepest"`, `BODY "the last line has no end"`, `BODY "line"`, `BODY "level 2"`, `TEXT "level 2"`, `BODY "level 1"`, `BODY "signed"`, `BODY "3"`, `BODY "9="`, `BODY x`, `TEXT "Subject: x"`, `BODY "one"`, `BODY "two"`, `BODY "trailing"`, `BODY "tail is not"`,
	`BODY "tiếng"`, `BODY "TIẾNG"`, `BODY "tieng"`, `BODY "tiêng"`, `BODY "ế"`, `BODY "ế"`, `BODY "ê"`, `BODY "ệ"`, `BODY "ǆ"`, `BODY "Ǆ"`, `BODY "ab"`, `BODY "ＡＢ"`, `BODY "½"`, `BODY "1"`, `BODY "한글"`, `BODY "한"`, `BODY "ω"`, `SUBJECT "Å"`, `SUBJECT "å"`, `SUBJECT "K"`,
	`TEXT "price" UNSEEN`, `OR SUBJECT plain OR FROM carol BODY "just text"`, `NOT (SUBJECT a) NOT FROM a`, `TEXT "unsubscribe"`, `BODY "{{"`,
}

// before1970 is a message whose date Dovecot takes for one far in the future, because it
// keeps dates as seconds since 1970 without a sign; we keep what the field says.
const before1970 = "addresses-comments"

// facts of the messages of the corpus, by their place in it.
func facts(i int) ([]string, time.Time) {
	flags := [][]string{nil, {`\Seen`}, {`\Flagged`, `$Forwarded`}, {`\Deleted`, `\Seen`, "custom"}, {`\Answered`}, {`\Draft`, `$forwarded`}}[i%6]
	zone := time.FixedZone("", []int{0, -8, 12}[i%3]*3600)
	return flags, time.Date(2026, 2, 2+i%4, 23, 30, 0, 0, zone)
}

func parseKey(t *testing.T, query string) imap.SearchKey {
	t.Helper()
	c, err := command.NewReader(strings.NewReader("t SEARCH CHARSET UTF-8 "+query+"\r\n"), command.Limits{}).Read(func() error { return nil })
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	s, ok := c.Args.(*command.Search)
	if !ok {
		t.Fatalf("%s: %T", query, c.Args)
	}
	return s.Key
}

// TestDovecotSearch asks a real Dovecot every query, and compares with the golden file.
func TestDovecotSearch(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{})
	msgs := corpus(t)
	names := sorted(msgs)
	var deliver []peertest.Message
	for i, name := range names {
		flags, date := facts(i)
		deliver = append(deliver, peertest.Message{Bytes: msgs[name], Flags: flags, Date: date})
	}
	d.Deliver(t, "anna", "INBOX", deliver...)
	c := dial(t, d.Addr, "anna", d.Password)
	c.do(t, "SELECT INBOX")
	var b strings.Builder
	for _, q := range queries {
		fmt.Fprintf(&b, "%s\n", q)
		for _, res := range c.do(t, "SEARCH CHARSET UTF-8 "+q) {
			rest, ok := strings.CutPrefix(string(res), "* SEARCH")
			if !ok {
				continue
			}
			for _, n := range strings.Fields(rest) {
				i, err := strconv.Atoi(n)
				if err != nil {
					t.Fatalf("%s: %s", q, res)
				}
				fmt.Fprintf(&b, "\t%s\n", names[i-1])
			}
		}
	}
	golden(t, filepath.Join("testdata", "dovecot", "search", "answers.txt"), b.String())
}

func TestMatchBefore1970(t *testing.T) {
	t.Parallel()
	m := parse(t, corpus(t)[before1970])
	for q, want := range map[string]bool{"SENTON 13-Feb-1969": true, "SENTBEFORE 13-Feb-1969": false, "SENTSINCE 14-Feb-1969": false} {
		if got, err := m.Match(parseKey(t, q), message.Facts{}); got != want || err != nil {
			t.Errorf("%s = %v, %v", q, got, err)
		}
	}
}

// TestMatchWithin: as Dovecot 2.3 answers, to whom messages of 9, 10 and 11 seconds were given.
func TestMatchModSeq(t *testing.T) {
	t.Parallel()
	m := parse(t, corpus(t)[before1970])
	for query, want := range map[string]bool{"MODSEQ 0": true, "MODSEQ 4": true, "MODSEQ 5": true, "MODSEQ 6": false, "NOT MODSEQ 6": true} {
		got, err := m.Match(parseKey(t, query), message.Facts{ModSeq: 5})
		if got != want || err != nil {
			t.Errorf("%s: %v, %v", query, got, err)
		}
	}
}

func TestMatchWithin(t *testing.T) {
	t.Parallel()
	m := parse(t, corpus(t)[before1970])
	now := time.Date(2026, 2, 2, 12, 0, 0, 999_999_999, time.UTC) // it counts whole seconds
	for _, tt := range []struct {
		query string
		age   int
		want  bool
	}{
		{"YOUNGER 10", 9, true},
		{"YOUNGER 10", 10, true},
		{"YOUNGER 10", 11, false},
		{"OLDER 10", 9, false},
		{"OLDER 10", 10, true},
		{"OLDER 10", 11, true},
		{"YOUNGER 1", -5, true},
		{"OLDER 1", -5, false}, // of a date to come
		{"YOUNGER 4294967295", 1 << 30, true},
		{"OLDER 4294967295", 1 << 30, false},
	} {
		sent := now.Truncate(time.Second).Add(-time.Duration(tt.age) * time.Second).In(time.FixedZone("", 9*3600))
		got, err := m.Match(parseKey(t, tt.query), message.Facts{InternalDate: sent, Now: now})
		if got != tt.want || err != nil {
			t.Errorf("%s of a message of %d seconds: %v, %v", tt.query, tt.age, got, err)
		}
	}
}

// TestMatchSaved: "$" is what the caller says is in it.
func TestMatchSaved(t *testing.T) {
	t.Parallel()
	m := parse(t, corpus(t)[before1970])
	for _, saved := range []bool{false, true} {
		for query, want := range map[string]bool{"$": saved, "UID $": saved, "NOT $": !saved, "OR $ NOT ALL": saved, "$ ALL": saved} {
			if got, err := m.Match(parseKey(t, query), message.Facts{Saved: saved}); got != want || err != nil {
				t.Errorf("%s with saved %v: %v, %v", query, saved, got, err)
			}
		}
	}
}

// TestMatch compares ours with what Dovecot found.
func TestMatch(t *testing.T) {
	t.Parallel()
	recorded, err := os.ReadFile(filepath.Join("testdata", "dovecot", "search", "answers.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	query := ""
	for line := range strings.Lines(string(recorded)) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "\t"); ok {
			want[query] = append(want[query], name)
			continue
		}
		query = line
	}
	msgs := corpus(t)
	names := sorted(msgs)
	for _, q := range queries {
		key := parseKey(t, q)
		var got []string
		for i, name := range names {
			flags, date := facts(i)
			ok, err := parse(t, msgs[name]).Match(key, message.Facts{
				Flags: flags, InternalDate: date, Seq: imap.SeqNum(i + 1), UID: imap.UID(i + 1),
				SeqStar: uint32(len(names)), UIDStar: uint32(len(names)), Recent: true,
			})
			if err != nil {
				t.Errorf("%s: %v", q, err)
			}
			if ok {
				got = append(got, name)
			}
		}
		if strings.HasPrefix(q, "SENT") {
			other := func(n string) bool { return n == before1970 }
			got, want[q] = slices.DeleteFunc(got, other), slices.DeleteFunc(want[q], other)
		}
		for _, name := range got {
			if !slices.Contains(want[q], name) {
				t.Errorf("%s: we find %s, Dovecot does not", q, name)
			}
		}
		for _, name := range want[q] {
			if !slices.Contains(got, name) {
				t.Errorf("%s: we do not find %s, Dovecot does", q, name)
			}
		}
	}
}

// TestMatchOfManyTexts looks for a thousand words in a long text, which is decoded once: a client
// may write some four thousand into one command. It runs alone, for what it measures is the whole
// process.
//
//nolint:paralleltest // see above
func TestMatchOfManyTexts(t *testing.T) {
	raw := "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
		strings.Repeat("Gr=C3=BC=C3=9Fe aus K=C3=B6ln.\r\n", 2000)
	m, err := message.Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	allocated := func(keys int) uint64 {
		and := imap.SearchKey{Op: imap.SearchAnd}
		for range keys {
			and.Keys = append(and.Keys, imap.SearchKey{Op: imap.SearchBody, Value: "KÖLN"})
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if ok, err := m.Match(and, message.Facts{}); err != nil || !ok {
			t.Fatalf("%v, %v", ok, err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	if one, many := allocated(1), allocated(1000); many > one+1<<20 {
		t.Errorf("one word allocates %d octets, a thousand %d", one, many)
	}
}
