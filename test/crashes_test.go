package test_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/peertest"
)

// The flags of make crash.
var (
	crashKills = flag.Int("crash.n", 12, "how often TestCrashes kills a gateway")
	crashSeed  = flag.Uint64("crash.seed", 0, "of the choices of TestCrashes; 0: a new one")
)

// killsInRound is how many kills one set of people lives through. A claim that is voided while its
// lease lives keeps a person from new ones for ten minutes: so there are new people now and then.
const killsInRound = 25

// roundsAtOnce is how many sets of people there are at a time: they wait more than they compute.
const roundsAtOnce = 4

// TestCrashes lets people work through two gateways that are killed with SIGKILL and started again,
// at random moments and at random steps, while campaigns start and are recalled. What was
// acknowledged to them has happened, what was not has happened or not, and nothing happened twice:
// crashes_check_test.go. A seed repeats the choices, not their timing.
func TestCrashes(t *testing.T) { //nolint:tparallel // one round after the other: each is a load of its own
	t.Parallel()
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	var kills, differences atomic.Int64
	room := make(chan struct{}, roundsAtOnce)
	t.Run("rounds", func(t *testing.T) {
		for round := 0; round*killsInRound < *crashKills; round++ {
			n := min(killsInRound, *crashKills-round*killsInRound)
			t.Run(strconv.Itoa(round), func(t *testing.T) {
				t.Parallel()
				room <- struct{}{}
				defer func() { <-room }()
				found := crashRound(t, rand.New(rand.NewPCG(seed, uint64(round))), n)
				for _, f := range found {
					t.Errorf("seed %d: %s", seed, f)
				}
				differences.Add(int64(len(found)))
				if t.Failed() && len(found) == 0 { // something else went wrong
					differences.Add(1)
				}
				kills.Add(int64(n))
			})
		}
	})
	// Printed also when nothing has failed and nobody is verbose: it is what make crash is run for.
	fmt.Printf("crash: %d kills, %d differences\n", kills.Load(), differences.Load()) //nolint:forbidigo // as said above
}

const (
	crashPeople = 4
	crashHands  = 2 // clients of each
	// What a dead gateway was moving or claiming is free soon, and a slow machine has the time to do it.
	crashMoveLease = 15 * time.Second
	crashLease     = 5 * time.Second
)

// crashRound kills gateways n times, and gives what is wrong in the end.
func crashRound(t *testing.T, r *rand.Rand, n int) []string {
	d := peertest.StartDovecot(t, peertest.Options{})
	w := newWorld(t)
	people := make([]*crashPerson, crashPeople)
	users := make([]string, crashPeople)
	for i := range people {
		users[i] = fmt.Sprintf("user%d", i)
		people[i] = newCrashPerson(users[i])
		first := mails(8)
		d.Deliver(t, users[i], "INBOX", first...)
		d.Deliver(t, users[i], "Kept")
		d.Deliver(t, users[i], "Copies")
		for j, m := range first {
			people[i].delivered(fmt.Sprintf("<m%d@mail.example>", j+1), m, uint32(j+1))
		}
	}
	c := &campaigns{w: w, users: users}
	c.before(t, d)

	g := &goroutine{TB: t}
	gates := make([]*gate, 2)
	for i := range gates {
		gates[i] = &gate{w: w, backend: d.Address()}
		gates[i].start(t, r)
	}
	over := make(chan struct{})
	var clients, around sync.WaitGroup
	for _, p := range people {
		for hand := range crashHands {
			h := &crashHand{t: g, p: p, hand: hand, r: rand.New(rand.NewPCG(r.Uint64(), 1)), gates: gates}
			clients.Go(func() { h.work(over) })
		}
	}
	platform := rand.New(rand.NewPCG(r.Uint64(), 2))
	around.Go(func() { c.run(g, platform, over) })

	for range n {
		gate := gates[r.IntN(len(gates))]
		gate.kill(t, time.Duration(r.IntN(1500))*time.Millisecond)
		gate.start(t, r)
	}
	close(over)
	clients.Wait()
	around.Wait()
	for _, gate := range gates {
		gate.child.Stop(t)
	}
	if t.Failed() {
		return nil
	}
	return checkCrashed(t, d, w, c, people)
}

// gate is a gateway that is killed, and started again at another address.
type gate struct {
	w       *world
	backend string
	child   *child // of the goroutine that kills

	mu   sync.Mutex
	addr string // guarded by mu
	ends bool   // by itself, at a step; of the goroutine that kills
}

func (g *gate) address() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.addr
}

// start starts it: every other one is to die at a step, for the first or a later time.
func (g *gate) start(t testing.TB, r *rand.Rand) {
	t.Helper()
	steps := gateway.Steps()
	if r.IntN(3) > 0 { // the first steps are reached by whoever comes
		steps = gateway.MoveSteps()
	}
	step, spare := steps[r.IntN(len(steps))], int64(r.IntN(3))
	g.ends = r.IntN(2) == 0
	g.child = g.w.newChild(t, g.backend, func(c *childConfig) {
		c.Lease, c.MoveLease = crashLease, crashMoveLease
		if g.ends {
			c.DieAt, c.Spare = step, spare
		}
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.addr = g.child.addr
}

// kill kills it after a moment, if it has not died at its step by then, for which there is more time.
func (g *gate) kill(t testing.TB, moment time.Duration) {
	t.Helper()
	if g.ends {
		moment += 1500 * time.Millisecond
	}
	select {
	case <-g.child.Done():
	case <-time.After(moment):
	}
	g.child.Kill()
}

// campaigns are what the platform does meanwhile.
type campaigns struct {
	w     *world
	users []string

	running  []campaign.ID
	recalled map[campaign.ID]bool
	pinned   campaign.ID
}

// before injects a pinned message, two hours ago: it may come again as soon as there is newer mail.
func (c *campaigns) before(t *testing.T, d *peertest.Dovecot) {
	t.Helper()
	c.recalled, c.pinned = map[campaign.ID]bool{}, "pinned"
	c.w.later.Store(-int64(2 * time.Hour))
	c.w.run(t, c.pinned, c.users, func(a *campaign.Active) {
		a.Start = a.Start.Add(-24 * time.Hour)
		a.Position, a.Reinject = "pinned 2", campaign.Reinject{EveryHours: 1, Times: 3}
	})
	p := newProxy(t, d.Address(), c.w.middleware)
	for _, u := range c.users {
		conn := login(t, p.addr, u)
		if n := conn.exists("SELECT INBOX"); n != 9 {
			t.Fatalf("%s sees %d messages of eight and one that is pinned", u, n)
		}
		conn.must("LOGOUT")
	}
	c.w.later.Store(0)
}

// run starts campaigns for everybody, and recalls the oldest when there are many.
func (c *campaigns) run(t testing.TB, r *rand.Rand, over <-chan struct{}) {
	t.Helper()
	for n := 0; ; n++ {
		id := campaign.ID(fmt.Sprintf("c%d", n))
		c.w.run(t, id, c.users)
		c.running = append(c.running, id)
		if len(c.running) > 5 {
			old := c.running[r.IntN(3)]
			c.w.recall(t, old)
			c.recalled[old] = true
			c.running = slices.DeleteFunc(c.running, func(id campaign.ID) bool { return id == old })
		}
		select {
		case <-over:
			return
		case <-time.After(time.Duration(2000+r.IntN(3000)) * time.Millisecond):
		}
	}
}
