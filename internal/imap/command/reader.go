package command

import (
	"fmt"
	"io"
	"math"
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
	// What a literal may announce depends on the command: it is looked at here.
	return &Reader{w: wire.NewReader(r, lim.Buffer, wire.Limits{Literal: math.MaxInt64}), lim: lim}
}

// Wait blocks until something can be read, or reading fails; it consumes nothing.
func (r *Reader) Wait() error { return r.w.Wait() }

// Buffered returns how many octets can be had without reading.
func (r *Reader) Buffered() int { return r.w.Buffered() }

// Unread gives what was read from the stream and belongs to no command yet, and forgets it.
func (r *Reader) Unread() []byte { return r.w.Unread() }

// Read reads a command. cont is called for each synchronising literal that is to be held, and
// tells the client to send it. A *BadError is the answer to a command that was refused and
// read past; every other error ends the session: io.EOF between commands,
// io.ErrUnexpectedEOF within one, fault.TooLarge for what is too large to be read past.
func (r *Reader) Read(cont func() error) (*Command, error) {
	c := &Command{Raw: make([]byte, 0, 128)}
	held := 0 // octets of Raw that belong to literals
	for {
		t, err := r.w.Next()
		if err != nil {
			return nil, err
		}
		c.Raw = append(c.Raw, t.Raw...)
		switch t.Kind {
		case wire.CRLF:
			return r.parse(c)
		case wire.LiteralHead:
			c.Literals = append(c.Literals, Literal{
				Pos: len(c.Raw) - len(t.Raw), Len: len(t.Raw), Size: t.Size, NonSync: t.NonSync, Binary: t.Binary,
			})
			if r.name(c); c.Name == "APPEND" && isMessage(c) {
				return r.appendHead(c)
			}
			if err := r.literal(c, t, held, cont); err != nil {
				return nil, err
			}
			held += int(t.Size)
		}
		if over := len(c.Raw) - held - r.lim.Line; over > 0 {
			r.name(c)
			if err := r.skipLine(over); err != nil {
				return nil, err
			}
			return nil, bad(c, fmt.Sprintf("Command line of more than %d octets", r.lim.Line))
		}
	}
}

// literal holds the literal whose head is t.
func (r *Reader) literal(c *Command, t wire.Token, held int, cont func() error) error {
	if text := c.wrong(); text != "" {
		return r.refuse(c, text, !t.NonSync)
	}
	if t.Size > int64(r.lim.Literals-held) {
		return r.refuse(c, fmt.Sprintf("Literals of more than %d octets", r.lim.Literals), !t.NonSync)
	}
	if !t.NonSync {
		if err := cont(); err != nil {
			return err
		}
	}
	for r.w.InLiteral() > 0 {
		d, err := r.w.Next()
		if err != nil {
			return err
		}
		c.Raw = append(c.Raw, d.Raw...)
	}
	return nil
}

func (c *Command) nameless() bool { return c.Name == "" || c.Name == "UID" || c.Name == "UID " }

// wrong says what is wrong with a command by its name alone.
func (c *Command) wrong() string {
	switch {
	case c.Tag == "":
		return "Error in IMAP tag: Invalid tag"
	case c.nameless():
		return "Error in IMAP command: Missing command name"
	case !c.Known:
		return "Error in IMAP command " + c.Name + ": Unknown command"
	}
	return ""
}

// refuse reads past the rest of a command. A synchronising literal that was not asked for
// does not come, and ends it.
func (r *Reader) refuse(c *Command, text string, ended bool) error {
	if ended {
		r.w.Skip()
	} else if err := r.skipLine(0); err != nil {
		return err
	}
	return bad(c, text)
}

// bad is the answer to a command; one without a tag is answered untagged.
func bad(c *Command, text string) *BadError {
	if c.Tag == "" {
		return &BadError{Tag: "*", Text: text}
	}
	return &BadError{Tag: c.Tag, Text: text}
}

// skipLine reads past the rest of a line, with its non-synchronising literals, of which read
// octets have been read already.
func (r *Reader) skipLine(read int) error {
	for left := r.lim.Skip - int64(read); ; {
		// A literal that is larger than what may be read past is not read at all.
		if left < r.w.InLiteral() || left < 0 {
			return fault.New(fault.TooLarge, "command of more than %d octets", r.lim.Skip)
		}
		t, err := r.w.Next()
		if err != nil {
			return err
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

// maxName bounds how much of a name that nobody knows is repeated.
const maxName = 64

func clip(s string) string { return s[:min(len(s), maxName)] }

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
	if line[i] != ' ' {
		return
	}
	word := func(i int) (string, int) {
		j := i
		for j < len(line) && wire.IsAtom(line[j]) && wire.IsTag(line[j]) { // 7 bits
			j++
		}
		return strings.ToUpper(string(line[i:j])), j
	}
	var end int
	c.Name, end = word(i + 1)
	if c.Name == "UID" && end < len(line) && line[end] == ' ' {
		second, _ := word(end + 1)
		c.Name += " " + second
	}
	if c.Known = parsers[c.Name] != nil; !c.Known {
		c.Name = clip(c.Name)
	}
}

// isMessage reports whether the last literal is APPEND's message and not its mailbox name: the
// name is the first argument.
func isMessage(c *Command) bool {
	before := strings.TrimSpace(string(c.Raw[len(c.Tag)+1 : c.Literals[len(c.Literals)-1].Pos]))
	return len(before) > len("APPEND")
}

// appendHead gives an APPEND up to its message's head.
func (r *Reader) appendHead(c *Command) (*Command, error) {
	lit := c.Literals[len(c.Literals)-1]
	if text := r.tooLarge(lit); text != "" {
		return nil, r.refuse(c, appendFailed+text, !lit.NonSync)
	}
	p := r.parser(c)
	a, err := parseAppend(p, lit)
	if err != nil {
		return nil, r.refuse(c, appendFailed+err.Error(), !lit.NonSync)
	}
	c.Args, c.Uses = a, p.uses
	return c, nil
}

const appendFailed = "Error in IMAP command APPEND: "

// tooLarge says what is wrong with a message by its head alone.
func (r *Reader) tooLarge(lit Literal) string {
	if lit.Size > r.lim.Append {
		return fmt.Sprintf("Message of more than %d octets", r.lim.Append)
	}
	return ""
}

// NextMessage reads what follows the message of an APPEND: the end of the command, which is
// nil, or what stands before a further message (rfc3502). A *BadError says what is wrong with
// that; the rest of the command was read past then.
func (r *Reader) NextMessage() (*NextMessage, error) {
	var m NextMessage
	refuse := func(text string, ended bool) error {
		return r.refuse(&Command{}, appendFailed+text, ended)
	}
	for {
		t, err := r.w.Next()
		if err != nil {
			return nil, err
		}
		m.Raw = append(m.Raw, t.Raw...)
		switch {
		case t.Kind == wire.CRLF && strings.TrimSpace(string(m.Raw)) == "":
			return nil, nil //nolint:nilnil // the command has ended, see above
		case t.Kind == wire.CRLF:
			return nil, refuse("a message as a literal expected behind the one before", true)
		case t.Kind == wire.LiteralHead:
			m.Literal = Literal{Pos: len(m.Raw) - len(t.Raw), Len: len(t.Raw), Size: t.Size, NonSync: t.NonSync, Binary: t.Binary}
			if text := r.tooLarge(m.Literal); text != "" {
				return nil, refuse(text, !t.NonSync)
			}
			p := &parser{name: "APPEND", b: m.Raw, lim: r.lim}
			if m.Message, err = p.message(m.Literal); err != nil {
				return nil, refuse(err.Error()+" behind the message before", !t.NonSync)
			}
			return &m, nil
		case len(m.Raw) > r.lim.Line:
			return nil, refuse(fmt.Sprintf("more than %d octets before a message", r.lim.Line), false)
		}
	}
}

// CopyLiteral streams the n octets of an APPEND's message, asked for by the caller, to w.
func (r *Reader) CopyLiteral(w io.Writer, n int64) error {
	if left := r.w.InLiteral(); left != n {
		return fmt.Errorf("copying a literal of %d octets: %d are to come", n, left)
	}
	return r.w.CopyLiteral(w)
}

// Discard reads past the n octets of an APPEND's message.
func (r *Reader) Discard(n int64) error { return r.CopyLiteral(io.Discard, n) }

// End reads past what follows the message of an APPEND; clean says that it was the end of the
// line and nothing else. What follows otherwise is another message that nobody wants or
// rubbish: its literals are read past too, or they would be taken for commands.
func (r *Reader) End() (clean bool, err error) {
	t, err := r.w.Next()
	switch {
	case err != nil:
		return false, err
	case t.Kind == wire.CRLF:
		return true, nil
	case t.Kind == wire.LiteralHead && !t.NonSync:
		r.w.Skip()
		return false, nil
	}
	return false, r.skipLine(len(t.Raw))
}

// NotAsked says that the synchronising literal whose head was read is not going to come.
func (r *Reader) NotAsked() { r.w.Skip() }

// Line reads a line without its CRLF: the rest of an APPEND, DONE, a response of SASL. One of
// more than limit octets is read past and is a *BadError without tag.
func (r *Reader) Line(limit int) ([]byte, error) {
	var b []byte
	for n := int64(0); ; {
		t, err := r.w.NextText()
		if err != nil {
			return nil, err
		}
		if t.Kind == wire.CRLF {
			if n > int64(limit) {
				return nil, &BadError{Tag: "*", Text: fmt.Sprintf("Line of more than %d octets", limit)}
			}
			return b, nil
		}
		switch n += int64(len(t.Raw)); {
		case n > int64(limit)+r.lim.Skip:
			return nil, fault.New(fault.TooLarge, "line of more than %d octets", int64(limit)+r.lim.Skip)
		case n <= int64(limit):
			b = append(b, t.Raw...)
		}
	}
}

// parse takes a whole command apart.
func (r *Reader) parse(c *Command) (*Command, error) {
	r.name(c)
	switch {
	case c.Tag == "" || c.nameless():
		return nil, bad(c, c.wrong())
	case !c.Known:
		return c, nil // the caller may know it
	}
	p := r.parser(c)
	args, err := parsers[c.Name](p)
	c.Uses = p.uses
	if err != nil {
		c.Err, c.Unsupported = err, fault.Is(err, fault.Unsupported)
		return c, nil
	}
	c.Args = args
	return c, nil
}
