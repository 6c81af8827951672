package test_test

import (
	"net"
	"strings"
	"testing"

	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/peertest"
)

// TestClientAddress: a Dovecot that trusts the gateway knows its clients by their own
// addresses, and one that does not trusts nobody's word. Else everybody's logins wait for the
// wrong passwords of anybody (Dovecot's authentication penalty).
func TestClientAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, extra string
		send        bool
		want        string
	}{
		{"trusted", "login_trusted_networks = 127.0.0.0/8", true, "rip=127.0.0.2,"},
		{"not trusted", "", true, "rip=127.0.0.1,"},
		{"not sent", "login_trusted_networks = 127.0.0.0/8", false, "rip=127.0.0.1,"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := peertest.StartDovecot(t, peertest.Options{Extra: tt.extra})
			p := newProxy(t, d.Addr, nil, func(c *gateway.Config) { c.Backend.SendAddress = tt.send })
			from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
			nc, err := from.DialContext(t.Context(), "tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			c := greeted(t, nc, "from another address")
			c.must(`ID ("name" "test" "x-originating-ip" "192.0.2.7")`)
			c.must("LOGIN ann pass")
			peertest.Eventually(t, "Dovecot's log of the login", func() bool { return strings.Contains(d.Log(), "Login: user=<ann>") })
			for line := range strings.Lines(d.Log()) {
				if strings.Contains(line, "Login: user=<ann>") && !strings.Contains(line, tt.want) {
					t.Errorf("want %s in %s", tt.want, line)
				}
			}
		})
	}
}
