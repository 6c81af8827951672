package middleware_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/importer"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/webhook"
)

// command sends a signed message; it needs no bearer token.
func (a api) command(w *world, id, path, body string) answer {
	a.t.Helper()
	a.token = ""
	return a.do("POST", path, body, webhook.Sign([]byte(secret), id, w.Now(), []byte(body)))
}

func TestCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := api{t, serve(t, w.instance(t)), token}
	w.PutCampaign(t, "", campaign.Active{ID: "c", State: campaign.Running, Revision: 3, Version: 1, Start: w.Now(), End: w.Now().Add(time.Hour)},
		map[string]map[string]string{"anna": nil})
	const path = "/api/tenants/default/commands"
	body := func(verb string, revision int) string {
		return fmt.Sprintf(`{"campaign":"c","command":%q,"revision":%d,"reason":"passed over"}`, verb, revision)
	}
	for _, step := range []struct {
		id, verb string
		revision int
		status   int
		state    string
	}{
		{"1", "pause", 3, 409, "running"}, // not greater
		{"1", "pause", 3, 409, "running"}, // repeated, refused again
		{"2", "pause", 4, 200, "paused"},
		{"2", "pause", 4, 200, "paused"},
		{"2", "pause", 5, 409, "paused"}, // the id with another body
		{"3", "pause", 4, 200, "paused"}, // says the same
		{"4", "resume", 4, 409, "paused"},
		{"5", "resume", 7, 200, "running"},
		{"2", "pause", 4, 200, "running"}, // a late repetition of what was obeyed
		{"1", "pause", 3, 409, "running"},
		{"6", "resume", 8, 200, "running"},
		{"7", "recall", 9, 200, "cancelled"},
		{"8", "resume", 10, 409, "cancelled"}, // final
		{"9", "recall", 11, 200, "cancelled"},
		{"10", "explode", 12, 422, "cancelled"},
		{"11", "pause", 0, 422, "cancelled"},
	} {
		got := a.command(w, step.id, path, body(step.verb, step.revision))
		if got.status != step.status {
			t.Fatalf("%+v: got %d: %s", step, got.status, got.text)
		}
		state := a.expect(200, "GET", "/api/tenants/default/campaigns/c", "")
		if at(t, state.json, "state") != step.state {
			t.Fatalf("%+v: now %s", step, state.text)
		}
	}
	if got := a.command(w, "20", path, strings.ReplaceAll(body("pause", 20), `"c"`, `"unheard-of"`)); got.status != 404 {
		t.Errorf("an unknown campaign: %d %s", got.status, got.text)
	}
	a.expect(404, "GET", "/api/tenants/default/campaigns/unheard-of", "")
	a.expect(404, "GET", "/api/tenants/default/campaigns/unheard-of/statistics", "")
	if got := a.command(w, "21", path, strings.ReplaceAll(body("recall", 21), `"c"`, `"../c"`)); got.status != 422 {
		t.Errorf("what is no campaign's id: %d %s", got.status, got.text)
	}
}

// A recall may overtake the bundle that it is about: it is kept, and the bundle is refused.
func TestRecallBeforeTheBundle(t *testing.T) {
	t.Parallel()
	i := newImporting(t)
	const path, kept = "/api/tenants/default/commands", "/api/tenants/default/campaigns/spring"
	recall := `{"campaign":"spring","command":"recall","revision":1}`
	for range 2 {
		if got := i.api.command(i.world, "1", path, recall); got.status != 200 || at(t, got.json, "state") != "cancelled" {
			t.Fatalf("recalled: %d %s", got.status, got.text)
		}
	}
	if got := i.api.command(i.world, "2", path, `{"campaign":"spring","command":"resume","revision":2}`); got.status != 409 {
		t.Errorf("resumed: %d %s", got.status, got.text)
	}
	i.expect(200, "GET", kept+"/statistics", "")
	if s := i.bring("push-1", i.write(1, letter, "Anna")); s.State != importer.Failed || !strings.Contains(s.Problem, "recalled") {
		t.Errorf("imported: %+v", s)
	}
	if got := i.expect(200, "GET", kept, ""); at(t, got.json, "state") != "cancelled" || at(t, got.json, "version") != 0.0 {
		t.Errorf("now: %s", got.text)
	}
	if got := i.offers("anna"); len(got) != 0 {
		t.Errorf("offered: %+v", got)
	}
}

func TestSignedMessagesRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := api{t, serve(t, w.instance(t)), ""}
	w.PutCampaign(t, "", campaign.Active{ID: "c", State: campaign.Running, Revision: 1}, nil)
	good := `{"campaign":"c","command":"recall","revision":2}`
	for name, c := range map[string]struct {
		secret string
		age    time.Duration
		body   string
		id     string
		status int
	}{
		"another secret": {"guess", 0, good, "1", 401},
		"another body":   {secret, 0, strings.ReplaceAll(good, "recall", "resume"), "1", 401},
		"too old":        {secret, 6 * time.Minute, good, "1", 400},
		"from tomorrow":  {secret, -24 * time.Hour, good, "1", 400},
		"long id":        {secret, 0, good, strings.Repeat("i", 129), 400},
	} {
		header := webhook.Sign([]byte(c.secret), c.id, w.Now().Add(-c.age), []byte(good))
		for _, path := range []string{"/api/tenants/default/commands", "/api/tenants/default/imports/"} {
			if got := a.do("POST", path, c.body, header); got.status != c.status {
				t.Errorf("%s to %s: got %d, want %d: %s", name, path, got.status, c.status, got.text)
			}
		}
	}
	a.token = token // which is not a signature
	a.expect(400, "POST", "/api/tenants/default/commands", good)
	a.token = ""
	large := `{"x":"` + strings.Repeat("x", 64<<10) + `"}`
	if got := a.command(w, "1", "/api/tenants/default/commands", large); got.status != 413 {
		t.Errorf("too large: %d", got.status)
	}
	if got := a.command(w, "1", "/api/tenants/default/commands", `{`); got.status != 400 {
		t.Errorf("not JSON: %d", got.status)
	}
	if got := a.command(w, "2", "/api/tenants/nobody/commands", good); got.status != 404 {
		t.Errorf("no such tenant: %d", got.status)
	}
	a.token = token
	if got := a.expect(200, "GET", "/api/tenants/default/campaigns/", ""); at(t, got.json, 0, "state") != "running" {
		t.Fatalf("a forged command was obeyed: %s", got.text)
	}
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.instance(t)
	a := api{t, serve(t, m), token}
	rows := map[string]map[string]string{}
	for i := range 5 {
		rows[fmt.Sprintf("user%d", i)] = nil
	}
	w.PutCampaign(t, "", campaign.Active{ID: "c", State: campaign.Running, Version: 2, Start: w.Now(), End: w.Now().Add(time.Hour)}, rows)
	for i := range 3 {
		p := inject(t, m, fmt.Sprintf("user%d", i), "c")
		person := injection.Person{User: p.User}
		if i == 0 {
			if _, err := m.SetFlags(t.Context(), injection.FlagsRequest{Person: person, ID: p.ID, Op: injection.AddFlags, Flags: []string{`\Seen`}}); err != nil {
				t.Fatal(err)
			}
			if _, err := m.Expunge(t.Context(), injection.ExpungeRequest{Person: person, ID: p.ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got middleware.Statistics
	if err := json.Unmarshal([]byte(a.expect(200, "GET", "/api/tenants/default/campaigns/c/statistics", "").text), &got); err != nil {
		t.Fatal(err)
	}
	want := middleware.Statistics{
		Campaign: "c", State: campaign.Running, Version: 2, Assigned: 5, Live: 2,
		Events: map[event.Type]int64{event.Injected: 3, event.Read: 1, event.Expunged: 1, event.Withdrawn: 0, event.Expired: 0, event.Moved: 0, event.Reinjected: 0},
	}
	equal(t, want, got)
}
