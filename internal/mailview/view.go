package mailview

import (
	"fmt"
	"slices"
	"sort"

	"inlay.example/inlay/internal/imap"
)

// own is an item of the client's list that the backend does not have: an injected message
// (uid above 0), or a run of ghosts.
type own struct {
	rank  uint32   // the backend's messages before it, in the backend's numbering now
	uid   imap.UID // 0: ghosts
	count uint32   // 1 of an injected message
}

// View is the edit script between the backend's list and the client's.
type View struct {
	backend uint32
	own     []own
	hidden  imap.Set // the backend's numbers
	untold  imap.Set // those of them that were not identified
	uids    []hiddenUID
}

// hiddenUID is an identified hidden message.
type hiddenUID struct {
	seq uint32
	uid imap.UID
}

// New returns the view of a mailbox of which both lists hold the same exists messages.
func New(exists uint32) *View { return &View{backend: exists} }

// Backend returns the number of messages in the backend's list.
func (v *View) Backend() uint32 { return v.backend }

// Client returns the number of messages in the client's list.
func (v *View) Client() uint32 {
	n := v.backend - uint32(v.hidden.Len())
	for _, o := range v.own {
		n += o.count
	}
	return n
}

// Identity reports whether the two lists are the same.
func (v *View) Identity() bool { return len(v.own) == 0 && v.hidden.Empty() }

// Arrive takes the backend's EXISTS. New messages are hidden and untold until they are
// revealed. A number below the known one is an error: only EXPUNGE takes messages away.
func (v *View) Arrive(exists uint32) error {
	if exists < v.backend {
		return fmt.Errorf("EXISTS fell from %d to %d without EXPUNGE", v.backend, exists)
	}
	if exists > v.backend {
		v.hidden.AddRange(v.backend+1, exists)
		v.untold.AddRange(v.backend+1, exists)
		v.backend = exists
	}
	return nil
}

// Expunge takes the backend's EXPUNGE: a hidden message goes silently, one that the client
// knows becomes a ghost.
func (v *View) Expunge(seq imap.SeqNum) error {
	e := uint32(seq)
	if e == 0 || e > v.backend {
		return fmt.Errorf("EXPUNGE of message %d of %d", e, v.backend)
	}
	if !v.hidden.Contains(e) {
		v.addGhost(e - 1)
	}
	// Everything of rank e or more had message e before it.
	for i := len(v.own) - 1; i >= 0 && v.own[i].rank >= e; i-- {
		v.own[i].rank--
	}
	v.mergeGhosts()
	v.hidden = removeShift(v.hidden, e)
	v.untold = removeShift(v.untold, e)
	kept := v.uids[:0]
	for _, h := range v.uids {
		if h.seq == e {
			continue
		}
		if h.seq > e {
			h.seq--
		}
		kept = append(kept, h)
	}
	v.uids = kept
	v.backend--
	return nil
}

// addGhost puts a ghost behind everything of rank ≤ rank: it was message rank+1, which lay
// behind those and before what has a higher rank.
func (v *View) addGhost(rank uint32) {
	i := sort.Search(len(v.own), func(i int) bool { return v.own[i].rank > rank })
	if i > 0 && v.own[i-1].uid == 0 && v.own[i-1].rank == rank {
		v.own[i-1].count++
		return
	}
	v.own = slices.Insert(v.own, i, own{rank: rank, count: 1})
}

// mergeGhosts joins neighbouring runs that have come to the same rank.
func (v *View) mergeGhosts() {
	out := v.own[:0]
	for _, o := range v.own {
		if n := len(out); n > 0 && o.uid == 0 && out[n-1].uid == 0 && out[n-1].rank == o.rank {
			out[n-1].count += o.count
			continue
		}
		out = append(out, o)
	}
	v.own = out
}

// removeShift takes e out of a set of numbers and lowers those above it.
func removeShift(s imap.Set, e uint32) imap.Set {
	if s.Max() < e {
		return s
	}
	var out imap.Set
	for _, r := range s.Ranges() {
		lo, hi := r.Lo, r.Hi
		switch {
		case hi < e:
		case lo > e:
			lo, hi = lo-1, hi-1
		case lo == hi:
			continue
		default:
			hi--
		}
		out.AddRange(lo, hi)
	}
	return out
}

// Hide says that the client must not see a message of the backend, and which UID it has: one
// of a list that was not told yet (while SELECT is composed), or an untold one, which is
// identified by this.
func (v *View) Hide(seq imap.SeqNum, uid imap.UID) error {
	n := uint32(seq)
	if n == 0 || n > v.backend {
		return fmt.Errorf("hiding message %d of %d", n, v.backend)
	}
	v.hidden.Add(n)
	v.untold.Remove(n)
	i := sort.Search(len(v.uids), func(i int) bool { return v.uids[i].seq >= n })
	if i < len(v.uids) && v.uids[i].seq == n {
		v.uids[i].uid = uid
		return nil
	}
	v.uids = slices.Insert(v.uids, i, hiddenUID{n, uid})
	return nil
}

// Reveal tells a hidden message. It is an error if anything of the client's list lies behind
// it: numbers that the client knows would shift.
func (v *View) Reveal(seq imap.SeqNum) error {
	n := uint32(seq)
	if !v.hidden.Contains(n) {
		return fmt.Errorf("revealing message %d, which is not hidden", n)
	}
	behind := v.backend - n
	for _, r := range v.hidden.Ranges() {
		if r.Hi > n {
			behind -= r.Hi - max(r.Lo, n+1) + 1
		}
	}
	if k := len(v.own); behind > 0 || k > 0 && v.own[k-1].rank >= n {
		return fmt.Errorf("revealing message %d, behind which the client knows others", n)
	}
	v.hidden.Remove(n)
	v.untold.Remove(n)
	v.uids = slices.DeleteFunc(v.uids, func(h hiddenUID) bool { return h.seq == n })
	return nil
}

// Untold returns the backend's numbers that were announced and not identified yet. The
// caller must not change the set.
func (v *View) Untold() imap.Set { return v.untold }

// Hidden returns all hidden numbers of the backend. The caller must not change the set.
func (v *View) Hidden() imap.Set { return v.hidden }

// HiddenUID reports whether an identified hidden message has the UID.
func (v *View) HiddenUID(uid imap.UID) bool {
	return slices.ContainsFunc(v.uids, func(h hiddenUID) bool { return h.uid == uid })
}

// Inject puts an injected message behind rank of the backend's messages and returns its
// number in the client's list. Behind ghosts of the same rank: they were told before.
func (v *View) Inject(uid imap.UID, rank uint32) (imap.SeqNum, error) {
	if uid == 0 || rank > v.backend {
		return 0, fmt.Errorf("injecting UID %d behind %d of %d messages", uid, rank, v.backend)
	}
	i := sort.Search(len(v.own), func(i int) bool { return v.own[i].rank > rank })
	for j, o := range v.own {
		switch {
		case o.uid == uid:
			return 0, fmt.Errorf("injecting UID %d twice", uid)
		case o.uid > uid && j < i:
			if o.rank < rank {
				return 0, fmt.Errorf("injecting UID %d at rank %d, behind UID %d at %d", uid, rank, o.uid, o.rank)
			}
			i = j
		case o.uid != 0 && o.uid < uid && j >= i:
			return 0, fmt.Errorf("injecting UID %d at rank %d, before UID %d at %d", uid, rank, o.uid, o.rank)
		}
	}
	v.own = slices.Insert(v.own, i, own{rank: rank, uid: uid, count: 1})
	n, _ := v.InjectedSeq(uid)
	return n, nil
}

// Remove takes an injected message out and returns the number under which the client must be
// told so.
func (v *View) Remove(uid imap.UID) (imap.SeqNum, bool) {
	n, ok := v.InjectedSeq(uid)
	if !ok {
		return 0, false
	}
	v.own = slices.DeleteFunc(v.own, func(o own) bool { return o.uid == uid })
	v.mergeGhosts()
	return n, true
}

// Ghosts returns how many messages the client knows that are gone.
func (v *View) Ghosts() uint64 {
	var n uint64
	for _, o := range v.own {
		if o.uid == 0 {
			n += uint64(o.count)
		}
	}
	return n
}

// TellGhosts removes all ghosts, giving tell the number of each in the client's list as it is
// at that moment: the first ones first, so a run is told by one number said count times. When
// tell fails, those that it was given are gone.
func (v *View) TellGhosts(tell func(imap.SeqNum) error) error {
	for i := 0; i < len(v.own); {
		if v.own[i].uid != 0 {
			i++
			continue
		}
		n := v.start(i)
		for v.own[i].count > 0 {
			v.own[i].count--
			if err := tell(n); err != nil {
				if v.own[i].count == 0 {
					v.own = slices.Delete(v.own, i, i+1)
				}
				return err
			}
		}
		v.own = slices.Delete(v.own, i, i+1)
	}
	return nil
}

// DropGhosts forgets all ghosts untold: only while SELECT is composed.
func (v *View) DropGhosts() {
	v.own = slices.DeleteFunc(v.own, func(o own) bool { return o.uid == 0 })
}

// start is the client's number of the first message of own[i].
func (v *View) start(i int) imap.SeqNum {
	r := v.own[i].rank
	n := r - v.hiddenUpTo(r) + 1
	for _, o := range v.own[:i] {
		n += o.count
	}
	return imap.SeqNum(n)
}

// hiddenUpTo counts the hidden numbers ≤ n.
func (v *View) hiddenUpTo(n uint32) uint32 {
	var c uint32
	for _, r := range v.hidden.Ranges() {
		if r.Lo > n {
			break
		}
		c += min(r.Hi, n) - r.Lo + 1
	}
	return c
}
