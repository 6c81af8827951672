package message_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/message"
)

// TestPage compiles and renders every example of docs/templates.md, so that the page is true.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "templates.md"))
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{"first_name": "Anna", "city": "", "plan": "free", "points": "12", "note": "<b>5 & 6</b>"}
	columns := sorted(vars)
	seen := map[string]int{}
	for kind, block := range blocks(string(page)) {
		seen[kind]++
		if kind == "eml" {
			tmpl := compile(t, block)
			if u := tmpl.Unknown(columns); len(u) > 0 {
				t.Errorf("unknown: %v", u)
			}
			if _, err := tmpl.Render(vars, system); err != nil {
				t.Error(err)
			}
			continue
		}
		for line := range strings.Lines(block) {
			left, want, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "→")
			left, want = strings.TrimRight(left, " "), strings.TrimPrefix(want, " ")
			if !ok {
				t.Errorf("no arrow in %q", line)
				continue
			}
			seen[kind+" examples"]++
			switch kind {
			case "merge":
				if got := body(t, "text/plain", left, vars); got != want {
					t.Errorf("%s\nthe page says %q\nit is         %q", left, want, got)
				}
			case "merge html":
				if got := body(t, "text/html", left, vars); got != want {
					t.Errorf("%s\nthe page says %q\nit is         %q", left, want, got)
				}
			case "errors":
				_, err := message.Compile([]byte("From: a@example.org\nSubject: s\n\n" + left))
				if got := strings.TrimPrefix(fault.Public(err), "template: "); got != want {
					t.Errorf("%s\nthe page says %q\nit is         %q", left, want, got)
				}
			default:
				t.Errorf("a block of %q", kind)
			}
		}
	}
	if seen["eml"] < 2 || seen["merge examples"] < 20 || seen["merge html examples"] < 4 || seen["errors examples"] < 4 {
		t.Errorf("the page has lost its examples: %v", seen)
	}
}

// blocks gives the fenced blocks of a page with what stands behind their fence.
func blocks(page string) func(yield func(kind, block string) bool) {
	return func(yield func(kind, block string) bool) {
		for {
			_, rest, found := strings.Cut(page, "\n```")
			if !found {
				return
			}
			kind, rest, _ := strings.Cut(rest, "\n")
			block, rest, closed := strings.Cut(rest, "\n```")
			if !closed || !yield(kind, block+"\n") {
				return
			}
			page = rest
		}
	}
}
