package backend

import (
	"bytes"

	"inlay.example/inlay/internal/imap"
)

// Kind is which server a backend is, as far as that makes a difference to what is shown.
type Kind string

// The kinds that were compared with real servers.
const (
	Other   Kind = ""
	Dovecot Kind = "dovecot"
	Cyrus   Kind = "cyrus"
)

// KindOf tells the kind from what the server says of itself: in its greeting, which an operator
// may have changed, and by capabilities that it alone has.
func KindOf(greeting []byte, caps imap.Capabilities) Kind {
	switch {
	case bytes.Contains(greeting, []byte("Cyrus IMAP")), caps.Has("X-REPLICATION"), caps.Has("NO_ATOMIC_RENAME"):
		return Cyrus
	case bytes.Contains(greeting, []byte("Dovecot")), caps.Has("SNIPPET=FUZZY"), caps.Has("PREVIEW=FUZZY"):
		return Dovecot
	}
	return Other
}
