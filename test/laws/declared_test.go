package laws_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"inlay.example/inlay/test/laws"
)

// TestPage holds docs/laws.md to the list in the code: each entry, with its reason, in order.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/laws.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(page), "|---|---|---|\n")
	if !ok {
		t.Fatal("docs/laws.md has no table")
	}
	var want strings.Builder
	for _, d := range laws.Declared() {
		fmt.Fprintf(&want, "| %s | %s | %s |\n", d.Name, d.Laws, d.Why)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	if strings.TrimSpace(table) != strings.TrimSpace(want.String()) {
		t.Errorf("the table of docs/laws.md is not Declared; it should be\n%s", want.String())
	}
}
