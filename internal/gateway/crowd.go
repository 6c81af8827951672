package gateway

import (
	"io"
	"net"
	"net/netip"
	"time"
)

// crowd counts connections by where they come from.
type crowd map[netip.Prefix]int

// enter counts one more, unless there are most already.
func (c crowd) enter(addr string, most int) bool {
	from := origin(addr)
	if c[from] >= most {
		return false
	}
	c[from]++
	return true
}

func (c crowd) leave(addr string) {
	from := origin(addr)
	if c[from]--; c[from] <= 0 {
		delete(c, from)
	}
}

// origin is the address without its port; of IPv6 the network of 64 bits that one subscriber is
// given. What is no address (a pipe) is one origin of its own.
func origin(addr string) netip.Prefix {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return netip.Prefix{}
	}
	ip, bits := ap.Addr().Unmap().WithZone(""), 32
	if ip.Is6() {
		bits = 64
	}
	from, _ := ip.Prefix(bits) // bits are as many as there are
	return from
}

// turnAway ends a connection from where there are too many. Within TLS nothing can be said
// before the handshake, and that is not done for somebody who may want nothing else.
func (g *Gateway) turnAway(nc net.Conn, implicitTLS bool) {
	g.metrics.closed.WithLabelValues("too_many").Inc()
	g.log.Warn("too many connections from one address", "remote", nc.RemoteAddr().String())
	if !implicitTLS {
		_ = nc.SetWriteDeadline(time.Now().Add(time.Second)) // a new connection's buffer takes a line at once
		_, _ = io.WriteString(nc, "* BYE [LIMIT] Too many connections from your address\r\n")
	}
	nc.Close()
}
