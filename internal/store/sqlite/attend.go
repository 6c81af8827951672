package sqlite

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"inlay.example/inlay/internal/fault"
)

func traceCursor(cursor string) (int64, error) {
	seq, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || seq < 0 {
		return 0, fault.New(fault.Invalid, "%q is not a cursor", cursor)
	}
	return seq, nil
}

// Attend implements store.Keyspace.
func (f *file) Attend(ctx context.Context, name, cursor string, until time.Time) error {
	seq, err := traceCursor(cursor)
	if err != nil {
		return err
	}
	if name == "" {
		return fault.New(fault.Invalid, "who follows has a name")
	}
	return f.write(ctx, f.urgent, func(tx *sql.Tx) error {
		// Long gone.
		if _, err := tx.Exec("DELETE FROM attendant WHERE until < ?", until.Add(-time.Hour).UnixMilli()); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT OR REPLACE INTO attendant VALUES (?, ?, ?)", name, seq, until.UnixMilli())
		return err
	})
}

// Attended implements store.Keyspace.
func (f *file) Attended(ctx context.Context, cursor string, now time.Time) (bool, error) {
	seq, err := traceCursor(cursor)
	if err != nil {
		return false, err
	}
	var behind int
	err = f.reads.QueryRowContext(ctx, "SELECT count(*) FROM attendant WHERE until > ? AND seq < ?", now.UnixMilli(), seq).Scan(&behind)
	return behind == 0, dbError(err)
}
