package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/store"
)

// leaveTrace is a part of every change. The order of seq is that in which changes become
// durable, because one goroutine makes them all.
func leaveTrace(tx *sql.Tx, t store.Trace) error {
	now := time.Now()
	// What is too old is swept on the way, a little at a time. The last one always stays: by it a
	// cursor is known to be of this file.
	_, err := tx.Exec(`DELETE FROM trace WHERE seq IN
		(SELECT seq FROM trace INDEXED BY trace_at WHERE at < ? AND seq < (SELECT max(seq) FROM trace) ORDER BY at LIMIT 10)`,
		now.Add(-store.TracesKept).UnixMilli())
	if err != nil {
		return err
	}
	_, err = tx.Exec("INSERT INTO trace (at, owner, kind) VALUES (?, ?, ?)", now.UnixMilli(), t.Owner, t.Kind)
	return err
}

// Traces implements store.Documents. One read transaction: what is swept meanwhile is noticed.
func (f *file) Traces(ctx context.Context, cursor string, limit int) ([]store.Trace, string, error) {
	if limit < 1 || limit > store.MaxPage {
		return nil, "", fault.New(fault.Invalid, "a page has 1 to %d traces", store.MaxPage)
	}
	tx, err := f.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, "", dbError(err)
	}
	defer func() { _ = tx.Rollback() }()
	var first, last int64
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(min(seq), 1), (SELECT coalesce(max(seq), 0) FROM trace) FROM trace").Scan(&first, &last); err != nil {
		return nil, "", dbError(err)
	}
	if cursor == "" {
		return nil, strconv.FormatInt(last, 10), nil
	}
	after, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || after < first-1 || after > last {
		return nil, "", fault.New(fault.NotFound, "what was changed since %q is not known any more", cursor)
	}
	rows, err := tx.QueryContext(ctx, "SELECT seq, owner, kind FROM trace WHERE seq > ? ORDER BY seq LIMIT ?", after, limit)
	if err != nil {
		return nil, "", dbError(err)
	}
	defer rows.Close()
	var out []store.Trace
	for rows.Next() {
		var t store.Trace
		if err := rows.Scan(&after, &t.Owner, &t.Kind); err != nil {
			return nil, "", fmt.Errorf("reading a trace: %w", dbError(err))
		}
		t.Cursor = strconv.FormatInt(after, 10)
		out = append(out, t)
	}
	return out, strconv.FormatInt(after, 10), dbError(rows.Err())
}
