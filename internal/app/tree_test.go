package app_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "inlay.example/inlay"

// A source is one Go file of the module.
type source struct {
	path  string // relative to the root of the module, with slashes
	pkg   string // the directory: internal/imap
	test  bool
	ast   *ast.File
	lines int
	// positions of ast
	fset *token.FileSet
}

type sources []source

// tree reads every Go file of the module once: its imports, comments and names. It asks no go
// command, so that it also runs where none is.
func tree(t *testing.T) sources {
	t.Helper()
	s, err := readTree()
	if err != nil {
		t.Fatalf("reading the tree: %v", err)
	}
	if len(s) < 50 {
		t.Fatalf("the tree has only %d files: looked in the wrong place", len(s))
	}
	return s
}

var readTree = sync.OnceValues(func() (sources, error) {
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		return nil, err
	}
	var out sources
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			// As the go command does; and modules of their own are not ours.
			if path != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules" || name == "bin") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != root {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		out = append(out, source{
			path: rel, pkg: filepath.ToSlash(filepath.Dir(rel)), test: strings.HasSuffix(name, "_test.go"),
			ast: f, fset: fset, lines: strings.Count(string(text), "\n"),
		})
		return nil
	})
	return out, err
})

// imports returns for each package of ours what its files import; with tests, those of its
// test files too. Paths of ours are relative to the module.
func (s sources) imports(tests bool) map[string][]string {
	out := map[string][]string{}
	for _, f := range s {
		if f.test && !tests {
			continue
		}
		list := out[f.pkg]
		for _, spec := range f.ast.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				panic(err) // the parser has just accepted it
			}
			path = strings.TrimPrefix(path, module+"/")
			if !slices.Contains(list, path) {
				list = append(list, path)
			}
		}
		out[f.pkg] = list
	}
	return out
}
