package folder

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
)

// Config of the engine.
type Config struct {
	Dir string // made if it is not there
	// MaxObject is how many octets an object may have; 0: as many as there is room for.
	MaxObject int64
}

// Store is the engine. It is safe for concurrent use, also by several processes.
type Store struct {
	cfg Config
	// root is the folder. What is opened through it lies in it, whatever links are there.
	root *os.Root
}

var _ object.Store = (*Store)(nil)

// The two folders: what is complete, and what is being written.
const (
	objects = "objects"
	writing = "tmp"
)

// New makes the folder, and removes what crashed writers left.
func New(cfg Config) (*Store, error) {
	if cfg.MaxObject < 0 {
		return nil, fault.New(fault.Invalid, "the greatest size of an object must be 0 or greater")
	}
	for _, d := range [...]string{objects, writing} {
		if err := os.MkdirAll(path.Join(cfg.Dir, d), 0o700); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the object folder %s cannot be made", cfg.Dir)
		}
	}
	root, err := os.OpenRoot(cfg.Dir)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the object folder %s cannot be opened", cfg.Dir)
	}
	s := &Store{cfg: cfg, root: root}
	if err := s.sweep(); err != nil {
		root.Close()
		return nil, err
	}
	return s, nil
}

// sweep removes files whose writer is gone: nobody holds their lock any more.
func (s *Store) sweep() error {
	left, err := fs.ReadDir(s.root.FS(), writing)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the object folder %s cannot be read", s.cfg.Dir)
	}
	for _, e := range left {
		name := path.Join(writing, e.Name())
		f, err := s.root.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			continue // gone meanwhile
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = s.root.Remove(name) // at the next start if not now
		}
		f.Close()
	}
	return nil
}

// failed classifies what the file system says of an object.
func (s *Store) failed(key object.Key, err error) error {
	var classified *fault.Error
	switch {
	case err == nil || errors.As(err, &classified):
		return err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		// A folder that is gone, or a disk that is not mounted, is not a missing object.
		if _, gone := os.Stat(path.Join(s.cfg.Dir, objects)); gone != nil {
			return fault.Wrap(fault.Unavailable, err, "object %s: the object folder is gone", key)
		}
		return fault.Wrap(fault.NotFound, err, "object %s does not exist", key)
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrap(fault.Denied, err, "object %s may not be accessed", key)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.Unavailable, err, "object %s: given up", key)
	}
	return fault.Wrap(fault.Unavailable, err, "object %s cannot be accessed", key)
}

// check judges what every call is given.
func (s *Store) check(ctx context.Context, key object.Key) error {
	if err := key.Validate(); err != nil {
		return err
	}
	return s.failed(key, context.Cause(ctx))
}

// Get implements object.Store.
func (s *Store) Get(ctx context.Context, key object.Key, offset int64) (io.ReadCloser, object.Info, error) {
	f, info, err := s.open(ctx, key)
	if err != nil {
		return nil, object.Info{}, err
	}
	if offset < 0 || offset > info.Size {
		f.Close()
		return nil, object.Info{}, fault.New(fault.Invalid, "object %s has %d octets, %d is not a place in it", key, info.Size, offset)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, object.Info{}, s.failed(key, err)
	}
	return f, info, nil
}

func (s *Store) open(ctx context.Context, key object.Key) (*os.File, object.Info, error) {
	if err := s.check(ctx, key); err != nil {
		return nil, object.Info{}, err
	}
	f, err := s.root.Open(name(key))
	if err != nil {
		return nil, object.Info{}, s.failed(key, err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fs.ErrNotExist // something that is not ours
	}
	if err != nil {
		f.Close()
		return nil, object.Info{}, s.failed(key, err)
	}
	return f, infoOf(key, st), nil
}

func infoOf(key object.Key, st fs.FileInfo) object.Info {
	return object.Info{
		Key: key, Size: st.Size(), Modified: st.ModTime().UTC(),
		ETag: fmt.Sprintf("%x-%x-%x", inode(st), st.ModTime().UnixNano(), st.Size()),
	}
}

// inode differs for every Put: a rename brings a new file.
func inode(st fs.FileInfo) uint64 {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return sys.Ino
	}
	return 0
}

// Stat implements object.Store.
func (s *Store) Stat(ctx context.Context, key object.Key) (object.Info, error) {
	f, info, err := s.open(ctx, key)
	if err != nil {
		return object.Info{}, err
	}
	return info, s.failed(key, f.Close())
}

// List implements object.Store. It walks the folder: it is for one machine's bundles, not for
// millions of objects.
func (s *Store) List(ctx context.Context, prefix string, after object.Key, limit int) ([]object.Info, error) {
	if limit < 1 || limit > 1000 {
		return nil, fault.New(fault.Invalid, "a page has 1 to 1000 objects")
	}
	var out []object.Info
	err := fs.WalkDir(s.root.FS(), objects, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && p != objects {
				return nil // removed while we walk
			}
			return err
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			return nil
		}
		k, ok := keyOf(p)
		if !ok || !strings.HasPrefix(string(k), prefix) || k <= after {
			return nil
		}
		st, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // removed while we walk
		}
		out = append(out, infoOf(k, st))
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(fault.Unavailable, err, "the object folder is gone")
	}
	if err != nil {
		return nil, s.failed(object.Key(prefix), err)
	}
	slices.SortFunc(out, func(a, b object.Info) int { return strings.Compare(string(a.Key), string(b.Key)) })
	return out[:min(limit, len(out))], nil
}

// Delete implements object.Store.
func (s *Store) Delete(ctx context.Context, key object.Key) error {
	if err := s.check(ctx, key); err != nil {
		return err
	}
	err := s.failed(key, s.root.Remove(name(key)))
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// Ping implements object.Store.
func (s *Store) Ping(context.Context) error {
	p := path.Join(writing, "ping-"+rand.Text())
	f, err := s.root.OpenFile(p, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the object folder cannot be written")
	}
	f.Close()
	if err := s.root.Remove(p); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the object folder cannot be written")
	}
	if _, err := os.Stat(path.Join(s.cfg.Dir, objects)); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the object folder is gone")
	}
	return nil
}
