package campaign

import "time"

// ID names a campaign within a tenant: 1 to 64 of [a-z0-9-], chosen by the platform.
type ID string

// Version counts the bundles of one campaign, from 1.
type Version uint32

// Class is the legal class of a campaign, and a gate of the decision.
type Class string

// The classes, see the manual's page on consent.
const (
	Service    Class = "service"     // outages, security, legal notices; no marketing
	Own        Class = "own"         // the provider's own similar products
	ThirdParty Class = "third_party" // anybody else's advertising
)

// State is where a campaign is in its life.
type State string

// The states. "Not yet in window" and "expired" are derived from the clock and not states.
const (
	Draft     State = "draft"
	Scheduled State = "scheduled"
	Preparing State = "preparing" // bundle being written and imported
	Running   State = "running"
	Paused    State = "paused" // no new injections, what is live stays
	Completed State = "completed"
	Cancelled State = "cancelled" // recalled: everything live is withdrawn
	Failed    State = "failed"
	Archived  State = "archived"
)

// Active is a campaign as the middleware knows it: what the decision needs and nothing else.
// It is stored as a document of kind "campaign" in the tenant's scope.
type Active struct {
	ID       ID        `json:"id"`
	Name     string    `json:"name"`
	Class    Class     `json:"class"`
	Mailbox  string    `json:"mailbox"` // UTF-8 name; "INBOX" in any case is the inbox
	Start    time.Time `json:"start"`   // first instant at which it may be injected
	End      time.Time `json:"end"`     // first instant at which it is no longer shown
	Priority int       `json:"priority"`
	Position Position  `json:"position,omitempty"`
	Reinject Reinject  `json:"reinject,omitzero"` // of "pinned"
	State    State     `json:"state"`             // Running, Paused, Cancelled
	Revision uint64    `json:"revision"`          // of the last command obeyed; only grows
	Version  Version   `json:"version"`           // the version that readers accept; 0 before the first import is complete
	Template string    `json:"template"`          // digest of the template of that version: "sha256:" and 64 hex digits
}
