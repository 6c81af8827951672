package bench_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// A client speaks just enough IMAP to be waited for. It believes what it is told.
type client struct {
	nc  net.Conn
	in  *bufio.Reader
	n   int   // commands so far
	got int64 // octets of literals so far

	exists string // the number in the last EXISTS
}

// patience is for an answer: far longer than any, so that only a hang runs into it.
const patience = 30 * time.Second

func dial(addr string) (*client, error) {
	nc, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	c := &client{nc: nc, in: bufio.NewReaderSize(nc, 64<<10)}
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	line, err := c.in.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "* OK") {
		return nil, fmt.Errorf("greeting of %s: %q, %w", addr, line, err)
	}
	return c, nil
}

func login(addr, user, password string) (*client, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	if err := c.do(fmt.Sprintf("LOGIN %q %q", user, password)); err != nil {
		c.nc.Close()
		return nil, err
	}
	return c, nil
}

// do sends a command in one write and reads to its OK. A "\x00" in the command stands for a
// literal's wait: what is behind it is sent after the server's "+".
func (c *client) do(command string) error {
	c.n++
	tag := "x" + strconv.Itoa(c.n)
	if err := c.nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	parts := strings.Split(tag+" "+command+"\r\n", "\x00")
	for i, part := range parts {
		if _, err := io.WriteString(c.nc, part); err != nil {
			return err
		}
		if i < len(parts)-1 {
			if err := c.answer(tag, true); err != nil {
				return fmt.Errorf("%s: %w", command, err)
			}
		}
	}
	if err := c.answer(tag, false); err != nil {
		return fmt.Errorf("%.60q: %w", command, err)
	}
	return nil
}

// answer reads to the tagged OK, or to a continuation request.
func (c *client) answer(tag string, continuation bool) error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		switch {
		case continuation && bytes.HasPrefix(line, []byte("+ ")):
			return nil
		case bytes.HasPrefix(line, []byte(tag+" ")):
			if !bytes.HasPrefix(line[len(tag)+1:], []byte("OK")) {
				return fmt.Errorf("answered %q", line)
			}
			return nil
		}
		if number, ok := bytes.CutSuffix(line, []byte(" EXISTS\r\n")); ok {
			c.exists = string(bytes.TrimPrefix(number, []byte("* ")))
		}
		if n, ok := literal(line); ok {
			if _, err := c.in.Discard(n); err != nil {
				return err
			}
			c.got += int64(n)
		}
	}
}

// literal reads the {n} at the end of a line.
func literal(line []byte) (int, bool) {
	line = bytes.TrimRight(line, "\r\n")
	open := bytes.LastIndexByte(line, '{')
	if open < 0 || line[len(line)-1] != '}' {
		return 0, false
	}
	n, err := strconv.Atoi(string(line[open+1 : len(line)-1]))
	return n, err == nil
}

func (c *client) close() { c.nc.Close() }
