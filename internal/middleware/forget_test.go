package middleware_test

import (
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
)

// The rows of an audience go a week after the end of their campaign, and not before.
func TestAudiencesAreForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.instance(t)
	people := map[string]map[string]string{"anna": nil, "ben": nil, "cleo": nil}
	end := w.Now().Add(time.Hour)
	for id, at := range map[campaign.ID]time.Time{"earlier": end.Add(-time.Hour), "ends": end, "later": end.Add(time.Hour)} {
		w.PutCampaign(t, "", campaign.Active{ID: id, State: campaign.Running, Version: 3, Start: w.Now().Add(-time.Hour), End: at}, people)
	}
	rows := func(id campaign.ID) int64 {
		n, err := w.keyspace(t, "").CountAssignments(t.Context(), id, 3)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	defer run(t, m)()
	week := 7 * 24 * time.Hour
	w.Advance(end.Add(week - time.Minute).Sub(w.Now()))
	eventually(t, "the earlier one's audience goes", func() bool { return rows("earlier") == 0 })
	equal(t, []int64{3, 3}, []int64{rows("ends"), rows("later")})
	w.Advance(time.Minute)
	eventually(t, "the audience goes", func() bool { return rows("ends") == 0 })
	equal(t, 3, rows("later"))
}
