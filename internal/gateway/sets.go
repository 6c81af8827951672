package gateway

import (
	"errors"

	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
)

// selection is a client's set, split into what the backend holds and what we do.
type selection struct {
	real     imap.Set   // in the backend's numbers, or UIDs
	injected []imap.UID // ascending
	ghosts   uint64     // told to the client and gone from the backend
	saved    bool       // the set is "$": what is real of it is the backend's to know
	beyond   bool       // sequence numbers above the view were named, or UIDs of nobody
}

// ours reports whether a command on the selection has nothing to ask of the backend's messages.
func (sel selection) ours() bool { return !sel.saved && sel.real.Empty() && !sel.beyond }

// savedOr splits "$", or a set.
func (s *session) savedOr(saved bool, set imap.SeqSet, uid bool) (selection, error) {
	if !saved {
		return s.selected(set, uid)
	}
	m := s.mbox
	sel := selection{saved: true}
	for _, x := range m.saved {
		if _, ok := m.view.InjectedSeq(x); ok {
			sel.injected = append(sel.injected, x)
		}
	}
	return sel, nil
}

// selected splits a set. Sequence numbers are the client's; of UIDs nothing past the last one
// told goes to the backend, so that no command touches what the client does not know of.
func (s *session) selected(set imap.SeqSet, uid bool) (selection, error) {
	m := s.mbox
	var sel selection
	if !uid {
		nums := set.Resolve(m.view.Client())
		if nums.Max() > m.view.Client() || nums.Empty() || m.view.Client() == 0 {
			sel.beyond = true
			nums = nums.Clone()
			nums.RemoveRange(m.view.Client()+1, uint32(imap.MaxUID))
		}
		sel.real, sel.injected, sel.ghosts = m.view.Split(nums)
		if s.bc.Server == backend.Cyrus && (!sel.real.Empty() || len(sel.injected) > 0 || sel.ghosts > 0) {
			sel.beyond = false // it minds such numbers only where there are no others
		}
		return sel, nil
	}
	star := uint32(m.lastUID)
	if starMatters(set) || star == 0 {
		last, err := s.lastUID()
		if err != nil {
			return sel, err
		}
		star = uint32(last)
	}
	uids := set.Resolve(star)
	if m.capped() && m.lastUID < imap.MaxUID {
		uids = uids.Clone()
		uids.RemoveRange(uint32(m.lastUID)+1, uint32(imap.MaxUID))
	}
	sel.real, sel.injected = m.view.SplitUID(uids)
	// Nothing that anybody has: the backend is asked for a UID that it has not, and says in its
	// own words what that means for this command, this mailbox and this target.
	sel.beyond = sel.real.Empty() && len(sel.injected) == 0 && m.lastUID < imap.MaxUID
	return sel, nil
}

// starMatters reports whether it must be known which UID "*" is: of 1:* nothing is lost when
// it reaches further, up to the last UID that the client knows of.
func starMatters(set imap.SeqSet) bool {
	for _, r := range set {
		if (r.A == 0 || r.B == 0) && r.A != 1 && r.B != 1 {
			return true
		}
	}
	return false
}

// capped reports whether it is known how far the client's knowledge of UIDs reaches.
func (m *mailbox) capped() bool { return m.uidNext > 0 || m.lastUID > 0 }

// asWritten reports whether a set means the same to the backend as to the client, and reaches
// nothing that the client does not know of.
func (m *mailbox) asWritten(set imap.SeqSet, uid bool) bool {
	return m.view.Identity() && !set.HasStar() && (!uid || !m.capped() || set.Resolve(0).Max() <= uint32(m.lastUID))
}

// lastUID is the UID of the last message of the view: what "*" means among UIDs. 0 if the
// view is empty.
func (s *session) lastUID() (imap.UID, error) {
	m := s.mbox
	n := m.view.Client()
	if n == 0 {
		return 0, nil
	}
	if uid, ok := m.view.InjectedAt(imap.SeqNum(n)); ok {
		return uid, nil
	}
	if m.lastReal != 0 {
		return m.lastReal, nil
	}
	seq, ok := m.view.BackendSeq(imap.SeqNum(n))
	if !ok {
		// A ghost: what it was nobody knows any more, and nothing above it can be asked for.
		return m.lastUID, nil
	}
	uid, err := s.uidAt(seq)
	if uid != 0 {
		m.lastReal = uid
	}
	if m.lastReal == 0 {
		return m.lastUID, err
	}
	return m.lastReal, err
}

// splice replaces raw[start:end].
func splice(raw []byte, start, end int, with string) []byte {
	out := make([]byte, 0, len(raw)+len(with))
	out = append(out, raw[:start]...)
	out = append(out, with...)
	return append(out, raw[end:]...)
}

// shift moves the literals behind a splice.
func shift(lits []command.Literal, end, by int) []command.Literal {
	if len(lits) == 0 {
		return nil
	}
	out := make([]command.Literal, len(lits))
	for i, l := range lits {
		if l.Pos >= end {
			l.Pos += by
		}
		out[i] = l
	}
	return out
}

// backendSet is the set for the backend. Numbers beyond the view are made one that is beyond
// every mailbox, so that it is the backend that says what it thinks of them.
func backendSet(sel selection) string {
	if sel.saved {
		return "$"
	}
	b := sel.real.AppendTo(nil)
	if sel.beyond {
		if len(b) > 0 {
			return string(append(append(b, ','), noNumber...))
		}
		b = append(b, noMessage...)
	}
	return string(b)
}

// noNumber is a sequence number that no message has, beside others that messages have: Cyrus
// matches nothing with a set in which a number is followed by one that is greater by 2³¹ or more.
const noNumber = "2147483647"

// noMessage is a set of UIDs that no message has. It is not the greatest number, by which
// some servers mean "*" inside.
const noMessage = "4294967294"

// local runs a command that asks nothing of the backend's messages, whose set is raw[start:end]
// and of UIDs if uid; do is what is to be said and done of injected ones. The backend is asked
// the same of a UID that no message has: so it tells its news, and says in its own words
// whether this may be done here.
func (s *session) local(c *command.Command, start, end int, uid bool, sel selection, do func() error) error {
	if sel.ghosts > 0 && len(sel.injected) == 0 {
		if _, err := s.own("NOOP", nil); err != nil {
			return err
		}
		if err := s.settle(); err != nil {
			return err
		}
		// rfc5530 §3: asked of messages that are gone alone.
		s.line(c.Tag + " NO [EXPUNGEISSUED] The messages are gone.")
		return nil
	}
	raw := splice(c.Raw, start, end, noMessage)
	lits := shift(c.Literals, end, len(raw)-len(c.Raw))
	if !uid { // numbers would be beyond the mailbox
		at := len(c.Tag) + 1
		raw, lits = splice(raw, at, at, "UID "), shift(lits, at, len("UID "))
	}
	res, err := s.exchange(c.Tag, raw, lits, nil)
	if err != nil {
		return err
	}
	if res.ok() {
		if err := do(); err != nil {
			return s.localError(c, err)
		}
	}
	if err := s.settle(); err != nil {
		return err
	}
	return s.answer(res)
}

// refusal is an answer NO of our own: nothing of it was acknowledged.
type refusal struct{ text string }

func (r refusal) Error() string { return r.text }

// unavailable is the answer while the store cannot make a change durable (rfc5530 §3).
var unavailable = refusal{"[UNAVAILABLE] The change could not be stored, please try again."}

var expungeIssued = refusal{"[EXPUNGEISSUED] Some of the messages are gone."}

// localError answers a refusal; other errors end the session.
func (s *session) localError(c *command.Command, err error) error {
	var r refusal
	if !errors.As(err, &r) {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	s.line(c.Tag + " NO " + r.text)
	return nil
}
