package obs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"inlay.example/inlay/internal/obs"
)

func TestNamesAreSortedAndHoldNoSecret(t *testing.T) {
	t.Parallel()
	names := obs.Names()
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Error("not sorted, or one is there twice")
	}
	for _, n := range names {
		for _, bad := range []string{"pass", "token", "secret", "auth", "cred", "body", "content", "subject"} {
			if strings.Contains(strings.ToLower(n), bad) {
				t.Errorf("%q is a name for what must not be logged", n)
			}
		}
	}
}

// logCalls are the methods of slog.Logger with attributes, and at which argument these begin.
var logCalls = map[string]int{"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "With": 0}

// Every name that the project's sources give to an attribute is on the list: what is not is
// redacted, and an operator would look for it in vain.
func TestOnlyListedNamesAreLogged(t *testing.T) {
	t.Parallel()
	names := obs.Names()
	calls := 0
	fset := token.NewFileSet()
	for _, dir := range []string{"../../internal", "../../cmd"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(fset, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !isLogger(call) {
					return true
				}
				calls++
				sel, _ := call.Fun.(*ast.SelectorExpr)
				args := call.Args[min(logCalls[sel.Sel.Name], len(call.Args)):]
				for i := 0; i < len(args); i += 2 {
					lit, ok := args[i].(*ast.BasicLit)
					if !ok || lit.Kind != token.STRING {
						t.Errorf("%s: an attribute's name is not a literal", fset.Position(args[i].Pos()))
						continue
					}
					if name, err := strconv.Unquote(lit.Value); err != nil || !slices.Contains(names, name) {
						t.Errorf("%s: the attribute %s is not one of obs.Names, and would be redacted", fset.Position(lit.Pos()), lit.Value)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if calls < 20 {
		t.Errorf("only %d calls found: this test does not see what it should", calls)
	}
}

// isLogger tells a call of a logger by the name of what it is called on: log, or a field log.
func isLogger(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	if _, ok := logCalls[sel.Sel.Name]; !ok {
		return false
	}
	switch x := sel.X.(type) {
	case *ast.Ident:
		return x.Name == "log"
	case *ast.SelectorExpr:
		return strings.EqualFold(x.Sel.Name, "log")
	}
	return false
}
