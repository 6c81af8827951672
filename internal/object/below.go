package object

import (
	"context"
	"io"
	"strings"
)

// Below shows the part of a store that is below prefix as a store of its own: key "k" of it is
// "prefix/k" of the store. The prefix is a valid key without a "/" at its end; an empty one
// is the store itself.
func Below(s Store, prefix Key) Store {
	if prefix == "" {
		return s
	}
	return below{Store: s, prefix: string(prefix) + "/"}
}

type below struct {
	Store
	prefix string // ends with "/"
}

// own checks a key by itself: joined to the prefix, "../x" would be judged all the same, but
// an empty key would be reported by a name that the caller does not know.
func (p below) own(key Key) (Key, error) {
	if err := key.Validate(); err != nil {
		return "", err
	}
	return Key(p.prefix) + key, nil
}

func (p below) bare(info Info) Info {
	info.Key = Key(strings.TrimPrefix(string(info.Key), p.prefix))
	return info
}

// Put implements Store.
func (p below) Put(ctx context.Context, key Key, r io.Reader, size int64) (Info, error) {
	full, err := p.own(key)
	if err != nil {
		return Info{}, err
	}
	info, err := p.Store.Put(ctx, full, r, size)
	return p.bare(info), err
}

// Get implements Store.
func (p below) Get(ctx context.Context, key Key, offset int64) (io.ReadCloser, Info, error) {
	full, err := p.own(key)
	if err != nil {
		return nil, Info{}, err
	}
	r, info, err := p.Store.Get(ctx, full, offset)
	return r, p.bare(info), err
}

// Stat implements Store.
func (p below) Stat(ctx context.Context, key Key) (Info, error) {
	full, err := p.own(key)
	if err != nil {
		return Info{}, err
	}
	info, err := p.Store.Stat(ctx, full)
	return p.bare(info), err
}

// List implements Store.
func (p below) List(ctx context.Context, prefix string, after Key, limit int) ([]Info, error) {
	if after != "" {
		after = Key(p.prefix) + after
	}
	list, err := p.Store.List(ctx, p.prefix+prefix, after, limit)
	for i := range list {
		list[i] = p.bare(list[i])
	}
	return list, err
}

// Delete implements Store.
func (p below) Delete(ctx context.Context, key Key) error {
	full, err := p.own(key)
	if err != nil {
		return err
	}
	return p.Store.Delete(ctx, full)
}
