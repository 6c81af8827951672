package gateway

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/mailview"
	"inlay.example/inlay/internal/placement"
)

// answer is what SELECT was answered with, withheld until it is known what the view holds.
// Lines keep their order and, where nothing of ours is in them, their octets.
type answer struct {
	lines  []answerLine
	size   int
	exists uint32
	recent uint32
}

type answerLine struct {
	raw  []byte
	what string // EXISTS RECENT FLAGS, or the code of an OK; else empty
}

// selectMailbox runs SELECT and EXAMINE.
//
//	select  = "SELECT" SP mailbox
//	examine = "EXAMINE" SP mailbox
//
// The one SELECT that the client asked for is sent, its answer withheld (selecting twice
// would lose RECENT), what there is for the person is looked up meanwhile, new messages are
// injected, and the answer composed.
func (s *session) selectMailbox(c *command.Command, a *command.Select) error {
	s.mbox = nil
	if s.g.service != nil && (s.lookup == nil || time.Since(s.lookup.started) > lookupAge) {
		s.startLookup()
	}
	m := newMailbox(a.Mailbox, string(c.Raw[a.MailboxStart:a.MailboxEnd]))
	m.readOnly = a.ReadOnly
	var ans answer
	res, err := s.exchange(c.Tag, s.selectRaw(c, a, m), nil, func(h response.Head) (bool, error) { return s.hold(&ans, h) })
	if err != nil {
		return err
	}
	if !res.ok() || s.g.service == nil {
		if res.ok() {
			s.mbox = m
		}
		for _, l := range ans.lines {
			_, _ = s.out.Write(l.raw)
		}
		return s.answer(res)
	}
	if err := s.open(m, &ans, res); err != nil {
		return err
	}
	s.mbox = m
	if err := s.compose(m, &ans); err != nil {
		return err
	}
	m.composing = false
	s.reply(m, &ans)
	if err := s.answer(res); err != nil {
		return err
	}
	if len(m.injected) > 0 {
		m.injected = nil
		if err := s.out.Flush(); err != nil {
			return err
		}
		s.g.cfg.AtStep(StepAnswered)
	}
	return nil
}

// selectRaw is the command as it is sent; a mailbox name that came as a literal is sent, and
// kept for commands of our own, as a quoted string where it can be.
func (s *session) selectRaw(c *command.Command, a *command.Select, m *mailbox) []byte {
	if len(c.Literals) == 0 {
		return c.Raw
	}
	m.raw = string(imap.AppendString(nil, imap.EncodeMailbox(a.Mailbox)))
	return []byte(c.Tag + " " + c.Name + " " + m.raw + "\r\n")
}

// maxAnswer bounds what is held of the answer to SELECT.
const maxAnswer = 256 << 10

func (s *session) hold(ans *answer, h response.Head) (bool, error) {
	if h.Name == "BYE" || h.Name == "CAPABILITY" {
		return false, nil
	}
	if h.Name == "FETCH" || h.Name == "EXPUNGE" {
		// Of the mailbox that is being left, in numbers that mean nothing any more.
		return true, backendError(s.bc.Reader.Copy(discard{}))
	}
	l := answerLine{raw: bytes.Clone(h.Raw)}
	name, num := h.Name, h.Num
	rest, err := s.rest(heldLine)
	if err != nil {
		return true, err
	}
	switch name {
	case "EXISTS":
		l.what, ans.exists = name, num
	case "RECENT":
		l.what, ans.recent = name, num
	case "FLAGS":
		l.what = name
	case "OK":
		st := response.ParseStatus(rest)
		l.what = st.Code
		if st.Code == "CLOSED" {
			// rfc7162 §3.2.11: what came before was of the mailbox that was left.
			ans.exists, ans.recent = 0, 0
		}
	}
	l.raw = append(l.raw, rest...)
	ans.lines = append(ans.lines, l)
	if ans.size += len(l.raw); ans.size > maxAnswer {
		return true, desync{fmt.Errorf("answer to SELECT of more than %d octets", maxAnswer)}
	}
	return true, nil
}

// open makes the mailbox of an OK answer.
func (s *session) open(m *mailbox, ans *answer, res tagged) error {
	m.active, m.composing = true, true
	m.recent = ans.recent
	if res.status.Code == "READ-ONLY" {
		m.readOnly = true
	}
	for _, l := range ans.lines {
		rest := restOf(l.raw)
		switch l.what {
		case "FLAGS":
			flags, err := response.ParseFlags(rest)
			if err != nil {
				return desync{fmt.Errorf("FLAGS: %w", err)}
			}
			m.flags, m.keyword = withoutKeyword(flags)
		case "PERMANENTFLAGS":
			flags, err := response.ParseFlags(response.ParseStatus(rest).CodeArgs)
			if err != nil {
				return desync{fmt.Errorf("PERMANENTFLAGS: %w", err)}
			}
			m.permanent = flags
		case "UIDVALIDITY", "UIDNEXT", "UNSEEN":
			n, err := strconv.ParseUint(strings.TrimSpace(string(response.ParseStatus(rest).CodeArgs)), 10, 32)
			if err != nil {
				return desync{fmt.Errorf("%s: %w", l.what, err)}
			}
			switch l.what {
			case "UIDVALIDITY":
				m.validity = uint32(n)
			case "UIDNEXT":
				m.uidNext = uint32(n)
			default:
				m.unseen = uint32(n)
			}
		case "UIDNOTSTICKY":
			m.notSticky = true
		}
	}
	m.view = mailview.New(ans.exists)
	return nil
}

// restOf gives what follows "* OK" or "* FLAGS".
func restOf(raw []byte) []byte {
	if i := bytes.IndexByte(raw[min(2, len(raw)):], ' '); i >= 0 {
		return raw[2+i:]
	}
	return nil
}

// compose finds out what the view holds: markers hidden, placements read, claims of others
// resolved, new messages injected, ranks asked. The client has been told nothing yet.
func (s *session) compose(m *mailbox, ans *answer) error {
	if m.validity == 0 || m.uidNext == 0 {
		s.notInjected(reasonNoUIDNext, nil)
		return nil
	}
	if m.keyword {
		if err := s.findMarkers(); err != nil {
			return err
		}
	}
	offers, live, err := s.ledgerAtSelect(m)
	if err != nil {
		return err
	}
	if err := s.removeOrphans(); err != nil {
		return err
	}
	if len(offers) > 0 {
		s.contested = false
		if err := s.inject(offers); err != nil {
			return err
		}
		if s.contested {
			// Who was first is in the ledger: claimed, and about to be live.
			more, err := s.readAtSelect(m, s.g.cfg.KnownBudget)
			if err != nil {
				return err
			}
			live = more
		}
	}
	entries := s.entries(live)
	if entries, err = s.ownUIDs(entries); err != nil {
		return err
	}
	if err := s.place(entries); err != nil {
		return err
	}
	m.lastUID = max(m.lastUID, imap.UID(m.uidNext-1))
	return nil
}

// ledgerAtSelect reads what there is for the person in this mailbox: offers from the lookup at
// login, and the live placements by a reading that starts now, behind the answer to SELECT, if
// there can be any.
func (s *session) ledgerAtSelect(m *mailbox) ([]injection.Offer, []placement.Placement, error) {
	budget := s.g.cfg.LookupBudget
	if m.keyword && !s.g.service.open() {
		// Injected into before: a message that vanishes for one session and comes back is
		// worse than a slow SELECT.
		budget = s.g.cfg.KnownBudget
	}
	until := time.Now().Add(budget)
	session, ok := s.awaitLookup(budget)
	held := func(p placement.Placement) bool { return p.Mailbox == m.name }
	if !m.keyword && !(ok && slices.ContainsFunc(session.Placements, held)) {
		if !ok {
			return nil, s.knownOf(m), nil
		}
		return session.Offers, nil, nil
	}
	s.voided = false
	live, err := s.readAtSelect(m, max(time.Until(until), s.g.cfg.LookupBudget))
	if err != nil {
		return nil, nil, err
	}
	if s.voided {
		// A dead gateway's claim was cleared away: what it stood for may be offered again.
		s.startLookup()
		session, _ = s.awaitLookup(s.g.cfg.LookupBudget)
	}
	return session.Offers, live, nil
}

// readAtSelect is the reading behind the answer to SELECT, with claims resolved.
func (s *session) readAtSelect(m *mailbox, budget time.Duration) ([]placement.Placement, error) {
	all, err := s.placements(budget)
	if err != nil {
		s.notInjected(reasonOf(err), err)
		return s.knownOf(m), nil
	}
	s.remember(all)
	live, claimed := m.here(all)
	m.read = time.Now()
	if len(claimed) == 0 {
		return live, nil
	}
	return s.resolve(claimed)
}

// remember keeps the last known placements of the person: what the session has shown stays
// addressable while the store is down.
func (s *session) remember(all []placement.Placement) { s.lastKnown = all }

// knownOf gives what was known of a mailbox when the ledger cannot be read.
func (s *session) knownOf(m *mailbox) []placement.Placement {
	live, _ := m.here(s.lastKnown)
	return live
}

// findMarkers hides the markers that are in the mailbox now.
func (s *session) findMarkers() error {
	var uids imap.Set
	_, err := s.own("UID SEARCH KEYWORD "+keyword, s.collect("SEARCH", heldLine, func(_ response.Head, rest []byte) error {
		found, err := response.ParseSearch(rest)
		for _, u := range found {
			uids.Add(u)
		}
		return wrapDesync(err)
	}))
	if err != nil || uids.Empty() {
		return err
	}
	s.g.metrics.doorbells.WithLabelValues("marker").Inc()
	return s.learnMarkers(uids)
}

// removeOrphans expunges markers that belong to no claim that is alive: their gateway died.
func (s *session) removeOrphans() error {
	m := s.mbox
	if len(m.markers) == 0 {
		return nil
	}
	all, err := s.placements(s.g.cfg.KnownBudget)
	if err != nil {
		return nil //nolint:nilerr // they stay hidden; a later session removes them
	}
	now := time.Now()
	for uid, mk := range m.markers {
		alive := slices.ContainsFunc(all, func(p placement.Placement) bool {
			return p.State == placement.Claimed && p.Token == mk.token && p.Lease.After(now)
		})
		if !alive {
			if err := s.expungeMarker(uid); err != nil {
				return err
			}
		}
	}
	return nil
}

// entries makes entries of live placements, with those of this SELECT.
func (s *session) entries(live []placement.Placement) []*entry {
	m := s.mbox
	out := slices.Clone(m.injected)
	for _, p := range live {
		if slices.ContainsFunc(out, func(e *entry) bool { return e.p.ID == p.ID }) {
			continue
		}
		if uint32(p.UID) >= m.uidNext {
			// rfc9051 §2.3.1.1: every UID is below UIDNEXT; the mailbox was restored.
			s.voidLive(p, "uid_taken")
			s.notInjected(reasonTaken, nil)
			continue
		}
		e, err := s.entry(p)
		if err != nil {
			s.notInjected(reasonRender, err)
			continue
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *entry) int { return int(int64(a.p.UID) - int64(b.p.UID)) })
	return out
}

// ownUIDs leaves out whose UID the backend has given to a message of its own.
func (s *session) ownUIDs(entries []*entry) ([]*entry, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var set imap.Set
	for _, e := range entries {
		set.Add(uint32(e.p.UID))
	}
	var taken imap.Set
	_, err := s.own("UID SEARCH UID "+set.String(), s.collect("SEARCH", heldLine, func(_ response.Head, rest []byte) error {
		found, err := response.ParseSearch(rest)
		for _, u := range found {
			taken.Add(u)
		}
		return wrapDesync(err)
	}))
	if err != nil || taken.Empty() {
		return entries, err
	}
	kept := entries[:0]
	for _, e := range entries {
		if !taken.Contains(uint32(e.p.UID)) {
			kept = append(kept, e)
			continue
		}
		s.notInjected(reasonTaken, nil)
		s.voidLive(e.p, "uid_taken")
	}
	return kept, nil
}

// place puts the entries into the view, and reveals what arrived while SELECT was worked on.
func (s *session) place(entries []*entry) error {
	m := s.mbox
	if _, err := s.identifyAll(); err != nil {
		return err
	}
	for _, f := range m.fresh {
		if err := m.view.Reveal(f.seq); err != nil {
			return desync{err}
		}
		m.uidNext = max(m.uidNext, uint32(f.uid)+1)
		m.told(f.uid)
		m.lastReal = f.uid
	}
	fresh := m.fresh
	m.fresh = nil
	for _, e := range entries {
		rank, err := s.rank(e.p.UID, fresh)
		if err != nil {
			return err
		}
		if err := m.add(e, rank); err != nil {
			return desync{err}
		}
	}
	return nil
}

// rank asks for the number of real messages below uid, by number and thus in this session's
// numbering: a question by UID could let the backend announce expunges.
func (s *session) rank(uid imap.UID, fresh []freshMessage) (uint32, error) {
	m := s.mbox
	below := func() uint32 { // nothing but fresh messages and markers lies behind
		n := m.view.Backend()
		for _, f := range fresh {
			if f.uid > uid {
				n--
			}
		}
		for u := range m.markers {
			if u > uid {
				n--
			}
		}
		return n
	}
	switch {
	case m.view.Backend() == 0 || uid == 1:
		return 0, nil
	case uint32(uid)+1 == m.uidNext:
		return below(), nil
	}
	var rank uint32
	if s.caps.Has("ESEARCH") {
		res, err := s.own(fmt.Sprintf("SEARCH RETURN (MAX) UID 1:%d", uid-1), s.collect("ESEARCH", heldLine, func(_ response.Head, rest []byte) error {
			es, err := response.ParseESearch(rest)
			rank = es.Max
			return wrapDesync(err)
		}))
		if err != nil {
			return 0, err
		}
		if !res.ok() {
			return 0, desync{fmt.Errorf("SEARCH for a rank: %s", bytes.TrimSpace(res.raw))}
		}
		return rank, nil
	}
	first := uint32(0)
	res, err := s.own(fmt.Sprintf("SEARCH UID %d:%d", uid+1, imap.MaxUID), func(h response.Head) (bool, error) {
		if h.Name != "SEARCH" {
			return false, nil
		}
		return true, s.eachNumber(func(n uint32) {
			if first == 0 || n < first {
				first = n
			}
		})
	})
	if err != nil {
		return 0, err
	}
	if !res.ok() {
		return 0, desync{fmt.Errorf("SEARCH for a rank: %s", bytes.TrimSpace(res.raw))}
	}
	if first == 0 {
		return m.view.Backend(), nil
	}
	return first - 1, nil
}

// reply writes the answer, corrected.
func (s *session) reply(m *mailbox, ans *answer) {
	unseen := s.firstUnseen(m)
	hasUnseen := slices.ContainsFunc(ans.lines, func(l answerLine) bool { return l.what == "UNSEEN" })
	seen := map[string]bool{}
	for i, l := range ans.lines {
		rest := restOf(l.raw)
		// A line that was said twice (of the mailbox left, and of this one) counts at its last.
		last := !slices.ContainsFunc(ans.lines[i+1:], func(n answerLine) bool { return n.what != "" && n.what == l.what })
		switch {
		case !last:
			_, _ = s.out.Write(l.raw)
		case l.what == "EXISTS" && m.view.Client() != ans.exists:
			s.number(m.view.Client(), "EXISTS")
		case l.what == "RECENT" && m.recentTold() != ans.recent:
			s.number(m.recentTold(), "RECENT")
		case l.what == "FLAGS" && (m.keyword || s.unknownKeywords(m)):
			for _, e := range m.entries {
				for _, f := range e.p.Flags {
					if !m.hasFlag(f) {
						m.flags = append(m.flags, f)
					}
				}
			}
			s.line("* FLAGS (" + strings.Join(m.flags, " ") + ")")
		case l.what == "PERMANENTFLAGS" && hasFlag(m.permanent, keyword):
			told, _ := withoutKeyword(m.permanent)
			_, _ = s.out.WriteString("* OK")
			_, _ = s.out.Write(replaceCode(rest, "PERMANENTFLAGS ("+strings.Join(told, " ")+")"))
		case l.what == "UIDNEXT":
			_, _ = s.out.WriteString("* OK")
			_, _ = s.out.Write(replaceCode(rest, "UIDNEXT "+strconv.FormatUint(uint64(m.uidNext), 10)))
		case l.what == "UNSEEN":
			if unseen != 0 {
				_, _ = s.out.WriteString("* OK")
				_, _ = s.out.Write(replaceCode(rest, "UNSEEN "+strconv.FormatUint(uint64(unseen), 10)))
			}
		default:
			_, _ = s.out.Write(l.raw)
		}
		if l.what == "RECENT" && last && !hasUnseen && unseen != 0 && !seen["UNSEEN"] {
			seen["UNSEEN"] = true
			s.line("* OK [UNSEEN " + strconv.FormatUint(uint64(unseen), 10) + "] First unseen.")
		}
	}
}

func (s *session) unknownKeywords(m *mailbox) bool {
	for _, e := range m.entries {
		for _, f := range e.p.Flags {
			if !m.hasFlag(f) {
				return true
			}
		}
	}
	return false
}

// firstUnseen is UNSEEN in the client's numbers; 0 leaves the code out.
func (s *session) firstUnseen(m *mailbox) uint32 {
	var first uint32
	if m.unseen != 0 {
		if n, ok := m.view.ClientSeq(imap.SeqNum(m.unseen)); ok {
			first = uint32(n)
		}
	}
	for uid, e := range m.entries {
		if n, ok := m.view.InjectedSeq(uid); ok && e.unseen() && (first == 0 || uint32(n) < first) {
			first = uint32(n)
		}
	}
	return first
}
