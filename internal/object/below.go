package object

import (
	"context"
	"io"
	"strings"
)

// Below shows the part of a store that is below a prefix as a store of its own: what is put as
// "a" is "prefix/a" there. The prefix is a valid key.
func Below(s Store, prefix Key) Store { return below{Store: s, prefix: string(prefix) + "/"} }

// below is what Below returns.
type below struct {
	Store
	prefix string // ends with "/"
}

// own checks a key by itself: joined to the prefix, "../x" would be judged all the same, but
// an empty key would be reported by a name that the caller does not know.
func (b below) own(key Key) (Key, error) {
	if err := key.Validate(); err != nil {
		return "", err
	}
	return Key(b.prefix) + key, nil
}

func (b below) bare(info Info) Info {
	info.Key = Key(strings.TrimPrefix(string(info.Key), b.prefix))
	return info
}

// Put implements Store.
func (b below) Put(ctx context.Context, key Key, r io.Reader, size int64) (Info, error) {
	full, err := b.own(key)
	if err != nil {
		return Info{}, err
	}
	info, err := b.Store.Put(ctx, full, r, size)
	return b.bare(info), err
}

// Get implements Store.
func (b below) Get(ctx context.Context, key Key, offset int64) (io.ReadCloser, Info, error) {
	full, err := b.own(key)
	if err != nil {
		return nil, Info{}, err
	}
	r, info, err := b.Store.Get(ctx, full, offset)
	return r, b.bare(info), err
}

// Stat implements Store.
func (b below) Stat(ctx context.Context, key Key) (Info, error) {
	full, err := b.own(key)
	if err != nil {
		return Info{}, err
	}
	info, err := b.Store.Stat(ctx, full)
	return b.bare(info), err
}

// List implements Store.
func (b below) List(ctx context.Context, prefix string, after Key, limit int) ([]Info, error) {
	if after != "" {
		after = Key(b.prefix) + after
	}
	list, err := b.Store.List(ctx, b.prefix+prefix, after, limit)
	for i := range list {
		list[i] = b.bare(list[i])
	}
	return list, err
}

// Delete implements Store.
func (b below) Delete(ctx context.Context, key Key) error {
	full, err := b.own(key)
	if err != nil {
		return err
	}
	return b.Store.Delete(ctx, full)
}
