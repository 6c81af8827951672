package gateway

import (
	"slices"
	"strings"
	"time"

	"inlay.example/inlay/internal/gateway/reserve"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/mailview"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/placement"
)

// keyword marks markers for finding them quickly; what makes a marker one is its header.
const keyword = reserve.Keyword

// mailbox is the selected mailbox. It is O(k) in the injected messages and what is in flight.
type mailbox struct {
	name     string // UTF-8, canonical
	raw      string // as the client wrote it
	active   bool   // there is a middleware: the view is kept
	readOnly bool
	validity uint32
	asked    time.Time // when SELECT was sent, or a little before
	view     *mailview.View

	// composing: SELECT is not answered yet, so nothing may be told and everything may still change.
	composing bool
	// blind: the placements could not be read when they had to be.
	blind bool
	// reserving: markers of our own come and go, within an open session.
	reserving bool

	flags     []string // of the last FLAGS, without our keyword
	extra     []string // keywords that only injected messages carry, as told in FLAGS
	keyword   bool     // FLAGS listed our keyword: something was injected here once
	permanent []string // of PERMANENTFLAGS as the backend said it; nil if it did not

	lastUID  imap.UID // highest UID told, or the told UIDNEXT − 1
	lastReal imap.UID // UID of the last real message of the view; 0 if not known
	uidNext  uint32   // highest heard or implied; 0 if it was never said
	base     uint32   // UIDNEXT in the answer to SELECT

	unseen     uint32 // first unseen of the SELECT being composed, in the backend's numbering; 0 unknown
	recent     uint32 // the backend's last RECENT
	recentHeld bool   // RECENT came with news that are not told yet
	recentSaid uint32 // as last told
	recentOurs bool   // RECENT came while our own markers came and went: told if it is another one

	fresh     []freshMessage            // identified, not told
	markers   map[imap.UID]*marker      // hidden, known by header
	entries   map[imap.UID]*entry       // injected messages in the view
	gone      []imap.UID                // left, the client is not told yet
	changed   []imap.UID                // flags changed elsewhere, not told yet
	arriving  []placement.Placement     // in the ledger and not in the view, as last read
	injected  []*entry                  // injected by this session, the client is not told yet
	reserved  []imap.UID                // burnt by it since the last news were told, ascending, whatever became of them
	notSticky bool                      // UIDNOTSTICKY (rfc4315 §2)
	read      time.Time                 // when the placements were last read
	saved     []imap.UID                // injected messages of "$", ascending; real ones the backend keeps
	refused   map[placement.ID]struct{} // learnt of too late for this session, counted once

	vanishing imap.Set // said by VANISHED and not in the view yet: numbers are in doubt (vanished.go)
	resolving bool     // it is being asked which numbers they had
	doubted   uint32   // EXISTS that came meanwhile; 0 if none
	// doubtedFetches came meanwhile too.
	doubtedFetches []doubtedFetch
	ghosts         imap.Set // UIDs of the view's ghosts, to who has enabled QRESYNC
	unseenLost     bool     // it is not known any more which message of the SELECT is the first unseen one
	capModSeq      uint64   // HIGHESTMODSEQ may not be told as higher, because departures could not be read; 0: it may
	mod            modSeqs
	expunged       bool      // something injected was expunged by the command in progress, and raised
	left           []*change // found unraised by the reading within SELECT
	looked         bool      // at the rights that a marker needs
	cannot         string    // why no marker may be set; empty if it may
	unraisable     time.Time // when HIGHESTMODSEQ could not be raised, last
}

// freshMessage is a message of the backend that was identified and not told yet.
type freshMessage struct {
	seq    imap.SeqNum // backend's numbering now
	uid    imap.UID
	unseen bool
}

// marker is a reservation's message that is in the mailbox now.
type marker struct {
	token   string // of the claim, from the header
	recent  bool   // counted in the backend's RECENT
	unseen  bool   // another session's STORE took \Seen off
	deleted bool   // it did not take \Deleted off
	size    uint64 // octets; 0 until somebody asked
}

func newMarker(token string, flags []string) *marker {
	return &marker{token: token, recent: hasFlag(flags, `\Recent`), unseen: !hasFlag(flags, `\Seen`), deleted: hasFlag(flags, `\Deleted`)}
}

// entry is an injected message of the view.
type entry struct {
	p        placement.Placement // as last known
	template *message.Template
	recent   bool // this session has \Recent
	left     bool // no longer live; served from memory until the client may be told
}

// unseen and deleted of the entry, for the client.
func (e *entry) unseen() bool { return !e.p.HasFlag(`\Seen`) }

// flagList gives the flags for FETCH and SEARCH.
func (e *entry) flagList() []string {
	if !e.recent {
		return e.p.Flags
	}
	return append(slices.Clone(e.p.Flags), `\Recent`)
}

func newMailbox(name, raw string) *mailbox {
	return &mailbox{
		name: name, raw: raw, asked: time.Now(), view: mailview.New(0),
		markers: map[imap.UID]*marker{}, entries: map[imap.UID]*entry{}, refused: map[placement.ID]struct{}{},
	}
}

// arrive takes the backend's EXISTS.
func (m *mailbox) arrive(n uint32) error { return m.view.Arrive(n) }

// expunge takes the backend's EXPUNGE.
func (m *mailbox) expunge(n imap.SeqNum) error {
	if c, ok := m.view.ClientSeq(n); ok && uint32(c) == m.view.Client() {
		m.lastReal = 0 // it may have been the last one
	} else if n == imap.SeqNum(m.view.Backend()) {
		m.lastReal = 0
	}
	if err := m.view.Expunge(n); err != nil {
		return err
	}
	switch {
	case uint32(n) < m.unseen:
		m.unseen--
	case uint32(n) == m.unseen:
		m.unseen = 0
	}
	kept := m.fresh[:0]
	for _, f := range m.fresh {
		switch {
		case f.seq < n:
		case f.seq == n:
			continue
		default:
			f.seq--
		}
		kept = append(kept, f)
	}
	m.fresh = kept
	m.dropMarkers()
	return nil
}

// backendOnlyFlags takes our keyword out of a flag list and says whether it was there.
func withoutKeyword(flags []string) (rest []string, had bool) {
	for _, f := range flags {
		if strings.EqualFold(f, keyword) {
			had = true
			continue
		}
		rest = append(rest, f)
	}
	return rest, had
}

// recentTold is RECENT as the client is to be told it.
func (m *mailbox) recentTold() uint32 {
	n := m.recent
	for _, mk := range m.markers {
		if mk.recent && n > 0 {
			n--
		}
	}
	for _, e := range m.entries {
		if e.recent {
			n++
		}
	}
	return n
}

// lastVisible is the backend's number of the last message that is not hidden: the rank of an
// injected message whose UID is above every told one. What is hidden behind it may lie before
// or after: its rank is then any of theirs, as none of them can be told before it.
func (m *mailbox) lastVisible() uint32 {
	n := m.view.Backend()
	for _, r := range slices.Backward(m.view.Hidden().Ranges()) {
		if r.Hi < n {
			break
		}
		n = r.Lo - 1
	}
	return n
}

// add puts an injected message into the view.
func (m *mailbox) add(e *entry, rank uint32) error {
	if _, err := m.view.Inject(e.p.UID, rank); err != nil {
		return err
	}
	m.entries[e.p.UID] = e
	return nil
}

// told raises the highest UID that the client has been told.
func (m *mailbox) told(uid imap.UID) { m.lastUID = max(m.lastUID, uid) }

// learn takes note of flags of an injected message; grown says that FLAGS must be told anew.
func (m *mailbox) learn(flags []string) (grown bool) {
	for _, f := range flags {
		if !hasFlag(m.flags, f) && !hasFlag(m.extra, f) {
			m.extra = append(m.extra, f)
			grown = true
		}
	}
	return grown
}

// permits reports whether PERMANENTFLAGS lets the flag be changed (rfc3501 §7.1: all can be
// if the server did not say).
func (m *mailbox) permits(flag string) bool {
	if m.permanent == nil {
		return true
	}
	return hasFlag(m.permanent, flag) || !strings.HasPrefix(flag, `\`) && hasFlag(m.permanent, `\*`)
}
