package test_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/peertest"
)

// belief is what is known of a message by what was acknowledged to a client.
type belief struct {
	injected bool
	campaign string
	hand     int             // whose it is: no other client touches it
	uid      uint32          // in INBOX
	where    []string        // one of these mailboxes; "" is nowhere
	flags    map[string]bool // \Flagged: whether it has it
	unsure   map[string]bool // flags of which it is not known
	retired  bool            // it is not touched again
	copies   [2]int          // in Copies: at least, and at most
	mail     peertest.Message
}

// crashPerson is a person with some clients.
type crashPerson struct {
	user string

	mu    sync.Mutex
	known map[string]*belief // by Message-ID or, of what is injected, placement; guarded by mu
	made  int                // messages appended; guarded by mu
	found []string           // differences; guarded by mu
	done  map[string]int     // commands acknowledged, and not; guarded by mu
}

func newCrashPerson(user string) *crashPerson {
	return &crashPerson{user: user, known: map[string]*belief{}, done: map[string]int{}}
}

func (p *crashPerson) delivered(key string, m peertest.Message, uid uint32) {
	b := &belief{uid: uid, hand: int(uid) % crashHands, where: []string{"INBOX"}, flags: map[string]bool{}, unsure: map[string]bool{}, mail: m}
	for _, f := range m.Flags {
		b.flags[f] = true
	}
	p.known[key] = b
}

// wrong notes a difference.
func (p *crashPerson) wrong(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found = append(p.found, p.user+": "+fmt.Sprintf(format, args...))
}

// with changes what is known of messages.
func (p *crashPerson) with(keys []string, f func(b *belief)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		f(p.known[k])
	}
}

// row is a message as FETCH tells it.
type row struct {
	uid           uint32
	flags         []string
	key, campaign string
	injected      bool
	marker        bool
}

var headerField = regexp.MustCompile(`(?im)^(message-id|x-inlay-placement|x-inlay-campaign|x-inlay-reserved): *(.*?)\r?$`)

const rowItems = "(UID FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID X-INLAY-PLACEMENT X-INLAY-CAMPAIGN X-INLAY-RESERVED)])"

func rowsOf(a answer) (rows []row) {
	for _, l := range a.lines("FETCH") {
		at := uidItem.FindStringSubmatch(l)
		if at == nil || !strings.Contains(l, "HEADER.FIELDS") {
			continue
		}
		r := row{uid: number(at[1]), flags: flagsIn(l)}
		for _, h := range headerField.FindAllStringSubmatch(l, -1) {
			switch strings.ToLower(h[1]) {
			case "message-id":
				if !r.injected {
					r.key = h[2]
				}
			case "x-inlay-placement":
				r.key, r.injected = h[2], true
			case "x-inlay-campaign":
				r.campaign = h[2]
			case "x-inlay-reserved":
				r.marker = true
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// crashHand is one client of a person, that connects again when its gateway is gone.
type crashHand struct {
	t     testing.TB
	p     *crashPerson
	hand  int
	r     *rand.Rand
	gates []*gate
	*conn
	rows map[string]row // of its own messages, as it saw them when it opened the mailbox
}

// work works until over.
func (h *crashHand) work(over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		default:
		}
		if err := h.session(); err != nil && h.conn != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				h.p.wrong("no answer to %q", h.last)
			}
			h.nc.Close()
		} else if err != nil { // nobody listens there just now
			<-time.After(10 * time.Millisecond)
		}
		h.conn = nil
	}
}

// session is one connection: mailbox opened, a few commands, and logged out or not.
func (h *crashHand) session() error {
	nc, err := net.Dial("tcp", h.gates[h.r.IntN(len(h.gates))].address())
	if err != nil {
		return err
	}
	defer nc.Close()
	h.conn = &conn{t: h.t, nc: nc, in: bufio.NewReader(nc), name: h.p.user}
	h.deadline()
	if _, err := h.tryResponse(); err != nil {
		return err
	}
	if a, err := h.try("LOGIN " + h.p.user + " pass"); err != nil || !a.ok() {
		return err
	}
	if err := h.open(); err != nil {
		return err
	}
	for range 2 + h.r.IntN(10) {
		if err := h.act(); err != nil {
			return err
		}
	}
	if h.r.IntN(3) > 0 {
		_, err = h.try("LOGOUT")
	}
	return err
}

// try runs a command; an error is the end of the connection. Literals are to be non-synchronising.
func (h *crashHand) try(text string) (a answer, err error) {
	h.deadline()
	h.tags++
	h.last = text
	tag := fmt.Sprintf("a%d", h.tags)
	verb, _, _ := strings.Cut(strings.TrimPrefix(text, "UID "), " ")
	defer func() {
		h.p.mu.Lock()
		defer h.p.mu.Unlock()
		switch {
		case err != nil:
			h.p.done[verb+" cut"]++
		default:
			h.p.done[verb+" "+a.tagged[:2]]++
		}
	}()
	if _, err := io.WriteString(h.nc, tag+" "+text+"\r\n"); err != nil {
		return a, err
	}
	for {
		r, err := h.tryResponse()
		if err != nil {
			return a, err
		}
		if rest, ok := strings.CutPrefix(r, tag+" "); ok {
			a.tagged = strings.TrimSuffix(rest, "\r\n")
			if strings.HasPrefix(a.tagged, "BAD") {
				h.p.wrong("%q: %s", text, a.tagged)
			}
			return a, nil
		}
		a.untagged = append(a.untagged, r)
	}
}

// open opens the mailbox and looks at it.
func (h *crashHand) open() error {
	// What was known before this session began must be seen in it.
	h.p.mu.Lock()
	gone := map[string]bool{}
	for k, b := range h.p.known {
		gone[k] = !slices.Contains(b.where, "INBOX")
	}
	h.p.mu.Unlock()
	if _, err := h.try("SELECT INBOX"); err != nil {
		return err
	}
	a, err := h.try("UID FETCH 1:* " + rowItems)
	if err != nil {
		return err
	}
	h.rows = map[string]row{}
	seen, last := map[string]bool{}, uint32(0)
	for _, r := range rowsOf(a) {
		switch {
		case r.marker:
			h.p.wrong("a marker is seen under UID %d", r.uid)
			continue
		case seen[r.key]:
			h.p.wrong("%s is there twice", r.key)
		case gone[r.key]:
			h.p.wrong("%s is there again, under UID %d", r.key, r.uid)
		case r.uid <= last:
			h.p.wrong("UID %d comes after %d", r.uid, last)
		}
		seen[r.key], last = true, r.uid
		h.meets(r)
	}
	return nil
}

// meets learns of a message.
func (h *crashHand) meets(r row) {
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	b := h.p.known[r.key]
	switch {
	case b == nil && r.injected:
		b = &belief{
			injected: true, campaign: r.campaign, hand: int(r.key[len(r.key)-1]) % crashHands, uid: r.uid,
			where: []string{"INBOX"}, flags: map[string]bool{}, unsure: map[string]bool{},
		}
		h.p.known[r.key] = b
	case b == nil:
		h.p.found = append(h.p.found, fmt.Sprintf("%s: %s is nobody's, under UID %d", h.p.user, r.key, r.uid))
		return
	}
	if b.uid == 0 {
		b.uid = r.uid // appended, and not told
	}
	if b.uid != r.uid {
		h.p.found = append(h.p.found, fmt.Sprintf("%s: %s was UID %d and is %d", h.p.user, r.key, b.uid, r.uid))
	}
	if b.hand == h.hand && !b.retired {
		h.rows[r.key] = r
	}
}

// some picks messages of its own that it may touch: real, injected and mixed sets.
func (h *crashHand) some(may func(b *belief) bool) (keys []string, set string) {
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	most, want := 1+h.r.IntN(3), h.r.IntN(3) // want 0: injected ones alone
	all := slices.Sorted(maps.Keys(h.rows))
	h.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var uids imap.Set
	for _, k := range all {
		b := h.p.known[k]
		if len(keys) == most || b.retired || want == 0 && !b.injected || may != nil && !may(b) {
			continue
		}
		keys = append(keys, k)
		uids.Add(b.uid)
	}
	return keys, uids.String()
}

// act runs one command that matters, or two.
func (h *crashHand) act() error {
	switch h.r.IntN(10) {
	case 0, 1, 2:
		return h.flag()
	case 3, 4:
		return h.move()
	case 5:
		return h.copy()
	case 6:
		return h.remove()
	case 7:
		return h.append()
	case 8:
		return h.open()
	default:
		_, err := h.try("NOOP")
		return err
	}
}

func (h *crashHand) flag() error {
	keys, set := h.some(nil)
	if len(keys) == 0 {
		return nil
	}
	f := []string{`\Flagged`, `\Answered`, `\Seen`, "Kept"}[h.r.IntN(4)]
	on := h.r.IntN(3) > 0
	sign := map[bool]string{true: "+", false: "-"}[on]
	a, err := h.try(fmt.Sprintf("UID STORE %s %sFLAGS (%s)", set, sign, f))
	h.p.with(keys, func(b *belief) {
		if b.flags[f] = on; err != nil || !a.ok() {
			b.unsure[f] = true
		}
	})
	return err
}

var copyUID = regexp.MustCompile(`\[COPYUID [0-9]+ ([0-9:,]+) [0-9:,]+\]`)

// covered are the UIDs of which an answer says that they were copied or moved.
func covered(a answer) (imap.Set, bool) {
	m := copyUID.FindStringSubmatch(a.raw())
	if m == nil {
		return imap.Set{}, false
	}
	var set imap.Set
	for part := range strings.SplitSeq(m[1], ",") {
		from, to, ok := strings.Cut(part, ":")
		if !ok {
			to = from
		}
		lo, hi := number(from), number(to)
		for n := min(lo, hi); n <= max(lo, hi); n++ {
			set.Add(n)
		}
	}
	return set, true
}

func (h *crashHand) move() error {
	keys, set := h.some(nil)
	if len(keys) == 0 {
		return nil
	}
	h.p.with(keys, func(b *belief) { b.where, b.retired = []string{"INBOX", "Kept"}, true })
	a, err := h.try("UID MOVE " + set + " Kept")
	if err != nil || !a.ok() {
		return err
	}
	moved, _ := covered(a)
	h.p.with(keys, func(b *belief) {
		if moved.Contains(b.uid) {
			b.where = []string{"Kept"}
		}
	})
	return nil
}

func (h *crashHand) copy() error {
	keys, set := h.some(func(b *belief) bool { return b.copies[1] == 0 })
	if len(keys) == 0 {
		return nil
	}
	h.p.with(keys, func(b *belief) { b.copies[1] = 1 })
	a, err := h.try("UID COPY " + set + " Copies")
	if err != nil || !a.ok() {
		return err
	}
	done, _ := covered(a)
	h.p.with(keys, func(b *belief) {
		if done.Contains(b.uid) {
			b.copies[0] = 1
		}
	})
	return nil
}

func (h *crashHand) remove() error {
	keys, set := h.some(nil)
	if len(keys) == 0 {
		return nil
	}
	h.p.with(keys, func(b *belief) {
		b.where, b.retired, b.flags[`\Deleted`], b.unsure[`\Deleted`] = []string{"INBOX", ""}, true, true, true
	})
	a, err := h.try("UID STORE " + set + ` +FLAGS.SILENT (\Deleted)`)
	if err != nil || !a.ok() {
		return err
	}
	h.p.with(keys, func(b *belief) { delete(b.unsure, `\Deleted`) })
	if a, err = h.try([]string{"UID EXPUNGE " + set, "EXPUNGE", "CLOSE"}[h.r.IntN(3)]); err != nil || !a.ok() {
		return err
	}
	if h.last != "CLOSE" { // which tells nothing of what it could not do
		h.p.with(keys, func(b *belief) { b.where = []string{""} })
		return nil
	}
	return h.open()
}

func (h *crashHand) append() error {
	h.p.mu.Lock()
	h.p.made++
	key := fmt.Sprintf("<a%d@mail.example>", h.p.made)
	m := peertest.Message{Bytes: fmt.Appendf(nil, "From: me@mail.example\r\nSubject: Draft %d\r\nMessage-ID: %s\r\n\r\nDraft %d.\r\n", h.p.made, key, h.p.made)}
	b := &belief{hand: h.hand, where: []string{"INBOX", ""}, retired: true, flags: map[string]bool{}, unsure: map[string]bool{}, mail: m}
	h.p.known[key] = b
	h.p.mu.Unlock()
	a, err := h.try(fmt.Sprintf("APPEND INBOX {%d+}\r\n%s", len(m.Bytes), m.Bytes))
	if err != nil || !a.ok() {
		return err
	}
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	b.where, b.retired = []string{"INBOX"}, false
	if f := strings.Fields(a.tagged); len(f) > 3 && f[1] == "[APPENDUID" {
		b.uid = number(strings.TrimSuffix(f[3], "]"))
	}
	return nil
}
