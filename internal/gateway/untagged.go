package gateway

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
)

// untagged is the usual treatment of what the backend says: translated where it carries
// numbers or flags of the selected mailbox, held where it announces messages that nobody has
// looked at yet, relayed as it is otherwise.
func (s *session) untagged(h response.Head) error {
	m := s.mbox
	if h.Name == "CAPABILITY" {
		return s.untaggedCapability(h)
	}
	if m == nil || !m.active {
		if s.nowhere && (h.HasNum || h.Name == "FLAGS" || h.Name == "VANISHED") {
			return backendError(s.bc.Reader.Copy(discard{})) // of a mailbox that the client is not in
		}
		return s.relayStatus(h)
	}
	if m.inDoubt() && (h.Name == "EXISTS" || h.Name == "EXPUNGE" || h.Name == "FETCH") {
		return s.doubt(h)
	}
	switch h.Name {
	case "EXISTS":
		if err := s.drop(); err != nil {
			return err
		}
		if err := m.arrive(h.Num); err != nil {
			return desync{err}
		}
		return nil // told by settle, when it is known what they are
	case "EXPUNGE":
		if err := s.drop(); err != nil {
			return err
		}
		if err := m.expunge(imap.SeqNum(h.Num)); err != nil {
			return desync{err}
		}
		if m.composing {
			m.view.DropGhosts()
			return nil
		}
		return s.tellGhosts() // at once if this is a moment for it, else by settle
	case "RECENT":
		return s.untaggedRecent(h)
	case "FETCH":
		return s.untaggedFetch(h)
	case "FLAGS":
		return s.untaggedFlags(h)
	case "OK":
		return s.untaggedOK(h)
	case "VANISHED":
		return s.untaggedVanished()
	}
	if m.composing && h.Name != "BYE" && h.Name != "METADATA" { // which comes unasked too (rfc5464 §4.4.2)
		return s.drop()
	}
	return s.relayStatus(h)
}

// implied takes a response about a message beyond what EXISTS has said for the EXISTS that was left
// out. Cyrus counts what arrives before it tells of it, and so says EXPUNGE of a message that has
// come and gone in between, and FETCH of one that it announces behind. An EXISTS that follows and
// is lower still ends the session, and so does such a number of any other server.
func (s *session) implied(h response.Head) error {
	m := s.mbox
	switch {
	case s.bc.Server != backend.Cyrus || m == nil || !m.active || m.inDoubt():
		return nil
	case h.Name != "EXPUNGE" && h.Name != "FETCH" || h.Num <= m.view.Backend():
		return nil
	}
	return wrapDesync(m.arrive(h.Num))
}

// drop consumes the rest of a response.
func (s *session) drop() error {
	_, err := s.rest(heldLine)
	return err
}

// relay writes a response as it is.
func (s *session) relay(h response.Head) error {
	_, _ = s.out.Write(h.Raw)
	return backendError(s.bc.Reader.Copy(s.out))
}

// relayStatus is relay with capabilities filtered in a status response.
func (s *session) relayStatus(h response.Head) error {
	s.backendBye = s.backendBye || h.Name == "BYE"
	if h.Name != "OK" {
		return s.relay(h)
	}
	raw := bytes.Clone(h.Raw)
	rest, err := s.rest(heldLine)
	if err != nil {
		return err
	}
	if response.ParseStatus(rest).Code == "CLOSED" {
		s.mbox = nil
	}
	_, _ = s.out.Write(raw)
	_, _ = s.out.Write(s.rewriteCaps(rest))
	return nil
}

func (s *session) untaggedCapability(h response.Head) error {
	raw := bytes.Clone(h.Raw)
	rest, err := s.rest(heldLine)
	if err != nil {
		return err
	}
	caps := imap.ParseCapabilities(string(bytes.TrimSpace(rest)))
	s.noteCaps(caps)
	_, _ = s.out.Write(raw)
	s.line(" " + s.capabilities(caps).String())
	return nil
}

// untaggedRecent relays RECENT at once if it has nothing to do with what is held or hidden.
func (s *session) untaggedRecent(h response.Head) error {
	m := s.mbox
	m.recent = h.Num
	if err := s.drop(); err != nil {
		return err
	}
	switch {
	case m.composing:
	case m.reserving:
		m.recentOurs = true
	case !m.view.Untold().Empty() || len(m.markers) > 0 || len(m.fresh) > 0:
		m.recentHeld = true
	default:
		s.sayRecent()
	}
	return nil
}

func (s *session) number(n uint32, name string) {
	s.line("* " + strconv.FormatUint(uint64(n), 10) + " " + name)
}

// untaggedFetch relays a FETCH in the client's numbers; one of a message that the client does
// not have is swallowed: its flags will be asked for when the client hears of it.
func (s *session) untaggedFetch(h response.Head) error {
	m := s.mbox
	n, ok := m.view.ClientSeq(imap.SeqNum(h.Num))
	if !ok || m.composing {
		if h.Num == 0 || h.Num > m.view.Backend() {
			return desync{fmt.Errorf("FETCH of message %d of %d", h.Num, m.view.Backend())}
		}
		return backendError(s.bc.Reader.Copy(discard{}))
	}
	return s.relayFetch(n)
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// relayFetch streams the rest of a FETCH under the client's number n. A real message with the
// UID of an injected one means that the backend gave that UID again (a restored backup).
func (s *session) relayFetch(n imap.SeqNum) error {
	var uid imap.UID
	var err error
	if s.condStore() || s.ownModSeqs {
		uid, err = s.bc.Reader.CopyFetchModSeq(&headed{s: s, n: n}, s.fetchModSeq)
	} else {
		s.fetchHead(n)
		uid, err = s.bc.Reader.CopyFetch(s.out)
	}
	if err != nil {
		return backendError(err)
	}
	if e := s.mbox.entries[uid]; e != nil && uid != 0 {
		return s.uidTaken(e)
	}
	return nil
}

// headed writes the head of a FETCH before its first octets, if there are any.
type headed struct {
	s    *session
	n    imap.SeqNum
	said bool
}

func (h *headed) Write(b []byte) (int, error) {
	if !h.said {
		h.said = true
		h.s.fetchHead(h.n)
	}
	return h.s.out.Write(b)
}

func (s *session) fetchHead(n imap.SeqNum) {
	var b [32]byte
	out := append(b[:0], "* "...)
	out = strconv.AppendUint(out, uint64(n), 10)
	out = append(out, " FETCH"...)
	_, _ = s.out.Write(out)
}

// untaggedFlags takes note of FLAGS and relays them without our keyword; FLAGS that tell the
// client nothing new but for that are dropped.
func (s *session) untaggedFlags(h response.Head) error {
	m := s.mbox
	raw := bytes.Clone(h.Raw)
	rest, err := s.rest(heldLine)
	if err != nil {
		return err
	}
	flags, err := response.ParseFlags(rest)
	if err != nil {
		return desync{fmt.Errorf("FLAGS: %w", err)}
	}
	told, had := withoutKeyword(flags)
	same := slices.Equal(told, m.flags)
	m.flags = told
	m.extra = slices.DeleteFunc(m.extra, func(f string) bool { return hasFlag(told, f) })
	m.keyword = m.keyword || had
	switch {
	case m.composing, had && same:
	case !had && len(m.extra) == 0:
		_, _ = s.out.Write(raw)
		_, _ = s.out.Write(rest)
	default:
		s.tellFlags()
	}
	return nil
}

// tellFlags tells FLAGS: the backend's without our keyword, and those of injected messages.
func (s *session) tellFlags() {
	m := s.mbox
	s.line("* FLAGS (" + strings.Join(slices.Concat(m.flags, m.extra), " ") + ")")
}

// untaggedOK relays an OK; PERMANENTFLAGS is cleaned of our keyword like FLAGS.
func (s *session) untaggedOK(h response.Head) error {
	raw := bytes.Clone(h.Raw)
	rest, err := s.rest(heldLine)
	if err != nil {
		return err
	}
	return s.saidOK(raw, rest)
}

// saidOK is untaggedOK of a response that was read.
func (s *session) saidOK(raw, rest []byte) error {
	m := s.mbox
	st := response.ParseStatus(rest)
	if st.Code == "PERMANENTFLAGS" {
		flags, err := response.ParseFlags(st.CodeArgs)
		if err != nil {
			return desync{fmt.Errorf("PERMANENTFLAGS: %w", err)}
		}
		old, _ := withoutKeyword(m.permanent)
		m.permanent = flags
		told, had := withoutKeyword(flags)
		if m.composing || had && slices.Equal(told, old) {
			return nil
		}
		if had {
			rest = replaceCode(rest, "PERMANENTFLAGS ("+strings.Join(told, " ")+")")
		}
	}
	if st.Code == "HIGHESTMODSEQ" {
		return s.untaggedHighest(st, raw, rest)
	}
	switch {
	case st.Code == "CLOSED":
		s.mbox = nil // rfc7162 §3.2.11: a SELECT that we did not understand closed it
	case m.composing && st.Code != "ALERT":
		return nil
	}
	_, _ = s.out.Write(raw)
	_, _ = s.out.Write(s.rewriteCaps(rest))
	return nil
}

// replaceCode gives rest with the content of its response code replaced.
func replaceCode(rest []byte, code string) []byte {
	st := response.ParseStatus(rest)
	var b []byte
	b = append(b, rest[:st.CodeStart]...)
	b = append(b, code...)
	return append(b, rest[st.CodeEnd:]...)
}
