package middleware

import (
	"context"
	"io"
	"strings"

	"inlay.example/inlay/internal/object"
)

// prefixed shows the part of an object store that is below a prefix as a store of its own.
type prefixed struct {
	object.Store
	prefix string // ends with "/"
}

// own checks a key by itself: joined to the prefix, "../x" would be judged all the same, but
// an empty key would be reported by a name that the caller does not know.
func (p prefixed) own(key object.Key) (object.Key, error) {
	if err := key.Validate(); err != nil {
		return "", err
	}
	return object.Key(p.prefix) + key, nil
}

func (p prefixed) bare(info object.Info) object.Info {
	info.Key = object.Key(strings.TrimPrefix(string(info.Key), p.prefix))
	return info
}

// Put implements object.Store.
func (p prefixed) Put(ctx context.Context, key object.Key, r io.Reader, size int64) (object.Info, error) {
	full, err := p.own(key)
	if err != nil {
		return object.Info{}, err
	}
	info, err := p.Store.Put(ctx, full, r, size)
	return p.bare(info), err
}

// Get implements object.Store.
func (p prefixed) Get(ctx context.Context, key object.Key, offset int64) (io.ReadCloser, object.Info, error) {
	full, err := p.own(key)
	if err != nil {
		return nil, object.Info{}, err
	}
	r, info, err := p.Store.Get(ctx, full, offset)
	return r, p.bare(info), err
}

// Stat implements object.Store.
func (p prefixed) Stat(ctx context.Context, key object.Key) (object.Info, error) {
	full, err := p.own(key)
	if err != nil {
		return object.Info{}, err
	}
	info, err := p.Store.Stat(ctx, full)
	return p.bare(info), err
}

// List implements object.Store.
func (p prefixed) List(ctx context.Context, prefix string, after object.Key, limit int) ([]object.Info, error) {
	if after != "" {
		after = object.Key(p.prefix) + after
	}
	list, err := p.Store.List(ctx, p.prefix+prefix, after, limit)
	for i := range list {
		list[i] = p.bare(list[i])
	}
	return list, err
}

// Delete implements object.Store.
func (p prefixed) Delete(ctx context.Context, key object.Key) error {
	full, err := p.own(key)
	if err != nil {
		return err
	}
	return p.Store.Delete(ctx, full)
}
