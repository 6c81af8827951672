package event

import (
	"time"

	"inlay.example/inlay/internal/campaign"
)

// Type is what happened. The values are those of the reference's conversion points.
type Type string

// The types that are recorded.
const (
	Injected  Type = "injected"  // a placement became live
	Read      Type = "read"      // \Seen was set, or a body was fetched without PEEK
	Expunged  Type = "expunged"  // the person removed it
	Moved     Type = "moved"     // the person moved it to another mailbox, where it is a message of theirs
	Withdrawn Type = "withdrawn" // a recall took it back
	Expired   Type = "expired"   // its end came
	// Reinjected: it left because the next occurrence of a pinned message took its place.
	Reinjected Type = "reinjected"
)

// ID identifies an event: hex of HMAC-SHA256 over placement and what happened to it, so that
// the same happening has the same ID from whichever instance, and however often it is told.
type ID string

// Event is one thing that happened to one placement.
type Event struct {
	ID         ID          `json:"id"`
	Type       Type        `json:"type"`
	Campaign   campaign.ID `json:"campaign"`
	Occurrence string      `json:"occurrence"`
	Placement  string      `json:"placement"`
	User       string      `json:"user"`
	At         time.Time   `json:"at"` // when it happened, by the clock of the middleware
}

// Count is how many distinct events of a type a campaign has had.
type Count struct {
	Type  Type  `json:"type"`
	Count int64 `json:"count"`
}
