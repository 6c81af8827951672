package campaign_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
)

func TestValidID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"a": true, "spring-2026": true, "-": true, strings.Repeat("x", 64): true,
		"": false, strings.Repeat("x", 65): false, "A": false, "a_b": false, "ä": false, "a b": false, "a/b": false,
	} {
		if campaign.ValidID(id) != want {
			t.Errorf("%q: %v, want %v", id, !want, want)
		}
	}
}

func TestPlanIsChecked(t *testing.T) {
	t.Parallel()
	for field, breakIt := range map[string]func(*campaign.Plan){
		"":           func(*campaign.Plan) {},
		"name":       func(p *campaign.Plan) { p.Name = " " },
		"name 2":     func(p *campaign.Plan) { p.Name = strings.Repeat("ä", campaign.MaxName/2+1) },
		"name 3":     func(p *campaign.Plan) { p.Name = "a\nb" },
		"class":      func(p *campaign.Plan) { p.Class = "advertising" },
		"mailbox":    func(p *campaign.Plan) { p.Mailbox = strings.Repeat("x", campaign.MaxMailbox+1) },
		"priority":   func(p *campaign.Plan) { p.Priority = -1 },
		"position":   func(p *campaign.Plan) { p.Position = "bottom" },
		"reinject":   func(p *campaign.Plan) { p.Position = "pinned 3" },
		"reinject 2": func(p *campaign.Plan) { p.Reinject = campaign.Reinject{EveryHours: 1, Times: 1} },
		"end":        func(p *campaign.Plan) { p.End = p.Start },
		"end 2":      func(p *campaign.Plan) { p.End = p.Start.Add(campaign.MaxDuration + time.Millisecond) },
	} {
		p := plan()
		breakIt(&p)
		_, err := campaign.New("c", p, now)
		name, _, _ := strings.Cut(field, " ")
		if name == "" {
			if err != nil {
				t.Errorf("a good plan: %v", err)
			}
			continue
		}
		var fields fault.Fields
		if !errors.As(err, &fields) || len(fields) != 1 || fields[0].Field != name {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if _, err := campaign.New("Not An Id", plan(), now); !fault.Is(err, fault.Invalid) {
		t.Errorf("a wrong id: %v", err)
	}
}

func TestScheduleCompletesTheWindow(t *testing.T) {
	t.Parallel()
	c, err := campaign.New("c", plan(), now)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Schedule(now); err != nil {
		t.Fatal(err)
	}
	if want := c.Start.Add(campaign.DefaultWindow); !c.End.Equal(want) {
		t.Errorf("end %s, want %s", c.End, want)
	}
	if c.Start.Nanosecond()%1e6 != 0 || c.Mailbox != "INBOX" {
		t.Errorf("not normalised: %+v", c.Plan)
	}
	for window, at := range map[string]time.Time{
		"before": c.Start.Add(-1), "open": c.Start, "over": c.End,
	} {
		if got := c.Window(at); got != window {
			t.Errorf("at %s: %q, want %q", at, got, window)
		}
	}
}

func TestScheduleSaysEverythingThatIsMissing(t *testing.T) {
	t.Parallel()
	c, err := campaign.New("c", campaign.Plan{Name: "n", Class: campaign.Service}, now)
	if err != nil {
		t.Fatal(err)
	}
	var fields fault.Fields
	if err := c.Schedule(now); !errors.As(err, &fields) || len(fields) != 3 {
		t.Errorf("got %v", err)
	}
	if got := c.Window(now); got != "" || c.State != campaign.Draft {
		t.Errorf("window %q, state %s", got, c.State)
	}
	old := plan()
	old.Start, old.End = now.Add(-2*time.Hour), now
	c, err = campaign.New("c", old, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Schedule(now); !errors.As(err, &fields) || fields[0].Field != "end" {
		t.Errorf("a window that is over: %v", err)
	}
}
