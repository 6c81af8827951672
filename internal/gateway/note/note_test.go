package note_test

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/note"
	"inlay.example/inlay/internal/imap"
)

func of(user string, lo, hi imap.UID) note.Note {
	return note.Note{
		Place: note.Place{Tenant: "default", User: user, Mailbox: "INBOX", Validity: 7}, Lo: lo, Hi: hi,
		At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func open(t *testing.T, dir string) (*note.Journal, int) {
	t.Helper()
	j, skipped, err := note.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j, skipped
}

func all(j *note.Journal) []note.Note {
	out := j.All()
	slices.SortFunc(out, func(a, b note.Note) int { return cmp.Compare(a.User, b.User) })
	return out
}

// TestJournal: what was added is there after the process has died, one note for each place.
func TestJournal(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "notes")
	j, _ := open(t, dir)
	for _, n := range []note.Note{of("anna", 5, 6), of("bob", 1, 1), of("anna", 9, 9), of("anna", 6, 7)} {
		if err := j.Add(n); err != nil {
			t.Fatal(err)
		}
	}
	want := []note.Note{of("anna", 5, 9), of("bob", 1, 1)}
	if d := diff.Diff(want, all(j)); d != "" {
		t.Error(d)
	}
	if _, _, err := note.Open(dir); !fault.Is(err, fault.Conflict) {
		t.Errorf("opened twice: %v", err)
	}
	j.Close()
	again, skipped := open(t, dir)
	if d := diff.Diff(want, all(again)); d != "" || skipped != 0 {
		t.Errorf("%d skipped %s", skipped, d)
	}
	// One that has grown meanwhile was not replayed.
	notes := again.All()
	if err := again.Add(of("bob", 1, 2)); err != nil {
		t.Fatal(err)
	}
	if err := again.Done(notes); err != nil {
		t.Fatal(err)
	}
	if err := again.Add(of("cleo", 3, 3)); err != nil {
		t.Fatal(err)
	}
	again.Close()
	third, _ := open(t, dir)
	if d := diff.Diff([]note.Note{of("bob", 1, 2), of("cleo", 3, 3)}, all(third)); d != "" {
		t.Error(d)
	}
}

func TestJournalRefuses(t *testing.T) {
	t.Parallel()
	j, _ := open(t, t.TempDir())
	for _, n := range []note.Note{{}, of("", 1, 1), of("a", 0, 1), of("a", 2, 1), of(strings.Repeat("a", note.MaxLine), 1, 1)} {
		if err := j.Add(n); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", n.Place, err)
		}
	}
	if got := j.All(); len(got) > 0 {
		t.Errorf("kept %v", got)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := note.Open(filepath.Join(file, "below")); !fault.Is(err, fault.Invalid) {
		t.Errorf("a folder below a file: %v", err)
	}
}

// TestDamaged: what a crash has cut off, and what somebody wrote by hand, is left out alone.
func TestDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := open(t, dir)
	if err := j.Add(of("anna", 5, 6)); err != nil {
		t.Fatal(err)
	}
	j.Close()
	name := filepath.Join(dir, "notes.jsonl")
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	text.WriteString("{}\nnonsense\n" + strings.Repeat("x", note.MaxLine+1) + "\n")
	text.Write(good)
	text.Write(good[:len(good)/2])
	if err := os.WriteFile(name, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	again, skipped := open(t, dir)
	if d := diff.Diff([]note.Note{of("anna", 5, 6)}, all(again)); d != "" || skipped != 4 {
		t.Errorf("%d skipped %s", skipped, d)
	}
}

func TestJournalConcurrently(t *testing.T) {
	t.Parallel()
	j, _ := open(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 20 {
				uid := imap.UID(1 + n*8 + i) //nolint:gosec // small
				if err := j.Add(of("anna", uid, uid)); err != nil {
					t.Error(err)
				}
				if n%5 == 0 {
					if err := j.Done(j.All()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if got := j.All(); len(got) > 1 {
		t.Errorf("kept %v", got)
	}
}

// FuzzJournal: whatever is in the file, it is opened, and what is kept is read again.
func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"tenant":"default","user":"anna","mailbox":"INBOX","uidValidity":7,"lo":5,"hi":6,"at":"2026-01-02T03:04:05Z"}` + "\n"))
	f.Add([]byte("{}\n\n[]"))
	f.Add([]byte(`{"user":"a","mailbox":"b","uidValidity":4294967295,"lo":1,"hi":4294967295}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "notes.jsonl"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		j, _ := open(t, dir)
		first := len(j.All())
		j.Close()
		again, skipped := open(t, dir)
		if len(again.All()) != first || skipped != 0 {
			t.Errorf("%d notes, and %d the second time, %d skipped", first, len(again.All()), skipped)
		}
	})
}
