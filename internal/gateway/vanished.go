package gateway

import (
	"bytes"
	"fmt"
	"slices"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
)

// A backend says VANISHED instead of EXPUNGE to who has enabled QRESYNC (rfc7162 §3.2.10), and so
// do we. It names UIDs, and the client's list is kept by numbers. Where the client may be told
// at once, no number is needed. Where it may not, because it is a command of ours in the middle
// of a FETCH by number that made the backend speak, the numbers that the messages had are
// asked for behind that command, by SEARCHes by number, which make no backend announce anything.

// qresync reports whether the client has enabled QRESYNC.
func (s *session) qresync() bool { return s.enabled.has("QRESYNC") }

// untaggedVanished takes VANISHED.
func (s *session) untaggedVanished() error {
	rest, err := s.rest(heldTagged)
	if err != nil {
		return err
	}
	uids, earlier, err := response.ParseVanished(rest)
	switch {
	case err != nil:
		return desync{err}
	case !s.qresync():
		return desync{fmt.Errorf("VANISHED to a client that has not enabled QRESYNC")}
	case earlier:
		return nil // nobody asked
	}
	return s.vanishedNow(uids)
}

// vanishedNow takes the UIDs of a VANISHED.
func (s *session) vanishedNow(uids imap.Set) error {
	m := s.mbox
	m.lastReal = 0 // it may have been one of them
	if !s.mayExpunge && !m.composing || m.view.Ghosts() > 0 || !m.vanishing.Empty() {
		m.vanishing = m.vanishing.Union(uids)
		return nil
	}
	tell, err := m.view.Vanish(uids, m.lastKnown())
	if err != nil {
		return desync{err}
	}
	m.forget()
	if m.composing {
		m.unseenLost = m.unseenLost || !tell.Empty()
		return nil
	}
	s.vanished(tell)
	return nil
}

// vanished tells VANISHED.
func (s *session) vanished(uids imap.Set) {
	if !uids.Empty() {
		s.line("* VANISHED " + uids.String())
	}
}

// lastKnown is the highest UID of a message that is not hidden.
func (m *mailbox) lastKnown() imap.UID {
	switch {
	case !m.capped():
		return imap.MaxUID
	case m.composing && m.base > 0: // what came since is hidden, however far a reading has looked
		return imap.UID(m.base - 1)
	}
	return m.lastUID
}

// forget drops what was known of hidden messages that are gone, and renumbers the others.
func (m *mailbox) forget() {
	kept := m.fresh[:0]
	for _, f := range m.fresh {
		if seq, ok := m.view.HiddenSeq(f.uid); ok {
			f.seq = seq
			kept = append(kept, f)
		}
	}
	m.fresh = kept
	m.dropMarkers()
}

// dropMarkers forgets markers that are gone.
func (m *mailbox) dropMarkers() {
	for uid, mk := range m.markers {
		if !m.view.HiddenUID(uid) {
			if mk.recent && m.recent > 0 {
				m.recent-- // until the backend says RECENT again
			}
			delete(m.markers, uid)
		}
	}
}

// inDoubt reports whether numbers of the backend cannot be translated now.
func (m *mailbox) inDoubt() bool { return !m.vanishing.Empty() || m.resolving }

// doubtedFetch is a FETCH that came while numbers were in doubt, in the backend's new numbering.
type doubtedFetch struct {
	seq  imap.SeqNum
	rest []byte
}

// maxDoubted bounds the responses that are held while numbers are in doubt.
const maxDoubted = 1000

// doubt holds what the backend says while numbers are in doubt.
func (s *session) doubt(h response.Head) error {
	m := s.mbox
	name, num := h.Name, h.Num
	rest, err := s.rest(heldLine)
	if err != nil {
		return err
	}
	switch {
	case name == "EXISTS":
		m.doubted = num
		return nil
	case name == "FETCH" && len(m.doubtedFetches) < maxDoubted:
		m.doubtedFetches = append(m.doubtedFetches, doubtedFetch{imap.SeqNum(num), rest})
		return nil
	}
	return desync{fmt.Errorf("%s of message %d behind VANISHED that could not be told", name, num)}
}

// resolveDoubt makes of messages that have vanished what they are to the client, while it must not
// be told: ghosts, under the numbers that they had.
func (s *session) resolveDoubt() error {
	m := s.mbox
	uids := m.vanishing
	m.vanishing = imap.Set{}
	visible, err := m.view.VanishHidden(uids, m.lastKnown())
	if err != nil {
		return desync{err}
	}
	m.forget()
	m.resolving = true
	defer func() { m.resolving = false }()
	ranges := visible.Ranges()
	firsts := make([]uint64, len(ranges))
	for i, r := range ranges {
		rank, err := s.rankNow(imap.UID(r.Lo))
		if err != nil {
			return err
		}
		firsts[i] = uint64(rank) + uint64(visible.CountBelow(r.Lo)) + 1
	}
	for i, r := range slices.Backward(ranges) {
		for n := firsts[i] + r.Len(); n > firsts[i]; n-- {
			if n-1 > uint64(m.view.Backend()) {
				return desync{fmt.Errorf("VANISHED of message %d of %d", n-1, m.view.Backend())}
			}
			if err := m.expunge(imap.SeqNum(n - 1)); err != nil { //nolint:gosec // not above 32 bits
				return desync{err}
			}
		}
	}
	m.ghosts = m.ghosts.Union(visible)
	m.resolving = false
	if n := m.doubted; n > 0 {
		m.doubted = 0
		if err := m.arrive(n); err != nil {
			return desync{err}
		}
	}
	held := m.doubtedFetches
	m.doubtedFetches = nil
	for _, d := range held {
		f, err := response.ParseFetch(d.rest)
		if err != nil {
			return desync{err}
		}
		if err := s.flagsAside(d.seq, f); err != nil {
			return err
		}
	}
	return nil
}

// rankNow is rank, of a mailbox from which messages have vanished that the view holds.
func (s *session) rankNow(uid imap.UID) (uint32, error) {
	switch {
	case uid == 1:
		return 0, nil
	case s.caps.Has("ESEARCH"):
		return s.rankByMax(uid)
	}
	return s.rankByFirst(uid - 1)
}

// tellVanished tells in one response what of real and injected messages has left, and takes it
// out of the view.
func (s *session) tellVanished() error {
	m := s.mbox
	if m.view.Ghosts() != m.ghosts.Len() {
		return desync{fmt.Errorf("%d messages to be told as vanished, and UIDs of %d", m.view.Ghosts(), m.ghosts.Len())}
	}
	tell := m.ghosts
	m.ghosts = imap.Set{}
	m.view.DropGhosts()
	for _, uid := range m.gone {
		if _, ok := m.view.Remove(uid); ok {
			tell = tell.Union(imap.SetOf(uint32(uid)))
		}
	}
	s.vanished(tell)
	return nil
}

// hearAll has the backend say what has vanished of what it announced and nobody could look at
// any more: by UID alone it could not be told from what the client knows, once that has higher
// ones.
func (s *session) hearAll() (said bool, err error) {
	m := s.mbox
	if !s.qresync() || !s.mayExpunge && !m.composing {
		return false, nil
	}
	_, err = s.own("NOOP", nil)
	return true, err
}

// held reports whether news must wait for what hearAll could not clear up.
func (s *session) heldBack() bool { return s.qresync() && !s.mbox.view.Untold().Empty() }

// earlierGone is what VANISHED (EARLIER) is to hold beside what the backend says.
type earlierGone struct {
	departed imap.Set // of injected messages that have left
	keep     imap.Set // of injected messages that are there: the backend knows their UIDs as gone
	said     bool
}

// response merges the backend's VANISHED (EARLIER); a VANISHED of now is not its business.
func (e *earlierGone) response(s *session, h response.Head) (bool, error) {
	if h.Name != "VANISHED" {
		return false, nil
	}
	raw := bytes.Clone(h.Raw)
	rest, err := s.rest(heldTagged)
	if err != nil {
		return true, err
	}
	uids, isEarlier, err := response.ParseVanished(rest)
	if err != nil {
		return true, desync{err}
	}
	if !isEarlier {
		return true, s.vanishedNow(uids)
	}
	merged := uids.Subtract(e.keep).Union(e.departed)
	e.departed, e.said = imap.Set{}, true
	switch {
	case merged.Empty():
	case merged.String() == uids.String():
		_, _ = s.out.Write(raw)
		_, _ = s.out.Write(rest)
	default:
		s.line("* VANISHED (EARLIER) " + merged.String())
	}
	return true, nil
}

// rest tells what the backend's did not carry. rfc7162 §3.2.6: before any FETCH.
func (e *earlierGone) rest(s *session) {
	if !e.departed.Empty() {
		s.line("* VANISHED (EARLIER) " + e.departed.String())
		e.departed = imap.Set{}
	}
}
