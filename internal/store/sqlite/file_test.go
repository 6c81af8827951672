package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/store"
	"inlay.example/inlay/internal/store/sqlite"
)

func openStore(t testing.TB, dir string) *sqlite.Store {
	t.Helper()
	st, err := sqlite.Open(context.Background(), sqlite.Config{Dir: dir}, sqlite.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func openKeyspace(t testing.TB, st *sqlite.Store, name string) store.Keyspace {
	t.Helper()
	if err := st.CreateKeyspace(context.Background(), name); err != nil {
		t.Fatal(err)
	}
	ks, err := st.Keyspace(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return ks
}

// eventually looks again and again; after 20 s the test has failed.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

func TestDirectoryIsLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st := openStore(t, dir)
	_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir}, sqlite.Deps{})
	if !fault.Is(err, fault.Conflict) || !strings.Contains(fault.Public(err), dir) || !strings.Contains(fault.Public(err), fmt.Sprint(os.Getpid())) {
		t.Errorf("opened twice: %v", err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	openStore(t, dir)
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "er")
	st := openStore(t, dir)
	ks := openKeyspace(t, st, "Acme")
	if _, err := ks.Put(t.Context(), "k", "a", 0, nil); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
	}
	// As in CQL, a name in another case is the same keyspace.
	again, err := st.Keyspace(t.Context(), "ACME")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Get(t.Context(), "k", "a"); err != nil {
		t.Error(err)
	}
}

// TestRemovedIsGone: a name that was removed is in no file of the store, a moment later.
func TestRemovedIsGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st := openStore(t, dir)
	ks := openKeyspace(t, st, "k")
	const secret = "somebody.who.wants.to.be.forgotten"
	found := func() (in string) {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			body, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if bytes.Contains(body, []byte(secret)) {
				return f.Name()
			}
		}
		return ""
	}
	for i := range 50 {
		rows := []store.AssignmentRow{{User: fmt.Sprint(secret, i), Line: 1, Variables: map[string]string{"name": secret}}}
		if err := ks.WriteAssignments(t.Context(), "c", 1, time.Now().Add(time.Hour), rows); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ks.Put(t.Context(), "k", secret, 0, []byte(secret)); err != nil {
		t.Fatal(err)
	}
	if found() == "" {
		t.Fatal("it is nowhere while it is there: the test looks in the wrong place")
	}
	for {
		n, err := ks.DropAssignments(t.Context(), "c", 1, 10)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	if err := ks.Delete(t.Context(), "k", secret, 1); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the name is gone", func() bool { return found() == "" })
}

// TestLedgerIsMigrated: what was over before the ledger knew of it is so afterwards.
func TestLedgerIsMigrated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st := openStore(t, dir)
	ks := openKeyspace(t, st, "k")
	change := store.Change{User: "anna", Owner: "o", ID: "1"}
	for i, p := range []placement.Placement{
		{State: placement.Live},
		{State: placement.Expunged},
		{State: placement.Withdrawn, Pending: true},
		{State: placement.Moved},
		{State: placement.Void},
		{State: placement.Expired},
		{State: placement.Withdrawn},
	} {
		p.Key = placement.Key{Campaign: "c", Occurrence: fmt.Sprint(i)}
		change.Put = append(change.Put, p)
	}
	if err := ks.Apply(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.WithoutOver(ks); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	st = openStore(t, dir)
	ks, err := st.Keyspace(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	p, err := ks.Person(t.Context(), "anna", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var goesOn []string
	for _, p := range p.Ledger {
		goesOn = append(goesOn, p.Occurrence)
	}
	if slices.Sort(goesOn); !slices.Equal(goesOn, []string{"0", "2", "4"}) {
		t.Errorf("not over: %v", goesOn)
	}
	all, err := ks.History(t.Context(), "anna")
	if err != nil || len(all) != len(change.Put) {
		t.Errorf("%d records, %v", len(all), err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st := openStore(t, dir)
	openKeyspace(t, st, "k")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "keyspace-k.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version = 1000"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	st = openStore(t, dir)
	if _, err := st.Keyspace(t.Context(), "k"); !fault.Is(err, fault.Unsupported) || !strings.Contains(fault.Public(err), "1000") {
		t.Errorf("a newer schema: %v", err)
	}
}

func TestDamagedFileIsReported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "keyspace-k.db")
	if err := os.WriteFile(name, bytes.Repeat([]byte("no database at all "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	st := openStore(t, dir)
	if _, err := st.Keyspace(t.Context(), "k"); !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Public(err), name) {
		t.Errorf("a damaged file: %v", err)
	}
	if err := st.Ping(t.Context()); err != nil {
		t.Errorf("the others: %v", err)
	}
}

func TestDirectoryCannotBeMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Dir: filepath.Join(file, "store")}, sqlite.Deps{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("below a file: %v", err)
	}
}

// TestDiskFull: what cannot be written is Unavailable, what is there can still be read, and
// writing goes on when there is room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st := openStore(t, dir)
	ks := openKeyspace(t, st, "k")
	if _, err := ks.Put(t.Context(), "k", "before", 0, []byte("x")); err != nil {
		t.Fatal(err)
	}
	restore := sqlite.LimitPages(ks, 1)
	var err error
	for i := 0; err == nil && i < 100; i++ {
		_, err = ks.Put(t.Context(), "k", fmt.Sprint(i), 0, make([]byte, 100<<10))
	}
	if !fault.Is(err, fault.Unavailable) {
		t.Fatalf("on a full disk: %v", err)
	}
	if _, err := ks.Get(t.Context(), "k", "before"); err != nil {
		t.Errorf("reading on a full disk: %v", err)
	}
	restore()
	if _, err := ks.Put(t.Context(), "k", "after", 0, make([]byte, 100<<10)); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestEverybodyGetsATurn: while claims come without end an import goes on, and while an import
// goes on claims do not wait for the end of its batches.
func TestEverybodyGetsATurn(t *testing.T) {
	t.Parallel()
	ks := openKeyspace(t, openStore(t, t.TempDir()), "k")
	stop := make(chan struct{})
	var claims atomic.Int64
	done := make(chan error, 8)
	for w := range cap(done) {
		go func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				if err := ks.Apply(context.Background(), store.Change{User: fmt.Sprint("user", w, "-", n), Owner: "o", ID: "1"}); err != nil {
					done <- err
					return
				}
				claims.Add(1)
			}
		}()
	}
	rows := make([]store.AssignmentRow, store.MaxBatch)
	for batch := range 20 {
		for i := range rows {
			rows[i] = store.AssignmentRow{User: fmt.Sprintf("user%06d", (batch*len(rows)+i)*7919%1_000_000), Line: int64(i + 1)}
		}
		if err := ks.WriteAssignments(t.Context(), "c", 1, time.Now().Add(time.Hour), rows); err != nil {
			t.Fatal(err)
		}
	}
	before := claims.Load()
	eventually(t, "claims go on", func() bool { return claims.Load() > before })
	close(stop)
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n, err := ks.CountAssignments(t.Context(), "c", campaign.Version(1)); err != nil || n != 20*store.MaxBatch {
		t.Errorf("%d rows, %v", n, err)
	}
	if before == 0 {
		t.Error("not one claim was made during twenty batches of an import")
	}
}
