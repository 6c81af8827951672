package message_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// client speaks IMAP to a peer as little as these tests need: it keeps every octet of a response.
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
	if _, err := c.response(); err != nil {
		t.Fatalf("reading the greeting: %v", err)
	}
	c.ok(t, "LOGIN "+user+" "+password)
	return c
}

// response reads one response with its literals.
func (c *client) response() ([]byte, error) {
	var out []byte
	for {
		line, err := c.r.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("reading a response: %w", err)
		}
		out = append(out, line...)
		n, ok := literalAtEnd(line)
		if !ok {
			return out, nil
		}
		lit := make([]byte, n)
		if _, err := io.ReadFull(c.r, lit); err != nil {
			return nil, fmt.Errorf("reading a literal: %w", err)
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

var errRefused = errors.New("refused")

// do sends a command and gives its untagged responses.
func (c *client) do(command string) ([][]byte, error) {
	c.n++
	tag := fmt.Sprintf("t%d", c.n)
	if _, err := io.WriteString(c.conn, tag+" "+command+"\r\n"); err != nil {
		return nil, fmt.Errorf("sending %q: %w", command, err)
	}
	var out [][]byte
	for {
		res, err := c.response()
		if err != nil {
			return nil, err
		}
		if rest, ok := bytes.CutPrefix(res, []byte(tag+" ")); ok {
			if !bytes.HasPrefix(rest, []byte("OK")) {
				return out, fmt.Errorf("%w: %s: %s", errRefused, command, rest)
			}
			return out, nil
		}
		out = append(out, res)
	}
}

func (c *client) ok(t *testing.T, command string) [][]byte {
	t.Helper()
	out, err := c.do(command)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// append stores a message and gives its sequence number in a mailbox that holds n-1 others.
func (c *client) append(t *testing.T, mailbox, flags, date string, raw []byte) {
	t.Helper()
	c.ok(t, fmt.Sprintf("APPEND %s (%s) %q {%d+}\r\n%s", mailbox, flags, date, len(raw), raw))
}

// fetch gives the value of one item, as it stands in the response.
func (c *client) fetch(t *testing.T, n int, item string) []byte {
	t.Helper()
	name := strings.Replace(item, ".PEEK", "", 1)
	if i := strings.LastIndexByte(name, '.'); i > 0 && strings.HasSuffix(name, ">") && i > strings.LastIndexByte(name, '<') {
		name = name[:i] + ">"
	}
	for _, res := range c.ok(t, fmt.Sprintf("FETCH %d (%s)", n, item)) {
		rest, ok := bytes.CutPrefix(res, fmt.Appendf(nil, "* %d FETCH (%s ", n, name))
		if !ok {
			continue
		}
		if rest, ok = bytes.CutSuffix(rest, []byte(")\r\n")); ok {
			return rest
		}
	}
	t.Fatalf("no answer to FETCH %d %s", n, item)
	return nil
}

// text takes the quotes or the length off a string; ok is false for NIL.
func text(t *testing.T, value []byte) (s []byte, ok bool) {
	t.Helper()
	switch {
	case string(value) == "NIL":
		return nil, false
	case bytes.HasPrefix(value, []byte("{")):
		_, rest, found := bytes.Cut(value, []byte("}\r\n"))
		if !found {
			t.Fatalf("%q is no literal", value)
		}
		return rest, true
	case len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"':
		return bytes.ReplaceAll(bytes.ReplaceAll(value[1:len(value)-1], []byte(`\"`), []byte(`"`)), []byte(`\\`), []byte(`\`)), true
	}
	t.Fatalf("%q is no string", value)
	return nil, false
}
