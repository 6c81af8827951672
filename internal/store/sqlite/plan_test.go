package sqlite_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"inlay.example/inlay/internal/store/sqlite"
)

// statements gives every statement in the sources of this engine, by where it stands.
func statements(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	for _, e := range entries {
		if name := e.Name(); !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			switch verb, _, more := strings.Cut(text, " "); {
			case !more:
			case verb == "SELECT", verb == "INSERT", verb == "UPDATE", verb == "DELETE":
				out[fset.Position(lit.Pos()).String()] = text
			}
			return true
		})
	}
	return out
}

// No statement goes through a whole table: what a call costs does not depend on what else is kept.
func TestNothingIsScanned(t *testing.T) {
	t.Parallel()
	ks := openKeyspace(t, openStore(t, t.TempDir()), "plans")
	all := statements(t)
	if len(all) < 25 {
		t.Fatalf("only %d statements found: this test does not see what it should", len(all))
	}
	for at, statement := range all {
		steps, err := sqlite.Plan(ks, statement)
		if err != nil {
			t.Errorf("%s: %v", at, err)
		}
		for _, step := range steps {
			t.Logf("%s: %s", at, step)
			if step == "SCAN epoch" { // of one row
				continue
			}
			if strings.HasPrefix(step, "SCAN") {
				t.Errorf("%s: %q: %s", at, statement, step)
			}
		}
	}
}
