package command_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
)

// FuzzCommand: whatever a client says, commands are the same however they arrive, their Raw is
// what came, positions lie in it, limits hold, and the reader ends with an error of its own.
func FuzzCommand(f *testing.F) {
	f.Add("A1 LOGIN {5}\r\nalice \"x\\\"\"\r\nA2 FETCH 1:* (FLAGS BODY.PEEK[1.HEADER.FIELDS (To)]<0.5>)\r\n")
	f.Add("A3 UID SORT RETURN (MIN COUNT) (REVERSE DATE SUBJECT) {5}\r\nUTF-8 OR SEEN 1:*,$ UID 3\r\nA4 THREAD REFS utf-8 NOT (ALL)\r\n")
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) > 4<<10 {
			return
		}
		want, wantErr := readAll(strings.NewReader(in), small)
		got, err := readAll(iotest.OneByteReader(strings.NewReader(in)), small)
		if !slices.Equal(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%v, want %v; -want +got:\n%s", err, wantErr, cmp.Diff(want, got))
		}
		r := command.NewReader(strings.NewReader(in), small)
		for {
			c, err := r.Read(agreed)
			var bad *command.BadError
			switch {
			case errors.As(err, &bad):
				continue
			case err != nil:
				return
			}
			if !strings.Contains(in, string(c.Raw)) {
				t.Fatalf("made up: %q", c.Raw)
			}
			places(t, c)
			if a, ok := c.Args.(*command.Append); ok && !messages(t, r, in, a.Size) {
				return
			}
		}
	})
}

// messages reads past the messages of an APPEND; false is the end of the stream.
func messages(t *testing.T, r *command.Reader, in string, size int64) bool {
	t.Helper()
	for {
		if r.Discard(size) != nil {
			return false
		}
		m, err := r.NextMessage()
		if bad := (*command.BadError)(nil); m == nil {
			return err == nil || errors.As(err, &bad)
		}
		if !strings.Contains(in, string(m.Raw)) || m.Literal.Pos+m.Literal.Len != len(m.Raw) {
			t.Fatalf("made up: %q", m.Raw)
		}
		size = m.Size
	}
}

// places checks that every position lies where it must.
func places(t *testing.T, c *command.Command) {
	t.Helper()
	within := func(what string, start, end int) string {
		t.Helper()
		if start < len(c.Tag) || end < start || end > len(c.Raw) {
			t.Fatalf("%s at %d to %d of %q", what, start, end, c.Raw)
		}
		return string(c.Raw[start:end])
	}
	nums := func(set imap.SeqSet, start, end int) {
		t.Helper()
		if set == nil {
			if got := within("set", start, end); got != "$" {
				t.Fatalf("no set, and %q at %d of %q", got, start, c.Raw)
			}
			return
		}
		again, err := imap.ParseSeqSet([]byte(within("set", start, end)), small.Ranges)
		if err != nil || !slices.Equal(again, set) {
			t.Fatalf("the set at %d to %d of %q is not %v", start, end, c.Raw, set)
		}
	}
	for _, l := range c.Literals {
		within("literal", l.Pos, l.Pos+l.Len)
		if _, ok := c.Args.(*command.Append); !ok {
			within("literal", l.Pos+l.Len, l.Pos+l.Len+int(l.Size))
		}
	}
	switch a := c.Args.(type) {
	case *command.Select:
		within("mailbox", a.MailboxStart, a.MailboxEnd)
	case *command.Status:
		within("mailbox", a.MailboxStart, a.MailboxEnd)
		within("items", a.ItemsStart, a.ItemsEnd)
	case *command.List:
		if a.Status != nil {
			within("items", a.StatusStart, a.StatusEnd)
		}
	case *command.Fetch:
		nums(a.Set, a.SetStart, a.SetEnd)
		items := within("items", a.ItemsStart, a.ItemsEnd)
		for _, it := range a.Items {
			if it.Name == "BODY[]" && !strings.Contains(items, it.Raw) {
				t.Fatalf("item %q of %q", it.Raw, items)
			}
		}
	case *command.Store:
		nums(a.Set, a.SetStart, a.SetEnd)
		within("flags", a.FlagsStart, a.FlagsEnd)
	case *command.Copy:
		nums(a.Set, a.SetStart, a.SetEnd)
		within("mailbox", a.MailboxStart, a.MailboxEnd)
	case *command.Expunge:
		if a.UID {
			nums(a.Set, a.SetStart, a.SetEnd)
		}
	case *command.Append:
		within("mailbox", a.MailboxStart, a.MailboxEnd)
	case *command.Sort:
		within("keys", a.KeysStart, a.KeysEnd)
		keys(t, c, a.Key, 0)
		if len(a.By) == 0 {
			t.Fatalf("ordered by nothing: %q", c.Raw)
		}
	case *command.Thread:
		within("keys", a.KeysStart, a.KeysEnd)
		keys(t, c, a.Key, 0)
	case *command.Search:
		within("keys", a.KeysStart, a.KeysEnd)
		keys(t, c, a.Key, 0)
	}
}

// keys checks that keys lie within those that they belong to, one behind the other.
func keys(t *testing.T, c *command.Command, k imap.SearchKey, depth int) {
	t.Helper()
	if depth > small.Nesting+1 {
		t.Fatalf("nested %d deep: %q", depth, c.Raw)
	}
	at := k.Start
	for _, s := range k.Keys {
		if s.Start < at || s.End <= s.Start || s.End > k.End {
			t.Fatalf("key at %d to %d, in one at %d to %d, of %q", s.Start, s.End, k.Start, k.End, c.Raw)
		}
		at = s.End
		keys(t, c, s, depth+1)
	}
}
