package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/store"
)

// Engine makes stores.
type Engine struct {
	// Open makes an empty store, which the test closes.
	Open func(t testing.TB) store.Store
	// Reopen opens again what was closed.
	Reopen func(t testing.TB, closed store.Store) store.Store
}

// now is the time of the tests.
var now = time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)

// bench is what one test works with.
type bench struct {
	*testing.T
	engine Engine
	st     store.Store
	ks     store.Keyspace
}

// Run runs the battery.
func Run(t *testing.T, engine Engine) {
	t.Helper()
	for _, c := range [...]struct {
		name string
		test func(*bench)
	}{
		{"documents", testDocuments},
		{"documents at their limits", testDocumentLimits},
		{"documents by page", testDocumentPages},
		{"documents created at once", testCreateRace},
		{"documents changed at once", testCountRace},
		{"epoch", testEpoch},
		{"once", testOnce},
		{"once at once", testOnceRace},
		{"scopes", testScopes},
		{"keyspaces", testKeyspaces},
		{"keyspaces created at once", testKeyspaceRace},
		{"person", testPerson},
		{"change", testChange},
		{"what is over", testOver},
		{"change repeated", testChangeRepeated},
		{"change refused", testChangeRefused},
		{"changes at once", testChangeRace},
		{"one change at once", testSameChangeRace},
		{"departures", testDepartures},
		{"names", testNames},
		{"assignments", testAssignments},
		{"assignments by line", testLines},
		{"assignments and time", testUntil},
		{"assignments dropped", testDrop},
		{"assignments at their limits", testAssignmentLimits},
		{"assignments written at once", testAssignmentRace},
		{"templates", testTemplates},
		{"events", testEvents},
		{"events by page", testEventPages},
		{"events followed while written", testFollow},
		{"members", testMembers},
		{"traces", testTraces},
		{"attendance", testAttend},
		{"traces followed while written", testTracesFollowed},
		{"cancelled", testCancelled},
		{"closed", testClosed},
		{"closed while used", testCloseUnderLoad},
		{"reopened", testReopened},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{T: t, engine: engine, st: engine.Open(t)}
			t.Cleanup(func() { b.no(b.st.Close()) })
			b.ks = b.keyspace("space")
			c.test(b)
		})
	}
}

// keyspace makes and opens a keyspace.
func (b *bench) keyspace(name string) store.Keyspace {
	b.Helper()
	b.no(b.st.CreateKeyspace(b.ctx(), name))
	ks, err := b.st.Keyspace(b.ctx(), name)
	b.no(err)
	return ks
}

// ctx ends when the test has taken far too long, also while the test is being cleaned up.
func (b *bench) ctx() context.Context { return context.WithoutCancel(b.Context()) }

// no is for errors that must not be.
func (b *bench) no(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// is is for errors that must be.
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

// together runs do n times at once and returns the errors.
func together(n int, do func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = do(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// winners counts the calls that succeeded; all others must have failed with kind.
func (b *bench) winners(errs []error, kind fault.Kind) int {
	b.Helper()
	n := 0
	for _, err := range errs {
		if err == nil {
			n++
			continue
		}
		b.is(err, kind, "a loser")
	}
	return n
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
