package campaign_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 123_456_789, time.UTC)

func plan() campaign.Plan {
	return campaign.Plan{
		Name: "Welcome", Class: campaign.Own, Audience: "people", Start: now.Add(time.Hour),
		Template: campaign.Template{ID: "welcome", Version: 1, Digest: "sha256:00"},
	}
}

// in returns a campaign that is in a state, with a window that is open at now.
func in(t testing.TB, s campaign.State) campaign.Campaign {
	t.Helper()
	c, err := campaign.New("c", plan(), now)
	if err != nil {
		t.Fatal(err)
	}
	c.State, c.Start, c.End = s, now.Add(-time.Hour), now.Add(time.Hour)
	return c
}

// What may follow what, written a second time and in another form than the code has it.
const allowed = `draft>scheduled scheduled>preparing scheduled>cancelled scheduled>failed
	preparing>running preparing>cancelled preparing>failed
	running>paused running>completed running>cancelled
	paused>running paused>completed paused>cancelled
	completed>archived cancelled>archived failed>archived`

func TestTransitions(t *testing.T) {
	t.Parallel()
	legal := strings.Fields(allowed)
	for _, from := range campaign.States() {
		for _, to := range campaign.States() {
			if got, want := slices.Contains(from.Next(), to), slices.Contains(legal, fmt.Sprintf("%s>%s", from, to)); got != want {
				t.Errorf("%s to %s: %v, want %v", from, to, got, want)
			}
		}
	}
}

// TestEveryActionInEveryState walks the whole table: what each method makes of each state,
// "-" for Conflict, "=" for success without a change.
func TestEveryActionInEveryState(t *testing.T) {
	t.Parallel()
	actions := map[string]func(*campaign.Campaign) error{
		"schedule":      func(c *campaign.Campaign) error { return c.Schedule(now) },
		"prepare":       func(c *campaign.Campaign) error { return c.Prepare("push", now) },
		"imported":      func(c *campaign.Campaign) error { return c.Imported(now) },
		"fail":          func(c *campaign.Campaign) error { return c.Fail("because", now) },
		"complete":      func(c *campaign.Campaign) error { return c.Complete(c.End) },
		"complete soon": func(c *campaign.Campaign) error { return c.Complete(c.End.Add(-time.Millisecond)) },
		"archive":       func(c *campaign.Campaign) error { return c.Archive(now) },
		"replan":        func(c *campaign.Campaign) error { return c.Replan(plan(), now) },
		"pause":         wish(campaign.Pause),
		"resume":        wish(campaign.Resume),
		"recall":        wish(campaign.Recall),
	}
	want := map[string]string{
		//               draft     scheduled preparing running   paused    completed cancelled failed    archived
		"schedule":      "scheduled -         -         -         -         -         -         -         -",
		"prepare":       "-         preparing -         -         -         -         -         -         -",
		"imported":      "-         -         running   -         -         -         -         -         -",
		"fail":          "-         failed    failed    -         -         -         -         -         -",
		"complete":      "-         -         -         completed completed -         -         -         -",
		"complete soon": "-         -         -         -         -         -         -         -         -",
		"archive":       "-         -         -         -         -         archived  archived  archived  -",
		"replan":        "draft     -         -         -         -         -         -         -         -",
		"pause":         "-         -         -         paused    =         -         -         -         -",
		"resume":        "-         -         -         =         running   -         -         -         -",
		"recall":        "-         cancelled cancelled cancelled cancelled -         =         -         -",
	}
	for name, act := range actions {
		for i, from := range campaign.States() {
			want := strings.Fields(want[name])[i]
			c := in(t, from)
			before := c
			err := act(&c)
			switch want {
			case "-":
				if !fault.Is(err, fault.Conflict) {
					t.Errorf("%s when %s: got %v, want a conflict", name, from, err)
				}
				if diff := cmp.Diff(before, c); diff != "" {
					t.Errorf("%s when %s: refused, but changed:\n%s", name, from, diff)
				}
				if err != nil && name != "complete soon" && !strings.Contains(err.Error(), string(from)) {
					t.Errorf("%s when %s: %q does not say so", name, from, err)
				}
			case "=":
				if diff := cmp.Diff(before, c); err != nil || diff != "" {
					t.Errorf("%s when %s: %v, changed:\n%s", name, from, err, diff)
				}
			default:
				if err != nil || string(c.State) != want {
					t.Errorf("%s when %s: %s, %v; want %s", name, from, c.State, err, want)
				}
			}
		}
	}
}

// wish makes a wish and has it acknowledged.
func wish(cmd campaign.Command) func(*campaign.Campaign) error {
	return func(c *campaign.Campaign) error {
		if err := c.Wish(cmd, now); err != nil {
			return err
		}
		return c.Acknowledged(c.Revision, now)
	}
}

func TestWishes(t *testing.T) {
	t.Parallel()
	pending := func(c campaign.Campaign) string {
		if c.Pending == nil {
			return fmt.Sprintf("%s %d", c.State, c.Revision)
		}
		return fmt.Sprintf("%s %d %s %d", c.State, c.Revision, c.Pending.Command, c.Pending.Revision)
	}
	c := in(t, campaign.Running)
	for _, step := range []struct {
		what string
		do   func() error
		kind fault.Kind
		want string
	}{
		{"pause", func() error { return c.Wish(campaign.Pause, now) }, 0, "running 1 pause 1"},
		{"pause again", func() error { return c.Wish(campaign.Pause, now) }, 0, "running 1 pause 1"},
		{"resume before it was obeyed", func() error { return c.Wish(campaign.Resume, now) }, 0, "running 2 resume 2"},
		{"the pause is acknowledged late", func() error { return c.Acknowledged(1, now) }, 0, "running 2 resume 2"},
		{"the resume is acknowledged", func() error { return c.Acknowledged(2, now) }, 0, "running 2"},
		{"acknowledged again", func() error { return c.Acknowledged(2, now) }, 0, "running 2"},
		{"resume what runs", func() error { return c.Wish(campaign.Resume, now) }, 0, "running 2"},
		{"pause", func() error { return c.Wish(campaign.Pause, now) }, 0, "running 3 pause 3"},
		{"somebody else has used more", func() error { c.Overtake(7, now); return nil }, 0, "running 8 pause 8"},
		{"somebody else has used fewer", func() error { c.Overtake(7, now); return nil }, 0, "running 8 pause 8"},
		{"acknowledged", func() error { return c.Acknowledged(8, now) }, 0, "paused 8"},
		{"recall", func() error { return c.Wish(campaign.Recall, now) }, 0, "paused 9 recall 9"},
		{"resume after a recall", func() error { return c.Wish(campaign.Resume, now) }, fault.Conflict, "paused 9 recall 9"},
		{"the end comes first", func() error { return c.Complete(c.End) }, fault.Conflict, "paused 9 recall 9"},
		{"acknowledged", func() error { return c.Acknowledged(9, now) }, 0, "cancelled 9"},
		{"recall again", func() error { return c.Wish(campaign.Recall, now) }, 0, "cancelled 9"},
		{"resume", func() error { return c.Wish(campaign.Resume, now) }, fault.Conflict, "cancelled 9"},
	} {
		err := step.do()
		if (err != nil) != (step.kind != 0) || err != nil && !fault.Is(err, step.kind) {
			t.Fatalf("%s: %v", step.what, err)
		}
		if got := pending(c); got != step.want {
			t.Fatalf("%s: %s, want %s", step.what, got, step.want)
		}
	}
}

// A bundle that the middleware may have is not forgotten by a recall.
func TestRecallWhilePreparing(t *testing.T) {
	t.Parallel()
	start := func() campaign.Campaign {
		c := in(t, campaign.Preparing)
		c.Progress.Manifest = "key"
		if err := c.Wish(campaign.Recall, now); err != nil {
			t.Fatal(err)
		}
		if c.State != campaign.Preparing || c.Pending == nil {
			t.Fatalf("%+v", c)
		}
		return c
	}
	imported := start()
	if err := imported.Imported(now); err != nil {
		t.Fatal(err)
	}
	if imported.State != campaign.Running || imported.Pending == nil {
		t.Errorf("imported: %+v", imported)
	}
	failed := start()
	if err := failed.Fail("not imported", now); err != nil {
		t.Fatal(err)
	}
	if failed.State != campaign.Cancelled || failed.Pending != nil || failed.Failure != "" {
		t.Errorf("not imported: %+v", failed)
	}
}

// Whatever is asked for in whatever order, a campaign takes only legal steps, its revision
// never falls, and what is cancelled stays so.
func TestLifeHoldsItsInvariants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, err := campaign.New("c", plan(), now)
		if err != nil {
			t.Fatal(err)
		}
		at := now
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 3*3600).Draw(t, "seconds")) * time.Second)
			before := c
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				err = c.Schedule(at)
			case 1:
				err = c.Prepare("p", at)
			case 2:
				c.Progress.Manifest = "m"
				err = c.Imported(at)
			case 3:
				err = c.Fail("f", at)
			case 4:
				err = c.Complete(at)
			case 5:
				err = c.Archive(at)
			case 6:
				err = c.Wish(campaign.Pause, at)
			case 7:
				err = c.Wish(campaign.Resume, at)
			case 8:
				err = c.Wish(campaign.Recall, at)
			case 9:
				err = c.Acknowledged(c.Revision, at)
			}
			if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Invalid) {
				t.Fatalf("%v", err)
			}
			if c.State != before.State && !slices.Contains(before.State.Next(), c.State) {
				t.Fatalf("%s became %s", before.State, c.State)
			}
			if c.Revision < before.Revision {
				t.Fatalf("the revision fell from %d to %d", before.Revision, c.Revision)
			}
			if c.State.Over() && c.Pending != nil {
				t.Fatalf("%s with a pending command", c.State)
			}
			if c.State.Over() != !c.Ended.IsZero() {
				t.Fatalf("%s, ended %s", c.State, c.Ended)
			}
			body, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			var back campaign.Campaign
			if err := json.Unmarshal(body, &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c, back); diff != "" {
				t.Fatalf("not the same after it was kept:\n%s", diff)
			}
		}
	})
}
