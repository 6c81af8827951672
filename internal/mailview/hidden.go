package mailview

import (
	"fmt"
	"slices"
	"sort"

	"inlay.example/inlay/internal/imap"
)

// Hide says that the client must not see a message of the backend, and which UID it has: one
// of a list that was not told yet (while SELECT is composed), or an untold one, which is
// identified by this. UIDs ascend with numbers (rfc3501 §2.3.1.1): one that does not is an error.
func (v *View) Hide(seq imap.SeqNum, uid imap.UID) error {
	n := uint32(seq)
	if n == 0 || n > v.backend || uid == 0 {
		return fmt.Errorf("hiding message %d of %d, with UID %d", n, v.backend, uid)
	}
	i := v.hiddenAt(n)
	known := i < len(v.uids) && v.uids[i].seq == n
	next := i
	if known {
		next++
	}
	switch {
	case i > 0 && v.uids[i-1].uid >= uid:
		return fmt.Errorf("message %d has UID %d, and message %d before it UID %d", n, uid, v.uids[i-1].seq, v.uids[i-1].uid)
	case next < len(v.uids) && v.uids[next].uid <= uid:
		return fmt.Errorf("message %d has UID %d, and message %d behind it UID %d", n, uid, v.uids[next].seq, v.uids[next].uid)
	}
	v.hidden.Add(n)
	v.untold.Remove(n)
	if known {
		v.uids[i].uid = uid
	} else {
		v.uids = slices.Insert(v.uids, i, hiddenUID{n, uid})
	}
	return nil
}

// Reveal tells a hidden message. It is an error if anything of the client's list lies behind
// it: numbers that the client knows would shift.
func (v *View) Reveal(seq imap.SeqNum) error {
	n := uint32(seq)
	if !v.hidden.Contains(n) {
		return fmt.Errorf("revealing message %d, which is not hidden", n)
	}
	behind := v.backend - n - (uint32(v.hidden.Len()) - v.hiddenUpTo(n))
	if k := len(v.own); behind > 0 || k > 0 && v.own[k-1].rank >= n {
		return fmt.Errorf("revealing message %d, behind which the client knows others", n)
	}
	v.hidden.Remove(n)
	v.untold.Remove(n)
	if i := v.hiddenAt(n); i < len(v.uids) && v.uids[i].seq == n {
		v.dropHidden(i)
	}
	return nil
}

// Untold returns the backend's numbers that were announced and not identified yet. The
// caller must not change the set.
func (v *View) Untold() imap.Set { return v.untold }

// Hidden returns all hidden numbers of the backend. The caller must not change the set.
func (v *View) Hidden() imap.Set { return v.hidden }

// HiddenUID reports whether an identified hidden message has the UID.
func (v *View) HiddenUID(uid imap.UID) bool {
	i := sort.Search(len(v.uids), func(i int) bool { return v.uids[i].uid >= uid })
	return i < len(v.uids) && v.uids[i].uid == uid
}

// HiddenSeq gives the number of an identified hidden message in the backend's list.
func (v *View) HiddenSeq(uid imap.UID) (imap.SeqNum, bool) {
	i := sort.Search(len(v.uids), func(i int) bool { return v.uids[i].uid >= uid })
	if i == len(v.uids) || v.uids[i].uid != uid {
		return 0, false
	}
	return imap.SeqNum(v.uids[i].seq), true
}

// hiddenAt gives the index of the first identified hidden message with the number seq or more.
func (v *View) hiddenAt(seq uint32) int {
	return sort.Search(len(v.uids), func(i int) bool { return v.uids[i].seq >= seq })
}

// dropHidden forgets an identified hidden message. News are told from the first on, so the
// first one goes without moving the others.
func (v *View) dropHidden(i int) {
	if i == 0 {
		v.uids = v.uids[1:]
		return
	}
	v.uids = slices.Delete(v.uids, i, i+1)
}

// hiddenUpTo counts the hidden numbers ≤ n.
func (v *View) hiddenUpTo(n uint32) uint32 {
	c := v.hidden.CountBelow(n)
	if v.hidden.Contains(n) {
		c++
	}
	return c
}
