package event

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// NewID derives the ID of what happened to a placement. Each type happens to a placement at
// most once: a second reading, or an injection that is repeated after its UID was lost, is the
// same event. The key is the tenant's own and never changes.
func NewID(key []byte, placement string, t Type) ID {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("inlay event\x00"))
	mac.Write([]byte(placement)) // fixed length, so that what follows cannot be taken for a part of it
	mac.Write([]byte{0})
	mac.Write([]byte(t))
	return ID(hex.EncodeToString(mac.Sum(nil)))
}
