package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
)

// Config of the engine.
type Config struct {
	Dir string // made if it is not there
}

// Store is the engine. It is safe for concurrent use, also by several processes.
type Store struct{ dir, tmp string }

var _ object.Store = (*Store)(nil)

// New makes the folder, and removes what crashed writers left.
func New(cfg Config) (*Store, error) {
	s := &Store{dir: filepath.Join(cfg.Dir, "objects"), tmp: filepath.Join(cfg.Dir, "tmp")}
	for _, d := range []string{s.dir, s.tmp} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the object folder %s cannot be made", cfg.Dir)
		}
	}
	left, err := os.ReadDir(s.tmp)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the object folder %s cannot be read", cfg.Dir)
	}
	for _, e := range left {
		_ = os.Remove(filepath.Join(s.tmp, e.Name())) // at the next start if not now
	}
	return s, nil
}

// Part names: what url.PathEscape leaves, cut at 200 octets into "+"-ended folders, because a
// file name has at most 255.
const maxName = 200

func (s *Store) path(key object.Key) string {
	parts := strings.Split(string(key), "/")
	var names []string
	for i, p := range parts {
		n := url.QueryEscape(p)
		n = strings.ReplaceAll(n, "+", "%20")
		for len(n) > maxName {
			names = append(names, n[:maxName]+"+")
			n = n[maxName:]
		}
		if i < len(parts)-1 {
			n += ","
		}
		names = append(names, n)
	}
	return filepath.Join(append([]string{s.dir}, names...)...)
}

// key is the inverse of path, of a path relative to the folder.
func key(rel string) (object.Key, error) {
	var b strings.Builder
	for name := range strings.SplitSeq(filepath.ToSlash(rel), "/") {
		end := ""
		switch {
		case strings.HasSuffix(name, "+"):
			name = name[:len(name)-1]
		case strings.HasSuffix(name, ","):
			name, end = name[:len(name)-1], "/"
		}
		b.WriteString(name + end)
	}
	k, err := url.QueryUnescape(b.String())
	return object.Key(k), err
}

func failed(key object.Key, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fault.Wrap(fault.NotFound, err, "object %s does not exist", key)
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrap(fault.Denied, err, "object %s may not be accessed", key)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.Unavailable, err, "object %s: given up", key)
	}
	return fault.Wrap(fault.Unavailable, err, "object %s cannot be accessed", key)
}

// Put implements object.Store.
func (s *Store) Put(ctx context.Context, key object.Key, r io.Reader, size int64) (object.Info, error) {
	if err := key.Validate(); err != nil {
		return object.Info{}, err
	}
	tmp, err := os.CreateTemp(s.tmp, "put-")
	if err != nil {
		return object.Info{}, failed(key, fmt.Errorf("making a file: %v", err)) //nolint:errorlint // a missing folder is not a missing object
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	n, err := io.Copy(tmp, reader{ctx, r})
	if err != nil {
		return object.Info{}, failed(key, fmt.Errorf("writing: %w", err))
	}
	if size >= 0 && n != size {
		return object.Info{}, fault.New(fault.Invalid, "object %s has %d octets and not the %d announced", key, n, size)
	}
	if err := tmp.Sync(); err != nil {
		return object.Info{}, failed(key, err)
	}
	path := s.path(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return object.Info{}, failed(key, err)
	}
	if err := context.Cause(ctx); err != nil {
		return object.Info{}, failed(key, err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return object.Info{}, failed(key, err)
	}
	// The name is durable when its folder is.
	if d, err := os.Open(filepath.Dir(path)); err == nil {
		_ = d.Sync()
		d.Close()
	}
	return s.Stat(ctx, key)
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

// Get implements object.Store.
func (s *Store) Get(ctx context.Context, key object.Key, offset int64) (io.ReadCloser, object.Info, error) {
	if err := key.Validate(); err != nil {
		return nil, object.Info{}, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, object.Info{}, failed(key, err)
	}
	f, err := os.Open(s.path(key))
	if err != nil {
		return nil, object.Info{}, failed(key, err)
	}
	st, err := f.Stat()
	if err != nil || st.IsDir() {
		f.Close()
		if err == nil {
			err = fs.ErrNotExist
		}
		return nil, object.Info{}, failed(key, err)
	}
	if offset < 0 || offset > st.Size() {
		f.Close()
		return nil, object.Info{}, fault.New(fault.Invalid, "object %s has %d octets, %d is not a place in it", key, st.Size(), offset)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, object.Info{}, failed(key, err)
	}
	return f, info(key, st), nil
}

func info(key object.Key, st fs.FileInfo) object.Info {
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
	f, i, err := s.Get(ctx, key, 0)
	if err != nil {
		return i, err
	}
	return i, failed(key, f.Close())
}

// List implements object.Store. It walks the folder: it is for one machine's bundles, not for
// millions of objects.
func (s *Store) List(ctx context.Context, prefix string, after object.Key, limit int) ([]object.Info, error) {
	if limit < 1 || limit > 1000 {
		return nil, fault.New(fault.Invalid, "a page has 1 to 1000 objects")
	}
	var out []object.Info
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && path != s.dir {
				return nil // removed while we walk
			}
			return err
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(s.dir, path)
		if err != nil {
			return err
		}
		k, err := key(rel)
		if err != nil || !strings.HasPrefix(string(k), prefix) || k <= after {
			return nil //nolint:nilerr // a file that is not ours
		}
		st, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // removed while we walk
		}
		out = append(out, info(k, st))
		return nil
	})
	if err != nil {
		return nil, failed(object.Key(prefix), err)
	}
	slices.SortFunc(out, func(a, b object.Info) int { return strings.Compare(string(a.Key), string(b.Key)) })
	return out[:min(limit, len(out))], nil
}

// Delete implements object.Store.
func (s *Store) Delete(ctx context.Context, key object.Key) error {
	if err := key.Validate(); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return failed(key, err)
	}
	err := os.Remove(s.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return failed(key, err)
}

// Ping implements object.Store.
func (s *Store) Ping(context.Context) error {
	f, err := os.CreateTemp(s.tmp, "ping-")
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the object folder cannot be written")
	}
	f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the object folder cannot be written")
	}
	if _, err := os.ReadDir(s.dir); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the object folder cannot be read")
	}
	return nil
}
