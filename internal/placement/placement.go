package placement

import (
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/imap"
)

// ID names a placement within a tenant. It is derived from user, campaign and occurrence
// by a keyed hash, so that it can be shown in a header without telling the user's name.
type ID string

// State is where a placement is in its life.
type State string

// The states: claimed → live → expunged | withdrawn | expired, or claimed → void.
// Void is final for this attempt only: it may be claimed again.
const (
	Claimed   State = "claimed"   // a gateway is reserving a UID; the lease says until when
	Live      State = "live"      // in the view
	Expunged  State = "expunged"  // removed by the person; final
	Withdrawn State = "withdrawn" // taken back by a recall; final
	Expired   State = "expired"   // past its end; final
	Void      State = "void"      // its reservation failed, or its UID is no longer its own
)

// Final reports whether no further state can follow, other than by a new claim after Void.
func (s State) Final() bool { return s != Claimed && s != Live }

// Key names an attempt to show a campaign to a person once.
type Key struct {
	Campaign   campaign.ID `json:"campaign"`
	Occurrence string      `json:"occurrence"` // "1" for a campaign that does not recur
}

// Placement is one record of the ledger.
type Placement struct {
	ID  ID `json:"id"`
	Key `json:"key"`

	User        string            `json:"user"`    // normalised login name
	Mailbox     string            `json:"mailbox"` // UTF-8 name; "INBOX" for the inbox
	UIDValidity uint32            `json:"uidValidity"`
	UID         imap.UID          `json:"uid"` // 0 until it is live
	State       State             `json:"state"`
	Rev         uint64            `json:"rev"`   // of this record; grows with every change
	Token       string            `json:"token"` // of the claim: fences confirm and void
	Lease       time.Time         `json:"lease"` // of the claim; compared when read, safety comes from Token
	Reason      string            `json:"reason,omitempty"`
	Template    string            `json:"template"` // digest; fixes the bytes together with Variables, ID and InternalDate
	Variables   map[string]string `json:"variables,omitempty"`
	Flags       []string          `json:"flags,omitempty"` // sorted without regard to case, without \Recent
	// InternalDate is the instant of reservation, whole seconds, UTC; it is also the Date header.
	InternalDate time.Time `json:"internalDate"`
	ModSeq       uint64    `json:"modSeq,omitempty"` // the mailbox's HIGHESTMODSEQ after the reservation; 0 where the backend has none
	Until        time.Time `json:"until"`            // the campaign's end
	Created      time.Time `json:"created"`
	Changed      time.Time `json:"changed"`
}

// Seen reports whether the person has read it.
func (p *Placement) Seen() bool { return p.HasFlag(`\Seen`) }
