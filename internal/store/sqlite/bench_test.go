package sqlite_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/store"
	"inlay.example/inlay/internal/store/sqlite"
)

// What the middleware does to the store when somebody opens a mailbox: read the person, and
// write a placement by compare-and-set, durably. "together" has many at the same time, as in
// the hour when everybody reads mail: they share commits.
func BenchmarkPerson(b *testing.B) {
	st, err := sqlite.Open(b.Context(), sqlite.Config{Dir: b.TempDir()}, sqlite.Deps{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	if err := st.CreateKeyspace(b.Context(), "bench"); err != nil {
		b.Fatal(err)
	}
	ks, err := st.Keyspace(b.Context(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	now := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	const people = 10_000
	var rows []store.AssignmentRow
	for i := range people {
		rows = append(rows, store.AssignmentRow{User: fmt.Sprintf("user%06d", i), Line: int64(i + 1), Variables: map[string]string{"first_name": "Zoë"}})
		if len(rows) == store.MaxBatch {
			if err := ks.WriteAssignments(b.Context(), "spring", 1, now.Add(time.Hour), rows); err != nil {
				b.Fatal(err)
			}
			rows = rows[:0]
		}
	}
	var next atomic.Int64
	user := func() (string, int64) {
		n := next.Add(1)
		return fmt.Sprintf("user%06d", n%people), n
	}
	claim := func(b *testing.B) {
		b.Helper()
		name, n := user()
		p, err := ks.Person(b.Context(), name, now)
		if err != nil {
			b.Fatal(err)
		}
		id := strconv.FormatInt(n, 10)
		err = ks.Apply(b.Context(), store.Change{User: name, Owner: name, Rev: p.Rev, ID: id, Put: []placement.Placement{{
			ID: placement.ID(id), Key: placement.Key{Campaign: campaign.ID("spring")}, User: name, Mailbox: "INBOX",
			State: placement.Claimed, Rev: p.Rev + 1, Token: id, Until: now.Add(time.Hour), Created: now, Changed: now,
		}}})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			name, _ := user()
			if _, err := ks.Person(b.Context(), name, now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("claim alone", func(b *testing.B) {
		for b.Loop() {
			claim(b)
		}
	})
	b.Run("claim together", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				claim(b)
			}
		})
	})
}

// What a claim waits for while an import writes as fast as it can: the slowest of a hundred,
// beside the median.
func BenchmarkClaimDuringImport(b *testing.B) {
	st, err := sqlite.Open(b.Context(), sqlite.Config{Dir: b.TempDir()}, sqlite.Deps{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	if err := st.CreateKeyspace(b.Context(), "bench"); err != nil {
		b.Fatal(err)
	}
	ks, err := st.Keyspace(b.Context(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	now := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { stopped <- n }()
		for version := campaign.Version(1); ; version++ {
			for block := 0; block < 200_000; block += store.MaxBatch {
				rows := make([]store.AssignmentRow, store.MaxBatch)
				for i := range rows {
					user := (block + i) * 7919 % 200_000 // in no order
					rows[i] = store.AssignmentRow{User: fmt.Sprintf("user%08d@example.org", user), Line: int64(i), Variables: map[string]string{"first_name": "Zoë"}}
				}
				select {
				case <-stop:
					return
				default:
				}
				if ks.WriteAssignments(b.Context(), "spring", version, now.Add(time.Hour), rows) != nil {
					return
				}
				n += len(rows)
			}
		}
	}()
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		name, id := fmt.Sprintf("user%06d", n), strconv.Itoa(n)
		start := time.Now()
		err := ks.Apply(b.Context(), store.Change{User: name, Owner: name, ID: id, Put: []placement.Placement{{
			ID: placement.ID(id), Key: placement.Key{Campaign: "spring"}, User: name, Mailbox: "INBOX", State: placement.Claimed, Until: now.Add(time.Hour),
		}}})
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	elapsed := b.Elapsed().Seconds()
	close(stop)
	rows := <-stopped
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/median")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms/max")
	b.ReportMetric(float64(rows)/elapsed, "rows/s")
}
