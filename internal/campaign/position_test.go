package campaign_test

import (
	"testing"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
)

func TestPosition(t *testing.T) {
	t.Parallel()
	for p, want := range map[campaign.Position]struct {
		kind string
		n    int
	}{"": {"top", 0}, "top": {"top", 0}, "position 1": {"position", 1}, "position 100": {"position", 100}, "pinned 7": {"pinned", 7}} {
		if kind, n, err := p.Parse(); err != nil || kind != want.kind || n != want.n {
			t.Errorf("%q: %q, %d, %v", p, kind, n, err)
		}
	}
	for _, p := range []campaign.Position{
		"Top", "top 1", "position", "position 0", "position 101", "position 01", "position +1", "position -1", "position  1", "pinned x", "pinned 1 ", "pinned 99999999999999999999",
	} {
		if _, _, err := p.Parse(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestReinjectIsChecked(t *testing.T) {
	t.Parallel()
	good := campaign.Reinject{EveryHours: 24, Times: 3}
	for _, c := range []struct {
		position campaign.Position
		reinject campaign.Reinject
		field    string
	}{
		{"", campaign.Reinject{}, ""},
		{"pinned 5", good, ""},
		{"pinned 5", campaign.Reinject{EveryHours: campaign.MaxReinjectHours, Times: campaign.MaxReinjectTimes}, ""},
		{"pinned 5", campaign.Reinject{}, "reinject"},
		{"pinned 5", campaign.Reinject{EveryHours: 0, Times: 1}, "reinject"},
		{"pinned 5", campaign.Reinject{EveryHours: campaign.MaxReinjectHours + 1, Times: 1}, "reinject"},
		{"pinned 5", campaign.Reinject{EveryHours: 1, Times: campaign.MaxReinjectTimes + 1}, "reinject"},
		{"pinned 5", campaign.Reinject{EveryHours: 1, Times: -1}, "reinject"},
		{"top", good, "reinject"},
		{"position 2", good, "reinject"},
		{"pinned 0", good, "position"},
	} {
		f := campaign.CheckPosition(c.position, c.reinject)
		if c.field == "" && len(f) > 0 || c.field != "" && (len(f) != 1 || f[0].Field != c.field) {
			t.Errorf("%q with %+v: %v, want something about %q", c.position, c.reinject, f, c.field)
		}
	}
}
