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

// The states: claimed → live → expunged | withdrawn | expired, live → moving → moved | live, or
// claimed → void.
// Void is final for this attempt only: it may be claimed again.
const (
	Claimed   State = "claimed"   // a gateway is reserving a UID; the lease says until when
	Live      State = "live"      // in the view
	Moving    State = "moving"    // in the view still; a copy is being put into Target
	Moved     State = "moved"     // it is a real message in Target now; final
	Expunged  State = "expunged"  // removed by the person; final
	Withdrawn State = "withdrawn" // taken back by a recall; final
	Expired   State = "expired"   // past its end; final
	Void      State = "void"      // its reservation failed, or its UID is no longer its own
)

// Final reports whether no further state can follow, other than by a new claim after Void.
func (s State) Final() bool { return s != Claimed && s != Live && s != Moving }

// Over reports whether nothing can become of a record any more: it is final, and nothing is left to
// be raised. One that is void may be claimed again.
func (p *Placement) Over() bool { return p.State.Final() && p.State != Void && !p.Pending }

// Key names an attempt to show a campaign to a person once.
type Key struct {
	Campaign   campaign.ID `json:"campaign"`
	Occurrence string      `json:"occurrence"` // "1", and counted on for each time that a pinned message comes again
}

// Placement is one record of the ledger.
type Placement struct {
	ID  ID `json:"id"`
	Key `json:"key"`

	User        string   `json:"user"`    // normalised login name
	Mailbox     string   `json:"mailbox"` // UTF-8 name; "INBOX" for the inbox
	UIDValidity uint32   `json:"uidValidity"`
	UID         imap.UID `json:"uid"` // 0 until it is live
	State       State    `json:"state"`
	Rev         uint64   `json:"rev"` // of this record; grows with every change
	// Replaces is the placement that leaves when this one becomes live: the same message, pinned, that
	// others have come above.
	Replaces  ID                `json:"replaces,omitempty"`
	Token     string            `json:"token"` // of the claim: fences confirm and void
	Lease     time.Time         `json:"lease"` // of the claim; compared when read, safety comes from Token
	Reason    string            `json:"reason,omitempty"`
	Template  string            `json:"template"` // digest; fixes the bytes together with Variables, ID and InternalDate
	Variables map[string]string `json:"variables,omitempty"`
	Flags     []string          `json:"flags,omitempty"` // sorted without regard to case, without \Recent
	// InternalDate is that of the campaign's position, at first the instant of reservation: whole
	// seconds, UTC; it is also the Date header.
	InternalDate time.Time `json:"internalDate"`
	// ModSeq is the mod-sequence (RFC 7162) of the last settled change, at first the mailbox's
	// HIGHESTMODSEQ after the reservation; 0 where the backend has none.
	ModSeq uint64 `json:"modSeq,omitempty"`
	// Pending says that a later change is not settled: the backend's HIGHESTMODSEQ may not have
	// been raised for it yet. It matches every CHANGEDSINCE. One whose Changed is longer ago than
	// PendingLease was left by somebody; it, and one that is Unraised, is raised and settled by
	// whoever finds it.
	Pending bool `json:"pending,omitempty"`
	// Unraised says of a pending change that whoever made it does not raise: nobody waits for it.
	Unraised bool `json:"unraised,omitempty"`
	// Target and Copy say while it is moving where the copy is put (a mailbox's UTF-8 name), and
	// how the caller would find it there; at most MaxMailbox and MaxCopy octets.
	Target string `json:"target,omitempty"`
	Copy   string `json:"copy,omitempty"`

	Until   time.Time `json:"until"` // the campaign's end
	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"`
}

// MarkerMayCome is for how long after a claim became void its marker may still arrive in the
// mailbox: an APPEND may have been waiting behind a lock, for its gateway or for the mail server.
const MarkerMayCome = time.Hour

// Reasons of voids behind which a marker may be, or may come, without anybody knowing.
const (
	ReasonLapsed     = "lapsed"      // the lease of a claim ran out
	ReasonSuperseded = "superseded"  // a waiter gave up
	ReasonUnknown    = "unknown"     // it was not known whether there was a claim
	ReasonKept       = "marker_kept" // the marker could not be expunged
)

// Lost reports whether it is a claim that became void so recently, and so, that its marker may be
// in the mailbox.
func (p *Placement) Lost(now time.Time) bool {
	if p.State != Void || p.UID != 0 || now.Sub(p.Changed) >= MarkerMayCome {
		return false
	}
	switch p.Reason {
	case ReasonLapsed, ReasonSuperseded, ReasonUnknown, ReasonKept:
		return true
	}
	return false
}

// Seen reports whether the person has read it.
func (p *Placement) Seen() bool { return p.HasFlag(`\Seen`) }
