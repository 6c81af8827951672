package gateway

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/message"
)

// selection is a client's set, split into what the backend holds and what we do.
type selection struct {
	real     imap.Set   // in the backend's numbers, or UIDs
	injected []imap.UID // ascending
	ghosts   uint64     // told to the client and gone from the backend
	beyond   bool       // sequence numbers above the view were named, or UIDs of nobody
}

// selected splits a set. Sequence numbers are the client's; of UIDs nothing past the last one
// told goes to the backend, so that no command touches what the client does not know of.
func (s *session) selected(set imap.SeqSet, uid bool) (selection, error) {
	m := s.mbox
	var sel selection
	if !uid {
		nums := set.Resolve(m.view.Client())
		if nums.Max() > m.view.Client() || nums.Empty() || m.view.Client() == 0 {
			sel.beyond = true
			nums = nums.Clone()
			nums.RemoveRange(m.view.Client()+1, uint32(imap.MaxUID))
		}
		sel.real, sel.injected, sel.ghosts = m.view.Split(nums)
		return sel, nil
	}
	star := uint32(m.lastUID)
	if starMatters(set) || star == 0 {
		last, err := s.lastUID()
		if err != nil {
			return sel, err
		}
		star = uint32(last)
	}
	uids := set.Resolve(star)
	if m.capped() && m.lastUID < imap.MaxUID {
		uids = uids.Clone()
		uids.RemoveRange(uint32(m.lastUID)+1, uint32(imap.MaxUID))
	}
	sel.real, sel.injected = m.view.SplitUID(uids)
	// Nothing that anybody has: the backend is asked for a UID that it has not, and says in its
	// own words what that means for this command, this mailbox and this target.
	sel.beyond = sel.real.Empty() && len(sel.injected) == 0 && m.lastUID < imap.MaxUID
	return sel, nil
}

// starMatters reports whether it must be known which UID "*" is: of 1:* nothing is lost when
// it reaches further, up to the last UID that the client knows of.
func starMatters(set imap.SeqSet) bool {
	for _, r := range set {
		if (r.A == 0 || r.B == 0) && r.A != 1 && r.B != 1 {
			return true
		}
	}
	return false
}

// capped reports whether it is known how far the client's knowledge of UIDs reaches.
func (m *mailbox) capped() bool { return m.uidNext > 0 || m.lastUID > 0 }

// asWritten reports whether a set means the same to the backend as to the client, and reaches
// nothing that the client does not know of.
func (m *mailbox) asWritten(set imap.SeqSet, uid bool) bool {
	return m.view.Identity() && !set.HasStar() && (!uid || !m.capped() || set.Resolve(0).Max() <= uint32(m.lastUID))
}

// lastUID is the UID of the last message of the view: what "*" means among UIDs. 0 if the
// view is empty.
func (s *session) lastUID() (imap.UID, error) {
	m := s.mbox
	n := m.view.Client()
	if n == 0 {
		return 0, nil
	}
	if uid, ok := m.view.InjectedAt(imap.SeqNum(n)); ok {
		return uid, nil
	}
	if m.lastReal != 0 {
		return m.lastReal, nil
	}
	seq, ok := m.view.BackendSeq(imap.SeqNum(n))
	if !ok {
		// A ghost: what it was nobody knows any more, and nothing above it can be asked for.
		return m.lastUID, nil
	}
	_, err := s.own(fmt.Sprintf("FETCH %d (UID)", seq), s.collect("FETCH", heldLine, func(h response.Head, rest []byte) error {
		f, err := response.ParseFetch(rest)
		if err != nil {
			return desync{err}
		}
		if imap.SeqNum(h.Num) == seq && f.UID != 0 {
			m.lastReal = f.UID
			return nil
		}
		return s.flagsAside(imap.SeqNum(h.Num), f)
	}))
	if m.lastReal == 0 {
		return m.lastUID, err
	}
	return m.lastReal, err
}

// fetch runs FETCH and UID FETCH.
//
//	fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
//
// The real part goes to the backend and its responses are streamed under the client's
// numbers; those of injected messages are put between them, in ascending order.
func (s *session) fetch(c *command.Command, a *command.Fetch) error {
	m := s.mbox
	if m == nil || !m.active || m.asWritten(a.Set, a.UID) {
		return s.forward(c)
	}
	if err := s.freshen(freshAge, s.g.cfg.LookupBudget); err != nil {
		return err
	}
	sel, err := s.selected(a.Set, a.UID)
	if err != nil {
		return err
	}
	f := &fetching{s: s, a: a, todo: sel.injected}
	if sel.real.Empty() && !sel.beyond {
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

// splice replaces raw[start:end].
func splice(raw []byte, start, end int, with string) []byte {
	out := make([]byte, 0, len(raw)+len(with))
	out = append(out, raw[:start]...)
	out = append(out, with...)
	return append(out, raw[end:]...)
}

// shift moves the literals behind a splice.
func shift(lits []command.Literal, end, by int) []command.Literal {
	if len(lits) == 0 {
		return nil
	}
	out := make([]command.Literal, len(lits))
	for i, l := range lits {
		if l.Pos >= end {
			l.Pos += by
		}
		out[i] = l
	}
	return out
}

// backendSet is the set for the backend. Numbers beyond the view are made one that is beyond
// every mailbox, so that it is the backend that says what it thinks of them.
func backendSet(sel selection) string {
	b := sel.real.AppendTo(nil)
	if sel.beyond {
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = append(b, noMessage...)
	}
	return string(b)
}

// noMessage is a set of UIDs that no message has. It is not the greatest number, by which
// some servers mean "*" inside.
var noMessage = strconv.FormatUint(uint64(imap.MaxUID)-1, 10)

// local runs a command that asks nothing of the backend's messages, whose set is raw[start:end]
// and of UIDs if uid; do is what is to be said and done of injected ones. The backend is asked
// the same of a UID that no message has: so it tells its news, and says in its own words
// whether this may be done here.
func (s *session) local(c *command.Command, start, end int, uid bool, sel selection, do func() error) error {
	if sel.ghosts > 0 && len(sel.injected) == 0 {
		if _, err := s.own("NOOP", nil); err != nil {
			return err
		}
		if err := s.settle(); err != nil {
			return err
		}
		// rfc5530 §3: asked of messages that are gone alone.
		s.line(c.Tag + " NO [EXPUNGEISSUED] The messages are gone.")
		return nil
	}
	raw := splice(c.Raw, start, end, noMessage)
	lits := shift(c.Literals, end, len(raw)-len(c.Raw))
	if !uid { // numbers would be beyond the mailbox
		at := len(c.Tag) + 1
		raw, lits = splice(raw, at, at, "UID "), shift(lits, at, len("UID "))
	}
	res, err := s.exchange(c.Tag, raw, lits, nil)
	if err != nil {
		return err
	}
	if res.ok() {
		if err := do(); err != nil {
			return s.localError(c, err)
		}
	}
	if err := s.settle(); err != nil {
		return err
	}
	return s.answer(res)
}

// refusal is an answer NO of our own: nothing of it was acknowledged.
type refusal struct{ text string }

func (r refusal) Error() string { return r.text }

// unavailable is the answer while the store cannot make a change durable (rfc5530 §3).
var unavailable = refusal{"[UNAVAILABLE] The change could not be stored, please try again."}

var expungeIssued = refusal{"[EXPUNGEISSUED] Some of the messages are gone."}

// localError answers a refusal; other errors end the session.
func (s *session) localError(c *command.Command, err error) error {
	var r refusal
	if !errors.As(err, &r) {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	s.line(c.Tag + " NO " + r.text)
	return nil
}

// fetching puts the responses of injected messages between those of real ones.
type fetching struct {
	s      *session
	a      *command.Fetch
	todo   []imap.UID
	failed bool // a message could not be rendered
}

// response is the handler of the exchange.
func (f *fetching) response(h response.Head) (bool, error) {
	if h.Name != "FETCH" {
		return false, nil
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
	for len(f.todo) > 0 {
		if err := f.one(); err != nil {
			return err
		}
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
	_, _ = s.out.Write(s.fetchResponse(n, e, msg, f.a))
	return nil
}

// fetchResponse is the FETCH response of an injected message: UID first (a client mixes
// messages up otherwise), then what was asked for in its order, FLAGS that the request
// changed, and bodies last, as Dovecot does.
func (s *session) fetchResponse(n imap.SeqNum, e *entry, msg *message.Message, a *command.Fetch) []byte {
	seen := s.markSeen(e, a)
	b := append([]byte("* "), strconv.FormatUint(uint64(n), 10)...)
	b = append(b, " FETCH ("...)
	open := len(b)
	sep := func() {
		if len(b) > open {
			b = append(b, ' ')
		}
	}
	asked := map[string]bool{}
	for _, it := range a.Items {
		asked[it.Name] = true
	}
	if a.UID || asked["UID"] {
		b = append(b, "UID "...)
		b = strconv.AppendUint(b, uint64(e.p.UID), 10)
	}
	done := map[string]bool{"UID": true}
	for _, it := range a.Items {
		if done[it.Name] || isBody(it) {
			continue
		}
		done[it.Name] = true
		sep()
		b = append(b, it.Name...)
		b = append(b, ' ')
		switch it.Name {
		case "FLAGS":
			b = appendFlags(b, e.flagList())
		case "INTERNALDATE":
			b = append(b, '"')
			b = e.p.InternalDate.UTC().AppendFormat(b, "02-Jan-2006 15:04:05 -0700")
			b = append(b, '"')
		case "RFC822.SIZE":
			b = strconv.AppendInt(b, msg.Size(), 10)
		case "ENVELOPE":
			b = msg.AppendEnvelope(b)
		case "BODY":
			b = msg.AppendBody(b)
		case "BODYSTRUCTURE":
			b = msg.AppendBodyStructure(b)
		}
	}
	if seen && !asked["FLAGS"] {
		sep()
		b = append(b, "FLAGS "...)
		b = appendFlags(b, e.flagList())
	}
	written := map[string]bool{}
	for _, it := range a.Items {
		if !isBody(it) {
			continue
		}
		name, section := bodyItem(it)
		if written[name] {
			continue
		}
		written[name] = true
		sep()
		b = append(b, name...)
		b = append(b, ' ')
		data, ok := msg.Section(section)
		if !ok {
			b = append(b, "NIL"...)
			continue
		}
		b = append(b, '{')
		b = strconv.AppendInt(b, int64(len(data)), 10)
		b = append(b, "}\r\n"...)
		b = append(b, data...)
	}
	return append(b, ")\r\n"...)
}

func appendFlags(b []byte, flags []string) []byte {
	b = append(b, '(')
	b = append(b, strings.Join(flags, " ")...)
	return append(b, ')')
}

func isBody(it command.FetchItem) bool {
	switch it.Name {
	case "BODY[]", "RFC822", "RFC822.HEADER", "RFC822.TEXT":
		return true
	}
	return false
}

// bodyItem gives the name in the response and the section of an item that carries octets.
func bodyItem(it command.FetchItem) (name string, section imap.Section) {
	switch it.Name {
	case "RFC822":
		return it.Name, imap.Section{}
	case "RFC822.HEADER":
		return it.Name, imap.Section{Specifier: imap.Header}
	case "RFC822.TEXT":
		return it.Name, imap.Section{Specifier: imap.Text}
	}
	return message.SectionName(*it.Section), *it.Section
}

// setsSeen reports whether the item implies \Seen (rfc3501 §6.4.5).
func setsSeen(it command.FetchItem) bool {
	return it.Name == "BODY[]" && !it.Peek || it.Name == "RFC822" || it.Name == "RFC822.TEXT"
}

// markSeen sets the \Seen that a body without PEEK implies, durably before it is told; where
// that cannot be done it is left out. In a mailbox opened read-only only the event is recorded.
func (s *session) markSeen(e *entry, a *command.Fetch) (changed bool) {
	body := false
	for _, it := range a.Items {
		body = body || setsSeen(it)
	}
	if !body || e.p.Seen() || e.left {
		return false
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.KnownBudget)
	defer cancel()
	if s.mbox.readOnly || !s.mbox.permits(`\Seen`) {
		err := s.g.service.Record(ctx, s.person(), []injection.Observation{{Type: event.Read, Placement: e.p.ID, Campaign: e.p.Campaign}})
		if err != nil {
			s.log.Info("reading not recorded", "placement", e.p.ID, "error", err)
		}
		return false
	}
	p, err := s.g.service.SetFlags(ctx, injection.FlagsRequest{Person: s.person(), ID: e.p.ID, Op: injection.AddFlags, Flags: []string{`\Seen`}})
	if err != nil {
		s.log.Info("implicit \\Seen left out", "placement", e.p.ID, "error", err)
		return false
	}
	e.p = p
	s.g.known.change(s.user, p)
	return true
}
