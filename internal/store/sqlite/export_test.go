package sqlite

import (
	"fmt"

	"inlay.example/inlay/internal/store"
)

// LimitPages gives a keyspace's file no more room than n pages beyond what it has, as a full
// disk does, until restore is called.
func LimitPages(ks store.Keyspace, n int) (restore func()) {
	f, ok := ks.(*file)
	if !ok {
		panic("not a keyspace of this engine")
	}
	var pages, most int
	if err := f.writes.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		panic(err)
	}
	if err := f.writes.QueryRow(fmt.Sprintf("PRAGMA max_page_count = %d", pages+n)).Scan(&most); err != nil {
		panic(err)
	}
	return func() {
		if err := f.writes.QueryRow("PRAGMA max_page_count = 1073741823").Scan(&most); err != nil {
			panic(err)
		}
	}
}
