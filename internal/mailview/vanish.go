package mailview

import (
	"fmt"

	"inlay.example/inlay/internal/imap"
)

// Vanish takes the backend's VANISHED (not EARLIER): messages of the session that are gone, by
// UID (rfc7162 §3.2.10). It returns what the client is to be told: neither hidden ones, of
// which it does not know, nor injected ones, whose burnt UIDs a server may repeat. All others
// must be in the backend's list; a UID that is not is found out only where the sums do not add
// up, because nobody keeps the UIDs of real messages.
//
// There are no ghosts by this way, because numbers are not known. So it is an error while there
// are any, or while a message that was not identified lies before one that was: VANISHED is read
// only when it may be told at once, and with nothing unknown but at the end of the list.
func (v *View) Vanish(uids imap.Set) (tell imap.Set, err error) {
	known := v.backend - uint32(v.untold.Len())
	if v.Ghosts() > 0 || v.untold.Max() != 0 && (len(v.untold.Ranges()) > 1 || v.untold.Ranges()[0].Lo != known+1) {
		return tell, fmt.Errorf("VANISHED while numbers are in doubt")
	}
	var injected, hidden imap.Set
	for _, o := range v.own {
		injected.Add(uint32(o.uid))
	}
	for _, h := range v.uids {
		hidden.Add(uint32(h.uid))
	}
	gone := uids.Subtract(injected) // of the backend's list
	tell = gone.Subtract(hidden)
	if err := v.vanishable(tell, known); err != nil {
		return imap.Set{}, err
	}
	for i := range v.own {
		v.own[i].rank -= gone.CountBelow(uint32(v.own[i].uid))
	}
	// Identified ones keep their order: each moves down by those gone below it.
	kept := v.uids[:0]
	v.hidden = imap.Set{}
	for _, h := range v.uids {
		if gone.Contains(uint32(h.uid)) {
			continue
		}
		h.seq -= gone.CountBelow(uint32(h.uid))
		kept = append(kept, h)
		v.hidden.Add(h.seq)
	}
	v.uids = kept
	v.backend -= uint32(gone.Len())
	// Untold ones are the last of the list, and in no VANISHED before they were told.
	if !v.untold.Empty() {
		first := known - uint32(gone.Len()) + 1
		v.untold = imap.Set{}
		v.untold.AddRange(first, v.backend)
		v.hidden.AddRange(first, v.backend)
	}
	return tell, nil
}

// vanishable checks that there are as many messages as are said to be gone before, between and
// behind those of which the UID is known.
func (v *View) vanishable(gone imap.Set, known uint32) error {
	var rank, below uint64 // up to the one before
	check := func(nextRank, nextBelow uint64) error {
		if nextRank < rank || nextBelow-below > nextRank-rank {
			return fmt.Errorf("VANISHED of %d messages of at most %d", nextBelow-below, max(nextRank, rank)-rank)
		}
		rank, below = nextRank, nextBelow
		return nil
	}
	hidden := v.uids
	for i := 0; i < len(v.own) || len(hidden) > 0; {
		if len(hidden) == 0 || i < len(v.own) && v.own[i].uid < hidden[0].uid {
			if err := check(uint64(v.own[i].rank), uint64(gone.CountBelow(uint32(v.own[i].uid)))); err != nil {
				return err
			}
			i++
			continue
		}
		if err := check(uint64(hidden[0].seq-1), uint64(gone.CountBelow(uint32(hidden[0].uid)))); err != nil {
			return err
		}
		rank++ // itself, which is not among the visible ones
		hidden = hidden[1:]
	}
	return check(uint64(known), gone.Len())
}
