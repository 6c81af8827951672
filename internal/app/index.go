package app

import (
	"net/http"
	"strings"
)

// index is what a browser shows at an address of ours: which paths there are. It tells nothing
// that the manual does not, and nothing of whoever runs it.
func index(withMiddleware, withPlatform bool) http.HandlerFunc {
	var b strings.Builder
	b.WriteString("Inlay\n\n")
	if withPlatform {
		b.WriteString("/api/v1              campaigns, templates and audiences; described at /api/v1/openapi.json\n")
	}
	if withMiddleware {
		b.WriteString("/api/tenants         tenants, imports and commands\n/api/injection/v1    for IMAP servers\n")
	}
	b.WriteString("/healthz             whether the process works\n/readyz              whether it should be sent work, by role\n/metrics             for Prometheus\n")
	text := b.String()
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(text)) // else the reader has gone
	}
}
