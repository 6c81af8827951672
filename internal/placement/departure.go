package placement

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"inlay.example/inlay/internal/imap"
)

// Departure is what is remembered of a placement that left the view: a client that comes back
// after a year must hear VANISHED of it. It is kept for as long as its UIDVALIDITY lives, under
// Owner, and holds nothing else, so that it may survive the person's erasure.
type Departure struct {
	ID          ID       `json:"id"`
	Mailbox     string   `json:"mailbox"`
	UIDValidity uint32   `json:"uidValidity"`
	UID         imap.UID `json:"uid"`
	ModSeq      uint64   `json:"modSeq,omitempty"` // of its leaving, or of the last change before while Pending
	Pending     bool     `json:"pending,omitempty"`
}

// Departed gives the departure of a placement that has left after it was live; ok is false for
// every other one. One that became void under its UID has none: the UID is somebody else's.
func (p *Placement) Departed() (d Departure, ok bool) {
	switch p.State {
	case Expunged, Withdrawn, Expired, Moved:
		return Departure{p.ID, p.Mailbox, p.UIDValidity, p.UID, p.ModSeq, p.Pending}, p.UID != 0
	case Claimed, Live, Moving, Void:
	}
	return Departure{}, false
}

// Owner is the keyed hash of a user under which departures are kept: hex of half an HMAC-SHA256.
func Owner(key []byte, user string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("inlay owner\x00"))
	mac.Write([]byte(user))
	return hex.EncodeToString(mac.Sum(nil))[:IDSize]
}
