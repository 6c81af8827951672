package cli

import (
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/fault"
)

// parseTime reads a point in time: "now", a distance from base as "+7d", "+2h" or "+1d12h", or
// RFC 3339. flag names it in messages.
func parseTime(flag, s string, base time.Time) (time.Time, error) {
	switch {
	case s == "now":
		return base, nil
	case strings.HasPrefix(s, "+"):
		if d, ok := distance(s[1:]); ok {
			return base.Add(d), nil
		}
	default:
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid,
		`%s: %q is not a time: give "now", a distance as "+7d" or "+1d12h", or RFC 3339 as "2026-12-24T18:00:00+01:00"`, flag, s)
}

// maxDays keeps distances within what a duration can hold.
const maxDays = 10000

// distance reads days and a duration, each of which may be missing.
func distance(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	var d time.Duration
	if days, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n > maxDays {
			return 0, false
		}
		d, s = time.Duration(n)*24*time.Hour, rest
		if s == "" {
			return d, true
		}
	}
	more, err := time.ParseDuration(s)
	if err != nil || more < 0 || more > maxDays*24*time.Hour || strings.ContainsAny(s, "+-") {
		return 0, false
	}
	return d + more, true
}
