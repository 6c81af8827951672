package gateway

import (
	"errors"
	"io"

	"inlay.example/inlay/internal/imap/command"
)

// append runs APPEND: the message is streamed, never held.
//
//	append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal
func (s *session) append(c *command.Command, a *command.Append) error {
	if hasFlag(a.Flags, keyword) {
		s.line(c.Tag + " NO The keyword " + keyword + " is reserved.")
		return s.skipLiteral(c)
	}
	last := len(c.Literals) - 1 // the message's; others are of the mailbox name
	res, done, err := s.appendHead(c, last)
	if err != nil {
		return err
	}
	if done {
		if err := s.skipLiteral(c); err != nil {
			return err
		}
		return s.answerSettled(res)
	}
	if !a.NonSync {
		if err := s.continuation(); err != nil {
			return err
		}
	}
	if err := s.in.CopyLiteral(s.up, a.Size); err != nil {
		return s.streamError(err)
	}
	line, err := s.in.Line(heldLine)
	if bad := (*command.BadError)(nil); errors.As(err, &bad) {
		line, err = []byte(" "), nil // anything that the backend says BAD to, too
	}
	if err != nil {
		return err
	}
	// What follows the message is another one (MULTIAPPEND, not offered) or rubbish: the
	// backend says what it thinks of it, but gets no literal out of it.
	if len(line) > 0 {
		line = []byte(" ()")
	}
	s.write(line)
	s.write([]byte("\r\n"))
	if err := s.flushUp(); err != nil {
		return err
	}
	if res, err = s.await(c.Tag, nil); err != nil {
		return err
	}
	return s.answerSettled(res)
}

// appendHead sends the command up to the message. done means that the backend has refused it.
func (s *session) appendHead(c *command.Command, last int) (res tagged, done bool, err error) {
	l := c.Literals[last]
	if s.caps.Has("LITERAL+") && l.NonSync {
		// As the client wrote it: the message follows at once.
		res, done, err = s.send(c.Tag, c.Raw, c.Literals[:last], nil)
		return res, done, err
	}
	// Synchronising: what the backend says to the announcement is what the client is told.
	head := c.Raw[:l.Pos+l.Len]
	lits := append([]command.Literal(nil), c.Literals...)
	lits[last].NonSync = false
	sync := stripPlus(head, l)
	if res, done, err = s.send(c.Tag, sync, lits[:last], nil); done || err != nil {
		return res, done, err
	}
	res, cont, err := s.awaitContinuation(c.Tag, nil)
	return res, !cont, err
}

// stripPlus makes "{n+}" of the last literal head "{n}".
func stripPlus(head []byte, l command.Literal) []byte {
	if !l.NonSync {
		return head
	}
	out := append([]byte(nil), head[:l.Pos]...)
	for _, b := range head[l.Pos:] {
		if b != '+' {
			out = append(out, b)
		}
	}
	return out
}

func (s *session) answerSettled(res tagged) error {
	if err := s.settle(); err != nil {
		return err
	}
	return s.answer(res)
}

// streamError tells a client that went away in the middle of its message from a backend that did.
func (s *session) streamError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return err
	}
	if s.flushUp() != nil {
		return backendGone{err}
	}
	return err
}
