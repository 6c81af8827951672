package platform_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/platform/api"
	"inlay.example/inlay/internal/platform/client"
)

// stock stores the template and an audience with the columns given and returns the latter's id.
func (s site) stock(t testing.TB, columns, row string) (audience string) {
	t.Helper()
	ctx := context.Background()
	if _, _, err := s.Template(ctx, "welcome"); err != nil {
		s.expect(201, "POST", api.Base+"/templates?name=Welcome&id=welcome", welcome, "Content-Type", mail)
	}
	a, err := s.UploadAudience(ctx, client.Upload{Name: "people", Body: strings.NewReader(columns + "\n" + row + "\n")})
	if err != nil {
		t.Fatal(err)
	}
	return a.ID
}

// draft makes a draft that lacks nothing.
func (s site) draft(t testing.TB, id string) api.Campaign {
	t.Helper()
	c, err := s.CreateCampaign(context.Background(), api.Plan{
		ID: id, Name: "Welcome", Class: campaign.Own, Template: "welcome",
		Audience: s.stock(t, "user,code", "anna@example.org,4711"),
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDrafts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	s := serve(t, w.instance(t, nowhere).Handler())
	made := s.draft(t, "spring")
	if made.State != campaign.Draft || made.Mailbox != "INBOX" || made.Template.Version != 1 || !made.Created.Equal(w.Now()) || made.Window != "" {
		t.Errorf("made: %+v", made)
	}
	got, etag, err := s.Campaign(ctx, "spring")
	if err != nil {
		t.Fatal(err)
	}
	name, start := "Spring", w.Now().Add(time.Hour)
	patched, err := s.PatchCampaign(ctx, "spring", api.Patch{Name: &name, Start: &start}, etag)
	if err != nil || patched.Name != name || !patched.Start.Equal(start) || patched.Template != got.Template || patched.Class != got.Class {
		t.Errorf("patched: %+v, %v", patched, err)
	}
	if _, err := s.PatchCampaign(ctx, "spring", api.Patch{Name: &name}, etag); !fault.Is(err, fault.Conflict) {
		t.Errorf("patching what was changed since: %v", err)
	}
	s.expect(412, "PATCH", api.Base+"/campaigns/spring", `{}`, "If-Match", etag)
	s.expect(412, "POST", api.Base+"/campaigns/spring/start", ``, "If-Match", etag)
	s.expect(412, "DELETE", api.Base+"/campaigns/spring", ``, "If-Match", etag)

	// A draft keeps its version of the template until it is asked to take the current one.
	second := strings.Replace(welcome, "Your code", "Your secret code", 1)
	if _, err := s.ReplaceTemplate(ctx, "welcome", []byte(second), ""); err != nil {
		t.Fatal(err)
	}
	if c, _, err := s.Campaign(ctx, "spring"); err != nil || c.Template.Version != 1 {
		t.Errorf("after the template was replaced: %+v, %v", c.Template, err)
	}
	welcomeID := "welcome"
	if c, err := s.PatchCampaign(ctx, "spring", api.Patch{Template: &welcomeID}, ""); err != nil || c.Template.Version != 2 {
		t.Errorf("asked for the template again: %+v, %v", c.Template, err)
	}
	page, err := s.Campaigns(ctx, client.List{})
	if err != nil || len(page.Items) != 1 || page.Items[0].ID != "spring" {
		t.Errorf("listed: %+v, %v", page, err)
	}
	if err := s.DeleteCampaign(ctx, "spring"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Campaign(ctx, "spring"); !fault.Is(err, fault.NotFound) {
		t.Errorf("after it was deleted: %v", err)
	}
	s.expect(404, "DELETE", api.Base+"/campaigns/spring", "")
}

func TestCampaignsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	s.draft(t, "taken")
	for name, c := range map[string]struct {
		status   int
		body     string
		location string
	}{
		"no JSON":              {400, `{"name":`, ""},
		"something behind":     {400, `{"name":"n","class":"own"} {}`, ""},
		"no body":              {400, ``, ""},
		"no name":              {422, `{"class":"own"}`, "body"},
		"an empty name":        {422, `{"name":"  ","class":"own"}`, "body.name"},
		"no class":             {422, `{"name":"n"}`, "body"},
		"an unknown class":     {422, `{"name":"n","class":"advertising"}`, "body.class"},
		"an unknown member":    {422, `{"name":"n","class":"own","colour":"red"}`, "body.colour"},
		"a wrong type":         {422, `{"name":"n","class":"own","priority":"high"}`, "body.priority"},
		"a wrong id":           {422, `{"name":"n","class":"own","id":"Not An Id"}`, "body.id"},
		"an id that is taken":  {409, `{"name":"n","class":"own","id":"taken"}`, ""},
		"an unknown template":  {422, `{"name":"n","class":"own","template":"none"}`, "body.template"},
		"an unknown audience":  {422, `{"name":"n","class":"own","audience":"none"}`, "body.audience"},
		"a priority too high":  {422, `{"name":"n","class":"own","priority":101}`, "body.priority"},
		"no time":              {422, `{"name":"n","class":"own","start":"tomorrow"}`, "body.start"},
		"the end before":       {422, `{"name":"n","class":"own","start":"2026-12-01T00:00:00Z","end":"2026-11-30T00:00:00Z"}`, "body.end"},
		"too long":             {422, `{"name":"n","class":"own","start":"2026-12-01T00:00:00Z","end":"2028-12-01T00:00:00+01:00"}`, "body.end"},
		"a mailbox with lines": {422, `{"name":"n","class":"own","mailbox":"a\nb"}`, "body.mailbox"},
		"much too large":       {413, `{"name":"` + strings.Repeat("x", 300<<10) + `","class":"own"}`, ""},
	} {
		a := s.expect(c.status, "POST", api.Base+"/campaigns", c.body)
		if c.location != "" && !a.has(c.location) {
			t.Errorf("%s: no item at %q: %s", name, c.location, a.text)
		}
	}
	s.expect(404, "PATCH", api.Base+"/campaigns/none", `{}`)
	everything := `{"template":"none","audience":"none","start":"2026-12-01T00:00:00Z","end":"2026-11-30T00:00:00Z","name":" ","class":"own"}`
	for method, path := range map[string]string{"POST": "/campaigns", "PATCH": "/campaigns/taken"} {
		a := s.expect(422, method, api.Base+path, everything)
		for _, location := range []string{"body.template", "body.audience", "body.end", "body.name"} {
			if !a.has(location) {
				t.Errorf("%s: not everything is said at once: %s", method, a.text)
			}
		}
	}
	if a := s.expect(422, "PATCH", api.Base+"/campaigns/taken", `{"template":"none","priority":3}`); !a.has("body.template") {
		t.Errorf("a patch with an unknown template: %s", a.text)
	}
	if a := s.expect(405, "PUT", api.Base+"/campaigns/taken", `{}`); a.header.Get("Allow") == "" {
		t.Error("405 without Allow")
	}
	s.expect(404, "GET", "/api/v2/campaigns", "")
	s.expect(404, "GET", "/", "")
}

func TestToken(t *testing.T) {
	t.Parallel()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	for header, want := range map[string]int{
		"Bearer " + token:       200,
		"bearer " + token:       200,
		"Bearer " + token + "x": 401,
		"Basic " + token:        401,
		token:                   401,
		"Bearer":                401,
		"":                      401,
	} {
		a := s.expect(want, "GET", api.Base+"/campaigns", "", "Authorization", header)
		if want == 401 && a.header.Get("WWW-Authenticate") != `Bearer realm="inlay"` {
			t.Errorf("%q: WWW-Authenticate %q", header, a.header.Get("WWW-Authenticate"))
		}
	}
	c, err := client.New(client.Config{BaseURL: s.url, Token: "wrong"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Campaigns(context.Background(), client.List{}); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a client with a wrong token: %v", err)
	}
}

func TestScheduleSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	s := serve(t, w.instance(t, nowhere).Handler())
	audience := s.stock(t, "user,first_name", "anna,Anna")
	s.expect(201, "POST", api.Base+"/campaigns", `{"id":"empty","name":"n","class":"own"}`)
	a := s.expect(422, "POST", api.Base+"/campaigns/empty/schedule", "")
	if !a.has("body.template") || !a.has("body.audience") || !a.has("body.start") {
		t.Errorf("an empty draft: %s", a.text)
	}
	s.expect(201, "POST", api.Base+"/campaigns", asJSON(t, api.Plan{ID: "c", Name: "n", Class: "own", Template: "welcome", Audience: audience}))
	a = s.expect(422, "POST", api.Base+"/campaigns/c/start", "")
	if !a.has("body.audience") || !strings.Contains(a.text, `no column \"code\"`) {
		t.Errorf("an audience without a column: %s", a.text)
	}
	if c, _, err := s.Campaign(ctx, "c"); err != nil || c.State != campaign.Draft || !c.Start.IsZero() {
		t.Errorf("after it was refused: %+v, %v", c, err)
	}
	past := w.Now().Add(-2 * time.Hour)
	end := w.Now().Add(-time.Hour)
	fits := s.stock(t, "user,code", "anna,1")
	if _, err := s.PatchCampaign(ctx, "c", api.Patch{Audience: &fits, Start: &past, End: &end}, ""); err != nil {
		t.Fatal(err)
	}
	if a := s.expect(422, "POST", api.Base+"/campaigns/c/schedule", ""); !a.has("body.end") {
		t.Errorf("a window that is over: %s", a.text)
	}
	later := w.Now().Add(time.Hour)
	if _, err := s.PatchCampaign(ctx, "c", api.Patch{End: &later}, ""); err != nil {
		t.Fatal(err)
	}
	c, err := s.Schedule(ctx, "c")
	if err != nil || c.State != campaign.Scheduled || c.Window != "open" {
		t.Errorf("scheduled: %+v, %v", c, err)
	}
	// What is scheduled is no draft any more.
	s.expect(409, "POST", api.Base+"/campaigns/c/schedule", "")
	s.expect(409, "POST", api.Base+"/campaigns/c/pause", "")
	s.expect(409, "PATCH", api.Base+"/campaigns/c", `{"priority":3}`)
	s.expect(409, "DELETE", api.Base+"/campaigns/c", "")
	s.expect(409, "POST", api.Base+"/campaigns/c/archive", "")
	// The middleware has not heard of it: a recall needs nobody's consent.
	if c, err := s.Recall(ctx, "c"); err != nil || c.State != campaign.Cancelled || c.Pending != nil {
		t.Errorf("recalled: %+v, %v", c, err)
	}
	if c, err := s.Archive(ctx, "c"); err != nil || c.State != campaign.Archived {
		t.Errorf("archived: %+v, %v", c, err)
	}
}

func TestStatisticsNeedTheMiddleware(t *testing.T) {
	t.Parallel()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	s.draft(t, "c")
	s.expect(503, "GET", api.Base+"/campaigns/c/statistics", "")
	if _, err := s.Statistics(context.Background(), "c"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	s.expect(404, "GET", api.Base+"/campaigns/none/statistics", "")
}
