package campaign

import (
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/fault"
)

// Position is where a message is to be seen among the others of its mailbox, which clients show by
// date: "top", the date is that of the injection; "position n", it lies between those of the (n-1)th
// and the nth newest message; "pinned m", at the top, and injected anew when m newer messages
// have come above it, as often as Reinject allows. Empty is "top".
type Position string

// Top is the position of a campaign that names none.
const Top Position = "top"

// The kinds of positions.
const (
	AtTop   = "top"
	AtPlace = "position" // n from 1 to MaxPlace
	Pinned  = "pinned"   // m from 1 to MaxPlace
)

// Limits of positions.
const (
	MaxPlace         = 100
	MaxReinjectHours = 400 * 24
	MaxReinjectTimes = 100
)

// Parse gives the kind of a position and its number (0 of "top"); Invalid when it is none.
func (p Position) Parse() (kind string, n int, err error) {
	if p == "" || p == Top {
		return AtTop, 0, nil
	}
	kind, digits, _ := strings.Cut(string(p), " ")
	n, err = strconv.Atoi(digits)
	if kind != AtPlace && kind != Pinned || err != nil || n < 1 || n > MaxPlace || strconv.Itoa(n) != digits {
		return "", 0, fault.New(fault.Invalid, `must be "top", "position n" or "pinned m", with a number from 1 to %d`, MaxPlace)
	}
	return kind, n, nil
}

// Reinject is how often a pinned message may be injected anew, for one person.
type Reinject struct {
	EveryHours int `json:"everyHours"` // between two injections at least; 1 to MaxReinjectHours
	Times      int `json:"times"`      // at most, beside the first; 1 to MaxReinjectTimes
}

// Every is EveryHours as a duration.
func (r Reinject) Every() time.Duration { return time.Duration(r.EveryHours) * time.Hour }

// CheckPosition says what is wrong with a position and its limits, under "position" and "reinject".
func CheckPosition(p Position, r Reinject) fault.Fields {
	var f fault.Fields
	kind, _, err := p.Parse()
	switch {
	case err != nil:
		f.Add("position", "%s", fault.Public(err))
	case kind != Pinned && r != (Reinject{}):
		f.Add("reinject", `must not be given, but with a position of "pinned"`)
	case kind == Pinned && (r.EveryHours < 1 || r.EveryHours > MaxReinjectHours || r.Times < 1 || r.Times > MaxReinjectTimes):
		f.Add("reinject", "must say everyHours, 1 to %d, and times, 1 to %d", MaxReinjectHours, MaxReinjectTimes)
	}
	return f
}
