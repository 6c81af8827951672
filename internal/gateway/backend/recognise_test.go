package backend_test

import (
	"context"
	"testing"
	"time"

	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/peertest"
)

// Which server it is is known from its greeting.
func TestServersNameThemselves(t *testing.T) {
	t.Parallel()
	peertest.OnBackends(t, func(t *testing.T, kind peertest.Backend) {
		d, err := backend.New(backend.Config{Addr: peertest.StartBackend(t, kind).Address()})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		c, err := d.Dial(ctx, response.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if string(c.Server) != string(kind) {
			t.Errorf("%s is taken for %q by %q", kind, c.Server, c.Greeting)
		}
	})
}

// Where an operator has changed the greeting, what the server can do after the login tells it.
func TestServersByCapabilities(t *testing.T) {
	t.Parallel()
	for caps, want := range map[string]backend.Kind{
		"IMAP4rev1 SORT QRESYNC SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW": backend.Dovecot,
		"IMAP4rev1 XLIST X-REPLICATION IDLE":                         backend.Cyrus,
		"IMAP4rev1 IDLE":                                             "",
	} {
		var c backend.Conn
		if c.RecogniseByCaps(imap.ParseCapabilities(caps)); c.Server != want {
			t.Errorf("%s: %q, not %q", caps, c.Server, want)
		}
	}
}
