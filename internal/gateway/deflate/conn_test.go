package deflate_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/deflate"
)

// wire is a connection of which only the octets matter.
type wire struct {
	net.Conn
	in     io.Reader
	out    bytes.Buffer
	writes int
}

func (w *wire) Read(b []byte) (int, error) { return w.in.Read(b) }

func (w *wire) Write(b []byte) (int, error) {
	w.writes++
	return w.out.Write(b)
}

// TestWrite: what is written is read by the standard library as it is written, answer by
// answer, and each is one write of the connection.
func TestWrite(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var w wire
		z := deflate.New(&w, nil, new(deflate.Buffers))
		r := flate.NewReader(&w.out)
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(1, 300), rapid.SampledFrom([]int{4096, 8191, 8192, 8193, 32767, 70_000})), 1, 12).Draw(t, "sizes")
		noise := rapid.Int64().Draw(t, "noise")
		for i, size := range sizes {
			text := answer(noise+int64(i), size)
			before := w.writes
			if n, err := z.Write(text); n != size || err != nil || w.writes != before+1 {
				t.Fatalf("Write of %d: %d, %v, in %d writes", size, n, err, w.writes-before)
			}
			got := make([]byte, size)
			if _, err := io.ReadFull(r, got); err != nil {
				t.Fatalf("answer %d of %d octets: %v", i, size, err)
			}
			if !bytes.Equal(text, got) { // a diff of every answer costs minutes
				t.Fatalf("answer %d (-said +heard):\n%s", i, cmp.Diff(text, got))
			}
		}
	})
}

// answer makes text that repeats itself as answers do, with something that does not.
func answer(seed int64, size int) []byte {
	var b bytes.Buffer
	for i := seed; b.Len() < size; i++ {
		fmt.Fprintf(&b, "* %d FETCH (UID %d FLAGS (\\Seen) RFC822.SIZE %d)\r\n", i%100_000, i, i*i*i%99_991)
	}
	return b.Bytes()[:size]
}

// TestRead: what the standard library writes is read, whichever way it is cut.
func TestRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		level := rapid.IntRange(-2, 9).Draw(t, "level")
		var sent bytes.Buffer
		f, err := flate.NewWriter(&sent, level)
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		for i := range rapid.IntRange(1, 3).Draw(t, "commands") {
			text := answer(int64(i), rapid.IntRange(1, 9_000).Draw(t, "size"))
			want = append(want, text...)
			if _, err := f.Write(text); err != nil {
				t.Fatal(err)
			}
			if err := f.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		all := sent.Bytes()
		before := rapid.IntRange(0, len(all)).Draw(t, "read before")
		z := deflate.New(&wire{in: bytes.NewReader(all[before:])}, all[:before], new(deflate.Buffers))
		got, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, got) {
			t.Fatalf("%d octets said, %d heard, or others", len(want), len(got))
		}
	})
}

// TestReadAtOnce: a command is given as soon as it was flushed, in the way of zlib's
// Z_SYNC_FLUSH and in that of Z_PARTIAL_FLUSH, with nothing behind it.
func TestReadAtOnce(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string][]string{ // made by zlib 1.2.13
		"partial flush": {"JT\xf0\xf3\xf7\x0f\xe0\xe5\x02\x08", "\xa0$\x05g\x0fWgo^.\x80\x00"},
		"sync flush":    {"JT\xf0\xf3\xf7\x0f\xe0\xe5\x02\x00\x00\x00\xff\xff", "JRp\xf6pu\xf6\xe6\xe5\x02\x00\x00\x00\xff\xff"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := net.Pipe()
			defer ours.Close()
			defer theirs.Close()
			z := deflate.New(ours, nil, new(deflate.Buffers))
			for i, want := range []string{"a NOOP\r\n", "b CHECK\r\n"} {
				failed := make(chan error, 1)
				go func() { _, err := theirs.Write([]byte(sent[i])); failed <- err }()
				got := make([]byte, len(want))
				if _, err := io.ReadFull(z, got); err != nil || string(got) != want {
					t.Fatalf("heard %q, %v, want %q", got, err, want)
				}
				if err := <-failed; err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestReadWaitsForNothing: what was said is given before more is read, although the block's end,
// or the start of the next one, is not there yet; also where the window is filled in between, as
// by a client that says a thousand commands at once.
func TestReadWaitsForNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var sent bytes.Buffer
		f, err := flate.NewWriter(&sent, rapid.SampledFrom([]int{1, 6, flate.HuffmanOnly}).Draw(t, "level"))
		if err != nil {
			t.Fatal(err)
		}
		text := answer(1, rapid.IntRange(1, 40_000).Draw(t, "size"))
		if _, err := f.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		given := 0
		src := &asked{b: sent.Bytes()[:sent.Len()-4], step: rapid.IntRange(1, 5000).Draw(t, "packet")} // without LEN and NLEN of the empty block
		src.more = func() {
			if given < len(text) {
				t.Fatalf("more is waited for after %d of %d octets", given, len(text))
			}
		}
		z := deflate.New(&wire{in: src}, nil, new(deflate.Buffers))
		b := make([]byte, rapid.IntRange(1, 5000).Draw(t, "buffer"))
		for given < len(text) {
			n, err := z.Read(b)
			if err != nil || !bytes.Equal(b[:n], text[given:given+n]) {
				t.Fatalf("after %d octets %q, %v", given, b[:n], err)
			}
			given += n
		}
	})
}

// asked gives octets in packets, and tells when more is asked for than there is.
type asked struct {
	b    []byte
	step int
	more func()
}

func (a *asked) Read(b []byte) (int, error) {
	if len(a.b) == 0 {
		a.more()
		return 0, io.EOF
	}
	n := copy(b, a.b[:min(a.step, len(a.b))])
	a.b = a.b[n:]
	return n, nil
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	f, err := flate.NewWriter(&bomb, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 64 {
		if _, err := f.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		in   string
		want fault.Kind
		most int64
	}{
		"clear text":         {in: "a NOOP\r\nb NOOP\r\nc NOOP\r\n", want: fault.Invalid},
		"a reserved block":   {in: "\xff\xff\xff", want: fault.Invalid},
		"a distance too far": {in: "J\x04\xca\x03\x00", want: fault.Invalid},
		"a bomb":             {in: bomb.String(), want: fault.TooLarge, most: 16<<20 + 256*int64(bomb.Len()) + 1<<16},
	} {
		z := deflate.New(&wire{in: strings.NewReader(tt.in)}, nil, new(deflate.Buffers))
		n, err := io.Copy(io.Discard, z)
		if fault.KindOf(err) != tt.want || n > max(tt.most, 100) {
			t.Errorf("%s: %d octets, then %v", name, n, err)
		}
	}
}

// TestReadEnds: the end of the connection is the end, wherever it comes, and so is a last block.
func TestReadEnds(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{"nothing": "", "behind a command": "JT\xf0\xf3\xf7\x0f\xe0\xe5\x02\x00\x00\x00\xff\xff", "within one": "JT\xf0", "with the last block": "KT\xf0\xf3\xf7\x0f\xe0\xe5\x02\x00"} {
		_, err := io.ReadAll(deflate.New(&wire{in: strings.NewReader(in)}, nil, new(deflate.Buffers)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := errors.New("broken")
	_, err := io.ReadAll(deflate.New(&wire{in: io.MultiReader(strings.NewReader("JT"), failing{broken})}, nil, new(deflate.Buffers)))
	if !errors.Is(err, broken) {
		t.Errorf("of the connection: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// FuzzRead: what the standard library reads is read, and nothing that it would read is refused.
func FuzzRead(f *testing.F) {
	f.Add([]byte("JT\xf0\xf3\xf7\x0f\xe0\xe5\x02\x08\xa0$\x05g\x0fWgo^.\x80\x00"), 3)
	f.Add([]byte("a NOOP\r\n"), 0)
	f.Fuzz(func(t *testing.T, in []byte, before int) {
		before = min(max(before, 0), len(in))
		z := deflate.New(&wire{in: bytes.NewReader(in[before:])}, in[:before], new(deflate.Buffers))
		got, err := io.ReadAll(io.LimitReader(z, 1<<20))
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(in)), 1<<20))
		if len(got) < len(want) || !bytes.Equal(got[:len(want)], want) {
			t.Fatalf("%d octets, the standard library reads %d others", len(got), len(want))
		}
		if corrupt := errors.As(wantErr, new(flate.CorruptInputError)); corrupt != fault.Is(err, fault.Invalid) && len(got) < 1<<20 {
			t.Fatalf("%v, the standard library says %v", err, wantErr)
		}
	})
}

// BenchmarkIdle is what a session that has said and heard a little holds in memory, beside
// what it would hold with the standard library's writer.
func BenchmarkIdle(b *testing.B) {
	const sessions = 200
	commands := "JT\xf0\xf3\xf7\x0f\xe0\xe5\x02\x00\x00\x00\xff\xff"
	text := answer(1, 4096)
	live := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	b.Run("this", func(b *testing.B) {
		for b.Loop() {
			before := live()
			shared := new(deflate.Buffers)
			var all []*deflate.Conn
			for range sessions {
				z := deflate.New(&wire{in: strings.NewReader(commands)}, nil, shared)
				if _, err := io.ReadFull(z, make([]byte, len("a NOOP\r\n"))); err != nil {
					b.Fatal(err)
				}
				for range 8 {
					if _, err := z.Write(text); err != nil {
						b.Fatal(err)
					}
				}
				z.Conn.(*wire).out = bytes.Buffer{}
				all = append(all, z)
			}
			b.ReportMetric(float64(live()-before)/sessions, "B/session")
			runtime.KeepAlive(all)
		}
	})
	b.Run("compress-flate", func(b *testing.B) {
		for b.Loop() {
			before := live()
			var all []any
			for range sessions {
				r := flate.NewReader(strings.NewReader(commands))
				if _, err := io.ReadFull(r, make([]byte, len("a NOOP\r\n"))); err != nil {
					b.Fatal(err)
				}
				w, err := flate.NewWriter(io.Discard, flate.DefaultCompression)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := w.Write(text); err != nil {
					b.Fatal(err)
				}
				if err := w.Flush(); err != nil {
					b.Fatal(err)
				}
				all = append(all, r, w)
			}
			b.ReportMetric(float64(live()-before)/sessions, "B/session")
			runtime.KeepAlive(all)
		}
	})
}

// BenchmarkWrite is a long answer in the pieces in which a session writes, with its ratio.
func BenchmarkWrite(b *testing.B) {
	const piece = 4 << 10
	text := answer(1, 256*piece)
	b.Run("this", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		shared := new(deflate.Buffers)
		for b.Loop() {
			var w wire
			z := deflate.New(&w, nil, shared)
			for i := 0; i < len(text); i += piece {
				if _, err := z.Write(text[i : i+piece]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(text))/float64(w.out.Len()), "ratio")
		}
	})
	for _, level := range []int{1, 6} {
		b.Run(fmt.Sprintf("compress-flate-%d", level), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				var out bytes.Buffer
				f, err := flate.NewWriter(&out, level)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := f.Write(text); err != nil {
					b.Fatal(err)
				}
				if err := f.Flush(); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(text))/float64(out.Len()), "ratio")
			}
		})
	}
}
