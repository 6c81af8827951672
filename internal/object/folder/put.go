package folder

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"syscall"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
)

// Put implements object.Store. It writes a file beside the objects and renames it.
func (s *Store) Put(ctx context.Context, key object.Key, r io.Reader, size int64) (info object.Info, err error) {
	if err := s.check(ctx, key); err != nil {
		return object.Info{}, err
	}
	tmp, from, err := s.create()
	if err != nil {
		return object.Info{}, fault.Wrap(fault.Unavailable, err, "object %s: the object folder cannot be written", key)
	}
	defer func() {
		if err != nil {
			_ = s.root.Remove(from) // or at the next start
		}
		tmp.Close()
	}()
	if err := s.fill(ctx, key, tmp, r, size); err != nil {
		return object.Info{}, err
	}
	st, err := tmp.Stat()
	if err != nil {
		return object.Info{}, s.failed(key, err)
	}
	if err := context.Cause(ctx); err != nil {
		return object.Info{}, s.failed(key, err)
	}
	to := name(key)
	if err := s.root.MkdirAll(path.Dir(to), 0o700); err != nil {
		return object.Info{}, unplaced(key, err)
	}
	if err := s.root.Rename(from, to); err != nil {
		return object.Info{}, unplaced(key, err)
	}
	// The name is durable when its folder is.
	if d, err := s.root.Open(path.Dir(to)); err == nil {
		_ = d.Sync()
		d.Close()
	}
	return infoOf(key, st), nil
}

// unplaced classifies why a complete file did not get its name: never NotFound, which would
// be said of the object.
func unplaced(key object.Key, err error) error {
	return fault.Wrap(fault.Unavailable, err, "object %s cannot be put in its place", key)
}

// create makes a file that nobody else writes to; its lock says that its writer lives.
func (s *Store) create() (*os.File, string, error) {
	for {
		from := path.Join(writing, "put-"+rand.Text())
		f, err := s.root.OpenFile(from, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err != nil {
			return nil, "", err
		}
		// Whoever starts just now may take the file for a leftover before it is locked.
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			if _, err = s.root.Lstat(from); err == nil {
				return f, from, nil
			}
		}
		f.Close()
		if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = s.root.Remove(from)
			return nil, "", err
		}
		// It was, and is gone: another one.
	}
}

// fill writes the content durably.
func (s *Store) fill(ctx context.Context, key object.Key, tmp *os.File, r io.Reader, size int64) error {
	limit := s.cfg.MaxObject
	if limit > 0 && size > limit {
		return tooLarge(key, limit)
	}
	src := io.Reader(reader{ctx, r})
	if limit > 0 {
		src = io.LimitReader(src, limit+1)
	}
	n, err := io.Copy(tmp, src)
	if err != nil {
		var classified *fault.Error
		if errors.As(err, &classified) {
			return fmt.Errorf("reading what is to become object %s: %w", key, err)
		}
		// The source's own "not found" must not be said of the object.
		return fault.Wrap(fault.Unavailable, err, "object %s could not be written to its end", key)
	}
	if limit > 0 && n > limit {
		return tooLarge(key, limit)
	}
	if size >= 0 && n != size {
		return fault.New(fault.Invalid, "object %s has %d octets and not the %d announced", key, n, size)
	}
	return s.failed(key, tmp.Sync())
}

func tooLarge(key object.Key, limit int64) error {
	return fault.New(fault.TooLarge, "object %s has more than %d octets", key, limit)
}

// reader stops when ctx does.
type reader struct {
	ctx context.Context //nolint:containedctx // lives for one Copy
	r   io.Reader
}

func (r reader) Read(b []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}
