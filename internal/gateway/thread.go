package gateway

import (
	"errors"
	"fmt"
	"strconv"

	"inlay.example/inlay/internal/gateway/spool"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/imap/wire"
	"inlay.example/inlay/internal/thread"
)

// thread runs THREAD and UID THREAD (rfc5256 §3). Where nothing injected matches, the backend's
// threads stream by in the client's numbers. Else they are held (see spool): those that ours
// belong to are made anew from the headers of their messages, and put with threads of ours
// alone where they belong (threadjoin.go).
//
// The query is bounded by what the client was told of, as with SEARCH RETURN: from within a
// thread nothing can be left out afterwards.
func (s *session) thread(c *command.Command, a *command.Thread) error {
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
	t := &threading{s: s, c: c, a: a, held: spool.NewThreads(spool.Limit, ""), bound: extended{s: s, a: &a.Search}}
	defer t.close()
	t.ours(hits)
	if !m.view.Identity() {
		edits = append(edits, t.bound.bound())
	}
	t.edits = edits
	raw, lits := applyEdits(c, edits)
	res, err := s.exchange(c.Tag, raw, lits, t.response)
	if err != nil {
		return err
	}
	if t.again {
		t.edits = append(edits, t.bound.bound())
		if res, err = s.ask(c, t.edits, t.response); err != nil {
			return err
		}
	}
	if res.ok() && len(t.hits) > 0 {
		if err := t.tell(); err != nil {
			return s.sortFailed(c, err)
		}
	}
	if err := s.settle(); err != nil {
		return err
	}
	return s.answer(res)
}

// threading is a THREAD in progress.
type threading struct {
	s     *session
	c     *command.Command
	a     *command.Thread
	bound extended // makes the query one of what the client was told of
	edits []edit   // of the query as it was sent
	again bool     // the answer was of more than the client was told of

	hits []thread.Message // ours
	held *spool.Threads   // of the backend, in its numbering
	err  error            // of holding them

	sorted *ordering // what was found, in the order of subjects; nil until it is asked for
}

func (t *threading) close() {
	_ = t.held.Close()
	if t.sorted != nil {
		t.sorted.close()
	}
}

// response takes the backend's THREAD.
//
//	thread-data = "THREAD" [SP 1*thread-list]      (rfc5256 §5)
func (t *threading) response(h response.Head) (bool, error) {
	if h.Name != "THREAD" {
		return false, nil
	}
	s := t.s
	if !t.bound.bounded {
		if s.mbox.view.Identity() {
			return true, s.relay(h)
		}
		t.again = true
		return true, backendError(s.bc.Reader.Copy(discard{}))
	}
	if len(t.hits) > 0 {
		return true, t.tokens(t.hold)
	}
	w := threadWriter{s: s, told: t.told}
	w.begin()
	err := t.tokens(w.write)
	s.line("")
	return true, err
}

// tokens gives the threads as they stream by.
func (t *threading) tokens(use func(spool.Token)) error {
	limit := uint64(t.s.mbox.view.Backend())
	number := func(n uint32) error {
		if n == 0 || limit == 0 {
			return desync{fmt.Errorf("THREAD of more messages than there are, or of message %d", n)}
		}
		limit--
		use(spool.Number(n))
		return nil
	}
	var n uint64
	digits := false
	flush := func() error {
		if !digits {
			return nil
		}
		v := uint32(n)
		n, digits = 0, false
		return number(v)
	}
	for {
		tok, err := t.s.bc.Reader.Token()
		if err != nil {
			return backendError(err)
		}
		if tok.Kind != wire.Atom {
			if err := flush(); err != nil {
				return err
			}
		}
		switch tok.Kind {
		case wire.Space:
		case wire.Open:
			use(spool.Open)
		case wire.Close:
			use(spool.Close)
		case wire.CRLF:
			if t.err == nil && !t.held.Done() {
				return desync{spool.ErrThreads}
			}
			return nil
		case wire.Atom:
			for _, c := range tok.Raw {
				if c < '0' || c > '9' || n > 1<<32/10 {
					return desync{fmt.Errorf("THREAD with %q", tok.Raw)}
				}
				n, digits = n*10+uint64(c-'0'), true
			}
			if n > 1<<32-1 {
				return desync{fmt.Errorf("THREAD with a number above 4294967295")}
			}
		default:
			return desync{fmt.Errorf("THREAD with %q", tok.Raw)}
		}
	}
}

func (t *threading) hold(tok spool.Token) {
	if t.err == nil {
		t.err = t.held.Add(tok)
	}
}

// told gives what the client calls a message of the backend.
func (t *threading) told(n uint32) (uint32, bool) {
	o := ordering{s: t.s, uid: t.a.UID}
	return o.told(n)
}

// heldError says whether the answer was none, or could not be held.
func heldError(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, spool.ErrThreads) {
		return desync{err}
	}
	return spoolError{err}
}

// tell writes the threads, those that were made anew in their places.
func (t *threading) tell() error {
	if t.err != nil {
		return heldError(t.err)
	}
	made, dropped, err := t.join()
	if err != nil {
		return err
	}
	w := threadWriter{s: t.s, told: t.told}
	w.begin()
	last := -1
	upTo := func(i int) {
		for ; len(made) > 0 && made[0].at <= i; made = made[1:] {
			_, _ = t.s.out.WriteString(made[0].String())
		}
	}
	err = t.held.Tokens(func(i int, tok spool.Token) (bool, error) {
		if i != last {
			last = i
			upTo(i)
		}
		if !dropped[i] {
			w.write(tok)
		}
		return true, nil
	})
	if err != nil {
		return unheld(spoolError{err}) // something was said already
	}
	upTo(t.held.Len())
	t.s.line("")
	return nil
}

// threadWriter writes threads for the client.
type threadWriter struct {
	s      *session
	told   func(uint32) (uint32, bool)
	inside bool // a number was written last
}

func (w *threadWriter) begin() { _, _ = w.s.out.WriteString("* THREAD ") }

// write writes a token of the backend's.
func (w *threadWriter) write(tok spool.Token) {
	switch tok {
	case spool.Open:
		w.open()
	case spool.Close:
		w.close()
	default:
		if n, ok := w.told(tok.Value()); ok {
			w.number(n)
		}
	}
}

func (w *threadWriter) open() {
	if w.inside {
		_ = w.s.out.WriteByte(' ')
	}
	_ = w.s.out.WriteByte('(')
	w.inside = false
}

func (w *threadWriter) close() {
	_ = w.s.out.WriteByte(')')
	w.inside = false
}

func (w *threadWriter) number(n uint32) {
	if w.inside {
		_ = w.s.out.WriteByte(' ')
	}
	_, _ = w.s.out.Write(strconv.AppendUint(w.s.out.AvailableBuffer(), uint64(n), 10))
	w.inside = true
}

// byReferences and bySubject report what an algorithm joins messages by.
func byReferences(a imap.ThreadAlgorithm) bool { return a != imap.ThreadOrderedSubject }
func bySubject(a imap.ThreadAlgorithm) bool    { return a != imap.ThreadRefs }
