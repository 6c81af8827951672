package test_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/peertest"
	"inlay.example/inlay/internal/placement"
)

var (
	cachesSeed    = flag.Uint64("caches.seed", 1, "seed of TestCaches")
	cachesSteps   = flag.Int("caches.steps", 1200, "steps of TestCaches")
	cachesRound   = flag.Int("caches.round", 0, "first round of TestCaches: a difference names its own")
	cachesControl = flag.Bool("caches.control", false, "TestCaches without a gateway: whether the modelled clients are right")
)

// stepsOfRound is how long one person's story is.
const stepsOfRound = 80

// replayed is after what time a gateway has replayed its notes of an outage, and some session has
// raised what was left pending by that, at the latest.
const replayed = 20 * time.Second

// roundsOfWorld is how many stories one store holds.
const roundsOfWorld = 25

// TestCaches has modelled clients connect, idle, cache, be cut off at any octet and come back, on
// two gateways and one Dovecot, while campaigns start and are recalled, messages arrive and leave,
// somebody bypasses the gateways, and the store is slow, gone, or loses its answers. After every
// synchronisation a client's cache is the mailbox; and while the store answered, no injected
// message comes up below a UID that the client had been told to be past.
//
// make caches SEED=n STEPS=n runs it for longer.
func TestCaches(t *testing.T) { //nolint:paralleltest // make caches has the machine to itself
	if *cachesSteps <= 1200 {
		t.Parallel()
	}
	d := peertest.StartDovecot(t, peertest.Options{})
	steps, differences := 0, 0
	for round := *cachesRound; steps < *cachesSteps && differences < 5; {
		before := steps
		ok := t.Run(fmt.Sprintf("world%d", round/roundsOfWorld), func(t *testing.T) {
			w := newWorld(t)
			for range roundsOfWorld {
				if steps >= *cachesSteps {
					return
				}
				s := &story{world: w, t: t, dovecot: d, round: round, r: rand.New(rand.NewPCG(*cachesSeed, uint64(round)))} //nolint:gosec // counts up
				s.run()
				steps += s.steps
				differences += s.differences
				round++
				if *cachesSteps > 1200 {
					fmt.Fprintf(os.Stderr, "\r%d of %d steps, %d differences", steps, *cachesSteps, differences)
				}
			}
		})
		if !ok && steps == before {
			t.FailNow()
		}
	}
	fmt.Printf("caches: %d steps, %d differences\n", steps, differences) //nolint:forbidigo // the one line that is the result
}

// weather is what the middleware's API is like.
type weather int32

const (
	fine     weather = iota
	slow             // answers after a moment
	gone             // does not answer
	lossy            // does what it is asked, and does not say so
	weathers = 4
)

// story is one person, three clients that cache, and one that writes.
type story struct {
	*world
	t       *testing.T
	dovecot *peertest.Dovecot
	r       *rand.Rand
	round   int
	steps   int

	user        string
	weather     atomic.Int32
	gateways    []*proxy
	notes       [2]string // folders, which outlive the gateways
	addrs       []string
	clients     []*cacher
	campaigns   []campaign.ID
	bare        *conn // past the gateways
	history     []string
	differences int
}

func (s *story) run() {
	s.user = fmt.Sprintf("c%d-%d", *cachesSeed, s.round)
	s.dovecot.Deliver(s.t, s.user, "INBOX", mails(1+s.r.IntN(6))...)
	s.bare = login(s.t, s.dovecot.Addr, s.user)
	s.bare.must("SELECT INBOX")
	for i := range s.notes {
		s.notes[i] = s.t.TempDir()
	}
	s.open()
	for i, how := range []string{"plain", "condstore", "qresync", "vanished"} {
		s.clients = append(s.clients, &cacher{name: how, how: how, eager: i%2 == s.round%2, mails: map[uint32]string{}, ever: map[uint32]bool{}})
	}
	defer func() {
		for _, c := range s.clients {
			c.drop()
		}
		for _, g := range s.gateways {
			s.close(g)
		}
		s.bare.nc.Close()
		s.weather.Store(int32(fine))
		for _, id := range s.campaigns {
			s.recall(s.t, id)
		}
	}()
	if *cachesControl {
		s.addrs = []string{s.dovecot.Addr}
	}
	for range stepsOfRound {
		s.step()
		s.steps++
		if s.differences > 0 {
			return
		}
	}
	// In the end everybody comes back once more.
	s.calm()
	for _, c := range s.clients {
		s.comeBack(c, -1)
	}
}

// open starts two gateways that reach the middleware through the weather.
func (s *story) open() {
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch weather(s.weather.Load()) {
		case fine:
		case slow:
			time.Sleep(20 * time.Millisecond) //nolint:forbidigo // this is how slow it is
		case gone:
			panic(http.ErrAbortHandler)
		case lossy:
			s.middleware.Handler().ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		s.middleware.Handler().ServeHTTP(w, r)
	}))
	s.t.Cleanup(front.Close)
	s.gateways, s.addrs = nil, nil
	for i := range s.notes {
		c, err := middleware.NewClient(middleware.ClientConfig{BaseURL: front.URL, Token: apiToken})
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(c.Close)
		p := newProxy(s.t, s.dovecot.Addr, c, func(cfg *gateway.Config) { cfg.Notes = s.notes[i] })
		s.gateways, s.addrs = append(s.gateways, p), append(s.addrs, p.addr)
	}
}

func (s *story) close(p *proxy) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = p.Shutdown(ctx)
}

func (s *story) addr() string { return s.addrs[s.r.IntN(len(s.addrs))] }

func (s *story) did(format string, args ...any) {
	s.history = append(s.history, fmt.Sprintf(format, args...))
}

// step is one thing that happens.
func (s *story) step() {
	c := s.clients[s.r.IntN(len(s.clients))]
	switch n := s.r.IntN(100); {
	case n < 25 && !c.open():
		s.comeBack(c, -1)
	case n < 33:
		c.drop()
		s.comeBack(c, s.r.IntN(1500))
	case n < 38:
		s.did("%s drops", c.name)
		c.drop()
	case n < 52 && c.open():
		s.did("%s: NOOP", c.name)
		s.hears(c, func() error { _, err := c.cmd("NOOP"); return err })
	case n < 58 && c.open():
		s.did("%s idles", c.name)
		s.hears(c, func() error { return c.idles(time.Duration(s.r.IntN(40)) * time.Millisecond) })
	case n < 72:
		s.writes(s.addr(), "through a gateway")
	case n < 82:
		s.writes(s.dovecot.Addr, "past the gateways")
	case n < 87 && len(s.campaigns) < 4 && !*cachesControl:
		id := campaign.ID(fmt.Sprintf("c%d-%d-%d", *cachesSeed, s.round, len(s.campaigns)))
		s.did("campaign %s starts", id)
		s.campaigns = append(s.campaigns, id)
		s.world.run(s.t, id, []string{s.user})
	case n < 90 && len(s.campaigns) > 0:
		id := s.campaigns[s.r.IntN(len(s.campaigns))]
		s.did("campaign %s is recalled", id)
		s.recall(s.t, id)
	case n < 91 && s.r.IntN(3) == 0 && !*cachesControl && s.weather.Load() == int32(fine):
		s.weather.Store(1 + s.r.Int32N(weathers-1))
		s.did("the middleware becomes %d", s.weather.Load())
	case n < 97:
		s.calm()
	}
}

// calm makes the middleware answer again. Gateways are started anew, as after a storm their
// breakers would go on not asking it for seconds.
func (s *story) calm() {
	if was := weather(s.weather.Swap(int32(fine))); was == fine || was == slow {
		return
	}
	s.did("the middleware answers again, the gateways are started anew")
	for _, c := range s.clients {
		c.drop()
	}
	for _, g := range s.gateways {
		s.close(g)
	}
	s.open()
}

// comeBack has a client connect and synchronise, and compares its cache with the mailbox. cut is
// after how many octets it is cut off; -1: it is not.
func (s *story) comeBack(c *cacher, cut int) {
	s.did("%s comes back, cut after %d octets", c.name, cut)
	c.drop()
	for attempt := range 6 {
		before := s.truth()
		bad := weather(s.weather.Load())
		if bad == gone || bad == lossy {
			c.stormed = true
		}
		if err := c.connect(s.addr(), s.user, cut); err != nil {
			if cut < 0 {
				s.differs(c, "login: %v", err)
			}
			return
		}
		err := c.synchronise()
		if count := (errCount{}); errors.As(err, &count) && bad >= gone {
			c.drop() // it will hear of what has left when the store answers, see HIGHESTMODSEQ
			return
		} else if errors.As(err, &count) && c.stormed && attempt < 5 {
			time.Sleep(replayed / 5) //nolint:forbidigo // until gateways replay their notes; they give no sign of it
			s.did("  not yet found again, by count: %d", attempt)
			c.drop()
			continue
		}
		if err != nil {
			if cut >= 0 && (errors.Is(err, errCut) || errors.Is(err, io.EOF)) {
				c.drop()
				return
			}
			s.differs(c, "synchronising: %v", err)
			return
		}
		c.nc.(*cutConn).left = -1 //nolint:forcetypeassert // of connect
		if bad == gone || bad == lossy {
			return // what it was told holds for this session; nobody promises more
		}
		after := s.truth()
		if maps.Equal(before, after) {
			if c.stormed && attempt < 5 && !maps.Equal(c.mails, after) {
				// What it was told past is found again when the gateway's notes are replayed.
				time.Sleep(replayed / 5) //nolint:forbidigo // until gateways replay their notes; they give no sign of it
				s.did("  not yet found again: %d", attempt)
				c.drop()
				continue
			}
			s.checkLate(c)
			c.stormed = false
			if !maps.Equal(c.mails, after) {
				s.differs(c, "cache %v\n     mailbox %v", sorted(c.mails), sorted(after))
			}
			return
		}
		s.did("  once more: %d", attempt)
		c.drop() // it was injected by this very SELECT, or somebody idles
	}
	s.differs(c, "the mailbox does not come to rest")
}

// checkLate looks at what came up below what the client had been told to be past.
func (s *story) checkLate(c *cacher) {
	late := c.late
	c.late = nil
	if c.stormed || s.t.Failed() {
		return
	}
	for _, uid := range late {
		if _, injected := s.placements()[uid]; injected {
			s.differs(c, "UID %d came up late: it had been told UIDNEXT %d", uid, c.next)
		}
	}
}

// hears runs a command in an open mailbox, and compares what the client has then with what the
// same session shows.
func (s *story) hears(c *cacher, do func() error) {
	if weather(s.weather.Load()) >= gone {
		c.stormed = true
	}
	var view map[uint32]string
	for range 4 {
		err := do()
		if err == nil {
			err = c.arrived()
		}
		if err == nil && len(c.seqs) > 0 {
			other := &cacher{mode: c.mode, nc: c.nc, in: c.in, tags: c.tags + 1000, seqs: slices.Clone(c.seqs), mails: map[uint32]string{}, ever: map[uint32]bool{}, validity: c.validity}
			_, err = other.cmd("UID FETCH 1:* (UID FLAGS)")
			view, c.tags, c.log = other.mails, other.tags, append(c.log, other.log...)
			if err == nil && !slices.Equal(other.seqs, c.seqs) {
				// Told of something new within this very command.
				c.seqs, c.mails = other.seqs, maps.Clone(view)
				for uid := range view {
					c.ever[uid] = true
				}
				continue
			}
		} else {
			view = map[uint32]string{}
		}
		if err != nil {
			if no := (errNo{}); errors.As(err, &no) && strings.Contains(no.text, "UNAVAILABLE") {
				return
			}
			if weather(s.weather.Load()) < gone {
				s.differs(c, "in the open mailbox: %v", err)
			}
			c.drop()
			return
		}
		if maps.Equal(view, c.mails) {
			return
		}
	}
	s.differs(c, "heard %v\n     shown %v", sorted(c.mails), sorted(view))
}

// writes does what a person or a filter does.
func (s *story) writes(addr, where string) {
	c := &cacher{name: "writer", how: "plain", mails: map[uint32]string{}, ever: map[uint32]bool{}}
	defer c.drop()
	if err := c.connect(addr, s.user, -1); err != nil {
		s.differs(c, "login: %v", err)
		return
	}
	if err := c.synchronise(); err != nil {
		if weather(s.weather.Load()) < gone {
			s.differs(c, "the writer: %v", err)
		}
		return
	}
	uids := slices.Sorted(maps.Keys(c.mails))
	uids = slices.DeleteFunc(uids, func(uid uint32) bool { return strings.Contains(c.mails[uid], "$InlayReserved") })
	var text string
	switch n := s.r.IntN(10); {
	case n < 2 || len(uids) == 0:
		text = fmt.Sprintf("APPEND INBOX {%d+}\r\n%s", 30, "Subject: x\r\n\r\nhello, hello.\r\n\r\n"[:30])
	case n < 7:
		uid := uids[s.r.IntN(len(uids))]
		text = fmt.Sprintf("UID STORE %d %sFLAGS (%s)", uid, oneOf(s.r, "+", "-", ""), oneOf(s.r, `\Seen`, `\Flagged`, "Work", `\Answered Kept`, `\Deleted`))
	case n < 8:
		text = "EXPUNGE"
	default:
		uid := uids[s.r.IntN(len(uids))]
		if _, err := c.cmd(fmt.Sprintf(`UID STORE %d +FLAGS.SILENT (\Deleted)`, uid)); err != nil {
			s.did("  refused: %v", err)
			return
		}
		text = fmt.Sprintf("UID EXPUNGE %d", uid)
	}
	s.did("%s: %s", where, strings.ReplaceAll(text, "\r\n", "|"))
	if _, err := c.cmd(text); err != nil {
		s.did("  refused: %v", err)
		if no := (errNo{}); !errors.As(err, &no) && weather(s.weather.Load()) < gone {
			s.differs(c, "the writer: %v", err)
		}
	}
}

func oneOf(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

// truth is the mailbox as the server and the ledger have it.
func (s *story) truth() map[uint32]string {
	out := s.placements()
	s.bare.must("NOOP") // a FETCH is told of no expunge
	for _, l := range s.bare.must("UID FETCH 1:* (UID FLAGS)").lines("FETCH") {
		if m := uidItem.FindStringSubmatch(l); m != nil && !strings.Contains(l, "$InlayReserved") {
			out[number(m[1])] = strings.Join(flagsIn(l), " ")
		}
	}
	return out
}

func (s *story) placements() map[uint32]string {
	list, err := s.middleware.Placements(context.Background(), injection.Person{User: s.user})
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[uint32]string{}
	for _, p := range list {
		if p.State == placement.Live {
			out[uint32(p.UID)] = strings.Join(flagsIn("FLAGS ("+strings.Join(p.Flags, " ")+")"), " ")
		}
	}
	return out
}

func sorted(m map[uint32]string) string {
	var b strings.Builder
	for _, uid := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "%d(%s) ", uid, m[uid])
	}
	return b.String()
}

// differs reports a difference, with everything that led to it.
func (s *story) differs(c *cacher, format string, args ...any) {
	s.differences++
	s.t.Errorf("round %d, seed %d, %s (eager %t, mod-sequence %d): %s\n  %s\n  %s", s.round, *cachesSeed, c.name, c.eager, c.modSeq,
		fmt.Sprintf(format, args...), strings.Join(s.history, "\n  "), strings.Join(c.log, "\n  "))
}
