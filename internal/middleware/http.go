package middleware

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/fault"
)

// Limits of request bodies, in octets.
const (
	maxCallBody   = 64 << 10  // of a call of the injection API
	maxEventsBody = 512 << 10 // of a batch of events
	maxTenantBody = 512 << 10 // of a tenant's document, well within store.MaxDocument
	maxSignedBody = 64 << 10  // of a push or a command
)

// endpoint serves one method of one path; an error becomes a problem.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// methods are the endpoints of a path by HTTP method.
type methods map[string]endpoint

// Handler serves the middleware's HTTP APIs: below /api/tenants and /api/injection/v1. One
// slash at the end of a path makes no difference.
func (m *Middleware) Handler() http.Handler {
	mux := http.NewServeMux()
	m.injectionRoutes(mux)
	m.tenantRoutes(mux)
	m.controlRoutes(mux)
	m.handle(mux, "/", nil)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.Path; len(p) > 1 && strings.HasSuffix(p, "/") {
			url := *r.URL
			url.Path, url.RawPath = strings.TrimSuffix(p, "/"), strings.TrimSuffix(url.RawPath, "/")
			r2 := *r
			r2.URL = &url
			r = &r2
		}
		mux.ServeHTTP(w, r)
	})
}

// errMethod marks the fault that HTTP has a status of its own for.
var errMethod = errors.New("method not allowed")

// handle serves a path. A nil endpoint set is a path that does not exist.
func (m *Middleware) handle(mux *http.ServeMux, path string, of methods) {
	if get := of[http.MethodGet]; get != nil {
		of[http.MethodHead] = get // rfc9110 §9.1: whoever does GET does HEAD; the body is left out by net/http
	}
	allowed := strings.Join(slices.Sorted(maps.Keys(of)), ", ")
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		start, status := time.Now(), &statusWriter{ResponseWriter: w}
		defer func() {
			m.metrics.requests.WithLabelValues(path, strconv.Itoa(status.code())).Observe(time.Since(start).Seconds())
		}()
		serve := of[r.Method]
		switch {
		case of == nil:
			m.fail(status, r, fault.New(fault.NotFound, "there is nothing at %s", r.URL.Path))
		case serve == nil:
			w.Header().Set("Allow", allowed)
			m.fail(status, r, fault.Wrap(fault.Unsupported, errMethod, "%s is not done here, but: %s", r.Method, allowed))
		default:
			if err := serve(status, r); err != nil {
				m.fail(status, r, err)
			}
		}
	})
}

// statusWriter remembers the status for the metrics.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// authorised asks for the bearer token before serve. Hashes are compared, so that the time
// tells nothing, not even the length.
func (m *Middleware) authorised(serve endpoint) endpoint {
	want := sha256.Sum256([]byte(m.cfg.Token))
	return func(w http.ResponseWriter, r *http.Request) error {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(token)))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			return fault.New(fault.Unauthenticated, "the bearer token is missing or wrong")
		}
		return serve(w, r)
	}
}

// bodyTimeout is for how long a body may take to come. Signed ones are read before it is known
// whom they are from: without an end, anybody could keep any number of them waiting.
const bodyTimeout = 30 * time.Second

// readBody reads a request's body up to a limit.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	// A connection without deadlines, as in tests and in process, is as good.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }() // what follows takes as long as it takes
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, fault.New(fault.TooLarge, "the body is larger than %d octets", limit)
	}
	return body, fault.Wrap(fault.Invalid, err, "the body could not be read")
}

// decode reads one JSON value. Members that are not known are passed over: callers may be
// newer than we are.
func decode(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return fault.Wrap(fault.Invalid, err, "the body is not JSON: %s at octet %d", syntax.Error(), syntax.Offset)
	case errors.As(err, &wrong) && wrong.Field != "":
		return fault.Fields{{Field: wrong.Field, Detail: "must not be a JSON " + wrong.Value}}
	case errors.As(err, &wrong):
		return fault.Wrap(fault.Invalid, err, "the body must not be a JSON %s", wrong.Value)
	}
	return fault.Wrap(fault.Invalid, err, "the body has a value that is not allowed: %s", err.Error())
}

// decodeTree reads JSON as it is, numbers digit by digit.
func decodeTree[T any](body []byte, v *T) error {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	if err := decode(body, new(json.RawMessage)); err != nil {
		return err
	}
	err := d.Decode(v)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fault.Wrap(fault.Invalid, err, "the body must not be a JSON %s", wrong.Value)
	}
	return fault.Wrap(fault.Invalid, err, "the body is not JSON")
}

// reply answers with a JSON value.
func reply(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "writing an answer")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the caller may have gone
	return nil
}
