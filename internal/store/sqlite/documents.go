package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/store"
)

// Get implements store.Documents.
func (f *file) Get(ctx context.Context, kind, id string) (store.Doc, error) {
	d := store.Doc{Kind: kind, ID: id}
	err := f.reads.QueryRowContext(ctx, "SELECT rev, body FROM doc WHERE kind = ? AND id = ?", kind, id).Scan(&d.Rev, &d.Body)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Doc{}, fault.New(fault.NotFound, "%s %s does not exist", kind, id)
	}
	return d, dbError(err)
}

// List implements store.Documents.
func (f *file) List(ctx context.Context, kind, after string, limit int) ([]store.Doc, error) {
	if limit < 1 || limit > store.MaxPage {
		return nil, fault.New(fault.Invalid, "a page has 1 to %d documents", store.MaxPage)
	}
	rows, err := f.reads.QueryContext(ctx, "SELECT id, rev, body FROM doc WHERE kind = ? AND id > ? ORDER BY id LIMIT ?", kind, after, limit)
	if err != nil {
		return nil, dbError(err)
	}
	defer rows.Close()
	var out []store.Doc
	for rows.Next() {
		d := store.Doc{Kind: kind}
		if err := rows.Scan(&d.ID, &d.Rev, &d.Body); err != nil {
			return nil, dbError(err)
		}
		out = append(out, d)
	}
	return out, dbError(rows.Err())
}

// Put implements store.Documents.
func (f *file) Put(ctx context.Context, kind, id string, rev uint64, body []byte) (uint64, error) {
	if kind == "" || id == "" {
		return 0, fault.New(fault.Invalid, "a document has a kind and an id")
	}
	if len(body) > store.MaxDocument {
		return 0, fault.New(fault.TooLarge, "%s %s has %d octets, more than %d", kind, id, len(body), store.MaxDocument)
	}
	if body == nil {
		body = []byte{}
	}
	err := f.write(ctx, f.urgent, func(tx *sql.Tx) error {
		var res sql.Result
		var err error
		if rev == 0 {
			res, err = tx.Exec("INSERT OR IGNORE INTO doc VALUES (?, ?, 1, ?)", kind, id, body)
		} else {
			res, err = tx.Exec("UPDATE doc SET rev = rev + 1, body = ? WHERE kind = ? AND id = ? AND rev = ?", body, kind, id, rev)
		}
		return changedOne(tx, res, err, kind, id)
	})
	return rev + 1, err
}

// changedOne bumps the epoch and leaves a trace if one row was changed, and is Conflict if none was.
func changedOne(tx *sql.Tx, res sql.Result, err error, kind, id string) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "%s %s was changed meanwhile", kind, id)
	}
	if _, err = tx.Exec("UPDATE epoch SET n = n + 1"); err != nil {
		return err
	}
	return leaveTrace(tx, store.Trace{Kind: kind})
}

// Delete implements store.Documents.
func (f *file) Delete(ctx context.Context, kind, id string, rev uint64) error {
	return f.write(ctx, f.urgent, func(tx *sql.Tx) error {
		var have uint64
		err := tx.QueryRow("SELECT rev FROM doc WHERE kind = ? AND id = ?", kind, id).Scan(&have)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotFound, "%s %s does not exist", kind, id)
		}
		if err != nil {
			return err
		}
		res, err := tx.Exec("DELETE FROM doc WHERE kind = ? AND id = ? AND rev = ?", kind, id, rev)
		return changedOne(tx, res, err, kind, id)
	})
}

// Epoch implements store.Documents.
func (f *file) Epoch(ctx context.Context) (n uint64, err error) {
	err = f.reads.QueryRowContext(ctx, "SELECT n FROM epoch").Scan(&n)
	return n, dbError(err)
}

// Once implements store.Documents.
func (f *file) Once(ctx context.Context, key string, result []byte, now time.Time, ttl time.Duration) (kept []byte, fresh bool, err error) {
	if result == nil {
		result = []byte{}
	}
	err = f.write(ctx, f.urgent, func(tx *sql.Tx) error {
		var until int64
		err := tx.QueryRow("SELECT result, until FROM once WHERE k = ?", key).Scan(&kept, &until)
		if err == nil && until > now.UnixMilli() {
			fresh = false
			return nil
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		kept, fresh = result, true
		// What has lapsed is swept on the way, a little at a time.
		if _, err := tx.Exec("DELETE FROM once WHERE k IN (SELECT k FROM once WHERE until <= ? LIMIT 10)", now.UnixMilli()); err != nil {
			return err
		}
		_, err = tx.Exec("INSERT OR REPLACE INTO once VALUES (?, ?, ?)", key, result, now.Add(ttl).UnixMilli())
		return err
	})
	return kept, fresh, err
}
