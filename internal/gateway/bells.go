package gateway

import (
	"math/rand/v2"
	"sync"
	"time"

	"inlay.example/inlay/internal/injection"
)

// bells carries words to sessions: that something of a person's placements has changed, or
// that something may be offered. Words come from other sessions of this gateway at once, and
// from everybody else by the change stream. It is safe for concurrent use.
//
// A word says nothing but that it is worth looking: what there is is read from the ledger, by a
// reading that starts behind the word. So a word too many does no harm, and a word that is
// lost costs time only as long as the session looks by itself.
type bells struct {
	mu     sync.Mutex
	people map[string]map[*bell]struct{} // by login name
	owners map[string]map[*bell]struct{} // by the middleware's name for the person, as far as it is known
	count  int                           // of bells
	sign   time.Time                     // of the stream's life, the last one
	exact  bool                          // words are not relied on, see Config.Exact

	// turn grows with every word that may end the quiet of anybody.
	turn uint64
	// attended is when the last Attend that succeeded was sent: whoever begins something waits for
	// us from then on, for injection.AttendLease.
	attended time.Time
}

// streamAlive is for how long a stream that says nothing is taken for alive.
const streamAlive = 5 * time.Second

// bell is one session's.
type bell struct {
	owner string // guarded by mu of bells
	left  bool   // likewise: its session is over

	mu   sync.Mutex
	rung rung          // since the last take
	rang chan struct{} // capacity 1: something was rung
}

// rung is what a bell was rung for.
type rung struct {
	person bool          // the person's placements have changed
	offers bool          // something may be offered
	lost   bool          // the change stream is lost: the session looks by itself from now on
	wait   time.Duration // not everybody is to look at the same moment
}

func newBells(exact bool) *bells {
	return &bells{people: map[string]map[*bell]struct{}{}, owners: map[string]map[*bell]struct{}{}, exact: exact}
}

func newBell() *bell { return &bell{rang: make(chan struct{}, 1)} }

func (b *bells) join(user string, x *bell) {
	b.mu.Lock()
	defer b.mu.Unlock()
	hang(b.people, user, x)
	b.count++
}

// own says under which name the change stream speaks of the bell's person. What was said before
// went unheard: so the bell is rung, unless nothing can have been said.
func (b *bells) own(owner string, x *bell, quiet bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if owner == "" || x.owner == owner || x.left {
		return
	}
	takeDown(b.owners, x.owner, x)
	x.owner = owner
	hang(b.owners, owner, x)
	if !quiet {
		x.ring(rung{person: true})
	}
}

func (b *bells) leave(user string, x *bell) {
	b.mu.Lock()
	defer b.mu.Unlock()
	takeDown(b.people, user, x)
	takeDown(b.owners, x.owner, x)
	x.left = true
	b.count--
}

func hang(in map[string]map[*bell]struct{}, name string, x *bell) {
	if in[name] == nil {
		in[name] = map[*bell]struct{}{}
	}
	in[name][x] = struct{}{}
}

func takeDown(in map[string]map[*bell]struct{}, name string, x *bell) {
	delete(in[name], x)
	if len(in[name]) == 0 {
		delete(in, name)
	}
}

// ring tells all sessions of a person but the one whose change it was.
func (b *bells) ring(user string, but *bell) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for x := range b.people[user] {
		if x != but {
			x.ring(rung{person: true})
		}
	}
}

// ringOwner tells all sessions of a person of whom the change stream speaks.
func (b *bells) ringOwner(owner string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for x := range b.owners[owner] {
		x.ring(rung{person: true})
	}
}

// ringAll tells everybody, spread over up to three seconds where there are many.
func (b *bells) ringAll(r rung) {
	b.mu.Lock()
	defer b.mu.Unlock()
	spread := min(time.Duration(b.count)*time.Millisecond, 3*time.Second)
	for _, sessions := range b.people {
		for x := range sessions {
			r.wait = rand.N(spread + 1) //nolint:gosec // spreading, no secret
			x.ring(r)
		}
	}
}

// hears reports whether the change stream stands and speaks of the bell's person: then what was
// not rung has not changed.
func (b *bells) hears(x *bell) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.exact && x.owner != "" && !b.sign.IsZero() && time.Since(b.sign) < streamAlive
}

// signed notes a sign of the stream's life; lost, that there is none any more.
func (b *bells) signed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sign = time.Now()
}

func (b *bells) lost() {
	b.mu.Lock()
	stood := !b.sign.IsZero()
	b.sign = time.Time{}
	b.mu.Unlock()
	if stood {
		b.ringAll(rung{lost: true})
	}
}

func (x *bell) ring(r rung) {
	x.mu.Lock()
	x.rung.person = x.rung.person || r.person
	x.rung.offers = x.rung.offers || r.offers
	x.rung.lost = x.rung.lost || r.lost
	x.rung.wait = max(x.rung.wait, r.wait)
	x.mu.Unlock()
	select {
	case x.rang <- struct{}{}:
	default:
	}
}

// take gives what was rung since the last time. It is taken before the ledger is read.
func (x *bell) take() rung {
	x.mu.Lock()
	defer x.mu.Unlock()
	r := x.rung
	x.rung = rung{}
	select {
	case <-x.rang:
	default:
	}
	return r
}

// missed puts back a word that could not be followed, without ringing again.
func (x *bell) missed(r rung) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.rung.person = x.rung.person || r.person
	x.rung.offers = x.rung.offers || r.offers
}

// takePerson is take of what concerns the person's placements alone.
func (x *bell) takePerson() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	person := x.rung.person
	x.rung.person = false
	return person
}

// turned notes a word that may end the quiet of anybody, or that no word comes any more.
func (b *bells) turned() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn++
}

// attends notes an Attend that succeeded, by when it was sent.
func (b *bells) attends(sent time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if sent.After(b.attended) {
		b.attended = sent
	}
}

// leaves has nobody relied on any more.
func (b *bells) leaves() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attended = time.Time{}
}

// now gives the turn.
func (b *bells) now() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.turn
}

// clocks is how far two clocks may run apart within a lease.
const clocks = 2 * time.Second

// reliedOn reports whether who was quiet at a turn is so still: no word has come since, and
// whoever wants to end it waits for us.
func (b *bells) reliedOn(turn uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.turn == turn && time.Since(b.attended) < injection.AttendLease-clocks
}
