package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"inlay.example/inlay/internal/gateway/course"
	"inlay.example/inlay/internal/gateway/page"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
)

// maxPage bounds the messages of a page in which injected ones are: its set is held.
const maxPage = 100_000

// tooLarge is the answer to a larger one (rfc5530 §3).
var tooLarge = refusal{"[LIMIT] Pages are of at most " + strconv.Itoa(maxPage) + " messages."}

// paged is a SEARCH RETURN (PARTIAL …) (rfc9394 §3.1): the backend is asked for the widened page, and
// its answer held until what belongs into the client's is known.
type paged struct {
	extended
	real     imap.Set // of the widened page, later of the page itself, in the client's numbers
	pageHits []hit    // of the page
	got      bool     // the backend has answered
}

func (s *session) pagedSearch(c *command.Command, a *command.Search, edits []edit, hits []hit) error {
	p := &paged{extended: extended{s: s, a: a, tag: c.Tag, hits: hits}}
	if a.Return.Save || !s.mbox.view.Identity() {
		if uint64(a.Return.Partial.Hi)-uint64(a.Return.Partial.Lo) >= maxPage {
			return s.localError(c, tooLarge)
		}
		edits = append(edits, p.bound(), p.widen())
	}
	raw, lits := applyEdits(c, edits)
	res, err := s.exchange(c.Tag, raw, lits, p.response)
	if err != nil {
		return err
	}
	if p.again {
		edits = append(edits, p.bound(), p.widen())
		if res, err = s.ask(c, edits, p.response); err != nil {
			return err
		}
	}
	if p.got {
		if err := p.tell(); err != nil {
			return err
		}
	}
	if a.Return.Save {
		if err := p.save(res); err != nil {
			return err
		}
	}
	return s.answerSettled(res)
}

func (p *paged) widen() edit {
	asked := p.a.Return.Partial
	return edit{asked.Start, asked.End, page.Text(page.Widened(asked, len(p.hits)))}
}

func (p *paged) response(h response.Head) (bool, error) {
	if h.Name != "ESEARCH" || !p.bounded {
		return p.extended.response(h)
	}
	p.got = true
	v := p.s.mbox.view
	err := p.s.bc.Reader.ESearchPage(p.number, func(r imap.Range) error {
		if p.real.Len()+uint64(r.Hi)-uint64(r.Lo) > 2*maxPage {
			return desync{errors.New("PARTIAL of more messages than were asked for")}
		}
		var set imap.Set
		set.AddRange(r.Lo, r.Hi)
		if p.a.UID {
			p.real = p.real.Union(set.Intersect(p.told))
		} else {
			p.real = p.real.Union(v.ToClient(set))
		}
		return nil
	})
	return true, backendError(err)
}

// exact asks which of the UIDs of a set there are: a server may name, within a range, those that
// nobody has, but in a page messages are counted.
func (s *session) exact(set imap.Set) (imap.Set, error) {
	if !slices.ContainsFunc(set.Ranges(), func(r imap.Range) bool { return r.Lo < r.Hi }) {
		return set, nil
	}
	var out imap.Set
	_, err := s.own("UID SEARCH UID "+set.String(), func(h response.Head) (bool, error) {
		if h.Name != "SEARCH" {
			return false, nil
		}
		return true, s.eachNumber(func(n uint32) { out.Add(n) })
	})
	return out, err
}

// tell writes the response.
//
//	ret-data-partial = "PARTIAL" SP "(" partial-range SP partial-results ")"      (rfc9394 §4)
func (p *paged) tell() error {
	s, asked := p.s, p.a.Return.Partial
	if p.a.UID && len(p.hits) > 0 {
		var err error
		if p.real, err = s.exact(p.real); err != nil {
			return err
		}
	}
	numbers := make([]uint32, len(p.hits))
	for i, h := range p.hits {
		numbers[i] = h.n
	}
	real, ours := page.Cut(asked, p.real, numbers)
	all := real.Clone()
	var in []hit
	for _, i := range ours {
		in = append(in, p.hits[i])
		all.Add(p.hits[i].n)
	}
	_, _ = s.out.WriteString(`* ESEARCH (TAG "` + p.tag + `")`)
	if p.a.UID {
		_, _ = s.out.WriteString(" UID")
	}
	p.writeMin()
	p.writeMax()
	text := "NIL"
	if !all.Empty() {
		text = all.String()
	}
	_, _ = s.out.WriteString(" PARTIAL (" + page.Text(*asked) + " " + text + ")")
	p.finish()
	p.real, p.pageHits = real, in
	return nil
}

// save keeps the messages of the page, with those of MIN and MAX, or with COUNT all that were
// found (rfc9394 §3.2). Where nothing of ours was found the backend has kept the right ones.
func (p *paged) save(res tagged) error {
	s, m, r := p.s, p.s.mbox, p.a.Return
	if m == nil || !res.ok() || r.Count || !p.got {
		return p.extended.save(res)
	}
	m.saved = nil
	if len(p.hits) == 0 {
		return nil
	}
	right := p.real.Clone()
	if !p.a.UID {
		right, _, _ = m.view.Split(right)
	}
	in := slices.Clone(p.pageHits)
	for _, end := range []struct {
		asked, ours bool
		real        uint32
		hit         hit
	}{{r.Min, p.minOurs(), p.realMin, p.hits[0]}, {r.Max, p.maxOurs(), p.realMax, p.hits[len(p.hits)-1]}} {
		switch {
		case !end.asked:
		case end.ours:
			in = append(in, end.hit)
		default:
			right.Add(end.real)
		}
	}
	for _, h := range in {
		if !slices.Contains(m.saved, h.uid) {
			m.saved = append(m.saved, h.uid)
		}
	}
	slices.Sort(m.saved)
	key := nothing
	if !right.Empty() {
		if key = right.String(); p.a.UID {
			key = "UID " + key
		}
	}
	again, err := s.own("SEARCH RETURN (SAVE) "+key, nil)
	if err == nil && again.kind == "BAD" {
		err = desync{fmt.Errorf("SAVE: %s", bytes.TrimSpace(again.raw))}
	}
	return err
}

// fetchPage makes a UID FETCH with PARTIAL one without it, of the messages of its page (rfc9394
// §3.3): if more were fetched and left out, bodies would set \Seen of them. CHANGEDSINCE counts
// before the page is cut.
func (s *session) fetchPage(c *command.Command, a *command.Fetch, sel *selection) (*command.Command, error) {
	m := s.mbox
	if uint64(a.Partial.Hi)-uint64(a.Partial.Lo) >= maxPage {
		return nil, tooLarge
	}
	var injected []imap.UID
	var numbers []uint32
	for _, uid := range sel.injected {
		if e := m.entries[uid]; e != nil && (!a.Changed || course.Matches(max(e.p.ModSeq, 1), e.p.Pending, a.ChangedSince)) {
			injected = append(injected, uid)
			numbers = append(numbers, uint32(uid))
		}
	}
	real, err := s.realPage(a, sel, len(injected))
	if err != nil {
		return nil, err
	}
	cut, ours := page.Cut(a.Partial, real, numbers)
	next := selection{real: cut}
	for _, i := range ours {
		next.injected = append(next.injected, injected[i])
	}
	*sel = next
	without := *c
	mods := ""
	if a.Changed {
		mods = " (CHANGEDSINCE " + strconv.FormatUint(a.ChangedSince, 10)
		if a.Vanished {
			mods += " VANISHED"
		}
		mods += ")"
	}
	without.Raw = splice(c.Raw, a.ModStart, a.ModEnd, mods)
	without.Literals = shift(c.Literals, a.ModEnd, len(without.Raw)-len(c.Raw))
	return &without, nil
}

// realPage asks for the real messages of the widened page of a UID FETCH.
func (s *session) realPage(a *command.Fetch, sel *selection, injected int) (real imap.Set, err error) {
	if sel.real.Empty() && !sel.saved {
		return real, nil
	}
	key := "$"
	if !sel.saved {
		key = "UID " + sel.real.String()
	}
	if a.Changed {
		key += " MODSEQ " + strconv.FormatUint(a.ChangedSince+1, 10)
	}
	res, err := s.own("UID SEARCH RETURN (PARTIAL "+page.Text(page.Widened(a.Partial, injected))+") "+key, func(h response.Head) (bool, error) {
		if h.Name != "ESEARCH" {
			return false, nil
		}
		ignore := func(string, uint64) error { return nil }
		return true, backendError(s.bc.Reader.ESearchPage(ignore, func(r imap.Range) error {
			if real.Len()+uint64(r.Hi)-uint64(r.Lo) > 2*maxPage {
				return desync{errors.New("PARTIAL of more messages than were asked for")}
			}
			real.AddRange(r.Lo, r.Hi)
			return nil
		}))
	})
	if err == nil && !res.ok() {
		err = refusal{"The page could not be found."}
	}
	if err != nil {
		return real, err
	}
	return s.exact(real)
}
