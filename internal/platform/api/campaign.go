package api

import (
	"time"

	"inlay.example/inlay/internal/campaign"
)

// Campaign is a campaign and where it is in its life.
type Campaign struct {
	ID       campaign.ID       `json:"id"`
	Name     string            `json:"name"`
	Class    campaign.Class    `json:"class" enum:"service,own,third_party"`
	Template TemplateRef       `json:"template,omitzero" doc:"Absent in a draft that has none yet."`
	Audience string            `json:"audience,omitempty"`
	Mailbox  string            `json:"mailbox"`
	Start    time.Time         `json:"start,omitzero"`
	End      time.Time         `json:"end,omitzero"`
	Priority int               `json:"priority"`
	Position campaign.Position `json:"position,omitempty" doc:"Absent: top."`
	Reinject Reinject          `json:"reinject,omitzero"`

	State    campaign.State   `json:"state" enum:"draft,scheduled,preparing,running,paused,completed,cancelled,failed,archived"`
	Window   string           `json:"window,omitempty" enum:"before,open,over" doc:"Where now is between start and end; derived, not a state."`
	Failure  string           `json:"failure,omitempty" doc:"Why the campaign failed."`
	Pending  *Pending         `json:"pending,omitempty" doc:"A command that is kept here and that the middleware has not acknowledged yet; it is repeated until it has."`
	Version  campaign.Version `json:"version" doc:"Of the bundle; 0 before the first."`
	Revision uint64           `json:"revision" doc:"Of the last command; only grows."`
	Progress Progress         `json:"progress" doc:"Of the preparation."`

	Created   time.Time `json:"created"`
	Updated   time.Time `json:"updated"`
	Scheduled time.Time `json:"scheduled,omitzero"`
	Started   time.Time `json:"started,omitzero"`
	Ended     time.Time `json:"ended,omitzero"`
}

// TemplateRef is the version of a template that a campaign shows.
type TemplateRef struct {
	ID      string `json:"id"`
	Version uint32 `json:"version"`
	Digest  string `json:"digest"`
}

// Pending is a command that the middleware has not acknowledged yet.
type Pending struct {
	Command  campaign.Command `json:"command" enum:"pause,resume,recall"`
	Revision uint64           `json:"revision"`
	Since    time.Time        `json:"since"`
	Problem  string           `json:"problem,omitempty" doc:"Why it was not acknowledged at the last attempt."`
}

// Progress is how far a preparation has come.
type Progress struct {
	Step     Step     `json:"step,omitempty" enum:"bundle,push,import,done" doc:"What is being done: writing the bundle, pushing it, the middleware's import; done."`
	Rows     int64    `json:"rows" doc:"Of the audience."`
	Imported int64    `json:"imported" doc:"Rows that the middleware has taken."`
	Rejected int64    `json:"rejected" doc:"Rows that it has refused."`
	Errors   []string `json:"errors,omitempty" doc:"The first of the reasons."`
	Waiting  string   `json:"waiting,omitempty" doc:"What does not answer at present; it is tried again until it does."`
}

// Step is a step of a preparation.
type Step string

// The steps.
const (
	StepBundle Step = "bundle"
	StepPush   Step = "push"
	StepImport Step = "import"
	StepDone   Step = "done"
)

// Plan is a campaign to be created. What is absent can be given until it is scheduled.
type Plan struct {
	ID       string            `json:"id,omitempty" pattern:"^[a-z0-9-]{1,64}$" doc:"Made from the name when absent."`
	Name     string            `json:"name" minLength:"1" maxLength:"200"`
	Class    campaign.Class    `json:"class" enum:"service,own,third_party" doc:"The legal class: a service notice without marketing, the provider's own similar products, or anybody else's advertising."`
	Template string            `json:"template,omitempty" doc:"Id of a template; its version of now is used, whatever becomes of it later."`
	Audience string            `json:"audience,omitempty" doc:"Id of an audience."`
	Mailbox  string            `json:"mailbox,omitempty" maxLength:"255" doc:"INBOX when absent."`
	Start    *time.Time        `json:"start,omitempty" doc:"First instant at which it may be shown (RFC 3339)."`
	End      *time.Time        `json:"end,omitempty" doc:"First instant at which it is no longer shown; seven days after start when absent, at most 400."`
	Priority int               `json:"priority,omitempty" minimum:"0" maximum:"100" doc:"Of two campaigns for one person, the higher goes first."`
	Position campaign.Position `json:"position,omitempty" pattern:"^(top|(position|pinned) ([1-9][0-9]?|100))$" doc:"Where it is to be seen among the others, by date: \"top\" (when absent), \"position n\", or \"pinned m\": at the top, and injected anew when m newer messages have come above it."`
	Reinject Reinject          `json:"reinject,omitzero" doc:"With a position of \"pinned\", and only then."`
}

// Reinject is how often a pinned message may be injected anew for one person.
type Reinject struct {
	EveryHours int `json:"everyHours" minimum:"0" maximum:"9600" doc:"Between two injections at least, from 1."`
	Times      int `json:"times" minimum:"0" maximum:"100" doc:"At most, beside the first; from 1."`
}

// Patch changes a draft: members that are absent stay as they are.
type Patch struct {
	Name     *string            `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Class    *campaign.Class    `json:"class,omitempty" enum:"service,own,third_party"`
	Template *string            `json:"template,omitempty"`
	Audience *string            `json:"audience,omitempty"`
	Mailbox  *string            `json:"mailbox,omitempty" maxLength:"255"`
	Start    *time.Time         `json:"start,omitempty"`
	End      *time.Time         `json:"end,omitempty"`
	Priority *int               `json:"priority,omitempty" minimum:"0" maximum:"100"`
	Position *campaign.Position `json:"position,omitempty" pattern:"^(top|(position|pinned) ([1-9][0-9]?|100))$"`
	Reinject *Reinject          `json:"reinject,omitempty"`
}

// Statistics are the figures of one campaign, as the middleware has counted them.
type Statistics struct {
	Campaign campaign.ID      `json:"campaign"`
	State    campaign.State   `json:"state" doc:"As the middleware has it."`
	Version  campaign.Version `json:"version"`
	Assigned int64            `json:"assigned" doc:"People in the audience that counts now."`
	Live     int64            `json:"live" doc:"Messages that are in somebody's mailbox view now."`
	Events   map[string]int64 `json:"events" doc:"Distinct events by type: injected, read, expunged, withdrawn, expired, moved, reinjected."`
}
