package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver

	"inlay.example/inlay/internal/fault"
)

// file is one SQLite file with its writer.
type file struct {
	path   string
	writes *sql.DB // one connection, used by run only
	reads  *sql.DB

	urgent chan *job // what somebody waits for: claims, flags, events, documents
	bulk   chan *job // turns of imports, and of the removal of what they replace
	stop   chan struct{}
	done   chan struct{}
	once   sync.Once
}

// job is a change; several are committed together, each in a savepoint of its own.
type job struct {
	ctx    context.Context //nolint:containedctx // of the caller, who waits for the job
	do     func(tx *sql.Tx) error
	err    error
	finish chan struct{}
}

// How much is committed together: for as long as a turn may take, so that a claim never waits
// behind more than one turn.
const (
	maxGroup = 256
	turn     = 5 * time.Millisecond
	// patience is how long bulk waits when there is always something urgent.
	patience = 50 * time.Millisecond
)

// idle is how long nothing is written before what was removed is removed from the WAL, too.
const idle = 500 * time.Millisecond

var errClosed = fault.New(fault.Unavailable, "the store is closed")

func openFile(ctx context.Context, path string) (*file, error) {
	// The file is made here, for its owner only.
	h, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the store's file %s cannot be opened", path)
	}
	h.Close()
	dsn := func(pragmas ...string) string {
		q := url.Values{"_pragma": append([]string{"busy_timeout(5000)", "secure_delete(1)"}, pragmas...)}
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
	}
	f := &file{
		path: path, urgent: make(chan *job), bulk: make(chan *job), stop: make(chan struct{}), done: make(chan struct{}),
	}
	if f.writes, err = sql.Open("sqlite", dsn("journal_mode(WAL)", "synchronous(FULL)")+"&_txlock=immediate"); err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	f.writes.SetMaxOpenConns(1)
	if err := migrate(ctx, f.writes, path); err != nil {
		f.writes.Close()
		if fault.KindOf(err) == fault.Internal {
			err = fault.Wrap(fault.Unavailable, err, "the store's file %s cannot be used", path)
		}
		return nil, err
	}
	if f.reads, err = sql.Open("sqlite", dsn("query_only(1)")); err != nil {
		f.writes.Close()
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	f.reads.SetMaxOpenConns(8)
	f.reads.SetMaxIdleConns(8) // opening one costs more than a read
	go f.run()
	return f, nil
}

func (f *file) close() error {
	f.once.Do(func() { close(f.stop) })
	<-f.done
	return errors.Join(f.reads.Close(), f.writes.Close())
}

// write runs do in a transaction and returns when it is durable.
func (f *file) write(ctx context.Context, queue chan *job, do func(tx *sql.Tx) error) error {
	j := &job{ctx: ctx, do: do, finish: make(chan struct{})}
	select {
	case queue <- j:
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, context.Cause(ctx), "the store did not answer in time")
	case <-f.stop:
		return errClosed
	}
	<-j.finish // a turn is short, and what became of it must be known
	return j.err
}

// turns gives a long work its turns: step works as long as more says and tells whether it is done.
// Every turn is durable for itself, so an error may leave a part of the work done.
func (f *file) turns(ctx context.Context, step func(tx *sql.Tx, more func() bool) (done bool, err error)) error {
	for {
		done := false
		err := f.write(ctx, f.bulk, func(tx *sql.Tx) (err error) {
			end := time.Now().Add(turn)
			done, err = step(tx, func() bool { return time.Now().Before(end) })
			return err
		})
		if err != nil || done {
			return err
		}
	}
}

func (f *file) run() {
	defer close(f.done)
	quiet := time.NewTimer(idle)
	defer quiet.Stop()
	last := time.Now() // turn of bulk
	for {
		first, bulk := f.next(last, quiet.C)
		switch {
		case first == nil && f.stopped():
			return
		case first == nil:
			if !f.truncate() {
				quiet.Reset(idle)
			}
			continue
		case bulk:
			last = time.Now()
		}
		f.commit(first)
		quiet.Reset(idle)
	}
}

// next waits for a job: an urgent one if there is any, but one of bulk when it has waited for
// long. It returns nil when there was none for a while, or f has stopped.
func (f *file) next(last time.Time, quiet <-chan time.Time) (j *job, bulk bool) {
	if time.Since(last) > patience {
		select {
		case j = <-f.bulk:
			return j, true
		default:
		}
	}
	select {
	case j = <-f.urgent:
		return j, false
	default:
	}
	select {
	case j = <-f.urgent:
		return j, false
	case j = <-f.bulk:
		return j, true
	case <-quiet:
	case <-f.stop:
	}
	return nil, false
}

func (f *file) stopped() bool {
	select {
	case <-f.stop:
		return true
	default:
		return false
	}
}

// truncate empties the WAL, in which what was overwritten would otherwise stay readable. It
// waits for nobody: while somebody reads it is not done, and tried again.
func (f *file) truncate() (done bool) {
	ctx := context.Background()
	var busy, frames, moved int
	_, err := f.writes.ExecContext(ctx, "PRAGMA busy_timeout = 0")
	if err == nil {
		err = f.writes.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
	}
	_, restored := f.writes.ExecContext(ctx, "PRAGMA busy_timeout = 5000")
	return errors.Join(err, restored) == nil && busy == 0
}

// commit runs first and whatever urgent has gathered, and commits them together.
func (f *file) commit(first *job) {
	group := []*job{first}
	tx, err := f.writes.BeginTx(context.Background(), nil)
	if err == nil {
		start := time.Now()
		f.savepoint(tx, first)
	gather:
		for len(group) < maxGroup && time.Since(start) < turn {
			select {
			case j := <-f.urgent:
				f.savepoint(tx, j)
				group = append(group, j)
			default:
				break gather
			}
		}
		err = tx.Commit()
		if err != nil {
			_ = tx.Rollback()
		}
	}
	for _, j := range group {
		if err != nil && j.err == nil {
			j.err = fault.Wrap(fault.Unavailable, err, "the store cannot be written")
		}
		close(j.finish)
	}
}

func (f *file) savepoint(tx *sql.Tx, j *job) {
	if err := context.Cause(j.ctx); err != nil {
		j.err = fault.Wrap(fault.Unavailable, err, "the store did not answer in time")
		return
	}
	if _, err := tx.Exec("SAVEPOINT j"); err != nil {
		j.err = dbError(err)
		return
	}
	if j.err = dbError(j.do(tx)); j.err != nil {
		if _, err := tx.Exec("ROLLBACK TO j"); err != nil {
			j.err = errors.Join(j.err, err)
		}
	}
	if _, err := tx.Exec("RELEASE j"); err != nil && j.err == nil {
		j.err = dbError(err)
	}
}

// dbError classifies what the database says; faults of ours pass.
func dbError(err error) error {
	var classified *fault.Error
	if err == nil || errors.As(err, &classified) {
		return err
	}
	return fault.Wrap(fault.Unavailable, err, "the store cannot be used")
}

func (f *file) ping(ctx context.Context) error {
	var n int
	if err := f.reads.QueryRowContext(ctx, "SELECT n FROM epoch").Scan(&n); err != nil {
		return dbError(err)
	}
	return f.write(ctx, f.urgent, func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE epoch SET n = n WHERE one = 1")
		return err
	})
}
