package app_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

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
