package backend

import "inlay.example/inlay/internal/imap"

// Kind is which server a backend is, as far as that makes a difference to what is shown.
type Kind string

// The kinds that were compared with real servers; the empty one is any other.
const (
	Dovecot Kind = "dovecot"
	Cyrus   Kind = "cyrus"
)

// RecogniseByCaps takes note of a server that does not name itself, by capabilities that it
// alone has after a login.
func (c *Conn) RecogniseByCaps(caps imap.Capabilities) {
	switch {
	case c.Server != "":
	case caps.Has("X-REPLICATION"), caps.Has("NO_ATOMIC_RENAME"):
		c.Server = Cyrus
	case caps.Has("SNIPPET=FUZZY"), caps.Has("PREVIEW=FUZZY"):
		c.Server = Dovecot
	}
}
