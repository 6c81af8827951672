package mailview

import (
	"slices"

	"inlay.example/inlay/internal/imap"
)

// ClientSeq translates a number of the backend; false if the message is hidden or there is none.
func (v *View) ClientSeq(backend imap.SeqNum) (imap.SeqNum, bool) {
	b := uint32(backend)
	if b == 0 || b > v.backend || v.hidden.Contains(b) {
		return 0, false
	}
	n := b - v.hiddenUpTo(b)
	for _, o := range v.own {
		if o.rank >= b {
			break
		}
		n += o.count
	}
	return imap.SeqNum(n), true
}

// BackendSeq translates a number of the client; false if it is an injected message or a ghost,
// or there is none.
func (v *View) BackendSeq(client imap.SeqNum) (imap.SeqNum, bool) {
	c := uint32(client)
	if c == 0 || c > v.Client() {
		return 0, false
	}
	var before uint32 // of the client's own items before c
	for i, o := range v.own {
		s := uint32(v.start(i))
		if c < s {
			break
		}
		if c-s < o.count {
			return 0, false
		}
		before += o.count
	}
	return imap.SeqNum(v.visible(c - before)), true
}

// visible gives the backend's number of the n-th message that is not hidden.
func (v *View) visible(n uint32) uint32 {
	for _, r := range v.hidden.Ranges() {
		if r.Lo > n {
			break
		}
		n += r.Hi - r.Lo + 1
	}
	return n
}

// InjectedSeq gives the client's number of an injected message.
func (v *View) InjectedSeq(uid imap.UID) (imap.SeqNum, bool) {
	for i, o := range v.own {
		if o.uid == uid && uid != 0 {
			return v.start(i), true
		}
	}
	return 0, false
}

// InjectedAt gives the UID of the injected message under a number of the client.
func (v *View) InjectedAt(client imap.SeqNum) (imap.UID, bool) {
	for i, o := range v.own {
		if o.uid != 0 && v.start(i) == client {
			return o.uid, true
		}
	}
	return 0, false
}

// Injected returns the UIDs of the injected messages, ascending. The slice is the caller's.
func (v *View) Injected() []imap.UID {
	var out []imap.UID
	for _, o := range v.own {
		if o.uid != 0 {
			out = append(out, o.uid)
		}
	}
	return out
}

// Split takes a set of the client's numbers apart: numbers of the backend, injected messages,
// and how many ghosts. Numbers above Client() are left out.
func (v *View) Split(client imap.Set) (backend imap.Set, injected []imap.UID, ghosts uint64) {
	last := v.Client()
	for _, r := range client.Ranges() {
		if r.Lo > last {
			break
		}
		lo, hi := r.Lo, min(r.Hi, last)
		var before uint32
		// Between the client's own items lie stretches of the backend's list.
		for i, o := range v.own {
			s := uint32(v.start(i))
			e := s + o.count - 1
			if s > hi {
				break
			}
			if lo < s {
				v.addVisible(&backend, lo-before, s-1-before)
				lo = s
			}
			before += o.count
			if lo > e {
				continue
			}
			if o.uid != 0 {
				injected = append(injected, o.uid)
			} else {
				ghosts += uint64(min(hi, e)-lo) + 1
			}
			lo = e + 1
		}
		if lo <= hi {
			v.addVisible(&backend, lo-before, hi-before)
		}
	}
	return backend, injected, ghosts
}

// addVisible adds the backend's numbers of the from-th to the to-th message that is not hidden.
func (v *View) addVisible(set *imap.Set, from, to uint32) {
	lo, hi := v.visible(from), v.visible(to)
	for _, r := range v.hidden.Ranges() {
		if r.Lo > hi {
			break
		}
		if r.Hi < lo {
			continue
		}
		set.AddRange(lo, r.Lo-1)
		lo = r.Hi + 1
	}
	set.AddRange(lo, hi)
}

// SplitUID takes a set of UIDs apart: those for the backend, without hidden and injected
// ones, and the injected ones.
func (v *View) SplitUID(uids imap.Set) (backend imap.Set, injected []imap.UID) {
	backend = uids
	cloned := false
	remove := func(uid imap.UID) {
		if !cloned {
			backend, cloned = uids.Clone(), true
		}
		backend.Remove(uint32(uid))
	}
	for _, o := range v.own {
		if o.uid != 0 && uids.Contains(uint32(o.uid)) {
			injected = append(injected, o.uid)
			remove(o.uid)
		}
	}
	for _, h := range v.uids {
		if uids.Contains(uint32(h.uid)) {
			remove(h.uid)
		}
	}
	return backend, injected
}

// ToClient translates a set of the backend's numbers; hidden ones are left out.
func (v *View) ToClient(backend imap.Set) imap.Set {
	var out imap.Set
	for _, r := range backend.Ranges() {
		if r.Lo > v.backend {
			break
		}
		lo, hi := r.Lo, min(r.Hi, v.backend)
		// Cut at hidden ranges and before the client's own items: between them the
		// difference is constant.
		for lo <= hi {
			end := hi
			hiddenEnd := uint32(0)
			for _, h := range v.hidden.Ranges() {
				if h.Hi < lo {
					continue
				}
				if h.Lo <= lo {
					hiddenEnd = h.Hi
				} else {
					end = min(end, h.Lo-1)
				}
				break
			}
			if hiddenEnd >= lo {
				if hiddenEnd >= hi {
					break
				}
				lo = hiddenEnd + 1
				continue
			}
			for _, o := range v.own {
				if o.rank >= lo {
					end = min(end, o.rank)
					break
				}
			}
			first, _ := v.ClientSeq(imap.SeqNum(lo))
			out.AddRange(uint32(first), uint32(first)+(end-lo))
			if end == hi {
				break
			}
			lo = end + 1
		}
	}
	return out
}

// Vanish takes the backend's VANISHED (not EARLIER): messages of the session that are gone,
// by UID. It returns what the client is to be told, without injected and hidden UIDs. There
// are no ghosts by this way, because numbers are not known: the caller reads VANISHED only
// when it may be told at once, and with nothing untold before what was identified. All of uids must have been in the backend's list, but for
// injected ones, whose burnt UIDs a server may repeat.
func (v *View) Vanish(uids imap.Set) (tell imap.Set) {
	tell = uids.Clone()
	for _, o := range v.own {
		if o.uid != 0 {
			tell.Remove(uint32(o.uid))
		}
	}
	gone := tell.Clone() // of the backend's list
	for i := range v.own {
		if o := &v.own[i]; o.uid != 0 {
			o.rank -= gone.CountBelow(uint32(o.uid))
		}
	}
	// Hidden ones keep their order: each moves down by those gone below it.
	var lowered []hiddenUID
	untold := v.untold
	for _, h := range v.uids {
		if gone.Contains(uint32(h.uid)) {
			tell.Remove(uint32(h.uid))
			continue
		}
		h.seq -= gone.CountBelow(uint32(h.uid))
		lowered = append(lowered, h)
	}
	n := uint32(gone.Len())
	v.uids = lowered
	v.hidden, v.untold = imap.Set{}, imap.Set{}
	for _, h := range lowered {
		v.hidden.Add(h.seq)
	}
	// Untold ones are the last of the list and are never in VANISHED before they were told.
	for _, r := range untold.Ranges() {
		v.untold.AddRange(r.Lo-n, r.Hi-n)
		v.hidden.AddRange(r.Lo-n, r.Hi-n)
	}
	v.backend -= n
	slices.SortFunc(v.uids, func(a, b hiddenUID) int { return int(int64(a.seq) - int64(b.seq)) })
	return tell
}
