package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/store"
)

// Config of the engine.
type Config struct {
	Dir string // made if it is not there; files in it are for the owner only
}

// Deps of the engine.
type Deps struct{ Log *slog.Logger }

// Store is the engine. It is safe for concurrent use.
type Store struct {
	dir     string
	log     *slog.Logger
	lock    *os.File
	control *file

	mu        sync.Mutex
	closed    bool
	keyspaces map[string]*file
}

var _ store.Store = (*Store)(nil)

// Open locks the directory and opens the control file. Conflict when another process has it.
func Open(ctx context.Context, cfg Config, deps Deps) (*Store, error) {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the store's directory %s cannot be made", cfg.Dir)
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: cfg.Dir, log: deps.Log, lock: lock, keyspaces: map[string]*file{}}
	if s.control, err = openFile(ctx, filepath.Join(cfg.Dir, "control.db")); err != nil {
		lock.Close()
		return nil, err
	}
	return s, nil
}

// lockDir makes sure that one process uses the directory: two writers of one file would each
// believe in its own group commit.
func lockDir(dir string) (*os.File, error) {
	name := filepath.Join(dir, "lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the store's directory %s cannot be written", dir)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		pid, _ := os.ReadFile(name)
		f.Close()
		return nil, fault.New(fault.Conflict, "the store's directory %s is in use by process %s", dir, strings.TrimSpace(string(pid)))
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

// Control implements store.Store.
func (s *Store) Control() store.Documents { return s.control }

var keyspaceName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_]{0,47}$`)

// CreateKeyspace implements store.Store.
func (s *Store) CreateKeyspace(ctx context.Context, name string) error {
	_, err := s.open(ctx, name, true)
	return err
}

// Keyspace implements store.Store.
func (s *Store) Keyspace(ctx context.Context, name string) (store.Keyspace, error) {
	return s.open(ctx, name, false)
}

func (s *Store) open(ctx context.Context, name string, create bool) (*file, error) {
	if !keyspaceName.MatchString(name) {
		return nil, fault.New(fault.Invalid, "keyspace name %q is not 1 to 48 of [a-zA-Z0-9_]", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	// As in CQL, names differ by more than case.
	key := strings.ToLower(name)
	if f := s.keyspaces[key]; f != nil {
		return f, nil
	}
	path := filepath.Join(s.dir, "keyspace-"+key+".db")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && !create {
		return nil, fault.New(fault.NotFound, "keyspace %s does not exist", name)
	}
	f, err := openFile(ctx, path)
	if err != nil {
		return nil, err
	}
	s.keyspaces[key] = f
	return f, nil
}

// Ping implements store.Store: it writes, so that a full disk is noticed.
func (s *Store) Ping(ctx context.Context) error {
	return s.control.ping(ctx)
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	errs := []error{s.control.close()}
	for name, f := range s.keyspaces {
		if err := f.close(); err != nil {
			errs = append(errs, fmt.Errorf("closing keyspace %s: %w", name, err))
		}
	}
	errs = append(errs, s.lock.Close())
	return errors.Join(errs...)
}
