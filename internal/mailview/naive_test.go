package mailview_test

import (
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

func newNaive(t *testing.T, n uint32) *naive {
	m := &naive{
		t: t, v: mailview.New(n), uid: map[int]imap.UID{}, inj: map[int]bool{}, hidden: map[int]bool{}, known: map[int]bool{}, nextUID: 10,
	}
	for range n {
		id := m.fresh()
		m.backend = append(m.backend, id)
		m.client = append(m.client, id)
	}
	return m
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
		m.t.Fatal(err)
	}
}

// at finds an id in a list, as a sequence number.
func at(list []int, id int) uint32 { return uint32(slices.Index(list, id) + 1) }

func (m *naive) arrive(n int) {
	for range n {
		id := m.fresh()
		m.backend = append(m.backend, id)
		m.hidden[id] = true
	}
	m.ok(m.v.Arrive(uint32(len(m.backend))))
}

func (m *naive) expunge(i int) {
	id := m.backend[i]
	m.backend = slices.Delete(m.backend, i, i+1)
	delete(m.hidden, id)
	delete(m.known, id)
	m.ok(m.v.Expunge(imap.SeqNum(i + 1)))
}

func (m *naive) identify(i int) {
	if id := m.backend[i]; m.hidden[id] && !m.known[id] {
		m.known[id] = true
		m.ok(m.v.Hide(imap.SeqNum(i+1), m.uid[id]))
	}
}

// reveal tells a hidden message if the client knows nothing of a later UID; otherwise the
// view must refuse.
func (m *naive) reveal(i int) {
	id := m.backend[i]
	err := m.v.Reveal(imap.SeqNum(i + 1))
	legal := m.hidden[id] && !slices.ContainsFunc(m.client, func(c int) bool { return m.uid[c] > m.uid[id] && (m.inj[c] || slices.Contains(m.backend, c)) })
	// Ghosts lie where they lay; one of a later UID whose rank reaches behind is refused too.
	if legal && !slices.ContainsFunc(m.client, func(c int) bool { return m.uid[c] > m.uid[id] }) {
		m.ok(err)
	}
	if !legal && err == nil {
		m.t.Fatalf("revealing %d was allowed", i+1)
	}
	if err == nil {
		delete(m.hidden, id)
		delete(m.known, id)
		m.client = append(m.client, id)
	}
}

// inject puts a message with the next UID at the tail.
func (m *naive) inject() {
	id := m.fresh()
	m.inj[id] = true
	rank := uint32(len(m.backend))
	m.client = append(m.client, id)
	n, err := m.v.Inject(m.uid[id], rank)
	m.ok(err)
	if n != imap.SeqNum(len(m.client)) {
		m.t.Fatalf("injected as %d of %d", n, len(m.client))
	}
}

func (m *naive) withdraw(r *rand.Rand) {
	if ids := m.v.Injected(); len(ids) > 0 {
		uid := ids[r.IntN(len(ids))]
		i := slices.IndexFunc(m.client, func(c int) bool { return m.uid[c] == uid })
		n, ok := m.v.Remove(uid)
		if !ok || int(n) != i+1 {
			m.t.Fatalf("Remove(%d) = %d, %v, want %d", uid, n, ok, i+1)
		}
		m.client = slices.Delete(m.client, i, i+1)
	}
}

func (m *naive) tell() {
	m.ok(m.v.TellGhosts(func(n imap.SeqNum) error {
		id := m.client[n-1]
		if m.inj[id] || slices.Contains(m.backend, id) {
			m.t.Fatalf("told EXPUNGE of %d, which is there", n)
		}
		m.client = slices.Delete(m.client, int(n)-1, int(n))
		return nil
	}))
}

func (m *naive) vanish(r *rand.Rand) {
	m.tell() // VANISHED is read when it may be told
	told := false
	for _, id := range slices.Backward(m.backend) {
		told = told || !m.hidden[id] || m.known[id]
		if told && m.hidden[id] && !m.known[id] {
			return // an untold one before a told one: see the contract of Vanish
		}
	}
	var uids, want imap.Set
	for _, id := range slices.Clone(m.backend) {
		if m.hidden[id] && !m.known[id] || r.IntN(4) != 0 {
			continue
		}
		uids.Add(uint32(m.uid[id]))
		if !m.hidden[id] {
			want.Add(uint32(m.uid[id]))
		}
		m.backend = slices.Delete(m.backend, slices.Index(m.backend, id), slices.Index(m.backend, id)+1)
		if i := slices.Index(m.client, id); i >= 0 {
			m.client = slices.Delete(m.client, i, i+1)
		}
		delete(m.hidden, id)
		delete(m.known, id)
	}
	if ids := m.v.Injected(); len(ids) > 0 && r.IntN(2) == 0 {
		uids.Add(uint32(ids[r.IntN(len(ids))])) // a server repeats burnt UIDs
	}
	if got := m.v.Vanish(uids); got.String() != want.String() {
		m.t.Fatalf("Vanish(%s) tells %s, want %s", uids, got, want)
	}
}

// check compares every translation in both directions.
func (m *naive) check() {
	m.t.Helper()
	v := m.v
	if int(v.Backend()) != len(m.backend) || int(v.Client()) != len(m.client) {
		m.t.Fatalf("lists of %d and %d, want %d and %d", v.Backend(), v.Client(), len(m.backend), len(m.client))
	}
	for i, id := range m.backend {
		n, ok := v.ClientSeq(imap.SeqNum(i + 1))
		if want := at(m.client, id); ok != (want > 0) || ok && uint32(n) != want {
			m.t.Fatalf("ClientSeq(%d) = %d, %v, want %d", i+1, n, ok, want)
		}
		if m.v.Hidden().Contains(uint32(i+1)) != m.hidden[id] || m.v.Untold().Contains(uint32(i+1)) != (m.hidden[id] && !m.known[id]) {
			m.t.Fatalf("hidden or untold of %d is wrong", i+1)
		}
		if m.hidden[id] && v.HiddenUID(m.uid[id]) != m.known[id] {
			m.t.Fatalf("HiddenUID(%d)", m.uid[id])
		}
	}
	for i, id := range m.client {
		n, ok := v.BackendSeq(imap.SeqNum(i + 1))
		if want := at(m.backend, id); ok != (want > 0) || ok && uint32(n) != want {
			m.t.Fatalf("BackendSeq(%d) = %d, %v, want %d", i+1, n, ok, want)
		}
		uid, ok := v.InjectedAt(imap.SeqNum(i + 1))
		if ok != m.inj[id] || ok && uid != m.uid[id] {
			m.t.Fatalf("InjectedAt(%d) = %d, %v", i+1, uid, ok)
		}
		if m.inj[id] {
			if n, ok := v.InjectedSeq(m.uid[id]); !ok || int(n) != i+1 {
				m.t.Fatalf("InjectedSeq(%d) = %d, %v, want %d", m.uid[id], n, ok, i+1)
			}
		}
	}
	for _, n := range []uint32{0, uint32(len(m.client)) + 1, 1<<32 - 1} {
		if _, ok := v.BackendSeq(imap.SeqNum(n)); ok {
			m.t.Fatalf("BackendSeq(%d) is something", n)
		}
	}
}

// checkSets compares the splitting and joining of a random set.
func (m *naive) checkSets(r *rand.Rand) {
	m.t.Helper()
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
		m.t.Fatalf("Split(%s) = %s %v %d, want %s %v %d", set, gotB, gotI, gotG, back, inj, ghosts)
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
		m.t.Fatalf("ToClient(%s) = %s, want %s", from, got, to)
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
		m.t.Fatalf("SplitUID(%s) = %s %v, want %s %v", uids, u, i, wantU, wantI)
	}
}

// step does one random thing.
func (m *naive) step(r *rand.Rand) {
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
		m.withdraw(r)
	case 8:
		m.tell()
	case 9:
		if r.IntN(4) == 0 {
			m.vanish(r)
		} else if len(m.backend) > 0 {
			m.reveal(r.IntN(len(m.backend)))
		}
	}
}

// TestNaive walks the view and the pair of lists side by side: 200,000 random operations.
func TestNaive(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := newNaive(t, uint32(r.IntN(12)))
		for range 500 {
			m.step(r)
			if len(m.backend) > 24 {
				m.expunge(r.IntN(len(m.backend)))
			}
			m.check()
			m.checkSets(r)
		}
	}
}
