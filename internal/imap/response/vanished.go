package response

import (
	"bytes"

	"inlay.example/inlay/internal/imap"
)

// ParseVanished parses the rest of a VANISHED response. earlier says that the messages were gone
// before: no numbers change.
//
//	message-data  =/ expunged-resp                                      (rfc7162 §7)
//	expunged-resp  = "VANISHED" [SP "(EARLIER)"] SP known-uids
func ParseVanished(rest []byte) (uids imap.Set, earlier bool, err error) {
	f := bytes.Fields(rest)
	if len(f) == 2 && bytes.EqualFold(f[0], []byte("(EARLIER)")) {
		earlier, f = true, f[1:]
	}
	if len(f) != 1 {
		return uids, earlier, invalid("VANISHED %q: a set of UIDs expected", clip(rest))
	}
	set, err := uidSet("VANISHED", f[0])
	if err != nil {
		return uids, earlier, err
	}
	return set.Resolve(0), earlier, nil
}
