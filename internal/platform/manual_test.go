package platform_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/peertest"
	"inlay.example/inlay/internal/platform/api"
)

// The command lines of the manual work as they are printed, one after the other.
func TestCommandLinesOfTheManual(t *testing.T) {
	t.Parallel()
	peertest.Need(t, "curl", "curl")
	page, err := os.ReadFile("../../docs/platform-api.md")
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 5 {
		t.Fatalf("only %d blocks of commands", len(blocks))
	}
	for _, b := range blocks[1:] { // the first says what the variables are
		script.WriteString(strings.ReplaceAll(b[1], "curl -sS ", "curl -sS --fail-with-body "))
	}
	w := newWorld(t)
	m := w.middleware(t)
	p := w.instance(t, m.url)
	run(t, p.Run)
	s := serve(t, p.Handler())
	cmd := exec.CommandContext(context.Background(), "bash", "-euo", "pipefail", "-c", script.String())
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "API="+s.url+api.Base, "AUTH=Authorization: Bearer "+token)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"Subject: Welcome, Anna", "Your code is 4711.", `"rows":2`, `"id":"spring"`, `"assigned":`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	s.until(t, "spring", "cancelled", is(campaign.Cancelled))
}
