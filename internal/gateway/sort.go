package gateway

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"inlay.example/inlay/internal/gateway/spool"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/message"
)

// sort runs SORT and UID SORT (rfc5256 §3). The query is the backend's and ours as with SEARCH.
// Where something injected matches, the backend's answer is held (see spool), and each of ours
// gets its place by the keys of a few real messages (sortplace.go).
func (s *session) sort(c *command.Command, a *command.Sort) error {
	m := s.mbox
	if m == nil || !m.active {
		return s.forward(c)
	}
	if err := s.freshen(freshAge, s.g.cfg.LookupBudget); err != nil {
		return err
	}
	edits, err := s.searchEdits(nil, a.Key)
	if err != nil {
		return err
	}
	hits, err := s.searchInjected(&a.Search)
	if err != nil {
		return err
	}
	if a.Return != nil {
		return s.extendedSort(c, a, edits, hits)
	}
	o := s.ordering(a.UID, a.By, hits)
	defer o.close()
	if usesModSeq(a.Key) {
		o.modSeq = highestOf(hits)
	}
	raw, lits := applyEdits(c, edits)
	res, err := s.exchange(c.Tag, raw, lits, o.response)
	if err != nil {
		return err
	}
	if res.ok() && len(o.hits) > 0 {
		if err := o.place(); err != nil {
			return s.sortFailed(c, err)
		}
		_, _ = s.out.WriteString("* SORT")
		if err := o.each(o.write); err != nil {
			return unheld(err) // something was said already
		}
		o.end()
	}
	if err := s.settle(); err != nil {
		return err
	}
	return s.answer(res)
}

// sortFailed answers when an answer of the backend could not be held.
func (s *session) sortFailed(c *command.Command, err error) error {
	var local spoolError
	if !asSpoolError(err, &local) {
		return err
	}
	s.log.Error("answer of the mail server not held", "command", c.Name, "error", err)
	return s.localError(c, refusal{"[UNAVAILABLE] The answer is too large now, please try again."})
}

// ordering is an answer of the backend in an order, and where hits of ours stand in it.
type ordering struct {
	s     *session
	uid   bool // the numbers are UIDs
	by    []imap.SortCriterion
	hits  []ordered     // in their order
	found spool.Numbers // of the backend, in its numbering, without what the client was not told of
	// modSeq is the highest mod-sequence of what is found, told where MODSEQ was a key (rfc7162 §3.1.6).
	modSeq uint64
	held   bool  // also with no hits the answer is held
	err    error // of holding them
}

// ordered is a hit with its place: how many that the backend found come before it.
type ordered struct {
	hit
	keys []message.SortValue
	at   int
}

func (s *session) ordering(uid bool, by []imap.SortCriterion, hits []hit) *ordering {
	o := &ordering{s: s, uid: uid, by: s.order().Criteria(by), found: spool.Numbers{Spool: spool.New(spool.Limit, "")}}
	for _, h := range hits {
		e := s.mbox.entries[h.uid]
		msg, err := s.g.render.message(e.template, &e.p)
		if err != nil {
			s.log.Error("injected message not rendered", "placement", e.p.ID, "error", err)
			continue
		}
		f := message.SortFacts{InternalDate: e.p.InternalDate, Size: msg.Size()}
		o.hits = append(o.hits, ordered{hit: h, keys: o.keys(msg.Header(), f)})
	}
	slices.SortFunc(o.hits, func(a, b ordered) int {
		return cmp.Or(o.compare(a.keys, b.keys), cmp.Compare(a.n, b.n))
	})
	return o
}

func (o *ordering) close() { _ = o.found.Spool.Close() }

func (o *ordering) keys(h message.Header, f message.SortFacts) []message.SortValue {
	out := make([]message.SortValue, len(o.by))
	for i, c := range o.by {
		out[i] = h.SortValue(o.s.order(), c.Key, f)
	}
	return out
}

// compare orders by the keys alone.
func (o *ordering) compare(a, b []message.SortValue) int {
	for i, c := range o.by {
		if d := a[i].Compare(b[i]); d != 0 {
			if c.Reverse {
				return -d
			}
			return d
		}
	}
	return 0
}

// response takes the backend's SORT: with nothing of ours to put into it, it is written as it
// streams by.
//
//	mailbox-data =/ "SORT" *(SP nz-number)      (rfc5256 §5)
func (o *ordering) response(h response.Head) (bool, error) {
	if h.Name != "SORT" {
		return false, nil
	}
	s := o.s
	stream := len(o.hits) == 0 && !o.held
	if stream {
		_, _ = s.out.WriteString("* SORT")
	}
	err := s.eachFound(func(n uint32) {
		told, ok := o.told(n)
		switch {
		case !ok:
		case stream:
			o.write(told)
		default:
			o.hold(n)
		}
	}, func(n uint64) { o.modSeq = max(o.modSeq, n) })
	if err == nil && o.found.Len() > int(s.mbox.view.Backend()) {
		err = desync{fmt.Errorf("SORT of %d messages among %d", o.found.Len(), s.mbox.view.Backend())}
	}
	if stream && err == nil {
		o.end()
	}
	return true, err
}

// end ends the answer.
func (o *ordering) end() {
	if o.modSeq == 0 {
		o.s.line("")
		return
	}
	o.s.mbox.mod.hear(o.modSeq)
	o.s.peek()
	o.s.line(" (MODSEQ " + strconv.FormatUint(o.modSeq, 10) + ")")
}

// hold keeps a number of the backend; more than there are messages are no answer, and not kept.
func (o *ordering) hold(n uint32) {
	if o.err == nil && o.found.Len() <= int(o.s.mbox.view.Backend()) {
		o.err = o.found.Add(n)
	}
}

// told gives what the client calls a message; false if it was not told of it.
func (o *ordering) told(n uint32) (uint32, bool) {
	m := o.s.mbox
	if o.uid {
		uid := imap.UID(n)
		return n, !m.view.HiddenUID(uid) && (!m.capped() || uid <= m.lastUID) && m.entries[uid] == nil
	}
	seq, ok := m.view.ClientSeq(imap.SeqNum(n))
	return uint32(seq), ok
}

// each gives all that was found in its order, what is injected in its place, in the client's
// numbers.
func (o *ordering) each(use func(uint32)) error {
	hits, i := o.hits, 0
	for n, err := range o.found.All() {
		if err != nil {
			return spoolError{err}
		}
		for ; len(hits) > 0 && hits[0].at <= i; hits = hits[1:] {
			use(hits[0].n)
		}
		if told, ok := o.told(n); ok {
			use(told)
		}
		i++
	}
	for _, h := range hits {
		use(h.n)
	}
	return nil
}

func (o *ordering) write(n uint32) {
	_, _ = o.s.out.Write(strconv.AppendUint(append(o.s.out.AvailableBuffer(), ' '), uint64(n), 10))
}
