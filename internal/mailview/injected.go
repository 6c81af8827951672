package mailview

import (
	"fmt"
	"math"
	"slices"

	"inlay.example/inlay/internal/imap"
)

// Inject puts an injected message behind rank of the backend's messages and returns its
// number in the client's list. Among those of the same rank UIDs decide; ghosts lie before it,
// because they were told before. A rank that is against the order of UIDs is an error.
//
// The client must not know anything behind it, or not have been told the list yet (while
// SELECT is composed): numbers that it knows would shift. That is the caller's to hold.
func (v *View) Inject(uid imap.UID, rank uint32) (imap.SeqNum, error) {
	switch {
	case uid == 0 || rank > v.backend:
		return 0, fmt.Errorf("injecting UID %d behind %d of %d messages", uid, rank, v.backend)
	case uint64(v.backend)+v.owned() >= math.MaxUint32:
		return 0, fmt.Errorf("injecting UID %d into a mailbox of %d messages", uid, v.backend)
	}
	i := v.behind(rank)
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
// told so; false if there is none of this UID.
func (v *View) Remove(uid imap.UID) (imap.SeqNum, bool) {
	n, ok := v.InjectedSeq(uid)
	if !ok {
		return 0, false
	}
	i := slices.IndexFunc(v.own, func(o own) bool { return o.uid == uid })
	v.own = slices.Delete(v.own, i, i+1)
	v.joinGhosts(i)
	return n, true
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

// InjectedSeq gives the client's number of an injected message.
func (v *View) InjectedSeq(uid imap.UID) (imap.SeqNum, bool) {
	var before uint32
	for _, o := range v.own {
		if o.uid == uid && uid != 0 {
			return imap.SeqNum(o.rank - v.hiddenUpTo(o.rank) + 1 + before), true
		}
		before += o.count
	}
	return 0, false
}

// InjectedAt gives the UID of the injected message under a number of the client.
func (v *View) InjectedAt(client imap.SeqNum) (imap.UID, bool) {
	for s := range v.stretches() {
		if s.hasClient(uint32(client)) {
			return s.uid, s.uid != 0
		}
	}
	return 0, false
}
