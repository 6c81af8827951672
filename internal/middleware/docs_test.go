package middleware_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/importer"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/peertest"
)

// The manuals' commands are run, in their order, in one shell; the answers that they show have
// the same members as the real ones.

var fence = regexp.MustCompile("(?ms)^```(sh|json)\n(.*?)^```$")

const mark = "\n=-=-= "

// runManual runs a page and compares the answers.
func runManual(t *testing.T, page, url string) {
	t.Helper()
	for _, need := range [...]string{"bash", "curl", "openssl"} {
		peertest.Need(t, need, need)
	}
	text, err := os.ReadFile("../../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail\n"
	shown := map[int]string{} // answers by the number of the block before them
	blocks := 0
	for _, m := range fence.FindAllSubmatch(text, -1) {
		if string(m[1]) == "json" {
			shown[blocks] = string(m[2])
			continue
		}
		blocks++
		script += fmt.Sprintf("printf '%%s' '%s%d\n'\n%s", mark, blocks, m[2])
	}
	if blocks < 5 || len(shown) == 0 {
		t.Fatalf("%s has %d commands and %d answers", page, blocks, len(shown))
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "MIM="+url, "TOKEN="+token, "http_proxy=", "no_proxy=*")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s\n%s", page, err, errs.String(), out.String())
	}
	answers := strings.Split(out.String(), mark)[1:]
	if len(answers) != blocks {
		t.Fatalf("%s: %d answers for %d blocks", page, len(answers), blocks)
	}
	for n, want := range shown {
		_, got, _ := strings.Cut(answers[n-1], "\n")
		// Of several commands in a block the last one's answer is shown.
		lines := strings.Split(strings.TrimSpace(got), "\n")
		if diff := cmp.Diff(members(t, want), members(t, lines[len(lines)-1])); diff != "" {
			t.Errorf("%s: the answer of block %d (-shown +real):\n%s", page, n, diff)
		}
	}
}

// members lists the paths of all members of a JSON text.
func members(t *testing.T, text string) []string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	paths := map[string]bool{}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, inner := range v {
				walk(at+"."+k, inner)
			}
		case []any:
			for _, inner := range v {
				walk(at+"[]", inner)
			}
		}
		paths[at] = true
	}
	walk("", v)
	return slices.Sorted(maps.Keys(paths))
}

func TestManualOfTheInjectionAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.instance(t)
	w.PutTemplate(t, "", message.Digest([]byte(letter)), []byte(letter))
	w.PutCampaign(t, "", campaign.Active{
		ID: "spring-2026", Name: "Spring", Class: campaign.Own, Mailbox: "INBOX", State: campaign.Running, Version: 1,
		Start: w.Now(), End: w.Now().Add(time.Hour), Template: message.Digest([]byte(letter)),
	}, map[string]map[string]string{"anna@example.org": {"first_name": "Anna"}, "ben@example.org": {"first_name": "Ben"}})
	runManual(t, "injection-api.md", serve(t, m))
	for what, want := range map[event.Type]int64{event.Injected: 1, event.Read: 1, event.Expunged: 1} {
		if got := w.Count(t, "", "spring-2026", what); got != want {
			t.Errorf("%d %s after the manual", got, what)
		}
	}
}

func TestManualOfTheMiddleware(t *testing.T) {
	t.Parallel()
	i := newImporting(t)
	i.Advance(time.Since(i.Now())) // what the shell signs has the time of now
	m := i.manifest(1)
	m.Campaign = "spring-2026"
	_, err := bundle.Write(t.Context(), object.Below(i.objects, "acme"), "cmp", m, []byte(letter), []string{"first_name"}, func(yield func(bundle.Row, error) bool) {
		_ = yield(bundle.Row{User: "anna", Values: []string{"Anna"}}, nil) && yield(bundle.Row{User: "ben", Values: []string{"Ben"}}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	runManual(t, "middleware.md", i.url)
	i.expect(404, "GET", "/api/tenants/acme", "")
	ks := i.keyspace(t, "acme")
	doc, err := ks.Get(t.Context(), "campaign", "spring-2026")
	if err != nil {
		t.Fatal(err)
	}
	var active campaign.Active
	if err := json.Unmarshal(doc.Body, &active); err != nil {
		t.Fatal(err)
	}
	if active.State != campaign.Cancelled || active.Revision != 3 || active.Version != 1 {
		t.Errorf("after the manual: %+v", active)
	}
}

// TestManualsNameEverything: every member of a job and every path of the API is in the manuals.
func TestManualsNameEverything(t *testing.T) {
	t.Parallel()
	var text string
	for _, page := range [...]string{"middleware.md", "injection-api.md"} {
		b, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
	job, err := json.Marshal(importer.Status{
		Phase: importer.Publish, Campaign: "c", Version: 1, File: "f", RowsPerSecond: 1, ETASeconds: 1, Unchanged: true, Problem: "p", Waiting: "w",
		Rejected: []importer.RejectedRow{{}}, ErrorFiles: []object.Key{"k"}, StartedAt: time.Now(), FinishedAt: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range members(t, string(job)) {
		name := path[strings.LastIndexByte(path, '.')+1:]
		if name = strings.TrimSuffix(name, "[]"); !strings.Contains(text, name) {
			t.Errorf("the manual does not say what %s is", path)
		}
	}
	for _, verb := range []middleware.Verb{middleware.Pause, middleware.Resume, middleware.Recall} {
		if !strings.Contains(text, "`"+string(verb)+"`") {
			t.Errorf("the manual does not name the command %s", verb)
		}
	}
}
