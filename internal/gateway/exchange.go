package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
)

const (
	heldLine   = 64 << 10 // octets of a response that is held to be understood
	heldTagged = 8 << 20  // octets of a tagged response: COPYUID of a great many messages
)

// handler sees the untagged responses of an exchange before the usual treatment (untagged.go)
// does. It either consumes the response whole and says true, or leaves it untouched.
type handler func(h response.Head) (bool, error)

// exchange sends a command with its literals and reads responses up to the tagged one.
func (s *session) exchange(tag string, raw []byte, literals []command.Literal, h handler) (tagged, error) {
	res, done, err := s.send(tag, raw, literals, h)
	if !done && err == nil {
		res, err = s.await(tag, h)
	}
	if m := s.mbox; err == nil && m != nil && !m.vanishing.Empty() && !m.resolving {
		err = s.resolveDoubt()
	}
	return res, err
}

// send writes a command. To a backend that does not take it at once each literal is announced
// and waited for; a backend that refuses one ends the command (done).
func (s *session) send(tag string, raw []byte, literals []command.Literal, h handler) (res tagged, done bool, err error) {
	at := 0
	for _, l := range literals {
		plus := s.nonSync(l.Size) && (l.NonSync || !l.Binary) // who knows literal8 may not know it non-synchronising
		if plus == l.NonSync {                                // as it was written
			if plus {
				continue
			}
		} else if plus {
			// "{n}" becomes "{n+}": we hold the literal already.
			head := raw[l.Pos : l.Pos+l.Len]
			i := bytes.LastIndexByte(head, '}')
			s.write(raw[at:l.Pos])
			s.write(head[:i])
			s.write([]byte("+"))
			s.write(head[i:])
			at = l.Pos + l.Len
			continue
		}
		head := bytes.ReplaceAll(raw[l.Pos:l.Pos+l.Len], []byte("+"), nil)
		s.write(raw[at:l.Pos])
		s.write(head)
		at = l.Pos + l.Len
		res, cont, err := s.awaitContinuation(tag, h)
		if err != nil || !cont {
			return res, true, err
		}
	}
	s.write(raw[at:])
	return tagged{}, false, s.flushUp()
}

func (s *session) write(b []byte) { _, _ = s.up.Write(b) } // the error is sticky, and met by flushUp

func (s *session) flushUp() error {
	if err := s.up.Flush(); err != nil {
		return backendGone{err}
	}
	return nil
}

// next reads the start of the backend's next response, after telling the client what is
// known so far if there is nothing to be read at once.
func (s *session) next() (response.Head, error) {
	if s.upLane.lent || s.bc.Reader.Buffered() == 0 {
		if err := s.flushUp(); err != nil {
			return response.Head{}, err
		}
		if err := s.out.Flush(); err != nil {
			return response.Head{}, err
		}
		// A backend that hangs must not keep the session for ever: nobody would notice the
		// client going away.
		s.armed = true
		_ = s.bc.SetReadDeadline(time.Now().Add(s.g.cfg.BackendTimeout))
	}
	s.upLane.own()
	h, err := s.bc.Reader.Next()
	return h, backendError(err)
}

func backendError(err error) error {
	if err == nil || errors.As(err, &clientGone{}) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isNet(err) {
		return backendGone{err}
	}
	return desync{err}
}

func (s *session) rest(limit int) ([]byte, error) {
	b, err := s.bc.Reader.Rest(limit)
	return b, backendError(err)
}

// await reads responses up to the tagged one of tag.
func (s *session) await(tag string, h handler) (tagged, error) {
	var bye bool
	for {
		head, err := s.next()
		if err != nil {
			if bye {
				return tagged{}, errBye // it said so
			}
			return tagged{}, err
		}
		switch head.Kind {
		case response.Tagged:
			res, err := s.tagged(head, tag)
			res.bye = bye
			return res, err
		case response.Continuation:
			return tagged{}, desync{fmt.Errorf("a continuation that nobody asked for")}
		}
		bye = bye || head.Name == "BYE"
		if err := s.handle(head, h); err != nil {
			return tagged{}, err
		}
	}
}

// awaitContinuation reads responses up to a continuation, or the tagged response (cont is
// false) of a backend that refuses.
func (s *session) awaitContinuation(tag string, h handler) (res tagged, cont bool, err error) {
	res, _, cont, err = s.awaitChallenge(tag, h)
	return res, cont, err
}

// awaitChallenge is awaitContinuation, and gives the continuation as it is.
func (s *session) awaitChallenge(tag string, h handler) (res tagged, challenge []byte, cont bool, err error) {
	if err := s.flushUp(); err != nil {
		return res, nil, false, err
	}
	for {
		head, err := s.next()
		if err != nil {
			return res, nil, false, err
		}
		switch head.Kind {
		case response.Tagged:
			res, err := s.tagged(head, tag)
			return res, nil, false, err
		case response.Continuation:
			challenge := bytes.Clone(head.Raw)
			rest, err := s.rest(heldLine)
			return res, append(challenge, rest...), true, err
		}
		if err := s.handle(head, h); err != nil {
			return res, nil, false, err
		}
	}
}

func (s *session) tagged(head response.Head, tag string) (tagged, error) {
	if head.Tag != tag {
		return tagged{}, desync{fmt.Errorf("an answer to %q while %q is asked", head.Tag, tag)}
	}
	res := tagged{kind: head.Name, raw: bytes.Clone(head.Raw)}
	rest, err := s.rest(heldTagged)
	if err != nil {
		return res, err
	}
	rest = s.rewriteCaps(rest)
	res.status = response.ParseStatus(rest)
	if m := s.mbox; res.status.Code == "HIGHESTMODSEQ" && m != nil && m.active {
		n, err := highestModSeq(res.status)
		if err != nil {
			return res, err
		}
		s.hearHighest(m, n)
	}
	res.raw = append(res.raw, rest...)
	return res, nil
}

func (s *session) handle(head response.Head, h handler) error {
	if err := s.implied(head); err != nil {
		return err
	}
	if h != nil {
		if done, err := h(head); done || err != nil {
			return err
		}
	}
	return s.untagged(head)
}

// unasked handles what the backend says between commands.
func (s *session) unasked() error {
	head, err := s.next()
	if err != nil {
		return err
	}
	if head.Kind != response.Untagged {
		return desync{fmt.Errorf("%q while no command is in progress", head.Raw)}
	}
	return s.handle(head, nil)
}

// own runs a command of the gateway's own. What it causes to be said about messages goes into
// the view and, where the client may know it at this moment, to the client.
func (s *session) own(text string, h handler) (tagged, error) {
	tag := s.ownTag()
	return s.owned(func() (tagged, error) { return s.exchange(tag, []byte(tag+" "+text+"\r\n"), nil, h) })
}

// owned runs an exchange that the client knows nothing of.
func (s *session) owned(f func() (tagged, error)) (tagged, error) {
	s.owning = true
	defer func() { s.owning = false }()
	return f()
}

// collect is a handler that holds the untagged responses of one name.
func (s *session) collect(name string, limit int, use func(head response.Head, rest []byte) error) handler {
	return func(h response.Head) (bool, error) {
		if h.Name != name {
			return false, nil
		}
		head := h
		head.Raw = bytes.Clone(h.Raw)
		rest, err := s.rest(limit)
		if err != nil {
			return true, err
		}
		return true, use(head, rest)
	}
}
