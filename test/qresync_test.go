package test_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/peertest"
)

// cached is what a client of QRESYNC keeps of a mailbox: UIDs with their flags, and from where
// it goes on. It believes what it is told, and asks for nothing else.
type cached struct {
	validity uint32
	modSeq   uint64
	flags    map[uint32]string // by UID
}

// resyncer is a client that synchronises by QRESYNC (RFC 7162 §3.2.5), over one connection after
// another.
type resyncer struct {
	t     *testing.T
	cache cached
	c     *conn
	// list are the UIDs by number, of the mailbox as it is open; 0 for one that is not known yet.
	list []uint32
	told []string // by the gateway, since it was opened
}

var vanishedLine = regexp.MustCompile(`^\* VANISHED (\(EARLIER\) )?([0-9:,]+)\r\n$`)

// open connects and synchronises the cache.
func (r *resyncer) open(addr, user string) {
	r.t.Helper()
	r.c, r.list, r.told = login(r.t, addr, user), nil, nil
	r.c.must("ENABLE QRESYNC")
	command := "SELECT INBOX"
	if r.cache.modSeq > 0 {
		command += fmt.Sprintf(" (QRESYNC (%d %d%s))", r.cache.validity, r.cache.modSeq, r.knownUIDs())
	}
	a := r.c.must(command)
	r.told = append(r.told, command, a.raw())
	for _, u := range a.untagged {
		if m := regexp.MustCompile(`\[UIDVALIDITY ([0-9]+)\]`).FindStringSubmatch(u); m != nil {
			if v := number(m[1]); v != r.cache.validity {
				r.cache = cached{validity: v}
			}
		}
	}
	if r.cache.flags == nil {
		r.cache.flags = map[uint32]string{}
	}
	highest := a.highest()
	if highest == 0 || highest < r.cache.modSeq {
		r.t.Fatalf("HIGHESTMODSEQ %d, and was %d: %s", highest, r.cache.modSeq, a.raw())
	}
	r.hear(a)
	// What is new is asked for by UID, and the numbers fall into place.
	top := uint32(0)
	for uid := range r.cache.flags {
		top = max(top, uid)
	}
	if len(r.list) > len(r.cache.flags) {
		r.hear(r.do(fmt.Sprintf("UID FETCH %d:* (FLAGS)", top+1)))
	}
	if len(r.cache.flags) != len(r.list) {
		r.t.Fatalf("the cache holds %d messages, the mailbox %d:\n%s", len(r.cache.flags), len(r.list), strings.Join(r.told, "\n"))
	}
	uids := r.uids()
	for i, uid := range r.list {
		if uid != 0 && uid != uids[i] {
			r.t.Fatalf("message %d has UID %d, and in the cache %d:\n%s", i+1, uid, uids[i], strings.Join(r.told, "\n"))
		}
		r.list[i] = uids[i]
	}
	r.cache.modSeq = highest
}

func (r *resyncer) knownUIDs() string {
	if len(r.cache.flags) == 0 {
		return ""
	}
	var set imap.Set
	for uid := range r.cache.flags {
		set.Add(uid)
	}
	return " " + set.String()
}

func (r *resyncer) uids() []uint32 {
	var out []uint32
	for uid := range r.cache.flags {
		out = append(out, uid)
	}
	slices.Sort(out)
	return out
}

// do runs a command and takes what is told into the cache.
func (r *resyncer) do(command string) answer {
	r.t.Helper()
	a := r.c.cmd(command)
	r.told = append(r.told, command, a.raw())
	return a
}

// hear takes what an answer tells.
func (r *resyncer) hear(a answer) {
	r.t.Helper()
	for _, u := range a.untagged {
		f := strings.Fields(u)
		if m := vanishedLine.FindStringSubmatch(u); m != nil {
			set, err := imap.ParseSeqSet([]byte(m[2]), 1000)
			if err != nil {
				r.t.Fatal(err)
			}
			for _, rg := range set.Resolve(0).Ranges() {
				for uid := uint64(rg.Lo); uid <= uint64(rg.Hi); uid++ {
					_, had := r.cache.flags[uint32(uid)]
					delete(r.cache.flags, uint32(uid))
					if i := slices.Index(r.list, uint32(uid)); m[1] == "" {
						if !had || i < 0 {
							r.t.Fatalf("%q of a message that was never told:\n%s", u, strings.Join(r.told, "\n"))
						}
						r.list = slices.Delete(r.list, i, i+1)
					}
				}
			}
			continue
		}
		switch {
		case len(f) == 3 && f[2] == "EXPUNGE":
			r.t.Fatalf("%q to a client of QRESYNC:\n%s", u, strings.Join(r.told, "\n"))
		case len(f) == 3 && f[2] == "EXISTS":
			for n := int(number(f[1])); len(r.list) < n; {
				r.list = append(r.list, 0)
			}
		case len(f) > 3 && f[2] == "FETCH":
			n := int(number(f[1]))
			uid := uint32(0)
			if m := uidItem.FindStringSubmatch(u); m != nil {
				uid = number(m[1])
			}
			if n < 1 || n > len(r.list) || uid != 0 && r.list[n-1] != 0 && r.list[n-1] != uid {
				r.t.Fatalf("%q, and the list is %v:\n%s", u, r.list, strings.Join(r.told, "\n"))
			}
			if uid == 0 {
				uid = r.list[n-1]
			}
			r.list[n-1] = uid
			if uid != 0 && flagsItem.MatchString(u) {
				r.cache.flags[uid] = strings.Join(flagsIn(u), " ")
			}
		}
	}
}

// sync takes what an answer tells, asks for what is new, and goes on from the highest
// HIGHESTMODSEQ that was told with all of it.
func (r *resyncer) sync(a answer) {
	r.t.Helper()
	r.hear(a)
	for i, uid := range r.list {
		if uid == 0 {
			r.hear(r.do(fmt.Sprintf("FETCH %d:* (UID FLAGS)", i+1)))
			break
		}
	}
	if n := a.highest(); n > r.cache.modSeq && a.ok() && highestCode.MatchString(a.tagged) {
		r.cache.modSeq = n
	}
}

// TestResynchronised has two caching clients of QRESYNC and one that knows nothing of it, through
// two gateways, change a mailbox while messages are injected and recalled, arrive and leave, and
// connections are cut. After every synchronisation the cache is the mailbox. INLAY_SEED repeats
// one run by its seed.
func TestResynchronised(t *testing.T) {
	t.Parallel()
	testResynchronised(t, peertest.DovecotBackend)
}

func testResynchronised(t *testing.T, kind peertest.Backend) {
	d := peertest.StartBackend(t, kind)
	seeds := []uint64{rand.Uint64(), rand.Uint64(), rand.Uint64()}
	if text := os.Getenv("INLAY_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("INLAY_SEED: %v", err)
		}
		seeds = []uint64{seed}
	}
	for i, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			resynchronised(t, d, fmt.Sprintf("sync%d", i), rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

const resyncSteps = 120

func resynchronised(t *testing.T, d peertest.Server, user string, rng *rand.Rand) {
	w := newWorld(t)
	gateways := []*proxy{newProxy(t, d.Address(), w.middleware), newProxy(t, d.Address(), w.client(t))}
	addr := func() string { return gateways[rng.IntN(2)].addr }
	d.Deliver(t, user, "INBOX", mails(6)...)
	login(t, d.Address(), user).must("SELECT INBOX (CONDSTORE)")
	w.run(t, "c0", []string{user})
	campaigns := 1
	clients := []*resyncer{{t: t}, {t: t}}
	for _, r := range clients {
		r.open(addr(), user)
	}
	plain := login(t, addr(), user)
	plain.must("SELECT INBOX")
	direct := login(t, d.Address(), user)
	direct.must("SELECT INBOX")
	anyOf := func(uids []uint32) string {
		if len(uids) == 0 {
			return "1"
		}
		return strconv.FormatUint(uint64(uids[rng.IntN(len(uids))]), 10)
	}
	flag := func() string { // never silent: a client takes what it has set from what it is told
		op := []string{"+FLAGS", "-FLAGS", "FLAGS"}[rng.IntN(3)]
		return op + " (" + []string{`\Seen`, `\Flagged`, `\Answered Work`, `\Deleted`, `\Deleted`}[rng.IntN(5)] + ")"
	}
	for range resyncSteps {
		r := clients[rng.IntN(len(clients))]
		switch rng.IntN(14) {
		case 0:
			w.run(t, campaign.ID(fmt.Sprintf("c%d", campaigns)), []string{user})
			campaigns++
		case 1:
			w.recall(t, campaign.ID(fmt.Sprintf("c%d", rng.IntN(campaigns))))
		case 2:
			d.Deliver(t, user, "INBOX", mails(9)[rng.IntN(9)])
		case 3: // around the gateway
			direct.cmd("UID STORE " + anyOf(r.uids()) + " " + flag())
			if rng.IntN(3) == 0 {
				direct.cmd("EXPUNGE")
			}
		case 4, 5:
			plain.cmd("NOOP")
			plain.cmd("UID STORE " + anyOf(r.uids()) + " " + flag())
			if rng.IntN(3) == 0 {
				plain.cmd("EXPUNGE")
			}
		case 6, 7, 8: // cut, and come back
			if rng.IntN(2) == 0 {
				r.c.write("cut UID FETCH 1:* (FLAGS MODSEQ)\r\n")
			}
			r.c.nc.Close()
			r.open(addr(), user)
		case 9:
			// By number: what must not be told in the middle of it waits.
			if n := len(r.list); n > 0 {
				r.sync(r.do(fmt.Sprintf("STORE %d %s", 1+rng.IntN(n), flag())))
			}
		case 10:
			r.sync(r.do("UID STORE " + anyOf(r.uids()) + " " + flag()))
		case 11:
			r.sync(r.do([]string{"EXPUNGE", "UID EXPUNGE " + anyOf(r.uids())}[rng.IntN(2)]))
		case 12:
			if n := len(r.list); n > 0 {
				r.sync(r.do(fmt.Sprintf("FETCH %d:%d (FLAGS BODY[TEXT])", 1+rng.IntN(n), 1+rng.IntN(n))))
			}
		case 13:
			r.sync(r.do("NOOP"))
			r.sync(r.do(fmt.Sprintf("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d VANISHED)", r.cache.modSeq)))
		}
		if rng.IntN(6) == 0 {
			r.same(addr(), user)
		}
	}
	for _, r := range clients {
		r.same(addr(), user)
	}
	for _, g := range gateways {
		for _, reason := range []string{"desync", "panic"} {
			if n := g.metric(t, "inlay_gateway_closed_total", "reason="+reason); n != 0 {
				t.Errorf("%v sessions were ended for %s", n, reason)
			}
		}
	}
}

// same synchronises by the cache anew, and compares it with what a client without one sees.
func (r *resyncer) same(addr, user string) {
	r.t.Helper()
	r.c.nc.Close()
	r.open(addr, user)
	fresh := login(r.t, addr, user)
	fresh.must("SELECT INBOX")
	var want, got []string
	for _, f := range fresh.list() {
		want = append(want, fmt.Sprintf("%d (%s)", f.uid, f.flags))
	}
	fresh.must("LOGOUT")
	r.sync(r.do("NOOP"))
	for _, uid := range r.uids() {
		got = append(got, fmt.Sprintf("%d (%s)", uid, r.cache.flags[uid]))
	}
	sort.Strings(want)
	sort.Strings(got)
	if !slices.Equal(want, got) {
		r.t.Fatalf("the cache is not the mailbox:\n%s\n%s\n\n%s", strings.Join(want, ", "), strings.Join(got, ", "), strings.Join(r.told, "\n"))
	}
}

func TestResynchronisedCyrus(t *testing.T) {
	t.Parallel()
	testResynchronised(t, peertest.CyrusBackend)
}
