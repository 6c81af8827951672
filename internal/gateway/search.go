package gateway

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/imap/wire"
	"inlay.example/inlay/internal/message"
)

// search runs SEARCH and UID SEARCH.
//
//	search = "SEARCH" [search-return-opts] [SP "CHARSET" SP astring] 1*(SP search-key)
//
// Sets anywhere in the query are rewritten for the backend; the query as the client meant it
// is evaluated on the injected messages; the results are merged.
func (s *session) search(c *command.Command, a *command.Search) error {
	m := s.mbox
	if m == nil || !m.active {
		return s.forward(c)
	}
	if err := s.freshen(freshAge, s.g.cfg.LookupBudget); err != nil {
		return err
	}
	// A sequence number that the client cannot know: the backend says what it thinks of it.
	edits, err := s.searchEdits(nil, a.Key)
	if err != nil {
		return err
	}
	hits, err := s.searchInjected(a)
	if err != nil {
		return err
	}
	if a.Return != nil && a.Return.Partial != nil {
		return s.pagedSearch(c, a, edits, hits)
	}
	if a.Return != nil {
		return s.extendedSearch(c, a, edits, hits)
	}
	raw, lits := applyEdits(c, edits)
	merge := &merging{s: s, uid: a.UID, hits: hits}
	if usesModSeq(a.Key) {
		merge.modSeq = highestOf(hits)
	}
	res, err := s.exchange(c.Tag, raw, lits, merge.response)
	if err != nil {
		return err
	}
	if res.ok() && !merge.said && len(merge.hits) > 0 {
		_, _ = s.out.WriteString("* SEARCH")
		merge.rest()
	}
	if err := s.settle(); err != nil {
		return err
	}
	return s.answer(res)
}

// edit replaces raw[start:end].
type edit struct {
	start, end int
	with       string
}

// nothing is a key that matches no message. It is not NOT ALL, of which Dovecot 2.3 finds too
// little where it comes twice: by OR NOT (HEADER x "" NOT ALL) NOT ALL nothing, and not all.
const nothing = "UID " + noMessage

// searchEdits collects the rewriting of all sets in the query.
func (s *session) searchEdits(edits []edit, k imap.SearchKey) ([]edit, error) {
	for _, sub := range k.Keys {
		var err error
		if edits, err = s.searchEdits(edits, sub); err != nil {
			return nil, err
		}
	}
	if k.Op != imap.SearchSeq && k.Op != imap.SearchUID || s.mbox.asWritten(k.Set, k.Op == imap.SearchUID) {
		return edits, nil
	}
	sel, err := s.selected(k.Set, k.Op == imap.SearchUID)
	if err != nil {
		return nil, err
	}
	with := sel.real.String()
	switch {
	case with == "":
		with = nothing
	case k.Op == imap.SearchUID:
		with = "UID " + with
	}
	return append(edits, edit{k.Start, k.End, with}), nil
}

// applyEdits makes the command with the edits, its literals moved along.
func applyEdits(c *command.Command, edits []edit) ([]byte, []command.Literal) {
	slices.SortFunc(edits, func(a, b edit) int { return a.start - b.start })
	raw, lits := c.Raw, c.Literals
	for _, e := range slices.Backward(edits) {
		next := splice(raw, e.start, e.end, e.with)
		lits = shift(lits, e.end, len(next)-len(raw))
		raw = next
	}
	return raw, lits
}

// hit is an injected message that a query matches.
type hit struct {
	n      uint32 // what the client is told: its number, or its UID
	uid    imap.UID
	modSeq uint64
}

// searchInjected evaluates the query on the injected messages; the hits come ascending.
func (s *session) searchInjected(a *command.Search) ([]hit, error) {
	m := s.mbox
	injected := m.view.Injected()
	if len(injected) == 0 {
		return nil, nil
	}
	uidStar := m.lastUID
	if usesUIDStar(a.Key) {
		var err error
		if uidStar, err = s.lastUID(); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	var hits []hit
	for _, uid := range injected {
		e := m.entries[uid]
		n, ok := m.view.InjectedSeq(uid)
		if e == nil || e.left || !ok {
			continue
		}
		msg, err := s.g.render.message(e.template, &e.p)
		if err != nil {
			s.log.Error("injected message not rendered", "placement", e.p.ID, "error", err)
			continue
		}
		yes, err := msg.Match(a.Key, message.Facts{
			ModSeq: matchedModSeq(e), Flags: e.p.Flags, Recent: e.recent, InternalDate: e.p.InternalDate,
			Seq: n, UID: uid, SeqStar: m.view.Client(), UIDStar: uint32(uidStar), Now: now, Saved: slices.Contains(m.saved, uid),
			SaveDate: saveDate(&e.p), EmailID: emailID(&e.p), ThreadID: threadID(&e.p),
		})
		if err != nil {
			s.log.Info("query not evaluated on an injected message", "error", err)
			continue
		}
		if !yes {
			continue
		}
		h := hit{n: uint32(n), uid: uid, modSeq: m.modSeq(e)}
		if a.UID {
			h.n = uint32(uid)
		}
		hits = append(hits, h)
	}
	return hits, nil
}

func usesUIDStar(k imap.SearchKey) bool {
	return k.Op == imap.SearchUID && starMatters(k.Set) || slices.ContainsFunc(k.Keys, usesUIDStar)
}

// merging puts hits of ours into the backend's SEARCH response as it streams by.
type merging struct {
	s    *session
	uid  bool
	hits []hit // ascending, not written yet
	said bool  // a SEARCH response came
	// modSeq is the highest mod-sequence of what is found, told where MODSEQ was a key (rfc7162 §3.1.6).
	modSeq uint64
}

func (g *merging) response(h response.Head) (bool, error) {
	if h.Name != "SEARCH" {
		return false, nil
	}
	g.said = true
	s, m := g.s, g.s.mbox
	_, _ = s.out.WriteString("* SEARCH")
	err := s.eachFound(func(n uint32) {
		switch {
		case g.uid:
			if m.view.HiddenUID(imap.UID(n)) || m.capped() && imap.UID(n) > m.lastUID || m.entries[imap.UID(n)] != nil {
				return // not told, or the UID of an injected one (which SELECT and FETCH find out)
			}
		default:
			told, ok := m.view.ClientSeq(imap.SeqNum(n))
			if !ok {
				return
			}
			n = uint32(told)
		}
		for len(g.hits) > 0 && g.hits[0].n < n {
			g.write(g.hits[0].n)
			g.hits = g.hits[1:]
		}
		g.write(n)
	}, func(n uint64) { g.modSeq = max(g.modSeq, n) })
	if err != nil {
		return true, err
	}
	m.mod.hear(g.modSeq)
	s.peek()
	g.rest()
	return true, nil
}

func (g *merging) write(n uint32) {
	var b [11]byte
	_, _ = g.s.out.Write(strconv.AppendUint(append(b[:0], ' '), uint64(n), 10))
}

func (g *merging) rest() {
	for _, h := range g.hits {
		g.write(h.n)
	}
	g.hits = nil
	if g.modSeq > 0 {
		g.s.line(" (MODSEQ " + strconv.FormatUint(g.modSeq, 10) + ")")
		return
	}
	g.s.line("")
}

// eachNumber streams the numbers of a SEARCH response.
func (s *session) eachNumber(use func(uint32)) error { return s.eachFound(use, func(uint64) {}) }

// eachFound is eachNumber that gives the mod-sequence too.
//
//	mailbox-data         =/ "SEARCH" [1*(SP nz-number) SP search-sort-mod-seq]      (rfc7162 §7)
//	search-sort-mod-seq   = "(" "MODSEQ" SP mod-sequence-value ")"
func (s *session) eachFound(use func(uint32), modSeq func(uint64)) error {
	var n uint64
	var digits int
	within, word := false, ""
	flush := func() {
		if digits > 0 {
			use(uint32(n))
		}
		n, digits = 0, 0
	}
	for {
		t, err := s.bc.Reader.Token()
		if err != nil {
			return backendError(err)
		}
		switch t.Kind {
		case wire.CRLF:
			if within {
				return desync{fmt.Errorf("SEARCH response with %q", word)}
			}
			flush()
			return nil
		case wire.Space:
			if within {
				word += " "
				continue
			}
			flush()
			continue
		case wire.Open:
			flush()
			within = true
			continue
		case wire.Close:
			name, value, _ := strings.Cut(strings.TrimSpace(word), " ")
			v, err := strconv.ParseUint(value, 10, 63)
			if !within || !strings.EqualFold(name, "MODSEQ") || err != nil {
				return desync{fmt.Errorf("SEARCH response with (%s)", word)}
			}
			within, word = false, ""
			modSeq(v)
			continue
		}
		if within {
			if word += string(t.Raw); len(word) > 64 {
				return desync{fmt.Errorf("SEARCH response with (%s", word)}
			}
			continue
		}
		for _, c := range t.Raw {
			if c < '0' || c > '9' {
				return desync{fmt.Errorf("SEARCH response with %q", t.Raw)}
			}
			n = n*10 + uint64(c-'0')
			if digits++; n > 1<<32-1 {
				return desync{fmt.Errorf("SEARCH response with a number above 4294967295")}
			}
		}
	}
}

// usesModSeq reports whether MODSEQ is a key anywhere in the query.
func usesModSeq(k imap.SearchKey) bool {
	return k.Op == imap.SearchModSeq || slices.ContainsFunc(k.Keys, usesModSeq)
}

// matchedModSeq is the mod-sequence that the key MODSEQ is compared with.
func matchedModSeq(e *entry) uint64 {
	if e.p.Pending {
		return math.MaxInt64
	}
	return max(e.p.ModSeq, 1)
}

func highestOf(hits []hit) (n uint64) {
	for _, h := range hits {
		n = max(n, h.modSeq)
	}
	return n
}
