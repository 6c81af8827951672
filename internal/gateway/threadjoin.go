package gateway

import (
	"errors"
	"slices"
	"strings"

	"inlay.example/inlay/internal/gateway/spool"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/thread"
)

const (
	maxJoined   = 4096 // messages of threads that are made anew for one THREAD
	headersOnce = 512  // messages whose headers are asked for at once
	maxLinks    = 512  // ids that are looked for
	linksOnce   = 20   // ids that are looked for at once
	widenings   = 4    // how often it is looked for what else threads have to do with
)

// made is a thread that was made here, and its place: how many of the backend come before it.
type made struct {
	thread.Tree
	at int
}

// ours makes the messages of hits.
func (t *threading) ours(hits []hit) {
	for _, h := range hits {
		e := t.s.mbox.entries[h.uid]
		msg, err := t.s.g.render.message(e.template, &e.p)
		if err != nil {
			t.s.log.Error("injected message not rendered", "placement", e.p.ID, "error", err)
			continue
		}
		f := message.SortFacts{InternalDate: e.p.InternalDate, Size: msg.Size()}
		t.hits = append(t.hits, t.message(h.n, msg.Header(), f))
	}
}

// message gives what a message is threaded by; n is the client's number.
func (t *threading) message(n uint32, h message.Header, f message.SortFacts) thread.Message {
	o := t.s.order()
	m := thread.Message{Num: n, Date: h.SentDate(o, f.InternalDate)}
	m.Subject, m.Reply = h.BaseSubject(o)
	if byReferences(t.a.Algorithm) {
		m.ID, m.Refs = h.ThreadIDs()
	}
	return m
}

// join makes the threads of ours: with those of the backend that they belong to (dropped), by
// their indices.
func (t *threading) join() (out []made, dropped map[int]bool, err error) {
	msgs, dropped, err := t.kin()
	if err != nil {
		return nil, nil, err
	}
	for _, tree := range thread.Build(t.a.Algorithm, append(msgs, t.hits...)) {
		out = append(out, made{Tree: tree})
	}
	err = narrow(t.held.Len(), len(out), t.look,
		func(i int, k thread.Tree) bool { return out[i].Compare(k) < 0 },
		func(i, at int) { out[i].at = at })
	return out, dropped, err
}

// kin finds the threads that ours may belong to, and gives their messages. Alone these must make
// the threads that the backend made. If they do not, or if one of ours is linked to them,
// messages of other threads may have to do with them, by references that contradict each other,
// or because another message begins a thread now; and these are looked for. Where it is not
// found out what made the threads what they are, ours are threads of their own.
func (t *threading) kin() ([]thread.Message, map[int]bool, error) {
	linked, err := t.linked(t.ids(t.hits))
	if err != nil {
		return nil, nil, err
	}
	first, err := t.sameSubject(t.subjects(t.hits))
	if err != nil {
		return nil, nil, err
	}
	touched := map[int]bool{}
	if err := t.containing(linked, first, touched); err != nil {
		return nil, nil, err
	}
	for range widenings {
		msgs, trees, err := t.threads(touched)
		if err != nil || trees == nil {
			return msgs, touched, err
		}
		var have, answer []string
		for _, tree := range trees {
			answer = append(answer, tree.String())
		}
		for _, tree := range thread.Build(t.a.Algorithm, msgs) {
			have = append(have, tree.String())
		}
		slices.Sort(have)
		slices.Sort(answer)
		same := slices.Equal(have, answer)
		if same && linked.Empty() && !t.ambiguous(msgs, trees) {
			return msgs, touched, nil // joined by subjects alone, which are at the top
		}
		before := len(touched)
		if err := t.widen(msgs, touched); err != nil {
			return nil, nil, err
		}
		if len(touched) > before {
			continue
		}
		if same {
			return msgs, touched, nil
		}
		break
	}
	t.s.log.Info("threads of the mail server not understood", "command", t.a.Algorithm, "count", len(touched))
	return nil, nil, nil
}

// ambiguous reports whether a thread is of answers alone, without what they answer: these may
// have been gathered by their subject, or hang below one message that is not there. It is all
// the same until somebody comes who is no answer.
func (t *threading) ambiguous(msgs []thread.Message, trees []*thread.Node) bool {
	if !slices.ContainsFunc(t.hits, func(m thread.Message) bool { return !m.Reply }) {
		return false
	}
	answers := map[uint32]bool{}
	for _, m := range msgs {
		answers[m.Num] = m.Reply
	}
	return slices.ContainsFunc(trees, func(n *thread.Node) bool {
		return n.Num == 0 && !slices.ContainsFunc(n.Children, func(c *thread.Node) bool { return !answers[c.Num] })
	})
}

// widen adds the threads that messages have to do with, by ids, and by the subjects of the
// threads that they make with ours.
func (t *threading) widen(msgs []thread.Message, touched map[int]bool) error {
	linked, err := t.linked(t.ids(msgs))
	if err != nil {
		return err
	}
	byNum := map[uint32]thread.Message{}
	all := slices.Concat(msgs, t.hits)
	for _, m := range all {
		byNum[m.Num] = m
	}
	var begin []thread.Message
	for _, tree := range thread.Build(t.a.Algorithm, all) {
		begin = append(begin, byNum[tree.Numbers()[0]])
	}
	first, err := t.sameSubject(t.subjects(begin))
	if err != nil {
		return err
	}
	return t.containing(linked, first, touched)
}

// subjects gives the subjects by which messages may gather others.
func (t *threading) subjects(msgs []thread.Message) (out []string) {
	for _, m := range msgs {
		if (m.Subject != "" || t.a.Algorithm == imap.ThreadOrderedSubject) && !slices.Contains(out, m.Subject) {
			out = append(out, m.Subject)
		}
	}
	return out
}

// threads fetches the messages of some threads, and gives what the backend said of
// these, in the client's numbers.
func (t *threading) threads(of map[int]bool) (msgs []thread.Message, trees []*thread.Node, err error) {
	numbers := map[uint32]int{}
	for i := range of {
		n, err := t.held.Thread(i, maxJoined-len(numbers))
		if errors.Is(err, spool.ErrThreads) {
			t.s.log.Info("threads too large to join", "count", maxJoined)
			clear(of)
			return nil, nil, nil
		}
		if err != nil {
			return nil, nil, heldError(err)
		}
		for _, num := range n.Numbers() {
			numbers[num] = i
		}
		t.renumber(n)
		trees = append(trees, n)
	}
	msgs, err = t.messages(numbers)
	return msgs, trees, err
}

// renumber puts a thread into the client's numbers.
func (t *threading) renumber(n *thread.Node) {
	for ; ; n = n.Children[0] {
		n.Num, _ = t.told(n.Num)
		if len(n.Children) != 1 {
			break
		}
	}
	for _, c := range n.Children {
		t.renumber(c)
	}
}

// messages fetches what messages of the backend are threaded by.
func (t *threading) messages(numbers map[uint32]int) (out []thread.Message, err error) {
	todo := make([]uint32, 0, len(numbers))
	for n := range numbers {
		todo = append(todo, n)
	}
	items := []string{"INTERNALDATE", headerItem([]string{"Date", "Subject", "Message-ID", "In-Reply-To", "References"})}
	for part := range slices.Chunk(todo, headersOnce) {
		asked := map[uint32]int{}
		for _, n := range part {
			asked[n] = 0
		}
		err := t.s.headers(t.a.UID, asked, items, func(n uint32, h message.Header, f message.SortFacts) {
			if told, ok := t.told(n); ok {
				out = append(out, t.message(told, h, f))
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// look gives what threads of the backend are ordered by: of REFS the whole thread is looked at,
// else its first message.
func (t *threading) look(at []int) (map[int]thread.Tree, error) {
	got := map[int]thread.Tree{}
	first := map[uint32]int{}
	for _, i := range at {
		n, err := t.held.Thread(i, maxJoined)
		if err != nil {
			continue // too large: nothing is known of it
		}
		all := n.Numbers()
		if t.a.Algorithm != imap.ThreadRefs {
			first[all[0]] = i
			continue
		}
		numbers := map[uint32]int{}
		for _, num := range all {
			numbers[num] = i
		}
		msgs, err := t.messages(numbers)
		if err != nil {
			return nil, err
		}
		got[i] = t.latest(n, msgs)
	}
	if len(first) == 0 {
		return got, nil
	}
	items := []string{"INTERNALDATE", headerItem([]string{"Date"})}
	err := t.s.headers(t.a.UID, first, items, func(n uint32, h message.Header, f message.SortFacts) {
		if told, ok := t.told(n); ok {
			got[first[n]] = thread.Tree{Date: h.SentDate(t.s.order(), f.InternalDate), Tie: told}
		}
	})
	return got, err
}

// latest gives what a thread of REFS is ordered by. One whose root refers to a message that is
// not there has that for its root, although it is not told.
func (t *threading) latest(n *thread.Node, msgs []thread.Message) (out thread.Tree) {
	root, _ := t.told(n.Num)
	for _, m := range msgs {
		out.Date = max(out.Date, m.Date)
		if m.Num == root && !slices.ContainsFunc(m.Refs, func(id string) bool { return id != m.ID }) {
			out.Tie = root
		}
	}
	return out
}

// containing finds the threads that hold a message of anywhere, or begin with one of first.
func (t *threading) containing(anywhere, first imap.Set, found map[int]bool) error {
	if anywhere.Empty() && first.Empty() {
		return nil
	}
	last := -1
	return heldError(t.held.Tokens(func(i int, tok spool.Token) (bool, error) {
		if tok == spool.Open || tok == spool.Close {
			return true, nil
		}
		if n := tok.Value(); anywhere.Contains(n) || i != last && first.Contains(n) {
			found[i] = true
		}
		last = i
		return true, nil
	}))
}

// ids gives what messages are joined by.
func (t *threading) ids(msgs []thread.Message) (ids []string) {
	seen := map[string]bool{"": true}
	for _, m := range msgs {
		for _, id := range append([]string{m.ID}, m.Refs...) {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// linked finds the messages that have one of some ids, or refer to one.
func (t *threading) linked(ids []string) (found imap.Set, err error) {
	if !byReferences(t.a.Algorithm) || t.held.Len() == 0 || len(ids) > maxLinks {
		return found, nil
	}
	for some := range slices.Chunk(ids, linksOnce) {
		var keys []string
		for _, id := range some {
			quoted := string(imap.AppendQuoted(nil, needle(id)))
			for _, field := range []string{"Message-ID", "References", "In-Reply-To"} {
				keys = append(keys, "HEADER "+field+" "+quoted)
			}
		}
		text := "SEARCH " + strings.Repeat("OR ", len(keys)-1) + strings.Join(keys, " ")
		if t.a.UID {
			text = "UID " + text
		}
		res, err := t.s.own(text, func(h response.Head) (bool, error) {
			if h.Name != "SEARCH" {
				return false, nil
			}
			return true, t.s.eachNumber(func(n uint32) {
				if found.Len() <= maxJoined {
					found.Add(n)
				}
			})
		})
		if err != nil {
			return found, err
		}
		if !res.ok() {
			t.s.log.Warn("messages that refer to each other not found", "answer", strings.TrimSpace(string(res.raw)))
			return found, nil
		}
	}
	return found, nil
}

// needle is the longest part of an id that every way of writing it holds: there may be quotes,
// comments and white space at its odd places.
func needle(id string) string {
	best := ""
	for _, part := range strings.FieldsFunc(id, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_+=$", r))
	}) {
		if len(part) > len(best) {
			best = part
		}
	}
	if strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+=$.@") == "" {
		return id // as nearly everybody writes it
	}
	return best
}

// sameSubject finds the messages that have one of some base subjects.
func (t *threading) sameSubject(subjects []string) (found imap.Set, err error) {
	if !bySubject(t.a.Algorithm) || t.held.Len() == 0 || len(subjects) == 0 {
		return found, nil
	}
	if err := t.sortSubjects(); err != nil {
		return found, err
	}
	o := t.sorted
	// Of each subject, where it would begin and where it would end.
	places := make([]int, 2*len(subjects))
	err = narrow(o.found.Len(), len(places), o.look, func(i int, p probe) bool {
		d := message.CompareText(subjects[i/2], p.keys[0])
		return d < 0 || d == 0 && i%2 == 0
	}, func(i, at int) { places[i] = at })
	if err != nil {
		return found, err
	}
	for i := range subjects {
		for at := places[2*i]; at < places[2*i+1]; at++ {
			n, err := o.found.At(at)
			if err != nil {
				return found, spoolError{err}
			}
			if found.Len() > maxJoined {
				return found, nil
			}
			found.Add(n)
		}
	}
	return found, nil
}

// sortSubjects asks the query once more, in the order of subjects, unless it was.
func (t *threading) sortSubjects() error {
	if t.sorted != nil {
		return nil
	}
	o := t.s.ordering(t.a.UID, []imap.SortCriterion{{Key: imap.SortSubject}}, nil)
	o.held = true
	t.sorted = o
	text := "SORT (SUBJECT) " + string(imap.AppendString(nil, t.a.Charset))
	if t.a.UID {
		text = "UID " + text
	}
	c := *t.c
	c.Literals = slices.DeleteFunc(slices.Clone(c.Literals), func(l command.Literal) bool { return l.Pos < t.a.KeysStart })
	edits := append(slices.Clone(t.edits), edit{len(c.Tag) + 1, t.a.KeysStart - 1, text})
	res, err := t.s.ask(&c, edits, o.response)
	switch {
	case err != nil:
		return err
	case !res.ok():
		t.s.log.Warn("subjects not sorted", "answer", strings.TrimSpace(string(res.raw)))
	case o.err != nil:
		return spoolError{o.err}
	}
	return nil
}
