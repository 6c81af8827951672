package gateway_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/placement"
)

var modelRuns = flag.Int("model", 60, "random dialogues that TestModel plays")

// TestModel lets three clients, some of which have enabled QRESYNC, of one person talk at random, over two gateways, to a server
// that announces what it likes when it likes, while mail comes and goes and campaigns are
// offered and withdrawn. Each client keeps the list that it was told, and
//
//   - a number means the same message until an EXPUNGE or VANISHED says otherwise, and UIDs ascend;
//   - HIGHESTMODSEQ never falls, and is above that of every injected message that is settled;
//   - nothing is ever told of a marker, in any answer;
//   - nobody is told of what lies behind an injected message before being told of it;
//   - what was moved is in the other mailbox once, and what was not, or was taken back, is not;
//   - in the end every client holds what the server has and what is live, and no marker is left.
func TestModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(*modelRuns) { //nolint:gosec // not negative
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { playModel(t, seed) })
		})
	}
}

func playModel(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a seed is wanted
	box, svc := newModelMailbox(), newFakeService()
	if seed%3 != 0 {
		box.modSeq = 5
	}
	svc.streaming = seed%2 == 0
	var conns atomic.Uint64
	dial := func(context.Context) (net.Conn, error) {
		ours, theirs := net.Pipe()

		go box.serve(ours, seed<<8+conns.Add(1))
		return theirs, nil
	}
	for range rng.IntN(5) {
		box.deliver("")
	}
	var hosts []*host
	for range 2 {
		registry := prometheus.NewRegistry()
		g, err := gateway.New(gateway.Config{
			Backend: gateway.BackendConfig{Addr: "model:143", Dial: dial}, Poll: 300 * time.Millisecond, Look: 500 * time.Millisecond, Domain: "example.org",
		}, gateway.Deps{Injection: svc, Registerer: registry})
		if err != nil {
			t.Fatal(err)
		}
		h := &host{g: g, ln: newPipeListener(), served: make(chan error, 1), registry: registry}
		go func() { h.served <- g.Serve(h.ln, false) }()
		hosts = append(hosts, h)
	}
	var clients []*modelClient
	for i := range 3 {
		ours, theirs := net.Pipe()
		hosts[i%2].ln.conns <- theirs
		c := newModelClient(t, i, ours, box)
		c.do("LOGIN anna secret")
		if box.modSeq > 0 && rng.IntN(2) == 0 {
			c.qresync = true
			c.do("ENABLE QRESYNC")
		}
		clients = append(clients, c)
	}
	for range 60 {
		happen(t, rng, box, svc)
		clients[rng.IntN(len(clients))].something(rng)
		if rng.IntN(3) == 0 { // at the same time
			a, b := clients[rng.IntN(len(clients))], clients[rng.IntN(len(clients))]
			if a != b {
				a.begin(rng)
				b.something(rng)
				a.finish()
			}
		}
	}
	// Leases run out, a message comes, and everybody looks.
	time.Sleep(15 * time.Second)
	for _, c := range clients {
		c.endIdle()
		if !c.open {
			c.do("SELECT INBOX")
		}
	}
	box.deliver("")
	for range 3 { // in the first of them somebody injects what is still offered
		for _, c := range clients {
			c.do("NOOP")
		}
	}
	want, markers := box.real()
	if markers > 0 {
		t.Errorf("%d markers are left", markers)
	}
	for _, p := range svc.snapshot() {
		if p.State == placement.Live {
			want = append(want, uint32(p.UID))
		}
		moved := 0
		if p.State == placement.Moved {
			moved = 1
		}
		if n := box.archive.copies(string(p.ID)); n != moved {
			t.Errorf("%s is %s, and in the archive %d times", p.ID, p.State, n)
		}
		if left := box.modSeq == 0 && p.Unraised; p.Pending && !left || p.ModSeq > box.modSeq { // left to whoever enables CONDSTORE
			t.Errorf("%s is %s with mod-sequence %d, pending %v, and HIGHESTMODSEQ is %d", p.ID, p.State, p.ModSeq, p.Pending, box.modSeq)
		}
	}
	slices.Sort(want)
	for _, c := range clients {
		c.do("UID FETCH 1:* (UID FLAGS)")
		if c.highest > box.modSeq {
			t.Errorf("client %d was told HIGHESTMODSEQ %d of %d", c.n, c.highest, box.modSeq)
		}
		if !slices.Equal(c.uids, want) {
			t.Errorf("client %d holds %v, the mailbox is %v", c.n, c.uids, want)
		}
		c.conn.Close()
	}
	for _, h := range hosts {
		if err := h.g.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-h.served
		for _, l := range counted(h.registry) {
			// The store was there all the time: nobody may have been told past anything.
			if strings.HasPrefix(l, "inlay_gateway_late_total") || strings.HasPrefix(l, "inlay_gateway_closed_total") {
				t.Error(l)
			}
		}
	}
}

// happen lets something happen that no client does.
func happen(t *testing.T, rng *rand.Rand, box *modelMailbox, svc *fakeService) {
	switch rng.IntN(9) {
	case 8:
		if rng.IntN(4) == 0 {
			svc.act(t, []string{"lost"})
		}
	case 0, 1:
		box.deliver("")
	case 2:
		n := rng.IntN(10)
		box.expunge(func(m *modelMessage) bool { n--; return n == 0 && m.token == "" })
	case 3: // a client that bypasses the gateway marks everything as read
		box.mu.Lock()
		for _, m := range box.msgs {
			m.flags, m.mod = []string{`\Seen`}, box.changed()
		}
		box.mu.Unlock()
	case 4:
		svc.act(t, []string{"offer", fmt.Sprintf("c%d", rng.IntN(1_000_000_000)), "INBOX"})
	case 5:
		var live []placement.Placement
		for _, p := range svc.snapshot() {
			if p.State == placement.Live {
				live = append(live, p)
			}
		}
		if len(live) > 0 && rng.IntN(3) == 0 {
			svc.act(t, []string{"withdraw", strconv.Itoa(int(live[rng.IntN(len(live))].UID))})
		}
	case 6:
		time.Sleep(time.Duration(rng.IntN(3000)) * time.Millisecond)
	}
}

func (f *fakeService) snapshot() []placement.Placement {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.placements)
}

// modelClient believes what it is told, and complains.
type modelClient struct {
	t      *testing.T
	n      int
	conn   net.Conn
	r      *bufio.Reader
	box    *modelMailbox
	tag    int
	name   string // of the command in progress
	open   bool
	idling bool
	uids   []uint32 // 0: not known yet
	log    []string

	qresync bool
	highest uint64 // HIGHESTMODSEQ as last told
}

func newModelClient(t *testing.T, n int, conn net.Conn, box *modelMailbox) *modelClient {
	c := &modelClient{t: t, n: n, conn: conn, r: bufio.NewReader(conn), box: box}
	c.line()
	return c
}

func (c *modelClient) fail(format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf("client %d: %s\n%s", c.n, fmt.Sprintf(format, args...), strings.Join(c.log, "\n"))
}

func (c *modelClient) line() string {
	c.t.Helper()
	l, err := c.r.ReadString('\n')
	if err != nil {
		c.fail("reading: %v", err)
	}
	l = strings.TrimRight(l, "\r\n")
	c.log = append(c.log, "S: "+l)
	return l
}

func (c *modelClient) say(text string) {
	c.t.Helper()
	c.log = append(c.log, "C: "+text)
	if _, err := io.WriteString(c.conn, text+"\r\n"); err != nil {
		c.fail("writing: %v", err)
	}
}

func (c *modelClient) do(command string) {
	c.t.Helper()
	c.send(command)
	c.finish()
}

func (c *modelClient) send(command string) {
	c.tag++
	c.name, _, _ = strings.Cut(command, " ")
	c.say(fmt.Sprintf("t%d %s", c.tag, command))
	if c.name == "SELECT" {
		c.open, c.uids = false, nil
	}
}

// finish reads up to the tagged response.
func (c *modelClient) finish() {
	c.t.Helper()
	if c.name == "" {
		return
	}
	tag := fmt.Sprintf("t%d ", c.tag)
	for {
		l := c.line()
		switch {
		case strings.HasPrefix(l, tag):
			if c.name == "SELECT" {
				c.open = strings.HasPrefix(l, tag+"OK")
			}
			if c.name == "CLOSE" {
				c.open, c.uids = false, nil
			}
			c.name = ""
			return
		case strings.HasPrefix(l, "+"):
			return // of IDLE
		default:
			c.hear(l)
		}
	}
}

var fetchUID = regexp.MustCompile(`^\* (\d+) FETCH \((?:.*\b)?UID (\d+)`)

// hearESearch takes a result that counts: what it counts is what it lists, and known.
func (c *modelClient) hearESearch(l string) {
	c.t.Helper()
	head, items, _ := strings.Cut(l, ")")
	items, byUID := strings.CutPrefix(items, " UID")
	if head != fmt.Sprintf("* ESEARCH (TAG \"t%d\"", c.tag) {
		c.fail("heard %q", l)
	}
	said := map[string]string{}
	for f := strings.Fields(items); len(f) > 1; f = f[2:] {
		said[f[0]] = f[1]
	}
	var all imap.Set
	if said["ALL"] != "" {
		set, err := imap.ParseSeqSet([]byte(said["ALL"]), 1000)
		if err != nil {
			c.fail("heard %q: %v", l, err)
		}
		all = set.Resolve(0)
	}
	if said["COUNT"] != strconv.FormatUint(all.Len(), 10) || all.Len() > uint64(len(c.uids)) {
		c.fail("%d are known, and heard %q", len(c.uids), l)
	}
	if top := said["MAX"]; top != "" && top != strconv.FormatUint(uint64(all.Max()), 10) || !byUID && all.Max() > uint32(len(c.uids)) { //nolint:gosec // small
		c.fail("%d are known, and heard %q", len(c.uids), l)
	}
	for _, r := range all.Ranges() {
		for n := r.Lo; byUID && n <= r.Hi; n++ {
			if c.box.isMarker(n) {
				c.fail("ESEARCH tells of the marker %d", n)
			}
		}
	}
}

// hear takes an untagged response.
func (c *modelClient) hear(l string) {
	c.t.Helper()
	if strings.Contains(l, "InlayReserved") || strings.HasPrefix(l, "* BYE") {
		c.fail("heard %q", l)
	}
	if m := highestTold.FindStringSubmatch(l); m != nil {
		n, _ := strconv.ParseUint(m[1], 10, 64)
		if n < c.highest {
			c.fail("HIGHESTMODSEQ fell from %d to %d", c.highest, n)
		}
		c.highest = n
	}
	f := strings.Fields(l)
	if len(f) < 2 {
		return
	}
	n, err := strconv.Atoi(f[1])
	switch {
	case f[1] == "SEARCH":
		for _, x := range f[2:] {
			v, _ := strconv.Atoi(x)
			if c.name == "UID" && c.box.isMarker(uint32(v)) || c.name != "UID" && v > len(c.uids) { //nolint:gosec // small
				c.fail("SEARCH tells of %d", v)
			}
		}
	case f[1] == "ESEARCH":
		c.hearESearch(l)
	case f[1] == "VANISHED":
		c.hearVanished(l, f[2])
	case err != nil:
	case f[2] == "EXISTS":
		if n < len(c.uids) {
			c.fail("EXISTS %d while %d are known", n, len(c.uids))
		}
		c.uids = append(c.uids, make([]uint32, n-len(c.uids))...)
	case f[2] == "EXPUNGE":
		if c.qresync || n < 1 || n > len(c.uids) || c.name == "FETCH" || c.name == "STORE" || c.name == "SEARCH" {
			c.fail("EXPUNGE %d of %d within %s", n, len(c.uids), c.name)
		}
		c.uids = slices.Delete(c.uids, n-1, n)
	case f[2] == "FETCH":
		if n < 1 || n > len(c.uids) {
			c.fail("FETCH %d of %d", n, len(c.uids))
		}
		if m := fetchUID.FindStringSubmatch(l); m != nil {
			uid, _ := strconv.Atoi(m[2])
			c.learn(n, uint32(uid)) //nolint:gosec // small
		}
	}
}

var highestTold = regexp.MustCompile(`HIGHESTMODSEQ (\d+)`)

// hearVanished takes messages away by UID. One of which the UID was not known lies between the known
// ones with a lower and a higher UID.
func (c *modelClient) hearVanished(l, uids string) {
	c.t.Helper()
	set, err := imap.ParseSeqSet([]byte(uids), 1000)
	if err != nil || !c.qresync || c.name == "FETCH" || c.name == "STORE" || c.name == "SEARCH" {
		c.fail("heard %q within %s: %v", l, c.name, err)
	}
	for _, r := range set.Resolve(0).Ranges() {
		for uid := r.Lo; uid <= r.Hi; uid++ {
			i := slices.Index(c.uids, uid)
			for k := 0; i < 0 && k < len(c.uids) && c.uids[k] < uid; k++ {
				if c.uids[k] == 0 && !slices.ContainsFunc(c.uids[k:], func(u uint32) bool { return u != 0 && u < uid }) {
					i = k
				}
			}
			if i < 0 {
				c.fail("heard %q, and %v are known", l, c.uids)
			}
			c.uids = slices.Delete(c.uids, i, i+1)
		}
	}
}

func (c *modelClient) learn(n int, uid uint32) {
	c.t.Helper()
	switch old := c.uids[n-1]; {
	case c.box.isMarker(uid):
		if !c.isLive(uid) {
			c.fail("told of the marker with UID %d", uid)
		}
	case old != 0 && old != uid:
		c.fail("message %d was UID %d and is %d", n, old, uid)
	}
	c.uids[n-1] = uid
	last := uint32(0)
	for _, u := range c.uids {
		if u != 0 && u <= last {
			c.fail("UIDs do not ascend: %v", c.uids)
		}
		last = max(last, u)
	}
}

// isLive: the UID of a marker is told, in the end, for what it was burnt for.
func (c *modelClient) isLive(uid uint32) bool {
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	return !slices.ContainsFunc(c.box.msgs, func(m *modelMessage) bool { return m.uid == uid })
}

func (b *modelMailbox) isMarker(uid uint32) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.msgs, func(m *modelMessage) bool { return m.uid == uid && m.token != "" })
}

func (c *modelClient) endIdle() {
	if c.idling {
		c.idling = false
		c.say("DONE")
		c.finish()
	}
}

func (c *modelClient) something(rng *rand.Rand) {
	c.begin(rng)
	c.finish()
}

// begin sends a command, chosen at random.
func (c *modelClient) begin(rng *rand.Rand) {
	c.t.Helper()
	c.endIdle()
	if !c.open {
		c.send("SELECT INBOX")
		return
	}
	n := len(c.uids)
	some := func() string {
		if n == 0 {
			return "1:*"
		}
		lo := 1 + rng.IntN(n)
		switch rng.IntN(4) {
		case 0:
			return strconv.Itoa(lo)
		case 1:
			return fmt.Sprintf("%d:*", lo)
		case 2:
			return "1:*"
		}
		return fmt.Sprintf("%d:%d", lo, lo+rng.IntN(n-lo+1))
	}
	uids := func() string {
		if n == 0 {
			return "1:*"
		}
		u := max(c.uids[rng.IntN(n)], 1)
		return []string{fmt.Sprint(u), fmt.Sprintf("%d:*", u), fmt.Sprintf("%d:%d", u, u+5), "1:*", fmt.Sprintf("%d:*", u+20)}[rng.IntN(5)]
	}
	switch rng.IntN(17) {
	case 16:
		if rng.IntN(2) == 0 {
			c.send("MOVE " + some() + " Archive")
			break
		}
		c.send("UID MOVE " + uids() + " Archive")
	case 0, 1:
		c.send("NOOP")
	case 2:
		c.send("FETCH " + some() + " (UID)")
	case 3:
		c.send("UID FETCH " + uids() + " (FLAGS)")
	case 4:
		c.send("STORE " + some() + ` +FLAGS (\Seen)`)
	case 5:
		if rng.IntN(2) == 0 {
			c.send("UID STORE " + uids() + ` +FLAGS (\Deleted)`)
		} else {
			c.send("UID STORE " + uids() + ` -FLAGS (\Deleted)`)
		}
	case 6:
		c.send("EXPUNGE")
	case 7:
		c.send("UID EXPUNGE " + uids())
	case 8:
		if rng.IntN(2) == 0 {
			c.send(strings.Repeat("UID ", rng.IntN(2)) + "SEARCH RETURN (MAX COUNT ALL) " + []string{"ALL", some(), "UID " + uids()}[rng.IntN(3)])
			break
		}
		c.send("SEARCH " + []string{"ALL", some(), "UID " + uids(), "DELETED"}[rng.IntN(4)])
	case 9:
		c.send("UID SEARCH " + []string{"ALL", some(), "UID " + uids(), "DELETED"}[rng.IntN(4)])
	case 10:
		c.send("SELECT INBOX")
	case 11:
		c.send("APPEND INBOX {3+}\r\nabc")
	case 12:
		if c.qresync {
			c.send("STATUS INBOX (MESSAGES UIDNEXT HIGHESTMODSEQ)")
			break
		}
		c.send("STATUS INBOX (MESSAGES UIDNEXT)")
	case 13:
		if rng.IntN(3) == 0 {
			c.send("CLOSE")
		} else {
			c.send("CHECK")
		}
	default:
		c.idling = true
		c.send("IDLE")
	}
}
