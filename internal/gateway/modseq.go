package gateway

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/gateway/course"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/placement"
)

// modSeqs is what is known of a mailbox's mod-sequences (rfc7162).
type modSeqs struct {
	highest uint64 // the highest HIGHESTMODSEQ that the backend told of the mailbox as this session sees it; 0 if it keeps none
	plain   uint64 // likewise, of a backend that offers no CONDSTORE
	heard   uint64 // the highest that was heard in any way
	read    uint64 // heard when the last reading of the placements began
	peeked  bool   // the placements were read within a response of the command in progress
	held    []byte // an untagged HIGHESTMODSEQ, until everything that it covers is told
}

// hear takes a mod-sequence of a message or of a search.
func (q *modSeqs) hear(n uint64) { q.heard = max(q.heard, n) }

// hearHighest takes a HIGHESTMODSEQ.
func (q *modSeqs) hearHighest(n uint64) {
	q.highest = max(q.highest, n)
	q.hear(n)
}

// hearHighest takes a HIGHESTMODSEQ of the mailbox. Where the backend offers no CONDSTORE nobody can
// hold a mod-sequence, whatever it tells in SELECT: nothing is raised then.
func (s *session) hearHighest(m *mailbox, n uint64) {
	if s.caps.Has("CONDSTORE") {
		m.mod.hearHighest(n)
		return
	}
	m.mod.plain = max(m.mod.plain, n)
}

// condStore reports whether the client uses mod-sequences.
func (s *session) condStore() bool { return s.enabled.has("CONDSTORE") }

// tracked reports whether somebody may hold a mod-sequence of the mailbox: changes of injected
// messages are raised then.
func (m *mailbox) tracked() bool { return m.mod.highest > 0 }

// modSeq is the mod-sequence of an injected message as it is told. One that is pending is told as
// the highest that the client may know of: it matches whatever the client asks for.
func (m *mailbox) modSeq(e *entry) uint64 {
	if e.p.Pending {
		return max(e.p.ModSeq, m.mod.highest, 1)
	}
	return max(e.p.ModSeq, 1) // rfc7162 §3.1.2.1: a positive number
}

// usesModSeqs takes note of a command that uses mod-sequences, and so enables them (rfc7162
// §3.1). The client must hear HIGHESTMODSEQ of the mailbox that it has open; the backend says
// it, unless a command of ours had enabled them there before.
func (s *session) usesModSeqs() {
	if s.condStore() {
		return
	}
	s.enables("CONDSTORE")
	if m := s.mbox; s.ownModSeqs && m != nil && m.active && m.tracked() {
		s.line("* OK [HIGHESTMODSEQ " + strconv.FormatUint(m.mod.highest, 10) + "] Highest")
	}
}

// modSeqRings reports whether a mod-sequence was heard that the last reading does not explain.
// Where nothing was ever injected there is nothing that it could stand for: what is injected
// first rings otherwise.
func (s *session) modSeqRings() bool {
	m := s.mbox
	if !s.condStore() || s.quiet() || !course.Rings(m.mod.heard, m.mod.read) {
		return false
	}
	return s.injectedBefore(m) || len(m.entries) > 0 ||
		slices.ContainsFunc(s.g.known.of(s.user), func(p placement.Placement) bool { return p.Mailbox == m.name })
}

// peek reads the placements in the middle of a response, before a mod-sequence that rings is
// written: once in a command, the rest is withheld by the tagged answer. What cannot be looked
// at here, because the backend would have to be asked, makes it ring again.
func (s *session) peek() {
	m := s.mbox
	if m.composing || m.mod.peeked || !s.modSeqRings() {
		return
	}
	m.mod.peeked = true
	heard := m.mod.heard
	all, err := s.placements(s.g.cfg.LookupBudget)
	if err != nil {
		s.notInjected(reasonOf(err), err)
		return
	}
	live, claimed := m.here(all)
	s.compare(live)
	if len(claimed) > 0 || len(m.arriving) > 0 || len(s.unraised(m, all)) > 0 {
		m.arriving = m.arriving[:0]
		return
	}
	m.read, m.mod.read = time.Now(), heard
}

// fetchModSeq is what CopyFetchModSeq asks: the mod-sequence is heard, and told to who uses them.
func (s *session) fetchModSeq(n uint64) (tell bool, err error) {
	s.mbox.mod.hear(n)
	if !s.condStore() {
		return false, nil
	}
	s.peek()
	return true, nil
}

// untaggedHighest takes an untagged HIGHESTMODSEQ. It is held while anything that it covers is
// untold; what our own commands made the backend say is not told.
func (s *session) untaggedHighest(st response.Status, raw, rest []byte) error {
	m := s.mbox
	n, err := highestModSeq(st)
	if err != nil {
		return err
	}
	s.hearHighest(m, n)
	if m.composing || s.owning || !s.tellsHighest() {
		return nil
	}
	s.peek()
	m.mod.held = append(bytes.Clone(raw), rest...)
	if !s.modSeqRings() {
		s.tellHighest()
	}
	return nil
}

// tellsHighest reports whether the client is told HIGHESTMODSEQ outside of SELECT: if it uses
// mod-sequences, or if the backend tells it to everybody, as Cyrus does after EXPUNGE. What a
// question of ours has made it tell is not told.
func (s *session) tellsHighest() bool {
	if !s.condStore() && !s.ownModSeqs {
		s.unaskedHighest = true
	}
	return s.condStore() || s.unaskedHighest || s.bc.Server == backend.Cyrus
}

// tellHighest tells the HIGHESTMODSEQ that is held, if everything that it covers is told.
func (s *session) tellHighest() {
	m := s.mbox
	if len(m.mod.held) > 0 && m.allTold() {
		_, _ = s.out.Write(m.mod.held)
		m.mod.held = nil
	}
}

// allTold reports whether the client knows everything that the session knows: who holds a
// HIGHESTMODSEQ never asks for what is below it again.
func (m *mailbox) allTold() bool {
	return m.view.Ghosts() == 0 && len(m.gone) == 0 && len(m.changed) == 0 && len(m.fresh) == 0 && len(m.arriving) == 0 &&
		m.view.Untold().Empty()
}

func highestModSeq(st response.Status) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(string(st.CodeArgs)), 10, 63)
	return n, wrapDesync(err)
}

// taggedHighest takes a HIGHESTMODSEQ out of a tagged answer where it may not be told.
func (s *session) taggedHighest(res tagged) tagged {
	if res.status.Code != "HIGHESTMODSEQ" {
		return res
	}
	if m := s.mbox; m == nil || !m.active || m.allTold() && s.tellsHighest() {
		return res
	}
	res.status = response.Status{Text: res.status.Text}
	open := bytes.IndexByte(res.raw, '[')
	end := bytes.IndexByte(res.raw, ']')
	if open < 0 || end < open {
		return res
	}
	res.raw = append(bytes.Clone(res.raw[:open]), bytes.TrimLeft(res.raw[end+1:], " ")...)
	return res
}

// withCode gives a tagged OK another response code.
func withCode(res tagged, code string) tagged {
	if !res.ok() {
		return res
	}
	head := bytes.IndexByte(res.raw, ' ') + len(" OK")
	rest := bytes.TrimLeft(res.raw[head:], " ")
	if end := bytes.IndexByte(rest, ']'); len(rest) > 0 && rest[0] == '[' && end > 0 {
		rest = bytes.TrimLeft(rest[end+1:], " ")
	}
	out := append(bytes.Clone(res.raw[:head]), " ["+code+"] "...)
	res.raw = append(out, rest...)
	res.status = response.ParseStatus(res.raw[head:])
	return res
}

// flagsLine tells flags of an injected message: with its mod-sequence to who uses them, and then
// also where nothing else is told, because STORE was silent (rfc7162 §3.1.4.2, §3.1.3).
func (s *session) flagsLine(n imap.SeqNum, e *entry, uid, silent bool) {
	var items []string
	if uid || s.qresync() {
		items = append(items, "UID "+strconv.FormatUint(uint64(e.p.UID), 10))
	}
	if s.condStore() {
		items = append(items, "MODSEQ ("+strconv.FormatUint(s.mbox.modSeq(e), 10)+")")
	}
	if !silent {
		items = append(items, "FLAGS "+string(appendFlags(nil, e.flagList())))
	}
	s.fetchHead(n)
	s.line(" (" + strings.Join(items, " ") + ")")
}
