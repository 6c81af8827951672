package middleware_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// api speaks to an instance as an operator's tool does.
type api struct {
	t     testing.TB
	url   string
	token string
}

// answer is what came back, the body as it is and as JSON.
type answer struct {
	status int
	header http.Header
	text   string
	json   any
}

func (a api) do(method, path, body string, header http.Header) answer {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		a.t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	out := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if len(text) > 0 && strings.Contains(resp.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, &out.json); err != nil {
			a.t.Fatalf("%s %s: not JSON: %s", method, path, text)
		}
	}
	return out
}

// expect makes a request whose answer must have the status.
func (a api) expect(status int, method, path, body string) answer {
	a.t.Helper()
	out := a.do(method, path, body, nil)
	if out.status != status {
		a.t.Fatalf("%s %s: got %d, want %d: %s", method, path, out.status, status, out.text)
	}
	if status >= 400 && out.header.Get("Content-Type") != "application/problem+json" {
		a.t.Fatalf("%s %s: the error is not problem+json but %q", method, path, out.header.Get("Content-Type"))
	}
	return out
}

// at reads a value in a JSON tree by keys and indexes.
func at(t testing.TB, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			o, ok := v.(map[string]any)
			if !ok {
				t.Fatalf("at %v of %v: not an object but %v", p, path, v)
			}
			v = o[p]
		case int:
			l, ok := v.([]any)
			if !ok || p >= len(l) {
				t.Fatalf("at %v of %v: no such element in %v", p, path, v)
			}
			v = l[p]
		}
	}
	return v
}

// edit returns a JSON text changed at a path.
func edit(t testing.TB, text string, value any, path ...any) string {
	t.Helper()
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	parent := at(t, tree, path[:len(path)-1]...)
	switch last := path[len(path)-1].(type) {
	case string:
		o := parent.(map[string]any)
		if value == nil {
			delete(o, last)
		} else {
			o[last] = value
		}
	case int:
		parent.([]any)[last] = value
	}
	out, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// deadlines is a connection that knows of deadlines.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}

// A body has its time, whoever sends it; when it is there the deadline is taken away, which
// would otherwise cut off the answer.
func TestBodiesHaveTheirTime(t *testing.T) {
	t.Parallel()
	h := newWorld(t).instance(t).Handler()
	for _, path := range []string{"/api/tenants", "/api/tenants/default/commands", "/api/tenants/default/imports", "/api/injection/v1/begin"} {
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		var during []time.Time
		body := readerFunc(func([]byte) (int, error) {
			during = w.set
			return 0, io.EOF
		})
		r := httptest.NewRequest(http.MethodPost, path, body)
		r.Header.Set("Authorization", "Bearer "+token)
		h.ServeHTTP(w, r)
		if len(during) != 1 || time.Until(during[0]) > time.Minute || len(w.set) != 2 || !w.set[1].IsZero() {
			t.Errorf("%s: deadlines %v while the body is read, in the end %v", path, during, w.set)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
