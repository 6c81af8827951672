package laws

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// answer is what came for one command: octets as they came.
type answer struct {
	untagged []string // with their literals and line ends
	tagged   string   // without tag and line end; empty while there is none
}

// conn is an IMAP client that knows just enough to find the end of an answer.
type conn struct {
	nc    net.Conn
	in    *bufio.Reader
	tags  int
	open  []string // tags of commands that have no answer yet
	heard []string // untagged responses since the last tagged one
	half  string   // what of a command is still to be sent
}

// patience is how long an answer may take, on a machine that does much else.
const patience = 60 * time.Second

func dial(network, addr string) (*conn, error) {
	nc, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		return nil, err
	}
	c := &conn{nc: nc, in: bufio.NewReaderSize(nc, 16<<10)}
	_ = nc.SetDeadline(time.Now().Add(patience))
	greeting, err := c.response()
	if err == nil && !strings.HasPrefix(greeting, "* OK") {
		err = fmt.Errorf("greeting %q", greeting)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}

func (c *conn) close() { c.nc.Close() }

// response reads one response with its literals.
func (c *conn) response() (string, error) {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return line, err
	}
	n, is := literalAtEnd(line)
	if !is {
		return line, nil
	}
	var b strings.Builder
	for is {
		b.WriteString(line)
		for left := n; left > 0; {
			// Peek and Discard: no buffer of the literal's size is made twice.
			p, err := c.in.Peek(min(left, c.in.Size()))
			b.Write(p)
			if _, derr := c.in.Discard(len(p)); err != nil || derr != nil {
				return b.String(), errors.Join(err, derr)
			}
			left -= len(p)
		}
		if line, err = c.in.ReadString('\n'); err != nil {
			return b.String() + line, err
		}
		n, is = literalAtEnd(line)
	}
	b.WriteString(line)
	return b.String(), nil
}

// literalAtEnd gives the length of the literal that a line announces: "{12}", "{12+}" or "~{12}".
func literalAtEnd(line string) (n int, is bool) {
	s, ok := strings.CutSuffix(line, "}\r\n")
	if !ok {
		return 0, false
	}
	i := strings.LastIndexByte(s, '{')
	if i < 0 {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSuffix(s[i+1:], "+"))
	return n, err == nil && n >= 0
}

// send writes commands that are not waited for but at a synchronising literal.
func (c *conn) send(text string) error {
	c.tags++
	tag := "a" + strconv.Itoa(c.tags)
	c.open = append(c.open, tag)
	return c.push(tag + " " + text + "\r\n")
}

// sendHalf writes the first octets of a command; finish writes the rest.
func (c *conn) sendHalf(text string, cut int) error {
	c.tags++
	tag := "a" + strconv.Itoa(c.tags)
	c.open = append(c.open, tag)
	full := tag + " " + text + "\r\n"
	cut = min(len(tag)+1+cut, len(full)-1)
	c.half = full[cut:]
	if full[cut-1] == '\r' || strings.HasSuffix(full[:cut], "}") {
		// The end of a line goes with its line: it is what is waited at.
		next := strings.IndexByte(c.half, '\n') + 1
		cut, c.half = cut+next, c.half[next:]
	}
	if c.half == "" {
		// Nothing would be left to wait with.
		c.half = full[len(full)-2:]
		return c.push(full[:len(full)-2])
	}
	return c.push(full[:cut])
}

func (c *conn) finish() error {
	rest := c.half
	c.half = ""
	if len(c.open) == 0 {
		return nil // it was refused at its first half
	}
	return c.push(rest)
}

// push writes, and waits for leave where a line ends in a synchronising literal. When it is
// refused instead, the rest is not sent.
func (c *conn) push(text string) error {
	_ = c.nc.SetDeadline(time.Now().Add(patience))
	for {
		at := strings.Index(text, "}\r\n")
		sync := false
		for at >= 0 {
			line := text[:at+3]
			if _, is := literalAtEnd(line); is && line[at-1] != '+' {
				sync = true
				break
			}
			next := strings.Index(text[at+3:], "}\r\n")
			if next < 0 {
				break
			}
			at += 3 + next
		}
		if !sync {
			_, err := c.nc.Write([]byte(text))
			return err
		}
		if _, err := c.nc.Write([]byte(text[:at+3])); err != nil {
			return err
		}
		// What follows is the literal, in which a line may look like another one.
		n, _ := literalAtEnd(text[:at+3])
		text = text[at+3:]
		tag := c.open[len(c.open)-1]
		refused, err := c.leave(tag)
		if err != nil || refused {
			return err
		}
		if n > len(text) {
			n = len(text)
		}
		if _, err := c.nc.Write([]byte(text[:n])); err != nil {
			return err
		}
		text = text[n:]
		if text == "" {
			return nil
		}
	}
}

// leave waits for the continuation.
func (c *conn) leave(tag string) (refused bool, err error) {
	for {
		r, err := c.response()
		if err != nil {
			return false, fmt.Errorf("waiting to be asked for a literal: %w", err)
		}
		c.heard = append(c.heard, r)
		if r[0] == '+' {
			return false, nil
		}
		if strings.HasPrefix(r, tag+" ") {
			return true, nil
		}
	}
}

// answers reads until all commands that were sent have been answered, in the order of sending.
// What is untagged goes with the next tagged response.
func (c *conn) answers() ([]answer, error) {
	out := make([]answer, len(c.open))
	left := len(c.open)
	var collected []string
	take := func(r string) bool {
		for i, tag := range c.open {
			if rest, ok := strings.CutPrefix(r, tag+" "); ok && out[i].tagged == "" {
				out[i] = answer{collected, strings.TrimSuffix(rest, "\r\n")}
				collected = nil
				left--
				return true
			}
		}
		// Tags are as many as the connection had commands.
		if strings.HasPrefix(r, "* ESEARCH (TAG ") {
			for _, tag := range c.open {
				r = strings.Replace(r, `(TAG "`+tag+`")`, `(TAG "…")`, 1)
			}
		}
		collected = append(collected, r)
		return false
	}
	for _, r := range c.heard {
		take(r)
	}
	c.heard = nil
	for left > 0 {
		r, err := c.response()
		if err != nil {
			return out, fmt.Errorf("after %.300q: %w", collected, err)
		}
		take(r)
	}
	c.open = c.open[:0]
	if len(collected) > 0 && len(out) > 0 {
		out[len(out)-1].untagged = append(out[len(out)-1].untagged, collected...)
	}
	return out, nil
}

// cmd runs a command by itself.
func (c *conn) cmd(text string) (answer, error) {
	if err := c.send(text); err != nil {
		return answer{}, err
	}
	all, err := c.answers()
	if err != nil {
		return answer{}, err
	}
	return all[len(all)-1], nil
}

// must runs a command that has to succeed.
func (c *conn) must(text string) (answer, error) {
	a, err := c.cmd(text)
	if err == nil && !strings.HasPrefix(a.tagged, "OK") {
		err = fmt.Errorf("%s: %s", text, a.tagged)
	}
	return a, err
}

// idle enters IDLE; its tagged response comes with done.
func (c *conn) idle() error {
	if err := c.send("IDLE"); err != nil {
		return err
	}
	_, err := c.leave(c.open[len(c.open)-1])
	return err
}

func (c *conn) done() error {
	_ = c.nc.SetDeadline(time.Now().Add(patience))
	_, err := c.nc.Write([]byte("DONE\r\n"))
	return err
}

// await reads, within IDLE, until a response holds the text.
func (c *conn) await(text string) error {
	_ = c.nc.SetDeadline(time.Now().Add(patience))
	for _, r := range c.heard {
		if strings.Contains(r, text) {
			return nil
		}
	}
	for {
		r, err := c.response()
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", text, err)
		}
		c.heard = append(c.heard, r)
		if strings.Contains(r, text) {
			return nil
		}
	}
}
