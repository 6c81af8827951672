package gateway

import (
	"errors"
	"io"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
)

// append runs APPEND: messages are streamed, never held.
//
//	append         = "APPEND" SP mailbox 1*append-message      (rfc3502 §6.3.11)
//	append-message = [SP flag-list] [SP date-time] SP literal
//
// A backend that refuses a message at its head ends the command, and so do we: all messages
// are stored, or none.
func (s *session) append(c *command.Command, a *command.Append) error {
	if s.reserved(a.Flags) {
		s.line(c.Tag + " NO " + reservedText)
		return s.skipLiteral(c)
	}
	last := len(c.Literals) - 1 // the message's; others are of the mailbox name
	res, done, err := s.appendHead(c.Tag, c.Raw, c.Literals[:last], c.Literals[last])
	msg := a.Message
	for {
		if err != nil {
			return err
		}
		if done {
			if err := s.skipMessage(msg); err != nil {
				return err
			}
			return s.answerSettled(res)
		}
		if err := s.appendMessage(msg); err != nil {
			return err
		}
		next, answer, failed := s.nextMessage() // not err: the loop looks at that one
		switch {
		case failed != nil:
			return failed
		case answer != "":
			return s.abandonAppend(c.Tag, answer)
		case next == nil:
			if res, err = s.exchange(c.Tag, []byte("\r\n"), nil, nil); err != nil {
				return err
			}
			return s.answerArrived(res, a.Mailbox)
		}
		msg = next.Message
		res, done, err = s.appendHead(c.Tag, next.Raw, nil, next.Literal)
	}
}

const reservedText = "The keyword " + keyword + " is reserved."

// reserved reports whether the flags hold what only markers may have.
func (s *session) reserved(flags []string) bool { return s.service != nil && hasFlag(flags, keyword) }

// appendMessage streams a message that the backend is ready for.
func (s *session) appendMessage(msg command.Message) error {
	if !msg.NonSync {
		if err := s.continuation(); err != nil {
			return err
		}
	}
	if err := s.in.CopyLiteral(s.up, msg.Size); err != nil {
		return s.streamError(err)
	}
	return nil
}

// nextMessage reads what the client says behind a message: nothing more, a further message, or
// what ends the command with an answer of our own ("NO …", or "BAD" for the backend's words).
func (s *session) nextMessage() (next *command.NextMessage, answer string, err error) {
	if !s.caps.Has("MULTIAPPEND") {
		clean, err := s.in.End()
		if err == nil && !clean {
			answer = "BAD"
		}
		return nil, answer, err
	}
	next, err = s.in.NextMessage()
	if bad := (*command.BadError)(nil); errors.As(err, &bad) {
		return nil, "BAD " + bad.Text, nil
	}
	if err == nil && next != nil && next.Binary && !s.offers("BINARY") {
		return nil, "BAD Error in IMAP command APPEND: BINARY is not offered", s.skipMessage(next.Message)
	}
	if err == nil && next != nil && s.reserved(next.Flags) {
		return nil, "NO " + reservedText, s.skipMessage(next.Message)
	}
	return next, "", err
}

// abandonAppend ends an APPEND on the backend, which has taken a message, without storing it.
func (s *session) abandonAppend(tag, answer string) error {
	res, err := s.exchange(tag, []byte(" ()\r\n"), nil, nil) // no message behind the flags is BAD
	if err != nil {
		return err
	}
	if !res.ok() && answer != "BAD" {
		res = tagged{kind: "NO", raw: []byte(tag + " " + answer + "\r\n"), bye: res.bye}
	}
	return s.answerSettled(res)
}

// skipMessage swallows a message that is not going to be stored, with the rest of the command.
// A synchronising literal was never asked for: what comes next is a command.
func (s *session) skipMessage(msg command.Message) error {
	if !msg.NonSync {
		s.in.NotAsked()
		return nil
	}
	if err := s.in.Discard(msg.Size); err != nil {
		return err
	}
	_, err := s.in.End()
	return err
}

// answerArrived is answerSettled of a command that put messages into a mailbox. If that is the
// selected one, the UID in APPENDUID or COPYUID may be the first sign of something that was
// injected below it, before the backend has announced the message.
func (s *session) answerArrived(res tagged, target string) error {
	m := s.mbox
	// What was announced is looked at by settle, and rings by its gap.
	if res.ok() && m != nil && m.active && m.name == target && m.view.Untold().Empty() && len(m.fresh) == 0 {
		if top, rings := arrivedBeyond(res, m); rings && !s.quiet() {
			s.g.metrics.doorbells.WithLabelValues("uid").Inc()
			if err := s.readLedger(s.g.cfg.KnownBudget); err != nil {
				return err
			}
			if m.blind {
				s.passes(m.lastUID+1, top)
			}
		}
	}
	return s.answerSettled(res)
}

// arrivedBeyond reports whether the answer tells of a UID of the selected mailbox that leaves
// a gap behind the last one known; top is the highest one.
func arrivedBeyond(res tagged, m *mailbox) (top imap.UID, rings bool) {
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
		return 0, false
	}
	set := uids.Resolve(0)
	return imap.UID(set.Max()), uint64(set.Max()) > uint64(m.lastUID)+set.Len()
}

// appendHead sends what stands before a message, l the head of its literal. done means that
// the backend has refused it.
func (s *session) appendHead(tag string, raw []byte, literals []command.Literal, l command.Literal) (res tagged, done bool, err error) {
	if l.NonSync && s.nonSync(l.Size) {
		// As the client wrote it: the message follows at once.
		return s.send(tag, raw, literals, nil)
	}
	// Synchronising: what the backend says to the announcement is what the client is told.
	if res, done, err = s.send(tag, stripPlus(raw, l), literals, nil); done || err != nil {
		return res, done, err
	}
	res, cont, err := s.awaitContinuation(tag, nil)
	return res, !cont, err
}

// nonSync reports whether the backend takes a literal of that size without being asked.
// rfc7888 §5: LITERAL- is for 4096 octets at most.
func (s *session) nonSync(size int64) bool {
	return s.caps.Has("LITERAL+") || size <= 4096 && s.caps.Has("LITERAL-")
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
