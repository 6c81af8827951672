package platform_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/platform/api"
)

var update = flag.Bool("update", false, "write golden files")

const golden = "../../docs/openapi.json"

// The document that is served is the one in the manual; a change of the API shows there.
func TestOpenAPIDocument(t *testing.T) {
	t.Parallel()
	s := serve(t, newWorld(t).instance(t, nowhere).Handler())
	got := s.expect(200, "GET", api.Base+"/openapi.json", "", "Authorization", "")
	if *update {
		if err := os.WriteFile(golden, []byte(got.text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.text); diff != "" {
		t.Errorf("docs/openapi.json is not what is served (go test ./internal/platform -update):\n%s", diff)
	}
	checkDocument(t, got.json)
}

// checkDocument checks what OpenAPI 3.1 asks of a document, as far as clients rely on it.
func checkDocument(t *testing.T, doc map[string]any) {
	t.Helper()
	if v, _ := doc["openapi"].(string); !strings.HasPrefix(v, "3.1.") {
		t.Errorf("openapi %q, want 3.1", v)
	}
	info, _ := doc["info"].(map[string]any)
	if info["title"] == "" || info["version"] == "" {
		t.Errorf("info: %v", info)
	}
	ids := map[string]bool{}
	paths, _ := doc["paths"].(map[string]any)
	for path, item := range paths {
		if !strings.HasPrefix(path, api.Base+"/") {
			t.Errorf("%s is not below %s", path, api.Base)
		}
		for method, v := range item.(map[string]any) {
			op := v.(map[string]any)
			where := method + " " + path
			id, _ := op["operationId"].(string)
			if id == "" || ids[id] {
				t.Errorf("%s: operationId %q is missing or there twice", where, id)
			}
			ids[id] = true
			if op["summary"] == nil || op["tags"] == nil {
				t.Errorf("%s: no summary or tag", where)
			}
			checkParameters(t, where, path, op)
			checkResponses(t, where, op)
		}
	}
	resolve(t, doc, doc)
}

// checkParameters: each part of a path in braces is a required parameter in path.
func checkParameters(t *testing.T, where, path string, op map[string]any) {
	t.Helper()
	declared := map[string]bool{}
	list, _ := op["parameters"].([]any)
	for _, v := range list {
		p := v.(map[string]any)
		if p["schema"] == nil {
			t.Errorf("%s: parameter %v has no schema", where, p["name"])
		}
		if p["in"] == "path" {
			declared[p["name"].(string)] = p["required"] == true
		}
	}
	for part := range strings.SplitSeq(path, "/") {
		if name := strings.Trim(part, "{}"); name != part && !declared[name] {
			t.Errorf("%s: {%s} is not a required parameter", where, name)
		}
	}
}

func checkResponses(t *testing.T, where string, op map[string]any) {
	t.Helper()
	good := false
	responses, _ := op["responses"].(map[string]any)
	for status, v := range responses {
		r := v.(map[string]any)
		if r["description"] == nil {
			t.Errorf("%s: response %s has no description", where, status)
		}
		good = good || status[0] == '2'
		content, _ := r["content"].(map[string]any)
		if status[0] >= '4' && content["application/problem+json"] == nil {
			t.Errorf("%s: response %s is not a problem", where, status)
		}
	}
	if !good || responses["401"] == nil {
		t.Errorf("%s: no good answer, or no 401", where)
	}
}

// resolve follows every $ref.
func resolve(t *testing.T, doc map[string]any, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			resolve(t, doc, e)
		}
	case map[string]any:
		for key, e := range v {
			ref, ok := e.(string)
			if key != "$ref" || !ok {
				resolve(t, doc, e)
				continue
			}
			var at any = doc
			for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
				m, _ := at.(map[string]any)
				at = m[part]
			}
			if at == nil {
				t.Errorf("%s leads nowhere", ref)
			}
		}
	}
}

// Every operation that is documented is served, and asks for the token.
func TestEveryPathIsServed(t *testing.T) {
	t.Parallel()
	p := newWorld(t).instance(t, nowhere)
	s := serve(t, p.Handler())
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(p.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	operations := 0
	for path, methods := range doc.Paths {
		for method := range methods {
			operations++
			target := strings.ReplaceAll(path, "{id}", "unheard-of")
			refused := s.expect(401, strings.ToUpper(method), target, "", "Authorization", "Bearer wrong")
			if refused.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s: 401 without WWW-Authenticate", method, path)
			}
			if a := s.do(strings.ToUpper(method), target+"/", "{}"); a.status == 405 || a.status >= 500 || a.status == 404 && !strings.Contains(a.text, "unheard-of") {
				t.Errorf("%s %s: not served: %d %s", method, path, a.status, a.text)
			}
		}
	}
	if operations < 20 {
		t.Errorf("only %d operations are documented", operations)
	}
}
