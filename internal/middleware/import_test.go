package middleware_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/importer"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/webhook"
)

// The whole way of a bundle: written to the objects, pushed over HTTP, imported, offered.

const (
	importsPath = "/api/tenants/default/imports"
	letter      = "From: offers@example.org\r\nSubject: Hello {{ first_name }}\r\n\r\n{{ offer | default: \"Nothing\" }}\r\n"
)

// adapted is the importer as the composition root gives it to the middleware.
type adapted struct{ *importer.Importer }

func (a adapted) Start(ctx context.Context, id, digest string, manifest object.Key) (middleware.ImportJob, error) {
	j, err := a.Importer.Start(ctx, id, digest, manifest)
	return middleware.ImportJob(j), err
}

func (a adapted) Job(ctx context.Context, id string) (middleware.ImportJob, error) {
	j, err := a.Importer.Job(ctx, id)
	return middleware.ImportJob(j), err
}

// importing is a running instance that imports, its API, and where the default tenant's
// bundles are.
type importing struct {
	*world
	*middleware.Middleware
	api
	bundles object.Store
}

func newImporting(t *testing.T) *importing {
	t.Helper()
	w := newWorld(t)
	m := w.instance(t, func(c *middleware.Config, d *middleware.Deps) {
		c.ImportErrorRatio = 0.6
		d.Importer = func(s middleware.ImportSource) (middleware.Importer, error) {
			i, err := importer.New(importer.Config{ErrorRatio: s.ErrorRatio, Poll: 10 * time.Millisecond, Retry: time.Millisecond}, importer.Deps{
				Keyspace: s.Keyspace, Objects: s.Objects, NormaliseUser: s.NormaliseUser, Now: w.Now,
			})
			return adapted{i}, err
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &importing{w, m, api{t, serve(t, m), token}, object.Below(w.objects, "bundles")}
}

func (i *importing) manifest(version campaign.Version) bundle.Manifest {
	return bundle.Manifest{
		Campaign: "spring", Version: version, Name: "Spring", Class: campaign.Own, Mailbox: "INBOX",
		Start: i.Now().Add(-time.Hour), End: i.Now().Add(time.Hour), Priority: 50,
	}
}

// write writes a bundle of people and their first names.
func (i *importing) write(version campaign.Version, template string, people ...string) object.Key {
	i.t.Helper()
	key, err := bundle.Write(i.t.Context(), i.bundles, "cmp", i.manifest(version), []byte(template), []string{"first_name"}, func(yield func(bundle.Row, error) bool) {
		for _, p := range people {
			if !yield(bundle.Row{User: strings.ToLower(p), Values: []string{p}}, nil) {
				return
			}
		}
	})
	if err != nil {
		i.t.Fatal(err)
	}
	return key
}

// push sends a signed push.
func (i *importing) push(id, body string, at time.Time, secret string) answer {
	i.t.Helper()
	unsigned := i.api
	unsigned.token = "" // the signature is enough
	return unsigned.do("POST", importsPath, body, webhook.Sign([]byte(secret), id, at, []byte(body)))
}

// bring pushes a bundle and waits for its end.
func (i *importing) bring(id string, key object.Key) importer.Status {
	i.t.Helper()
	got := i.push(id, `{"manifest":"`+string(key)+`"}`, i.Now(), secret)
	if got.status != 202 {
		i.t.Fatalf("push: %d %s", got.status, got.text)
	}
	return i.ended(got.header.Get("Location"))
}

func (i *importing) ended(location string) (s importer.Status) {
	i.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for {
		got := i.expect(200, "GET", location, "")
		if err := json.Unmarshal([]byte(got.text), &s); err != nil {
			i.t.Fatal(err)
		}
		if s.State == importer.Complete || s.State == importer.Failed {
			return s
		}
		select {
		case <-tick.C:
		case <-deadline:
			i.t.Fatalf("the job does not end: %s", got.text)
		}
	}
}

// offers are what a person would be shown now.
func (i *importing) offers(user string) []injection.Offer {
	i.t.Helper()
	s, err := i.Begin(i.t.Context(), injection.BeginRequest{Person: injection.Person{User: user}})
	if err != nil {
		i.t.Fatal(err)
	}
	return s.Offers
}

func TestBundleReachesPeople(t *testing.T) {
	t.Parallel()
	i := newImporting(t)
	got := i.bring("push-1", i.write(1, letter, "Anna", "Ben"))
	if got.State != importer.Complete || got.Rows != (importer.Rows{Total: 2, Read: 2}) {
		t.Fatalf("%+v", got)
	}
	offers := i.offers("ANNA")
	if len(offers) != 1 || offers[0].Template != message.Digest([]byte(letter)) || offers[0].Variables["first_name"] != "Anna" {
		t.Fatalf("offers: %+v", offers)
	}
	if body, err := i.Template(t.Context(), "", offers[0].Template); err != nil || string(body) != letter {
		t.Errorf("template %q, %v", body, err)
	}
	if len(i.offers("cleo")) != 0 {
		t.Error("somebody who is not in the audience has an offer")
	}
	c := i.expect(200, "GET", "/api/tenants/default/campaigns/spring", "")
	if at(t, c.json, "state") != "running" || at(t, c.json, "version") != 1.0 {
		t.Errorf("campaign: %s", c.text)
	}
	// A new version replaces it, people and template.
	other := strings.Replace(letter, "Hello", "Dear", 1)
	if got := i.bring("push-2", i.write(2, other, "Ben", "Cleo")); got.State != importer.Complete {
		t.Fatalf("%+v", got)
	}
	if len(i.offers("anna")) != 0 || len(i.offers("cleo")) != 1 || i.offers("ben")[0].Template != message.Digest([]byte(other)) {
		t.Error("the new version is not what people are offered")
	}
	// A command is stronger than a bundle.
	body := `{"campaign":"spring","command":"recall","revision":1}`
	if got := i.do("POST", "/api/tenants/default/commands", body, webhook.Sign([]byte(secret), "command-1", i.Now(), []byte(body))); got.status != 200 {
		t.Fatalf("recall: %s", got.text)
	}
	if got := i.bring("push-3", i.write(3, letter, "Anna")); got.State != importer.Failed || !strings.Contains(got.Problem, "recalled") {
		t.Fatalf("%+v", got)
	}
	if len(i.offers("anna"))+len(i.offers("cleo")) != 0 {
		t.Error("a recalled campaign is offered")
	}
}

// A tenant that cannot be opened holds up nobody else.
func TestDamagedTenantIsAlone(t *testing.T) {
	t.Parallel()
	i := newImporting(t)
	i.AddTenant(t, "damaged")
	if _, err := i.keyspace(t, "damaged").Put(t.Context(), "identity", "keyspace", 0, []byte("not JSON")); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Begin(t.Context(), injection.BeginRequest{Person: injection.Person{Tenant: "damaged", User: "anna"}}); err == nil {
		t.Fatal("the tenant is not damaged")
	}
	if got := i.bring("push-1", i.write(1, letter, "Anna")); got.State != importer.Complete {
		t.Fatalf("%+v", got)
	}
	p := inject(t, i, "anna", "spring")
	if got := i.api.command(i.world, "1", "/api/tenants/default/commands", `{"campaign":"spring","command":"recall","revision":1}`); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.text)
	}
	eventually(t, "withdrawal of "+string(p.ID), func() bool { return i.Count(t, "", "spring", event.Withdrawn) == 1 })
}

func TestPushesRefused(t *testing.T) {
	t.Parallel()
	i := newImporting(t)
	key := string(i.write(1, letter, "Anna"))
	body := `{"manifest":"` + key + `"}`
	first := i.push("push-1", body, i.Now(), secret)
	if first.status != 202 {
		t.Fatalf("%d %s", first.status, first.text)
	}
	if got := i.ended(first.header.Get("Location")); got.State != importer.Complete {
		t.Fatalf("%+v", got)
	}
	before := i.expect(200, "GET", "/api/tenants/default/campaigns/spring", "").text

	for _, c := range []struct {
		name, id, body string
		at             time.Time
		secret         string
		status         int
		says           string
	}{
		{"forged", "push-2", body, i.Now(), "guessed", 401, "signature"},
		{"replayed later", "push-1", body, i.Now().Add(-6 * time.Minute), secret, 400, "too old"},
		{"of tomorrow", "push-3", body, i.Now().Add(24 * time.Hour), secret, 400, "future"},
		{"an id with another body", "push-1", strings.Replace(body, "}", ` }`, 1), i.Now(), secret, 409, "used for another"},
		{"no JSON", "push-4", `{`, i.Now(), secret, 400, "not JSON"},
		{"no manifest", "push-5", `{}`, i.Now(), secret, 422, "manifest"},
		{"a manifest outside", "push-6", `{"manifest":"../../other/manifest.json"}`, i.Now(), secret, 422, "manifest"},
		{"an unknown source", "push-7", `{"manifest":"` + key + `","dataSource":"elsewhere"}`, i.Now(), secret, 422, "dataSource"},
	} {
		got := i.push(c.id, c.body, c.at, c.secret)
		if got.status != c.status || !strings.Contains(got.text, c.says) || !strings.HasPrefix(got.header.Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s: %d %s, want %d with %q", c.name, got.status, got.text, c.status, c.says)
		}
	}
	// The same push again is the same job, also with a signature of its own.
	again := i.push("push-1", body, i.Now().Add(time.Minute), secret)
	if again.status != 202 || at(t, again.json, "id") != at(t, first.json, "id") || at(t, again.json, "state") != "complete" {
		t.Errorf("again: %d %s", again.status, again.text)
	}
	i.expect(404, "GET", importsPath+"/import-unheard-of", "")
	i.token = ""
	i.expect(401, "GET", first.header.Get("Location"), "")
	i.expect(400, "POST", importsPath, body) // no signature at all
	i.token = token
	if after := i.expect(200, "GET", "/api/tenants/default/campaigns/spring", "").text; after != before {
		t.Errorf("what was refused has changed something:\n%s\n%s", before, after)
	}
}

func TestBundlesWithErrors(t *testing.T) {
	t.Parallel()
	i := newImporting(t)
	if got := i.bring("good", i.write(1, letter, "Anna")); got.State != importer.Complete {
		t.Fatalf("%+v", got)
	}
	replace := func(key object.Key, name, old, text string) {
		t.Helper()
		full := bundle.Beside(key, name)
		r, _, err := i.bundles.Get(t.Context(), full, 0)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Contains(body, []byte(old)) {
			t.Fatalf("%s: %q, %v", full, body, err)
		}
		body = bytes.Replace(body, []byte(old), []byte(text), 1)
		if _, err := i.bundles.Put(t.Context(), full, bytes.NewReader(body), int64(len(body))); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		template  string
		file, old string
		text      string
		says      string
	}{
		"a variable without a column": {template: strings.Replace(letter, "{{ offer | default: \"Nothing\" }}", "{{ surname }}", 1), says: `"surname"`},
		"a template that is none":     {template: "Subject: x\r\n\r\nx", says: "From"},
		"a wrong sum":                 {file: "template-default.eml", old: "Hello", text: "Jello", says: "SHA-256"},
		"a truncated file":            {file: "recipients-00000.csv.zst", old: "\x28\xb5\x2f\xfd", text: "", says: "octets, the manifest says"},
		"a damaged manifest":          {file: "manifest.json", old: `"class": "own"`, text: `"class": "mine", "klass": 1`, says: "class: must be"},
	} {
		version := campaign.Version(len(name)) // any that differs
		if c.template == "" {
			c.template = letter
		}
		key := i.write(version, c.template, "Ben")
		if c.file != "" {
			replace(key, c.file, c.old, c.text)
		}
		got := i.bring(fmt.Sprint("push-", version), key)
		if got.State != importer.Failed || !strings.Contains(got.Problem, c.says) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if len(i.offers("anna")) != 1 || len(i.offers("ben")) != 0 {
		t.Error("a bundle with errors has changed what is offered")
	}

	// Rows with errors cost themselves, and are named.
	m := i.manifest(1000)
	m.Format = bundle.Format
	key := bundle.Key("cmp", m.Campaign, m.Version)
	text := "mail,first_name\nben,Ben\n,Nobody\ncleo\ndora,\"Dora\nemil,Emil\n"
	for name, body := range map[string]string{"t.eml": letter, "people.csv": text} {
		if _, err := i.bundles.Put(t.Context(), bundle.Beside(key, name), strings.NewReader(body), -1); err != nil {
			t.Fatal(err)
		}
	}
	m.Template = bundle.File{Name: "t.eml", Size: int64(len(letter)), SHA256: strings.TrimPrefix(message.Digest([]byte(letter)), "sha256:")}
	m.Recipients = []bundle.RecipientsFile{{Name: "people.csv", Size: int64(len(text)), SHA256: strings.TrimPrefix(message.Digest([]byte(text)), "sha256:"), Rows: 5}}
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.bundles.Put(t.Context(), key, bytes.NewReader(body), -1); err != nil {
		t.Fatal(err)
	}
	got := i.bring("rows", key)
	want := []importer.RejectedRow{
		{File: "people.csv", Line: 3, Reason: "the user is missing"},
		{File: "people.csv", Line: 4, Reason: "1 fields, and the header has 2"},
		{File: "people.csv", Line: 5, Reason: "a quote that is never closed"},
	}
	if diff := cmp.Diff(want, got.Rejected); got.State != importer.Complete || diff != "" {
		t.Fatalf("%+v\n%s", got, diff)
	}
	if len(got.ErrorFiles) != 1 {
		t.Fatalf("error files: %v", got.ErrorFiles)
	}
	if info, err := i.bundles.Stat(t.Context(), got.ErrorFiles[0]); err != nil || info.Size == 0 {
		t.Errorf("%s: %+v, %v", got.ErrorFiles[0], info, err)
	}
	if len(i.offers("ben")) != 1 || len(i.offers("emil")) != 1 || len(i.offers("dora")) != 0 {
		t.Error("the good rows are not what is offered")
	}
}
