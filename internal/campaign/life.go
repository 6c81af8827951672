package campaign

import (
	"time"

	"inlay.example/inlay/internal/fault"
)

// Campaign is a campaign as the platform keeps it. It is changed by its methods only; whoever
// keeps it writes the result by compare-and-set on the revision of the document, so that two
// changes made from the same reading never both succeed.
type Campaign struct {
	ID ID `json:"id"`
	Plan
	State    State    `json:"state"`
	Revision uint64   `json:"revision"`          // of the last command; only grows; 0 before the first
	Version  Version  `json:"version"`           // of the last bundle; 0 before the first
	Failure  string   `json:"failure,omitempty"` // why it is Failed
	Pending  *Pending `json:"pending,omitempty"` // what the middleware was not heard to obey yet
	Progress Progress `json:"progress,omitzero"`

	Created   time.Time `json:"created"`
	Updated   time.Time `json:"updated"`
	Scheduled time.Time `json:"scheduled,omitzero"`
	Started   time.Time `json:"started,omitzero"` // first Running
	Ended     time.Time `json:"ended,omitzero"`   // Completed, Cancelled or Failed
}

// Command is what a campaign can be told once it has left the platform.
type Command string

// The commands.
const (
	Pause  Command = "pause"  // nothing new is injected, what is live stays
	Resume Command = "resume" // ends a pause
	Recall Command = "recall" // everything is withdrawn, for ever
)

// leadsTo is the state that a command asks for.
func (c Command) leadsTo() State {
	switch c {
	case Pause:
		return Paused
	case Resume:
		return Running
	case Recall:
	}
	return Cancelled
}

// Pending is a command that is durable here and not yet acknowledged by the middleware.
type Pending struct {
	Command  Command   `json:"command"`
	Revision uint64    `json:"revision"`
	Since    time.Time `json:"since"`
	Problem  string    `json:"problem,omitempty"` // why it was not acknowledged at the last attempt
}

// Progress is how far a preparation has come. Each field is durable before the step that
// needs it begins, so that the step can be repeated after a crash with the same effect.
type Progress struct {
	Push     string   `json:"push,omitempty"`     // id of the push event
	Manifest string   `json:"manifest,omitempty"` // key of the bundle's manifest; set: the bundle is complete
	Job      string   `json:"job,omitempty"`      // of the middleware's import; set: the push was accepted
	Rows     int64    `json:"rows,omitempty"`     // of the audience
	Imported int64    `json:"imported,omitempty"` // rows that the middleware has taken
	Rejected int64    `json:"rejected,omitempty"` // rows that it has refused
	Errors   []string `json:"errors,omitempty"`   // the first of the reasons
	Waiting  string   `json:"waiting,omitempty"`  // what it waits for that does not answer
}

// New returns a draft.
func New(id ID, plan Plan, now time.Time) (Campaign, error) {
	plan = plan.Normalised()
	f := plan.problems()
	if !ValidID(string(id)) {
		f.Add("id", "must be 1 to %d of a-z, 0-9 and -", MaxID)
	}
	if err := f.Err(); err != nil {
		return Campaign{}, err
	}
	return Campaign{ID: id, Plan: plan, State: Draft, Created: whole(now), Updated: whole(now)}, nil
}

// Replan replaces the plan of a draft.
func (c *Campaign) Replan(plan Plan, now time.Time) error {
	if c.State != Draft {
		return fault.New(fault.Conflict, "the campaign is %s: only a draft can be changed", c.State)
	}
	plan = plan.Normalised()
	if err := plan.Check(); err != nil {
		return err
	}
	c.Plan, c.Updated = plan, whole(now)
	return nil
}

// Schedule ends the draft. The window must be complete and its end in the future; a start in
// the past means at once.
func (c *Campaign) Schedule(now time.Time) error {
	if err := transition(c.State, Scheduled); err != nil {
		return err
	}
	plan, err := c.Plan.Normalised().scheduled(now)
	if err != nil {
		return err
	}
	c.Plan = plan
	c.enter(Scheduled, now)
	return nil
}

// Prepare begins a preparation: a new version, to be pushed under the id given.
func (c *Campaign) Prepare(push string, now time.Time) error {
	if err := transition(c.State, Preparing); err != nil {
		return err
	}
	c.Version++
	c.Progress = Progress{Push: push}
	c.enter(Preparing, now)
	return nil
}

// Imported ends the preparation: the middleware shows the campaign from now on. A recall that
// was waiting for this is still pending.
func (c *Campaign) Imported(now time.Time) error {
	if c.State != Preparing {
		return fault.New(fault.Conflict, "the campaign is %s and not being prepared", c.State)
	}
	c.Progress.Waiting = ""
	c.enter(Running, now)
	return nil
}

// Fail ends a campaign that was never shown.
func (c *Campaign) Fail(reason string, now time.Time) error {
	if err := transition(c.State, Failed); err != nil {
		return err
	}
	// A recall that waited for the import has got what it wanted.
	if c.Pending != nil {
		c.Pending = nil
		c.enter(Cancelled, now)
		return nil
	}
	c.Failure, c.Progress.Waiting = reason, ""
	c.enter(Failed, now)
	return nil
}

// Complete ends a campaign whose window is over. A command that is still pending has lost its
// object, except a recall, which stays: it says more than that time has passed.
func (c *Campaign) Complete(now time.Time) error {
	switch {
	case now.Before(c.End):
		return fault.New(fault.Conflict, "the campaign ends at %s", c.End.Format(time.RFC3339))
	case c.Pending != nil && c.Pending.Command == Recall:
		return fault.New(fault.Conflict, "the campaign is being recalled")
	}
	if err := transition(c.State, Completed); err != nil {
		return err
	}
	c.Pending = nil
	c.enter(Completed, now)
	return nil
}

// Archive takes a campaign that is over out of sight.
func (c *Campaign) Archive(now time.Time) error {
	if err := transition(c.State, Archived); err != nil {
		return err
	}
	c.enter(Archived, now)
	return nil
}

// Wish notes a command. What the middleware must hear of becomes pending, with a revision
// greater than any before; what it never heard of is cancelled at once. Wishing for what is
// the case, or is pending already, succeeds and changes nothing.
func (c *Campaign) Wish(command Command, now time.Time) error {
	want, will := command.leadsTo(), c.State
	if c.Pending != nil {
		will = c.Pending.Command.leadsTo()
	}
	switch {
	case will == want:
		return nil
	case c.Pending != nil && will == Cancelled:
		return fault.New(fault.Conflict, "the campaign is being recalled, which is final")
	case c.State == Scheduled && command == Recall, c.State == Preparing && command == Recall && c.Progress.Manifest == "":
		c.enter(Cancelled, now)
		return nil
	case c.State == Preparing && command == Recall:
		// The middleware may have the bundle already.
	case c.State != Running && c.State != Paused:
		return fault.New(fault.Conflict, "the campaign is %s and cannot become %s", c.State, want)
	}
	c.Revision++
	c.Pending = &Pending{Command: command, Revision: c.Revision, Since: whole(now)}
	c.Updated = whole(now)
	return nil
}

// Acknowledged notes that the middleware has obeyed the command of that revision. Of another
// revision than the pending one it is passed over.
func (c *Campaign) Acknowledged(revision uint64, now time.Time) error {
	if c.Pending == nil || c.Pending.Revision != revision {
		return nil
	}
	next := c.Pending.Command.leadsTo()
	if next != c.State {
		if err := transition(c.State, next); err != nil {
			return err
		}
	}
	c.Pending = nil
	c.enter(next, now)
	return nil
}

// Overtake gives the pending command a revision beyond one that the middleware has seen from
// somebody else.
func (c *Campaign) Overtake(seen uint64, now time.Time) {
	if c.Pending == nil || seen < c.Pending.Revision {
		return
	}
	c.Revision = seen + 1
	c.Pending.Revision = c.Revision
	c.Updated = whole(now)
}

// Window says where now is in the campaign's window: "before", "open" or "over"; empty when
// the campaign has none yet.
func (c *Campaign) Window(now time.Time) string {
	switch {
	case c.Start.IsZero() || c.End.IsZero():
		return ""
	case now.Before(c.Start):
		return "before"
	case now.Before(c.End):
		return "open"
	}
	return "over"
}

// enter sets the state that transition has allowed.
func (c *Campaign) enter(s State, now time.Time) {
	now = whole(now)
	c.State, c.Updated = s, now
	switch s {
	case Scheduled:
		c.Scheduled = now
	case Running:
		if c.Started.IsZero() {
			c.Started = now
		}
	case Completed, Cancelled, Failed:
		c.Ended = now
	case Draft, Preparing, Paused, Archived:
	}
}

// Recalled notes that the middleware has withdrawn the campaign, whoever told it to.
func (c *Campaign) Recalled(now time.Time) error {
	if err := transition(c.State, Cancelled); err != nil {
		return err
	}
	c.Pending = nil
	c.enter(Cancelled, now)
	return nil
}
