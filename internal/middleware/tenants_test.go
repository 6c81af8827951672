package middleware_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/store"
	"inlay.example/inlay/internal/webhook"
)

// bare is an instance without tenants, and its API.
func bare(t *testing.T) (*world, *middleware.Middleware, api) {
	t.Helper()
	w := newWorld(t)
	m := w.instance(t, func(c *middleware.Config, _ *middleware.Deps) { c.EnsureDefaultTenant = nil })
	return w, m, api{t, serve(t, m), token}
}

// reference is the body of the reference page, octet by octet.
func reference(t *testing.T) string {
	t.Helper()
	body, err := os.ReadFile("testdata/tenant.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestTenantOfTheReference(t *testing.T) {
	t.Parallel()
	_, m, a := bare(t)
	body := reference(t)
	if got := a.expect(200, "GET", "/api/tenants/", "").text; strings.TrimSpace(got) != "[]" {
		t.Fatalf("no tenants, as %s", got)
	}
	created := a.expect(201, "POST", "/api/tenants/?createDB=true", body)
	if got := created.header.Get("Location"); got != "/api/tenants/default/" {
		t.Errorf("Location is %q", got)
	}
	for _, path := range []string{"/api/tenants/default/", "/api/tenants/default"} {
		got := a.expect(200, "GET", path, "")
		var want any
		masked := strings.ReplaceAll(body, `"<secretKey>"`, `"********"`)
		if err := json.Unmarshal([]byte(masked), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.json); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(created.json, got.json); diff != "" {
			t.Fatal(diff)
		}
	}
	for _, path := range []string{"/api/tenants", "/api/tenants/"} {
		if got := a.expect(200, "GET", path, "").json; len(got.([]any)) != 1 {
			t.Fatalf("list: %v", got)
		}
	}
	// It is what calls without a tenant mean, and its keyspace is there.
	if _, err := m.Placements(t.Context(), injection.Person{User: "anna"}); err != nil {
		t.Fatal(err)
	}
	a.expect(409, "POST", "/api/tenants?createDB=true", body)
	if got := a.expect(200, "GET", "/api/tenants/default/conversionPoints", "").json; len(got.([]any)) != 4 {
		t.Fatalf("conversion points: %v", got)
	}

	a.expect(204, "DELETE", "/api/tenants/default/", "")
	a.expect(404, "GET", "/api/tenants/default/", "")
	a.expect(404, "DELETE", "/api/tenants/default", "")
	if _, err := m.Placements(t.Context(), injection.Person{User: "anna"}); !fault.Is(err, fault.NotFound) {
		t.Fatalf("deleted, and: %v", err)
	}
}

func TestDataSources(t *testing.T) {
	t.Parallel()
	_, _, a := bare(t)
	body := edit(t, reference(t), map[string]any{"region": "eu", "apiToken": "hidden", "big": 12345678901234567}, "dataSources", 0, "vendorExtension")
	a.expect(201, "POST", "/api/tenants?createDB=true", body)
	const path = "/api/tenants/default/dataSources"
	list := a.expect(200, "GET", path+"/", "")
	if strings.Contains(list.text, "<secretKey>") || strings.Contains(list.text, "hidden") || !strings.Contains(list.text, "12345678901234567") {
		t.Fatalf("secrets are shown, or what is not known is changed: %s", list.text)
	}
	aws := []any{0, "awsConnectionInformation"}
	under := func(keys ...any) []any { return append(append([]any{}, aws...), keys...) }

	// Put back as it was: nothing has changed, not even what cannot be seen.
	again := a.expect(200, "PUT", path+"/", list.text)
	if diff := cmp.Diff(list.json, again.json); diff != "" {
		t.Fatal(diff)
	}
	// Another bucket of the same endpoint: the secret stays.
	a.expect(200, "PUT", path, edit(t, list.text, "another", under("bucket")...))

	for name, c := range map[string]struct {
		value any
		path  []any
		field string
	}{
		"another endpoint":     {"https://evil.example", under("endpoint"), "dataSources[0].awsConnectionInformation.secretKey"},
		"another id":           {"renamed", []any{0, "id"}, "dataSources[0].awsConnectionInformation.secretKey"},
		"another type":         {"folder", []any{0, "type"}, "dataSources[0].awsConnectionInformation.secretKey"},
		"a host is new":        {"evil.example", under("host"), "dataSources[0].awsConnectionInformation.secretKey"},
		"no default":           {false, []any{0, "defaultDataSource"}, "dataSources"},
		"unknown type":         {"ftp", []any{0, "type"}, "dataSources[0].awsConnectionInformation.secretKey"},
		"not a boolean":        {"yes", []any{0, "deleteTemporaryImportFiles"}, "dataSources[0].deleteTemporaryImportFiles"},
		"no bucket":            {nil, under("bucket"), "dataSources[0].awsConnectionInformation.bucket"},
		"signature version 3":  {"v3", under("authorizationType"), "dataSources[0].awsConnectionInformation.authorizationType"},
		"not an object at all": {"x", []any{0}, "dataSources[0]"},
	} {
		got := a.expect(422, "PUT", path, edit(t, list.text, c.value, c.path...))
		if !strings.Contains(got.text, `"field":"`+c.field+`"`) {
			t.Errorf("%s: the error does not name %s: %s", name, c.field, got.text)
		}
	}
	// With the secret itself, everything may change.
	moved := edit(t, list.text, "https://new.example", under("endpoint")...)
	moved = edit(t, moved, "new secret", under("secretKey")...)
	moved = edit(t, moved, "another hidden", 0, "vendorExtension", "apiToken")
	got := a.expect(200, "PUT", path, moved)
	if at(t, got.json, under("endpoint")...) != "https://new.example" || strings.Contains(got.text, "new secret") {
		t.Fatalf("moved: %s", got.text)
	}
	// Two sources, of which one is the default.
	two := fmt.Sprintf(`[%s,{"id":"local","type":"folder","defaultDataSource":false,"folderConnectionInformation":{"prefix":"a/b"}}]`, strings.Trim(got.text, "[]\n"))
	a.expect(200, "PUT", path, two)
	twice := strings.ReplaceAll(two, `"local"`, `"default"`)
	if got := a.expect(422, "PUT", path, twice); !strings.Contains(got.text, "dataSources[1].id") {
		t.Errorf("an id used twice: %s", got.text)
	}
	a.expect(422, "PUT", path, strings.ReplaceAll(two, `"defaultDataSource":false`, `"defaultDataSource":true`))
	a.expect(422, "PUT", path, strings.ReplaceAll(two, `"a/b"`, `"../b"`))
	a.expect(422, "PUT", path, `[]`)
	a.expect(400, "PUT", path, `{}`)
	a.expect(400, "PUT", path, `null`)
	a.expect(400, "PUT", path, `[`)
	a.expect(404, "PUT", "/api/tenants/nobody/dataSources", two)
	a.expect(404, "GET", "/api/tenants/nobody/dataSources", "")
	a.expect(413, "PUT", path, `["`+strings.Repeat("x", 600<<10)+`"]`)
	if got := a.expect(200, "GET", path, "").json; len(got.([]any)) != 2 {
		t.Fatalf("refused, and changed: %v", got)
	}

	// Conversion points go the same way.
	const points = "/api/tenants/default/conversionPoints"
	hook := `[{"id":"w","type":"webhook","eventType":"read","connectionInformation":{"url":"https://a.example/x","secret":"s3cret"}}]`
	if got := a.expect(200, "PUT", points, hook); strings.Contains(got.text, "s3cret") {
		t.Fatalf("shown: %s", got.text)
	}
	kept := strings.ReplaceAll(hook, "s3cret", "********")
	a.expect(200, "PUT", points, kept)
	a.expect(422, "PUT", points, strings.ReplaceAll(kept, "a.example", "evil.example"))
	a.expect(422, "PUT", points, strings.ReplaceAll(kept, `"webhook"`, `"pigeon"`))
	a.expect(200, "PUT", points, `[]`)
	a.expect(422, "PUT", points, kept)
}

func TestCreateTenantRefused(t *testing.T) {
	t.Parallel()
	_, _, a := bare(t)
	body := reference(t)
	for name, c := range map[string]struct {
		value any
		path  []any
		field string
	}{
		"no id":               {nil, []any{"id"}, "id"},
		"id is a number":      {7, []any{"id"}, "id"},
		"id with a slash":     {"a/b", []any{"id"}, "id"},
		"no keyspace":         {nil, []any{"keyspaceName"}, "keyspaceName"},
		"keyspace with a dot": {"a.b", []any{"keyspaceName"}, "keyspaceName"},
		"long keyspace":       {strings.Repeat("k", 49), []any{"keyspaceName"}, "keyspaceName"},
		"no secret":           {nil, []any{"configuration", "secretKey"}, "configuration.secretKey"},
		"secret in capitals":  {map[string]any{"SecretKey": "x"}, []any{"configuration"}, "configuration.secretKey"},
		"secret is the mask":  {"********", []any{"configuration", "secretKey"}, "configuration.secretKey"},
		"no configuration":    {nil, []any{"configuration"}, "configuration"},
		"no data sources":     {nil, []any{"dataSources"}, "dataSources"},
		"empty data sources":  {[]any{}, []any{"dataSources"}, "dataSources"},
		"a point without url": {map[string]any{}, []any{"conversionPoints", 2, "connectionInformation"}, "conversionPoints[2].connectionInformation.url"},
	} {
		got := a.expect(422, "POST", "/api/tenants?createDB=true", edit(t, body, c.value, c.path...))
		if !strings.Contains(got.text, `"field":"`+c.field+`"`) || at(t, got.json, "kind") != "invalid" {
			t.Errorf("%s: the error does not name %s: %s", name, c.field, got.text)
		}
	}
	// All that is wrong is said at once.
	got := a.expect(422, "POST", "/api/tenants", `{}`)
	if n := len(at(t, got.json, "errors").([]any)); n != 4 {
		t.Errorf("%d errors at once: %s", n, got.text)
	}
	a.expect(400, "POST", "/api/tenants?createDB=maybe", body)
	a.expect(400, "POST", "/api/tenants", ``)
	a.expect(400, "POST", "/api/tenants", `[]`)
	a.expect(400, "POST", "/api/tenants", `{"id":"x"} {}`)
	if got := a.expect(200, "GET", "/api/tenants/", "").json; len(got.([]any)) != 0 {
		t.Fatalf("refused, and made: %v", got)
	}
	if got := a.expect(405, "PATCH", "/api/tenants", "{}"); got.header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("Allow: %q", got.header.Get("Allow"))
	}
	if got := a.do("HEAD", "/api/tenants/", "", nil); got.status != 200 || got.text != "" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d %q %v", got.status, got.text, got.header)
	}
	a.expect(404, "GET", "/nothing/here", "")
}

func TestTenantsAreAuthorised(t *testing.T) {
	t.Parallel()
	_, _, a := bare(t)
	for _, bad := range []string{"", "wrong", token + "x", token[1:]} {
		a.token = bad
		for _, path := range []string{"/api/tenants/", "/api/tenants/default/", "/api/tenants/default/dataSources", "/api/tenants/default/campaigns"} {
			if got := a.expect(401, "GET", path, ""); got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: no WWW-Authenticate", path)
			}
		}
		a.expect(401, "POST", "/api/tenants/?createDB=true", reference(t))
		a.expect(401, "POST", "/api/injection/v1/begin", `{"user":"anna"}`)
	}
}

func TestKeyspaceBelongsToOneTenant(t *testing.T) {
	t.Parallel()
	w, m, a := bare(t)
	body := reference(t)
	a.expect(201, "POST", "/api/tenants?createDB=true", body)
	for _, name := range []string{"mim_default", "MIM_Default"} {
		other := edit(t, edit(t, body, "other", "id"), name, "keyspaceName")
		if got := a.expect(409, "POST", "/api/tenants?createDB=true", other); !strings.Contains(got.text, "keyspaceName") {
			t.Errorf("the conflict does not name the field: %s", got.text)
		}
	}
	// Without createDB the keyspace has to be there before the first use, and not earlier.
	other := edit(t, edit(t, body, "other", "id"), "theirs", "keyspaceName")
	a.expect(201, "POST", "/api/tenants", other)
	_, err := m.Placements(t.Context(), injection.Person{Tenant: "other", User: "anna"})
	if !fault.Is(err, fault.NotFound) || !strings.Contains(fault.Public(err), "theirs") || !strings.Contains(fault.Public(err), "createDB") {
		t.Fatalf("the error does not say what to do: %v", err)
	}
	if err := w.store.CreateKeyspace(t.Context(), "theirs"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Placements(t.Context(), injection.Person{Tenant: "other", User: "anna"}); err != nil {
		t.Fatal(err)
	}
	// Deleting gives the keyspace back; what is in it stays, and starts paused.
	w.PutCampaign(t, "default", campaign.Active{ID: "c", State: campaign.Running, Version: 1, Start: w.Now(), End: w.Now().Add(1e12)},
		map[string]map[string]string{"anna": nil})
	before, err := m.Begin(t.Context(), injection.BeginRequest{Person: injection.Person{User: "anna"}})
	if err != nil || len(before.Offers) != 1 {
		t.Fatalf("%+v, %v", before, err)
	}
	a.expect(204, "DELETE", "/api/tenants/default/", "")
	again := edit(t, body, "again", "id")
	a.expect(201, "POST", "/api/tenants", again)
	got := a.expect(200, "GET", "/api/tenants/again/campaigns", "")
	if at(t, got.json, 0, "state") != "paused" {
		t.Fatalf("a keyspace that was taken over goes on by itself: %s", got.text)
	}
	w.SetState(t, "default", "c", campaign.Running)
	after, err := m.Begin(t.Context(), injection.BeginRequest{Person: injection.Person{Tenant: "again", User: "anna"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Fatalf("the keyspace's identity was lost: %s", diff)
	}
}

// countingStore counts how often campaigns are listed.
type countingStore struct {
	store.Store
	lists atomic.Int64
}

func (s *countingStore) Keyspace(ctx context.Context, name string) (store.Keyspace, error) {
	ks, err := s.Store.Keyspace(ctx, name)
	return countingKeyspace{Keyspace: ks, store: s}, err
}

type countingKeyspace struct {
	store.Keyspace
	store *countingStore
}

func (k countingKeyspace) List(ctx context.Context, kind, after string, limit int) ([]store.Doc, error) {
	k.store.lists.Add(1)
	return k.Keyspace.List(ctx, kind, after, limit)
}

// Logins read the campaigns again when these have changed, not whenever anything has; and a
// tenant's own change holds from the next call on, also when it was deleted and made anew.
func TestChangesOfOthersCostLittle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	counting := &countingStore{Store: w.store}
	m := w.instance(t, func(_ *middleware.Config, d *middleware.Deps) { d.Store = counting })
	a := api{t, serve(t, m), token}
	begin := func() (listed int64) {
		t.Helper()
		before := counting.lists.Load()
		if _, err := m.Begin(t.Context(), injection.BeginRequest{Person: injection.Person{User: "anna"}}); err != nil {
			t.Fatal(err)
		}
		return counting.lists.Load() - before
	}
	begin()
	if _, err := w.store.Control().Put(t.Context(), "platform-campaign", "x", 0, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if n := begin(); n != 0 {
		t.Errorf("campaigns were listed %d times because of something else", n)
	}
	w.PutCampaign(t, "", campaign.Active{ID: "c", State: campaign.Running, Version: 1, Start: w.Now(), End: w.Now().Add(time.Hour)}, nil)
	if n := begin(); n != 1 {
		t.Errorf("campaigns were listed %d times after they had changed", n)
	}
	command := func(id, secret string) int {
		body := `{"campaign":"none","command":"pause","revision":1}`
		unsigned := a
		unsigned.token = ""
		return unsigned.do("POST", "/api/tenants/default/commands", body, webhook.Sign([]byte(secret), id, w.Now(), []byte(body))).status
	}
	if got := command("1", secret); got != 404 {
		t.Fatalf("status %d", got)
	}
	body := reference(t)
	for _, other := range []string{"another-secret", "still-another-secret"} {
		a.expect(204, "DELETE", "/api/tenants/default/", "")
		if got := command("2", secret); got != 404 {
			t.Errorf("of a tenant that is deleted: %d", got)
		}
		a.expect(201, "POST", "/api/tenants?createDB=true", edit(t, body, other, "configuration", "secretKey"))
		if got, old := command("3", other), command("4", secret); got != 404 || old != 401 {
			t.Errorf("by the new secret %d, by the old one %d", got, old)
		}
	}
}

// Fields that only others know may have secrets in any form; none comes back, and all are kept.
func TestSecretsWithin(t *testing.T) {
	t.Parallel()
	w, _, a := bare(t)
	a.expect(201, "POST", "/api/tenants?createDB=true", reference(t))
	const points = "/api/tenants/default/conversionPoints"
	hook := `[{"id":"w","type":"webhook","eventType":"read","connectionInformation":{"url":"https://a.example/x",` +
		`"credentials":{"user":"s3cret-1","more":[{"pin":1234567}]},"oldTokens":["s3cret-2","s3cret-3"],"headers":[{"name":"x"}]}}]`
	kept := func() string {
		doc, err := w.store.Control().Get(t.Context(), "tenant", "default")
		if err != nil {
			t.Fatal(err)
		}
		return string(doc.Body)
	}
	shown := a.expect(200, "PUT", points, hook).text
	if strings.Contains(shown, "s3cret") || strings.Contains(shown, "1234567") || !strings.Contains(shown, `"name":"x"`) {
		t.Fatalf("shown: %s", shown)
	}
	before := kept()
	a.expect(200, "PUT", points, a.expect(200, "GET", points, "").text)
	if after := kept(); after != before || !strings.Contains(after, "s3cret-3") || !strings.Contains(after, "1234567") {
		t.Errorf("kept: %s", after)
	}
	a.expect(422, "PUT", points, strings.ReplaceAll(shown, "a.example", "evil.example"))
	a.expect(422, "PUT", points, strings.ReplaceAll(shown, `["********","********"]`, `["********","********","********"]`))
}
