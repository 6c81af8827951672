package gateway

import (
	"errors"
	"io"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
)

// append runs APPEND: the message is streamed, never held.
//
//	append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal
func (s *session) append(c *command.Command, a *command.Append) error {
	if s.g.service != nil && hasFlag(a.Flags, keyword) {
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
	clean, err := s.in.End()
	if err != nil {
		return err
	}
	if !clean {
		s.write([]byte(" ()")) // what the backend says BAD to, too, without storing the message
	}
	s.write([]byte("\r\n"))
	if err := s.flushUp(); err != nil {
		return err
	}
	if res, err = s.await(c.Tag, nil); err != nil {
		return err
	}
	return s.answerArrived(res, a.Mailbox)
}

// answerArrived is answerSettled of a command that put messages into a mailbox. If that is the
// selected one, the UID in APPENDUID or COPYUID may be the first sign of something that was
// injected below it, before the backend has announced the message.
func (s *session) answerArrived(res tagged, target string) error {
	m := s.mbox
	// What was announced is looked at by settle, and rings by its gap.
	if res.ok() && m != nil && m.active && m.name == target && m.view.Untold().Empty() && len(m.fresh) == 0 && arrivedBeyond(res, m) {
		s.g.metrics.doorbells.WithLabelValues("uid").Inc()
		if err := s.readLedger(s.g.cfg.KnownBudget); err != nil {
			return err
		}
	}
	return s.answerSettled(res)
}

// arrivedBeyond reports whether the answer tells of a UID of the selected mailbox that leaves
// a gap behind the last one known.
func arrivedBeyond(res tagged, m *mailbox) bool {
	var validity uint32
	var uids imap.SeqSet
	var err error
	switch res.status.Code {
	case "APPENDUID":
		validity, uids, err = response.ParseAppendUID(res.status.CodeArgs)
	case "COPYUID":
		validity, _, uids, err = response.ParseCopyUID(res.status.CodeArgs)
	}
	if err != nil || validity != m.validity {
		return false
	}
	set := uids.Resolve(0)
	return uint64(set.Max()) > uint64(m.lastUID)+set.Len()
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
