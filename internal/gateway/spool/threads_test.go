package spool_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"inlay.example/inlay/internal/gateway/spool"
	"inlay.example/inlay/internal/thread"
)

// tokens reads threads as a server writes them.
func tokens(s string) (out []spool.Token) {
	for _, f := range strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(s)) {
		switch f {
		case "(":
			out = append(out, spool.Open)
		case ")":
			out = append(out, spool.Close)
		default:
			if n, err := strconv.ParseUint(f, 10, 32); err == nil && n > 0 {
				out = append(out, spool.Number(uint32(n)))
			}
		}
	}
	return out
}

func show(n *thread.Node) string {
	var b strings.Builder
	fmt.Fprint(&b, n.Num)
	for _, c := range n.Children {
		fmt.Fprintf(&b, "[%s]", show(c))
	}
	return b.String()
}

// TestThreads: threads are read as they were written, in memory and from a file.
func TestThreads(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 5, 1 << 10} {
		th := spool.NewThreads(limit, t.TempDir())
		defer th.Close()
		const in = "(1)(2 3 (4)(5 6))((7)(8 4294967295))(9 (10 (11)(12))(13))((14))"
		for _, tok := range tokens(in) {
			if err := th.Add(tok); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"1", "2[3[4][5[6]]]", "0[7][8[4294967295]]", "9[10[11][12]][13]", "14"}
		if th.Len() != len(want) || !th.Done() {
			t.Fatalf("%d threads, done: %v", th.Len(), th.Done())
		}
		for i, w := range want {
			if n, err := th.Thread(i, 10); err != nil || show(n) != w {
				t.Errorf("thread %d: %v, %v, want %s", i, n, err, w)
			}
		}
		if _, err := th.Thread(1, 4); !errors.Is(err, spool.ErrThreads) {
			t.Errorf("a thread of 5 where 4 are allowed: %v", err)
		}
		var got []spool.Token
		var at []int
		if err := th.Tokens(func(i int, tok spool.Token) (bool, error) {
			got, at = append(got, tok), append(at, i)
			return true, nil
		}); err != nil || fmt.Sprint(got) != fmt.Sprint(tokens(in)) || at[0] != 0 || at[3] != 1 || at[len(at)-1] != 4 {
			t.Errorf("%v, %v, %v", got, at, err)
		}
	}
	for _, bad := range []string{"1", ")", "(1))", "(1)2"} {
		th := spool.NewThreads(100, "")
		var err error
		for _, tok := range tokens(bad) {
			if err = th.Add(tok); err != nil {
				break
			}
		}
		if !errors.Is(err, spool.ErrThreads) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// FuzzThreads: whatever numbers and parentheses come, they are threads or an error; and threads
// are written again as trees that hold the same messages in the same order.
func FuzzThreads(f *testing.F) {
	f.Add("(1)(2 3 (4)(5 6))((7)(8))")
	f.Add("((1))(2 (3))")
	f.Add("()((")
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) > 4<<10 {
			return
		}
		th := spool.NewThreads(64, t.TempDir())
		defer th.Close()
		for _, tok := range tokens(in) {
			if th.Add(tok) != nil {
				return
			}
		}
		if !th.Done() {
			return
		}
		var want, got []uint32
		if err := th.Tokens(func(_ int, tok spool.Token) (bool, error) {
			if tok != spool.Open && tok != spool.Close {
				want = append(want, tok.Value())
			}
			return true, nil
		}); err != nil {
			t.Fatal(err)
		}
		for i := range th.Len() {
			n, err := th.Thread(i, 1<<20)
			if err != nil {
				return // one without messages
			}
			got = append(got, n.Numbers()...)
		}
		if fmt.Sprint(want) != fmt.Sprint(got) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}
