package mailview

import (
	"fmt"
	"slices"

	"inlay.example/inlay/internal/imap"
)

// Vanish takes the backend's VANISHED (not EARLIER): messages of the session that are gone, by
// UID (rfc7162 §3.2.10). It returns what the client is to be told: neither hidden ones, of
// which it does not know, nor injected ones, whose burnt UIDs a server may repeat. last is the
// highest UID that the client was told of: a message above it that is not known as hidden is one
// of the untold ones. All others must be in the backend's list; a UID that is not is found out
// only where the sums do not add up, because nobody keeps the UIDs of real messages.
//
// There are no ghosts by this way, because numbers are not known. So it is an error while there
// are any, or while an untold message lies before one that the client knows. Where VANISHED may
// not be told at once, VanishHidden and Expunge take it.
func (v *View) Vanish(uids imap.Set, last imap.UID) (tell imap.Set, err error) {
	next := v.clone()
	if tell, err = next.vanishHidden(uids, last); err != nil {
		return imap.Set{}, err
	}
	if err := next.vanishVisible(tell); err != nil {
		return imap.Set{}, err
	}
	*v = *next
	return tell, nil
}

func (v *View) clone() *View {
	return &View{
		backend: v.backend, own: slices.Clone(v.own), hidden: v.hidden.Clone(), untold: v.untold.Clone(), uids: slices.Clone(v.uids),
	}
}

// VanishHidden is the part of Vanish that the client is told nothing of: it takes away what is
// hidden, and returns the UIDs of messages that the client knows, which are in both lists still.
func (v *View) VanishHidden(uids imap.Set, last imap.UID) (visible imap.Set, err error) {
	next := v.clone()
	if visible, err = next.vanishHidden(uids, last); err != nil {
		return imap.Set{}, err
	}
	*v = *next
	return visible, nil
}

func (v *View) vanishHidden(uids imap.Set, last imap.UID) (visible imap.Set, err error) {
	var hidden, injected imap.Set
	var gone []uint32 // numbers
	for _, h := range v.uids {
		if uids.Contains(uint32(h.uid)) {
			hidden.Add(uint32(h.uid))
			gone = append(gone, h.seq)
		}
	}
	for _, o := range v.own {
		injected.Add(uint32(o.uid))
	}
	for _, seq := range slices.Backward(gone) {
		if err := v.Expunge(imap.SeqNum(seq)); err != nil {
			return imap.Set{}, err
		}
	}
	visible = uids.Subtract(hidden).Subtract(injected)
	unknown := visible.Clone()
	unknown.RemoveRange(1, uint32(last))
	if last == 0 {
		unknown = visible
	}
	if unknown.Len() > v.untold.Len() {
		return imap.Set{}, fmt.Errorf("VANISHED of %d messages that were not told, of %d", unknown.Len(), v.untold.Len())
	}
	for _, r := range unknown.Ranges() {
		for uid := uint64(r.Lo); uid <= uint64(r.Hi); uid++ {
			seq, ok := v.untoldBefore(imap.UID(uid))
			if !ok {
				return imap.Set{}, fmt.Errorf("VANISHED of UID %d, where every message is known", uid)
			}
			if err := v.Expunge(imap.SeqNum(seq)); err != nil {
				return imap.Set{}, err
			}
		}
	}
	return visible.Subtract(unknown), nil
}

// untoldBefore gives an untold message that may have the UID: one between the identified ones
// that have a lower and a higher one. Which of several it is makes no difference.
func (v *View) untoldBefore(uid imap.UID) (seq uint32, ok bool) {
	lo, hi := uint32(0), v.backend+1
	for _, h := range v.uids {
		if h.uid > uid {
			hi = h.seq
			break
		}
		lo = h.seq
	}
	for _, r := range slices.Backward(v.untold.Ranges()) {
		if r.Lo < hi {
			seq = min(r.Hi, hi-1)
			return seq, seq > lo
		}
	}
	return 0, false
}

// vanishVisible takes messages away that the client knows.
func (v *View) vanishVisible(gone imap.Set) error {
	if gone.Empty() {
		return nil
	}
	if v.Ghosts() > 0 || !v.untold.Empty() && v.visible(v.untold.Ranges()[0].Lo) < v.visible(v.backend) {
		return fmt.Errorf("VANISHED while numbers are in doubt")
	}
	if err := v.vanishable(gone); err != nil {
		return err
	}
	for i := range v.own {
		v.own[i].rank -= gone.CountBelow(uint32(v.own[i].uid))
	}
	// Identified ones keep their order: each moves down by those gone below it. Untold ones lie
	// behind all that the client knows.
	total := uint32(gone.Len())
	hidden := imap.Set{}
	for i := range v.uids {
		v.uids[i].seq -= gone.CountBelow(uint32(v.uids[i].uid))
		hidden.Add(v.uids[i].seq)
	}
	untold := imap.Set{}
	for _, r := range v.untold.Ranges() {
		untold.AddRange(r.Lo-total, r.Hi-total)
	}
	v.untold, v.hidden = untold, hidden.Union(untold)
	v.backend -= total
	return nil
}

// visible counts the messages up to a number that the client knows.
func (v *View) visible(seq uint32) uint32 { return seq - v.hiddenUpTo(seq) }

// vanishable checks that there are as many messages as are said to be gone before, between and
// behind those of which the UID is known.
func (v *View) vanishable(gone imap.Set) error {
	var known, below uint32 // up to the one before
	check := func(nextKnown, nextBelow uint32) error {
		if nextKnown < known || nextBelow-below > nextKnown-known {
			return fmt.Errorf("VANISHED of %d messages of at most %d", nextBelow-below, max(nextKnown, known)-known)
		}
		known, below = nextKnown, nextBelow
		return nil
	}
	hidden := v.uids
	for i := 0; i < len(v.own) || len(hidden) > 0; {
		if len(hidden) == 0 || i < len(v.own) && v.own[i].uid < hidden[0].uid {
			if err := check(v.visible(v.own[i].rank), gone.CountBelow(uint32(v.own[i].uid))); err != nil {
				return err
			}
			i++
			continue
		}
		if err := check(v.visible(hidden[0].seq), gone.CountBelow(uint32(hidden[0].uid))); err != nil {
			return err
		}
		hidden = hidden[1:]
	}
	if gone.Len() > uint64(v.backend) {
		return fmt.Errorf("VANISHED of %d messages of %d", gone.Len(), v.backend)
	}
	return check(v.visible(v.backend), uint32(gone.Len()))
}
