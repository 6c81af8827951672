package app_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"inlay.example/inlay/internal/cli"
	"inlay.example/inlay/internal/config"
)

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// Links between pages of the repository lead somewhere. Those to the outside are not followed:
// a test that needs the network fails on trains.
func TestLinksOfThePagesLeadSomewhere(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	pages := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		pages++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			to, _, _ := strings.Cut(m[1], "#")
			if to == "" || strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") || strings.Contains(to, "NNN") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), filepath.FromSlash(to))); err != nil {
				t.Errorf("%s links to %s: %v", strings.TrimPrefix(filepath.ToSlash(path), "../../"), m[1], err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if pages < 5 {
		t.Errorf("only %d pages were found: looked in the wrong place", pages)
	}
}

// The index of the documentation has every page.
func TestPagesAreListed(t *testing.T) {
	t.Parallel()
	docs := filepath.Join("..", "..", "docs")
	index, err := os.ReadFile(filepath.Join(docs, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(docs, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range pages {
		if name := filepath.Base(path); name != "README.md" && !strings.Contains(string(index), "]("+name+")") {
			t.Errorf("docs/README.md does not list %s", name)
		}
	}
}

// Every configuration that a page shows is one that the program takes.
func TestConfigurationsOfThePagesAreGood(t *testing.T) {
	t.Parallel()
	page := filepath.Join("..", "..", "docs", "production.md")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```toml\n(.*?)^```").FindAllSubmatch(text, -1)
	if len(blocks) < 3 {
		t.Fatalf("%s has only %d configurations", page, len(blocks))
	}
	secret := func(string) ([]byte, error) { return []byte("0123456789abcdef\n"), nil }
	for i, b := range blocks {
		if _, err := config.Parse("block", b[1], config.Env{ReadFile: secret}); err != nil {
			t.Errorf("configuration %d of docs/production.md:\n%v", i+1, err)
		}
	}
}

// A command line that a page shows is one that the program understands: the command is there,
// and so are its flags.
func TestCommandLinesOfThePagesAreUnderstood(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`(?m)^(?:bin/)?inlay ([^#>|\n]*)`)
	found := 0
	for _, page := range []string{"README.md", "docs/production.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(page)))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllSubmatch(text, -1) {
			for _, m := range line.FindAllSubmatch(block[1], -1) {
				found++
				root := cli.New(cli.IO{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }})
				cmd, rest, err := root.Find(strings.Fields(string(m[1])))
				if err == nil {
					err = cmd.ParseFlags(rest)
				}
				if err != nil {
					t.Errorf("%s: inlay %s: %v", page, m[1], err)
				}
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d command lines were found", found)
	}
}

// The list of decisions has them all, and each has its number.
func TestDecisionsAreListed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "docs", "adr")
	index, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "[0-9]*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no decision was found: %v", err)
	}
	for _, path := range pages {
		name := filepath.Base(path)
		if !strings.Contains(string(index), "]("+name+")") {
			t.Errorf("docs/adr/README.md does not list %s", name)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if want := "# " + name[:3] + ". "; !strings.HasPrefix(string(text), want) {
			t.Errorf("%s does not begin with %q", name, want)
		}
	}
}
