package folder_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/object/folder"
	"inlay.example/inlay/internal/object/objecttest"
)

func open(t testing.TB, cfg folder.Config) *folder.Store {
	t.Helper()
	s, err := folder.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBattery(t *testing.T) {
	t.Parallel()
	objecttest.Run(t, objecttest.Engine{
		Open: func(t testing.TB) object.Store { return open(t, folder.Config{Dir: t.TempDir()}) },
		Limited: func(t testing.TB, limit int64) object.Store {
			return open(t, folder.Config{Dir: t.TempDir(), MaxObject: limit})
		},
	})
}

func put(t testing.TB, s object.Store, key object.Key, text string) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, strings.NewReader(text), -1); err != nil {
		t.Fatal(err)
	}
}

// TestLinksDoNotLeadOut: somebody who can make links in the folder cannot make us read or
// write elsewhere.
func TestLinksDoNotLeadOut(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	s := open(t, folder.Config{Dir: dir})
	put(t, s, "a/b", "inside")
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{
		"file": secret, "up": "../../../../../../../../../.." + secret, "folder,": outside, "inner": "a,/b",
	} {
		if err := os.Symlink(to, filepath.Join(dir, "objects", link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []object.Key{"file", "up", "folder/secret"} {
		if r, _, err := s.Get(t.Context(), key, 0); err == nil {
			body, _ := io.ReadAll(r)
			t.Errorf("%s leads out, to %q", key, body)
		}
	}
	for _, key := range []object.Key{"file", "folder/new"} {
		_, _ = s.Put(t.Context(), key, strings.NewReader("overwritten"), -1) // replacing the link itself is fine
	}
	left, err := os.ReadDir(outside)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := os.ReadFile(secret); err != nil || string(body) != "secret" || len(left) != 1 {
		t.Errorf("outside there are %d files now, and the secret is %q", len(left), body)
	}
	list, err := s.List(t.Context(), "", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range list {
		if info.Key != "a/b" && info.Key != "file" {
			t.Errorf("listed: %s", info.Key)
		}
	}
}

// TestLeftovers: what a crashed writer left goes with the next start; what somebody is writing
// stays.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, folder.Config{Dir: dir})
	left := filepath.Join(dir, "tmp", "put-LEFT")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := s.Put(t.Context(), "k", r, -1)
		done <- err
	}()
	if _, err := w.Write([]byte("first half, ")); err != nil {
		t.Fatal(err)
	}
	open(t, folder.Config{Dir: dir}) // another process
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the leftover: %v", err)
	}
	if _, err := w.Write([]byte("second half")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := <-done; err != nil {
		t.Fatalf("a start has disturbed a writer: %v", err)
	}
	if list, err := s.List(t.Context(), "", "", 10); err != nil || len(list) != 1 || list[0].Size != 23 {
		t.Errorf("%v, %v", list, err)
	}
	if files, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(files) != 0 {
		t.Errorf("%v, %v", files, err)
	}
}

// TestForeignFiles: what somebody else puts into the folder is not taken for objects.
func TestForeignFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, folder.Config{Dir: dir})
	put(t, s, "a", "x")
	for _, name := range []string{"b c", "%zz", "a+b", "Ä"} {
		if err := os.WriteFile(filepath.Join(dir, "objects", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := s.List(t.Context(), "", "", 10); err != nil || len(list) != 1 || list[0].Key != "a" {
		t.Errorf("%v, %v", list, err)
	}
}

// TestFolderGone: a disk that is not there any more is not a store without objects.
func TestFolderGone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "d")
	s := open(t, folder.Config{Dir: dir})
	put(t, s, "a", "x")
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir + "-away"); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.Get(t.Context(), "a", 0)
	_, statErr := s.Stat(t.Context(), "a")
	_, putErr := s.Put(t.Context(), "b", strings.NewReader("x"), 1)
	_, listErr := s.List(t.Context(), "", "", 10)
	for call, err := range map[string]error{
		"Get": err, "Stat": statErr, "Put": putErr, "List": listErr, "Delete": s.Delete(t.Context(), "a"), "Ping": s.Ping(t.Context()),
	} {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []folder.Config{{Dir: file}, {Dir: t.TempDir(), MaxObject: -1}} {
		if _, err := folder.New(cfg); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	dir := filepath.Join(t.TempDir(), "new", "folder")
	put(t, open(t, folder.Config{Dir: dir}), "a", "x")
	if st, err := os.Stat(filepath.Join(dir, "objects")); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", st, err)
	}
}

func BenchmarkPut(b *testing.B) {
	s := open(b, folder.Config{Dir: b.TempDir()})
	body := bytes.Repeat([]byte("x"), 1<<20)
	b.SetBytes(1 << 20)
	for b.Loop() {
		if _, err := s.Put(b.Context(), "a/b", bytes.NewReader(body), 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s := open(b, folder.Config{Dir: b.TempDir()})
	put(b, s, "a/b", strings.Repeat("x", 1<<20))
	b.SetBytes(1 << 20)
	for b.Loop() {
		r, _, err := s.Get(b.Context(), "a/b", 0)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}

// TestTheManualsFile: who writes bundles as files finds in docs/bundle.md where they belong.
func TestTheManualsFile(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.FromSlash("../../../docs/bundle.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```object\n")
	block, _, _ = strings.Cut(block, "\n")
	key, file, ok := strings.Cut(block, " → ")
	if !ok {
		t.Fatalf("docs/bundle.md names no key and file: %q", block)
	}
	dir := t.TempDir()
	s := open(t, folder.Config{Dir: dir})
	put(t, object.Below(s, "bundles"), object.Key(key), "manifest")
	if b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file))); err != nil || string(b) != "manifest" {
		t.Errorf("%s: %q, %v", file, b, err)
	}
}
