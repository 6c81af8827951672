package middleware

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"

	"inlay.example/inlay/internal/fault"
)

// problem is the body of every error (RFC 9457).
type problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Kind      string       `json:"kind"`                // of the fault, for programs
	Errors    fault.Fields `json:"errors,omitempty"`    // what is wrong with which field
	Reference string       `json:"reference,omitempty"` // of the log line about an internal error
}

const problemType = "application/problem+json"

// statusOf translates a kind for HTTP.
func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Denied:
		return http.StatusForbidden
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Unsupported:
		return http.StatusNotImplemented
	case fault.Internal:
	}
	return http.StatusInternalServerError
}

// fail answers with err. What is our own fault is logged, under the reference that the
// answer names; what is the caller's is the caller's to log.
func (m *Middleware) fail(w http.ResponseWriter, r *http.Request, err error) {
	kind := fault.KindOf(err)
	p := problem{Type: "about:blank", Status: statusOf(kind), Detail: fault.Public(err), Kind: kind.String()}
	var fields fault.Fields
	if errors.As(err, &fields) {
		p.Status, p.Errors = http.StatusUnprocessableEntity, fields
	}
	if errors.Is(err, errMethod) {
		p.Status = http.StatusMethodNotAllowed
	}
	switch kind {
	case fault.Internal:
		p.Reference = rand.Text()[:12]
		m.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "reference", p.Reference, "error", err)
	case fault.Unavailable:
		if r.Context().Err() == nil {
			m.log.Warn("request could not be served", "method", r.Method, "path", r.URL.Path, "error", err)
		}
	case fault.Unauthenticated:
		w.Header().Set("WWW-Authenticate", `Bearer realm="inlay"`)
	case fault.Invalid, fault.NotFound, fault.Conflict, fault.Denied, fault.TooLarge, fault.Unsupported:
	}
	p.Title = http.StatusText(p.Status)
	body, err := json.Marshal(p)
	if err != nil {
		m.log.Error("problem could not be written", "error", err)
		return
	}
	w.Header().Set("Content-Type", problemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // the caller may have gone
}
