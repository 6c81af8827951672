package gateway

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/mailview"
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

// numbered reports whether the line is about the messages of a mailbox.
func (l answerLine) numbered() bool {
	return l.what == "EXISTS" || l.what == "RECENT" || l.what == "FLAGS"
}

// selectMailbox runs SELECT and EXAMINE.
//
//	select  = "SELECT" SP mailbox [select-params]
//	examine = "EXAMINE" SP mailbox [select-params]
//
// The one SELECT that the client asked for is sent, its answer withheld (selecting twice
// would lose RECENT), what there is for the person is looked up meanwhile, new messages are
// injected, and the answer composed.
func (s *session) selectMailbox(c *command.Command, a *command.Select) error {
	if s.service == nil {
		return s.forward(c)
	}
	left := s.mbox
	s.mbox = nil
	s.freshLookup()
	m := newMailbox(a.Mailbox, string(c.Raw[a.MailboxStart:a.MailboxEnd]))
	m.readOnly = a.ReadOnly
	var ans answer
	res, err := s.exchange(c.Tag, s.selectRaw(c, a, m), nil, func(h response.Head) (bool, error) { return s.hold(&ans, h) })
	if err != nil {
		return err
	}
	if !res.ok() {
		// rfc3501 §6.3.1: a SELECT that fails leaves no mailbox selected. A server that leaves
		// the old one must not hear numbers that nobody translates any more.
		s.nowhere = s.nowhere || left != nil
		for _, l := range ans.lines {
			_, _ = s.out.Write(l.raw)
		}
		return s.answer(res)
	}
	s.nowhere = false
	if err := s.open(m, &ans, res); err != nil {
		return err
	}
	s.mbox = m
	if err := s.compose(m); err != nil {
		return err
	}
	m.composing = false
	if err := s.resynchronise(m, a.QResync, func() { s.reply(m, &ans) }); err != nil {
		return err
	}
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
// kept for commands of our own, as a quoted string.
func (s *session) selectRaw(c *command.Command, a *command.Select, m *mailbox) []byte {
	if len(c.Literals) == 0 && a.QResync == nil {
		return c.Raw
	}
	if len(c.Literals) > 0 {
		m.raw = string(imap.AppendQuoted(nil, a.Octets))
	}
	params := ""
	if a.CondStore || a.QResync != nil { // what QRESYNC asks for is asked for when it is known what the view holds
		params = " (CONDSTORE)"
	}
	return []byte(c.Tag + " " + c.Name + " " + m.raw + params + "\r\n")
}

// maxAnswer bounds what is held of the answer to SELECT.
const maxAnswer = 256 << 10

func (s *session) hold(ans *answer, h response.Head) (bool, error) {
	if h.Name == "BYE" || h.Name == "CAPABILITY" {
		return false, nil
	}
	if h.Name == "FETCH" || h.Name == "EXPUNGE" || h.Name == "VANISHED" {
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
			ans.lines = slices.DeleteFunc(ans.lines, func(l answerLine) bool { return l.numbered() })
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
			m.permanent = append([]string{}, flags...) // not nil: it was said
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
		case "HIGHESTMODSEQ":
			n, err := highestModSeq(response.ParseStatus(rest))
			if err != nil {
				return err
			}
			s.hearHighest(m, n)
		case "UIDNOTSTICKY":
			m.notSticky = true
		}
	}
	m.base = m.uidNext
	if m.uidNext > 0 {
		m.lastUID = imap.UID(m.uidNext - 1)
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

// reply writes the answer, corrected.
func (s *session) reply(m *mailbox, ans *answer) {
	m.recentSaid = m.recentTold()
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
		case l.what == "FLAGS" && (m.keyword || m.learnAll()):
			m.learnAll()
			s.tellFlags()
		case l.what == "PERMANENTFLAGS" && hasFlag(m.permanent, keyword):
			told, _ := withoutKeyword(m.permanent)
			_, _ = s.out.WriteString("* OK")
			_, _ = s.out.Write(replaceCode(rest, "PERMANENTFLAGS ("+strings.Join(told, " ")+")"))
		case l.what == "UIDNEXT":
			_, _ = s.out.WriteString("* OK")
			_, _ = s.out.Write(replaceCode(rest, "UIDNEXT "+strconv.FormatUint(uint64(m.uidNext), 10)))
		case l.what == "HIGHESTMODSEQ" && m.tracked(): // with what was injected or raised within this SELECT
			_, _ = s.out.WriteString("* OK")
			_, _ = s.out.Write(replaceCode(rest, "HIGHESTMODSEQ "+strconv.FormatUint(m.toldHighest(), 10)))
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

// learnAll takes note of the flags of all injected messages.
func (m *mailbox) learnAll() (grown bool) {
	for _, uid := range m.view.Injected() {
		if e := m.entries[uid]; e != nil && m.learn(e.p.Flags) {
			grown = true
		}
	}
	return grown
}

// firstUnseen is UNSEEN in the client's numbers; 0 leaves the code out.
func (s *session) firstUnseen(m *mailbox) uint32 {
	if m.unseenLost {
		return 0
	}
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
