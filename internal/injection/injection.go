package injection

import (
	"context"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/placement"
)

// DefaultTenant answers every call that names no tenant.
const DefaultTenant = "default"

// Person is whom a call is about.
type Person struct {
	Tenant string `json:"tenant,omitempty"` // empty: DefaultTenant
	User   string `json:"user"`             // login name; the middleware normalises it
}

// Service is what an IMAP server asks of the middleware.
//
// All methods may be called at the same time from any goroutine; those that change the same
// person are put in order by the store. Every method obeys ctx; after it is cancelled, a
// change may or may not have been made, and repeating it with the same Token tells.
// Faults: Invalid, NotFound (tenant, template or placement), Conflict (the record is not, or
// no longer, in the state that the call needs), Unauthenticated, TooLarge, Unavailable.
// What was returned without error is durable.
type Service interface {
	// Begin is the lookup at login: what is live, and what may be injected now.
	// It changes nothing but lets what is past its end expire.
	Begin(ctx context.Context, req BeginRequest) (Session, error)

	// Placements is the light reading after a doorbell: all claimed, live and moving placements of
	// the person, those that have left and are pending still, and the claims that became void
	// lately with a marker perhaps behind them (placement.Lost), by UID. It sees everything that
	// was durable when it was called.
	Placements(ctx context.Context, p Person) ([]placement.Placement, error)

	// Template returns the source of a template by its digest. It is immutable: callers may
	// keep it for ever. It is at most MaxTemplate octets.
	Template(ctx context.Context, tenant, digest string) ([]byte, error)

	// Claim takes the right to inject the offer, for one gateway, for the time of a lease.
	// Conflict when somebody else holds or has had it, or it is no longer to be injected.
	// With the token of the claim that holds it, it answers as the first time.
	Claim(ctx context.Context, req ClaimRequest) (placement.Placement, error)

	// Confirm makes a claimed placement live and records "injected"; Conflict when the claim's
	// token is not the record's, or it was voided. Repeating it answers as the first time. One that
	// replaces another withdraws that in the same change, as pending, and records "reinjected" of it.
	Confirm(ctx context.Context, req ConfirmRequest) (placement.Placement, error)

	// Void ends a claim (of whichever gateway, see VoidRequest) or a live placement whose UID
	// is no longer its own. Voiding what is void succeeds.
	Void(ctx context.Context, req VoidRequest) error

	// SetFlags changes the flags of a live placement and returns it as it is now; it records
	// "read" when \Seen is set for the first time. Changing nothing succeeds and keeps Rev.
	SetFlags(ctx context.Context, req FlagsRequest) (placement.Placement, error)

	// Expunge removes a live placement for good, records "expunged", and returns it as it is now.
	// Expunging what is expunged succeeds; Conflict when it has left in another way.
	Expunge(ctx context.Context, req ExpungeRequest) (placement.Placement, error)

	// Settle ends a pending change, live or departed (RFC 7162; virtual mailbox §5). What became of
	// it is no error; Conflict when the placement never had a UID.
	Settle(ctx context.Context, req SettleRequest) (Settlement, error)

	// Departed lists what has left a mailbox since its UIDVALIDITY began, by UID: read only for
	// VANISHED.
	Departed(ctx context.Context, req DepartedRequest) ([]placement.Departure, error)

	// Move says that a live placement is about to be copied to another mailbox, and EndMove that it
	// was (it leaves for good, and "moved" is recorded) or was not (it is live again). Both answer
	// as the first time when repeated; Conflict when it is not in the state for it.
	Move(ctx context.Context, req MoveRequest) (placement.Placement, error)
	EndMove(ctx context.Context, req EndMoveRequest) (placement.Placement, error)

	// Watch follows the changes of a tenant until ctx ends, and calls heard for each, in order and
	// never twice at a time. An Alive comes at once when the stream stands, and then at least every
	// AliveEvery: who has heard nothing for some times that long has lost the stream. A change is
	// told within a second after it became durable, also when another instance made it; one of a
	// person is in a reading that begins after it was told. Words may come twice, and words of
	// changes that changed nothing. It ends with the error of heard, or with Unavailable when the
	// stream is lost; with the last Cursor it goes on where it was.
	Watch(ctx context.Context, req WatchRequest, heard func(Change) error) error

	// Attend says that the caller, of that name, has acted on every word of the change stream up to
	// the cursor. For AttendLease from now on, nothing begins for people who may be quiet until it has
	// said so again. Whoever takes people for quiet attends at least every AliveEvery, and at once
	// after a word of a campaign or a reset; who takes nobody for quiet any more leaves.
	Attend(ctx context.Context, req AttendRequest) error

	// Record takes events that are not a consequence of another call (a body that was fetched
	// in a mailbox opened read-only). At most MaxEvents at once; an event whose placement the
	// person does not have is Invalid. Repeating it records nothing twice.
	Record(ctx context.Context, p Person, events []Observation) error
}

// Limits of the contract.
const (
	MaxTemplate = 4 << 20 // octets of a template's source
	MaxEvents   = 1000    // observations in one call
	MaxFlags    = 64      // flags of one placement
	MaxFlagSize = 128     // octets of one flag

	// AliveEvery is how often a change stream is heard at least.
	AliveEvery = 2 * time.Second
	// AttendLease is for how long whoever has attended is waited for.
	AttendLease = 10 * time.Second
	MaxName     = 128 // octets of AttendRequest.Name
)

// BeginRequest opens a session.
type BeginRequest struct {
	Person
	ClientID   map[string]string `json:"clientId,omitempty"`   // what the client said in ID (RFC 2971), if it did
	RemoteAddr string            `json:"remoteAddr,omitempty"` // IP address of the client
	// Reinject asks for offers that replace a placement, too: the caller knows how (Offer.Replaces).
	Reinject bool `json:"reinject,omitempty"`
}

// Session is what there is for a person now.
type Session struct {
	// Owner is what the change stream calls this person: it names nobody.
	Owner string `json:"owner"`
	// Quiet says that nothing can happen to this person before the change stream tells of it (of a
	// campaign, or a reset): nothing that runs, waits or is paused can concern them, and nothing is
	// there, under way, unraised, or was void within the hour. It may be relied on only
	//   - if no such word was heard between the call and its answer,
	//   - until the next one, and
	//   - while less than AttendLease, with a margin for clocks, has passed since an Attend that
	//     succeeded was sent.
	Quiet      bool                  `json:"quiet,omitempty"`
	Placements []placement.Placement `json:"placements"` // as Service.Placements
	Offers     []Offer               `json:"offers"`     // best first; claiming decides
}

// Offer is something that may be injected now, if its claim succeeds.
type Offer struct {
	ID            placement.ID `json:"id"` // of the placement that it would become
	placement.Key `json:"key"`
	Mailbox       string            `json:"mailbox"`
	Template      string            `json:"template"`
	Variables     map[string]string `json:"variables,omitempty"`
	Until         time.Time         `json:"until"`
	// Position is where it is to be seen: its date, as ConfirmRequest.InternalDate, is the caller's to
	// find.
	Position campaign.Position `json:"position"`
	// Replaces is the live placement of which this is the next occurrence. It is to be claimed only
	// when as many newer messages as Position says ("pinned m") are in the mailbox, and while no
	// session has the old one open. Confirm withdraws the old one in the same change; Conflict when
	// the person has removed or moved it meanwhile.
	Replaces placement.ID `json:"replaces,omitempty"`
}

// ClaimRequest names the offer, where it is to go, and the lease.
type ClaimRequest struct {
	Person
	placement.Key `json:"key"`
	UIDValidity   uint32        `json:"uidValidity"`
	Token         string        `json:"token"` // of the caller's making, 16 to 64 of [A-Za-z0-9_-], never used for another claim
	Lease         time.Duration `json:"lease"` // 1 s to 1 min
}

// ConfirmRequest says which UID was reserved.
type ConfirmRequest struct {
	Person
	ID           placement.ID `json:"id"`
	Token        string       `json:"token"`
	UID          imap.UID     `json:"uid"`
	InternalDate time.Time    `json:"internalDate"`
	ModSeq       uint64       `json:"modSeq,omitempty"`
}

// VoidRequest ends a claim. With Token it is that claim only, whether its lease lives or not:
// the caller gives its own up, or has waited for another's long enough.
type VoidRequest struct {
	Person
	ID    placement.ID `json:"id"`
	Token string       `json:"token"`
	// Reason is shown to operators: quota, no_uidplus, rights, marker_kept, lapsed, superseded, uid_taken, validity, render.
	Reason string `json:"reason"`
	// Release says that nothing was left behind and nobody was made to wait: the offer may be
	// claimed again at once. Otherwise nothing is claimed for this person for ten minutes.
	Release bool `json:"release,omitempty"`
}

// FlagsOp is how FlagsRequest.Flags are meant.
type FlagsOp string

// The operations of STORE (RFC 9051 §6.4.6).
const (
	AddFlags     FlagsOp = "add"
	RemoveFlags  FlagsOp = "remove"
	ReplaceFlags FlagsOp = "replace"
)

// FlagsRequest changes flags. \Recent is Invalid.
type FlagsRequest struct {
	Person
	ID    placement.ID `json:"id"`
	Op    FlagsOp      `json:"op"`
	Flags []string     `json:"flags"`
	// IfRev, unless it is 0, is the revision that the placement must have: else Conflict.
	IfRev uint64 `json:"ifRev,omitempty"`
	// Pending says that the backend keeps mod-sequences for the mailbox: the change is written as
	// one that the caller will raise and settle.
	Pending bool `json:"pending,omitempty"`
	// Unraised, with Pending, says that the caller will not raise it, because it does not know
	// whether somebody holds a mod-sequence of the mailbox: whoever does need not wait.
	Unraised bool `json:"unraised,omitempty"`
	// Touch, without Op and Flags, changes nothing but the revision, as a pending change: the message
	// gets a new mod-sequence, by which clients find it again.
	Touch bool `json:"touch,omitempty"`
}

// ExpungeRequest removes a placement.
type ExpungeRequest struct {
	Person
	ID       placement.ID `json:"id"`
	Pending  bool         `json:"pending,omitempty"`  // as in FlagsRequest
	Unraised bool         `json:"unraised,omitempty"` // likewise
}

// SettleRequest gives a pending change its mod-sequence.
type SettleRequest struct {
	Person
	ID     placement.ID `json:"id"`
	Rev    uint64       `json:"rev"`    // the record's, durable before HIGHESTMODSEQ was raised
	ModSeq uint64       `json:"modSeq"` // what it was raised to; 0: the backend keeps none for the mailbox
}

// Settlement is what became of it, and the placement as it is now.
type Settlement struct {
	Outcome   placement.Outcome   `json:"outcome"`
	Placement placement.Placement `json:"placement"`
}

// DepartedRequest names a mailbox.
type DepartedRequest struct {
	Person
	Mailbox     string `json:"mailbox"`
	UIDValidity uint32 `json:"uidValidity"`
}

// MoveRequest announces a copy.
type MoveRequest struct {
	Person
	ID     placement.ID `json:"id"`
	Target string       `json:"target"` // mailbox
	Copy   string       `json:"copy"`   // how the caller would find the copy there; its own form
}

// EndMoveRequest ends a move.
type EndMoveRequest struct {
	Person
	ID       placement.ID `json:"id"`
	Done     bool         `json:"done"`
	Pending  bool         `json:"pending,omitempty"`  // as in FlagsRequest
	Unraised bool         `json:"unraised,omitempty"` // likewise
}

// WatchRequest names a tenant and where to go on.
type WatchRequest struct {
	Tenant string `json:"tenant,omitempty"` // empty: DefaultTenant
	Cursor string `json:"cursor,omitempty"` // of the last Change that was heard; empty: from now on
}

// AttendRequest says how far the stream was heard.
type AttendRequest struct {
	Tenant string `json:"tenant,omitempty"` // empty: DefaultTenant
	Name   string `json:"name"`             // of the IMAP server, one for each process
	Cursor string `json:"cursor"`           // of the last Change that was acted on
	Leave  bool   `json:"leave,omitempty"`  // nobody of that name is to be waited for any more
}

// ChangeKind is what has changed.
type ChangeKind string

// The kinds. A kind that is not known is to be taken for Reset.
const (
	Alive      ChangeKind = "alive"    // nothing
	OfPerson   ChangeKind = "person"   // a person's placements: claimed, confirmed, flags, left, settled, voided
	OfCampaign ChangeKind = "campaign" // a campaign: new, another version, paused, resumed, recalled; its start or end has come
	Reset      ChangeKind = "reset"    // anything may have: the cursor was too old
)

// Change is a word of a change stream. It says that something has changed; what it is now is to be
// read.
type Change struct {
	Kind   ChangeKind `json:"kind"`
	Cursor string     `json:"cursor"`          // behind this word
	Owner  string     `json:"owner,omitempty"` // of OfPerson: as in Session
}

// Observation is an event as the IMAP server saw it; the middleware gives it its ID and time.
type Observation struct {
	Type      event.Type   `json:"type"` // event.Read
	Placement placement.ID `json:"placement"`
	Campaign  campaign.ID  `json:"campaign"`
}
