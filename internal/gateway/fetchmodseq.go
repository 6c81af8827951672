package gateway

import (
	"context"
	"slices"

	"inlay.example/inlay/internal/gateway/course"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// changed leaves out what has not changed since the mod-sequence of CHANGEDSINCE (rfc7162
// §3.1.4.1), which asks for MODSEQ too; and sets the \Seen that the request implies where
// HIGHESTMODSEQ must be raised for it: the backend cannot be asked for that between responses.
func (f *fetching) changed() error {
	s, m := f.s, f.s.mbox
	f.items = f.a.Items
	if f.a.Changed {
		f.todo = slices.DeleteFunc(slices.Clone(f.todo), func(uid imap.UID) bool {
			e := m.entries[uid]
			return e == nil || !course.Matches(max(e.p.ModSeq, 1), e.p.Pending, f.a.ChangedSince)
		})
		f.items = append(slices.Clone(f.items), command.FetchItem{Name: "MODSEQ"})
	}
	if !m.tracked() || m.readOnly || !m.permits(`\Seen`) {
		return nil
	}
	can, err := s.mayRaise()
	if err != nil {
		return err
	}
	f.seen = map[imap.UID]bool{}
	if !can {
		return nil // no client may learn of a change that none could be told of
	}
	ctx, cancel := context.WithTimeout(s.ctx, max(claimBudget, s.g.cfg.LookupBudget))
	defer cancel()
	var changes []*change
	for _, uid := range f.todo {
		if e := m.entries[uid]; e != nil && f.sets(e) && !f.unseen && f.setSeen(ctx, e) {
			f.seen[uid] = true
			changes = append(changes, m.written(e.p))
		}
	}
	if err := s.carry(changes); err != nil {
		return err
	}
	for _, c := range changes {
		m.entries[c.p.UID].p = c.p
		s.knows(c.p)
	}
	return nil
}

// raised tells the mod-sequences of the messages that \Seen was set of, behind everything, as
// servers do.
func (f *fetching) raised() {
	s, m := f.s, f.s.mbox
	if !s.condStore() {
		return
	}
	for _, uid := range m.view.Injected() {
		if e := m.entries[uid]; e != nil && f.seen[uid] {
			if n, ok := m.view.InjectedSeq(uid); ok {
				s.flagsLine(n, e, false, true)
			}
		}
	}
}

// generous gives a set of UIDs for VANISHED, in which "*" reaches as far as the client knows of
// UIDs: what has vanished may have been the last message.
func (s *session) generous(set imap.SeqSet) imap.SeqSet {
	out := slices.Clone(set)
	for i, r := range out {
		if last := uint32(s.mbox.lastUID); last > 0 {
			if r.A == 0 {
				out[i].A = last
			}
			if r.B == 0 {
				out[i].B = last
			}
		}
	}
	return out
}

// departed reads what of the injected messages of a set has left since the mod-sequence of
// CHANGEDSINCE. The reading comes before the backend is asked: what leaves later is raised, and
// rings.
func (f *fetching) departed(set imap.SeqSet) error {
	s := f.s
	gone, err := s.departures()
	if err != nil {
		// Mail comes first: what the backend knows to have vanished is told. A client whose list has
		// a message too many then finds that by the count, as after a server that keeps too little.
		s.passes(1, s.mbox.lastUID)
	}
	f.earlier = s.earlierOf(gone, set.Resolve(uint32(s.mbox.lastUID)), f.a.ChangedSince)
	return nil
}

// departures reads what injected messages have left the selected mailbox.
func (s *session) departures() ([]placement.Departure, error) {
	m := s.mbox
	ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.KnownBudget)
	defer cancel()
	gone, err := s.service.Departed(ctx, injection.DepartedRequest{Person: s.person(), Mailbox: m.name, UIDValidity: m.validity})
	if err != nil {
		s.log.Info("departed messages not read", "mailbox", m.name, "error", err)
	}
	return gone, err
}

// earlierOf makes what VANISHED (EARLIER) is to hold of departures, within uids and since a
// mod-sequence.
func (s *session) earlierOf(gone []placement.Departure, uids imap.Set, since uint64) *earlierGone {
	m := s.mbox
	e := &earlierGone{}
	for _, d := range gone {
		if uids.Contains(uint32(d.UID)) && course.Matches(d.ModSeq, d.Pending, since) {
			e.departed.Add(uint32(d.UID))
		}
	}
	for _, uid := range m.view.Injected() {
		e.keep.Add(uint32(uid))
	}
	for _, p := range m.arriving {
		e.keep.Add(uint32(p.UID))
	}
	// One that the client is not told of yet is told by VANISHED, with its number taken away.
	for _, uid := range m.gone {
		e.departed.Remove(uint32(uid))
	}
	return e
}
