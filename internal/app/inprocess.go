package app

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// inProcess is the transport of an HTTP client whose server is a handler in this process. All
// of HTTP but the network is there: what is said this way is said the documented way.
//
// It is for the platform's calls of the middleware, whose answers are small: they are held in
// memory. Why not the process's own listener: it may have a certificate for a public name, or
// listen on an address that cannot be dialled.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	req := r.Clone(r.Context())
	req.RequestURI = r.URL.RequestURI()
	req.RemoteAddr = "in process"
	if req.Host == "" {
		req.Host = r.URL.Host
	}
	if req.Body == nil {
		req.Body = http.NoBody
	}
	defer req.Body.Close()
	answer := &heldAnswer{header: http.Header{}}
	t.handler.ServeHTTP(answer, req)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if answer.status == 0 {
		answer.status = http.StatusOK
	}
	return &http.Response{
		Status:     strconv.Itoa(answer.status) + " " + http.StatusText(answer.status),
		StatusCode: answer.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answer.header, Body: io.NopCloser(&answer.body), ContentLength: int64(answer.body.Len()), Request: r,
	}, nil
}

// heldAnswer is an http.ResponseWriter in memory.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *heldAnswer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *heldAnswer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *heldAnswer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}
