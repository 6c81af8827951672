package platform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/platform/api"
	"inlay.example/inlay/internal/platform/client"
)

const mail = "message/rfc822"

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())

	made := s.expect(201, "POST", api.Base+"/templates?name=Welcome+to+us&id=welcome", welcome, "Content-Type", mail)
	if made.header.Get("Location") != api.Base+"/templates/welcome" || made.header.Get("ETag") == "" {
		t.Errorf("headers: %v", made.header)
	}
	got, etag, err := s.Template(ctx, "welcome")
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "Welcome to us" || got.Version != 1 || got.Size != int64(len(welcome)) || len(got.Versions) != 1 ||
		got.Subject != `Welcome, {{ first_name | default: "there" }}` {
		t.Errorf("got %+v", got)
	}
	if fmt.Sprint(got.Variables) != "[{first_name false} {code true}]" {
		t.Errorf("variables: %v", got.Variables)
	}
	if source, err := s.TemplateSource(ctx, "welcome"); err != nil || string(source) != welcome {
		t.Errorf("source: %q, %v", source, err)
	}

	// A new source is a new version; the old one stays.
	second := strings.Replace(welcome, "Your code", "Your secret code", 1)
	if _, err := s.ReplaceTemplate(ctx, "welcome", []byte(second), `"99"`); !fault.Is(err, fault.Conflict) {
		t.Errorf("replacing what was changed since: %v", err)
	}
	s.expect(412, "PUT", api.Base+"/templates/welcome", second, "Content-Type", mail, "If-Match", `"98", "99"`)
	next, err := s.ReplaceTemplate(ctx, "welcome", []byte(second), etag)
	if err != nil || next.Version != 2 || next.Digest == got.Digest || len(next.Versions) != 2 {
		t.Errorf("replaced: %+v, %v", next, err)
	}
	if a := s.expect(200, "GET", api.Base+"/templates/welcome/source?version=1", ""); a.text != welcome {
		t.Errorf("the first version now: %q", a.text)
	}
	if a := s.expect(200, "GET", api.Base+"/templates/welcome/source", ""); a.text != second || a.header.Get("Content-Type") != mail {
		t.Errorf("the current version: %q", a.text)
	}
	if again, err := s.ReplaceTemplate(ctx, "welcome", []byte(second), ""); err != nil || again.Version != 2 {
		t.Errorf("the same source again: %+v, %v", again, err)
	}
	s.expect(404, "GET", api.Base+"/templates/welcome/source?version=3", "")
	s.expect(404, "PUT", api.Base+"/templates/other", welcome, "Content-Type", mail)
	s.expect(422, "PUT", api.Base+"/templates/welcome", asJSON(t, api.TemplateSource{ID: "other", Name: "n", Source: welcome}))
	renamed := s.expect(200, "PUT", api.Base+"/templates/welcome", asJSON(t, api.TemplateSource{Name: "Hello", Source: second}), "If-Match", "*")
	if renamed.json["name"] != "Hello" || renamed.json["version"] != float64(2) {
		t.Errorf("renamed: %s", renamed.text)
	}
}

func TestTemplateAsJSON(t *testing.T) {
	t.Parallel()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	made := s.expect(201, "POST", api.Base+"/templates", asJSON(t, api.TemplateSource{Name: "Frühling 2026!", Source: welcome}))
	if id, _ := made.json["id"].(string); !strings.HasPrefix(id, "fr-hling-2026-") {
		t.Errorf("an id made of the name: %q", id)
	}
	s.expect(409, "POST", api.Base+"/templates", asJSON(t, api.TemplateSource{ID: made.json["id"].(string), Name: "n", Source: welcome}))
}

func TestTemplatesRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	for name, c := range map[string]struct {
		status      int
		query, body string
		contentType string
		location    string
	}{
		"no name":              {422, "", welcome, mail, "query.name"},
		"a wrong id":           {422, "?name=n&id=No", welcome, mail, "query.id"},
		"an unknown parameter": {422, "?name=n&colour=red", welcome, mail, "query.colour"},
		"not a mail":           {422, "?name=n", "\x00\x01", mail, ""},
		"an empty body":        {400, "?name=n", "", mail, ""},
		"no subject":           {422, "?name=n", "From: a@example.org\r\n\r\ntext", mail, ""},
		"a field of ours":      {422, "?name=n", "Date: now\r\n" + welcome, mail, ""},
		"an open tag":          {422, "?name=n", "From: a@example.org\r\nSubject: s\r\n\r\nfirst\n second {{ x", mail, "the text part, line 5, column 9"},
		"a tag in a header":    {422, "?name=n", "From: a@example.org\r\nSubject: s {{ x | shout }}\r\n\r\ntext", mail, "the header field Subject, line 2, column 19"},
		"another type":         {415, "?name=n", welcome, "text/plain", ""},
		"not JSON":             {422, "", "{", "application/json", ""},
		"an unknown member":    {422, "", `{"name":"n","source":"s","colour":"red"}`, "application/json", ""},
		"two values":           {422, "", `{"name":"n","source":"s"} {}`, "application/json", ""},
		"JSON without a name":  {422, "", asJSON(t, map[string]string{"source": welcome}), "application/json", "body.name"},
		"two names":            {422, "?name=n", asJSON(t, api.TemplateSource{Name: "n", Source: welcome}), "application/json", ""},
		"too large":            {413, "?name=n", welcome + strings.Repeat("x", 4<<20), mail, ""},
		"much too large":       {413, "?name=n", welcome + strings.Repeat("x", 10<<20), mail, ""},
	} {
		a := s.expect(c.status, "POST", api.Base+"/templates"+c.query, c.body, "Content-Type", c.contentType)
		if c.location != "" && !a.has(c.location) {
			t.Errorf("%s: no item at %q: %s", name, c.location, a.text)
		}
	}
	if a := s.expect(200, "GET", api.Base+"/templates", ""); a.text != "{\"items\":[]}\n" {
		t.Errorf("something was stored: %s", a.text)
	}
}

// Whoever writes a template is told of every field and part that is wrong, not of one at a time.
func TestTemplatesAreToldAllThatIsWrong(t *testing.T) {
	t.Parallel()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	const source = "Subject: {{ a | foo }}\r\nDate: now\r\n\r\nHello {{ b | bar }}"
	a := s.expect(422, "POST", api.Base+"/templates?name=n", source, "Content-Type", mail)
	for _, at := range []string{
		"the header field Subject, line 1, column 17", "the header field Date, line 2, column 1", "the text part, line 4, column 14", "the template",
	} {
		if !a.has(at) {
			t.Errorf("no item at %q: %s", at, a.text)
		}
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	if _, err := s.CreateTemplate(ctx, "n", []byte(welcome), ""); err != nil {
		t.Fatal(err)
	}
	page, err := s.Templates(ctx, client.List{})
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	id := page.Items[0].ID
	got, err := s.Preview(ctx, id, api.Preview{User: "anna@example.org", Variables: map[string]string{"code": "4711", "first_name": "Anna"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Subject: Welcome, Anna\r\n", "Your code is 4711.", "Date: Tue, 24 Nov 2026 09:30:00 +0000\r\n"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	path := api.Base + "/templates/" + id + "/preview"
	if a := s.expect(422, "POST", path, `{"variables":{"first_name":"Anna"}}`); !a.has("body.variables.code") {
		t.Errorf("a variable that is missing: %s", a.text)
	}
	if a := s.expect(422, "POST", path, `{"variabels":{}}`); !a.has("body.variabels") {
		t.Errorf("a member that is not known: %s", a.text)
	}
	s.expect(404, "POST", path, `{"version":7,"variables":{"code":"1"}}`)
	s.expect(404, "POST", api.Base+"/templates/none/preview", `{}`)
	s.expect(400, "POST", path, `{`)
}

func TestPaging(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	for i := range 5 {
		s.expect(201, "POST", fmt.Sprintf("%s/templates?name=n&id=t-%d", api.Base, i), welcome, "Content-Type", mail)
	}
	var ids []string
	for cursor, pages := "", 0; ; pages++ {
		page, err := s.Templates(ctx, client.List{Cursor: cursor, Limit: 2})
		if err != nil || pages > 3 {
			t.Fatalf("%v after %v", err, ids)
		}
		for _, item := range page.Items {
			ids = append(ids, item.ID)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if got := strings.Join(ids, " "); got != "t-0 t-1 t-2 t-3 t-4" {
		t.Errorf("got %s", got)
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "cursor=!", "cursor=" + strings.Repeat("a", 200)} {
		s.expect(422, "GET", api.Base+"/templates?"+query, "")
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	first, err := s.CreateTemplate(ctx, "n", []byte(welcome), "key-1")
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.CreateTemplate(ctx, "n", []byte(welcome), "key-1")
	if err != nil || again.ID != first.ID {
		t.Errorf("repeated: %s, want %s, %v", again.ID, first.ID, err)
	}
	if _, err := s.CreateTemplate(ctx, "another", []byte(welcome), "key-1"); !fault.Is(err, fault.Conflict) {
		t.Errorf("the key for another request: %v", err)
	}
	other, err := s.CreateTemplate(ctx, "n", []byte(welcome), "key-2")
	if err != nil || other.ID == first.ID {
		t.Errorf("another key: %s, %v", other.ID, err)
	}
	plan := api.Plan{Name: "Spring", Class: "own"}
	c1, err := s.CreateCampaign(ctx, plan, "key-1") // keys are by what is made
	if err != nil {
		t.Fatal(err)
	}
	c2, err := s.CreateCampaign(ctx, plan, "key-1")
	if err != nil || c1.ID != c2.ID {
		t.Errorf("a campaign repeated: %s, want %s, %v", c2.ID, c1.ID, err)
	}
	// A refused request uses no key up.
	if _, err := s.CreateCampaign(ctx, api.Plan{Name: "x", Class: "own", Template: "none"}, "key-3"); !fault.Is(err, fault.Invalid) {
		t.Errorf("refused: %v", err)
	}
	if _, err := s.CreateCampaign(ctx, plan, "key-3"); err != nil {
		t.Errorf("the key of a refused request: %v", err)
	}
	a1, err := s.UploadAudience(ctx, client.Upload{Name: "a", Body: strings.NewReader("user\nanna\n"), Key: "key-1"})
	if err != nil {
		t.Fatal(err)
	}
	a2, err := s.UploadAudience(ctx, client.Upload{Name: "a", Body: strings.NewReader("user\nanna\n"), Key: "key-1"})
	if err != nil || a2.ID != a1.ID {
		t.Errorf("an audience repeated: %+v, %v", a2, err)
	}
}

// A template can be deleted at any time: campaigns have the version that they were planned with.
func TestDeleteTemplate(t *testing.T) {
	t.Parallel()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	made := s.expect(201, "POST", api.Base+"/templates?id=w&name=n", welcome, "Content-Type", "message/rfc822")
	s.expect(201, "POST", api.Base+"/campaigns", `{"id":"c","name":"n","class":"own","template":"w"}`)
	s.expect(412, "DELETE", api.Base+"/templates/w", "", "If-Match", `"99"`)
	s.expect(204, "DELETE", api.Base+"/templates/w", "", "If-Match", made.header.Get("ETag"))
	s.expect(404, "GET", api.Base+"/templates/w", "")
	s.expect(404, "DELETE", api.Base+"/templates/w", "")
	got := s.expect(200, "GET", api.Base+"/campaigns/c", "")
	if ref, _ := got.json["template"].(map[string]any); ref["digest"] != made.json["digest"] {
		t.Errorf("the campaign has lost its template: %s", got.text)
	}
	s.expect(200, "PATCH", api.Base+"/campaigns/c", `{"name":"m"}`)
}
