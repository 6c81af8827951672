package gateway

import (
	"context"
	"slices"

	"inlay.example/inlay/internal/gateway/course"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
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
			changes = append(changes, written(e.p))
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
