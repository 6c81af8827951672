package demo_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"inlay.example/inlay/internal/demo"
	"inlay.example/inlay/internal/fault"
)

func TestStateIsKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	first, err := demo.LoadState(dir)
	if err != nil || len(first.Token) < 16 || len(first.Secret) < 16 || first.Token == first.Secret {
		t.Fatalf("%+v, %v", first, err)
	}
	if st, err := os.Stat(filepath.Join(dir, "demo.json")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file with the token: %v, %v", st, err)
	}
	// A clock that stands still, or goes backwards, gives no UIDVALIDITY twice.
	last := uint32(0)
	for _, at := range []time.Time{now, now, now.Add(-time.Hour), now.Add(time.Hour)} {
		s, err := demo.LoadState(dir)
		if err != nil || s.Token != first.Token || s.Secret != first.Secret {
			t.Fatalf("%+v, %v", s, err)
		}
		if s = s.Next(at); s.UIDValidity <= last {
			t.Errorf("UIDVALIDITY %d after %d", s.UIDValidity, last)
		}
		last = s.UIDValidity
		if err := s.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// Nothing of somebody else's is touched.
func TestStateOfSomethingElse(t *testing.T) {
	t.Parallel()
	full := t.TempDir()
	mine := filepath.Join(full, "thesis.txt")
	if err := os.WriteFile(mine, []byte("three years of work"), 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "demo.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"a directory with files": full, "a damaged one": damaged, "a file": mine} {
		if s, err := demo.LoadState(dir); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s is taken: %+v, %v", name, s, err)
		}
	}
	if entries, err := os.ReadDir(full); err != nil || len(entries) != 1 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}
