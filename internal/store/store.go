package store

import (
	"context"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/placement"
)

// Store is an engine: the control data of the instance, and a keyspace per tenant.
// It is safe for concurrent use.
type Store interface {
	// Control returns the documents of the instance itself (tenants, the platform's own).
	Control() Documents

	// CreateKeyspace makes a keyspace and its tables; it succeeds when they are there already.
	// A name is 1 to 48 of [a-zA-Z0-9_], starting with a letter or digit; else Invalid.
	CreateKeyspace(ctx context.Context, name string) error

	// Keyspace opens a keyspace. NotFound when it, or its tables, do not exist. What it
	// returns is shared and is closed by Close of the Store.
	Keyspace(ctx context.Context, name string) (Keyspace, error)

	// Ping reports whether the store can be read and written now.
	Ping(ctx context.Context) error

	// Close ends all keyspaces. Calls under way fail with Unavailable.
	Close() error
}

// Limits of every engine.
const (
	MaxDocument  = 1 << 20  // octets of a document's body: TooLarge beyond
	MaxBlob      = 4 << 20  // octets of a template
	MaxVariables = 64 << 10 // octets of an assignment's variables, as JSON
	MaxBatch     = 1000     // rows of WriteAssignments, events of Log
	MaxPage      = 1000     // rows of a page of List, Members, Events
)

// Doc is a small versioned document.
type Doc struct {
	Kind string
	ID   string
	Rev  uint64 // from 1; grows with every Put
	Body []byte
}

// TracesKept is for how long the traces of changes are kept: longer than whoever follows them is
// away for a restart, and not so long that they would be a record of people.
const TracesKept = 15 * time.Minute

// Trace is what a change leaves: that something was changed, and nothing of how. It names no
// person and no document: what was removed must be gone, and traces stay for a while.
type Trace struct {
	Owner string // whose record was changed, by Keyspace.Apply; else empty
	Kind  string // of the document that was put or deleted; else empty

	Cursor string // for the traces after this one; not a part of the change
}

// Documents keeps documents by (kind, id). Reads see everything that was durable when they
// were called.
type Documents interface {
	// Get returns a document or NotFound.
	Get(ctx context.Context, kind, id string) (Doc, error)
	// List returns up to limit (1 to MaxPage) documents of a kind, by id, those after `after`.
	List(ctx context.Context, kind, after string, limit int) ([]Doc, error)
	// Put writes body if the document's revision is rev (0: it must not exist) and returns
	// the new revision; else Conflict.
	Put(ctx context.Context, kind, id string, rev uint64, body []byte) (uint64, error)
	// Delete removes the document if its revision is rev; Conflict if it is another, NotFound
	// if there is none.
	Delete(ctx context.Context, kind, id string, rev uint64) error
	// Epoch returns a number that has grown whenever a document of the scope has changed.
	Epoch(ctx context.Context) (uint64, error)
	// Traces returns up to limit (1 to MaxPage) traces of changes in the order in which they became
	// durable, those after the cursor, and the cursor of the last one (of each, it is in the trace); a
	// change has left its trace when it is durable. Without a cursor it returns none, and the cursor of those to come. NotFound
	// when the cursor is none of these documents' or what came after it is not kept any more: it is
	// for TracesKept at least.
	Traces(ctx context.Context, cursor string, limit int) ([]Trace, string, error)
	// Once keeps result under key for ttl if nothing is kept there, and returns what is kept
	// there now; fresh tells whether it was this call that put it there.
	Once(ctx context.Context, key string, result []byte, now time.Time, ttl time.Duration) (kept []byte, fresh bool, err error)
}

// Keyspace is the data of one tenant.
type Keyspace interface {
	Documents

	// Person reads of one person's partition what may still matter: head, the assignments whose Until
	// is not before now, and of the ledger what is not over (placement.Placement.Over) or of the
	// campaign of such an assignment. So it costs what goes on and not what has been. A person never
	// heard of has Rev 0 and is not an error. Assignments of every version are returned; which
	// ones count is the reader's business.
	Person(ctx context.Context, user string, now time.Time) (Person, error)

	// History reads a person's whole ledger.
	History(ctx context.Context, user string) ([]placement.Placement, error)

	// Apply makes a change if the person's revision is still change.Rev, all of it or nothing:
	// head, ledger rows, log of events (those known by id are not logged twice), departures,
	// membership.
	// Conflict otherwise, except that the change whose ID was the last one applied succeeds
	// again without effect.
	Apply(ctx context.Context, change Change) error

	// Departures lists what is kept of departures under an owner, mailbox and UIDVALIDITY, by UID.
	// It outlives the person's record.
	Departures(ctx context.Context, owner, mailbox string, validity uint32) ([]placement.Departure, error)

	// Attend notes that a follower of the traces has acted on all of them up to the cursor, and is
	// waited for by Attended until an instant. What was noted under its name before is replaced.
	// Invalid: no name, or a cursor that is none.
	Attend(ctx context.Context, name, cursor string, until time.Time) error

	// Attended reports whether all followers that are waited for at the instant have acted on the
	// traces up to the cursor; Invalid: a cursor that is none.
	Attended(ctx context.Context, cursor string, now time.Time) (bool, error)

	// WriteAssignments puts rows of one version of a campaign, which all have the same until.
	// Rows of the same user and version replace each other, the higher Line wins, in whatever
	// order they arrive; so a repeated write changes nothing. Of a batch that is refused
	// (Invalid, TooLarge) nothing is written; one that is Unavailable may be written in part.
	WriteAssignments(ctx context.Context, c campaign.ID, v campaign.Version, until time.Time, rows []AssignmentRow) error

	// CountAssignments counts the rows of a version.
	CountAssignments(ctx context.Context, c campaign.ID, v campaign.Version) (int64, error)

	// DropAssignments removes up to limit (at least 1) rows of a version and tells how many it
	// removed; 0 means that none is left.
	DropAssignments(ctx context.Context, c campaign.ID, v campaign.Version, limit int) (int, error)

	// PutTemplate keeps a template under its digest for ever; Template returns it or NotFound.
	PutTemplate(ctx context.Context, digest string, body []byte) error
	Template(ctx context.Context, digest string) ([]byte, error)

	// Log records events; those known by id are left as they are. It returns how many were new.
	Log(ctx context.Context, events []event.Event) (int, error)

	// Tally counts the distinct events of a campaign by type, sorted by type.
	Tally(ctx context.Context, c campaign.ID) ([]event.Count, error)

	// Events returns up to limit events of a campaign in the order of their recording, those
	// after the cursor (empty: from the first), and the cursor of the last one.
	Events(ctx context.Context, c campaign.ID, cursor string, limit int) ([]event.Event, string, error)

	// Members returns up to limit users, sorted, after `after`, that have ever held a placement
	// of the campaign: for sweeps, not for decisions.
	Members(ctx context.Context, c campaign.ID, after string, limit int) ([]string, error)
}

// Person is one person's partition.
type Person struct {
	User        string
	Rev         uint64 // 0: nothing was ever applied
	Head        Head
	Ledger      []placement.Placement // see Keyspace.Person
	Assignments []Assignment
}

// Head is what is exact about a person.
type Head struct {
	// NoClaimsBefore: after a void nothing is claimed until then (see virtual mailbox §7).
	NoClaimsBefore time.Time `json:"noClaimsBefore,omitzero"`
}

// Change is what Apply makes of a person.
type Change struct {
	User string
	// Owner is a keyed hash of the user (placement.Owner), for what must not name people: the trace
	// of the change, and departures.
	Owner      string
	Rev        uint64 // the revision that was read
	ID         string // of this change; repeated after an unknown outcome
	Head       Head
	Put        []placement.Placement // replace the ledger rows of the same Key
	Departures []placement.Departure // replace those of the same mailbox, UIDVALIDITY and UID
	Events     []event.Event
}

// Assignment is a row of an imported audience.
type Assignment struct {
	Campaign  campaign.ID
	Version   campaign.Version
	Until     time.Time
	Variables map[string]string
}

// AssignmentRow is a row to be written.
type AssignmentRow struct {
	User      string // normalised
	Line      int64  // in the bundle, from 1
	Variables map[string]string
}
