package laws

import (
	"math/rand/v2"
	"net"
)

// cutting hands what was read out in pieces that end anywhere, as networks do. It reads as much
// as there is and keeps it, so that the pieces do not cost a system call each.
type cutting struct {
	net.Conn
	rand *rand.Rand
	most int // octets in a piece
	buf  []byte
	kept []byte // part of buf that is still to be handed out
}

// cut makes a connection that is read in pieces; most of 0 leaves it as it is.
func cut(nc net.Conn, r *rand.Rand, most int) net.Conn {
	if most == 0 {
		return nc
	}
	return &cutting{Conn: nc, rand: r, most: most}
}

func (c *cutting) Read(p []byte) (int, error) {
	if len(c.kept) == 0 {
		if c.buf == nil {
			c.buf = make([]byte, 16<<10)
		}
		n, err := c.Conn.Read(c.buf)
		if n == 0 {
			return 0, err
		}
		c.kept = c.buf[:n] // an error comes again with the next Read
	}
	n := copy(p, c.kept[:min(len(c.kept), 1+c.rand.IntN(c.most))])
	c.kept = c.kept[n:]
	return n, nil
}
