package gateway

import (
	"slices"
	"sync"

	"inlay.example/inlay/internal/placement"
)

// known keeps the last known placements of the people who are connected: what one of their
// sessions has shown stays addressable, in all of them, while the store is down. It is
// forgotten with a person's last session. It is safe for concurrent use.
type known struct {
	mu     sync.Mutex
	people map[string]*knownPerson // by login name
}

type knownPerson struct {
	sessions   int
	placements []placement.Placement
	// expunged through this gateway: a reading that was under way meanwhile, and came in
	// later, must not bring one back.
	expunged map[placement.ID]struct{}
}

func newKnown() *known { return &known{people: map[string]*knownPerson{}} }

// join counts a session of the person in.
func (k *known) join(user string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.people[user]
	if p == nil {
		p = &knownPerson{expunged: map[placement.ID]struct{}{}}
		k.people[user] = p
	}
	p.sessions++
}

// leave counts it out.
func (k *known) leave(user string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.people[user]; p != nil {
		if p.sessions--; p.sessions == 0 {
			delete(k.people, user)
		}
	}
}

// of returns what is known; the slice must not be changed.
func (k *known) of(user string) []placement.Placement {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.people[user]; p != nil {
		return p.placements
	}
	return nil
}

// set takes a reading. Where another session knows a later revision, that one stays.
func (k *known) set(user string, all []placement.Placement) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.people[user]
	if p == nil {
		return
	}
	next := make([]placement.Placement, 0, len(all))
	for _, a := range all {
		if _, gone := p.expunged[a.ID]; gone {
			continue
		}
		for _, old := range p.placements {
			if old.ID == a.ID && old.Rev > a.Rev {
				a = old
			}
		}
		next = append(next, a)
	}
	p.placements = next
}

// learn takes an answer that may be older than what is known: what it lacks may have been
// injected since.
func (k *known) learn(user string, some []placement.Placement) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.people[user]
	if p == nil {
		return
	}
	next := slices.Clone(p.placements)
	for _, a := range some {
		i := slices.IndexFunc(next, func(x placement.Placement) bool { return x.ID == a.ID })
		_, gone := p.expunged[a.ID]
		switch {
		case gone:
		case i < 0:
			next = append(next, a)
		case a.Rev > next[i].Rev:
			next[i] = a
		}
	}
	p.placements = next
}

// change takes one record as a change of ours left it.
func (k *known) change(user string, now placement.Placement) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.people[user]
	if p == nil {
		return
	}
	next := slices.DeleteFunc(slices.Clone(p.placements), func(x placement.Placement) bool { return x.ID == now.ID })
	p.placements = append(next, now)
}

// expunge forgets a placement for good.
func (k *known) expunge(user string, id placement.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.people[user]; p != nil {
		p.expunged[id] = struct{}{}
		p.placements = slices.DeleteFunc(slices.Clone(p.placements), func(x placement.Placement) bool { return x.ID == id })
	}
}

// changed notes a change that this session made, for all others of the person.
func (s *session) changed(now placement.Placement) {
	s.g.known.change(s.user, now)
	s.g.bells.ring(s.user, s.bell)
}

// removed notes that this session has removed a placement for good.
func (s *session) removed(id placement.ID) {
	s.g.known.expunge(s.user, id)
	s.g.bells.ring(s.user, s.bell)
}
