package gateway

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/placement"
)

// status runs STATUS.
//
//	status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
//
// Its answer is a doorbell: UIDNEXT and MESSAGES may stand for an injection elsewhere. So the
// placements are read behind it, and MESSAGES, UNSEEN, RECENT, SIZE and DELETED are corrected.
func (s *session) status(c *command.Command, a *command.Status) error {
	if s.service == nil || !s.mayHold(a.Mailbox) {
		return s.forward(c)
	}
	raw := splice(c.Raw, a.ItemsStart, a.ItemsEnd, withPlace(a.Items))
	lits := shift(c.Literals, a.ItemsEnd, len(raw)-len(c.Raw))
	res, err := s.correctedStatus(a.Mailbox, a.Items, func(h handler) (tagged, error) {
		return s.exchange(c.Tag, raw, lits, h)
	})
	if err != nil {
		return err
	}
	return s.answerSettled(res)
}

// mayHold reports whether there may be placements in a mailbox, now or in a moment.
func (s *session) mayHold(mailbox string) bool {
	if s.quiet() && (s.mbox == nil || len(s.mbox.markers) == 0) {
		return false
	}
	if m := s.mbox; m != nil && m.active && m.name == mailbox && (m.keyword || len(m.entries) > 0) {
		return true
	}
	if slices.ContainsFunc(s.g.known.of(s.user), func(p placement.Placement) bool { return p.Mailbox == mailbox }) {
		return true
	}
	return s.holders()[mailbox]
}

// holders gives the mailboxes that may hold placements, now or in a moment: another session of
// the person may just be injecting what is offered.
func (s *session) holders() map[string]bool {
	out := map[string]bool{}
	if m := s.mbox; m != nil && m.active && (m.keyword || len(m.entries) > 0) {
		out[m.name] = true
	}
	for _, p := range s.g.known.of(s.user) {
		out[p.Mailbox] = true
	}
	s.freshLookup()
	session, err := s.awaitLookup(s.g.cfg.LookupBudget)
	if err != nil {
		s.notInjected(reasonOf(err), err)
		return out
	}
	for _, p := range session.Placements {
		out[p.Mailbox] = true
	}
	for _, o := range session.Offers {
		out[o.Mailbox] = true
	}
	return out
}

// withPlace are the items to ask for: with those that tell whether placements are of the mailbox.
func withPlace(items []string) string {
	with := "UIDVALIDITY UIDNEXT"
	for _, it := range items {
		if it != "UIDVALIDITY" && it != "UIDNEXT" {
			with += " " + it
		}
	}
	return with
}

// correctedStatus asks for the items of a mailbox, and tells them corrected. ask sends the
// STATUS, perhaps several times.
func (s *session) correctedStatus(mailbox string, items []string, ask func(handler) (tagged, error)) (tagged, error) {
	if err := s.weighMarkers(mailbox, items); err != nil {
		return tagged{}, err
	}
	until := time.Now().Add(s.g.cfg.KnownBudget)
	for {
		var got *mailboxStatus // of this asking
		res, err := ask(s.statusInto(&got))
		if err != nil {
			return res, err
		}
		all, err := s.statusLedger()
		if err == nil && beingClaimed(all, mailbox) && time.Now().Before(until) {
			select {
			case <-time.After(50 * time.Millisecond):
				continue
			case <-s.ctx.Done():
				return res, s.ctx.Err()
			}
		}
		if got == nil {
			return res, nil
		}
		rings := s.tellStatus(items, got, all)
		switch {
		case rings && err == nil:
			return res, s.statusRings()
		case rings:
			s.passes(s.mbox.lastUID+1, imap.UID(got.value("UIDNEXT")-1)) //nolint:gosec // 32 bits, and above lastUID
		}
		return res, nil
	}
}

// statusLedger reads the placements behind an answer. With an error it gives what is known.
func (s *session) statusLedger() ([]placement.Placement, error) {
	all, err := s.placements(s.g.cfg.LookupBudget)
	if err != nil {
		s.notInjected(reasonOf(err), err)
		all = s.g.known.of(s.user)
	}
	return all, err
}

// statusRings reads the placements for the view: of the selected mailbox the answer to STATUS
// is a doorbell of the view too.
func (s *session) statusRings() error {
	s.g.metrics.doorbells.WithLabelValues("uidnext").Inc()
	return s.readLedger(s.g.cfg.KnownBudget)
}

// beingClaimed reports whether a claim, or a change that is being raised, is alive in the mailbox:
// its marker may have been counted. Ending it is left to those who have the mailbox open.
func beingClaimed(all []placement.Placement, mailbox string) bool {
	return slices.ContainsFunc(all, func(p placement.Placement) bool {
		raising := p.Pending && !p.Left(time.Now())
		return p.Mailbox == mailbox && (raising || p.State == placement.Claimed && p.Lease.After(time.Now()))
	})
}

// mailboxStatus is a STATUS response of the backend.
type mailboxStatus struct {
	raw     []byte // head and mailbox name, as it was said
	octets  string // the name, unquoted
	mailbox string // UTF-8, canonical
	items   []response.StatusItem
}

// statusInto is a handler that keeps the STATUS response.
func (s *session) statusInto(got **mailboxStatus) handler {
	return func(h response.Head) (done bool, err error) {
		if h.Name != "STATUS" {
			return false, nil
		}
		*got, err = s.mailboxStatus(h)
		return true, err
	}
}

// mailboxStatus reads the rest of a STATUS response.
func (s *session) mailboxStatus(h response.Head) (*mailboxStatus, error) {
	raw := bytes.Clone(h.Raw)
	rest, err := s.rest(heldLine)
	if err != nil {
		return nil, err
	}
	name, end, items, err := response.ParseMailboxStatus(rest)
	if err != nil {
		return nil, desync{err}
	}
	return &mailboxStatus{
		raw: append(raw, rest[:end]...), octets: name, mailbox: imap.CanonicalMailbox(imap.DecodeMailbox(name)), items: items,
	}, nil
}

func (x *mailboxStatus) value(name string) uint64 {
	if it := x.item(name); it != nil {
		return it.Value
	}
	return 0
}

// item gives an item if it was told as a number.
func (x *mailboxStatus) item(name string) *response.StatusItem {
	for i := range x.items {
		if it := &x.items[i]; it.Name == name && it.Other == "" {
			return it
		}
	}
	return nil
}

func (x *mailboxStatus) plus(name string, n uint64) {
	if it := x.item(name); it != nil {
		it.Value += n
	}
}

// minus takes n away; nothing falls below zero.
func (x *mailboxStatus) minus(name string, n uint64) {
	if it := x.item(name); it != nil {
		it.Value -= min(n, it.Value)
	}
}

// tell writes the response with the items that were asked for, in the backend's order.
func (x *mailboxStatus) tell(s *session, asked []string) {
	var items []string
	for _, it := range x.items {
		switch {
		case !slices.Contains(asked, it.Name):
		case it.Other != "":
			items = append(items, it.Name+" "+it.Other)
		default:
			items = append(items, it.Name+" "+strconv.FormatUint(it.Value, 10))
		}
	}
	_, _ = s.out.Write(x.raw)
	s.line(" (" + strings.Join(items, " ") + ")")
}

// tellStatus corrects the response of a mailbox by the placements, and tells it. rings says
// that it knows of messages of the selected mailbox that the view does not.
func (s *session) tellStatus(asked []string, x *mailboxStatus, all []placement.Placement) (rings bool) {
	for _, p := range all {
		if p.State == placement.Live && p.Mailbox == x.mailbox && uint64(p.UIDValidity) == x.value("UIDVALIDITY") &&
			uint64(p.UID) < x.value("UIDNEXT") {
			s.count(x, asked, &p)
		}
	}
	if m := s.mbox; m != nil && m.active && m.name == x.mailbox {
		m.mod.hearHighest(x.value("HIGHESTMODSEQ"))
		rings = x.value("UIDNEXT") > uint64(m.lastUID)+1 || s.modSeqRings()
		for _, e := range m.entries {
			if e.recent && !e.left {
				x.plus("RECENT", 1)
			}
		}
		for _, mk := range m.markers { // that could not be expunged: the mailbox is open read-only
			mk.uncount(x)
		}
	} else {
		for _, mk := range s.leftElsewhere(x, all) {
			mk.uncount(x)
		}
	}
	x.tell(s, asked)
	return rings
}

// count adds an injected message.
func (s *session) count(x *mailboxStatus, asked []string, p *placement.Placement) {
	x.plus("MESSAGES", 1)
	if !p.Seen() {
		x.plus("UNSEEN", 1)
	}
	if p.HasFlag(`\Deleted`) {
		x.plus("DELETED", 1)
	}
	if !slices.Contains(asked, "SIZE") {
		return
	}
	// rfc8438 §4: the sum of RFC822.SIZE of all messages, or more.
	e, err := s.entry(*p)
	if err == nil {
		msg, rerr := s.g.render.message(e.template, &e.p)
		if err = rerr; err == nil {
			x.plus("SIZE", uint64(msg.Size())) //nolint:gosec // a length
			return
		}
	}
	s.notInjected(reasonRender, err)
}

// uncount takes a marker out of what the backend has counted.
func (mk *marker) uncount(x *mailboxStatus) {
	x.minus("MESSAGES", 1)
	for item, is := range map[string]bool{"RECENT": mk.recent, "UNSEEN": mk.unseen, "DELETED": mk.deleted} {
		if is {
			x.minus(item, 1)
		}
	}
	x.minus("SIZE", mk.size)
}

// weighMarkers asks for the sizes of markers that are in the selected mailbox, if they count.
func (s *session) weighMarkers(mailbox string, items []string) error {
	m := s.mbox
	if m == nil || !m.active || m.name != mailbox || !slices.Contains(items, "SIZE") {
		return nil
	}
	var uids imap.Set
	for uid, mk := range m.markers {
		if mk.size == 0 {
			uids.Add(uint32(uid))
		}
	}
	if uids.Empty() {
		return nil
	}
	_, err := s.own("UID FETCH "+uids.String()+" (UID RFC822.SIZE)", s.collect("FETCH", heldLine, func(h response.Head, rest []byte) error {
		f, err := response.ParseFetch(rest)
		if err != nil {
			return desync{err}
		}
		if mk := m.markers[f.UID]; mk != nil {
			mk.size = f.Size
			return nil
		}
		return s.flagsAside(imap.SeqNum(h.Num), f)
	}))
	return err
}
