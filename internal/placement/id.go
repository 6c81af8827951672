package placement

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// IDSize is the length of an ID: hex of half an HMAC-SHA256. 128 bits are far from a
// collision for any number of mailboxes, and short enough for a header.
const IDSize = 32

// NewID derives the ID of a placement from whom it is for and what it shows. The key is the
// tenant's own and never changes, so that the same attempt has the same ID for ever.
func NewID(key []byte, user string, k Key) ID {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("inlay placement\x00"))
	// Every part is preceded by its length: ("a", "bc") must not be ("ab", "c").
	for _, part := range []string{user, string(k.Campaign), k.Occurrence} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		mac.Write(size[:])
		mac.Write([]byte(part))
	}
	return ID(hex.EncodeToString(mac.Sum(nil))[:IDSize])
}
