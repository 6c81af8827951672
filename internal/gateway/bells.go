package gateway

import (
	"math/rand/v2"
	"strings"
	"sync"
	"time"
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
	people map[string]map[*bell]struct{} // by key
	count  int                           // of bells
	sign   time.Time                     // of the stream's life, the last one
}

// streamAlive is for how long a stream that says nothing is taken for alive.
const streamAlive = 5 * time.Second

// bell is one session's.
type bell struct {
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

func newBells() *bells { return &bells{people: map[string]map[*bell]struct{}{}} }

func newBell() *bell { return &bell{rang: make(chan struct{}, 1)} }

// bellKey finds a session by its login name and by the normalised name alike: only the
// middleware knows which domain belongs to a name without one.
func bellKey(user string) string {
	name, _, _ := strings.Cut(strings.ToLower(user), "@")
	return name
}

func (b *bells) join(user string, x *bell) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := bellKey(user)
	if b.people[key] == nil {
		b.people[key] = map[*bell]struct{}{}
	}
	b.people[key][x] = struct{}{}
	b.count++
}

func (b *bells) leave(user string, x *bell) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := bellKey(user)
	delete(b.people[key], x)
	if len(b.people[key]) == 0 {
		delete(b.people, key)
	}
	b.count--
}

// ring tells all sessions of a person but the one whose change it was.
func (b *bells) ring(user string, but *bell) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for x := range b.people[bellKey(user)] {
		if x != but {
			x.ring(rung{person: true})
		}
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

// alive reports whether the change stream stands: then what was not rung has not changed.
func (b *bells) alive() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.sign.IsZero() && time.Since(b.sign) < streamAlive
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
