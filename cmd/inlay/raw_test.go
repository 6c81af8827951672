package main_test

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"
)

// raw is an IMAP connection for commands that no library would send.
type raw struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
}

func dialRaw(t *testing.T, addr string) *raw {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	c := &raw{t: t, nc: nc, r: bufio.NewReader(nc)}
	c.read()
	return c
}

func (c *raw) read() string {
	c.t.Helper()
	l, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimRight(l, "\r\n")
}

// command sends a line and returns the tagged answer to it.
func (c *raw) command(line string) string {
	c.t.Helper()
	if _, err := c.nc.Write([]byte(line + "\r\n")); err != nil {
		c.t.Fatal(err)
	}
	tag, _, _ := strings.Cut(line, " ")
	for {
		if l := c.read(); strings.HasPrefix(l, tag+" ") {
			return l
		}
	}
}
