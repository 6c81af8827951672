package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway"
)

// certificate makes one for name, and the file that lets it be trusted.
func certificate(t *testing.T, name string) (cert tls.Certificate, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, caFile
}

func clientTLS(t *testing.T, k *talker) *talker {
	t.Helper()
	c := tls.Client(k.c, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the names are tested on the other side
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return newTalker(t, c)
}

func TestImplicitTLS(t *testing.T) {
	t.Parallel()
	cert, _ := certificate(t, "imap.example.org")
	cfg := gateway.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, RequireTLS: true}
	addr := serveTCP(t, cfg, gateway.Deps{}, true, dummy{}.talk)
	k := clientTLS(t, dialIMAP(t, addr))
	if l := k.line(); strings.Contains(l, "STARTTLS") || strings.Contains(l, "LOGINDISABLED") || !strings.Contains(l, "AUTH=PLAIN") {
		t.Errorf("greeting under TLS: %q", l)
	}
	k.ok("LOGIN anna secret")
	k.ok("SELECT INBOX")
}

func TestStartTLS(t *testing.T) {
	t.Parallel()
	cert, _ := certificate(t, "imap.example.org")
	cfg := gateway.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, RequireTLS: true}
	addr := serveTCP(t, cfg, gateway.Deps{}, false, dummy{}.talk)
	k := dialIMAP(t, addr)
	if l := k.line(); !strings.Contains(l, " STARTTLS LOGINDISABLED]") || strings.Contains(l, "AUTH=") {
		t.Errorf("greeting in the clear: %q", l)
	}
	for _, cmd := range []string{"LOGIN anna secret", "AUTHENTICATE PLAIN AGFubmEAc2VjcmV0", "AUTHENTICATE PLAIN"} {
		if l := k.do(cmd); !strings.HasPrefix(l[0], "t NO [PRIVACYREQUIRED]") {
			t.Errorf("%s in the clear: %q", cmd, l)
		}
	}
	k.ok("STARTTLS")
	k = clientTLS(t, k)
	if l := k.do("CAPABILITY"); strings.Contains(l[0], "STARTTLS") || strings.Contains(l[0], "LOGINDISABLED") || !strings.Contains(l[0], "AUTH=PLAIN") {
		t.Errorf("capabilities under TLS: %q", l)
	}
	if l := k.do("STARTTLS"); !strings.HasPrefix(l[0], "t BAD") {
		t.Errorf("STARTTLS under TLS: %q", l)
	}
	k.ok("LOGIN anna secret")
}

// Commands behind STARTTLS in the same packet were not protected, and must not be taken as if
// they had been (CVE-2011-0411).
func TestStartTLSWithCommandsBehind(t *testing.T) {
	t.Parallel()
	cert, _ := certificate(t, "imap.example.org")
	addr := serveTCP(t, gateway.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}, gateway.Deps{}, false, dummy{}.talk)
	k := dialIMAP(t, addr)
	k.line()
	k.say("a STARTTLS\r\nb LOGIN mallory secret")
	if l := k.line(); !strings.HasPrefix(l, "* BYE") {
		t.Errorf("heard %q", l)
	}
}

func TestTLSNeedsACertificate(t *testing.T) {
	t.Parallel()
	_, err := gateway.New(gateway.Config{Backend: gateway.BackendConfig{Addr: "localhost:143"}, RequireTLS: true}, gateway.Deps{})
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("RequireTLS without a certificate: %v", err)
	}
	g, err := gateway.New(gateway.Config{Backend: gateway.BackendConfig{Addr: "localhost:143"}}, gateway.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Serve(newPipeListener(), true); !fault.Is(err, fault.Invalid) {
		t.Errorf("implicit TLS without a certificate: %v", err)
	}
}

// TestBackendTLS: the connection to the backend is verified, and nobody is let in otherwise.
func TestBackendTLS(t *testing.T) {
	t.Parallel()
	cert, ca := certificate(t, "backend.example.org")
	_, otherCA := certificate(t, "backend.example.org")
	server := &tls.Config{Certificates: []tls.Certificate{cert}}
	implicit := func(c net.Conn) { dummy{}.talk(tls.Server(c, server)) }
	startTLS := func(behind string) func(net.Conn) {
		return func(c net.Conn) {
			if _, err := c.Write([]byte("* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n")); err != nil {
				return
			}
			buf := make([]byte, 100)
			n, _ := c.Read(buf)
			tag, _, _ := strings.Cut(string(buf[:n]), " ")
			if _, err := c.Write([]byte(tag + " OK go on\r\n" + behind)); err != nil {
				return
			}
			dummyAfterTLS(tls.Server(c, server))
		}
	}
	for _, tc := range []struct {
		name, mode, ca, server string
		talk                   func(net.Conn)
		ok                     bool
	}{
		{"implicit", "tls", ca, "backend.example.org", implicit, true},
		{"implicit, another name", "tls", ca, "other.example.org", implicit, false},
		{"implicit, the address for a name", "tls", ca, "", implicit, false},
		{"implicit, nobody trusts it", "tls", otherCA, "backend.example.org", implicit, false},
		{"implicit, to a server in the clear", "tls", ca, "backend.example.org", dummy{}.talk, false},
		{"starttls", "starttls", ca, "backend.example.org", startTLS(""), true},
		{"starttls, another name", "starttls", ca, "other.example.org", startTLS(""), false},
		{"starttls, words behind the OK", "starttls", ca, "backend.example.org", startTLS("* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"), false},
		{"starttls, refused", "starttls", ca, "backend.example.org", func(c net.Conn) {
			_, _ = c.Write([]byte("* OK [CAPABILITY IMAP4rev1] ready\r\ni0 BAD no\r\n"))
			buf := make([]byte, 100)
			_, _ = c.Read(buf)
			_, _ = c.Read(buf)
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var cfg gateway.Config
			cfg.Backend = gateway.BackendConfig{TLS: tc.mode, CAFile: tc.ca, ServerName: tc.server}
			addr := serveTCP(t, cfg, gateway.Deps{}, false, tc.talk)
			k := dialIMAP(t, addr)
			greeting := k.line()
			if !tc.ok {
				if !strings.HasPrefix(greeting, "* BYE") {
					t.Errorf("heard %q", greeting)
				}
				return
			}
			if !strings.Contains(greeting, "AUTH=PLAIN") || strings.Contains(greeting, "LOGINDISABLED") {
				t.Errorf("greeting %q", greeting)
			}
			k.ok("LOGIN anna secret")
		})
	}
}

// dummyAfterTLS is dummy without a greeting (rfc3501 §6.2.1: there is no second one).
func dummyAfterTLS(c net.Conn) {
	dummy{}.talk(&greeted{Conn: c})
}

// greeted swallows the first line that is written.
type greeted struct {
	net.Conn
	done bool
}

func (g *greeted) Write(b []byte) (int, error) {
	if !g.done {
		g.done = true
		return len(b), nil
	}
	return g.Conn.Write(b)
}
