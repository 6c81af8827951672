package sqlite

import (
	"fmt"
	"strings"

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

// Plan gives what the engine does for a statement, step by step.
func Plan(ks store.Keyspace, statement string) (steps []string, err error) {
	f, ok := ks.(*file)
	if !ok {
		panic("not a keyspace of this engine")
	}
	rows, err := f.reads.Query("EXPLAIN QUERY PLAN "+statement, make([]any, strings.Count(statement, "?"))...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, rows.Err()
}

// WithoutOver gives a keyspace's file the schema that it had before the ledger knew what is over.
func WithoutOver(ks store.Keyspace) error {
	f, ok := ks.(*file)
	if !ok {
		panic("not a keyspace of this engine")
	}
	_, err := f.writes.Exec("DROP INDEX ledger_goes_on; ALTER TABLE ledger DROP COLUMN over; PRAGMA user_version = 5")
	return err
}
