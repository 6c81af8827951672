package laws_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inlay.example/inlay/internal/peertest"
	"inlay.example/inlay/test/laws"
)

// TestLaws plays a few dialogues of each law; make laws plays as many as one has time for.
func TestLaws(t *testing.T) {
	t.Parallel()
	for _, r := range laws.Run(t, laws.Config{Seed: 4, Commands: 1500, Backend: peertest.DovecotBackend, Parallel: 4}) {
		t.Log(r)
		if r.Commands < 1500 {
			t.Errorf("only %d commands were played", r.Commands)
		}
	}
}

// A dialogue is its text: written and read again it is the same.
func TestDialogueText(t *testing.T) {
	t.Parallel()
	const text = `dialogue delivery 7 2
! append 3
s1+ FETCH «n 1:*» (UID)
s2[12] APPEND INBOX {3}␍␊abc
s1? SEARCH (
s1 q"NOOP \x00"
`
	d, err := laws.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []laws.Step{
		{Text: "append 3"},
		{Session: 1, Pipe: true, Text: "FETCH «n 1:*» (UID)"},
		{Session: 2, Cut: 12, Text: "APPEND INBOX {3}\r\nabc"},
		{Session: 1, Odd: true, Text: "SEARCH ("},
		{Session: 1, Text: "NOOP \x00"},
	}
	if !slices.Equal(d.Steps, want) {
		t.Errorf("read %+v", d.Steps)
	}
	var b strings.Builder
	if err := d.Write(&b); err != nil || b.String() != text {
		t.Errorf("written again it is (%v)\n%s", err, b.String())
	}
	for _, bad := range []string{"", "dialogue delivery x 1\n", "dialogue nothing 1 1\n", "dialogue delivery 1 1\ns2 NOOP\n", "dialogue delivery 1 1\nNOOP\n", "dialogue delivery 1 1\ns1[x] NOOP\n"} {
		if d, err := laws.Read(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken for a dialogue: %+v", bad, d)
		}
	}
}

// TestReplay plays dialogues that once showed a difference.
func TestReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogues: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			d, err := laws.Read(f)
			if err != nil {
				t.Fatal(err)
			}
			backend, _, _ := strings.Cut(filepath.Base(file), "-")
			found, err := laws.PlayOnce(t, peertest.Backend(backend), d, nil)
			if err != nil {
				t.Fatal(err)
			}
			if found != nil {
				t.Errorf("a difference:\n%s", laws.Report(d, found))
			}
		})
	}
}
