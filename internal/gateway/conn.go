package gateway

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// lane is one direction that a session reads from. Its reader belongs to the session's
// goroutine, except while it is lent to another one that waits for the first octet: so the
// session can wait for client and backend at once, and read either without a copy.
type lane struct {
	wait  func() error // blocks until something can be read; consumes nothing
	avail func() int   // octets that can be read without blocking
	ready chan struct{}
	lent  bool
}

func newLane(wait func() error, avail func() int) *lane {
	return &lane{wait: wait, avail: avail, ready: make(chan struct{}, 1)}
}

// watch returns a channel that receives when the lane can be read (or has failed: reading
// tells). After receiving, call taken.
func (l *lane) watch() <-chan struct{} {
	if !l.lent {
		l.lent = true
		if l.avail() > 0 {
			l.ready <- struct{}{}
		} else {
			go func() {
				_ = l.wait() // the read that follows meets the same error
				l.ready <- struct{}{}
			}()
		}
	}
	return l.ready
}

// taken says that the channel of watch was received from.
func (l *lane) taken() { l.lent = false }

// own takes the reader back, waiting for the first octet if it is lent.
func (l *lane) own() {
	if l.lent {
		<-l.ready
		l.lent = false
	}
}

// slowConn gives every write a deadline, so that a peer that has stopped reading, and keeps
// its connection alive, does not hold a session for ever.
type slowConn struct {
	net.Conn
	timeout time.Duration
}

func (c slowConn) Write(b []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// patientConn gives every read a deadline while a command is being read: whoever stops in the
// middle of one holds what was read of it. While nothing is, there is no deadline, or the one of
// the login, which goes on whatever is said.
type patientConn struct {
	net.Conn
	s *session
}

func (c patientConn) Read(b []byte) (int, error) {
	if c.s.within {
		if err := c.SetReadDeadline(time.Now().Add(c.s.g.cfg.StallTimeout)); err != nil {
			return 0, err
		}
		c.s.stallArmed = true
	}
	return c.Conn.Read(b)
}

// expectMore says whether the client is in the middle of a command, and must go on.
func (s *session) expectMore(more bool) {
	s.within = more && s.user != ""
	if !s.within && s.stallArmed {
		s.stallArmed = false
		_ = s.nc.SetReadDeadline(time.Time{})
	}
}

const writeTimeout = 5 * time.Minute

// isNet reports whether err is of a connection, and not of what was said over it.
func isNet(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
