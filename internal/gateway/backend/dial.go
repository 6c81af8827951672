package backend

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
)

// Mode is how the connection to the backend is protected.
type Mode string

// The modes.
const (
	None     Mode = "none"     // plain TCP: for loopback and for networks that are protected otherwise
	STARTTLS Mode = "starttls" // TCP, then STARTTLS, required
	Implicit Mode = "tls"      // TLS from the first octet
)

// Config says where the backend is.
type Config struct {
	Addr       string // host:port
	TLS        Mode   // empty means None
	CAFile     string // PEM certificates to trust instead of the system's
	ServerName string // name to verify instead of the host of Addr
	// Dial connects to Addr instead of TCP; nil is TCP.
	Dial func(ctx context.Context) (net.Conn, error)
	// SendAddress tells a backend that has ID whom a connection is for, see DialFor.
	SendAddress bool
}

// Dialer opens connections; it is safe for concurrent use.
type Dialer struct {
	cfg Config
	tls *tls.Config
	net net.Dialer
}

// New checks the configuration and reads the certificates.
func New(cfg Config) (*Dialer, error) {
	host, _, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "backend address %q is not host:port", cfg.Addr)
	}
	d := &Dialer{cfg: cfg, net: net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4,
	}}}
	switch cfg.TLS {
	case "", None:
		if cfg.CAFile != "" || cfg.ServerName != "" {
			return nil, fault.New(fault.Invalid, "backend: a CA file or server name without TLS has no effect")
		}
		return d, nil
	case STARTTLS, Implicit:
	default:
		return nil, fault.New(fault.Invalid, "backend TLS mode %q is not one of none, starttls, tls", cfg.TLS)
	}
	d.tls = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if cfg.ServerName != "" {
		d.tls.ServerName = cfg.ServerName
	}
	if cfg.CAFile != "" {
		pem, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "backend CA file %s cannot be read", cfg.CAFile)
		}
		d.tls.RootCAs = x509.NewCertPool()
		if !d.tls.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fault.New(fault.Invalid, "backend CA file %s holds no PEM certificate", cfg.CAFile)
		}
	}
	return d, nil
}

// Recognise takes note of a server that names itself in a text of its own: a greeting, or an
// answer to ID. One that was recognised stays what it is.
func (c *Conn) Recognise(text []byte) {
	lower := bytes.ToLower(text)
	switch {
	case c.Server != "":
	case bytes.Contains(lower, []byte("dovecot")):
		c.Server = Dovecot
	case bytes.Contains(lower, []byte("cyrus imap")):
		c.Server = Cyrus
	}
}

// Conn is a greeted connection.
type Conn struct {
	net.Conn
	Reader *response.Reader
	// Greeting is the whole line of the server's greeting (after STARTTLS: of the one before it).
	Greeting []byte
	// Server is what the server said it is, in its greeting or in an answer to ID; empty if it did
	// not, or is none that is known here.
	Server Kind
	// Caps is what the greeting or CAPABILITY said, under TLS if there is TLS.
	Caps imap.Capabilities
}

// Dial connects and reads the greeting and the capabilities. ctx limits all of it. A server
// that cannot be reached, refuses with BYE or fails TLS is Unavailable.
func (d *Dialer) Dial(ctx context.Context, lim response.Limits) (*Conn, error) {
	return d.DialFor(ctx, "", lim)
}

// DialFor is Dial for the client at an address, host:port, which is told to the backend if the
// configuration says so: by ID (rfc2971) with the fields x-originating-ip and -port, which
// Dovecot obeys when the gateway is in its login_trusted_networks. Else all logins come from
// one address, and a few wrong passwords of anybody make Dovecot hold up the logins of
// everybody, for up to 15 s. A backend that refuses the ID is used all the same.
func (d *Dialer) DialFor(ctx context.Context, client string, lim response.Limits) (*Conn, error) {
	dial := d.cfg.Dial
	if dial == nil {
		dial = func(ctx context.Context) (net.Conn, error) { return d.net.DialContext(ctx, "tcp", d.cfg.Addr) }
	}
	nc, err := dial(ctx)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the mail server cannot be reached")
	}
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	c, err := d.greet(ctx, nc, lim)
	if err == nil && d.cfg.SendAddress && c.Caps.Has("ID") {
		err = c.sendAddress(client)
	}
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		nc.Close()
		if fault.KindOf(err) != fault.Unavailable {
			err = fault.Wrap(fault.Unavailable, err, "the mail server cannot be used")
		}
		return nil, err
	}
	return c, nil
}

func (d *Dialer) greet(ctx context.Context, nc net.Conn, lim response.Limits) (*Conn, error) {
	if d.cfg.TLS == Implicit {
		tc := tls.Client(nc, d.tls)
		if err := tc.HandshakeContext(ctx); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "the TLS handshake with the mail server failed")
		}
		nc = tc
	}
	c := &Conn{Conn: nc, Reader: response.NewReader(nc, lim)}
	head, err := c.Reader.Next()
	if err != nil {
		return nil, fmt.Errorf("reading the greeting: %w", err)
	}
	raw := bytes.Clone(head.Raw)
	rest, err := c.Reader.Rest(maxLine)
	if err != nil {
		return nil, fmt.Errorf("reading the greeting: %w", err)
	}
	if head.Kind != response.Untagged || head.Name != "OK" {
		return nil, fault.New(fault.Unavailable, "the mail server greets with %q", head.Name)
	}
	c.Greeting = append(raw, rest...)
	c.Recognise(c.Greeting)
	if st := response.ParseStatus(rest); st.Code == "CAPABILITY" {
		c.Caps = imap.ParseCapabilities(string(st.CodeArgs))
	}
	if d.cfg.TLS == STARTTLS {
		if err := c.startTLS(ctx, d.tls, lim); err != nil {
			return nil, err
		}
	}
	if len(c.Caps) == 0 {
		return c, c.capability()
	}
	return c, nil
}

const maxLine = 64 << 10

// startTLS refuses anything that arrived behind the OK in the clear: it would be taken for
// protected (CVE-2011-0411 and its kind).
func (c *Conn) startTLS(ctx context.Context, cfg *tls.Config, lim response.Limits) error {
	if err := c.simple("STARTTLS"); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the mail server refuses STARTTLS")
	}
	if c.Reader.Buffered() > 0 {
		return fault.New(fault.Unavailable, "the mail server sent data before the TLS handshake")
	}
	tc := tls.Client(c.Conn, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the TLS handshake with the mail server failed")
	}
	c.Conn, c.Reader, c.Caps = tc, response.NewReader(tc, lim), nil
	return nil
}

func (c *Conn) capability() error {
	if err := c.simple("CAPABILITY"); err != nil {
		return fmt.Errorf("asking for capabilities: %w", err)
	}
	if len(c.Caps) == 0 {
		return fault.New(fault.Unavailable, "the mail server tells no capabilities")
	}
	return nil
}

// sendAddress says whose connection this is; an address that is none is not said.
func (c *Conn) sendAddress(client string) error {
	a, err := netip.ParseAddrPort(client)
	if err != nil {
		return nil //nolint:nilerr // of a listener that is no TCP
	}
	err = c.simple(fmt.Sprintf(`ID ("x-originating-ip" "%s" "x-originating-port" "%d")`, a.Addr().Unmap().WithZone(""), a.Port()))
	if errors.Is(err, errRefused) {
		return nil
	}
	return err
}

var errRefused = errors.New("not OK")

// simple runs a command without literals, taking note of an untagged CAPABILITY.
func (c *Conn) simple(name string) error {
	const tag = "i0"
	if _, err := c.Write([]byte(tag + " " + name + "\r\n")); err != nil {
		return err
	}
	for {
		head, err := c.Reader.Next()
		if err != nil {
			return err
		}
		kind, word, got := head.Kind, head.Name, head.Tag
		rest, err := c.Reader.Rest(maxLine)
		if err != nil {
			return err
		}
		switch {
		case kind == response.Untagged && word == "ID":
			c.Recognise(rest)
		case kind == response.Untagged && word == "CAPABILITY":
			c.Caps = imap.ParseCapabilities(string(bytes.TrimSpace(rest)))
		case kind == response.Tagged && got == tag:
			if word != "OK" {
				return fmt.Errorf("%w: %s %q", errRefused, word, bytes.TrimSpace(rest))
			}
			return nil
		}
	}
}
