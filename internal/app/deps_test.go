package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestForbiddenImports(t *testing.T) {
	t.Parallel()
	graph := tree(t).imports(false)
	for _, v := range violations(graph, edges) {
		t.Error(v)
	}
	for _, e := range edges {
		if !slices.ContainsFunc(keys(graph), func(p string) bool { return matchesAny(strings.Fields(e.from), p) }) {
			t.Errorf("the rule about %s holds nothing: there is no such package", e.from)
		}
		if e.reason == "" {
			t.Errorf("the rule about %s gives no reason", e.from)
		}
	}
}

func TestLibrariesHaveAHome(t *testing.T) {
	t.Parallel()
	for pkg, imports := range tree(t).imports(false) {
		for _, l := range libraries {
			if matchesAny(strings.Fields(l.home), pkg) {
				continue
			}
			for _, i := range imports {
				if matches(l.path, i) {
					t.Errorf("%s imports %s, which is for %q only: %s", pkg, i, l.home, l.reason)
				}
			}
		}
	}
}

// A rule that cannot fail holds nothing: the checker is shown a tree in which each kind of
// edge is broken.
func TestTheCheckerSeesBrokenEdges(t *testing.T) {
	t.Parallel()
	graph := map[string][]string{
		"internal/a":      {"fmt", "net/http"},
		"internal/b":      {"internal/c"},
		"internal/c":      {"internal/d/deep"},
		"internal/d":      {},
		"internal/d/deep": {"os"},
	}
	for _, c := range []struct {
		e    edge
		want string // part of the one violation; empty: none
	}{
		{edge{from: "internal/a", to: []string{"net/..."}}, "internal/a imports net/http"},
		{edge{from: "internal/a", to: []string{"net"}}, ""},
		{edge{from: "internal/b", to: []string{"internal/d/..."}}, "internal/b → internal/c → internal/d/deep"},
		{edge{from: "internal/b", to: []string{"internal/d"}}, ""},
		{edge{from: "internal/b", to: []string{"os"}}, ""},
		{edge{from: "internal/b", direct: true, to: []string{"internal/d/..."}}, ""},
		{edge{from: "internal/b", direct: true, to: []string{"internal/c"}}, "internal/b imports internal/c"},
		{edge{from: "internal/b internal/c", to: []string{"internal/d/..."}, direct: true}, "internal/c imports internal/d/deep"},
		{edge{from: "internal/b", to: []string{"internal/d/..."}, allow: "internal/d/deep"}, ""},
		{edge{from: "internal/...", except: "internal/b internal/c", to: []string{"internal/d/deep"}}, ""},
		{edge{from: "internal/...", except: "internal/b", to: []string{"internal/d/deep"}}, "internal/c imports internal/d/deep"},
	} {
		got := violations(graph, []edge{c.e})
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s, not %s: unexpected %q", c.e.from, c.e.to, got)
		case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)):
			t.Errorf("%s, not %s: got %q, want one with %q", c.e.from, c.e.to, got, c.want)
		}
	}
}

// violations lists every forbidden edge that the graph has, with the way and the reason.
func violations(graph map[string][]string, edges []edge) []string {
	var out []string
	for _, e := range edges {
		for _, pkg := range keys(graph) {
			if !matchesAny(strings.Fields(e.from), pkg) || matchesAny(strings.Fields(e.except), pkg) {
				continue
			}
			for _, way := range ways(graph, pkg) {
				to := way[len(way)-1]
				if !matchesAny(e.to, to) || matchesAny(strings.Fields(e.allow), to) || (e.direct && len(way) > 2) {
					continue
				}
				if wing := strings.HasSuffix(e.from, "/...") && e.from != "internal/..."; wing && matches(e.from, to) {
					continue // a wing's own parts
				}
				how := fmt.Sprintf("%s imports %s", pkg, to)
				if len(way) > 2 {
					how += " (" + strings.Join(way, " → ") + ")"
				}
				out = append(out, how+": "+e.reason)
			}
		}
	}
	return out
}

// ways returns a shortest way to everything that pkg depends on: its own imports, and what is
// reached through packages of ours.
func ways(graph map[string][]string, pkg string) [][]string {
	var out [][]string
	seen := map[string]bool{pkg: true}
	queue := [][]string{{pkg}}
	for len(queue) > 0 {
		way := queue[0]
		queue = queue[1:]
		for _, i := range graph[way[len(way)-1]] {
			_, ours := graph[i]
			if seen[i] || (!ours && len(way) > 1) {
				continue
			}
			seen[i] = true
			next := append(slices.Clone(way), i)
			out = append(out, next)
			if ours {
				queue = append(queue, next)
			}
		}
	}
	return out
}

// matches reports whether an import path is the pattern, or below it for "x/...".
func matches(pattern, path string) bool {
	if base, all := strings.CutSuffix(pattern, "/..."); all {
		return path == base || strings.HasPrefix(path, base+"/")
	}
	return path == pattern
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
