package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/store"
)

var _ store.Keyspace = (*file)(nil)

// Person implements store.Keyspace. One read transaction: head, ledger and assignments are of
// the same moment.
func (f *file) Person(ctx context.Context, user string, now time.Time) (store.Person, error) {
	p := store.Person{User: user}
	tx, err := f.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return p, dbError(err)
	}
	defer func() { _ = tx.Rollback() }()
	var head []byte
	err = tx.QueryRowContext(ctx, "SELECT rev, body FROM head WHERE u = ?", user).Scan(&p.Rev, &head)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return p, dbError(err)
	default:
		if err := json.Unmarshal(head, &p.Head); err != nil {
			return p, fmt.Errorf("reading the head of a person: %w", err)
		}
		if p.Ledger, err = ledger(ctx, tx, `SELECT body FROM ledger WHERE u = ?1 AND over = 0 UNION ALL
			SELECT body FROM ledger WHERE u = ?1 AND campaign IN (SELECT campaign FROM assignment WHERE u = ?1 AND until >= ?2) AND over = 1`,
			user, now.UnixMilli()); err != nil {
			return p, err
		}
	}
	rows, err := tx.QueryContext(ctx, "SELECT campaign, version, until, vars FROM assignment WHERE u = ? AND until >= ? ORDER BY campaign, version", user, now.UnixMilli())
	if err != nil {
		return p, dbError(err)
	}
	defer rows.Close()
	for rows.Next() {
		var a store.Assignment
		var until int64
		var vars []byte
		if err := rows.Scan(&a.Campaign, &a.Version, &until, &vars); err != nil {
			return p, dbError(err)
		}
		a.Until = time.UnixMilli(until).UTC()
		if len(vars) > 0 {
			if err := json.Unmarshal(vars, &a.Variables); err != nil {
				return p, fmt.Errorf("reading the variables of an assignment: %w", err)
			}
		}
		p.Assignments = append(p.Assignments, a)
	}
	return p, dbError(rows.Err())
}

// History implements store.Keyspace.
func (f *file) History(ctx context.Context, user string) ([]placement.Placement, error) {
	return ledger(ctx, f.reads, "SELECT body FROM ledger WHERE u = ?", user)
}

func ledger(ctx context.Context, from interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, query string, args ...any,
) ([]placement.Placement, error) {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, dbError(err)
	}
	defer rows.Close()
	var out []placement.Placement
	for rows.Next() {
		var body []byte
		var p placement.Placement
		if err := rows.Scan(&body); err != nil {
			return nil, dbError(err)
		}
		if err := json.Unmarshal(body, &p); err != nil {
			return nil, fmt.Errorf("reading a placement: %w", err)
		}
		out = append(out, p)
	}
	return out, dbError(rows.Err())
}

// Apply implements store.Keyspace.
func (f *file) Apply(ctx context.Context, c store.Change) error {
	if c.User == "" || c.Owner == "" || c.ID == "" {
		return fault.New(fault.Invalid, "a change names its user, their owner and itself")
	}
	head, err := json.Marshal(c.Head)
	if err != nil {
		return fmt.Errorf("writing the head of a person: %w", err)
	}
	bodies := make([][]byte, len(c.Put))
	for i := range c.Put {
		if bodies[i], err = json.Marshal(c.Put[i]); err != nil {
			return fmt.Errorf("writing a placement: %w", err)
		}
	}
	departures := make([][]byte, len(c.Departures))
	for i := range c.Departures {
		if departures[i], err = json.Marshal(c.Departures[i]); err != nil {
			return fmt.Errorf("writing a departure: %w", err)
		}
	}
	return f.write(ctx, f.urgent, func(tx *sql.Tx) error {
		var rev uint64
		var last string
		err := tx.QueryRow("SELECT rev, change FROM head WHERE u = ?", c.User).Scan(&rev, &last)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case err == nil && last == c.ID && rev == c.Rev+1:
			return nil // repeated after an unknown outcome
		case rev != c.Rev:
			return fault.New(fault.Conflict, "the person was changed meanwhile")
		}
		if _, err := tx.Exec("INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?)", c.User, rev+1, c.ID, head); err != nil {
			return err
		}
		for i, p := range c.Put {
			if _, err := tx.Exec("INSERT OR REPLACE INTO ledger VALUES (?, ?, ?, ?, ?)", c.User, p.Campaign, p.Occurrence, bodies[i], p.Over()); err != nil {
				return err
			}
			if _, err := tx.Exec("INSERT OR IGNORE INTO member VALUES (?, ?)", p.Campaign, c.User); err != nil {
				return err
			}
		}
		for i, d := range c.Departures {
			if _, err := tx.Exec("INSERT OR REPLACE INTO departed VALUES (?, ?, ?, ?, ?)", c.Owner, d.Mailbox, d.UIDValidity, d.UID, departures[i]); err != nil {
				return err
			}
		}
		if _, err := logEvents(tx, c.Events); err != nil {
			return err
		}
		return leaveTrace(tx, store.Trace{Owner: c.Owner})
	})
}

// Departures implements store.Keyspace.
func (f *file) Departures(ctx context.Context, owner, mailbox string, validity uint32) ([]placement.Departure, error) {
	rows, err := f.reads.QueryContext(ctx, "SELECT body FROM departed WHERE owner = ? AND mailbox = ? AND validity = ? ORDER BY uid", owner, mailbox, validity)
	if err != nil {
		return nil, dbError(err)
	}
	defer rows.Close()
	var out []placement.Departure
	for rows.Next() {
		var body []byte
		var d placement.Departure
		if err := rows.Scan(&body); err != nil {
			return nil, dbError(err)
		}
		if err := json.Unmarshal(body, &d); err != nil {
			return nil, fmt.Errorf("reading a departure: %w", err)
		}
		out = append(out, d)
	}
	return out, dbError(rows.Err())
}

func logEvents(tx *sql.Tx, events []event.Event) (added int, err error) {
	for _, e := range events {
		body, err := json.Marshal(e)
		if err != nil {
			return 0, fmt.Errorf("writing an event: %w", err)
		}
		res, err := tx.Exec("INSERT OR IGNORE INTO event (id, campaign, type, body) VALUES (?, ?, ?, ?)", e.ID, e.Campaign, e.Type, body)
		if err != nil {
			return 0, err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			if err != nil {
				return 0, err
			}
			continue // known by its id
		}
		added++
		if _, err := tx.Exec("INSERT INTO tally VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET n = n + 1", e.Campaign, e.Type); err != nil {
			return 0, err
		}
	}
	return added, nil
}

// WriteAssignments implements store.Keyspace.
func (f *file) WriteAssignments(ctx context.Context, c campaign.ID, v campaign.Version, until time.Time, rows []store.AssignmentRow) error {
	if len(rows) > store.MaxBatch {
		return fault.New(fault.TooLarge, "a batch of %d rows, more than %d", len(rows), store.MaxBatch)
	}
	vars := make([][]byte, len(rows))
	for i, r := range rows {
		if r.User == "" {
			return fault.New(fault.Invalid, "row %d has no user", r.Line)
		}
		if len(r.Variables) == 0 {
			continue
		}
		var err error
		if vars[i], err = json.Marshal(r.Variables); err != nil {
			return fmt.Errorf("writing the variables of row %d: %w", r.Line, err)
		}
		if len(vars[i]) > store.MaxVariables {
			return fault.New(fault.TooLarge, "row %d has variables of %d octets, more than %d", r.Line, len(vars[i]), store.MaxVariables)
		}
	}
	at := 0
	return f.turns(ctx, func(tx *sql.Tx, more func() bool) (bool, error) {
		stmt, err := tx.Prepare(`INSERT INTO assignment VALUES (?1, ?2, ?3, ?4, ?5, ?6)
			ON CONFLICT DO UPDATE SET line = excluded.line, vars = excluded.vars WHERE excluded.line >= line`)
		if err != nil {
			return false, err
		}
		defer stmt.Close()
		next := at
		for first := true; next < len(rows) && (first || more()); next++ {
			first = false
			if _, err := stmt.Exec(rows[next].User, until.UnixMilli(), c, v, rows[next].Line, vars[next]); err != nil {
				return false, err
			}
		}
		at = next
		return at == len(rows), nil
	})
}

// CountAssignments implements store.Keyspace.
func (f *file) CountAssignments(ctx context.Context, c campaign.ID, v campaign.Version) (n int64, err error) {
	err = f.reads.QueryRowContext(ctx, "SELECT count(*) FROM assignment WHERE campaign = ? AND version = ?", c, v).Scan(&n)
	return n, dbError(err)
}

// dropStep is how many rows are removed before the clock is looked at.
const dropStep = 50

// DropAssignments implements store.Keyspace.
func (f *file) DropAssignments(ctx context.Context, c campaign.ID, v campaign.Version, limit int) (n int, err error) {
	if limit < 1 {
		return 0, fault.New(fault.Invalid, "dropping %d rows", limit)
	}
	err = f.turns(ctx, func(tx *sql.Tx, more func() bool) (bool, error) {
		for first := true; n < limit && (first || more()); first = false {
			step := min(dropStep, limit-n)
			res, err := tx.Exec(`DELETE FROM assignment WHERE (u, until, campaign, version) IN
				(SELECT u, until, campaign, version FROM assignment WHERE campaign = ? AND version = ? LIMIT ?)`, c, v, step)
			if err != nil {
				return false, err
			}
			got, err := res.RowsAffected()
			if err != nil {
				return false, err
			}
			if n += int(got); int(got) < step {
				return true, nil
			}
		}
		return n == limit, nil
	})
	return n, err
}

// PutTemplate implements store.Keyspace.
func (f *file) PutTemplate(ctx context.Context, digest string, body []byte) error {
	if digest == "" {
		return fault.New(fault.Invalid, "a template is kept under its digest")
	}
	if len(body) > store.MaxBlob {
		return fault.New(fault.TooLarge, "template of %d octets, more than %d", len(body), store.MaxBlob)
	}
	return f.write(ctx, f.urgent, func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT OR IGNORE INTO template VALUES (?, ?)", digest, body)
		return err
	})
}

// Template implements store.Keyspace.
func (f *file) Template(ctx context.Context, digest string) (body []byte, err error) {
	err = f.reads.QueryRowContext(ctx, "SELECT body FROM template WHERE digest = ?", digest).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "template %s does not exist", digest)
	}
	return body, dbError(err)
}

// Log implements store.Keyspace.
func (f *file) Log(ctx context.Context, events []event.Event) (added int, err error) {
	if len(events) > store.MaxBatch {
		return 0, fault.New(fault.TooLarge, "a batch of %d events, more than %d", len(events), store.MaxBatch)
	}
	err = f.write(ctx, f.urgent, func(tx *sql.Tx) error {
		added, err = logEvents(tx, events)
		return err
	})
	return added, err
}

// Tally implements store.Keyspace.
func (f *file) Tally(ctx context.Context, c campaign.ID) ([]event.Count, error) {
	rows, err := f.reads.QueryContext(ctx, "SELECT type, n FROM tally WHERE campaign = ? ORDER BY type", c)
	if err != nil {
		return nil, dbError(err)
	}
	defer rows.Close()
	var out []event.Count
	for rows.Next() {
		var n event.Count
		if err := rows.Scan(&n.Type, &n.Count); err != nil {
			return nil, dbError(err)
		}
		out = append(out, n)
	}
	return out, dbError(rows.Err())
}

// Events implements store.Keyspace.
func (f *file) Events(ctx context.Context, c campaign.ID, cursor string, limit int) ([]event.Event, string, error) {
	if limit < 1 || limit > store.MaxPage {
		return nil, "", fault.New(fault.Invalid, "a page has 1 to %d events", store.MaxPage)
	}
	var after int64
	if cursor != "" {
		var err error
		if after, err = strconv.ParseInt(cursor, 10, 64); err != nil || after < 0 {
			return nil, "", fault.New(fault.Invalid, "%q is not a cursor", cursor)
		}
	}
	rows, err := f.reads.QueryContext(ctx, "SELECT seq, body FROM event WHERE campaign = ? AND seq > ? ORDER BY seq LIMIT ?", c, after, limit)
	if err != nil {
		return nil, "", dbError(err)
	}
	defer rows.Close()
	var out []event.Event
	for rows.Next() {
		var body []byte
		var e event.Event
		if err := rows.Scan(&after, &body); err != nil {
			return nil, "", dbError(err)
		}
		if err := json.Unmarshal(body, &e); err != nil {
			return nil, "", fmt.Errorf("reading an event: %w", err)
		}
		out = append(out, e)
		cursor = strconv.FormatInt(after, 10)
	}
	return out, cursor, dbError(rows.Err())
}

// Members implements store.Keyspace.
func (f *file) Members(ctx context.Context, c campaign.ID, after string, limit int) ([]string, error) {
	if limit < 1 || limit > store.MaxPage {
		return nil, fault.New(fault.Invalid, "a page has 1 to %d members", store.MaxPage)
	}
	rows, err := f.reads.QueryContext(ctx, "SELECT u FROM member WHERE campaign = ? AND u > ? ORDER BY u LIMIT ?", c, after, limit)
	if err != nil {
		return nil, dbError(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var u string
		if err := rows.Scan(&u); err != nil {
			return nil, dbError(err)
		}
		out = append(out, u)
	}
	return out, dbError(rows.Err())
}
