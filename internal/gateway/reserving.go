package gateway

import (
	"fmt"
	"strings"
	"time"

	"inlay.example/inlay/internal/gateway/reserve"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
)

// reserving is the session's connection as a reserver uses it.
type reserving struct {
	s      *session
	looked bool
}

var _ reserve.Conn = (*reserving)(nil)

// Mailbox implements reserve.Conn.
func (r *reserving) Mailbox() (user, mailbox string) { return r.s.user, r.s.mbox.name }

// Append implements reserve.Conn.
func (r *reserving) Append(msgs [][]byte, flags []string) (validity uint32, uids []imap.UID, refused string, err error) {
	s := r.s
	atOnce := 1
	if s.caps.Has("MULTIAPPEND") {
		atOnce = len(msgs)
	}
	for len(msgs) > 0 {
		n := min(atOnce, len(msgs))
		batch := make([]ownMessage, n)
		for i := range batch {
			batch[i] = ownMessage{raw: msgs[i], flags: flags}
		}
		v, got, no, err := s.appendOwn(s.mbox.raw, batch)
		if err != nil {
			return 0, nil, "", err
		}
		if no != "" {
			return validity, uids, no, nil
		}
		validity, uids, msgs = v, append(uids, got...), msgs[n:]
	}
	return validity, uids, "", nil
}

// ownMessage is a message that the gateway appends.
type ownMessage struct {
	raw   []byte
	flags []string
	date  time.Time // zero: the backend's now
}

// appendOwn appends messages to a mailbox in one command; refused is the backend's text when
// it said NO or did not say which UIDs it gave (see noUID).
func (s *session) appendOwn(mailbox string, msgs []ownMessage) (validity uint32, uids []imap.UID, refused string, err error) {
	tag := s.ownTag()
	raw := fmt.Appendf(nil, "%s APPEND %s", tag, mailbox)
	var lits []command.Literal
	for _, msg := range msgs {
		raw = append(raw, " ("+strings.Join(msg.flags, " ")+") "...)
		if !msg.date.IsZero() {
			raw = append(raw, `"`+msg.date.UTC().Format("02-Jan-2006 15:04:05 -0700")+`" `...)
		}
		pos := len(raw)
		raw = fmt.Appendf(raw, "{%d}\r\n", len(msg.raw))
		lits = append(lits, command.Literal{Pos: pos, Len: len(raw) - pos, Size: int64(len(msg.raw))})
		raw = append(raw, msg.raw...)
	}
	raw = append(raw, "\r\n"...)
	res, err := s.owned(func() (tagged, error) { return s.exchange(tag, raw, lits, nil) })
	if err != nil {
		return 0, nil, "", err
	}
	text := string(res.raw[min(len(tag)+1, len(res.raw)):])
	if !res.ok() {
		return 0, nil, text, nil
	}
	if res.status.Code != "APPENDUID" {
		return 0, nil, noUID + text, nil
	}
	validity, set, err := response.ParseAppendUID(res.status.CodeArgs)
	if err != nil {
		return 0, nil, "", desync{err}
	}
	if uids = inOrder(set, len(msgs)); len(uids) != len(msgs) {
		return 0, nil, "", desync{fmt.Errorf("APPENDUID of %d UIDs for %d messages", len(uids), len(msgs))}
	}
	return validity, uids, "", nil
}

// noUID starts the text of an APPEND that was done and did not tell UIDs.
const noUID = "no APPENDUID: "

// inOrder spells a UID set out in its written order, up to limit+1 numbers.
func inOrder(set imap.SeqSet, limit int) []imap.UID {
	var out []imap.UID
	for _, r := range set {
		step := 1
		if r.B < r.A {
			step = -1
		}
		for u := int64(r.A); len(out) <= limit; u += int64(step) {
			out = append(out, imap.UID(u))
			if u == int64(r.B) {
				break
			}
		}
	}
	return out
}

// Expunge implements reserve.Conn.
func (r *reserving) Expunge(uids imap.Set) error {
	_, err := r.s.own("UID EXPUNGE "+uids.String(), nil)
	return err
}

// Flag implements reserve.Conn.
func (r *reserving) Flag(uids imap.Set, flags []string) error {
	_, err := r.s.own("UID STORE "+uids.String()+" +FLAGS.SILENT ("+strings.Join(flags, " ")+")", nil)
	return err
}

// Look implements reserve.Conn.
func (r *reserving) Look() error {
	s := r.s
	// What was announced by itself need not be all.
	if r.looked || s.mbox.view.Untold().Empty() {
		if _, err := s.own("NOOP", nil); err != nil {
			return err
		}
	}
	r.looked = true
	_, err := s.identifyAll()
	return err
}

// Present implements reserve.Conn.
func (r *reserving) Present(uid imap.UID) bool { return r.s.mbox.view.HiddenUID(uid) }
