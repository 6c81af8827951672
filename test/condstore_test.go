package test_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/peertest"
)

var (
	highestCode = regexp.MustCompile(`HIGHESTMODSEQ ([0-9]+)`)
	modSeqItem  = regexp.MustCompile(`MODSEQ \(([0-9]+)\)`)
)

// highest is the last HIGHESTMODSEQ in an answer; 0 if there is none.
func (a answer) highest() uint64 {
	all := highestCode.FindAllStringSubmatch(a.raw(), -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.ParseUint(all[len(all)-1][1], 10, 64) // what a pattern of digits matched
	return n
}

// modSeqs are the mod-sequences that FETCH responses tell, by UID.
func (a answer) modSeqs() map[uint32]uint64 {
	out := map[uint32]uint64{}
	for _, l := range a.lines("FETCH") {
		u, m := uidItem.FindStringSubmatch(l), modSeqItem.FindStringSubmatch(l)
		if u != nil && m != nil {
			out[number(u[1])], _ = strconv.ParseUint(m[1], 10, 64)
		}
	}
	return out
}

// TestCondStore: what one session changes of an injected message, through one gateway, is found
// by mod-sequence in the others, through another.
func TestCondStore(t *testing.T) {
	t.Parallel()
	testCondStore(t, peertest.DovecotBackend)
}

func testCondStore(t *testing.T, kind peertest.Backend) {
	d := peertest.StartBackend(t, kind)
	w := newWorld(t)
	one, two := newProxy(t, d.Address(), w.middleware), newProxy(t, d.Address(), w.client(t))
	d.Deliver(t, "ann", "INBOX", mails(3)...)
	// Somebody used mod-sequences there before.
	login(t, d.Address(), "ann").must("SELECT INBOX (CONDSTORE)")
	w.run(t, "spring", []string{"ann"})

	a := login(t, one.addr, "ann")
	opened := a.must("SELECT INBOX (CONDSTORE)")
	if opened.highest() == 0 {
		t.Fatalf("no HIGHESTMODSEQ: %s", opened.raw())
	}
	list := a.list()
	letter := list[len(list)-1].uid
	seqs := a.must("FETCH 1:* (UID MODSEQ)").modSeqs()
	if len(seqs) != 4 || seqs[letter] == 0 || seqs[letter] > opened.highest() {
		t.Fatalf("mod-sequences %v at HIGHESTMODSEQ %d", seqs, opened.highest())
	}
	held := opened.highest() // by a client that goes away now
	changed := func(c *conn, since uint64) []uint32 {
		t.Helper()
		var uids []uint32
		for uid, n := range c.must(fmt.Sprintf("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d)", since)).modSeqs() {
			if n < since {
				t.Errorf("UID %d has mod-sequence %d, and changed since %d", uid, n, since)
			}
			uids = append(uids, uid)
		}
		slices.Sort(uids)
		return uids
	}

	// Another client, which uses no mod-sequences and another gateway, changes the letter.
	b := login(t, two.addr, "ann")
	b.must("SELECT INBOX")
	got := b.must(fmt.Sprintf(`UID STORE %d +FLAGS (\Flagged)`, letter))
	if raw := got.raw(); strings.Contains(raw, "MODSEQ") || !strings.Contains(raw, `\Flagged`) {
		t.Errorf("without CONDSTORE: %s", raw)
	}
	if raw := b.must(fmt.Sprintf(`UID STORE %d +FLAGS (\Answered)`, list[0].uid)).raw(); strings.Contains(raw, "MODSEQ") {
		t.Errorf("without CONDSTORE, of a real message: %s", raw)
	}
	heard := a.must("NOOP").modSeqs()
	heardOf := a.must(fmt.Sprintf("UID FETCH %d (FLAGS MODSEQ)", letter))
	if n := heardOf.modSeqs()[letter]; n <= held || !strings.Contains(heardOf.raw(), `\Flagged`) {
		t.Errorf("the letter has %d, HIGHESTMODSEQ was %d; told at NOOP: %v", n, held, heard)
	}
	if n := a.must("STATUS INBOX (HIGHESTMODSEQ)").highest(); n <= held {
		t.Errorf("HIGHESTMODSEQ is %d, and was %d", n, held)
	}
	c := login(t, two.addr, "ann")
	if n := c.must("SELECT INBOX (CONDSTORE)").highest(); n <= held {
		t.Errorf("HIGHESTMODSEQ is %d when selected, and was %d", n, held)
	}
	if uids := changed(c, held); !slices.Contains(uids, letter) || !slices.Contains(uids, list[0].uid) {
		t.Errorf("changed since %d: %v, want %d and %d", held, uids, letter, list[0].uid)
	}
	if raw := c.must(fmt.Sprintf("UID SEARCH MODSEQ %d", held+1)).raw(); !strings.Contains(raw, fmt.Sprintf(" %d", letter)) || !strings.Contains(raw, "(MODSEQ ") {
		t.Errorf("found by MODSEQ: %s", raw)
	}
	raw := c.must(fmt.Sprintf(`UID STORE %d,%d (UNCHANGEDSINCE %d) +FLAGS (\Draft)`, list[1].uid, letter, held)).raw()
	if !strings.Contains(raw, fmt.Sprintf("[MODIFIED %d]", letter)) {
		t.Errorf("UNCHANGEDSINCE: %s", raw)
	}
	if raw := c.must(fmt.Sprintf("UID FETCH %d (FLAGS)", letter)).raw(); strings.Contains(raw, "Draft") {
		t.Errorf("changed in spite of UNCHANGEDSINCE: %s", raw)
	}
	// Reading sets \Seen, which is a change too.
	before := c.must("STATUS INBOX (HIGHESTMODSEQ)").highest()
	got = c.must(fmt.Sprintf("UID FETCH %d (BODY[TEXT])", letter))
	if n := got.modSeqs()[letter]; n <= before && !strings.Contains(got.raw(), "MODSEQ") {
		t.Errorf("read at %d: %s", before, got.raw())
	}
	// Expunged by one, found gone by HIGHESTMODSEQ by the others.
	before = a.must("STATUS INBOX (HIGHESTMODSEQ)").highest()
	c.must(fmt.Sprintf(`UID STORE %d +FLAGS.SILENT (\Deleted)`, letter))
	c.must("EXPUNGE")
	if n := login(t, one.addr, "ann").must("SELECT INBOX (CONDSTORE)").highest(); n <= before {
		t.Errorf("HIGHESTMODSEQ is %d behind an expunge, and was %d", n, before)
	}
	for _, m := range d.Dump(t, "ann") {
		if strings.Contains(m.Flags, "InlayReserved") {
			t.Errorf("a marker stays: %+v", m)
		}
	}
}

func TestCondStoreCyrus(t *testing.T) {
	t.Parallel()
	testCondStore(t, peertest.CyrusBackend)
}

// TestCondStoreEnabledLater: a session that began before anybody had enabled CONDSTORE in the
// mailbox heard of no mod-sequence, and what it changes is found by who has enabled it since.
func TestCondStoreEnabledLater(t *testing.T) {
	t.Parallel()
	d := peertest.StartBackend(t, peertest.DovecotBackend)
	w := newWorld(t)
	one, two := newProxy(t, d.Address(), w.middleware), newProxy(t, d.Address(), w.client(t))
	d.Deliver(t, "ann", "INBOX", mails(2)...)
	w.run(t, "spring", []string{"ann"})

	a, b := login(t, one.addr, "ann"), login(t, two.addr, "ann")
	for _, c := range []*conn{a, b} {
		if opened := c.must("SELECT INBOX"); opened.highest() != 0 {
			t.Fatalf("HIGHESTMODSEQ though nobody has enabled CONDSTORE: %s", opened.raw())
		}
	}
	list := a.list()
	letter := list[len(list)-1].uid
	enabled := a.must("ENABLE CONDSTORE")
	held := enabled.highest()
	if held == 0 {
		t.Fatalf("no HIGHESTMODSEQ: %s", enabled.raw())
	}
	for _, change := range []string{"UID STORE %d +FLAGS ($Forwarded)", "UID FETCH %d (BODY[TEXT])", `UID STORE %d +FLAGS.SILENT (\Deleted)`} {
		b.must(fmt.Sprintf(change, letter))
		var got answer
		n := held
		for end := time.Now().Add(5 * time.Second); n <= held && time.Now().Before(end); { // the word of the change is on its way
			a.must("NOOP")
			got = a.must(fmt.Sprintf("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d)", held))
			n = got.modSeqs()[letter]
		}
		if n <= held {
			t.Fatalf("%s of the other session has mod-sequence %d, and HIGHESTMODSEQ was %d: %s", change, n, held, got.raw())
		}
		held = n
	}
	b.must("CLOSE")
	again := login(t, two.addr, "ann").must("SELECT INBOX (CONDSTORE)")
	if n := again.highest(); n <= held {
		t.Errorf("HIGHESTMODSEQ is %d behind an expunge, and was %d: %s", n, held, again.raw())
	}
}
