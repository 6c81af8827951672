package deflate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/klauspost/compress/flate"

	"inlay.example/inlay/internal/fault"
)

const (
	history = 8 << 10 // octets of output that later output may refer to; what flate makes use of

	maxRatio = 256      // octets that one octet of input may stand for, see maxExtra
	maxExtra = 16 << 20 // octets of output beyond that
)

// Buffers are what connections compress into: shared by all of a gateway, held during a Write.
// The zero value is ready; it is safe for concurrent use.
type Buffers struct{ pool sync.Pool }

func (b *Buffers) get() *bytes.Buffer {
	if buf, ok := b.pool.Get().(*bytes.Buffer); ok {
		return buf
	}
	return new(bytes.Buffer)
}

func (b *Buffers) put(buf *bytes.Buffer) {
	buf.Reset()
	b.pool.Put(buf)
}

// Conn is a connection whose octets are compressed. One goroutine may read and another one
// write. Deadlines and Close are those of the connection below.
type Conn struct {
	net.Conn
	buffers *Buffers

	in   *inflater
	told []byte // the last octets of what was written, at most history
}

// New compresses c from here on. before is what was read from c already, and is compressed.
func New(c net.Conn, before []byte, buffers *Buffers) *Conn {
	var src io.Reader = c
	if len(before) > 0 {
		src = io.MultiReader(bytes.NewReader(before), c)
	}
	return &Conn{Conn: c, buffers: buffers, in: newInflater(src)}
}

// Read gives what the peer has said. What is not DEFLATE is fault.Invalid; more than the peer
// may make of what it sent is fault.TooLarge.
func (z *Conn) Read(b []byte) (int, error) {
	n, err := z.in.Read(b)
	switch {
	case z.in.given > maxExtra+maxRatio*z.in.came:
		err = fault.New(fault.TooLarge, "Compressed data that grows without measure")
	case errors.Is(err, errCorrupt):
		err = fault.Wrap(fault.Invalid, err, "Compressed data that cannot be read")
	}
	return n, err
}

// Write compresses b, and sends all of it.
func (z *Conn) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	buf := z.buffers.get()
	defer z.buffers.put(buf)
	if err := flate.StatelessDeflate(buf, b, false, z.told); err != nil {
		return 0, fmt.Errorf("compressing: %w", err)
	}
	z.remember(b)
	if _, err := z.Conn.Write(buf.Bytes()); err != nil {
		return 0, err //nolint:wrapcheck // of the connection, as it is
	}
	return len(b), nil
}

// remember keeps the end of what was written.
func (z *Conn) remember(b []byte) {
	if len(b) >= history {
		z.told = append(z.told[:0], b[len(b)-history:]...)
		return
	}
	if over := len(z.told) + len(b) - history; over > 0 {
		z.told = z.told[:copy(z.told, z.told[over:])]
	}
	z.told = append(z.told, b...)
}
