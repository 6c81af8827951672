package decision

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/placement"
)

// OnlyOccurrence is the first occurrence of a campaign, and the only one unless it is pinned.
const OnlyOccurrence = "1"

// Reason says why a campaign was not chosen.
type Reason string

// The reasons, in the order in which the gates are asked.
const (
	NotInAudience   Reason = "not_in_audience"   // no row for this person in the version that counts
	Recalled        Reason = "recalled"          // the campaign was taken back
	Paused          Reason = "paused"            // the campaign injects nothing for now
	Window          Reason = "window"            // not started yet, or ended
	AlreadyServed   Reason = "already_served"    // claimed, live, or has been
	CappedAfterVoid Reason = "capped:after_void" // a reservation failed a short while ago
)

// Assignment is a row of an audience for the person that is decided for.
type Assignment struct {
	Campaign  campaign.ID
	Version   campaign.Version
	Variables map[string]string
}

// Input is everything that a decision depends on.
type Input struct {
	User           string // normalised
	Campaigns      []campaign.Active
	Assignments    []Assignment
	Ledger         []placement.Placement
	NoClaimsBefore time.Time
	Now            time.Time
}

// Choice is a campaign that may be injected now.
type Choice struct {
	Campaign  campaign.Active
	Key       placement.Key
	Variables map[string]string
	Replaces  placement.ID // the live placement that the next occurrence of a pinned message takes the place of
}

// Rejection is a campaign that may not.
type Rejection struct {
	Campaign campaign.ID
	Reason   Reason
}

// Result is the decision: every campaign of the input is in exactly one of the two.
type Result struct {
	Chosen   []Choice    // best first
	Rejected []Rejection // by campaign
}

// Decide decides.
func Decide(in Input) Result {
	// Looked up once per campaign, and there may be a thousand campaigns at each login.
	rows, last := rowsOf(&in), lastOf(&in)
	out := Result{Rejected: make([]Rejection, 0, len(in.Campaigns))}
	for i := range in.Campaigns {
		c := &in.Campaigns[i]
		variables, assigned := rows[version{c.ID, c.Version}]
		occurrence, replaces := next(c, last[c.ID], in.Now)
		if reason := weigh(&in, c, assigned, occurrence == ""); reason != "" {
			out.Rejected = append(out.Rejected, Rejection{Campaign: c.ID, Reason: reason})
			continue
		}
		out.Chosen = append(out.Chosen, Choice{
			Campaign: *c, Key: placement.Key{Campaign: c.ID, Occurrence: occurrence}, Variables: variables, Replaces: replaces,
		})
	}
	slices.SortFunc(out.Rejected, func(a, b Rejection) int { return cmp.Compare(a.Campaign, b.Campaign) })
	day := in.Now.UTC().Format(time.DateOnly)
	slices.SortFunc(out.Chosen, func(a, b Choice) int {
		return cmp.Or(
			cmp.Compare(classRank(a.Campaign.Class), classRank(b.Campaign.Class)),
			cmp.Compare(b.Campaign.Priority, a.Campaign.Priority),
			cmp.Compare(rendezvous(in.User, b.Campaign.ID, day), rendezvous(in.User, a.Campaign.ID, day)),
			cmp.Compare(a.Campaign.ID, b.Campaign.ID),
		)
	})
	return out
}

// MayConcern reports whether a campaign of the input that is running or paused, now or when its
// start comes, could still be chosen for the person before another version of it is published.
func MayConcern(in Input) bool {
	rows, last := rowsOf(&in), lastOf(&in)
	for i := range in.Campaigns {
		c := &in.Campaigns[i]
		_, assigned := rows[version{c.ID, c.Version}]
		p := last[c.ID]
		if assigned && c.Version != 0 && c.State != campaign.Cancelled && in.Now.Before(c.End) && (p == nil || !p.State.Final()) {
			return true
		}
	}
	return false
}

// number is that of an occurrence; 0 for one that is none of ours.
func number(occurrence string) int {
	n, err := strconv.Atoi(occurrence)
	if err != nil {
		return 0
	}
	return n
}

// next is the occurrence of a campaign that may come after the last one that was not void; empty
// if none may. A pinned message may come again while the former one is live, with the pauses and as
// often as the campaign allows: what the person has removed or moved does not.
func next(c *campaign.Active, last *placement.Placement, now time.Time) (occurrence string, replaces placement.ID) {
	if last == nil {
		return OnlyOccurrence, ""
	}
	n := number(last.Occurrence)
	kind, _, err := c.Position.Parse()
	if err != nil || kind != campaign.Pinned || last.State != placement.Live ||
		n < 1 || n > c.Reinject.Times || now.Before(last.Created.Add(c.Reinject.Every())) {
		return "", ""
	}
	return strconv.Itoa(n + 1), last.ID
}

func rowsOf(in *Input) map[version]map[string]string {
	rows := make(map[version]map[string]string, len(in.Assignments))
	for _, a := range in.Assignments {
		rows[version{a.Campaign, a.Version}] = a.Variables
	}
	return rows
}

// lastOf gives of each campaign the placement of the last occurrence that was not void.
func lastOf(in *Input) map[campaign.ID]*placement.Placement {
	last := make(map[campaign.ID]*placement.Placement, len(in.Ledger))
	for i := range in.Ledger {
		p := &in.Ledger[i]
		if p.State != placement.Void && (last[p.Campaign] == nil || number(p.Occurrence) > number(last[p.Campaign].Occurrence)) {
			last[p.Campaign] = p
		}
	}
	return last
}

// version names what the rows of an audience belong to.
type version struct {
	campaign campaign.ID
	number   campaign.Version
}

// weigh asks the gates for one campaign; an empty reason means that all are open.
func weigh(in *Input, c *campaign.Active, assigned, served bool) Reason {
	switch {
	case !assigned || c.Version == 0:
		return NotInAudience
	case c.State == campaign.Cancelled:
		return Recalled
	case c.State != campaign.Running:
		return Paused
	case in.Now.Before(c.Start) || !in.Now.Before(c.End):
		return Window
	case served:
		return AlreadyServed
	case in.Now.Before(in.NoClaimsBefore):
		return CappedAfterVoid
	}
	return ""
}

// classRank puts what people must know before what others want them to know.
func classRank(c campaign.Class) int {
	switch c {
	case campaign.Service:
		return 0
	case campaign.Own:
		return 1
	case campaign.ThirdParty:
		return 2
	}
	return 3 // a class that is not known here waits behind those that are
}

// rendezvous is the weight of a campaign for a person on a day: among equals everybody has
// another favourite, and tomorrow perhaps another one, but a retry has the same.
func rendezvous(user string, c campaign.ID, day string) uint64 {
	sum := sha256.Sum256([]byte(day + "\x00" + string(c) + "\x00" + user))
	return binary.BigEndian.Uint64(sum[:8])
}
