package importer_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"testing"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/importer"
	"inlay.example/inlay/internal/object"
)

// sizes are objects that look at the heap while they are read.
type sizes struct {
	object.Store
	read atomic.Int64
	peak atomic.Uint64
}

func (s *sizes) Get(ctx context.Context, key object.Key, offset int64) (io.ReadCloser, object.Info, error) {
	r, info, err := s.Store.Get(ctx, key, offset)
	return &sizedReader{ReadCloser: r, of: s}, info, err
}

type sizedReader struct {
	io.ReadCloser
	of   *sizes
	last int64
}

func (r *sizedReader) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	if total := r.of.read.Add(int64(n)); total-r.last > 256<<10 || err != nil {
		r.last = total
		runtime.GC() // what is left is held
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		r.of.peak.Store(max(r.of.peak.Load(), m.HeapAlloc))
	}
	return n, err
}

// generate writes a bundle of so many rows.
func generate(t testing.TB, objects object.Store, version, rows int) object.Key {
	t.Helper()
	m := manifest(version)
	key, err := bundle.Write(context.Background(), objects, "p", m, []byte(template), []string{"first_name", "offer"}, func(yield func(bundle.Row, error) bool) {
		for n := range rows {
			// In no order, as audiences are.
			user := fmt.Sprintf("user%08d@example.org", n*7919%rows)
			if !yield(bundle.Row{User: user, Values: []string{"Name", fmt.Sprintf("%032d and something more", n)}}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestMemory: what an import holds does not grow with the bundle. It is not parallel, because
// it looks at the heap of all.
func TestMemory(t *testing.T) { //nolint:paralleltest // see above
	if testing.Short() || raceDetector {
		t.Skip("writes 330,000 rows, and the race detector has a memory of its own: run it without -short and -race")
	}
	peak := func(rows int) uint64 {
		s := newSite(t)
		o := &sizes{Store: s.objects}
		i := s.importer(t, func(_ *importer.Config, d *importer.Deps) { d.Objects = o })
		key := generate(t, s.objects, 1, rows)
		stop := run(t, i)
		defer stop()
		got := ended(t, i, push(t, i, "1", key).ID)
		if got.State != importer.Complete || got.Rows.Read != int64(rows) || s.count(t, 1) != int64(rows) {
			t.Fatalf("%+v, %d rows", got, s.count(t, 1))
		}
		t.Logf("%d rows, %d octets read, %.0f rows/s, at most %d KiB of heap", rows, o.read.Load(), got.RowsPerSecond, o.peak.Load()>>10)
		return o.peak.Load()
	}
	small, large := peak(30_000), peak(300_000)
	if large > small+16<<20 {
		t.Errorf("ten times the rows hold %d octets instead of %d", large, small)
	}
}

func BenchmarkImport(b *testing.B) {
	const rows = 200_000
	s := newSite(b)
	i := s.importer(b)
	keys := make([]object.Key, b.N)
	for n := range keys {
		keys[n] = generate(b, s.objects, n+1, rows)
	}
	run(b, i)
	b.ResetTimer()
	for n, key := range keys {
		if got := ended(b, i, push(b, i, fmt.Sprint(n), key).ID); got.State != importer.Complete {
			b.Fatalf("%+v", got)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
