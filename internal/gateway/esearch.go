package gateway

import (
	"strconv"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
)

// extendedSearch runs a SEARCH or UID SEARCH that says what it wants returned (rfc4731).
//
// A number that counts messages, or the highest of them, cannot be put right afterwards. So the
// query is bounded by what the client was told of, unless nothing is hidden; and if the
// backend announces something before it answers, its answer is dropped and it is asked anew.
func (s *session) extendedSearch(c *command.Command, a *command.Search, edits []edit, hits []hit) error {
	e := &extended{s: s, a: a, tag: c.Tag, hits: hits}
	if a.Return.Save || !s.mbox.view.Identity() {
		edits = append(edits, e.bound())
	}
	raw, lits := applyEdits(c, edits)
	res, err := s.exchange(c.Tag, raw, lits, e.response)
	if err != nil {
		return err
	}
	if e.again {
		if res, err = s.ask(c, append(edits, e.bound()), e.response); err != nil {
			return err
		}
	}
	if a.Return.Save {
		if err := e.save(res); err != nil {
			return err
		}
	}
	if err := s.settle(); err != nil {
		return err
	}
	return s.answer(res)
}

// ask sends a command of the client's once more, with edits, under a tag of our own; the
// answer has the client's.
func (s *session) ask(c *command.Command, edits []edit, h handler) (tagged, error) {
	raw, lits := applyEdits(c, edits)
	tag := s.ownTag()
	raw, lits = splice(raw, 0, len(c.Tag), tag), shift(lits, len(c.Tag), len(tag)-len(c.Tag))
	res, err := s.exchange(tag, raw, lits, h)
	if err == nil {
		res.raw = splice(res.raw, 0, len(tag), c.Tag)
	}
	return res, err
}

// bound makes the query one of the real messages that the client was told of, by a further key.
func (e *extended) bound() edit {
	m := e.s.mbox
	var told imap.Set
	switch {
	case !m.capped():
		told.AddRange(1, uint32(imap.MaxUID))
	case m.lastUID > 0:
		told.AddRange(1, uint32(m.lastUID))
	}
	e.told, _ = m.view.SplitUID(told)
	e.bounded = true
	key := " " + nothing
	if !e.told.Empty() {
		key = " UID " + e.told.String()
	}
	return edit{e.a.KeysEnd, e.a.KeysEnd, key}
}

// extended merges what the backend found with hits of ours, and writes it as it streams by:
// one number of each kind is held, and of ALL one range.
//
//	esearch-response   = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)
//	search-return-data = "MIN" SP nz-number / "MAX" SP nz-number / "ALL" SP sequence-set / "COUNT" SP number
type extended struct {
	s       *session
	a       *command.Search
	tag     string   // of the client's command
	bounded bool     // the query asks for nothing that the client was not told of
	told    imap.Set // UIDs that it may ask for
	again   bool     // the answer was of more than the client was told of

	hits     []hit  // ascending; of a SORT in its order
	ends     ends   // of a SORT; nil: MIN and MAX are numbers
	realMin  uint32 // as the backend said it
	realMax  uint32
	rest     []hit  // not in ALL yet
	min, max uint32 // of the backend, in the client's numbers; 0 if it found nothing
	count    uint32 // of the backend
	all      bool   // ALL has begun
	some     bool   // something of ALL was written
	run      imap.Range
	modSeq   uint64 // of the backend
	wroteMin bool
	wroteMax bool
}

func (e *extended) response(h response.Head) (bool, error) {
	if h.Name != "ESEARCH" {
		return false, nil
	}
	s := e.s
	if !e.bounded {
		if s.mbox.view.Identity() {
			return true, s.relay(h)
		}
		e.again = true
		return true, backendError(s.bc.Reader.Copy(discard{}))
	}
	e.rest = e.hits
	_, _ = s.out.WriteString(`* ESEARCH (TAG "` + e.tag + `")`)
	if e.a.UID {
		_, _ = s.out.WriteString(" UID")
	}
	if err := s.bc.Reader.ESearchItems(e.number, e.found); err != nil {
		return true, backendError(err)
	}
	e.finish()
	return true, nil
}

// number takes MIN, MAX or COUNT of the backend.
func (e *extended) number(name string, value uint64) error {
	if name == "MODSEQ" {
		e.modSeq = value
		return nil
	}
	n := uint32(value) //nolint:gosec // of 32 bits, but for MODSEQ
	if name == "COUNT" {
		e.count = n
		return nil
	}
	backend := n
	if !e.a.UID {
		told, ok := e.s.mbox.view.ClientSeq(imap.SeqNum(n))
		if !ok {
			return nil // of what it was not asked for
		}
		n = uint32(told)
	}
	if name == "MIN" {
		e.min, e.realMin = n, backend
	} else {
		e.max, e.realMax = n, backend
	}
	return nil
}

// found takes a range of the backend's ALL. What is known of MIN and MAX is told before it, as
// Dovecot does.
func (e *extended) found(r imap.Range) error {
	if !e.a.Return.All {
		return nil
	}
	if !e.all {
		if e.min != 0 {
			e.writeMin()
		}
		if e.max != 0 {
			e.writeMax()
		}
	}
	if e.a.UID {
		// A server may name UIDs between two that it found and that nobody has.
		for _, told := range e.told.Ranges() {
			if lo, hi := max(r.Lo, told.Lo), min(r.Hi, told.Hi); lo <= hi {
				e.merge(imap.Range{Lo: lo, Hi: hi})
			}
		}
		return nil
	}
	v := e.s.mbox.view
	lo, okLo := v.ClientSeq(imap.SeqNum(r.Lo))
	hi, okHi := v.ClientSeq(imap.SeqNum(r.Hi))
	if okLo && okHi && uint32(hi-lo) == r.Hi-r.Lo {
		e.merge(imap.Range{Lo: uint32(lo), Hi: uint32(hi)}) // with nothing in between
		return nil
	}
	var set imap.Set
	set.AddRange(r.Lo, r.Hi)
	for _, r := range v.ToClient(set).Ranges() {
		e.merge(r)
	}
	return nil
}

// merge puts what the backend found into ALL, behind hits of ours that come before it.
func (e *extended) merge(r imap.Range) {
	for len(e.rest) > 0 && e.rest[0].n < r.Lo {
		e.take()
	}
	e.add(r)
}

// take puts the next hit of ours into ALL.
func (e *extended) take() {
	n := e.rest[0].n
	e.rest = e.rest[1:]
	e.add(imap.Range{Lo: n, Hi: n})
}

// add puts a range into ALL; what touches the one before goes into it.
func (e *extended) add(r imap.Range) {
	if e.all && uint64(e.run.Hi)+1 == uint64(r.Lo) {
		e.run.Hi = r.Hi
		return
	}
	e.flush()
	e.all, e.run = true, r
}

// flush writes the range that is held.
func (e *extended) flush() {
	if !e.all {
		return
	}
	sep := " ALL "
	if e.some {
		sep = ","
	}
	e.some = true
	b := strconv.AppendUint(append(e.s.out.AvailableBuffer(), sep...), uint64(e.run.Lo), 10)
	if e.run.Hi != e.run.Lo {
		b = strconv.AppendUint(append(b, ':'), uint64(e.run.Hi), 10)
	}
	_, _ = e.s.out.Write(b)
}

// finish writes what is left to be told.
func (e *extended) finish() {
	if e.all { // before anything else can be told
		e.finishAll()
	}
	e.writeMin()
	e.writeMax()
	if e.a.Return.All && !e.all && len(e.rest) > 0 {
		e.finishAll()
	}
	if e.a.Return.Count {
		e.write("COUNT", e.count+uint32(len(e.hits)))
	}
	e.finishModSeq()
	e.s.line("")
}

func (e *extended) finishModSeq() {
	if n := e.highest(); n != 0 {
		e.s.mbox.mod.hear(n)
		e.s.peek()
		_, _ = e.s.out.WriteString(" MODSEQ " + strconv.FormatUint(n, 10))
	}
}

// highest is the mod-sequence to be told where MODSEQ was a key (rfc7162 §3.1.10): of all that was
// found, or of the messages in MIN and MAX, if nothing else is told. Of those it may be too high where
// one of the two is injected and the other not: the backend's is of both of its own.
func (e *extended) highest() uint64 {
	if !usesModSeq(e.a.Key) {
		return 0
	}
	r, hits := e.a.Return, e.hits
	if r.All || r.Count || r.Partial != nil || r.Save && !r.Min && !r.Max {
		return max(e.modSeq, highestOf(hits))
	}
	n := e.modSeq
	if (!r.Min || e.minOurs()) && (!r.Max || e.maxOurs()) {
		n = 0
	}
	if r.Min && e.minOurs() {
		n = max(n, hits[0].modSeq)
	}
	if r.Max && e.maxOurs() {
		n = max(n, hits[len(hits)-1].modSeq)
	}
	return n
}

func (e *extended) finishAll() {
	for len(e.rest) > 0 {
		e.take()
	}
	e.flush()
}

func (e *extended) writeMin() {
	n := e.min
	if e.minOurs() {
		n = e.hits[0].n
	}
	if e.a.Return.Min && !e.wroteMin && n != 0 {
		e.wroteMin = true
		e.write("MIN", n)
	}
}

func (e *extended) writeMax() {
	n := e.max
	if e.maxOurs() {
		n = e.hits[len(e.hits)-1].n
	}
	if e.a.Return.Max && !e.wroteMax && n != 0 {
		e.wroteMax = true
		e.write("MAX", n)
	}
}

// ends says whether the first and the last message in some order are injected ones.
type ends interface {
	firstOurs() bool
	lastOurs() bool
}

// minOurs reports whether the lowest message is an injected one.
func (e *extended) minOurs() bool {
	if e.ends != nil {
		return e.ends.firstOurs()
	}
	return len(e.hits) > 0 && (e.min == 0 || e.hits[0].n < e.min)
}

func (e *extended) maxOurs() bool {
	if e.ends != nil {
		return e.ends.lastOurs()
	}
	return len(e.hits) > 0 && e.hits[len(e.hits)-1].n > e.max
}

func (e *extended) write(name string, n uint32) {
	_, _ = e.s.out.Write(strconv.AppendUint([]byte(" "+name+" "), uint64(n), 10))
}
