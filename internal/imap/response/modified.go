package response

import (
	"bytes"

	"inlay.example/inlay/internal/imap"
)

// ParseModified parses the arguments of the code MODIFIED: numbers of STORE, UIDs of UID STORE.
//
//	resp-text-code =/ "MODIFIED" SP sequence-set      (rfc7162 §7)
func ParseModified(args []byte) (imap.Set, error) {
	set, err := uidSet("MODIFIED", bytes.TrimSpace(args))
	return set.Resolve(0), err
}
