package mailview_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/mailview"
)

// naive is what a View stands for: a list of what the backend has and a list of what the
// client was told, message by message.
type naive struct {
	t       *testing.T
	r       *rand.Rand
	seed    uint64
	ops     []string // what was done
	v       *mailview.View
	backend []int // ids
	client  []int
	uid     map[int]imap.UID // id → UID
	inj     map[int]bool     // id is an injected message's
	hidden  map[int]bool     // id is in the backend's list only
	known   map[int]bool     // hidden and identified
	next    int
	nextUID imap.UID
}

// newNaive makes the lists of a mailbox that was just selected: some messages, some of them
// markers, and some injected ones anywhere between, put there in any order.
func newNaive(t *testing.T, seed uint64) *naive {
	m := &naive{
		t: t, r: rand.New(rand.NewPCG(seed, 1)), seed: seed,
		uid: map[int]imap.UID{}, inj: map[int]bool{}, hidden: map[int]bool{}, known: map[int]bool{}, nextUID: 10,
	}
	n := m.r.IntN(12)
	m.v = mailview.New(uint32(n))
	for range n {
		id := m.fresh()
		m.backend = append(m.backend, id)
		m.client = append(m.client, id)
	}
	for i, id := range slices.Clone(m.backend) {
		if m.r.IntN(6) == 0 {
			m.hidden[id], m.known[id] = true, true
			m.client = slices.Delete(m.client, slices.Index(m.client, id), slices.Index(m.client, id)+1)
			m.ok(m.v.Hide(imap.SeqNum(i+1), m.uid[id]))
		}
	}
	for _, rank := range m.r.Perm(n) {
		if m.r.IntN(3) == 0 {
			m.injectBehind(rank)
		}
	}
	return m
}

// injectBehind puts a message between the UIDs of message rank and the one behind it.
func (m *naive) injectBehind(rank int) {
	m.did("inject behind %d", rank)
	m.next++
	id := m.next
	m.inj[id] = true
	m.uid[id] = m.uid[m.backend[rank]] - 1
	i := slices.IndexFunc(m.client, func(c int) bool { return m.uid[c] > m.uid[id] })
	if i < 0 {
		i = len(m.client)
	}
	m.client = slices.Insert(m.client, i, id)
	n, err := m.v.Inject(m.uid[id], uint32(rank))
	m.ok(err)
	if int(n) != i+1 {
		m.fail("injected as %d, want %d", n, i+1)
	}
	if _, err := m.v.Inject(m.uid[id], uint32(rank)); err == nil {
		m.fail("injected twice")
	}
}

func (m *naive) did(format string, args ...any) { m.ops = append(m.ops, fmt.Sprintf(format, args...)) }

// fail says how the failure is had again.
func (m *naive) fail(format string, args ...any) {
	m.t.Helper()
	last := m.ops[max(0, len(m.ops)-20):]
	m.t.Fatalf("go test -run TestNaive -seed %d, after %d operations, the last of them %q:\n%s", m.seed, len(m.ops), last, fmt.Sprintf(format, args...))
}

func (m *naive) fresh() int {
	m.next++
	m.uid[m.next] = m.nextUID
	m.nextUID += 2
	return m.next
}

func (m *naive) ok(err error) {
	m.t.Helper()
	if err != nil {
		m.fail("%v", err)
	}
}

// at finds an id in a list, as a sequence number.
func at(list []int, id int) uint32 { return uint32(slices.Index(list, id) + 1) }

func (m *naive) arrive(n int) {
	m.did("arrive %d", n)
	for range n {
		id := m.fresh()
		m.backend = append(m.backend, id)
		m.hidden[id] = true
	}
	m.ok(m.v.Arrive(uint32(len(m.backend))))
}

func (m *naive) expunge(i int) {
	m.did("expunge %d", i+1)
	id := m.backend[i]
	m.backend = slices.Delete(m.backend, i, i+1)
	delete(m.hidden, id)
	delete(m.known, id)
	m.ok(m.v.Expunge(imap.SeqNum(i + 1)))
}

func (m *naive) identify(i int) {
	if id := m.backend[i]; m.hidden[id] && !m.known[id] {
		m.did("identify %d", i+1)
		m.known[id] = true
		m.ok(m.v.Hide(imap.SeqNum(i+1), m.uid[id]))
	}
}

// reveal tells a hidden message if the client knows nothing of a later UID; otherwise the
// view must refuse.
func (m *naive) reveal(i int) {
	m.did("reveal %d", i+1)
	id := m.backend[i]
	err := m.v.Reveal(imap.SeqNum(i + 1))
	legal := m.hidden[id] && !slices.ContainsFunc(m.client, func(c int) bool { return m.uid[c] > m.uid[id] && (m.inj[c] || slices.Contains(m.backend, c)) })
	// Ghosts lie where they lay; one of a later UID whose rank reaches behind is refused too.
	if legal && !slices.ContainsFunc(m.client, func(c int) bool { return m.uid[c] > m.uid[id] }) {
		m.ok(err)
	}
	if !legal && err == nil {
		m.fail("revealing %d was allowed", i+1)
	}
	if err == nil {
		delete(m.hidden, id)
		delete(m.known, id)
		m.client = append(m.client, id)
	}
}

// inject puts a message with the next UID at the tail.
func (m *naive) inject() {
	m.did("inject")
	id := m.fresh()
	m.inj[id] = true
	rank := uint32(len(m.backend))
	m.client = append(m.client, id)
	n, err := m.v.Inject(m.uid[id], rank)
	m.ok(err)
	if n != imap.SeqNum(len(m.client)) {
		m.fail("injected as %d of %d", n, len(m.client))
	}
}

func (m *naive) withdraw() {
	if ids := m.v.Injected(); len(ids) > 0 {
		uid := ids[m.r.IntN(len(ids))]
		m.did("withdraw UID %d", uid)
		i := slices.IndexFunc(m.client, func(c int) bool { return m.uid[c] == uid })
		n, ok := m.v.Remove(uid)
		if !ok || int(n) != i+1 {
			m.fail("Remove(%d) = %d, %v, want %d", uid, n, ok, i+1)
		}
		m.client = slices.Delete(m.client, i, i+1)
	}
}

func (m *naive) tell() {
	m.did("tell")
	m.ok(m.v.TellGhosts(func(n imap.SeqNum) error {
		id := m.client[n-1]
		if m.inj[id] || slices.Contains(m.backend, id) {
			m.fail("told EXPUNGE of %d, which is there", n)
		}
		m.client = slices.Delete(m.client, int(n)-1, int(n))
		return nil
	}))
}

// vanish takes messages away by UID. With ghosts, or with an untold message before one that the
// client knows, the view must refuse to take away what the client knows.
func (m *naive) vanish() {
	m.did("vanish")
	untold := func(id int) bool { return m.hidden[id] && !m.known[id] }
	var last imap.UID
	for _, id := range m.client {
		last = max(last, m.uid[id])
	}
	behind := false // an untold message lies before one that the client knows
	for i, id := range m.backend {
		behind = behind || untold(id) && (m.uid[id] < last || slices.ContainsFunc(m.backend[i:], func(id int) bool { return !m.hidden[id] }))
	}
	var uids, want imap.Set
	var gone []int
	for _, id := range m.backend {
		if untold(id) && behind || m.r.IntN(4) != 0 {
			continue
		}
		gone = append(gone, id)
		uids.Add(uint32(m.uid[id]))
		if !m.hidden[id] {
			want.Add(uint32(m.uid[id]))
		}
	}
	if ids := m.v.Injected(); len(ids) > 0 && m.r.IntN(2) == 0 {
		uids.Add(uint32(ids[m.r.IntN(len(ids))])) // a server repeats burnt UIDs
	}
	got, err := m.v.Vanish(uids, last)
	if doubt := m.v.Ghosts() > 0 || behind; doubt && !want.Empty() {
		if err == nil && m.v.Ghosts() > 0 {
			m.fail("Vanish(%s) while numbers are in doubt", uids)
		}
		if err != nil {
			return
		}
	}
	m.ok(err)
	if got.String() != want.String() {
		m.fail("Vanish(%s) tells %s, want %s", uids, got, want)
	}
	for _, id := range gone {
		m.backend = slices.DeleteFunc(m.backend, func(b int) bool { return b == id })
		m.client = slices.DeleteFunc(m.client, func(c int) bool { return c == id })
		delete(m.hidden, id)
		delete(m.known, id)
	}
}

// check compares every translation in both directions.
func (m *naive) check() {
	m.t.Helper()
	v := m.v
	if int(v.Backend()) != len(m.backend) || int(v.Client()) != len(m.client) {
		m.fail("lists of %d and %d, want %d and %d", v.Backend(), v.Client(), len(m.backend), len(m.client))
	}
	for i, id := range m.backend {
		n, ok := v.ClientSeq(imap.SeqNum(i + 1))
		if want := at(m.client, id); ok != (want > 0) || ok && uint32(n) != want {
			m.fail("ClientSeq(%d) = %d, %v, want %d", i+1, n, ok, want)
		}
		if m.v.Hidden().Contains(uint32(i+1)) != m.hidden[id] || m.v.Untold().Contains(uint32(i+1)) != (m.hidden[id] && !m.known[id]) {
			m.fail("hidden or untold of %d is wrong", i+1)
		}
		if m.hidden[id] && v.HiddenUID(m.uid[id]) != m.known[id] {
			m.fail("HiddenUID(%d)", m.uid[id])
		}
	}
	for i, id := range m.client {
		n, ok := v.BackendSeq(imap.SeqNum(i + 1))
		if want := at(m.backend, id); ok != (want > 0) || ok && uint32(n) != want {
			m.fail("BackendSeq(%d) = %d, %v, want %d", i+1, n, ok, want)
		}
		uid, ok := v.InjectedAt(imap.SeqNum(i + 1))
		if ok != m.inj[id] || ok && uid != m.uid[id] {
			m.fail("InjectedAt(%d) = %d, %v", i+1, uid, ok)
		}
		if m.inj[id] {
			if n, ok := v.InjectedSeq(m.uid[id]); !ok || int(n) != i+1 {
				m.fail("InjectedSeq(%d) = %d, %v, want %d", m.uid[id], n, ok, i+1)
			}
		}
	}
	for _, n := range []uint32{0, uint32(len(m.client)) + 1, 1<<32 - 1} {
		if _, ok := v.BackendSeq(imap.SeqNum(n)); ok {
			m.fail("BackendSeq(%d) is something", n)
		}
	}
}

// checkSets compares the splitting and joining of a random set.
func (m *naive) checkSets() {
	m.t.Helper()
	r := m.r
	var set, back imap.Set
	var inj []imap.UID
	var ghosts uint64
	for i, id := range m.client {
		if r.IntN(3) == 0 {
			continue
		}
		set.Add(uint32(i + 1))
		switch b := at(m.backend, id); {
		case m.inj[id]:
			inj = append(inj, m.uid[id])
		case b > 0:
			back.Add(b)
		default:
			ghosts++
		}
	}
	set.AddRange(uint32(len(m.client))+1, 1<<32-1) // beyond the view
	gotB, gotI, gotG := m.v.Split(set)
	if gotB.String() != back.String() || !slices.Equal(gotI, inj) || gotG != ghosts {
		m.fail("Split(%s) = %s %v %d, want %s %v %d", set, gotB, gotI, gotG, back, inj, ghosts)
	}
	var from, to imap.Set
	for i, id := range m.backend {
		if r.IntN(3) == 0 {
			continue
		}
		from.Add(uint32(i + 1))
		to.Add(at(m.client, id))
	}
	if got := m.v.ToClient(from); got.String() != to.String() {
		m.fail("ToClient(%s) = %s, want %s", from, got, to)
	}
	var uids, wantU imap.Set
	var wantI []imap.UID
	for u := imap.UID(1); u < m.nextUID+3; u++ {
		if r.IntN(3) == 0 {
			continue
		}
		uids.Add(uint32(u))
		switch {
		case slices.Contains(m.v.Injected(), u):
			wantI = append(wantI, u)
		case !m.v.HiddenUID(u):
			wantU.Add(uint32(u))
		}
	}
	if u, i := m.v.SplitUID(uids); u.String() != wantU.String() || !slices.Equal(i, wantI) {
		m.fail("SplitUID(%s) = %s %v, want %s %v", uids, u, i, wantU, wantI)
	}
}

// step does one random thing.
func (m *naive) step() {
	r := m.r
	switch r.IntN(10) {
	case 0:
		m.arrive(1 + r.IntN(3))
	case 1, 2:
		if len(m.backend) > 0 {
			m.expunge(r.IntN(len(m.backend)))
		}
	case 3:
		if len(m.backend) > 0 {
			m.identify(r.IntN(len(m.backend)))
		}
	case 4, 5:
		// News are told from the first on; also one out of turn, which must be refused.
		for i, id := range m.backend {
			if m.hidden[id] {
				m.reveal(i)
				break
			}
		}
	case 6:
		if len(m.v.Injected()) < 6 && m.v.Hidden().Empty() {
			m.inject()
		}
	case 7:
		m.withdraw()
	case 8:
		m.tell()
	case 9:
		if r.IntN(4) == 0 {
			m.vanish()
		} else if len(m.backend) > 0 {
			m.reveal(r.IntN(len(m.backend)))
		}
	}
}

var seed = flag.Uint64("seed", 0, "run TestNaive from this seed alone")

const (
	walks = 250 // of TestNaive
	steps = 500 // of a walk
)

// TestNaive walks the view and the pair of lists side by side: 125,000 random operations, half
// of them the same in every run, half of them new.
func TestNaive(t *testing.T) {
	t.Parallel()
	for i := range uint64(walks) {
		s := i + 1
		if i >= walks/2 {
			s = rand.Uint64()
		}
		if *seed != 0 {
			s = *seed
		}
		m := newNaive(t, s)
		m.check()
		for range steps {
			m.step()
			if len(m.backend) > 24 {
				m.expunge(m.r.IntN(len(m.backend)))
			}
			m.check()
			m.checkSets()
		}
		if *seed != 0 {
			return
		}
	}
}
