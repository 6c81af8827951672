package campaign

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"inlay.example/inlay/internal/fault"
)

// Limits of a campaign.
const (
	MaxID         = 64                   // octets of an ID
	MaxName       = 256                  // octets of a name, as a bundle's manifest has it
	MaxMailbox    = 255                  // octets of a mailbox's name
	MaxPriority   = 100                  // priorities are 0 to this one; higher goes first
	MaxDuration   = 400 * 24 * time.Hour // from start to end
	DefaultWindow = 7 * 24 * time.Hour   // from start to end when no end is given
)

// ValidID reports whether s can be an ID: 1 to MaxID of [a-z0-9-].
func ValidID(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= MaxID
}

// Template is the version of a template that a campaign shows.
type Template struct {
	ID      string `json:"id"`
	Version uint32 `json:"version"` // of the template, from 1
	Digest  string `json:"digest"`  // "sha256:" and 64 hex digits
}

// Plan is what its maker says about a campaign. In a draft everything but the name and the
// class may be missing.
type Plan struct {
	Name     string    `json:"name"`
	Class    Class     `json:"class"`
	Template Template  `json:"template,omitzero"`
	Audience string    `json:"audience,omitempty"`
	Mailbox  string    `json:"mailbox"` // UTF-8 name; "INBOX" in any case is the inbox
	Start    time.Time `json:"start,omitzero"`
	End      time.Time `json:"end,omitzero"`
	Priority int       `json:"priority"`
	Position Position  `json:"position,omitempty"`
	Reinject Reinject  `json:"reinject,omitzero"` // of "pinned"
}

// Normalised returns the plan as it is kept: the default mailbox filled in, times in UTC and
// whole milliseconds, which is what every store keeps.
func (p Plan) Normalised() Plan {
	p.Name = strings.TrimSpace(p.Name)
	if p.Mailbox == "" || strings.EqualFold(p.Mailbox, "INBOX") {
		p.Mailbox = "INBOX" // rfc9051 §5.1: INBOX is not case sensitive
	}
	p.Start, p.End = whole(p.Start), whole(p.End)
	return p
}

func whole(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Millisecond)
}

// Check says everything that is wrong with the plan of a draft, as fault.Fields.
func (p Plan) Check() error { return p.problems().Err() }

func (p Plan) problems() fault.Fields {
	var f fault.Fields
	switch {
	case p.Name == "":
		f.Add("name", "must not be empty")
	case len(p.Name) > MaxName:
		f.Add("name", "must have at most %d octets", MaxName)
	case !utf8.ValidString(p.Name) || strings.IndexFunc(p.Name, unicode.IsControl) >= 0:
		f.Add("name", "must be text without control characters")
	}
	switch p.Class {
	case Service, Own, ThirdParty:
	default:
		f.Add("class", `must be "service", "own" or "third_party"`)
	}
	switch {
	case len(p.Mailbox) > MaxMailbox:
		f.Add("mailbox", "must have at most %d octets", MaxMailbox)
	case !utf8.ValidString(p.Mailbox) || strings.IndexFunc(p.Mailbox, unicode.IsControl) >= 0:
		f.Add("mailbox", "must be text without control characters")
	}
	if p.Priority < 0 || p.Priority > MaxPriority {
		f.Add("priority", "must be 0 to %d", MaxPriority)
	}
	f = append(f, CheckPosition(p.Position, p.Reinject)...)
	if !p.Start.IsZero() && !p.End.IsZero() {
		switch d := p.End.Sub(p.Start); {
		case d <= 0:
			f.Add("end", "must be after start")
		case d > MaxDuration:
			f.Add("end", "must be at most %d days after start", MaxDuration/(24*time.Hour))
		}
	}
	return f
}

// scheduled returns the plan with what a scheduled campaign must have, or says what is missing.
func (p Plan) scheduled(now time.Time) (Plan, error) {
	if p.End.IsZero() && !p.Start.IsZero() {
		p.End = p.Start.Add(DefaultWindow)
	}
	f := p.problems()
	if p.Template.Digest == "" {
		f.Add("template", "must be given before a campaign is scheduled")
	}
	if p.Audience == "" {
		f.Add("audience", "must be given before a campaign is scheduled")
	}
	if p.Start.IsZero() {
		f.Add("start", "must be given before a campaign is scheduled")
	} else if !p.End.After(now) {
		f.Add("end", "must be in the future; it is %s", p.End.Format(time.RFC3339))
	}
	return p, f.Err()
}
