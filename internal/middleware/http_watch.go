package middleware

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"inlay.example/inlay/internal/injection"
)

const streamType = "text/event-stream"

// streamPatience is how long a follower may take to take a word.
const streamPatience = 10 * time.Second

// serveChanges serves Watch as server-sent events. No one is named in it, so it can be a GET, and
// be followed by whatever follows such streams.
func (m *Middleware) serveChanges(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	req := injection.WatchRequest{Tenant: q.Get("tenant"), Cursor: q.Get("cursor")}
	if last := r.Header.Get("Last-Event-ID"); last != "" { // of a follower that comes back by itself
		req.Cursor = last
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-m.ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	control, begun := http.NewResponseController(w), false
	err := m.Watch(ctx, req, func(c injection.Change) error {
		if !begun {
			begun = true
			w.Header().Set("Content-Type", streamType)
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("X-Accel-Buffering", "no") // known to nginx
			w.WriteHeader(http.StatusOK)
		}
		body, err := json.Marshal(c)
		if err != nil {
			return err
		}
		_ = control.SetWriteDeadline(time.Now().Add(streamPatience))
		if _, err := fmt.Fprintf(w, "id: %s\nevent: %s\ndata: %s\n\n", c.Cursor, c.Kind, body); err != nil {
			return err
		}
		return control.Flush()
	})
	_ = control.SetWriteDeadline(time.Time{})
	if begun {
		m.log.Debug("a change stream has ended", "tenant", req.Tenant, "error", err)
		return nil // its status was sent long ago
	}
	return err
}
