package spool_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"inlay.example/inlay/internal/gateway/spool"
)

// TestSpool: what was written is read, wherever the limit lies.
func TestSpool(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		s := spool.New(rapid.IntRange(0, 64).Draw(t, "limit"), dir)
		defer s.Close()
		var want []byte
		for range rapid.IntRange(0, 10).Draw(t, "writes") {
			p := rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "octets")
			if n, err := s.Write(p); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
			want = append(want, p...)
			at := rapid.IntRange(0, len(want)).Draw(t, "at")
			got, err := io.ReadAll(s.From(int64(at)))
			if err != nil || !bytes.Equal(got, want[at:]) {
				t.Fatalf("%v, %v, want %v", got, err, want[at:])
			}
		}
		if s.Size() != int64(len(want)) {
			t.Fatal(s.Size(), len(want))
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
			t.Fatalf("left behind: %v", left)
		}
	})
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	n := spool.Numbers{Spool: spool.New(4*1000+2, t.TempDir())}
	defer n.Spool.Close()
	const count = 20_000
	for i := range uint32(count) {
		if err := n.Add(i * 7); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{0, 999, 1000, 1001, count - 1} {
		if v, err := n.At(i); err != nil || v != uint32(i)*7 {
			t.Errorf("number %d: %d, %v", i, v, err)
		}
	}
	if _, err := n.At(count); err == nil {
		t.Error("a number behind the last one")
	}
	i := uint32(0)
	for v, err := range n.All() {
		if err != nil || v != i*7 {
			t.Fatalf("number %d: %d, %v", i, v, err)
		}
		i++
	}
	if i != count || n.Len() != count {
		t.Errorf("%d of %d numbers, %d in all", i, n.Len(), count)
	}
}

// TestNowhere: where no file can be made, it says so, and keeps what memory holds.
func TestNowhere(t *testing.T) {
	t.Parallel()
	s := spool.New(4, filepath.Join(t.TempDir(), "missing"))
	if _, err := s.Write([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("5")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v", err)
	}
	if got, err := io.ReadAll(s.From(0)); string(got) != "1234" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
