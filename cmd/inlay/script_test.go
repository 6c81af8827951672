package main_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts plays what people type, against one demo. Commands of the scripts beyond
// testscript's own:
//
//	exits CODE inlay …   runs a command whose exit code must be CODE
//	id NAME              sets the variable NAME to the last line of the standard output
func TestScripts(t *testing.T) {
	t.Parallel()
	_, r := startDemo(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Deadline:            time.Now().Add(2 * limit), // for all of them; a command that does not end says where it hangs
		Setup: func(e *testscript.Env) error {
			e.Setenv("INLAY_SERVER", r.HTTP)
			e.Setenv("INLAY_TOKEN", r.Token)
			e.Setenv("IMAP", r.IMAP)
			e.Setenv("HTTP", strings.TrimPrefix(r.HTTP, "http://"))
			e.Setenv("CAMPAIGN", r.Campaign)
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir+"/.config")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: exits CODE COMMAND …")
				}
				got := "0"
				if err := ts.Exec(args[1], args[2:]...); err != nil {
					got = strings.TrimPrefix(err.Error(), "exit status ")
				}
				if got != args[0] {
					ts.Fatalf("exit code %s, not %s", got, args[0])
				}
			},
			"id": func(ts *testscript.TestScript, _ bool, args []string) {
				lines := strings.Fields(ts.ReadFile("stdout"))
				if len(args) != 1 || len(lines) == 0 {
					ts.Fatalf("no id in %s", strconv.Quote(ts.ReadFile("stdout")))
				}
				ts.Setenv(args[0], lines[len(lines)-1])
			},
		},
	})
}
