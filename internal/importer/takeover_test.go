package importer_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/importer"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/store"
)

// slow is objects of which one takes its time.
type slow struct {
	object.Store
	name string
	wait func()
}

func (s *slow) Get(ctx context.Context, key object.Key, offset int64) (io.ReadCloser, object.Info, error) {
	if strings.HasSuffix(string(key), "/"+s.name) {
		s.wait()
	}
	return s.Store.Get(ctx, key, offset)
}

func later(d time.Duration) func() time.Time {
	return func() time.Time { return time.Now().Add(d) }
}

// An instance stands still for longer than its lease, and another one does its job. When it
// goes on, it must not remove what counts by now.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	key := s.put(t, manifest(1), template, "\nuser,first_name\nanna,Anna\nben,Ben\n")
	other := s.importer(t, func(_ *importer.Config, d *importer.Deps) { d.Now = later(45 * time.Second) })
	var job string
	passed := make(chan struct{})
	var once atomic.Bool
	still := s.importer(t, func(_ *importer.Config, d *importer.Deps) {
		d.Objects = &slow{Store: d.Objects, name: "t.eml", wait: func() {
			if once.Swap(true) {
				return
			}
			run(t, other)
			if got := ended(t, other, job); got.State != importer.Complete {
				t.Errorf("%+v", got)
			}
			close(passed)
		}}
	})
	job = push(t, still, "push", key).ID
	stop := run(t, still)
	<-passed
	// The job after it shows that the first one was let go.
	next := push(t, still, "next", s.put(t, manifest(2), template, "\nuser,first_name\ncleo,Cleo\n"))
	if n := s.count(t, 1); n != 2 {
		t.Errorf("%d rows count, want 2", n)
	}
	if got := ended(t, still, next.ID); got.State != importer.Complete {
		t.Errorf("%+v", got)
	}
	stop()
	if s.rowOf(t, "cleo@example.org") == nil || s.rowOf(t, "anna@example.org") != nil {
		t.Error("the second version is not the one that counts")
	}
}

// overtaken is a keyspace in which something happens before a campaign gets a version.
type overtaken struct {
	store.Keyspace
	once atomic.Bool
	then func()
}

func (o *overtaken) Put(ctx context.Context, kind, id string, rev uint64, body []byte) (uint64, error) {
	if kind == "campaign" && strings.Contains(string(body), `"version":1`) && !o.once.Swap(true) {
		o.then()
	}
	return o.Keyspace.Put(ctx, kind, id, rev, body)
}

// Two instances publish the same job at the same moment: the slower one finds it done.
func TestPublishedByAnother(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	key := s.put(t, manifest(1), template, "\nuser,first_name\nanna,Anna\n")
	other := s.importer(t, func(_ *importer.Config, d *importer.Deps) { d.Now = later(45 * time.Second) })
	var job string
	slower := s.importer(t, func(_ *importer.Config, d *importer.Deps) {
		d.Keyspace = &overtaken{Keyspace: d.Keyspace, then: func() {
			run(t, other)
			if got := ended(t, other, job); got.State != importer.Complete {
				t.Errorf("%+v", got)
			}
		}}
	})
	job = push(t, slower, "push", key).ID
	stop := run(t, slower)
	// The job after it shows that the first one was let go.
	next := push(t, slower, "next", s.put(t, manifest(2), template, "\nuser,first_name\ncleo,Cleo\n"))
	if got := ended(t, slower, next.ID); got.State != importer.Complete {
		t.Errorf("%+v", got)
	}
	stop()
	if got := ended(t, other, job); got.State != importer.Complete {
		t.Errorf("%+v", got)
	}
}

// failing is a keyspace in which the removal of rows ends with the n-th call.
type failing struct {
	store.Keyspace
	left atomic.Int64
	fail func()
}

func (f *failing) DropAssignments(ctx context.Context, c campaign.ID, v campaign.Version, limit int) (int, error) {
	if f.left.Add(-1) < 0 {
		f.fail()
		return 0, fault.New(fault.Unavailable, "the process is dying")
	}
	return f.Keyspace.DropAssignments(ctx, c, v, limit)
}

// What an import that failed has left is removed before rows are written, also when removing is
// interrupted: else people would be shown what is not meant for them any more.
func TestKilledWhileRemoving(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var left []store.AssignmentRow
	for n := range 3000 {
		left = append(left, store.AssignmentRow{User: fmt.Sprintf("left-%d@example.org", n), Line: int64(n + 2), Variables: map[string]string{"first_name": "x"}})
	}
	for n := 0; n < len(left); n += store.MaxBatch {
		if err := s.WriteAssignments(t.Context(), "c", 1, manifest(1).End, left[n:n+store.MaxBatch]); err != nil {
			t.Fatal(err)
		}
	}
	ctx, kill := context.WithCancel(t.Context())
	var ticks atomic.Int64
	dying := s.importer(t, func(_ *importer.Config, d *importer.Deps) {
		f := &failing{Keyspace: d.Keyspace, fail: kill}
		f.left.Store(2)
		d.Keyspace = f
		d.Now = func() time.Time { return time.Now().Add(time.Duration(ticks.Add(1)) * 3 * time.Second) } // progress is noted all the time
	})
	job := push(t, dying, "push", s.put(t, manifest(1), template, "\nuser,first_name\nanna,Anna\n"))
	if err := dying.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if n := s.count(t, 1); n == 0 || n == 3000 {
		t.Fatalf("%d rows are left: it was not interrupted in the middle", n)
	}
	second := s.importer(t, func(_ *importer.Config, d *importer.Deps) { d.Now = later(time.Hour) })
	run(t, second)
	if got := ended(t, second, job.ID); got.State != importer.Complete {
		t.Fatalf("%+v", got)
	}
	if n := s.count(t, 1); n != 1 {
		t.Errorf("%d rows count, want 1", n)
	}
}

// A clock that was a day ahead has written a lease. Nobody waits a day for it.
func TestLeaseOfAWrongClock(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, kill := context.WithCancel(t.Context())
	ahead := s.importer(t, func(_ *importer.Config, d *importer.Deps) {
		d.Now = later(24 * time.Hour)
		d.Objects = &slow{Store: d.Objects, name: "t.eml", wait: kill}
	})
	job := push(t, ahead, "push", s.put(t, manifest(1), template, "\nuser,first_name\nanna,Anna\n"))
	if err := ahead.Run(ctx); err != nil {
		t.Fatal(err)
	}
	right := s.importer(t)
	run(t, right)
	if got := ended(t, right, job.ID); got.State != importer.Complete {
		t.Errorf("%+v", got)
	}
}
