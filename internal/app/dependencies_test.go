package app_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/dependencies.md has a row for every module that our code imports, under the heading of
// how it is used, and no other.
func TestDependenciesAreAccountedFor(t *testing.T) {
	t.Parallel()
	modules := required(t)
	listed := map[string][]string{
		"program": rows(t, "## In the program"),
		"tests":   rows(t, "## In tests only"),
	}
	used := map[string][]string{}
	for _, f := range tree(t) {
		for _, imp := range f.ast.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			m := owner(modules, path)
			if m == "" {
				continue // the standard library's, or ours
			}
			// What only batteries and peers import is for tests, like what test files import.
			kind := "program"
			if f.test || matchesAny(forTests, f.pkg) {
				kind = "tests"
			}
			if !slices.Contains(used[kind], m) {
				used[kind] = append(used[kind], m)
			}
		}
	}
	used["tests"] = slices.DeleteFunc(used["tests"], func(m string) bool { return slices.Contains(used["program"], m) })

	for kind, list := range used {
		for _, m := range list {
			if !slices.Contains(listed[kind], m) {
				t.Errorf("%s is imported (%s) and has no such row in docs/dependencies.md: why, licence, instead of what, way out", m, kind)
			}
		}
	}
	for kind, list := range listed {
		for _, m := range list {
			if !slices.Contains(used[kind], m) {
				t.Errorf("docs/dependencies.md lists %s (%s), which nothing imports so", m, kind)
			}
		}
	}
}

// forTests are packages without test in their files' names that only tests import.
var forTests = []string{
	"internal/injection/injectiontest", "internal/store/storetest", "internal/object/objecttest", "internal/peertest", "test/...",
}

// required lists the modules of go.mod, direct or not: the mark "indirect" is a comment.
func required(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^\s*(?:require )?([a-z0-9./_-]+\.[A-Za-z0-9./_-]+) v\d`).FindAllStringSubmatch(string(text), -1) {
		out = append(out, m[1])
	}
	if len(out) < 10 {
		t.Fatalf("go.mod: only %d modules were understood", len(out))
	}
	return out
}

// owner is the module that an import path belongs to: the longest that it begins with.
func owner(modules []string, path string) string {
	best := ""
	for _, m := range modules {
		if len(m) > len(best) && matches(m+"/...", path) {
			best = m
		}
	}
	return best
}

// rows reads the modules in the table under a heading.
func rows(t *testing.T, heading string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), heading+"\n")
	if !found {
		t.Fatalf("docs/dependencies.md has no heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var out []string
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		for _, c := range cells[2:6] {
			if strings.TrimSpace(c) == "" {
				t.Errorf("docs/dependencies.md: an empty cell in %q", line)
			}
		}
		out = append(out, strings.Trim(cells[1], " `"))
	}
	if len(out) == 0 {
		t.Fatalf("docs/dependencies.md: no rows under %q", heading)
	}
	return out
}
