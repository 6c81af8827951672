package gateway_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what was said into the golden transcripts")

// TestTranscripts plays the dialogues of testdata. A transcript is what was said, in four
// directions, and what was done to the world meanwhile:
//
//	C: text     the client says          S: text     the client hears
//	U< text     the backend says         U> text     the backend hears
//	@words      something happens        = text      what an act has to tell
//	# text      a comment
//
// Sessions and connections of the backend are numbered in the order in which they come: C2:
// is the second client, U2> what the second connection to the backend hears. The acts are in
// world_test.go and fake_test.go. Time stands still, but for "@wait".
//
// The lines of C, U<, @ and # are the script; those of S, U> and = are what came of it, and
// stand behind the line that caused them. With -update they are written anew, so that a new
// transcript is written as a script: what was added is reviewed like code.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			synctest.Test(t, func(t *testing.T) { got = play(t, string(want)) })
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
				t.Errorf("transcript differs (-want +got):\n%s", d)
			}
		})
	}
}

// play runs a script and returns the transcript.
func play(t *testing.T, script string) string {
	t.Helper()
	w := newWorld(t)
	defer w.end()
	var out strings.Builder
	heard := func() {
		synctest.Wait()
		for _, l := range w.heard() {
			fmt.Fprintln(&out, l)
		}
	}
	for l := range strings.Lines(script) {
		l = strings.TrimSuffix(l, "\n")
		head, text, _ := strings.Cut(l, " ")
		kind, n := direction(head)
		switch kind {
		case "S:", "U>", "=":
			continue // what came of it is written below
		case "C:":
			fmt.Fprintln(&out, l)
			w.client(n).say(w.spell(text))
		case "U<":
			fmt.Fprintln(&out, l)
			w.backend(n).say(w.spell(text))
		default:
			fmt.Fprintln(&out, l)
			if strings.HasPrefix(l, "@") {
				for _, told := range w.act(strings.Fields(l[1:])) {
					fmt.Fprintln(&out, strings.TrimRight("= "+told, " "))
				}
			}
		}
		heard()
	}
	return out.String()
}

// direction takes "C2:" apart.
func direction(head string) (kind string, n int) {
	if head == "" || !strings.ContainsAny(head[:1], "CSU=") {
		return "", 0
	}
	last := head[len(head)-1:]
	number := strings.Trim(head[1:], ":<>")
	if number == "" {
		number = "1"
	}
	if _, err := fmt.Sscan(number, &n); err != nil {
		return "", 0
	}
	if head == "=" {
		return head, 0
	}
	return head[:1] + last, n
}
