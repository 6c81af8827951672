package folder_test

import (
	"strings"
	"testing"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/object/folder"
)

// FuzzKey: every key is Invalid, or names exactly one object that nothing else names.
func FuzzKey(f *testing.F) {
	for _, key := range []string{
		"a", "a/b", "..", "a/../b", "...", "a,/b", "a+", "%2e%2e", "ä/ö", "a\x00b", `a\b`, "/a", "a/", strings.Repeat("%", 301),
		strings.Repeat("l", 200) + "/x", strings.Repeat("k", object.MaxKey), strings.Repeat("k", object.MaxKey+1), "\xff", "a b", "CON", "a:b",
	} {
		f.Add(key)
	}
	s := open(f, folder.Config{Dir: f.TempDir()})
	f.Fuzz(func(t *testing.T, text string) {
		key := object.Key(text)
		_, err := s.Put(t.Context(), key, strings.NewReader(text), int64(len(text)))
		if fault.Is(err, fault.Invalid) {
			if key.Validate() == nil {
				t.Fatalf("%q is valid, and: %v", key, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.List(t.Context(), "", "", 10)
		if err != nil || len(list) != 1 || list[0].Key != key || list[0].Size != int64(len(text)) {
			t.Fatalf("%q is listed as %v, %v", key, list, err)
		}
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if list, err := s.List(t.Context(), "", "", 10); err != nil || len(list) != 0 {
			t.Fatalf("deleted, and listed: %v, %v", list, err)
		}
	})
}
