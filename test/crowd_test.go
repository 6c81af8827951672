package test_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/peertest"
)

// TestCrowd has several sessions of one person on two gateways, while mail arrives and is
// removed around them, another client without a gateway rewrites all flags, and campaigns start
// and are recalled. Every session keeps the list that a client would keep; what it is told must
// fit it, always: numbers and UIDs stay together, UIDs ascend, nothing appears below what was
// told, no marker is seen. INLAY_SEED repeats the choices of one run, not their timing.
func TestCrowd(t *testing.T) {
	t.Parallel()
	peertest.OnBackends(t, testCrowd)
}

func testCrowd(t *testing.T, kind peertest.Backend) {
	const sessions, rounds = 5, 100
	seed := rand.Uint64()
	if text := os.Getenv("INLAY_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("INLAY_SEED: %v", err)
		}
	}
	t.Logf("seed %d", seed)
	d := peertest.StartBackend(t, kind)
	d.Deliver(t, "ann", "INBOX", mails(6)...)
	w := newWorld(t)
	w.run(t, "first", []string{"ann"})
	gates := []*proxy{newProxy(t, d.Address(), w.middleware), newProxy(t, d.Address(), w.client(t))}

	var wg sync.WaitGroup
	over := make(chan struct{})
	g := &goroutine{TB: t}
	for i := range sessions {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			m := &member{conn: login(g, gates[i%2].addr, "ann"), id: i}
			m.open("SELECT INBOX")
			for range rounds {
				m.act(r)
			}
		})
	}
	var around sync.WaitGroup
	around.Go(func() {
		r := rand.New(rand.NewPCG(seed, 100))
		bare := login(g, d.Address(), "ann")
		bare.must("SELECT INBOX")
		running := []campaign.ID{"first"}
		for n := 0; ; n++ {
			select {
			case <-over:
				return
			case <-time.After(time.Duration(5+r.IntN(40)) * time.Millisecond):
			}
			switch r.IntN(6) {
			case 0, 1:
				d.Deliver(g, "ann", "INBOX", mails(1+r.IntN(2))...)
			case 2:
				bare.must("NOOP")
				if bare.exists("SELECT INBOX") > 3 { // of an empty mailbox there is little to be seen
					bare.must(`STORE 1 +FLAGS (\Deleted)`)
					bare.must("EXPUNGE")
				}
			case 3: // takes \Deleted and the keyword off any marker that is there just now
				bare.must("NOOP")
				bare.cmd(`STORE 1:* FLAGS (\Seen)`)
			case 4:
				id := campaign.ID(fmt.Sprintf("c%d", n))
				w.run(g, id, []string{"ann"})
				running = append(running, id)
			case 5:
				if len(running) > 1 {
					w.recall(g, running[0])
					running = running[1:]
				}
			}
		}
	})
	wg.Wait()
	close(over)
	around.Wait()
	if t.Failed() {
		return
	}

	// In the end all see the same, twice, and nothing of ours is left in the real mailbox.
	for range 2 { // the first may still inject
		login(t, gates[0].addr, "ann").must("SELECT INBOX")
	}
	var lists [2][]fetched
	for range 5 { // what is offered still may be injected by the second one's SELECT
		for i, gate := range gates {
			c := login(t, gate.addr, "ann")
			c.must("SELECT INBOX")
			lists[i] = c.list()
		}
		if slices.Equal(lists[0], lists[1]) {
			break
		}
	}
	if !slices.Equal(lists[0], lists[1]) {
		t.Errorf("in the end one gateway shows %v, the other %v", lists[0], lists[1])
	}
	bare := login(t, d.Address(), "ann")
	bare.must("SELECT INBOX")
	if got := bare.must(`SEARCH HEADER X-Inlay-Reserved ""`).lines("SEARCH"); !slices.Equal(got, []string{"SEARCH"}) {
		t.Errorf("markers are left behind: %q", got)
	}
	for i, gate := range gates {
		t.Logf("gateway %d: injected %v, told past %v times", i, gate.metric(t, "inlay_injected_total"), gate.metric(t, "inlay_gateway_late_total"))
	}
}

// member is a session with the list that its client keeps.
type member struct {
	*conn
	id     int
	list   []uint32 // UID by number; 0 is not known yet
	floor  []uint32 // by number: what past was when the message was told
	past   uint32   // the highest UID that was told, or UIDNEXT − 1 of SELECT
	events []string // what was told, for messages
}

func (m *member) open(command string) {
	m.t.Helper()
	m.list, m.floor, m.past = nil, nil, 0
	m.hears(command, m.must(command).untagged)
}

// act does one thing that clients do.
func (m *member) act(r *rand.Rand) {
	m.t.Helper()
	run := func(text string) {
		m.t.Helper()
		a := m.cmd(text)
		m.hears(text, a.untagged)
		if strings.HasPrefix(a.tagged, "BAD") {
			m.t.Errorf("session %d: %s: %s", m.id, text, a.tagged)
		}
	}
	any := func() int { return 1 + r.IntN(max(1, len(m.list))) }
	switch r.IntN(12) {
	case 0, 9:
		m.open("SELECT INBOX")
	case 1:
		tag := m.idle()
		<-time.After(time.Duration(r.IntN(300)) * time.Millisecond)
		m.hears("IDLE", m.done(tag).untagged)
	case 2:
		run(fmt.Sprintf(`UID STORE %d +FLAGS (\Flagged)`, m.past))
	case 3:
		if len(m.list) > 0 {
			run(fmt.Sprintf(`STORE %d +FLAGS (\Answered)`, any()))
		}
	case 4:
		if len(m.list) > 3 {
			run(fmt.Sprintf(`STORE %d +FLAGS.SILENT (\Deleted)`, any()))
			run("EXPUNGE")
		}
	case 5:
		run("UID SEARCH ALL")
	case 6:
		run(fmt.Sprintf("UID FETCH %d:* (FLAGS)", m.past+1))
	case 7:
		run("STATUS INBOX (MESSAGES UIDNEXT UNSEEN)")
	case 8:
		run("UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (X-INLAY-RESERVED)])")
	default:
		run("NOOP")
	}
	if len(m.list) > 0 {
		run("FETCH 1:* (UID)")
	}
}

// hears keeps the list, and complains about what does not fit it.
func (m *member) hears(command string, untagged []string) {
	m.t.Helper()
	m.events = append(m.events, "> "+command)
	wrong := func(line, format string, args ...any) {
		m.t.Helper()
		m.t.Fatalf("session %d: %s\nat %q, after\n%s", m.id, fmt.Sprintf(format, args...), line, strings.Join(m.events[max(0, len(m.events)-40):], "\n"))
	}
	for _, u := range untagged {
		line := strings.TrimSpace(u)
		m.events = append(m.events, line)
		if strings.Contains(line, "X-Inlay-Reserved:") || strings.Contains(line, "$InlayReserved") {
			wrong(line, "a marker is seen")
		}
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		n := int(number(f[1]))
		switch f[2] {
		case "EXISTS":
			if n < len(m.list) {
				wrong(line, "EXISTS shrinks the list of %d", len(m.list))
			}
			for len(m.list) < n {
				m.list, m.floor = append(m.list, 0), append(m.floor, m.past)
			}
		case "EXPUNGE":
			if n < 1 || n > len(m.list) {
				wrong(line, "the list has %d messages", len(m.list))
			}
			m.list, m.floor = slices.Delete(m.list, n-1, n), slices.Delete(m.floor, n-1, n)
		case "FETCH":
			if n < 1 || n > len(m.list) {
				wrong(line, "the list has %d messages", len(m.list))
			}
			if at := uidItem.FindStringSubmatch(line); at != nil {
				m.learn(n, number(at[1]), func(format string, args ...any) { wrong(line, format, args...) })
			}
		case "[UIDNEXT":
			m.past = max(m.past, number(strings.TrimSuffix(f[3], "]"))-1)
		}
	}
}

// learn takes the UID of a number.
func (m *member) learn(n int, uid uint32, wrong func(string, ...any)) {
	switch known := m.list[n-1]; {
	case known == uid:
		return
	case known != 0:
		wrong("number %d was UID %d and is %d", n, known, uid)
	case uid <= m.floor[n-1]:
		wrong("UID %d appeared when the client had been told of %d", uid, m.floor[n-1])
	}
	for i, u := range m.list {
		if u != 0 && (i < n-1) != (u < uid) {
			wrong("UIDs do not ascend: %d at %d, %d at %d", u, i+1, uid, n)
		}
	}
	m.list[n-1] = uid
	m.past = max(m.past, uid)
}
