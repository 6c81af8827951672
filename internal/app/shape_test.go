package app_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// maxLines is where a file asks for a split. 80 to 300 is comfortable, 400 asks for a look.
const maxLines = 600

func TestNoFileGrowsPastReading(t *testing.T) {
	t.Parallel()
	for _, f := range tree(t) {
		if f.lines > maxLines && !ast.IsGenerated(f.ast) {
			t.Errorf("%s has %d lines: split it (at most %d)", f.path, f.lines, maxLines)
		}
	}
}

// Every package says in doc.go what it is for and what it must not know; one of a single file
// says it there.
func TestEveryPackageHasADoc(t *testing.T) {
	t.Parallel()
	docs := map[string]*ast.File{}
	named := map[string]string{}
	files := map[string]int{}
	for _, f := range tree(t) {
		if !f.test {
			files[f.pkg]++
		}
	}
	for _, f := range tree(t) {
		name := strings.TrimSuffix(f.ast.Name.Name, "_test")
		if _, known := named[f.pkg]; !known || !f.test {
			named[f.pkg] = name
		}
		if strings.HasSuffix(f.path, "/doc.go") || (!f.test && f.ast.Doc != nil && (name == "main" || files[f.pkg] == 1)) {
			docs[f.pkg] = f.ast
		}
	}
	for pkg, name := range named {
		f := docs[pkg]
		if f == nil {
			t.Errorf("%s has no doc.go: what it is for, what it must not know, its invariants, why not otherwise", pkg)
			continue
		}
		if name == "main" {
			continue // a program's comment begins as its author likes
		}
		text := f.Doc.Text()
		if !strings.HasPrefix(text, "Package "+name+" ") {
			t.Errorf("%s/doc.go does not begin with \"Package %s …\"", pkg, name)
		}
		if len(strings.Fields(text)) < 20 {
			t.Errorf("%s/doc.go says too little: %q", pkg, text)
		}
	}
}

// Packages whose answers must be the same tomorrow: time is an argument, chance a hash.
var timeless = []string{
	"internal/imap/...", "internal/mailview", "internal/message", "internal/campaign",
	"internal/decision", "internal/placement", "internal/event", "internal/store", "internal/object", "internal/injection",
}

func TestPurePackagesReadNoClock(t *testing.T) {
	t.Parallel()
	clock := []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}
	found := 0
	for _, f := range tree(t) {
		if f.test || !matchesAny(timeless, f.pkg) {
			continue
		}
		found++
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && x.Obj == nil && slices.Contains(clock, sel.Sel.Name) {
				t.Errorf("%s: time.%s in a package that has no clock", f.fset.Position(n.Pos()), sel.Sel.Name)
			}
			return true
		})
		for _, imp := range f.ast.Imports {
			if strings.HasPrefix(imp.Path.Value, `"math/rand`) {
				t.Errorf("%s imports %s: a decision must be explainable afterwards", f.path, imp.Path.Value)
			}
		}
	}
	if found == 0 {
		t.Error("no file of a pure package was looked at")
	}
}

// Nothing happens by a package being imported.
func TestNoInit(t *testing.T) {
	t.Parallel()
	for _, f := range tree(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: an init function", f.fset.Position(fn.Pos()))
			}
		}
	}
}
