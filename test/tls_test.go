package test_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/peertest"
)

// TestTLSToBackend protects the connection to the mail server, both ways that there are, and
// verifies who answers: with a wrong authority or name nobody's password is sent.
func TestTLSToBackend(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{TLS: true, Extra: "disable_plaintext_auth = yes\nlogin_trusted_networks =\n"})
	d2 := peertest.NewCertificate(t)
	for name, tc := range map[string]struct {
		backend gateway.BackendConfig
		works   bool
	}{
		"implicit":                    {gateway.BackendConfig{Addr: d.AddrTLS, TLS: "tls", CAFile: d.Cert.CAFile}, true},
		"implicit, by name":           {gateway.BackendConfig{Addr: d.AddrTLS, TLS: "tls", CAFile: d.Cert.CAFile, ServerName: "localhost"}, true},
		"implicit, other authority":   {gateway.BackendConfig{Addr: d.AddrTLS, TLS: "tls", CAFile: d2.CAFile}, false},
		"implicit, system's":          {gateway.BackendConfig{Addr: d.AddrTLS, TLS: "tls"}, false},
		"implicit, other name":        {gateway.BackendConfig{Addr: d.AddrTLS, TLS: "tls", CAFile: d.Cert.CAFile, ServerName: "mail.example"}, false},
		"implicit, on the plain port": {gateway.BackendConfig{Addr: d.Addr, TLS: "tls", CAFile: d.Cert.CAFile}, false},
		"STARTTLS":                    {gateway.BackendConfig{Addr: d.Addr, TLS: "starttls", CAFile: d.Cert.CAFile}, true},
		"STARTTLS, other authority":   {gateway.BackendConfig{Addr: d.Addr, TLS: "starttls", CAFile: d2.CAFile}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := strings.ToLower(strings.NewReplacer(",", "", " ", ".").Replace(name))
			w := newWorld(t)
			w.run(t, "welcome", []string{user})
			p := newProxy(t, tc.backend.Addr, w.middleware, func(c *gateway.Config) { c.Backend = tc.backend })
			if !tc.works {
				if got := greeting(t, p.addr); !strings.HasPrefix(got, "* BYE") {
					t.Errorf("a client is greeted with %q", got)
				}
				return
			}
			if n := login(t, p.addr, user).exists("SELECT INBOX"); n != 1 {
				t.Errorf("%d messages, not the injected one alone", n)
			}
		})
	}
	if log := d.Log(); strings.Contains(log, "pass") && strings.Contains(log, "auth failed") {
		t.Errorf("somebody's login failed:\n%s", log)
	}
}

// greeting is the first line of a server.
func greeting(t *testing.T, addr string) string {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(commandTimeout))
	b := make([]byte, 500)
	n, err := nc.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// TestTLSToClient offers STARTTLS and implicit TLS, and no way to send a password in the clear
// where that is required.
func TestTLSToClient(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{})
	d.Deliver(t, "ann", "INBOX", mails(3)...)
	cert := peertest.NewCertificate(t)
	w := newWorld(t)
	w.run(t, "welcome", []string{"ann"})
	p := newProxy(t, d.Addr, w.middleware, func(c *gateway.Config) {
		c.TLS = &tls.Config{Certificates: []tls.Certificate{cert.Server}}
		c.RequireTLS = true
	})
	trust := func(pool *x509.CertPool) *tls.Config { return &tls.Config{RootCAs: pool, ServerName: "localhost"} }

	c := dial(t, p.addr)
	if got := c.must("CAPABILITY").raw(); !strings.Contains(got, "STARTTLS") || !strings.Contains(got, "LOGINDISABLED") || strings.Contains(got, "AUTH=") {
		t.Errorf("before TLS: %s", got)
	}
	if got := c.cmd("LOGIN ann pass"); !strings.HasPrefix(got.tagged, "NO [PRIVACYREQUIRED]") {
		t.Errorf("a password in the clear: %s", got.tagged)
	}
	c.startTLS(trust(cert.Pool))
	if got := c.must("CAPABILITY").raw(); strings.Contains(got, "STARTTLS") || strings.Contains(got, "LOGINDISABLED") || !strings.Contains(got, "AUTH=PLAIN") {
		t.Errorf("within TLS: %s", got)
	}
	c.must("LOGIN ann pass")
	if n := c.exists("SELECT INBOX"); n != 4 {
		t.Errorf("%d messages through STARTTLS, not 4", n)
	}

	implicit := p.serve(t, true)
	tc, err := tls.Dial("tcp", implicit, trust(cert.Pool))
	if err != nil {
		t.Fatal(err)
	}
	c = greeted(t, tc, "implicit TLS")
	c.must("LOGIN ann pass")
	if n := c.exists("SELECT INBOX"); n != 4 {
		t.Errorf("%d messages through implicit TLS, not 4", n)
	}
	c.must("LOGOUT")

	// What comes behind STARTTLS in the same packet may be somebody else's.
	c = dial(t, p.addr)
	c.write("x STARTTLS\r\ny LOGIN ann pass\r\n")
	for {
		r, err := c.tryResponse()
		if strings.HasPrefix(r, "y OK") {
			t.Fatal("a command from before TLS was run")
		}
		if err != nil || strings.HasPrefix(r, "* BYE") || strings.HasPrefix(r, "x OK") {
			break
		}
	}
}
