package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"inlay.example/inlay/internal/imap"
)

// modelMailbox is a mailbox of a small IMAP server that is as unhelpful as the standard lets
// it be: it takes its time, announces arrivals and expunges late and piecemeal, and counts
// everything. Only NOOP, CHECK and SELECT tell all there is.
type modelMailbox struct {
	mu      sync.Mutex
	msgs    []*modelMessage
	next    uint32
	keyword bool            // FLAGS list the markers' keyword
	markers map[uint32]bool // UIDs that were ever a marker's
	modSeq  uint64          // HIGHESTMODSEQ; 0 of a server that keeps none
	archive archive
}

// changed counts a change of anything.
func (b *modelMailbox) changed() uint64 {
	if b.modSeq > 0 {
		b.modSeq++
	}
	return b.modSeq
}

type modelMessage struct {
	uid   uint32
	token string // of a marker
	flags []string
	gone  bool
	mod   uint64
}

func newModelMailbox() *modelMailbox { return &modelMailbox{next: 1, markers: map[uint32]bool{}} }

func (b *modelMailbox) deliver(token string, flags ...string) uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := &modelMessage{uid: b.next, token: token, flags: flags, mod: b.changed()}
	if token != "" {
		b.markers[m.uid] = true
		b.keyword = true
	}
	b.next++
	b.msgs = append(b.msgs, m)
	return m.uid
}

// expunge removes what match says.
func (b *modelMailbox) expunge(match func(*modelMessage) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.msgs = slices.DeleteFunc(b.msgs, func(m *modelMessage) bool {
		if !m.gone && match(m) {
			m.gone = true
			b.changed()
		}
		return m.gone
	})
}

// real gives the UIDs that are no markers.
func (b *modelMailbox) real() (uids []uint32, markers int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.msgs {
		if m.token == "" {
			uids = append(uids, m.uid)
		} else {
			markers++
		}
	}
	return uids, markers
}

// modelSession is a connection to it.
type modelSession struct {
	archived bool // the archive is selected
	box      *modelMailbox
	rng      *rand.Rand
	r        *bufio.Reader
	w        *bufio.Writer
	selected bool
	known    []*modelMessage // as announced
	qresync  bool            // VANISHED is said instead of EXPUNGE
}

func (b *modelMailbox) serve(c net.Conn, seed uint64) {
	defer c.Close()
	s := &modelSession{box: b, rng: rand.New(rand.NewPCG(seed, 1)), r: bufio.NewReader(c), w: bufio.NewWriter(c)} //nolint:gosec // a seed is wanted
	fmt.Fprintf(s.w, "* OK [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS IDLE MOVE AUTH=PLAIN ENABLE CONDSTORE QRESYNC] Model ready.\r\n")
	for {
		if s.w.Flush() != nil {
			return
		}
		line, err := s.r.ReadString('\n')
		if err != nil {
			return
		}
		time.Sleep(time.Duration(s.rng.IntN(20)) * time.Millisecond) // of the bubble
		tag, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		if !s.command(tag, rest) {
			s.w.Flush()
			return
		}
	}
}

func (s *modelSession) command(tag, rest string) bool {
	name, args, _ := strings.Cut(rest, " ")
	uid := name == "UID"
	if uid {
		name, args, _ = strings.Cut(args, " ")
	}
	result := "OK Completed."
	tells, expunges, all := true, true, false
	s.box.mu.Lock()
	if answer, done := s.inArchive(name, args); done {
		s.box.mu.Unlock()
		fmt.Fprintf(s.w, "%s %s\r\n", tag, answer)
		return true
	}
	switch name {
	case "CAPABILITY":
		fmt.Fprintf(s.w, "* CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS IDLE MOVE ESEARCH ENABLE CONDSTORE QRESYNC\r\n")
	case "ENABLE":
		s.qresync = strings.Contains(args, "QRESYNC")
		fmt.Fprintf(s.w, "* ENABLED %s\r\n", args)
	case "SELECT":
		s.selectBox()
		result = "OK [READ-WRITE] Completed."
		tells = false
	case "NOOP", "CHECK":
		all = true
	case "FETCH":
		s.fetch(args, uid)
		expunges = uid
	case "STORE":
		s.store(args, uid)
		expunges = uid
	case "SEARCH":
		s.search(tag, args, uid)
		expunges = uid
	case "MOVE":
		result = s.move(args, uid)
		all = true
	case "STATUS":
		fmt.Fprintf(s.w, "* STATUS INBOX (MESSAGES %d UIDNEXT %d UIDVALIDITY 7 HIGHESTMODSEQ %d)\r\n", len(s.box.msgs), s.box.next, s.box.modSeq)
	case "APPEND":
		s.box.mu.Unlock()
		result = s.append(args)
		s.box.mu.Lock()
	case "EXPUNGE":
		s.box.mu.Unlock()
		s.expunge(args, uid)
		s.box.mu.Lock()
		all = true
	case "IDLE":
		s.box.mu.Unlock()
		ok := s.idle()
		s.box.mu.Lock()
		all = true
		if !ok {
			s.box.mu.Unlock()
			return false
		}
	case "CLOSE":
		s.box.mu.Unlock()
		s.box.expunge(func(m *modelMessage) bool { return slices.Contains(s.known, m) && slices.Contains(m.flags, `\Deleted`) })
		s.box.mu.Lock()
		s.selected, s.known, tells = false, nil, false
	}
	if s.selected && tells {
		s.announce(expunges, all)
	}
	s.box.mu.Unlock()
	fmt.Fprintf(s.w, "%s %s\r\n", tag, result)
	return name != "LOGOUT"
}

func (s *modelSession) selectBox() {
	flags := `\Seen \Deleted \Flagged`
	if s.box.keyword {
		flags += " $InlayReserved"
	}
	s.known, s.selected = slices.Clone(s.box.msgs), true
	fmt.Fprintf(s.w, "* FLAGS (%s)\r\n* OK [PERMANENTFLAGS (%s \\*)] Ok\r\n* %d EXISTS\r\n* 0 RECENT\r\n", flags, flags, len(s.known))
	fmt.Fprintf(s.w, "* OK [UIDVALIDITY 7] Ok\r\n* OK [UIDNEXT %d] Ok\r\n", s.box.next)
	if s.box.modSeq > 0 {
		fmt.Fprintf(s.w, "* OK [HIGHESTMODSEQ %d] Ok\r\n", s.box.modSeq)
	}
}

// announce tells what it likes of what happened, or all of it.
func (s *modelSession) announce(expunges, all bool) {
	if expunges {
		for i := 0; i < len(s.known); i++ {
			if s.known[i].gone && (all || s.rng.IntN(2) == 0) {
				if s.qresync {
					fmt.Fprintf(s.w, "* VANISHED %d\r\n", s.known[i].uid)
				} else {
					fmt.Fprintf(s.w, "* %d EXPUNGE\r\n", i+1)
				}
				s.known = slices.Delete(s.known, i, i+1)
				i--
			}
		}
	}
	last := uint32(0)
	if n := len(s.known); n > 0 {
		last = s.known[n-1].uid
	}
	grown := false
	for _, m := range s.box.msgs {
		if m.uid > last && (all || s.rng.IntN(3) > 0) && !slices.Contains(s.known, m) {
			s.known = append(s.known, m)
			last = m.uid
			grown = true
		} else if m.uid > last {
			break
		}
	}
	if grown {
		fmt.Fprintf(s.w, "* %d EXISTS\r\n* 0 RECENT\r\n", len(s.known))
	}
}

// each calls f for the known messages of a set that are not gone.
func (s *modelSession) each(set string, uid bool, f func(n int, m *modelMessage)) {
	parsed, err := imap.ParseSeqSet([]byte(set), 1000)
	if err != nil {
		panic("the gateway sent the set " + strconv.Quote(set))
	}
	star := uint32(len(s.known))
	if uid && len(s.known) > 0 {
		star = s.known[len(s.known)-1].uid
	}
	nums := parsed.Resolve(star)
	for i, m := range s.known {
		n := uint32(i + 1)
		if uid {
			n = m.uid
		}
		if nums.Contains(n) && !m.gone {
			f(i+1, m)
		}
	}
}

func (s *modelSession) fetch(args string, uid bool) {
	set, items, _ := strings.Cut(args, " ")
	s.each(set, uid, func(n int, m *modelMessage) {
		var out []string
		if uid || strings.Contains(items, "UID") {
			out = append(out, fmt.Sprintf("UID %d", m.uid))
		}
		if strings.Contains(items, "FLAGS") {
			out = append(out, "FLAGS ("+strings.Join(m.flags, " ")+")")
		}
		if strings.Contains(items, "HEADER.FIELDS") {
			header := "\r\n"
			if m.token != "" {
				header = "X-Inlay-Reserved: " + m.token + "\r\n\r\n"
			}
			out = append(out, fmt.Sprintf("BODY[HEADER.FIELDS (X-INLAY-RESERVED FROM RECEIVED)]<0> {%d}\r\n%s", len(header), header))
		}
		fmt.Fprintf(s.w, "* %d FETCH (%s)\r\n", n, strings.Join(out, " "))
	})
}

func (s *modelSession) store(args string, uid bool) {
	set, what, _ := strings.Cut(args, " ")
	op, list, _ := strings.Cut(what, " ")
	flags := strings.Fields(strings.Trim(list, "()"))
	s.each(set, uid, func(n int, m *modelMessage) {
		switch op[0] {
		case '+', '-':
			m.flags = slices.DeleteFunc(slices.Clone(m.flags), func(f string) bool { return slices.Contains(flags, f) })
			if op[0] == '+' {
				m.flags = append(m.flags, flags...)
			}
		default:
			m.flags = flags
		}
		m.mod = s.box.changed()
		if !strings.HasSuffix(op, ".SILENT") {
			id := ""
			if uid || s.qresync {
				id = fmt.Sprintf("UID %d ", m.uid)
			}
			if s.qresync {
				id += fmt.Sprintf("MODSEQ (%d) ", m.mod)
			}
			fmt.Fprintf(s.w, "* %d FETCH (%sFLAGS (%s))\r\n", n, id, strings.Join(m.flags, " "))
		}
	})
}

func (s *modelSession) search(tag, args string, uid bool) {
	returned := ""
	if rest, ok := strings.CutPrefix(args, "RETURN ("); ok {
		returned, args, _ = strings.Cut(rest, ") ")
		if s.rng.IntN(3) == 0 {
			s.announce(false, false) // before it answers: some servers do
		}
	}
	found := map[*modelMessage]bool{}
	for _, m := range s.known {
		found[m] = !m.gone
	}
	keep := func(match func(*modelMessage) bool) {
		for m := range found {
			found[m] = found[m] && match(m)
		}
	}
	within := func(set string, byUID bool) {
		in := map[*modelMessage]bool{}
		s.each(set, byUID, func(_ int, m *modelMessage) { in[m] = true })
		keep(func(m *modelMessage) bool { return in[m] })
	}
	for f := strings.Fields(args); len(f) > 0; f = f[1:] {
		switch f[0] {
		case "ALL":
		case "NOT": // ALL
			clear(found)
		case "DELETED":
			keep(func(m *modelMessage) bool { return slices.Contains(m.flags, `\Deleted`) })
		case "KEYWORD":
			keyword := f[1]
			keep(func(m *modelMessage) bool { return slices.Contains(m.flags, keyword) })
			f = f[1:]
		case "HEADER":
			token := strings.Trim(f[2], `"`)
			keep(func(m *modelMessage) bool { return m.token == token || token == "" && m.token != "" })
			f = f[2:]
		case "SINCE": // all are of today
			f = f[1:]
		case "UID":
			within(f[1], true)
			f = f[1:]
		default:
			within(f[0], false)
		}
	}
	var nums []string
	for i, m := range s.known {
		if n := i + 1; found[m] {
			if uid {
				n = int(m.uid)
			}
			nums = append(nums, strconv.Itoa(n))
		}
	}
	if returned == "" {
		fmt.Fprintf(s.w, "* SEARCH%s\r\n", strings.Join(append([]string{""}, nums...), " "))
		return
	}
	fmt.Fprintf(s.w, "* ESEARCH (TAG %q)", tag)
	if uid {
		fmt.Fprint(s.w, " UID")
	}
	for _, option := range strings.Fields(returned) {
		switch {
		case option == "COUNT":
			fmt.Fprintf(s.w, " COUNT %d", len(nums))
		case len(nums) == 0:
		case option == "ALL":
			fmt.Fprintf(s.w, " ALL %s", strings.Join(nums, ","))
		case option == "MAX":
			fmt.Fprintf(s.w, " MAX %s", nums[len(nums)-1])
		}
	}
	fmt.Fprint(s.w, "\r\n")
}

func (s *modelSession) append(args string) string {
	i := strings.LastIndexByte(args, '{')
	size, err := strconv.Atoi(strings.Trim(args[i+1:], "+}"))
	if err != nil {
		panic("the gateway sent APPEND " + strconv.Quote(args))
	}
	msg := make([]byte, size+2)
	if _, err := io.ReadFull(s.r, msg); err != nil {
		return "NO gone"
	}
	token := ""
	if rest, ok := strings.CutPrefix(string(msg), "X-Inlay-Reserved: "); ok {
		token, _, _ = strings.Cut(rest, "\r\n")
	}
	var flags []string
	if _, list, ok := strings.Cut(args[:i], "("); ok {
		list, _, _ = strings.Cut(list, ")")
		flags = strings.Fields(list)
	}
	if !strings.HasPrefix(args, "INBOX ") && !strings.HasPrefix(args, `"INBOX" `) {
		s.box.mu.Lock()
		defer s.box.mu.Unlock()
		return fmt.Sprintf("OK [APPENDUID 9 %d] Completed.", s.box.archive.add(placementOf(string(msg))))
	}
	return fmt.Sprintf("OK [APPENDUID 7 %d] Completed.", s.box.deliver(token, flags...))
}

func (s *modelSession) expunge(args string, uid bool) {
	chosen := map[*modelMessage]bool{}
	if !uid {
		args = "1:4294967295"
	}
	s.box.mu.Lock()
	s.each(args, true, func(_ int, m *modelMessage) { chosen[m] = true })
	s.box.mu.Unlock()
	s.box.expunge(func(m *modelMessage) bool { return chosen[m] && slices.Contains(m.flags, `\Deleted`) })
}

// idle announces every now and then until something is said.
func (s *modelSession) idle() bool {
	fmt.Fprintf(s.w, "+ idling\r\n")
	done := make(chan bool, 1)
	go func() {
		line, err := s.r.ReadString('\n')
		done <- err == nil && strings.EqualFold(strings.TrimSpace(line), "DONE")
	}()
	for {
		if s.w.Flush() != nil {
			return <-done && false
		}
		select {
		case ok := <-done:
			return ok
		case <-time.After(time.Duration(10+s.rng.IntN(200)) * time.Millisecond):
			s.box.mu.Lock()
			if s.selected {
				s.announce(true, false)
			}
			s.box.mu.Unlock()
		}
	}
}
