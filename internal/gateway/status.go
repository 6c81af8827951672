package gateway

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// status runs STATUS.
//
//	status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
//
// Its answer is a doorbell: UIDNEXT and MESSAGES may stand for an injection elsewhere. So the
// placements are read behind it, and MESSAGES, UNSEEN and RECENT are corrected.
func (s *session) status(c *command.Command, a *command.Status) error {
	if s.g.service == nil {
		return s.forward(c)
	}
	if !s.mayHold(a.Mailbox) {
		return s.forward(c)
	}
	return s.correctedStatus(c, a)
}

// mayHold reports whether there may be placements in a mailbox, now or in a moment: another
// session of the person may just be injecting what is offered.
func (s *session) mayHold(mailbox string) bool {
	if m := s.mbox; m != nil && m.active && m.name == mailbox && (m.keyword || len(m.entries) > 0) {
		return true
	}
	if slices.ContainsFunc(s.g.known.of(s.user), func(p placement.Placement) bool { return p.Mailbox == mailbox }) {
		return true
	}
	s.freshLookup()
	session, err := s.awaitLookup(s.g.cfg.LookupBudget)
	if err != nil {
		s.notInjected(reasonOf(err), err)
	}
	return err == nil && (slices.ContainsFunc(session.Placements, func(p placement.Placement) bool { return p.Mailbox == mailbox }) ||
		slices.ContainsFunc(session.Offers, func(o injection.Offer) bool { return o.Mailbox == mailbox }))
}

// correctedStatus asks the backend with what is needed to tell whether the placements are of
// this mailbox, and tells what was asked for.
func (s *session) correctedStatus(c *command.Command, a *command.Status) error {
	with := "UIDVALIDITY UIDNEXT"
	for _, it := range a.Items {
		if it != "UIDVALIDITY" && it != "UIDNEXT" {
			with += " " + it
		}
	}
	raw := splice(c.Raw, a.ItemsStart, a.ItemsEnd, with)
	lits := shift(c.Literals, a.ItemsEnd, len(raw)-len(c.Raw))
	until := time.Now().Add(s.g.cfg.KnownBudget)
	var got statusAnswer
	for {
		got = statusAnswer{}
		res, err := s.exchange(c.Tag, raw, lits, got.handler(s))
		if err != nil {
			return err
		}
		all, err := s.placements(s.g.cfg.LookupBudget)
		if err != nil {
			s.notInjected(reasonOf(err), err)
			all = s.g.known.of(s.user)
		}
		// A claim that is alive may have its marker counted: ask again when it has ended. Ending
		// it is left to those who have the mailbox open.
		claimed := slices.ContainsFunc(all, func(p placement.Placement) bool {
			return p.State == placement.Claimed && p.Mailbox == a.Mailbox && p.Lease.After(time.Now())
		})
		if claimed && err == nil && time.Now().Before(until) {
			select {
			case <-time.After(50 * time.Millisecond):
				continue
			case <-s.ctx.Done():
				return s.ctx.Err()
			}
		}
		if got.raw != nil {
			s.tellStatus(a, &got, all)
		}
		// Of the selected mailbox the answer is a doorbell of the view too.
		if m := s.mbox; err == nil && m != nil && m.active && m.name == a.Mailbox && got.values["UIDNEXT"] > uint64(m.lastUID)+1 {
			s.g.metrics.doorbells.WithLabelValues("uidnext").Inc()
			if err := s.readLedger(s.g.cfg.KnownBudget); err != nil {
				return err
			}
		}
		return s.answerSettled(res)
	}
}

// statusAnswer is the backend's STATUS response.
type statusAnswer struct {
	raw    []byte // head and mailbox name, as it was said
	values map[string]uint64
}

func (g *statusAnswer) handler(s *session) handler {
	return func(h response.Head) (bool, error) {
		if h.Name != "STATUS" {
			return false, nil
		}
		raw := bytes.Clone(h.Raw)
		rest, err := s.rest(heldLine)
		if err != nil {
			return true, err
		}
		_, end, items, err := response.ParseMailboxStatus(rest)
		if err != nil {
			return true, desync{err}
		}
		g.raw = append(raw, rest[:end]...)
		g.values = map[string]uint64{}
		for _, it := range items {
			g.values[it.Name] = it.Value
		}
		return true, nil
	}
}

// statusOrder is the order in which Dovecot and Cyrus tell the items.
var statusOrder = []string{"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN"}

func (s *session) tellStatus(a *command.Status, got *statusAnswer, all []placement.Placement) {
	for _, p := range all {
		if p.State != placement.Live || p.Mailbox != a.Mailbox || uint64(p.UIDValidity) != got.values["UIDVALIDITY"] ||
			uint64(p.UID) >= got.values["UIDNEXT"] {
			continue
		}
		got.values["MESSAGES"]++
		if !p.Seen() {
			got.values["UNSEEN"]++
		}
	}
	if m := s.mbox; m != nil && m.active && m.name == a.Mailbox {
		for _, e := range m.entries {
			if e.recent && !e.left {
				got.values["RECENT"]++
			}
		}
		for _, mk := range m.markers { // that could not be expunged: the mailbox is open read-only
			less := func(item string, is bool) {
				if n := got.values[item]; is && n > 0 {
					got.values[item] = n - 1
				}
			}
			less("MESSAGES", true)
			less("RECENT", mk.recent)
			less("UNSEEN", mk.unseen)
		}
	}
	var items []string
	for _, name := range statusOrder {
		if v, ok := got.values[name]; ok && slices.Contains(a.Items, name) {
			items = append(items, name+" "+strconv.FormatUint(v, 10))
		}
	}
	_, _ = s.out.Write(got.raw)
	s.line(" (" + strings.Join(items, " ") + ")")
}
