package middleware

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// injectionBase is the path of the injection API; client and server both build on it.
const injectionBase = "/api/injection/v1/"

// The bodies of the injection API that are not the contract's own types.
type (
	placementsBody struct {
		Placements []placement.Placement `json:"placements"`
	}
	placementBody struct {
		Placement placement.Placement `json:"placement"`
	}
	departuresBody struct {
		Departures []placement.Departure `json:"departures"`
	}
	eventsBody struct {
		injection.Person
		Events []injection.Observation `json:"events"`
	}
	empty struct{}
)

// injectionRoutes serves injection.Service. Calls are POST, because they name people, and
// names do not belong into the logs of what lies between. Durations are in nanoseconds.
func (m *Middleware) injectionRoutes(mux *http.ServeMux) {
	route(m, mux, "begin", maxCallBody, m.Begin)
	route(m, mux, "placements", maxCallBody, func(ctx context.Context, p injection.Person) (placementsBody, error) {
		list, err := m.Placements(ctx, p)
		return placementsBody{list}, err
	})
	route(m, mux, "claim", maxCallBody, func(ctx context.Context, req injection.ClaimRequest) (placementBody, error) {
		p, err := m.Claim(ctx, req)
		return placementBody{p}, err
	})
	route(m, mux, "confirm", maxCallBody, func(ctx context.Context, req injection.ConfirmRequest) (placementBody, error) {
		p, err := m.Confirm(ctx, req)
		return placementBody{p}, err
	})
	route(m, mux, "void", maxCallBody, func(ctx context.Context, req injection.VoidRequest) (empty, error) {
		return empty{}, m.Void(ctx, req)
	})
	route(m, mux, "flags", maxCallBody, func(ctx context.Context, req injection.FlagsRequest) (placementBody, error) {
		p, err := m.SetFlags(ctx, req)
		return placementBody{p}, err
	})
	route(m, mux, "expunge", maxCallBody, func(ctx context.Context, req injection.ExpungeRequest) (placementBody, error) {
		p, err := m.Expunge(ctx, req)
		return placementBody{p}, err
	})
	route(m, mux, "settle", maxCallBody, m.Settle)
	route(m, mux, "departed", maxCallBody, func(ctx context.Context, req injection.DepartedRequest) (departuresBody, error) {
		list, err := m.Departed(ctx, req)
		return departuresBody{list}, err
	})
	route(m, mux, "move", maxCallBody, func(ctx context.Context, req injection.MoveRequest) (placementBody, error) {
		p, err := m.Move(ctx, req)
		return placementBody{p}, err
	})
	route(m, mux, "move/end", maxCallBody, func(ctx context.Context, req injection.EndMoveRequest) (placementBody, error) {
		p, err := m.EndMove(ctx, req)
		return placementBody{p}, err
	})
	route(m, mux, "attend", maxCallBody, func(ctx context.Context, req injection.AttendRequest) (empty, error) {
		return empty{}, m.Attend(ctx, req)
	})
	route(m, mux, "events", maxEventsBody, func(ctx context.Context, req eventsBody) (empty, error) {
		return empty{}, m.Record(ctx, req.Person, req.Events)
	})
	m.handle(mux, injectionBase+"changes", methods{http.MethodGet: m.authorised(m.serveChanges)})
	m.handle(mux, injectionBase+"templates/{digest}", methods{http.MethodGet: m.authorised(m.serveTemplate)})
}

// route serves one call: JSON in, JSON out.
func route[Req, Resp any](m *Middleware, mux *http.ServeMux, name string, limit int64, call func(context.Context, Req) (Resp, error)) {
	m.handle(mux, injectionBase+name, methods{http.MethodPost: m.authorised(func(w http.ResponseWriter, r *http.Request) error {
		body, err := readBody(w, r, limit)
		if err != nil {
			return err
		}
		var req Req
		if err := decode(body, &req); err != nil {
			return err
		}
		resp, err := call(r.Context(), req)
		if err != nil {
			return err
		}
		return reply(w, http.StatusOK, resp)
	})})
}

// serveTemplate serves a template, which may be kept for ever. The tenant is in the query.
func (m *Middleware) serveTemplate(w http.ResponseWriter, r *http.Request) error {
	digest := r.PathValue("digest")
	body, err := m.Template(r.Context(), r.URL.Query().Get("tenant"), digest)
	if err != nil {
		return err
	}
	etag := `"` + digest + `"`
	h := w.Header()
	h.Set("ETag", etag)
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	if strings.Contains(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "message/rfc822")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // the caller may have gone
	return nil
}
