package sqlite_test

import (
	"context"
	"sync"
	"testing"

	"inlay.example/inlay/internal/store"
	"inlay.example/inlay/internal/store/sqlite"
	"inlay.example/inlay/internal/store/storetest"
)

func TestBattery(t *testing.T) {
	t.Parallel()
	var dirs sync.Map
	open := func(t testing.TB, dir string) store.Store {
		t.Helper()
		st, err := sqlite.Open(context.Background(), sqlite.Config{Dir: dir}, sqlite.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		dirs.Store(st, dir)
		return st
	}
	storetest.Run(t, storetest.Engine{
		Open: func(t testing.TB) store.Store { return open(t, t.TempDir()) },
		Reopen: func(t testing.TB, closed store.Store) store.Store {
			dir, _ := dirs.Load(closed)
			return open(t, dir.(string))
		},
	})
}
