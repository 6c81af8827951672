package gateway

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/gateway/reserve"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/placement"
)

// rounds bounds how often news that come while news are looked at are looked at too, within
// one command. What remains is told with the next one.
const rounds = 8

// settle brings the client up to date at the end of a command, before the tagged response:
// expunges if this is a moment for them, flags changed elsewhere, and new messages, after
// they were looked at (virtual-mailbox.md §3 "identified before they are told").
func (s *session) settle() error {
	m := s.mbox
	if m == nil || !m.active {
		return nil
	}
	bell, err := s.identifyAll()
	if err != nil {
		return err
	}
	if bell == "" && s.modSeqRings() {
		bell = "modseq"
	}
	if bell != "" && bell != "marker" && s.quiet() {
		bell = "" // whatever it stands for, it is nothing of ours
	}
	if bell != "" {
		s.g.metrics.doorbells.WithLabelValues(bell).Inc()
		// What rings is withheld until the placements have been read, by a reading that
		// starts after the bell.
		if err := s.readLedger(s.g.cfg.KnownBudget); err != nil {
			return err
		}
		if top, _ := m.gap(); m.blind {
			s.passes(m.lastUID+1, top)
		}
	}
	return s.tell()
}

// identifyAll looks at everything that arrived; bell names the doorbell that rang, if any.
func (s *session) identifyAll() (bell string, err error) {
	m := s.mbox
	for range rounds {
		if m.view.Untold().Empty() {
			break
		}
		b, found, err := s.identify(fullLook)
		if err == nil && found == 0 {
			// A message that cannot be read is told all the same, unless it bears the keyword.
			b, found, err = s.identify(shortLook)
		}
		if err != nil {
			return "", err
		}
		if b != "" {
			bell = b
		}
		if found == 0 {
			// Gone underneath: their EXPUNGE or VANISHED is on its way.
			said, err := s.hearAll()
			if err != nil {
				return "", err
			}
			if !said {
				break
			}
		}
	}
	if bell != "" || len(m.fresh) == 0 {
		return bell, nil
	}
	if _, rings := m.gap(); rings {
		return "gap", nil
	}
	return "", nil
}

// gap is the doorbell of the gap: a UID between two told ones, or behind the last one, that
// the backend gave to nobody may have been a marker's. One that a placement is known to have
// is none, nor is one that was reserved within this SELECT. top is the highest UID that is about
// to be told.
func (m *mailbox) gap() (top imap.UID, rings bool) {
	next := uint64(m.lastUID) + 1
	upTo := func(uid imap.UID) {
		for ; next < uint64(uid) && !rings; next++ {
			rings = !slices.Contains(m.reserved, imap.UID(next)) &&
				!slices.ContainsFunc(m.arriving, func(p placement.Placement) bool { return uint64(p.UID) == next })
		}
		next = max(next, uint64(uid)+1)
		top = max(top, uid)
	}
	for _, f := range m.fresh {
		upTo(f.uid)
	}
	for _, uid := range m.reserved {
		upTo(uid)
	}
	return top, rings
}

const markerHeader = reserve.Header

// What is asked of new numbers. The further fields are those that no marker has: see markerToken.
// Their first octets tell, and somebody else's header may be of any size.
const (
	fullLook  = "(UID FLAGS BODY.PEEK[HEADER.FIELDS (" + markerHeader + " From Received)]<0.200>)"
	shortLook = "(UID FLAGS)"
)

// identify asks for UID, flags and the marker's header of all numbers that are not known yet.
// Markers stay hidden; the others wait in fresh. The answers are streamed: memory grows with
// what is fresh, which is bounded by what the backend announced since the last command. found
// counts those that are known now: others may have arrived meanwhile.
func (s *session) identify(look string) (bell string, found int, err error) {
	m := s.mbox
	set := m.view.Untold()
	res, err := s.own("FETCH "+set.String()+" "+look,
		s.collect("FETCH", heldLine, func(h response.Head, rest []byte) error {
			seq := imap.SeqNum(h.Num)
			f, err := response.ParseFetch(rest)
			if err != nil {
				return desync{fmt.Errorf("FETCH of message %d: %w", seq, err)}
			}
			if !m.view.Untold().Contains(uint32(seq)) {
				return s.flagsAside(seq, f)
			}
			if f.UID == 0 {
				return nil // flags of an untold message: not an answer to us
			}
			token, is := markerToken(f)
			switch {
			case is:
			case look == fullLook && len(f.Sections) == 0:
				return nil // its header could not be had
			case look == fullLook || !hasFlag(f.Flags, keyword):
				found++
				i, had := slices.BinarySearchFunc(m.fresh, seq, func(f freshMessage, q imap.SeqNum) int { return cmp.Compare(f.seq, q) })
				if !had {
					m.fresh = slices.Insert(m.fresh, i, freshMessage{seq, f.UID, !hasFlag(f.Flags, `\Seen`)})
				}
				return s.known(seq, f.UID)
			}
			found++
			bell = "marker"
			s.g.metrics.markers.WithLabelValues("hidden").Inc()
			m.markers[f.UID] = newMarker(token, f.Flags)
			return s.known(seq, f.UID)
		}))
	if err == nil && !res.ok() {
		s.log.Warn("new messages could not be looked at", "mailbox", m.name, "answer", string(bytes.TrimSpace(res.raw)))
	}
	return bell, found, err
}

// known records the UID of a hidden number.
func (s *session) known(seq imap.SeqNum, uid imap.UID) error {
	if err := s.mbox.view.Hide(seq, uid); err != nil {
		return desync{err}
	}
	return nil
}

// flagsAside relays flags that the backend told of a message the client knows while it
// answered a command of ours.
func (s *session) flagsAside(seq imap.SeqNum, f response.Fetch) error {
	m := s.mbox
	n, ok := m.view.ClientSeq(seq)
	if !ok || !f.HasFlags || m.composing {
		return nil
	}
	m.mod.hear(f.ModSeq)
	text := "FLAGS (" + strings.Join(f.Flags, " ") + ")"
	if s.condStore() && f.ModSeq > 0 {
		text = "MODSEQ (" + strconv.FormatUint(f.ModSeq, 10) + ") " + text
	}
	if s.qresync() && f.UID != 0 {
		text = "UID " + strconv.FormatUint(uint64(f.UID), 10) + " " + text
	}
	s.fetchHead(n)
	s.line(" (" + text + ")")
	return nil
}

// markerToken gives the claim of a marker's header. The field alone makes no marker: anybody can
// send a mail that has it, and that must not be hidden, let alone expunged. But a marker is from
// nobody and came by no server, and whatever was delivered has a From or a Received.
func markerToken(f response.Fetch) (token string, ok bool) {
	for name, b := range f.Sections {
		if !strings.HasPrefix(name, "BODY[HEADER.FIELDS") {
			continue
		}
		line := strings.TrimSpace(string(b))
		field, value, found := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if found && !strings.ContainsAny(line, "\r\n") && len(value) <= maxToken && strings.EqualFold(strings.TrimSpace(field), markerHeader) {
			return value, true
		}
	}
	return "", false
}

// maxToken bounds a token, in octets: what is longer may have been cut off before a further field.
const maxToken = 100

func hasFlag(flags []string, flag string) bool {
	return slices.ContainsFunc(flags, func(f string) bool { return strings.EqualFold(f, flag) })
}

// tellGhosts tells the client of expunges, if it may be told now.
func (s *session) tellGhosts() error {
	if !s.mayExpunge {
		return nil
	}
	return s.mbox.view.TellGhosts(func(n imap.SeqNum) error {
		s.number(uint32(n), "EXPUNGE")
		return nil
	})
}

// tellGone tells what has left: by UIDs to who has enabled QRESYNC, else by numbers.
func (s *session) tellGone() error {
	m := s.mbox
	if s.qresync() {
		return s.tellVanished()
	}
	if err := s.tellGhosts(); err != nil {
		return err
	}
	for _, uid := range m.gone {
		if n, ok := m.view.Remove(uid); ok {
			s.number(uint32(n), "EXPUNGE")
		}
	}
	return nil
}

// tell tells what is known and was held: expunges, flags, then new messages, in the order
// that servers tell them.
func (s *session) tell() error {
	m := s.mbox
	if s.mayExpunge {
		if err := s.tellGone(); err != nil {
			return err
		}
		for _, uid := range m.gone {
			if e := m.entries[uid]; e != nil && e.recent {
				m.recentHeld = true // there is one fewer
			}
			delete(m.entries, uid)
			m.changed = slices.DeleteFunc(m.changed, func(u imap.UID) bool { return u == uid })
		}
		m.gone = m.gone[:0]
	}
	for _, uid := range m.changed {
		e := m.entries[uid]
		if n, ok := m.view.InjectedSeq(uid); ok && e != nil {
			s.announce(e.p.Flags)
			s.flagsLine(n, e, false, false)
		}
	}
	m.changed = m.changed[:0]
	if err := s.tellNew(); err != nil {
		return err
	}
	s.tellHighest()
	return nil
}

// tellNew reveals identified messages and injects what the ledger holds behind the last UID
// told, in the order of their UIDs, and says EXISTS once.
func (s *session) tellNew() error {
	m := s.mbox
	if s.heldBack() {
		return s.tellRecent(false)
	}
	late := s.arrivals()
	m.reserved = nil
	if len(late) == 0 && len(m.fresh) == 0 {
		return s.tellRecent(false)
	}
	last := m.lastUID
	for len(m.fresh) > 0 || len(late) > 0 {
		if len(late) > 0 && (len(m.fresh) == 0 || late[0].p.UID < m.fresh[0].uid) {
			e := late[0]
			late = late[1:]
			if err := m.add(e, m.lastVisible()); err != nil {
				return desync{err}
			}
			m.told(e.p.UID)
			continue
		}
		f := m.fresh[0]
		m.fresh = m.fresh[1:]
		if f.uid <= last {
			return desync{fmt.Errorf("a new message has UID %d, and %d was known", f.uid, last)}
		}
		if err := m.view.Reveal(f.seq); err != nil {
			return desync{err}
		}
		m.told(f.uid)
		m.lastReal = f.uid
	}
	m.uidNext = max(m.uidNext, uint32(m.lastUID)+1)
	s.number(m.view.Client(), "EXISTS")
	return s.tellRecent(true)
}

func (s *session) tellRecent(grown bool) error {
	m := s.mbox
	if !grown && !m.view.Untold().Empty() {
		return nil
	}
	if m.recentHeld || m.recentOurs && m.recentTold() != m.recentSaid {
		s.sayRecent()
	}
	m.recentHeld, m.recentOurs = false, false
	return nil
}

func (s *session) sayRecent() {
	m := s.mbox
	m.recentSaid = m.recentTold()
	s.number(m.recentSaid, "RECENT")
}

// announce tells FLAGS if the list holds a keyword that the client has not heard of: clients
// break on a keyword used without being in FLAGS.
func (s *session) announce(flags []string) {
	if s.mbox.learn(flags) {
		s.tellFlags()
	}
}
