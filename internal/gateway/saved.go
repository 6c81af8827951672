package gateway

import (
	"bytes"
	"fmt"
	"slices"

	"inlay.example/inlay/internal/imap"
)

// save keeps what SEARCH RETURN (SAVE) found (rfc5182). "$" has two halves: the backend keeps
// the real messages, and takes those out that are expunged; the mailbox keeps the injected ones. So
// "$" is sent wherever it was written, and the injected half is added as to any set.
//
// rfc5182 §2.1: with a NO, "$" is empty; with BAD it is what it was. §2.4: with MIN, MAX or
// both, and neither ALL nor COUNT, it is those messages alone. Where one of them is injected,
// the backend has kept another one, and is told to keep what is real of the result.
func (e *extended) save(res tagged) error {
	s, m, r := e.s, e.s.mbox, e.a.Return
	switch {
	case m == nil || res.kind == "BAD":
		return nil
	case !res.ok():
		m.saved = nil
		return nil
	case r.All || r.Count || !r.Min && !r.Max:
		m.saved = nil
		for _, h := range e.hits {
			m.saved = append(m.saved, h.uid)
		}
		slices.Sort(m.saved)
		return nil
	}
	m.saved = nil
	var kept, right imap.Set // by the backend
	if r.Min {
		kept.Add(e.realMin)
		if e.minOurs() {
			m.saved = append(m.saved, e.hits[0].uid)
		} else {
			right.Add(e.realMin)
		}
	}
	if r.Max {
		kept.Add(e.realMax)
		if !e.maxOurs() {
			right.Add(e.realMax)
		} else if last := e.hits[len(e.hits)-1].uid; !slices.Contains(m.saved, last) {
			m.saved = append(m.saved, last)
		}
	}
	slices.Sort(m.saved)
	if kept.String() == right.String() {
		return nil
	}
	key := nothing
	if !right.Empty() {
		if key = right.String(); e.a.UID {
			key = "UID " + key
		}
	}
	// Not UID SEARCH: this is no moment at which the backend may announce EXPUNGE.
	again, err := s.own("SEARCH RETURN (SAVE) "+key, nil)
	if err == nil && again.kind == "BAD" {
		err = desync{fmt.Errorf("SAVE: %s", bytes.TrimSpace(again.raw))}
	}
	return err
}
