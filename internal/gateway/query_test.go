package gateway_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
)

// choices are decisions that a fuzzer makes; behind their end all are the first.
type choices struct{ b []byte }

func (c *choices) of(n int) int {
	if len(c.b) == 0 {
		return 0
	}
	x := int(c.b[0]) % n
	c.b = c.b[1:]
	return x
}

func (c *choices) one(all ...string) string { return all[c.of(len(all))] }

// listed is a message of a naive mailbox.
type listed struct {
	uid   uint32
	flags []string
}

// finds evaluates a key on message i of a list, by the letter of RFC 3501 §6.4.4.
func finds(t *testing.T, k imap.SearchKey, list []listed, i int) bool {
	t.Helper()
	sub := func(n int) bool { return finds(t, k.Keys[n], list, i) }
	has := slices.ContainsFunc(list[i].flags, func(f string) bool { return strings.EqualFold(f, k.Value) })
	switch k.Op {
	case imap.SearchAll:
		return true
	case imap.SearchNot:
		return !sub(0)
	case imap.SearchOr:
		return sub(0) || sub(1)
	case imap.SearchAnd:
		for n := range k.Keys {
			if !sub(n) {
				return false
			}
		}
		return true
	case imap.SearchFlag:
		return has
	case imap.SearchUnflag:
		return !has
	case imap.SearchSeq:
		return k.Set.Resolve(uint32(len(list))).Contains(uint32(i) + 1)
	case imap.SearchUID:
		return k.Set.Resolve(list[len(list)-1].uid).Contains(list[i].uid)
	}
	t.Fatalf("key %q", k.Op)
	return false
}

// found gives the numbers or UIDs of a list that a command asks for.
func found(t *testing.T, line string, list []listed) (set imap.Set, a *command.Search, tag string) {
	t.Helper()
	c, err := command.NewReader(strings.NewReader(line+"\r\n"), command.Limits{}).Read(func() error { return nil })
	if err != nil || c.Err != nil {
		t.Fatalf("%s: %v, %+v", line, err, c)
	}
	a, ok := c.Args.(*command.Search)
	if !ok {
		t.Fatalf("%s: %T", line, c.Args)
	}
	for i := range list {
		if !finds(t, a.Key, list, i) {
			continue
		}
		if a.UID {
			set.Add(list[i].uid)
		} else {
			set.Add(uint32(i) + 1)
		}
	}
	return set, a, c.Tag
}

func (c *choices) set(top int) string {
	number := func() string {
		if c.of(4) == 0 {
			return "*"
		}
		return strconv.Itoa(1 + c.of(top+2))
	}
	var all []string
	for range 1 + c.of(3) {
		n := number()
		if c.of(2) == 0 {
			n += ":" + number()
		}
		all = append(all, n)
	}
	return strings.Join(all, ",")
}

func (c *choices) query(depth, messages, uids int) string {
	if depth < 3 {
		switch c.of(6) {
		case 0:
			return "NOT " + c.query(depth+1, messages, uids)
		case 1:
			return "OR " + c.query(depth+1, messages, uids) + " " + c.query(depth+1, messages, uids)
		case 2:
			return "(" + c.query(depth+1, messages, uids) + " " + c.query(depth+1, messages, uids) + ")"
		}
	}
	switch c.of(4) {
	case 0:
		return c.set(messages)
	case 1:
		return "UID " + c.set(uids)
	case 2:
		return c.one("SEEN", "UNSEEN", "FLAGGED", "UNFLAGGED", "DELETED", "KEYWORD Work")
	}
	return c.one("ALL", "1:*", "UID 1:*", "*", "UID *")
}

// askQueries plays queries: the backend is a naive mailbox of real messages, which answers the
// queries as they were rewritten, and the client must hear what a naive mailbox of all messages
// would answer to the queries as they were written.
func askQueries(t *testing.T, c *choices, queries int) {
	t.Helper()
	w := newWorld(t)
	defer w.end()
	flags := func() []string {
		var out []string
		for _, f := range []string{`\Seen`, `\Flagged`, `\Deleted`, "Work"} {
			if c.of(3) == 0 {
				out = append(out, f)
			}
		}
		return out
	}
	messages, injected := 1+c.of(9), 0
	var all, real []listed
	for uid := 1; uid <= messages; uid++ {
		m := listed{uint32(uid), flags()}
		if injected < 4 && c.of(3) == 0 {
			injected++
			w.act(append([]string{"live", "c" + strconv.Itoa(uid), "INBOX", "7", strconv.Itoa(uid)}, m.flags...))
		} else {
			real = append(real, m)
		}
		all = append(all, m)
	}
	w.open(len(real), messages+1, 1)
	client, backend := w.client(1), w.backend(1)
	for i := range queries {
		line := fmt.Sprintf("q%d %sSEARCH %s%s", i, c.one("", "UID "), c.one("", "", "RETURN (MIN MAX ALL COUNT) ", "RETURN (COUNT) ", "RETURN () "), c.query(0, messages, messages))
		want, a, tag := found(t, line, all)
		client.say(line)
		var rewritten string
		for range 3 { // a question of the gateway's own may come first
			synctest.Wait()
			lines := backend.take()
			if len(lines) == 0 {
				break
			}
			rewritten = lines[len(lines)-1]
			if number, ok := strings.CutPrefix(rewritten[strings.IndexByte(rewritten, ' ')+1:], "FETCH "); ok {
				n, err := strconv.Atoi(strings.TrimSuffix(number, " (UID)"))
				if err != nil {
					t.Fatalf("%s: %v", rewritten, err)
				}
				own, _, _ := strings.Cut(rewritten, " ")
				backend.say(fmt.Sprintf("* %d FETCH (UID %d)", n, real[n-1].uid))
				backend.say(own + " OK Completed.")
				continue
			}
			set, b, asked := found(t, rewritten, real)
			backend.say(answerOf(b, asked, set))
			backend.say(asked + " OK Completed.")
		}
		synctest.Wait()
		heard := client.take()
		if len(heard) != 2 || !strings.HasPrefix(heard[1], tag+" OK") {
			t.Fatalf("%s\nof real %v and all %v, rewritten as %q: %q", line, real, all, rewritten, heard)
		}
		if got := meant(t, heard[0]); got != meant(t, answerOf(a, tag, want)) {
			t.Errorf("%s\nof real %v and all %v, rewritten as %q:\n%s, want %s", line, real, all, rewritten, got, answerOf(a, tag, want))
		}
	}
}

// answerOf writes the response to a query that found a set.
func answerOf(a *command.Search, tag string, set imap.Set) string {
	var numbers []string
	for _, r := range set.Ranges() {
		for n := r.Lo; n <= r.Hi; n++ {
			numbers = append(numbers, strconv.FormatUint(uint64(n), 10))
		}
	}
	if a.Return == nil {
		return strings.TrimRight("* SEARCH "+strings.Join(numbers, " "), " ")
	}
	s := `* ESEARCH (TAG "` + tag + `")`
	if a.UID {
		s += " UID"
	}
	if a.Return.Min && len(numbers) > 0 {
		s += " MIN " + numbers[0] + " MAX " + numbers[len(numbers)-1]
	}
	if a.Return.All && len(numbers) > 0 {
		s += " ALL " + set.String()
	}
	if a.Return.Count {
		s += " COUNT " + strconv.Itoa(len(numbers))
	}
	return s
}

// meant gives what a response says, in one form.
func meant(t *testing.T, line string) string {
	t.Helper()
	if rest, ok := strings.CutPrefix(line, "* ESEARCH"); ok {
		e, err := response.ParseESearch([]byte(rest + "\r\n"))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return fmt.Sprintf("%+v", e)
	}
	return line
}

// TestQueries: a rewritten query on the backend, and the query on what is injected, find together
// what the query finds in the mailbox with the messages delivered.
func TestQueries(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 7))
			c := &choices{b: make([]byte, 4000)}
			for i := range c.b {
				c.b[i] = byte(rng.IntN(256))
			}
			synctest.Test(t, func(t *testing.T) { askQueries(t, c, 40) })
		})
	}
}

// FuzzQueries is TestQueries with mailboxes and queries of the fuzzer's choice.
func FuzzQueries(f *testing.F) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 11))
		b := make([]byte, 120)
		for i := range b {
			b[i] = byte(rng.IntN(256))
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		synctest.Test(t, func(t *testing.T) { askQueries(t, &choices{b: b}, 3) })
	})
}
