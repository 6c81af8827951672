package message_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// client speaks IMAP to a peer, as little as these tests need: it keeps every octet of a response.
type client struct {
	conn net.Conn
	r    *bufio.Reader
	n    int
}

func dial(t *testing.T, addr, user, password string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("dialling the peer: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	c := &client{conn: conn, r: bufio.NewReaderSize(conn, 1<<16)}
	c.response(t)
	c.do(t, "LOGIN "+user+" "+password)
	return c
}

// response reads one response with its literals.
func (c *client) response(t *testing.T) []byte {
	t.Helper()
	var out []byte
	for {
		line, err := c.r.ReadBytes('\n')
		if err != nil {
			t.Fatalf("reading a response: %v", err)
		}
		out = append(out, line...)
		n, ok := literalAtEnd(line)
		if !ok {
			return out
		}
		lit := make([]byte, n)
		if _, err := io.ReadFull(c.r, lit); err != nil {
			t.Fatalf("reading a literal: %v", err)
		}
		out = append(out, lit...)
	}
}

// literalAtEnd gives the length of the literal that a line announces.
func literalAtEnd(line []byte) (int, bool) {
	line, ok := bytes.CutSuffix(line, []byte("}\r\n"))
	i := bytes.LastIndexByte(line, '{')
	if !ok || i < 0 {
		return 0, false
	}
	n, err := strconv.Atoi(string(line[i+1:]))
	return n, err == nil
}

// do sends a command, which must be answered with OK, and gives its untagged responses.
func (c *client) do(t *testing.T, command string) [][]byte {
	t.Helper()
	out, end := c.ask(t, command)
	if !strings.HasPrefix(end, "OK") {
		t.Fatalf("%.200s: %s", command, end)
	}
	return out
}

// ask sends a command, and gives its untagged responses and what the tagged one says.
func (c *client) ask(t *testing.T, command string) (untagged [][]byte, end string) {
	t.Helper()
	c.n++
	tag := fmt.Sprintf("t%d", c.n)
	if _, err := io.WriteString(c.conn, tag+" "+command+"\r\n"); err != nil {
		t.Fatalf("sending %q: %v", command, err)
	}
	var out [][]byte
	for {
		res := c.response(t)
		if rest, ok := bytes.CutPrefix(res, []byte(tag+" ")); ok {
			return out, string(rest)
		}
		out = append(out, res)
	}
}

// fetch asks for items of message n and gives their values as they stand in the response.
// names are what the response calls them.
func (c *client) fetch(t *testing.T, n int, items, names []string) []string {
	t.Helper()
	var cmd bytes.Buffer
	fmt.Fprintf(&cmd, "FETCH %d (", n)
	for i, it := range items {
		if i > 0 {
			cmd.WriteByte(' ')
		}
		cmd.WriteString(it)
	}
	cmd.WriteByte(')')
	for _, res := range c.do(t, cmd.String()) {
		rest, ok := bytes.CutPrefix(res, fmt.Appendf(nil, "* %d FETCH (", n))
		if !ok {
			continue
		}
		values := make([]string, len(names))
		for i, name := range names {
			rest = bytes.TrimPrefix(rest, []byte(" "))
			var found bool
			if rest, found = bytes.CutPrefix(rest, []byte(name+" ")); !found {
				t.Fatalf("message %d: %s expected at %.100q", n, name, rest)
			}
			k := valueEnd(rest)
			values[i], rest = string(rest[:k]), rest[k:]
		}
		return values
	}
	t.Fatalf("no answer to FETCH %d", n)
	return nil
}

// valueEnd finds the end of a string, a list, or an atom.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); {
		switch b[i] {
		case '(':
			depth++
			i++
		case ')':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			i++
		case '{':
			k := bytes.IndexByte(b[i:], '\n')
			n, _ := literalAtEnd(b[i : i+k+1])
			i += k + 1 + n
		case ' ':
			if depth == 0 {
				return i
			}
			i++
		default:
			i++
			continue
		}
		if depth == 0 && b[i-1] != ' ' {
			return i
		}
	}
	return len(b)
}

// unquote takes the quotes or the length off a string.
func unquote(t *testing.T, value string) string {
	t.Helper()
	v := []byte(value)
	switch {
	case bytes.HasPrefix(v, []byte("{")):
		_, rest, _ := bytes.Cut(v, []byte("}\r\n"))
		return string(rest)
	case len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"':
		return string(bytes.ReplaceAll(bytes.ReplaceAll(v[1:len(v)-1], []byte(`\"`), []byte(`"`)), []byte(`\\`), []byte(`\`)))
	}
	t.Fatalf("%q is no string", value)
	return ""
}
