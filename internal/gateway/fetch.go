package gateway

import (
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
)

// fetch runs FETCH and UID FETCH.
//
//	fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
//
// The real part goes to the backend and its responses are streamed under the client's
// numbers; those of injected messages are put between them, in ascending order.
func (s *session) fetch(c *command.Command, a *command.Fetch) error {
	m := s.mbox
	if m == nil || !m.active || m.asWritten(a.Set, a.UID) && !a.Vanished {
		return s.forward(c)
	}
	if err := s.freshen(freshAge, s.g.cfg.LookupBudget); err != nil {
		return err
	}
	set := a.Set
	if a.Vanished {
		set = s.generous(set)
	}
	sel, err := s.savedOr(a.Saved, set, a.UID)
	if err != nil {
		return err
	}
	if a.Partial != nil && len(sel.injected) > 0 {
		without, err := s.fetchPage(c, a, &sel)
		if err != nil {
			return s.localError(c, err)
		}
		c = without
	}
	// Numbers beyond the view may make the backend refuse the command, and then nothing is read by it.
	f := &fetching{s: s, a: a, todo: sel.injected, unseen: sel.beyond}
	if err := f.changed(); err != nil {
		return err
	}
	if a.Vanished {
		if err := f.departed(set); err != nil {
			return s.localError(c, err)
		}
	}
	if sel.ours() {
		return s.local(c, a.SetStart, a.SetEnd, a.UID, sel, f.rest)
	}
	raw := splice(c.Raw, a.SetStart, a.SetEnd, backendSet(sel))
	res, err := s.exchange(c.Tag, raw, shift(c.Literals, a.SetEnd, len(raw)-len(c.Raw)), f.response)
	if err != nil {
		return err
	}
	if res.kind != "BAD" {
		if err := f.rest(); err != nil {
			return s.localError(c, err)
		}
	}
	if err := s.settle(); err != nil {
		return err
	}
	return s.answer(res)
}

// fetching puts the responses of injected messages between those of real ones.
type fetching struct {
	s       *session
	a       *command.Fetch
	todo    []imap.UID
	failed  bool   // a message could not be rendered
	refused string // why a section could not be decoded
	unseen  bool   // the store does not take \Seen now, or the backend may refuse the command: it is left out
	items   []command.FetchItem
	earlier *earlierGone      // of the modifier VANISHED; nil without it
	seen    map[imap.UID]bool // \Seen was set before the answer, because HIGHESTMODSEQ had to be raised for it
}

// response is the handler of the exchange.
func (f *fetching) response(h response.Head) (bool, error) {
	if f.earlier != nil && h.Name == "VANISHED" {
		return f.earlier.response(f.s, h)
	}
	if h.Name != "FETCH" {
		return false, nil
	}
	if f.earlier != nil {
		f.earlier.rest(f.s)
	}
	s := f.s
	n, ok := s.mbox.view.ClientSeq(imap.SeqNum(h.Num))
	if !ok {
		return false, nil // swallowed by the usual treatment
	}
	// fetchHead below overwrites nothing of the reader: h.Raw is not used any more.
	for len(f.todo) > 0 {
		at, ok := s.mbox.view.InjectedSeq(f.todo[0])
		if ok && at > n {
			break
		}
		if err := f.one(); err != nil {
			return true, err
		}
	}
	return true, s.relayFetch(n)
}

// rest answers for the injected messages behind the last real one.
func (f *fetching) rest() error {
	if f.earlier != nil {
		f.earlier.rest(f.s)
	}
	for len(f.todo) > 0 {
		if err := f.one(); err != nil {
			return err
		}
	}
	f.raised()
	if f.refused != "" {
		return refusal{f.refused}
	}
	if f.failed {
		return refusal{"[UNAVAILABLE] Some of the messages cannot be had now."}
	}
	return nil
}

func (f *fetching) one() error {
	uid := f.todo[0]
	f.todo = f.todo[1:]
	s := f.s
	e := s.mbox.entries[uid]
	n, ok := s.mbox.view.InjectedSeq(uid)
	if e == nil || !ok {
		return nil
	}
	msg, err := s.g.render.message(e.template, &e.p)
	if err != nil {
		s.log.Error("injected message not rendered", "placement", e.p.ID, "error", err)
		f.failed = true
		return nil
	}
	f.answer(n, e, msg.As(s.dialect()))
	return nil
}
