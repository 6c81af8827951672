package bundle_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"strings"
	"testing"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/object/folder"
)

func newObjects(t testing.TB) *folder.Store {
	t.Helper()
	s, err := folder.New(folder.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func draft() bundle.Manifest {
	m := manifest()
	m.Format, m.Template, m.Recipients = 0, bundle.File{}, nil
	return m
}

func rowsOf(n int) iter.Seq2[bundle.Row, error] {
	return func(yield func(bundle.Row, error) bool) {
		for i := range n {
			if !yield(bundle.Row{User: fmt.Sprintf("user%d@example.org", i), Values: []string{fmt.Sprintf("N %d", i), awkward}}, nil) {
				return
			}
		}
	}
}

const awkward = "a, \"b\"\nc\t\u00fc "

var template = []byte("From: a@example.org\r\nSubject: s\r\n\r\nHello {{ first_name }}\r\n")

func get(t testing.TB, objects object.Store, key object.Key) []byte {
	t.Helper()
	r, _, err := objects.Get(context.Background(), key, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWriteThenRead(t *testing.T) {
	t.Parallel()
	const partRows = 100
	for _, n := range []int{0, 1, 99, 100, 101, 1000} {
		objects := newObjects(t)
		key, err := bundle.WriteParts(t.Context(), objects, "p", draft(), template, []string{"first_name", "text"}, rowsOf(n), partRows)
		if err != nil {
			t.Fatal(err)
		}
		if key != "p/spring-2026/3/manifest.json" {
			t.Errorf("key %s", key)
		}
		m, err := bundle.Parse(get(t, objects, key))
		if err != nil {
			t.Fatal(err)
		}
		if err := bundle.CheckKey(key, &m); err != nil {
			t.Error(err)
		}
		parts := max(1, (n+partRows-1)/partRows)
		if m.Rows() != int64(n) || len(m.Recipients) != parts || m.Name != draft().Name {
			t.Errorf("%d rows written: %+v", n, m)
		}
		if !bytes.Equal(get(t, objects, bundle.Beside(key, m.Template.Name)), template) {
			t.Error("the template is another one")
		}
		next := 0
		for _, f := range m.Recipients {
			body := get(t, objects, bundle.Beside(key, f.Name))
			if int64(len(body)) != f.Size || sumOf(body) != f.SHA256 {
				t.Errorf("%s is not what the manifest says", f.Name)
			}
			rows, bad := readAll(t, f.Name, body)
			if len(bad) > 0 || int64(len(rows)) != f.Rows {
				t.Fatalf("%d rows, %v", len(rows), bad)
			}
			for _, r := range rows {
				want := map[string]string{"first_name": fmt.Sprintf("N %d", next), "text": awkward}
				if r.User != fmt.Sprintf("user%d@example.org", next) || !maps.Equal(r.Variables, want) {
					t.Fatalf("row %d: %+v", next, r)
				}
				next++
			}
		}
		if next != n {
			t.Errorf("%d rows read, %d written", next, n)
		}
	}
}

// TestWriteManyFiles: more recipients than files can hold are refused, before anybody is told.
func TestWriteManyFiles(t *testing.T) {
	t.Parallel()
	objects := &counting{Store: newObjects(t)}
	_, err := bundle.WriteParts(t.Context(), objects, "p", draft(), template, []string{"a", "b"}, rowsOf(bundle.MaxRecipients+1), 1)
	if !fault.Is(err, fault.TooLarge) || objects.puts != bundle.MaxRecipients {
		t.Errorf("after %d files: %v", objects.puts, err)
	}
}

// counting are objects that keep nothing.
type counting struct {
	object.Store
	puts int
}

func (c *counting) Put(_ context.Context, key object.Key, r io.Reader, _ int64) (object.Info, error) {
	c.puts++
	n, err := io.Copy(io.Discard, r)
	return object.Info{Key: key, Size: n}, err
}

func TestWrittenVersionsAreNotChanged(t *testing.T) {
	t.Parallel()
	objects := newObjects(t)
	write := func(rows int) error {
		_, err := bundle.Write(t.Context(), objects, "", draft(), template, []string{"a", "b"}, rowsOf(rows))
		return err
	}
	broken := errors.New("the audience is gone")
	_, err := bundle.Write(t.Context(), objects, "", draft(), template, nil, func(yield func(bundle.Row, error) bool) {
		if yield(bundle.Row{User: "anna"}, nil) {
			yield(bundle.Row{}, broken)
		}
	})
	if !errors.Is(err, broken) {
		t.Fatalf("rows that fail: %v", err)
	}
	if err := write(5); err != nil {
		t.Fatalf("after one that failed: %v", err)
	}
	before := get(t, objects, "spring-2026/3/recipients-00000.csv.zst")
	if err := write(6); !fault.Is(err, fault.Conflict) {
		t.Fatalf("written twice: %v", err)
	}
	if !bytes.Equal(before, get(t, objects, "spring-2026/3/recipients-00000.csv.zst")) {
		t.Error("the refused one has changed a file")
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	one := func(r bundle.Row) iter.Seq2[bundle.Row, error] {
		return func(yield func(bundle.Row, error) bool) { yield(r, nil) }
	}
	for name, c := range map[string]struct {
		change  func(*bundle.Manifest)
		columns []string
		rows    iter.Seq2[bundle.Row, error]
		body    []byte
		prefix  string
		kind    fault.Kind
		says    string
	}{
		"bad campaign":     {change: func(m *bundle.Manifest) { m.Campaign = "A b" }, kind: fault.Invalid, says: "campaign"},
		"bad prefix":       {prefix: "../x", kind: fault.Invalid, says: ".."},
		"column twice":     {columns: []string{"a", "a"}, kind: fault.Invalid, says: "column 3"},
		"column user":      {columns: []string{"user"}, kind: fault.Invalid, says: "column 2"},
		"column with a %":  {columns: []string{"a%"}, kind: fault.Invalid, says: "column 2"},
		"column a number":  {columns: []string{"1"}, kind: fault.Invalid, says: "column 2"},
		"too many columns": {columns: make([]string, bundle.MaxColumns), kind: fault.TooLarge, says: "columns"},
		"no user":          {rows: one(bundle.Row{}), kind: fault.Invalid, says: "recipient 1"},
		"a value too many": {rows: one(bundle.Row{User: "u", Values: []string{"x"}}), kind: fault.Invalid, says: "recipient 1"},
		"a value too long": {columns: []string{"a"}, rows: one(bundle.Row{User: "u", Values: []string{strings.Repeat("x", bundle.MaxRow)}}), kind: fault.TooLarge, says: "recipient 1"},
		"large template":   {body: make([]byte, bundle.MaxTemplate+1), kind: fault.TooLarge, says: "template"},
	} {
		objects := newObjects(t)
		m := draft()
		if c.change != nil {
			c.change(&m)
		}
		if c.rows == nil {
			c.rows = rowsOf(0)
		}
		if c.body == nil {
			c.body = template
		}
		_, err := bundle.Write(t.Context(), objects, c.prefix, m, c.body, c.columns, c.rows)
		if !fault.Is(err, c.kind) || !strings.Contains(fault.Public(err), c.says) {
			t.Errorf("%s: %v, want %s with %q", name, err, c.kind, c.says)
		}
		if _, err := objects.Stat(t.Context(), bundle.Key("", m.Campaign, m.Version)); err == nil {
			t.Errorf("%s: there is a manifest", name)
		}
	}
}

// full is a store that has no room left.
type full struct{ object.Store }

var errFull = fault.New(fault.Unavailable, "no space left")

func (f full) Put(_ context.Context, key object.Key, r io.Reader, _ int64) (object.Info, error) {
	if _, err := io.CopyN(io.Discard, r, 10); err != nil {
		return object.Info{}, err
	}
	return object.Info{Key: key}, errFull
}

func TestWriteToAFullStore(t *testing.T) {
	t.Parallel()
	pulled := 0
	_, err := bundle.Write(t.Context(), full{newObjects(t)}, "", draft(), template, []string{"a", "b"}, func(yield func(bundle.Row, error) bool) {
		for r, err := range rowsOf(1 << 30) {
			pulled++
			if !yield(r, err) {
				return
			}
		}
	})
	if !errors.Is(err, errFull) || pulled > 10_000_000 {
		t.Fatalf("after %d rows: %v", pulled, err)
	}
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
