package platform

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"inlay.example/inlay/internal/platform/api"
)

// Version of the API's document.
const apiVersion = "1.0.0"

// Limits of request bodies, in octets. Audiences have none.
const (
	maxJSONBody     = 256 << 10
	maxTemplateBody = 9 << 20 // a source of message.MaxSource with every other octet escaped
)

// bodyTimeout is for how long a body other than an audience may take to come.
const bodyTimeout = 30 * time.Second

const openAPIPath = api.Base + "/openapi.json"

// routes makes the handler and the document that describes it.
func (p *Platform) routes() (http.Handler, []byte, error) {
	mux := http.NewServeMux()
	cfg := huma.DefaultConfig("Inlay platform", apiVersion)
	cfg.Info.Description = "Templates, audiences and campaigns. Errors are problem details (RFC 9457)."
	cfg.CreateHooks = nil // no "$schema" members in answers
	cfg.DocsPath = ""     // its page loads scripts from elsewhere
	cfg.OpenAPIPath, cfg.SchemasPath = "", ""
	cfg.RejectUnknownQueryParameters = true
	asJSON := huma.Format{Marshal: writeJSON, Unmarshal: unmarshal}
	cfg.Formats = map[string]huma.Format{"application/json": asJSON, "json": asJSON}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "The platform's token."},
	}
	cfg.Security = []map[string][]string{{"bearer": {}}}
	cfg.Tags = []*huma.Tag{
		{Name: "templates", Description: "Messages' sources, immutable under their digest."},
		{Name: "audiences", Description: "Lists of people with their variables, immutable."},
		{Name: "campaigns", Description: "What is shown to whom and when."},
	}
	a := humago.New(mux, cfg)
	a.UseMiddleware(p.metrics.observe)
	p.templateRoutes(a)
	p.audienceRoutes(a)
	p.campaignRoutes(a)
	p.commandRoutes(a)

	doc, err := json.MarshalIndent(a.OpenAPI(), "", "  ")
	if err != nil {
		return nil, nil, fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	doc = append(doc, '\n')
	mux.HandleFunc("GET "+openAPIPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(doc) // the caller may have gone
	})
	return p.outer(mux), doc, nil
}

// writeJSON writes an answer. That its reader has gone is no error here: the framework would
// panic of it.
func writeJSON(w io.Writer, v any) error {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, _ = w.Write(body.Bytes())
	return nil
}

// outer is what stands before all operations: the slash at the end, the token, and what no
// operation matches.
func (p *Platform) outer(mux *http.ServeMux) http.Handler {
	want := sha256.Sum256([]byte(p.cfg.Token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := r.URL.Path; len(path) > 1 && strings.HasSuffix(path, "/") {
			url := *r.URL
			url.Path, url.RawPath = strings.TrimSuffix(path, "/"), strings.TrimSuffix(url.RawPath, "/")
			r2 := *r
			r2.URL = &url
			r = &r2
		}
		if r.URL.Path != openAPIPath && !authorised(r, want) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="inlay"`)
			refuse(w, http.StatusUnauthorized, "the bearer token is missing or wrong")
			return
		}
		h, pattern := mux.Handler(r)
		if pattern != "" {
			w.Header().Set("Cache-Control", "no-store")
			mux.ServeHTTP(w, r)
			return
		}
		// What the mux would say: not found, or the methods that the path has.
		probe := &headerOnly{header: http.Header{}}
		h.ServeHTTP(probe, r)
		if allow := probe.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			refuse(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s is not done here, but: %s", r.Method, allow))
			return
		}
		refuse(w, http.StatusNotFound, "there is nothing at "+r.URL.Path)
	})
}

// authorised compares hashes, so that the time tells nothing, not even the length.
func authorised(r *http.Request, want [sha256.Size]byte) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// headerOnly takes an answer for its headers.
type headerOnly struct{ header http.Header }

func (h *headerOnly) Header() http.Header         { return h.header }
func (h *headerOnly) Write(b []byte) (int, error) { return len(b), nil }
func (h *headerOnly) WriteHeader(int)             {}

// register adds an operation, its errors translated.
func register[I, O any](p *Platform, a huma.API, op huma.Operation, serve func(context.Context, *I) (*O, error)) {
	op.Path = api.Base + op.Path
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxJSONBody
	}
	op.BodyReadTimeout = bodyTimeout
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	huma.Register(a, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := serve(ctx, in)
		if err != nil {
			return nil, p.problem(ctx, op.OperationID, err)
		}
		return out, nil
	})
}

// Paging is the input of a list.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"128" doc:"The member next of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Greatest number of items."`
}

// one is the answer that shows one thing.
type one[T any] struct {
	ETag string `header:"ETag" doc:"Of this revision, for If-Match."`
	Body T
}

// made is the answer to a creation.
type made[T any] struct {
	ETag     string `header:"ETag" doc:"Of this revision, for If-Match."`
	Location string `header:"Location" doc:"Path of what was made."`
	Body     T
}

// listed is a page of a list.
type listed[T any] struct{ Body api.Page[T] }
