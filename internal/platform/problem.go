package platform

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"inlay.example/inlay/internal/fault"
)

// problemType is the media type of errors (RFC 9457).
const problemType = "application/problem+json"

// statusOf translates a kind for HTTP.
func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
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

// errMedia marks a body whose media type is not taken.
var errMedia = errors.New("unsupported media type")

// problem translates an error for callers. What is our own fault is logged, under the
// reference that the answer names.
func (p *Platform) problem(ctx context.Context, operation string, err error) *huma.ErrorModel {
	kind := fault.KindOf(err)
	out := &huma.ErrorModel{Status: statusOf(kind), Detail: fault.Public(err)}
	var fields fault.Fields
	if errors.As(err, &fields) {
		out.Detail = "the request cannot be carried out as it is"
		for _, f := range fields {
			out.Errors = append(out.Errors, &huma.ErrorDetail{Location: location(f.Field), Message: f.Detail})
		}
	}
	switch {
	case errors.Is(err, errPrecondition):
		out.Status = http.StatusPreconditionFailed
	case errors.Is(err, errMedia):
		out.Status = http.StatusUnsupportedMediaType
	}
	switch kind {
	case fault.Internal:
		reference := rand.Text()[:12]
		out.Instance = "urn:inlay:reference:" + reference
		p.log.Error("request failed", "operation", operation, "reference", reference, "error", err)
	case fault.Unavailable:
		if ctx.Err() == nil {
			p.log.Warn("request could not be served", "operation", operation, "error", err)
		}
	case fault.Invalid, fault.NotFound, fault.Conflict, fault.Unauthenticated, fault.Denied, fault.TooLarge, fault.Unsupported:
	}
	out.Title = http.StatusText(out.Status)
	return out
}

// location says where a field is: in the body unless its name says otherwise.
func location(field string) string {
	for _, other := range [...]string{"query.", "header.", "line ", "the "} {
		if strings.HasPrefix(field, other) {
			return field
		}
	}
	return "body." + field
}

// refuse answers with a problem outside of any operation.
func refuse(w http.ResponseWriter, status int, detail string) {
	var body bytes.Buffer
	// A struct of strings and numbers cannot fail to encode.
	_ = json.NewEncoder(&body).Encode(&huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail})
	w.Header().Set("Content-Type", problemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the caller may have gone
}
