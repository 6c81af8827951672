package app_test

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"inlay.example/inlay/internal/cli"
	"inlay.example/inlay/internal/config"
)

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
