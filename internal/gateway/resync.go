package gateway

import (
	"strconv"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
)

// resynchronise answers the parameter QRESYNC of SELECT, behind the answer that reply writes.
// rfc7162 §3.2.5: what it asks for is a UID FETCH of the flags of the UIDs that the client knows,
// with CHANGEDSINCE and VANISHED; so that is what the backend is asked for, once it is known what
// the view holds. With another UIDVALIDITY, or without mod-sequences, it asks for nothing.
//
// Where the departed cannot be read, HIGHESTMODSEQ is told as the one that the client came with:
// it comes with it again, and hears of them then.
func (s *session) resynchronise(m *mailbox, q *command.QResync, reply func()) error {
	if q == nil || q.UIDValidity != m.validity || !m.tracked() || m.lastUID == 0 {
		reply()
		return nil
	}
	known := q.Known
	if known == nil {
		known = imap.SeqSet{{A: 1, B: uint32(m.lastUID)}}
	}
	uids := known.Resolve(0).Clone()
	if m.lastUID < imap.MaxUID {
		uids.RemoveRange(uint32(m.lastUID)+1, uint32(imap.MaxUID))
	}
	gone, err := s.departures()
	if err != nil {
		m.capModSeq = max(q.ModSeq, 1)
	}
	reply()
	if uids.Empty() {
		return nil
	}
	real, injected := m.view.SplitUID(uids)
	f := &fetching{
		s: s, todo: injected, earlier: s.earlierOf(gone, uids, q.ModSeq),
		a: &command.Fetch{UID: true, Items: []command.FetchItem{{Name: "FLAGS"}}, Changed: true, ChangedSince: q.ModSeq, Vanished: true},
	}
	if err := f.changed(); err != nil {
		return err
	}
	if !real.Empty() {
		tag := s.ownTag()
		raw := tag + " UID FETCH " + real.String() + " (FLAGS) (CHANGEDSINCE " + strconv.FormatUint(q.ModSeq, 10) + " VANISHED)\r\n"
		if _, err := s.exchange(tag, []byte(raw), nil, f.response); err != nil {
			return err
		}
	}
	if err := f.rest(); err != nil {
		s.log.Info("resynchronised without what cannot be rendered", "mailbox", m.name, "error", err)
	}
	return s.settle()
}

// toldHighest is HIGHESTMODSEQ as SELECT tells it.
func (m *mailbox) toldHighest() uint64 {
	if m.capModSeq > 0 {
		return min(m.capModSeq, m.mod.highest)
	}
	return m.mod.highest
}
