package command

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap/wire"
)

// Reader reads commands. It is not safe for concurrent use.
type Reader struct {
	w   *wire.Reader
	lim Limits
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader, lim Limits) *Reader {
	lim = lim.withDefaults()
	return &Reader{w: wire.NewReader(r, lim.Buffer, wire.Limits{Literal: 1<<63 - 1}), lim: lim}
}

// Wait blocks until something can be read, or reading fails; it consumes nothing.
func (r *Reader) Wait() error { return r.w.Wait() }

// Buffered returns how many octets can be had without reading.
func (r *Reader) Buffered() int { return r.w.Buffered() }

// Read reads a command. cont is called for each synchronising literal that is to be held, and
// tells the client to send it. A *BadError is the answer to a command that was refused and
// read past; every other error ends the session.
func (r *Reader) Read(cont func() error) (*Command, error) {
	c := &Command{}
	held := 0
	for {
		t, err := r.w.Next()
		if err != nil {
			if errors.Is(err, io.EOF) && len(c.Raw) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		switch t.Kind {
		case wire.CRLF:
			c.Raw = append(c.Raw, t.Raw...)
			return r.parse(c)
		case wire.LiteralHead:
			lit := Literal{Pos: len(c.Raw), Len: len(t.Raw), Size: t.Size, NonSync: t.NonSync, Binary: t.Binary}
			c.Raw = append(c.Raw, t.Raw...)
			c.Literals = append(c.Literals, lit)
			r.name(c)
			if c.Name == "APPEND" && r.isMessage(c, lit) {
				return r.appendHead(c, lit)
			}
			held += int(min(t.Size, int64(r.lim.Literals)+1))
			switch {
			case !c.Known:
				return nil, r.refuse(c, fmt.Sprintf("Error in IMAP command %s: Unknown command", c.Name), !t.NonSync)
			case held > r.lim.Literals:
				return nil, r.refuse(c, fmt.Sprintf("Literals of more than %d octets", r.lim.Literals), !t.NonSync)
			}
			if !t.NonSync {
				if err := cont(); err != nil {
					return nil, err
				}
			}
			for r.w.InLiteral() > 0 {
				d, err := r.w.Next()
				if err != nil {
					return nil, err
				}
				c.Raw = append(c.Raw, d.Raw...)
			}
		default:
			c.Raw = append(c.Raw, t.Raw...)
		}
		if len(c.Raw)-held > r.lim.Line {
			r.name(c)
			return nil, r.refuse(c, fmt.Sprintf("Command line of more than %d octets", r.lim.Line), false)
		}
	}
}

// refuse reads past the rest of a command. A synchronising literal that was not asked for
// does not come, and ends it.
func (r *Reader) refuse(c *Command, text string, ended bool) error {
	tag := c.Tag
	if tag == "" {
		tag = "*"
	}
	bad := &BadError{Tag: tag, Text: text}
	if ended {
		r.w.Skip()
		return bad
	}
	if err := r.skipLine(); err != nil {
		return err
	}
	return bad
}

// skipLine reads past the rest of a line, with its non-synchronising literals.
func (r *Reader) skipLine() error {
	for left := r.lim.Skip; ; {
		// A literal that is larger than what may be read past is not read at all.
		if left < r.w.InLiteral() || left < 0 {
			return fault.New(fault.TooLarge, "command of more than %d octets", r.lim.Skip)
		}
		t, err := r.w.Next()
		if err != nil {
			return noEOF(err)
		}
		left -= int64(len(t.Raw))
		switch {
		case t.Kind == wire.CRLF:
			return nil
		case t.Kind == wire.LiteralHead && !t.NonSync:
			r.w.Skip()
			return nil
		}
	}
}

// name finds tag and name at the start of Raw.
//
//	command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF
//	tag     = 1*<any ASTRING-CHAR except "+">
func (r *Reader) name(c *Command) {
	line := c.Raw
	i := 0
	for i < len(line) && wire.IsTag(line[i]) {
		i++
	}
	if i == 0 || i == len(line) || line[i] != ' ' && line[i] != '\r' && line[i] != '\n' {
		return
	}
	c.Tag = string(line[:i])
	word := func(i int) (string, int) {
		j := i
		for j < len(line) && wire.IsAtom(line[j]) {
			j++
		}
		return strings.ToUpper(string(line[i:j])), j
	}
	if line[i] != ' ' {
		return
	}
	var end int
	c.Name, end = word(i + 1)
	if c.Name == "UID" && end < len(line) && line[end] == ' ' {
		second, _ := word(end + 1)
		c.Name += " " + second
	}
	c.Known = known[c.Name]
}

// isMessage reports whether the literal is APPEND's message and not its mailbox name: the
// name is the first argument.
func (r *Reader) isMessage(c *Command, lit Literal) bool {
	before := strings.TrimSpace(string(c.Raw[len(c.Tag)+1 : lit.Pos]))
	return len(before) > len("APPEND")
}

// appendHead gives an APPEND up to its message's head.
func (r *Reader) appendHead(c *Command, lit Literal) (*Command, error) {
	switch {
	case lit.Size > r.lim.Append:
		if !lit.NonSync {
			return nil, r.refuse(c, fmt.Sprintf("Message of more than %d octets", r.lim.Append), true)
		}
		return nil, fault.New(fault.TooLarge, "message of more than %d octets", r.lim.Append)
	case lit.Binary:
		return nil, r.refuse(c, "Error in IMAP command APPEND: BINARY is not offered", !lit.NonSync)
	}
	a, err := parseAppend(r.parser(c), lit)
	if err != nil {
		return nil, r.refuse(c, "Error in IMAP command APPEND: "+err.Error(), !lit.NonSync)
	}
	c.Args = a
	return c, nil
}

// CopyLiteral streams the n octets of an APPEND's message, asked for by the caller, to w.
func (r *Reader) CopyLiteral(w io.Writer, n int64) error {
	if left := r.w.InLiteral(); left != n {
		return fmt.Errorf("copying a literal of %d octets: %d are to come", n, left)
	}
	return noEOF(r.w.CopyLiteral(w))
}

// Discard reads past the n octets of an APPEND's message.
func (r *Reader) Discard(n int64) error { return r.CopyLiteral(io.Discard, n) }

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// End reads past what follows the message of an APPEND; clean says that it was the end of the
// line and nothing else. What follows otherwise is another message (MULTIAPPEND, which is not
// offered) or rubbish: its literals are read past too, or they would be taken for commands.
func (r *Reader) End() (clean bool, err error) {
	t, err := r.w.Next()
	switch {
	case err != nil:
		return false, noEOF(err)
	case t.Kind == wire.CRLF:
		return true, nil
	case t.Kind == wire.LiteralHead && !t.NonSync:
		r.w.Skip()
		return false, nil
	}
	return false, r.skipLine()
}

// NotAsked says that the synchronising literal whose head was read is not going to come.
func (r *Reader) NotAsked() { r.w.Skip() }

// Line reads a line without its CRLF: the rest of an APPEND, DONE, a response of SASL. One of
// more than limit octets is read past and is a *BadError without tag.
func (r *Reader) Line(limit int) ([]byte, error) {
	var b []byte
	var skipped int64
	for {
		t, err := r.w.NextText()
		if err != nil {
			return nil, err
		}
		switch {
		case t.Kind == wire.CRLF && skipped > 0:
			return nil, &BadError{Tag: "*", Text: fmt.Sprintf("Line of more than %d octets", limit)}
		case t.Kind == wire.CRLF:
			return b, nil
		case skipped > 0 || len(b)+len(t.Raw) > limit:
			if skipped += int64(len(t.Raw)); skipped > r.lim.Skip {
				return nil, fault.New(fault.TooLarge, "line of more than %d octets", r.lim.Skip)
			}
		default:
			b = append(b, t.Raw...)
		}
	}
}

// parse takes a whole command apart.
func (r *Reader) parse(c *Command) (*Command, error) {
	r.name(c)
	switch {
	case c.Tag == "":
		return nil, &BadError{Tag: "*", Text: "Error in IMAP tag: Invalid tag"}
	case c.Name == "" || c.Name == "UID" || c.Name == "UID ":
		return nil, &BadError{Tag: c.Tag, Text: "Error in IMAP command: Missing command name"}
	case !c.Known:
		return c, nil
	}
	p := r.parser(c)
	c.Args, c.Err = p.arguments(c.Name)
	if c.Err != nil {
		c.Args = nil
		c.Unsupported = errors.As(c.Err, &unsupported{})
	}
	return c, nil
}
