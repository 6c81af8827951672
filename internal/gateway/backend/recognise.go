package backend

import "inlay.example/inlay/internal/imap"

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
