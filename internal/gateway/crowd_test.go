package gateway_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway"
)

// from is a listener whose connections come from an address of the test's choice.
type from struct {
	net.Listener
	addr chan string
}

type comes struct {
	net.Conn
	remote net.Addr
}

func (c comes) RemoteAddr() net.Addr { return c.remote }

func (f from) Accept() (net.Conn, error) {
	c, err := f.Listener.Accept()
	if err != nil {
		return nil, err
	}
	a, err := net.ResolveTCPAddr("tcp", <-f.addr)
	return comes{c, a}, err
}

// TestMaxPerAddress: as many as there may be, others not, until one has gone.
func TestMaxPerAddress(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	cert, _ := certificate(t, "imap.example.org")
	cfg := gateway.Config{MaxPerAddress: 2, TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}
	back, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { back.Close() })
	go func() {
		for {
			c, err := back.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); dummy{}.talk(c) }()
		}
	}()
	cfg.Backend.Addr = back.Addr().String()
	g, err := gateway.New(cfg, gateway.Deps{Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	listen := func(implicitTLS bool) from {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f := from{ln, make(chan string, 1)}
		served := make(chan error, 1)
		go func() { served <- g.Serve(f, implicitTLS) }()
		t.Cleanup(func() {
			ln.Close()
			<-served
		})
		return f
	}
	clear, within := listen(false), listen(true)
	connect := func(ln from, addr string) *talker {
		ln.addr <- addr
		return dialIMAP(t, ln.Addr().String())
	}
	greeted := func(k *talker) bool { return strings.HasPrefix(k.line(), "* OK") }

	first := connect(clear, "192.0.2.1:1001")
	if !greeted(first) || !greeted(connect(clear, "192.0.2.1:1002")) {
		t.Fatal("two may come")
	}
	if l := connect(clear, "192.0.2.1:1003").line(); l != "* BYE [LIMIT] Too many connections from your address" {
		t.Errorf("a third: %q", l)
	}
	if k := connect(within, "192.0.2.1:1004"); true {
		if _, err := k.r.ReadByte(); err != io.EOF {
			t.Errorf("a third, with TLS: %v", err)
		}
	}
	if !greeted(connect(clear, "192.0.2.2:1001")) || !greeted(connect(clear, "[2001:db8:1:1::1]:7")) || !greeted(connect(clear, "[2001:db8:1:1:ffff::2]:7")) {
		t.Error("others may come")
	}
	if l := connect(clear, "[2001:db8:1:1::3]:7").line(); !strings.HasPrefix(l, "* BYE [LIMIT]") {
		t.Errorf("a third of one network: %q", l)
	}
	if !greeted(connect(clear, "[2001:db8:1:2::1]:7")) {
		t.Error("another network may come")
	}
	if n := value(reg, "inlay_gateway_closed_total", "reason", "too_many"); n != 3 {
		t.Errorf("%v were counted", n)
	}

	first.do("LOGOUT")
	deadline := time.Now().Add(10 * time.Second)
	for !greeted(connect(clear, "192.0.2.1:1005")) {
		if time.Now().After(deadline) {
			t.Fatal("one has gone, and nobody may come")
		}
	}
	if _, err := gateway.New(gateway.Config{Backend: cfg.Backend, MaxPerAddress: -1}, gateway.Deps{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a negative number: %v", err)
	}
}
