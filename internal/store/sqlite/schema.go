package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"inlay.example/inlay/internal/fault"
)

// migrations are numbered by their place and only ever added to. PRAGMA user_version says how
// many a file has had.
var migrations = []string{
	`CREATE TABLE doc (kind TEXT, id TEXT, rev INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
	 CREATE TABLE epoch (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER NOT NULL);
	 INSERT INTO epoch VALUES (1, 0);
	 CREATE TABLE once (k TEXT PRIMARY KEY, result BLOB NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
	 CREATE TABLE head (u TEXT PRIMARY KEY, rev INTEGER NOT NULL, change TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
	 CREATE TABLE ledger (u TEXT, campaign TEXT, occurrence TEXT, body BLOB NOT NULL, PRIMARY KEY (u, campaign, occurrence)) WITHOUT ROWID;
	 CREATE TABLE member (campaign TEXT, u TEXT, PRIMARY KEY (campaign, u)) WITHOUT ROWID;
	 CREATE TABLE assignment (u TEXT, until INTEGER, campaign TEXT, version INTEGER, line INTEGER NOT NULL, vars BLOB,
	   PRIMARY KEY (u, until, campaign, version)) WITHOUT ROWID;
	 CREATE INDEX assignment_version ON assignment (campaign, version);
	 CREATE TABLE template (digest TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
	 CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, campaign TEXT NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL);
	 CREATE INDEX event_campaign ON event (campaign, seq);
	 CREATE TABLE tally (campaign TEXT, type TEXT, n INTEGER NOT NULL, PRIMARY KEY (campaign, type)) WITHOUT ROWID;`,
	// What has lapsed is looked for with every new key.
	`CREATE INDEX once_until ON once (until);`,
	// No word of the user: owner is a keyed hash.
	`CREATE TABLE departed (owner TEXT, mailbox TEXT, validity INTEGER, uid INTEGER, body BLOB NOT NULL,
	   PRIMARY KEY (owner, mailbox, validity, uid)) WITHOUT ROWID;`,
	`CREATE TABLE trace (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, owner TEXT NOT NULL, kind TEXT NOT NULL);
	 CREATE INDEX trace_at ON trace (at);`,
	`CREATE TABLE attendant (name TEXT PRIMARY KEY, seq INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
	 CREATE INDEX attendant_until ON attendant (until);`,
	// over is placement.Placement.Over. It comes behind what it is made of.
	`ALTER TABLE ledger ADD COLUMN over INTEGER NOT NULL DEFAULT 0;
	 UPDATE ledger SET over = 1 WHERE json_extract(CAST(body AS TEXT), '$.state') IN ('expunged', 'withdrawn', 'expired', 'moved')
	   AND NOT coalesce(json_extract(CAST(body AS TEXT), '$.pending'), 0);
	 CREATE INDEX ledger_goes_on ON ledger (u) WHERE over = 0;`,
}

func migrate(ctx context.Context, db *sql.DB, file string) error {
	var have int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return fmt.Errorf("reading the schema version of %s: %w", file, err)
	}
	if have > len(migrations) {
		return fault.New(fault.Unsupported, "%s was written by a newer version: its schema is %d, the newest known here is %d", file, have, len(migrations))
	}
	for i := have; i < len(migrations); i++ {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return fmt.Errorf("migrating %s: %w", file, err)
		}
		if _, err = tx.ExecContext(ctx, migrations[i]); err == nil {
			_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", i+1))
		}
		if err != nil {
			_ = tx.Rollback()
			return fmt.Errorf("migrating %s to schema %d: %w", file, i+1, err)
		}
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("migrating %s to schema %d: %w", file, i+1, err)
		}
	}
	return nil
}
