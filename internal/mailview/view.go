package mailview

import (
	"fmt"
	"math"
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
	own     []own       // in the order of the client's list: ranks ascend, and UIDs of injected messages
	hidden  imap.Set    // the backend's numbers
	untold  imap.Set    // those of them that were not identified
	uids    []hiddenUID // the others: seq and uid ascend
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

// Client returns the number of messages in the client's list: what EXISTS is told as, and what
// "*" means among sequence numbers (the last message, an injected one or a ghost included).
func (v *View) Client() uint32 {
	return v.backend - uint32(v.hidden.Len()) + uint32(v.owned())
}

// owned counts the messages that only the client has.
func (v *View) owned() (n uint64) {
	for _, o := range v.own {
		n += uint64(o.count)
	}
	return n
}

// Identity reports whether the two lists are the same.
func (v *View) Identity() bool { return len(v.own) == 0 && v.hidden.Empty() }

// Arrive takes the backend's EXISTS. New messages are hidden and untold until they are
// revealed. A number below the known one is an error: only EXPUNGE takes messages away.
func (v *View) Arrive(exists uint32) error {
	switch {
	case exists < v.backend:
		return fmt.Errorf("EXISTS fell from %d to %d without EXPUNGE", v.backend, exists)
	case uint64(exists)+v.owned() > math.MaxUint32:
		return fmt.Errorf("EXISTS %d beside %d messages that only the client has", exists, v.owned())
	case exists > v.backend:
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
	// Everything of rank e or more had message e before it, and the first of it may have come
	// to what lay before message e.
	first := v.behind(e - 1)
	for i := first; i < len(v.own); i++ {
		v.own[i].rank--
	}
	v.joinGhosts(first)
	v.hidden = removeShift(v.hidden, e)
	v.untold = removeShift(v.untold, e)
	i := v.hiddenAt(e)
	if i < len(v.uids) && v.uids[i].seq == e {
		v.dropHidden(i)
	}
	for ; i < len(v.uids); i++ {
		v.uids[i].seq--
	}
	v.backend--
	return nil
}

// addGhost puts a ghost behind everything of rank ≤ rank: it was message rank+1, which lay
// behind those and before what has a higher rank.
func (v *View) addGhost(rank uint32) {
	i := v.behind(rank)
	if i > 0 && v.own[i-1].uid == 0 && v.own[i-1].rank == rank {
		v.own[i-1].count++
		return
	}
	v.own = slices.Insert(v.own, i, own{rank: rank, count: 1})
}

// behind gives the index of the first item of a higher rank.
func (v *View) behind(rank uint32) int {
	return sort.Search(len(v.own), func(i int) bool { return v.own[i].rank > rank })
}

// joinGhosts makes one run of the ghosts before and at index i if they have the same rank.
func (v *View) joinGhosts(i int) {
	if i == 0 || i == len(v.own) {
		return
	}
	if a, b := v.own[i-1], v.own[i]; a.uid == 0 && b.uid == 0 && a.rank == b.rank {
		v.own[i-1].count += b.count
		v.own = slices.Delete(v.own, i, i+1)
	}
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
// tell fails, those that it was given are gone, and the others are ghosts still. tell must not
// change the view.
func (v *View) TellGhosts(tell func(imap.SeqNum) error) error {
	if v.Ghosts() == 0 {
		return nil
	}
	var before uint32 // of own items that stay
	var err error
	kept := v.own[:0:0]
	for i, o := range v.own {
		first := o.rank - v.hiddenUpTo(o.rank) + 1 + before
		for o.uid == 0 && o.count > 0 && err == nil {
			o.count--
			v.own[i].count-- // what tell sees
			err = tell(imap.SeqNum(first))
		}
		if o.count > 0 {
			before += o.count
			kept = append(kept, o)
		}
	}
	v.own = kept
	return err
}

// DropGhosts forgets all ghosts untold: only while SELECT is composed.
func (v *View) DropGhosts() {
	v.own = slices.DeleteFunc(v.own, func(o own) bool { return o.uid == 0 })
}
