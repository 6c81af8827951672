package mailview

import (
	"iter"

	"inlay.example/inlay/internal/imap"
)

// stretch is a run of messages that lie in the same lists, with the number that its first one
// has in each: 0 in the list that does not hold them.
type stretch struct {
	client, backend uint32
	n               uint32
	uid             imap.UID // of an injected message; n is 1
}

func (s stretch) hasClient(c uint32) bool  { return s.client != 0 && c-s.client < s.n }
func (s stretch) hasBackend(b uint32) bool { return s.backend != 0 && b-s.backend < s.n }

// stretches walks over both lists from their beginning. There are O(k) stretches, and all
// translation is to find or to cut them.
func (v *View) stretches() iter.Seq[stretch] {
	return func(yield func(stretch) bool) {
		b, c := uint64(1), uint64(1) // the next number of each list; of 64 bits to go one past the last
		hidden, owns := v.hidden.Ranges(), v.own
		for {
			for len(owns) > 0 && uint64(owns[0].rank) < b {
				o := owns[0]
				owns = owns[1:]
				if o.count > 0 && !yield(stretch{client: uint32(c), n: o.count, uid: o.uid}) {
					return
				}
				c += uint64(o.count)
			}
			if b > uint64(v.backend) {
				return
			}
			end := v.backend
			if len(owns) > 0 {
				end = min(end, owns[0].rank)
			}
			s := stretch{client: uint32(c), backend: uint32(b)}
			switch {
			case len(hidden) == 0 || hidden[0].Lo > end:
			case uint64(hidden[0].Lo) > b:
				end = hidden[0].Lo - 1
			default:
				s.client = 0
				if hidden[0].Hi <= end {
					end = hidden[0].Hi
					hidden = hidden[1:]
				}
			}
			s.n = uint32(uint64(end) + 1 - b)
			if s.client != 0 {
				c += uint64(s.n)
			}
			b += uint64(s.n)
			if !yield(s) {
				return
			}
		}
	}
}

// ClientSeq translates a number of the backend; false if the message is hidden or there is none.
func (v *View) ClientSeq(backend imap.SeqNum) (imap.SeqNum, bool) {
	for s := range v.stretches() {
		if s.hasBackend(uint32(backend)) {
			return imap.SeqNum(s.client + uint32(backend) - s.backend), s.client != 0
		}
	}
	return 0, false
}

// BackendSeq translates a number of the client; false if it is an injected message or a ghost,
// or there is none.
func (v *View) BackendSeq(client imap.SeqNum) (imap.SeqNum, bool) {
	for s := range v.stretches() {
		if s.hasClient(uint32(client)) {
			return imap.SeqNum(s.backend + uint32(client) - s.client), s.backend != 0
		}
	}
	return 0, false
}

// overlaps gives the parts of a set that lie in lists' stretches, each with its stretch and as
// an offset and a length within it. first gives a stretch's number in the list that the set is of.
func (v *View) overlaps(set imap.Set, first func(stretch) uint32) iter.Seq2[stretch, imap.Range] {
	return func(yield func(stretch, imap.Range) bool) {
		ranges := set.Ranges()
		for s := range v.stretches() {
			lo := first(s)
			if lo == 0 {
				continue
			}
			hi := lo + (s.n - 1)
			for len(ranges) > 0 && ranges[0].Lo <= hi {
				if r := ranges[0]; r.Hi >= lo && !yield(s, imap.Range{Lo: max(r.Lo, lo) - lo, Hi: min(r.Hi, hi) - lo}) {
					return
				}
				if ranges[0].Hi > hi {
					break // it goes on in the next stretch
				}
				ranges = ranges[1:]
			}
			if len(ranges) == 0 {
				return
			}
		}
	}
}

// Split takes a set of the client's numbers apart: numbers of the backend, injected messages
// in ascending order, and how many ghosts. Numbers above Client() are left out.
func (v *View) Split(client imap.Set) (backend imap.Set, injected []imap.UID, ghosts uint64) {
	for s, part := range v.overlaps(client, func(s stretch) uint32 { return s.client }) {
		switch {
		case s.uid != 0:
			injected = append(injected, s.uid)
		case s.backend == 0:
			ghosts += part.Len()
		default:
			backend.AddRange(s.backend+part.Lo, s.backend+part.Hi)
		}
	}
	return backend, injected, ghosts
}

// ToClient translates a set of the backend's numbers; hidden ones and those above Backend()
// are left out.
func (v *View) ToClient(backend imap.Set) (client imap.Set) {
	for s, part := range v.overlaps(backend, func(s stretch) uint32 { return s.backend }) {
		if s.client != 0 {
			client.AddRange(s.client+part.Lo, s.client+part.Hi)
		}
	}
	return client
}

// SplitUID takes a set of UIDs apart: those for the backend, without hidden and injected
// ones, and the injected ones in ascending order. UIDs pass unchanged, so nobody need have
// those for the backend. The result may share uids' ranges.
func (v *View) SplitUID(uids imap.Set) (backend imap.Set, injected []imap.UID) {
	var not imap.Set
	for _, o := range v.own {
		if o.uid != 0 && uids.Contains(uint32(o.uid)) {
			injected = append(injected, o.uid)
			not.Add(uint32(o.uid))
		}
	}
	for _, h := range v.uids {
		not.Add(uint32(h.uid))
	}
	if not.Empty() {
		return uids, injected
	}
	return uids.Subtract(not), injected
}
