package gateway

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/placement"
)

// entries makes entries of live placements, with those of this SELECT, ascending by UID.
func (s *session) entries(live []placement.Placement) []*entry {
	out := slices.Clone(s.mbox.injected)
	for _, p := range live {
		if slices.ContainsFunc(out, func(e *entry) bool { return e.p.ID == p.ID }) {
			continue
		}
		e, err := s.entry(p)
		if err != nil {
			s.notInjected(reasonRender, err)
			continue
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *entry) int { return cmp.Compare(a.p.UID, b.p.UID) })
	return out
}

// belowUIDNext leaves out what has a UID that the mailbox has not given yet: it was restored
// from a backup (rfc9051 §2.3.1.1). Another session may have reserved one behind the answer
// to our SELECT, though, so that UIDNEXT is asked again before anything is given up; and with
// it come the real messages below it, which the view must hold before.
func (s *session) belowUIDNext(entries []*entry) ([]*entry, error) {
	m := s.mbox
	if n := len(entries); n == 0 || uint32(entries[n-1].p.UID) < m.uidNext {
		return entries, nil
	}
	// Dovecot answers STATUS of the selected mailbox as of its last synchronisation.
	if _, err := s.own("NOOP", nil); err != nil {
		return nil, err
	}
	next := uint64(m.uidNext)
	var got *mailboxStatus
	if _, err := s.own("STATUS "+m.raw+" (UIDNEXT)", s.statusInto(&got)); err != nil {
		return nil, err
	}
	if got != nil {
		next = max(next, got.value("UIDNEXT"))
	}
	kept := entries[:0]
	for _, e := range entries {
		if uint64(e.p.UID) < next {
			m.uidNext = max(m.uidNext, uint32(e.p.UID)+1)
			kept = append(kept, e)
			continue
		}
		s.voidLive(e.p, "uid_taken")
		s.notInjected(reasonTaken, nil)
	}
	return kept, nil
}

// ownUIDs leaves out whose UID the backend has given to a message of its own.
//
// A server finds in a session what is expunged and not told there yet: also the marker of the
// very message, where another session's claim was waited for. So what is found is asked for again
// behind a NOOP, which lets the expunge be told: a placement that was read as live has no marker.
func (s *session) ownUIDs(entries []*entry) ([]*entry, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var set imap.Set
	for _, e := range entries {
		set.Add(uint32(e.p.UID))
	}
	taken, err := s.bears(set)
	if err != nil || taken.Empty() {
		return entries, err
	}
	if _, err := s.own("NOOP", nil); err != nil {
		return nil, err
	}
	if taken, err = s.bears(taken); err != nil || taken.Empty() {
		return entries, err
	}
	kept := entries[:0]
	for _, e := range entries {
		if !taken.Contains(uint32(e.p.UID)) {
			kept = append(kept, e)
			continue
		}
		s.notInjected(reasonTaken, nil)
		s.voidLive(e.p, "uid_taken")
	}
	return kept, nil
}

// bears asks which of the UIDs belong to messages of the backend.
func (s *session) bears(uids imap.Set) (taken imap.Set, err error) {
	_, err = s.own("UID SEARCH UID "+uids.String(), s.collect("SEARCH", heldLine, func(_ response.Head, rest []byte) error {
		found, err := response.ParseSearch(rest)
		for _, u := range found {
			taken.Add(u)
		}
		return wrapDesync(err)
	}))
	return taken, err
}

// place puts the entries into the view, and reveals what arrived while SELECT was worked on,
// in the order of their UIDs.
func (s *session) place(entries []*entry) error {
	m := s.mbox
	var last uint32
	for len(entries) > 0 || len(m.fresh) > 0 {
		if len(m.fresh) == 0 || len(entries) > 0 && entries[0].p.UID < m.fresh[0].uid {
			e := entries[0]
			entries = entries[1:]
			rank, err := s.rank(e.p.UID)
			if err != nil {
				return err
			}
			// Messages that were expunged between two questions, and whose EXPUNGE is yet to come,
			// may be found by the first of them alone.
			last = max(last, rank)
			if err := m.add(e, last); err != nil {
				return desync{err}
			}
			continue
		}
		f := m.fresh[0]
		m.fresh = m.fresh[1:]
		if err := m.view.Reveal(f.seq); err != nil {
			return desync{err}
		}
		if m.unseen == 0 && f.unseen {
			m.unseen = uint32(f.seq)
		}
		m.uidNext = max(m.uidNext, uint32(f.uid)+1)
		m.told(f.uid)
		m.lastReal = f.uid
	}
	return nil
}

// rank asks for the number of real messages below uid, by number and thus in this session's
// numbering: a question by UID could let the backend announce expunges.
func (s *session) rank(uid imap.UID) (uint32, error) {
	m := s.mbox
	switch {
	case m.view.Backend() == 0 || uid == 1:
		return 0, nil
	case uint64(uid)+1 >= uint64(m.base): // above all that SELECT spoke of
		return m.lastVisible(), nil
	case s.caps.Has("ESEARCH"):
		return s.rankByMax(uid)
	}
	return s.rankByFirst(uid)
}

// rankByMax asks for the last message below uid (rfc4731).
func (s *session) rankByMax(uid imap.UID) (rank uint32, err error) {
	res, err := s.own(fmt.Sprintf("SEARCH RETURN (MAX) UID 1:%d", uid-1), s.collect("ESEARCH", heldLine, func(_ response.Head, rest []byte) error {
		es, err := response.ParseESearch(rest)
		rank = es.Max
		return wrapDesync(err)
	}))
	if err == nil {
		err = s.sound(res, rank)
	}
	if err == nil && s.searchesLiving() {
		return s.pastExpunged(uid, rank)
	}
	return rank, err
}

// searchesLiving reports whether SEARCH leaves out messages that are expunged and still have their
// numbers, because this session was not told yet. Cyrus does; FETCH of their numbers it answers.
func (s *session) searchesLiving() bool { return s.bc.Server == backend.Cyrus }

// pastExpunged corrects a rank by the messages behind it that SEARCH left out.
func (s *session) pastExpunged(uid imap.UID, rank uint32) (uint32, error) {
	for rank < s.mbox.view.Backend() {
		next, err := s.uidAt(imap.SeqNum(rank + 1))
		if err != nil || next == 0 || next > uid {
			return rank, err
		}
		rank++
	}
	return rank, nil
}

// uidAt asks for the UID of a message by its number; 0 if the backend does not tell.
func (s *session) uidAt(seq imap.SeqNum) (uid imap.UID, err error) {
	_, err = s.own(fmt.Sprintf("FETCH %d (UID)", seq), s.collect("FETCH", heldLine, func(h response.Head, rest []byte) error {
		f, err := response.ParseFetch(rest)
		if err != nil {
			return desync{err}
		}
		if imap.SeqNum(h.Num) == seq && f.UID != 0 {
			uid = f.UID
			return nil
		}
		return s.flagsAside(imap.SeqNum(h.Num), f)
	}))
	return uid, err
}

// rankByFirst asks for the first message above uid, where there is no ESEARCH: the list that
// comes is streamed.
func (s *session) rankByFirst(uid imap.UID) (uint32, error) {
	first := uint32(0)
	res, err := s.own(fmt.Sprintf("SEARCH UID %d:%d", uid+1, imap.MaxUID), func(h response.Head) (bool, error) {
		if h.Name != "SEARCH" {
			return false, nil
		}
		return true, s.eachNumber(func(n uint32) {
			if first == 0 || n < first {
				first = n
			}
		})
	})
	if err != nil {
		return 0, err
	}
	rank := s.mbox.view.Backend()
	if first > 0 {
		rank = first - 1
	}
	return rank, s.sound(res, rank)
}

// sound makes an answer that cannot be a rank an error.
func (s *session) sound(res tagged, rank uint32) error {
	if !res.ok() || rank > s.mbox.view.Backend() {
		return desync{fmt.Errorf("SEARCH for a rank: %d, %s", rank, bytes.TrimSpace(res.raw))}
	}
	return nil
}
