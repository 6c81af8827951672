package object

import (
	"context"
	"io"
	"time"
)

// Key names an object: 1 to 1024 octets of UTF-8, parts separated by "/", no part empty, "."
// or "..", no control characters, no leading "/" or "\". Everything else is Invalid.
type Key string

// Info describes an object.
type Info struct {
	Key      Key
	Size     int64
	Modified time.Time
	ETag     string // changes when the content does
}

// Store keeps objects. It is safe for concurrent use.
//
// Faults name the key: NotFound, Invalid (key), TooLarge, Denied, Unavailable.
type Store interface {
	// Put stores everything that r gives. The object appears whole or not at all: after an
	// error of r, a cancelled ctx or a crash the former object, or none, is there. size is
	// checked if it is not negative: Invalid when r gives more or less.
	Put(ctx context.Context, key Key, r io.Reader, size int64) (Info, error)
	// Get opens an object from offset on; offset may be its size, beyond is Invalid. The
	// caller closes. A reader goes on giving the object that was opened, or fails; it never
	// mixes two.
	Get(ctx context.Context, key Key, offset int64) (io.ReadCloser, Info, error)
	// Stat describes an object.
	Stat(ctx context.Context, key Key) (Info, error)
	// List gives up to limit (1 to 1000) objects whose keys start with prefix, by key, those
	// after `after`.
	List(ctx context.Context, prefix string, after Key, limit int) ([]Info, error)
	// Delete removes an object; deleting what is not there succeeds.
	Delete(ctx context.Context, key Key) error
	// Ping reports whether objects can be read and written now.
	Ping(ctx context.Context) error
}
