package decision_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/decision"
	"inlay.example/inlay/internal/placement"
)

func now() time.Time { return time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC) }

func running(id campaign.ID) campaign.Active {
	return campaign.Active{
		ID: id, Class: campaign.Own, Priority: 50, State: campaign.Running, Version: 2,
		Start: now().Add(-time.Hour), End: now().Add(time.Hour),
	}
}

// Every gate by itself, and the order in which they are asked.
func TestReasons(t *testing.T) {
	t.Parallel()
	row := decision.Assignment{Campaign: "c", Version: 2, Variables: map[string]string{"first_name": "Zoë"}}
	had := func(s placement.State) []placement.Placement {
		return []placement.Placement{{Key: placement.Key{Campaign: "c", Occurrence: decision.OnlyOccurrence}, State: s}}
	}
	for name, c := range map[string]struct {
		change func(*decision.Input, *campaign.Active)
		want   decision.Reason
	}{
		"chosen":                     {func(*decision.Input, *campaign.Active) {}, ""},
		"no row":                     {func(in *decision.Input, _ *campaign.Active) { in.Assignments = nil }, decision.NotInAudience},
		"a row of an older version":  {func(in *decision.Input, _ *campaign.Active) { in.Assignments[0].Version = 1 }, decision.NotInAudience},
		"a row of a version to come": {func(in *decision.Input, _ *campaign.Active) { in.Assignments[0].Version = 3 }, decision.NotInAudience},
		"nothing imported yet":       {func(in *decision.Input, a *campaign.Active) { a.Version, in.Assignments[0].Version = 0, 0 }, decision.NotInAudience},
		"recalled":                   {func(_ *decision.Input, a *campaign.Active) { a.State = campaign.Cancelled }, decision.Recalled},
		"paused":                     {func(_ *decision.Input, a *campaign.Active) { a.State = campaign.Paused }, decision.Paused},
		"before the start":           {func(_ *decision.Input, a *campaign.Active) { a.Start = now().Add(1) }, decision.Window},
		"at the start":               {func(_ *decision.Input, a *campaign.Active) { a.Start = now() }, ""},
		"at the end":                 {func(_ *decision.Input, a *campaign.Active) { a.End = now() }, decision.Window},
		"just before the end":        {func(_ *decision.Input, a *campaign.Active) { a.End = now().Add(1) }, ""},
		"claimed":                    {func(in *decision.Input, _ *campaign.Active) { in.Ledger = had(placement.Claimed) }, decision.AlreadyServed},
		"expunged":                   {func(in *decision.Input, _ *campaign.Active) { in.Ledger = had(placement.Expunged) }, decision.AlreadyServed},
		"void":                       {func(in *decision.Input, _ *campaign.Active) { in.Ledger = had(placement.Void) }, ""},
		"a later occurrence": {func(in *decision.Input, _ *campaign.Active) {
			in.Ledger = had(placement.Live)
			in.Ledger[0].Occurrence = "2"
		}, decision.AlreadyServed},
		"shortly after a void": {func(in *decision.Input, _ *campaign.Active) { in.NoClaimsBefore = now().Add(1) }, decision.CappedAfterVoid},
		"long after a void":    {func(in *decision.Input, _ *campaign.Active) { in.NoClaimsBefore = now() }, ""},
		"recalled, ended and had": {func(in *decision.Input, a *campaign.Active) {
			a.State, a.End, in.Ledger = campaign.Cancelled, now(), had(placement.Live)
		}, decision.Recalled},
	} {
		active := running("c")
		in := decision.Input{User: "anna", Assignments: []decision.Assignment{row}, Now: now()}
		c.change(&in, &active)
		in.Campaigns = []campaign.Active{active}
		var want decision.Result
		if c.want == "" {
			want.Chosen = []decision.Choice{{Campaign: active, Key: placement.Key{Campaign: "c", Occurrence: "1"}, Variables: row.Variables}}
			want.Rejected = []decision.Rejection{}
		} else {
			want.Rejected = []decision.Rejection{{Campaign: "c", Reason: c.want}}
		}
		if diff := cmp.Diff(want, decision.Decide(in)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Class, priority, a weight that differs from person to person, and the same in any order of input.
func TestRank(t *testing.T) {
	t.Parallel()
	in := decision.Input{Now: now()}
	for _, c := range []struct {
		id       campaign.ID
		class    campaign.Class
		priority int
	}{{"ad", campaign.ThirdParty, 100}, {"own-low", campaign.Own, 1}, {"own-high", campaign.Own, 2}, {"outage", campaign.Service, 0}, {"equal-1", campaign.Own, 1}, {"equal-2", campaign.Own, 1}} {
		a := running(c.id)
		a.Class, a.Priority = c.class, c.priority
		in.Campaigns = append(in.Campaigns, a)
		in.Assignments = append(in.Assignments, decision.Assignment{Campaign: c.id, Version: 2})
	}
	order := func(user string) (ids []campaign.ID) {
		in.User = user
		for _, c := range decision.Decide(in).Chosen {
			ids = append(ids, c.Campaign.ID)
		}
		return ids
	}
	middle := map[campaign.ID]bool{}
	for _, user := range []string{"anna", "ben", "cleo", "dora", "emil", "fred", "gina", "hugo", "ida", "jan"} {
		got := order(user)
		if got[0] != "outage" || got[1] != "own-high" || got[5] != "ad" {
			t.Errorf("%s: %v", user, got)
		}
		middle[got[2]] = true
		slices.Reverse(in.Campaigns)
		if again := order(user); !slices.Equal(got, again) {
			t.Errorf("%s: %v, and in another order of input %v", user, got, again)
		}
	}
	if len(middle) < 2 {
		t.Errorf("everybody has the same favourite: %v", middle)
	}
}

// A pinned message comes again while it is live, after its pause, and not too often.
func TestNextOccurrence(t *testing.T) {
	t.Parallel()
	row := func(occurrence string, s placement.State, ago time.Duration) placement.Placement {
		return placement.Placement{
			ID: placement.ID("id" + occurrence), Key: placement.Key{Campaign: "c", Occurrence: occurrence}, State: s, Created: now().Add(-ago),
		}
	}
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		position campaign.Position
		ledger   []placement.Placement
		want     string // occurrence
		replaces placement.ID
	}{
		"the first":                   {"pinned 5", nil, "1", ""},
		"the first was void":          {"pinned 5", []placement.Placement{row("1", placement.Void, day)}, "1", ""},
		"the second":                  {"pinned 5", []placement.Placement{row("1", placement.Live, day)}, "2", "id1"},
		"the second was void":         {"pinned 5", []placement.Placement{row("2", placement.Void, day), row("1", placement.Live, day)}, "2", "id1"},
		"the third":                   {"pinned 5", []placement.Placement{row("1", placement.Withdrawn, 2*day), row("2", placement.Live, day)}, "3", "id2"},
		"too soon":                    {"pinned 5", []placement.Placement{row("1", placement.Live, day-1)}, "", ""},
		"too often":                   {"pinned 5", []placement.Placement{row("3", placement.Live, day), row("2", placement.Withdrawn, 2*day)}, "", ""},
		"the second is claimed":       {"pinned 5", []placement.Placement{row("1", placement.Live, 2*day), row("2", placement.Claimed, day)}, "", ""},
		"removed":                     {"pinned 5", []placement.Placement{row("1", placement.Expunged, day)}, "", ""},
		"moving":                      {"pinned 5", []placement.Placement{row("1", placement.Moving, day)}, "", ""},
		"ten comes after nine":        {"pinned 5", []placement.Placement{row("9", placement.Withdrawn, day), row("10", placement.Expunged, day)}, "", ""},
		"of the top":                  {"top", []placement.Placement{row("1", placement.Live, day)}, "", ""},
		"of a place":                  {"position 5", []placement.Placement{row("1", placement.Live, day)}, "", ""},
		"of a position not known yet": {"sideways", []placement.Placement{row("1", placement.Live, day)}, "", ""},
		"of an occurrence not ours":   {"pinned 5", []placement.Placement{row("monday", placement.Live, day)}, "", ""},
	} {
		active := running("c")
		active.Position, active.Reinject = c.position, campaign.Reinject{EveryHours: 24, Times: 2}
		got := decision.Decide(decision.Input{
			User: "anna", Campaigns: []campaign.Active{active}, Assignments: []decision.Assignment{{Campaign: "c", Version: 2}}, Ledger: c.ledger, Now: now(),
		})
		switch {
		case c.want == "" && (len(got.Chosen) != 0 || got.Rejected[0].Reason != decision.AlreadyServed):
			t.Errorf("%s: %+v", name, got)
		case c.want != "" && (len(got.Chosen) != 1 || got.Chosen[0].Key.Occurrence != c.want || got.Chosen[0].Replaces != c.replaces):
			t.Errorf("%s: %+v", name, got)
		}
	}
}
