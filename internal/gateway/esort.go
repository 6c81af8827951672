package gateway

import (
	"fmt"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/message"
)

// extendedSort runs SORT and UID SORT with RETURN (rfc5267 §3). COUNT and SAVE have no order:
// MIN and MAX are the first and the last in the order (as they are for Dovecot), and ALL is in
// the order. As with SEARCH, the query is bounded by what the client was told of.
func (s *session) extendedSort(c *command.Command, a *command.Sort, edits []edit, hits []hit) error {
	o := s.ordering(a.UID, a.By, hits)
	defer o.close()
	e := &extended{s: s, a: &a.Search, tag: c.Tag}
	for _, h := range o.hits {
		e.hits = append(e.hits, h.hit)
	}
	x := &esorting{extended: e, o: o}
	e.ends = x
	if a.Return.Save || !s.mbox.view.Identity() {
		edits = append(edits, e.bound())
	}
	raw, lits := applyEdits(c, edits)
	res, err := s.exchange(c.Tag, raw, lits, x.response)
	if err != nil {
		return err
	}
	if e.again {
		if res, err = s.ask(c, append(edits, e.bound()), x.response); err != nil {
			return err
		}
	}
	if x.came && res.ok() {
		if err := x.tell(); err != nil {
			return s.sortFailed(c, err)
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

// esorting is an ESEARCH response of a SORT.
type esorting struct {
	*extended
	o           *ordering
	came        bool
	first, last bool // it is one of ours
}

func (x *esorting) firstOurs() bool { return x.first }
func (x *esorting) lastOurs() bool  { return x.last }

// tell writes the merged answer.
//
//	search-return-data =/ "MIN" SP nz-number / "MAX" SP nz-number / "ALL" SP sequence-set / "COUNT" SP number
func (x *esorting) tell() error {
	ret, found := x.a.Return, x.o.found.Len()
	if ret.All {
		if err := x.o.place(); err != nil {
			return err
		}
		if n := len(x.o.hits); n > 0 {
			x.first, x.last = x.o.hits[0].at == 0, x.o.hits[n-1].at == found
		}
	} else if err := x.compareEnds(); err != nil {
		return err
	}
	_, _ = x.s.out.WriteString(`* ESEARCH (TAG "` + x.tag + `")`)
	if x.a.UID {
		_, _ = x.s.out.WriteString(" UID")
	}
	x.writeMin()
	x.writeMax()
	if ret.All {
		if err := x.o.each(func(n uint32) { x.add(imap.Range{Lo: n, Hi: n}) }); err != nil {
			return fmt.Errorf("writing an answer that was held: %w", unheld(err)) // something was said already
		}
		x.flush()
	}
	if ret.Count {
		x.write("COUNT", x.count+uint32(len(x.hits)))
	}
	x.finishModSeq()
	x.s.line("")
	return nil
}

// compareEnds compares the first and the last of ours with those of the backend.
func (x *esorting) compareEnds() error {
	hits := x.o.hits
	if len(hits) == 0 {
		return nil
	}
	x.first, x.last = x.realMin == 0, x.realMax == 0
	numbers := map[uint32]int{}
	if x.realMin != 0 {
		numbers[x.realMin] = 0
	}
	if x.realMax != 0 {
		numbers[x.realMax] = 0
	}
	if len(numbers) == 0 {
		return nil
	}
	return x.s.headers(x.a.UID, numbers, x.o.items(), func(n uint32, h message.Header, f message.SortFacts) {
		told, ok := x.o.told(n)
		p := probe{told, x.o.keys(h, f)}
		if !ok {
			return
		}
		if n == x.realMin {
			x.first = x.o.before(hits[0], p)
		}
		if n == x.realMax {
			x.last = !x.o.before(hits[len(hits)-1], p)
		}
	})
}

// response holds the backend's answer.
func (x *esorting) response(h response.Head) (bool, error) {
	if h.Name != "ESEARCH" || !x.bounded {
		return x.extended.response(h)
	}
	x.came = true
	err := x.s.bc.Reader.ESearchItems(x.number, func(r imap.Range) error {
		if r.Len() > uint64(x.s.mbox.view.Backend()) {
			return desync{fmt.Errorf("ESEARCH with %d:%d among %d messages", r.Lo, r.Hi, x.s.mbox.view.Backend())}
		}
		for n := uint64(r.Lo); n <= uint64(r.Hi); n++ {
			if _, ok := x.o.told(uint32(n)); ok {
				x.o.hold(uint32(n))
			}
		}
		return nil
	})
	return true, backendError(err)
}
