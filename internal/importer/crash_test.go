package importer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/importer"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/store"
)

// faulty is a keyspace that stops working. What fails says whether a call fails; one that
// fails may have had its effect all the same.
type faulty struct {
	store.Keyspace
	fails   func() bool
	effects bool
}

var errDown = fault.New(fault.Unavailable, "the store is down")

func (f *faulty) Get(ctx context.Context, kind, id string) (store.Doc, error) {
	if f.fails() {
		return store.Doc{}, errDown
	}
	return f.Keyspace.Get(ctx, kind, id)
}

func (f *faulty) List(ctx context.Context, kind, after string, limit int) ([]store.Doc, error) {
	if f.fails() {
		return nil, errDown
	}
	return f.Keyspace.List(ctx, kind, after, limit)
}

func (f *faulty) Put(ctx context.Context, kind, id string, rev uint64, body []byte) (uint64, error) {
	if !f.fails() {
		return f.Keyspace.Put(ctx, kind, id, rev, body)
	}
	if f.effects {
		if _, err := f.Keyspace.Put(ctx, kind, id, rev, body); err != nil {
			return 0, err
		}
	}
	return 0, errDown
}

func (f *faulty) WriteAssignments(ctx context.Context, c campaign.ID, v campaign.Version, until time.Time, rows []store.AssignmentRow) error {
	if !f.fails() {
		return f.Keyspace.WriteAssignments(ctx, c, v, until, rows)
	}
	if f.effects { // a batch is not atomic
		if err := f.Keyspace.WriteAssignments(ctx, c, v, until, rows[:len(rows)/2]); err != nil {
			return err
		}
	}
	return errDown
}

func (f *faulty) DropAssignments(ctx context.Context, c campaign.ID, v campaign.Version, limit int) (int, error) {
	if !f.fails() {
		return f.Keyspace.DropAssignments(ctx, c, v, limit)
	}
	if f.effects {
		if _, err := f.Keyspace.DropAssignments(ctx, c, v, limit); err != nil {
			return 0, err
		}
	}
	return 0, errDown
}

func (f *faulty) PutTemplate(ctx context.Context, digest string, body []byte) error {
	if f.fails() {
		return errDown
	}
	return f.Keyspace.PutTemplate(ctx, digest, body)
}

// replacement brings version 1 in and prepares version 2 of several files and blocks, with
// rejected rows.
func replacement(t *testing.T, s *site) object.Key {
	t.Helper()
	i := s.importer(t)
	stop := run(t, i)
	defer stop()
	old := s.put(t, manifest(1), template, "\nuser,first_name\nanna,Old\nzoe,Old\n")
	if got := ended(t, i, push(t, i, "old", old).ID); got.State != importer.Complete {
		t.Fatalf("%+v", got)
	}
	var files []string
	for f := range 3 {
		var b strings.Builder
		b.WriteString("\nuser,first_name\n")
		for n := range 10 {
			fmt.Fprintf(&b, "user%d,File %d\n", n*(f+1), f)
		}
		b.WriteString("bad row\nanna,New " + fmt.Sprint(f) + "\n")
		files = append(files, b.String())
	}
	return s.put(t, manifest(2), template, files...)
}

// checkReplaced looks at everything that the import has to leave behind.
func checkReplaced(t *testing.T, s *site, got importer.Status) {
	t.Helper()
	if got.State != importer.Complete || got.Unchanged || got.Rows != (importer.Rows{Total: 36, Read: 36, Rejected: 3}) || len(got.Rejected) != 3 || len(got.ErrorFiles) != 3 {
		t.Errorf("%+v", got)
	}
	for _, f := range got.ErrorFiles {
		if body := s.read(t, f); body != "12,\"1 fields, and the header has 2\"\n" {
			t.Errorf("%s: %q", f, body)
		}
	}
	users := map[string]string{"anna": "New 2"}
	for f := range 3 {
		for n := range 10 {
			users[fmt.Sprint("user", n*(f+1))] = fmt.Sprint("File ", f)
		}
	}
	for user, want := range users {
		if row := s.rowOf(t, user+"@example.org"); row["first_name"] != want {
			t.Errorf("%s has %v, want %s", user, row, want)
		}
	}
	if n := s.count(t, 2); n != int64(len(users)) {
		t.Errorf("%d rows, want %d", n, len(users))
	}
	eventually(t, "the old rows are dropped", func() bool { return s.count(t, 1) == 0 })
}

func lenient(c *importer.Config, _ *importer.Deps) { c.ErrorRatio, c.BlockRows = 0.1, 4 }

// TestKilledAnywhere stops an import after every single call of the store, with and without
// the effect of the call that never came back, and lets another process finish.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	calls := killedAfter(t, 1<<62, false)
	if calls < 20 {
		t.Fatalf("an import makes %d calls only", calls)
	}
	for after := range calls {
		for _, effects := range []bool{false, true} {
			if !effects && after%3 != 0 {
				continue // a call that had no effect is much like the one before it that had
			}
			t.Run(fmt.Sprintf("after %d calls, effects %t", after, effects), func(t *testing.T) {
				t.Parallel()
				killedAfter(t, after, effects)
			})
		}
	}
}

// killedAfter returns how many calls were made before the end.
func killedAfter(t *testing.T, after int64, effects bool) int64 {
	t.Helper()
	s := newSite(t)
	key := replacement(t, s)
	var calls atomic.Int64
	dead := make(chan struct{}, 1)
	down := &dying{faulty: &faulty{s.Keyspace, func() bool {
		if calls.Add(1) <= after {
			return false
		}
		select {
		case dead <- struct{}{}:
		default:
		}
		return true
	}, effects}}
	job := push(t, s.importer(t), "new", key)
	stop := run(t, s.importer(t, lenient, func(_ *importer.Config, d *importer.Deps) { d.Keyspace = down }))
	eventually(t, "it dies, or it is done", func() bool {
		select {
		case <-dead:
			return true
		default:
		}
		got, err := s.importer(t).Job(t.Context(), job.ID)
		if err != nil {
			t.Fatal(err)
		}
		return status(t, got).State == importer.Complete && s.count(t, 1) == 0
	})
	stop()
	if s.active(t).Version == 1 && s.rowOf(t, "anna@example.org")["first_name"] != "Old" {
		t.Error("the old version counts and its rows are gone")
	}
	later := s.importer(t, lenient, func(_ *importer.Config, d *importer.Deps) {
		d.Now = func() time.Time { return time.Now().Add(time.Minute) } // the lease has lapsed
	})
	run(t, later)
	checkReplaced(t, s, ended(t, later, job.ID))
	return calls.Load()
}

// dying lets the first failing call have its effect, and nothing after it.
type dying struct {
	*faulty
	dead atomic.Bool
}

func (d *dying) Put(ctx context.Context, kind, id string, rev uint64, body []byte) (uint64, error) {
	if d.dead.Load() {
		return 0, errDown
	}
	n, err := d.faulty.Put(ctx, kind, id, rev, body)
	d.note(err)
	return n, err
}

func (d *dying) WriteAssignments(ctx context.Context, c campaign.ID, v campaign.Version, until time.Time, rows []store.AssignmentRow) error {
	if d.dead.Load() {
		return errDown
	}
	err := d.faulty.WriteAssignments(ctx, c, v, until, rows)
	d.note(err)
	return err
}

func (d *dying) DropAssignments(ctx context.Context, c campaign.ID, v campaign.Version, limit int) (int, error) {
	if d.dead.Load() {
		return 0, errDown
	}
	n, err := d.faulty.DropAssignments(ctx, c, v, limit)
	d.note(err)
	return n, err
}

func (d *dying) note(err error) {
	if errors.Is(err, errDown) {
		d.dead.Store(true)
	}
}

// TestStoreComesAndGoes: every third call fails, and the import gets through.
func TestStoreComesAndGoes(t *testing.T) {
	t.Parallel()
	for _, effects := range []bool{false, true} {
		s := newSite(t)
		key := replacement(t, s)
		var calls atomic.Int64
		i := s.importer(t, lenient, func(c *importer.Config, d *importer.Deps) {
			d.Keyspace = &faulty{s.Keyspace, func() bool { return calls.Add(1)%29 == 0 }, effects}
		})
		job := push(t, s.importer(t), "new", key)
		run(t, i)
		checkReplaced(t, s, ended(t, s.importer(t), job.ID))
	}
}

// TestWaiting: while something does not answer the job says so, and it is given up in the end.
func TestWaiting(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	key := s.put(t, manifest(1), template, "\nuser,first_name\nanna,Anna\n")
	var gone atomic.Bool
	gone.Store(true)
	var ahead atomic.Int64
	i := s.importer(t, func(_ *importer.Config, d *importer.Deps) {
		d.Objects = &unsteady{s.objects, &gone}
		d.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	run(t, i)
	first := push(t, i, "1", key)
	waiting := func(id string) bool {
		j, err := i.Job(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		got := status(t, j)
		return got.State == importer.Running && strings.Contains(got.Waiting, "folder is gone")
	}
	eventually(t, "it waits", func() bool { return waiting(first.ID) })
	gone.Store(false)
	if got := ended(t, i, first.ID); got.State != importer.Complete || got.Waiting != "" {
		t.Fatalf("%+v", got)
	}
	gone.Store(true)
	second := push(t, i, "2", key)
	eventually(t, "it waits", func() bool { return waiting(second.ID) })
	ahead.Store(int64(2 * time.Hour))
	if got := ended(t, i, second.ID); got.State != importer.Failed || !strings.Contains(got.Problem, "given up after 1h") {
		t.Fatalf("%+v", got)
	}
}

// unsteady objects are gone at times.
type unsteady struct {
	object.Store
	gone *atomic.Bool
}

func (u *unsteady) Get(ctx context.Context, key object.Key, offset int64) (io.ReadCloser, object.Info, error) {
	if u.gone.Load() {
		return nil, object.Info{}, fault.New(fault.Unavailable, "the folder is gone")
	}
	return u.Store.Get(ctx, key, offset)
}

// TestTwoInstances: several importers on one store do every job once, in order.
func TestTwoInstances(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var all []*importer.Importer
	for range 3 {
		i := s.importer(t, lenient)
		run(t, i)
		all = append(all, i)
	}
	var ids []string
	for v := 1; v <= 6; v++ {
		var b strings.Builder
		b.WriteString("\nuser,first_name\n")
		for n := range 50 {
			fmt.Fprintf(&b, "user%d,%d\n", n, v)
		}
		ids = append(ids, push(t, all[v%3], fmt.Sprint(v), s.put(t, manifest(v), template, b.String())).ID)
	}
	for _, id := range ids {
		if got := ended(t, all[0], id); got.State != importer.Complete {
			t.Errorf("%+v", got)
		}
	}
	var counts []int64
	eventually(t, "only the last one is left", func() bool {
		counts = nil
		for v := 1; v <= 6; v++ {
			counts = append(counts, s.count(t, v))
		}
		return slices.Equal(counts, []int64{0, 0, 0, 0, 0, 50})
	})
	if diff := cmp.Diff(map[string]string{"first_name": "6"}, s.rowOf(t, "user7@example.org")); diff != "" {
		t.Error(diff)
	}
}

// TestOldJobsGo: jobs are kept for thirty days after their end.
func TestOldJobsGo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	key := s.put(t, manifest(1), template, "\nuser,first_name\nanna,Anna\n")
	i := s.importer(t)
	stop := run(t, i)
	first := push(t, i, "1", key).ID
	ended(t, i, first)
	stop()
	for _, days := range []int{29, 31} {
		later := s.importer(t, func(_ *importer.Config, d *importer.Deps) {
			d.Now = func() time.Time { return time.Now().Add(time.Duration(days) * 24 * time.Hour) }
		})
		stop := run(t, later)
		ended(t, later, push(t, later, fmt.Sprint(days), key).ID)
		stop()
		if days < 30 {
			if _, err := later.Job(t.Context(), first); err != nil {
				t.Errorf("after %d days: %v", days, err)
			}
		}
	}
	if _, err := i.Job(t.Context(), first); !fault.Is(err, fault.NotFound) {
		t.Errorf("after 31 days: %v", err)
	}
}
