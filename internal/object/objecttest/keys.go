package objecttest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
)

// good are keys that must work, awkward ones among them.
var good = []object.Key{
	"a", "A", "0", "a.txt", ".hidden", "..a", "a..", "...", "a b", " a", "a ", "ä/ö/ü", "日本/語", "🙂", "a\u0301",
	"a+b", "a%2Fb", "%", "%00", "a,", "a,/b", ",", "+", "a+/b", "a~", "tmp/x", "a?b*c", "'a'", `"a"`, "a:b", "a|b", "<a>", "con", "a\u200b",
	"-", "--", "$HOME", "~root", "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p",
}

func longKeys() []object.Key {
	return []object.Key{
		object.Key(strings.Repeat("k", object.MaxKey)),
		object.Key(strings.Repeat("k/", object.MaxKey/2-1) + "kk"),
		object.Key(strings.Repeat("ä", object.MaxKey/2)),
		object.Key(strings.Repeat("%", 300)), object.Key(strings.Repeat("%", 301)),
		object.Key(strings.Repeat("l", 199)), object.Key(strings.Repeat("l", 200)), object.Key(strings.Repeat("l", 201)),
		object.Key(strings.Repeat("l", 200) + "/x"), object.Key(strings.Repeat("l", 400) + "/" + strings.Repeat("m", 401)),
	}
}

func testKeys(b *bench) {
	all := append(slices.Clone(good), longKeys()...)
	for i, key := range all {
		b.put(key, fmt.Sprint("content ", i))
	}
	for i, key := range all {
		b.holds(key, fmt.Sprint("content ", i))
	}
	slices.Sort(all)
	b.equal(all, b.list("", "", 1000), "all keys")
	for _, key := range all {
		b.no(b.Delete(b.Context(), key))
		b.holds(key, "")
	}
	b.equal([]object.Key(nil), b.list("", "", 1000), "all keys, when all are deleted")
}

func testBadKeys(b *bench) {
	b.put("a/b", "x")
	for _, key := range []object.Key{
		"", "/", "/a", "a/", "a//b", ".", "..", "./a", "a/.", "a/..", "../a", "a/../b", "a/../../b", "../../etc/passwd",
		`a\b`, `..\a`, "a\x00", "a\nb", "\x7f", "\xff", "a/\x80b", object.Key(strings.Repeat("k", object.MaxKey+1)),
	} {
		_, err := b.Put(b.Context(), key, strings.NewReader("x"), 1)
		b.is(err, fault.Invalid, "Put %q", key)
		_, _, err = b.Get(b.Context(), key, 0)
		b.is(err, fault.Invalid, "Get %q", key)
		_, err = b.Stat(b.Context(), key)
		b.is(err, fault.Invalid, "Stat %q", key)
		b.is(b.Delete(b.Context(), key), fault.Invalid, "Delete %q", key)
	}
	b.equal([]object.Key{"a/b"}, b.list("", "", 1000), "objects")
}

// testKeyAndFolder: there are no folders, so a key may be the beginning of another.
func testKeyAndFolder(b *bench) {
	b.put("a/b/c", "deep")
	b.put("a", "shallow")
	b.put("a/b", "between")
	b.holds("a", "shallow")
	b.holds("a/b", "between")
	b.holds("a/b/c", "deep")
	b.no(b.Delete(b.Context(), "a"))
	b.holds("a", "")
	b.holds("a/b/c", "deep")
	b.no(b.Delete(b.Context(), "a/b/c"))
	b.holds("a/b", "between")
	b.equal([]object.Key{"a/b"}, b.list("", "", 10), "objects")
}

func testMissing(b *bench) {
	b.put("a/b", "x")
	for _, key := range []object.Key{"missing", "a", "a/b/c", "a/c", "A/b"} {
		_, _, err := b.Get(b.Context(), key, 0)
		b.is(err, fault.NotFound, "Get %s", key)
		if !strings.Contains(fault.Public(err), string(key)) {
			b.Errorf("the error does not name %s: %v", key, err)
		}
		_, err = b.Stat(b.Context(), key)
		b.is(err, fault.NotFound, "Stat %s", key)
	}
}

func testDelete(b *bench) {
	for range 2 {
		b.put("a/b", "x")
		b.no(b.Delete(b.Context(), "a/b"))
		b.holds("a/b", "")
		for _, key := range []object.Key{"a/b", "a", "a/b/c", "never"} {
			b.no(b.Delete(b.Context(), key))
		}
	}
}

func testList(b *bench) {
	for _, key := range []object.Key{"b", "a/2", "a/1", "a/10", "ab", "a", "a/1/x", "Z", "ä"} {
		b.put(key, string(key))
	}
	for _, c := range []struct {
		prefix string
		after  object.Key
		want   []object.Key
	}{
		{"", "", []object.Key{"Z", "a", "a/1", "a/1/x", "a/10", "a/2", "ab", "b", "ä"}},
		{"a", "", []object.Key{"a", "a/1", "a/1/x", "a/10", "a/2", "ab"}},
		{"a/", "", []object.Key{"a/1", "a/1/x", "a/10", "a/2"}},
		{"a/1", "", []object.Key{"a/1", "a/1/x", "a/10"}},
		{"a/1", "a/1", []object.Key{"a/1/x", "a/10"}},
		{"a/", "a/1/zzz", []object.Key{"a/10", "a/2"}},
		{"a/", "0", []object.Key{"a/1", "a/1/x", "a/10", "a/2"}},
		{"a/", "b", nil},
		{"c", "", nil},
		{"../", "", nil},
		{"/", "", nil},
	} {
		b.equal(c.want, b.list(c.prefix, c.after, 1000), "%q after %q", c.prefix, c.after)
	}
	page, err := b.List(b.Context(), "a/10", "", 1)
	b.no(err)
	info, err := b.Stat(b.Context(), "a/10")
	b.no(err)
	b.equal([]object.Info{info}, page, "what List and Stat say")
	for _, limit := range []int{-1, 0, 1001} {
		_, err := b.List(b.Context(), "", "", limit)
		b.is(err, fault.Invalid, "a page of %d", limit)
	}
}

func testPages(b *bench) {
	var want []object.Key
	for i := range 30 {
		key := object.Key(fmt.Sprintf("p/%02d/x", i))
		b.put(key, "x")
		want = append(want, key)
	}
	b.put("o", "x")
	b.put("q", "x")
	for _, limit := range []int{1, 7, 30, 31, 1000} {
		var got []object.Key
		for after := object.Key(""); ; {
			page := b.list("p/", after, limit)
			if got = append(got, page...); len(page) < limit {
				break
			}
			after = page[limit-1]
		}
		b.equal(want, got, "pages of %d", limit)
	}
}

// testListRace: what is there all the time is in every list, while others come and go.
func testListRace(b *bench) {
	b.put("a", "x")
	b.put("m/x", "x")
	b.put("z", "x")
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for i := range 10 {
				key := object.Key(fmt.Sprintf("m/%d/%d", w, i))
				if _, err := b.Put(b.Context(), key, strings.NewReader("x"), 1); err != nil {
					b.Errorf("writer: %v", err)
				}
				if err := b.Delete(b.Context(), key); err != nil {
					b.Errorf("writer: %v", err)
				}
			}
		})
	}
	for range 20 {
		page, err := b.List(b.Context(), "", "", 1000)
		b.no(err)
		var keys []object.Key
		for _, info := range page {
			keys = append(keys, info.Key)
		}
		for _, key := range []object.Key{"a", "m/x", "z"} {
			if !slices.Contains(keys, key) {
				b.Errorf("%s is not in %v", key, keys)
			}
		}
		if !slices.IsSorted(keys) {
			b.Errorf("not in order: %v", keys)
		}
	}
	wg.Wait()
}
