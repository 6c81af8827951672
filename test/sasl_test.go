package test_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/peertest"
)

// TestDialogueOfLogin: AUTHENTICATE LOGIN through a gateway is what it is with the server,
// challenge by challenge, and the session that it opens is the person's.
func TestDialogueOfLogin(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{Extra: "auth_mechanisms = plain login"})
	d.Deliver(t, "anna", "INBOX", mails(3)...)
	w := newWorld(t)
	w.run(t, "for-others", []string{"somebody-else"})
	enc := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	var heard [][]string
	for _, addr := range []string{d.Addr, newProxy(t, d.Addr, nil).addr, newProxy(t, d.Addr, w.middleware).addr} {
		c := dial(t, addr)
		var all []string
		for _, lines := range [][]string{
			{"AUTHENTICATE LOGIN", enc("anna"), enc("wrong")},
			{"AUTHENTICATE LOGIN", "*"},
			{"AUTHENTICATE LOGIN " + enc("anna"), enc("wrong")},
			{"AUTHENTICATE LOGIN", enc("anna"), enc("pass")},
		} {
			all = append(all, c.steps(lines...)...)
		}
		all = append(all, c.must("STATUS INBOX (MESSAGES)").lines("STATUS")...)
		heard = append(heard, all)
	}
	if n := len(heard[0]); n < 10 || !slices.Contains(heard[0], "STATUS INBOX (MESSAGES 3)") {
		t.Fatalf("the server said %q", heard[0])
	}
	for _, got := range heard[1:] {
		if diff := cmp.Diff(heard[0], got); diff != "" {
			t.Errorf("-server +gateway:\n%s", diff)
		}
	}
}

// steps sends a command and then a line for every continuation, and returns all that came.
func (c *conn) steps(lines ...string) (heard []string) {
	c.t.Helper()
	c.deadline()
	const tag = "sasl"
	text := tag + " " + lines[0]
	for {
		c.last = text
		if _, err := c.nc.Write([]byte(text + "\r\n")); err != nil {
			c.t.Fatalf("%s: writing: %v", c.name, err)
		}
		for {
			r := c.response()
			heard = append(heard, strings.TrimSpace(normal(r)))
			if strings.HasPrefix(r, tag+" ") {
				return heard
			}
			if strings.HasPrefix(r, "+") {
				break
			}
		}
		if lines = lines[1:]; len(lines) == 0 {
			c.t.Fatalf("%s: asked for more than was planned: %q", c.name, heard)
		}
		text = lines[0]
	}
}
