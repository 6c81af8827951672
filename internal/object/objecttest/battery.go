package objecttest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
)

// Engine makes stores.
type Engine struct {
	// Open makes an empty store.
	Open func(t testing.TB) object.Store
	// Limited, if not nil, makes one that takes objects of up to limit octets.
	Limited func(t testing.TB, limit int64) object.Store
}

// bench is what one test works with.
type bench struct {
	*testing.T
	object.Store
	engine Engine
}

// Run runs the battery.
func Run(t *testing.T, engine Engine) {
	t.Helper()
	for _, c := range [...]struct {
		name string
		test func(*bench)
	}{
		{"put and get", testPutGet},
		{"replace", testReplace},
		{"sizes", testSizes},
		{"size announced", testAnnounced},
		{"limit", testLimit},
		{"places", testOffsets},
		{"keys", testKeys},
		{"bad keys", testBadKeys},
		{"key and folder", testKeyAndFolder},
		{"missing", testMissing},
		{"delete", testDelete},
		{"broken readers", testBrokenReaders},
		{"cancelled", testCancelled},
		{"readers keep what they opened", testReaders},
		{"list", testList},
		{"list by page", testPages},
		{"puts at once", testPutRace},
		{"list while written", testListRace},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(&bench{T: t, Store: engine.Open(t), engine: engine})
		})
	}
}

func (b *bench) no(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) is(err error, kind fault.Kind, format string, args ...any) {
	b.Helper()
	if !fault.Is(err, kind) {
		b.Errorf("%s: error %v, want %s", fmt.Sprintf(format, args...), err, kind)
	}
}

func (b *bench) equal(want, got any, format string, args ...any) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		b.Errorf("%s (-want +got):\n%s", fmt.Sprintf(format, args...), diff)
	}
}

// put puts a text.
func (b *bench) put(key object.Key, text string) object.Info {
	b.Helper()
	info, err := b.Put(b.Context(), key, strings.NewReader(text), int64(len(text)))
	b.no(err)
	return info
}

// get reads an object from a place on.
func (b *bench) get(key object.Key, offset int64) (string, object.Info) {
	b.Helper()
	r, info, err := b.Get(b.Context(), key, offset)
	b.no(err)
	defer r.Close()
	body, err := io.ReadAll(r)
	b.no(err)
	return string(body), info
}

// holds looks at an object in every way; "" means that it must not be there.
func (b *bench) holds(key object.Key, text string) {
	b.Helper()
	info, err := b.Stat(b.Context(), key)
	if text == "" {
		b.is(err, fault.NotFound, "%s", key)
		return
	}
	b.no(err)
	body, got := b.get(key, 0)
	if body != text {
		b.Errorf("%s has %d octets %.40q, want %d octets %.40q", key, len(body), body, len(text), text)
	}
	b.equal(info, got, "%s: what Stat and Get say", key)
	b.equal(int64(len(text)), info.Size, "%s: the size", key)
	b.equal(key, info.Key, "the key")
	if info.ETag == "" || info.Modified.IsZero() {
		b.Errorf("%s: %+v", key, info)
	}
}

// list gives the keys of a page.
func (b *bench) list(prefix string, after object.Key, limit int) []object.Key {
	b.Helper()
	page, err := b.List(b.Context(), prefix, after, limit)
	b.no(err)
	var out []object.Key
	for _, info := range page {
		out = append(out, info.Key)
	}
	return out
}

func testPutGet(b *bench) {
	b.no(b.Ping(b.Context()))
	put := b.put("a/b.txt", "hello\r\n\x00\xff")
	b.holds("a/b.txt", "hello\r\n\x00\xff")
	info, err := b.Stat(b.Context(), "a/b.txt")
	b.no(err)
	b.equal(info, put, "what Put and Stat say")
}

func testReplace(b *bench) {
	seen := map[string]bool{}
	for _, text := range []string{"one", "two", "longer than these", "two"} {
		info := b.put("k", text)
		b.holds("k", text)
		if seen[info.ETag] {
			b.Errorf("%q has the ETag of another content", text)
		}
		seen[info.ETag] = true
	}
	b.equal([]object.Key{"k"}, b.list("", "", 10), "objects")
}

func testSizes(b *bench) {
	for _, n := range []int{0, 1, 4096, 1<<20 + 1, 9 << 20} {
		body := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
		for _, announced := range []int64{int64(n), -1} {
			key := object.Key(fmt.Sprintf("%d/%d", n, announced))
			_, err := b.Put(b.Context(), key, bytes.NewReader(body), announced)
			b.no(err)
			got, info := b.get(key, 0)
			if got != string(body) || info.Size != int64(n) {
				b.Errorf("%d octets came back as %d", n, len(got))
			}
		}
	}
}

func testAnnounced(b *bench) {
	for _, former := range []string{"", "former"} {
		for _, size := range []int64{0, 4, 6, 1 << 40} {
			key := object.Key(fmt.Sprintf("k%s%d", former, size))
			if former != "" {
				b.put(key, former)
			}
			_, err := b.Put(b.Context(), key, strings.NewReader("12345"), size)
			b.is(err, fault.Invalid, "5 octets, announced as %d", size)
			b.holds(key, former)
		}
	}
}

func testLimit(b *bench) {
	if b.engine.Limited == nil {
		b.Skip("this engine has no limit that a test could reach")
	}
	b.Store = b.engine.Limited(b, 1000)
	b.put("most", strings.Repeat("x", 1000))
	b.put("k", "former")
	for _, size := range []int64{-1, 1001} {
		_, err := b.Put(b.Context(), "k", strings.NewReader(strings.Repeat("x", 1001)), size)
		b.is(err, fault.TooLarge, "one octet beyond the limit, announced as %d", size)
	}
	b.holds("k", "former")
}

func testOffsets(b *bench) {
	b.put("k", "0123456789")
	for offset, want := range map[int64]string{0: "0123456789", 1: "123456789", 9: "9", 10: ""} {
		got, info := b.get("k", offset)
		b.equal(want, got, "from %d on", offset)
		b.equal(int64(10), info.Size, "the size of the whole, from %d on", offset)
	}
	for _, offset := range []int64{-1, 11, 1 << 40} {
		_, _, err := b.Get(b.Context(), "k", offset)
		b.is(err, fault.Invalid, "from %d on", offset)
	}
	b.put("empty", "")
	got, _ := b.get("empty", 0)
	b.equal("", got, "an empty object")
	_, _, err := b.Get(b.Context(), "empty", 1)
	b.is(err, fault.Invalid, "from 1 on, of an empty object")
}

func testCancelled(b *bench) {
	b.put("k", "former")
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	_, err := b.Put(ctx, "k", strings.NewReader("x"), 1)
	b.is(err, fault.Unavailable, "Put")
	_, _, err = b.Get(ctx, "k", 0)
	b.is(err, fault.Unavailable, "Get")
	_, err = b.Stat(ctx, "k")
	b.is(err, fault.Unavailable, "Stat")
	_, err = b.List(ctx, "", "", 10)
	b.is(err, fault.Unavailable, "List")
	b.is(b.Delete(ctx, "k"), fault.Unavailable, "Delete")
	b.holds("k", "former")

	// Cancelled in the middle.
	ctx, cancel = context.WithCancel(b.Context())
	defer cancel()
	_, err = b.Put(ctx, "k", io.MultiReader(strings.NewReader("new"), reader(func([]byte) (int, error) {
		cancel()
		return 0, nil
	})), -1)
	b.is(err, fault.Unavailable, "Put, cancelled while it reads")
	b.holds("k", "former")
}

// reader is a function as a reader.
type reader func([]byte) (int, error)

func (r reader) Read(b []byte) (int, error) { return r(b) }

func testBrokenReaders(b *bench) {
	broken := fault.New(fault.Denied, "the source says no")
	for _, former := range []string{"", "former"} {
		for _, size := range []int64{-1, 5, 1 << 20} {
			key := object.Key(fmt.Sprintf("k%s%d", former, size))
			if former != "" {
				b.put(key, former)
			}
			_, err := b.Put(b.Context(), key, io.MultiReader(strings.NewReader("12345"), reader(func([]byte) (int, error) {
				return 0, broken
			})), size)
			b.is(err, fault.Denied, "a source that breaks, announced as %d", size)
			b.holds(key, former)
		}
	}
	b.equal(3, len(b.list("", "", 10)), "objects")
}

func testReaders(b *bench) {
	long := strings.Repeat("old ", 1<<18)
	b.put("replaced", long)
	b.put("deleted", long)
	for key, end := range map[object.Key]func(){
		"replaced": func() { b.put("replaced", strings.Repeat("new!", 1<<18)) },
		"deleted":  func() { b.no(b.Delete(b.Context(), "deleted")) },
	} {
		r, _, err := b.Get(b.Context(), key, 0)
		b.no(err)
		first := make([]byte, 10)
		_, err = io.ReadFull(r, first)
		b.no(err)
		end()
		rest, err := io.ReadAll(r)
		if err == nil && string(first)+string(rest) != long { // failing is allowed, mixing is not
			b.Errorf("%s: a reader mixed two contents", key)
		}
		b.no(r.Close())
	}
}

// testPutRace: whoever reads while several write finds one of the contents, whole.
func testPutRace(b *bench) {
	const writers, rounds = 4, 8
	content := func(w int) string { return strings.Repeat(fmt.Sprintf("%04d", w), 20_000+w) }
	b.put("k", content(0))
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range rounds {
				text := content(w)
				if _, err := b.Put(b.Context(), "k", strings.NewReader(text), int64(len(text))); err != nil {
					b.Errorf("writer %d: %v", w, err)
				}
			}
		})
		wg.Go(func() {
			for range rounds {
				r, info, err := b.Get(b.Context(), "k", 0)
				if err != nil {
					b.Errorf("reader: %v", err)
					continue
				}
				body, err := io.ReadAll(r)
				_ = r.Close()
				if err != nil {
					continue // it may fail, not mix
				}
				n := int(body[3] - '0')
				if int64(len(body)) != info.Size || string(body) != content(n) {
					b.Errorf("a reader got %d octets that nobody has put", len(body))
				}
			}
		})
	}
	wg.Wait()
	b.equal([]object.Key{"k"}, b.list("", "", 10), "objects")
}
