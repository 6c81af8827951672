package course_test

import (
	"time"

	"inlay.example/inlay/internal/gateway/course"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/placement"
)

// rules are what the sessions and the store go by: the tables of the code, unless one is switched
// off to show what it is for.
type rules struct {
	newInjection func() course.Injection
	injection    func(course.Injection, course.Outcome) course.Injection
	newBell      func() course.Bell
	bell         func(course.Bell, course.Outcome) course.Bell
	newChange    func(tracked bool) course.Change
	change       func(course.Change, course.Outcome) course.Change
	claimed      func(claims int, waited, lapsed bool) course.Outcome
	matches      func(modSeq uint64, pending bool, since uint64) bool
	rings        func(heard, known uint64) bool
	confirm      func(p placement.Placement, token string, uid imap.UID, date time.Time, modSeq uint64, now time.Time) (placement.Step, error)
	settle       func(p placement.Placement, rev, modSeq uint64) (placement.Step, placement.Outcome, error)
	withdraw     func(p placement.Placement, now time.Time) placement.Step
	gap          bool // a gap in the UIDs rings
	pend         bool // a change is written as pending
	stale        bool // the reading began before the bell
	early        bool // raised first, and written after
	quietOwn     bool // the mod-sequence of a session's own change does not ring
}

func theRules() rules {
	return rules{
		newInjection: course.NewInjection, injection: course.Injection.Next,
		newBell: course.NewBell, bell: course.Bell.Next,
		newChange: course.NewChange, change: course.Change.Next,
		claimed: course.Claimed, matches: course.Matches, rings: course.Rings,
		confirm: placement.Confirm, settle: placement.Settle, withdraw: placement.Withdraw,
		gap: true, pend: true,
	}
}

var scenarios = []scenario{
	{name: "two injections", budget: budget{injects: 2}},
	{name: "an injection, news and a killed gateway", budget: budget{injects: 1, arrives: 1, kills: 1}},
	{name: "an injection, news and a lost answer", budget: budget{injects: 1, arrives: 1, lost: 1}},
	{name: "two changes and a withdrawal", condstore: true, live: true, budget: budget{flags: 2, withdraws: 1}},
	{name: "two changes and a lost answer", condstore: true, live: true, budget: budget{flags: 2, lost: 1}},
	{name: "a change, a removal and a killed gateway", condstore: true, live: true, budget: budget{flags: 1, removals: 1, kills: 1, found: 1}},

	{name: "two injections and news", long: true, budget: budget{injects: 2, arrives: 1}},
	{name: "two injections and a killed gateway", long: true, budget: budget{injects: 2, kills: 1}},
	{name: "two injections and a lost answer", long: true, budget: budget{injects: 2, lost: 1}},
	{name: "an injection, news, an expunge and a killed gateway", long: true, budget: budget{injects: 1, arrives: 1, expunges: 1, kills: 1}},
	{name: "two changes, a withdrawal and a killed gateway", long: true, condstore: true, live: true, budget: budget{flags: 2, withdraws: 1, kills: 1}},
	{name: "a change, a withdrawal, a lost answer and somebody who finds it", long: true, condstore: true, live: true, budget: budget{flags: 1, withdraws: 1, lost: 1, found: 1}},
	{name: "an injection, a change and a withdrawal", long: true, condstore: true, live: true, budget: budget{injects: 1, flags: 1, withdraws: 1}},
	{name: "an injection, a change and a lost answer", long: true, condstore: true, live: true, budget: budget{injects: 1, flags: 1, lost: 1}},
}

// The scenarios in which a missing rule is missed.
const (
	twoInjections = 0
	lostAnswer    = 2
	twoChanges    = 3
)

// mutants switch a rule off each.
var mutants = []struct {
	name string
	in   int // scenario
	off  func(*rules)
}{
	{"a gap in the UIDs is a doorbell", twoInjections, func(r *rules) { r.gap = false }},
	{"the placements are read after the bell", twoInjections, func(r *rules) { r.stale = true }},
	{"a claim that is alive is waited for, or ended", twoInjections, func(r *rules) {
		r.claimed = func(int, bool, bool) course.Outcome { return course.Done }
	}},
	{"a void fences the confirmation", twoInjections, func(r *rules) {
		r.confirm = func(p placement.Placement, token string, uid imap.UID, date time.Time, modSeq uint64, now time.Time) (placement.Step, error) {
			if p.State == placement.Void {
				p.State = placement.Claimed
			}
			return placement.Confirm(p, token, uid, date, modSeq, now)
		}
	}},
	{"the claim is written before the marker", twoInjections, func(r *rules) {
		// The claim is left out until the UID is burnt: the append comes first.
		r.newInjection = func() course.Injection { return course.NewInjection().Next(course.Done) }
		r.confirm = func(p placement.Placement, token string, uid imap.UID, date time.Time, modSeq uint64, now time.Time) (placement.Step, error) {
			if p.State != "" && p.State != placement.Void {
				return placement.Confirm(p, token, uid, date, modSeq, now)
			}
			step, err := placement.Claim(nil, p, token, placement.MinLease, now)
			if err != nil {
				return step, err
			}
			return placement.Confirm(step.Next, token, uid, date, modSeq, now)
		}
	}},
	{"a change is pending until it is settled", twoChanges, func(r *rules) { r.pend = false }},
	{"a change is written before it is raised", twoChanges, func(r *rules) { r.early, r.pend = true, false }},
	{"a withdrawal is pending until somebody has raised for it", twoChanges, func(r *rules) {
		r.withdraw = func(p placement.Placement, now time.Time) placement.Step {
			s := placement.Withdraw(p, now)
			s.Next.Pending = false
			return s
		}
	}},
	{"a mod-sequence that is heard is a doorbell", twoChanges, func(r *rules) { r.rings = func(uint64, uint64) bool { return false } }},
	{"the mod-sequence of one's own change is a doorbell too", twoChanges, func(r *rules) {
		r.quietOwn, r.rings = true, func(uint64, uint64) bool { return false }
	}},
	{"only the revision that was raised for is settled", twoChanges, func(r *rules) {
		r.settle = func(p placement.Placement, _, modSeq uint64) (placement.Step, placement.Outcome, error) {
			return placement.Settle(p, p.Rev, modSeq)
		}
	}},
	{"what matches is told again rather than not at all", twoChanges, func(r *rules) {
		r.matches = func(modSeq uint64, pending bool, since uint64) bool { return modSeq > since }
	}},
	{"an answer that is lost is not taken for a refusal", lostAnswer, func(r *rules) {
		r.bell = func(b course.Bell, o course.Outcome) course.Bell {
			if b.Do() == course.Read && o == course.Unknown {
				o = course.Done
			}
			return b.Next(o)
		}
	}},
}
