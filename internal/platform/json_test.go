package platform_test

import (
	"strings"
	"testing"

	"inlay.example/inlay/internal/platform/api"
)

// JSON is taken for what it says, or not at all.
func TestJSONIsTakenExactly(t *testing.T) {
	t.Parallel()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	const source = `"source":"From: a@b.example\nSubject: s\n\nhello\n"`
	s.expect(201, "POST", api.Base+"/templates", `{"id":"w","name":"n",`+source+`}`)
	s.expect(201, "POST", api.Base+"/campaigns", `{"id":"c","name":"n","class":"own"}`)
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/templates", `{"Name":"n",` + source + `}`, 422, "Name"},
		{"POST", "/templates", `{"name":"n","name":"m",` + source + `}`, 422, "twice"},
		{"POST", "/templates", `{"id":null,"name":"n",` + source + `}`, 422, "null"},
		{"POST", "/templates", `{"name":"n","more":1,` + source + `}`, 422, "more"},
		{"POST", "/templates", `{"name":"n",` + source + `} {}`, 422, "JSON"},
		{"PUT", "/templates/w", `{"SOURCE":"x"}`, 422, "SOURCE"},
		{"POST", "/templates/w/preview", `{"version":null}`, 400, "version"},
		{"POST", "/templates/w/preview", `{"Version":1}`, 422, "Version"},
		{"POST", "/templates/w/preview", `{"variables":{"a":"1","a":"2"}}`, 400, "variables.a"},
		{"POST", "/templates/w/preview", strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100), 400, "nested"},
		{"POST", "/campaigns", `{"name":"n","class":"own","CLASS":"service"}`, 422, "CLASS"},
		{"PATCH", "/campaigns/c", `{"end":null}`, 400, "end"},
		{"PATCH", "/campaigns/c", `{"name":"x","name":"y"}`, 400, "name"},
	} {
		got := s.expect(c.status, c.method, api.Base+c.path, c.body)
		if !strings.Contains(got.text, c.says) {
			t.Errorf("%s %s %s: the answer does not say %q: %s", c.method, c.path, c.body, c.says, got.text)
		}
	}
	s.expect(200, "POST", api.Base+"/templates/w/preview", `{"variables":{"Version":"1","version":"2"}}`)
}
