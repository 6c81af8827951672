package test_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/peertest"
)

const (
	dialogues       = 20  // random ones
	commandsPerTalk = 110 // of each
)

// TestDeliveryLaw plays random dialogues twice: with a person to whom messages were really
// delivered, on the bare server; and with one to whom the same octets are injected, through a
// gateway. What the two hear must be the same but for what is declared to differ (delivered).
// INLAY_SEED repeats one dialogue by its seed.
func TestDeliveryLaw(t *testing.T) {
	t.Parallel()
	peertest.OnBackends(t, testDeliveryLaw)
}

func testDeliveryLaw(t *testing.T, kind peertest.Backend) {
	d := peertest.StartBackend(t, kind)
	seeds := make([]uint64, dialogues)
	for i := range seeds {
		seeds[i] = rand.Uint64()
	}
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
			x := pairOf(t, d, i)
			x.talk(rand.New(rand.NewPCG(seed, 0)), commandsPerTalk)
			x.sameOnDisk(d)
		})
	}
}

// pair is the same mailbox twice, and two sessions on each.
type pair struct {
	t           *testing.T
	users       [2]string // bare, inlay
	bare, inlay *conn
	otherBare   *conn
	otherInlay  *conn
	messages    int // in the client's list, as last heard
	uidNext     int
	letters     []string // UIDs of the letters
	told        []string // the dialogue so far
	keywords    keywords // of the gateway's side
	kind        peertest.Backend
}

// pairOf makes two people with the same mails and letters between them: at the front, in the
// middle and at the end.
func pairOf(t *testing.T, d peertest.Server, n int) *pair {
	t.Helper()
	bareUser, inlayUser := fmt.Sprintf("bare%d", n), fmt.Sprintf("inlay%d", n)
	w := newWorld(t)
	p := newProxy(t, d.Address(), w.middleware, func(c *gateway.Config) {
		if d.Kind() == peertest.CyrusBackend {
			c.Backend.Dial = withoutCondStore(d.Address())
		}
	})
	x := &pair{t: t, users: [2]string{bareUser, inlayUser}, keywords: keywords{}, kind: d.Kind()}
	stock := mails(9)
	for i, batch := range [][]peertest.Message{stock[:0], stock[:4], stock[4:7]} {
		if len(batch) > 0 {
			d.Deliver(t, bareUser, "INBOX", batch...)
			d.Deliver(t, inlayUser, "INBOX", batch...)
		}
		w.run(t, campaign.ID(fmt.Sprintf("c%d", i)), []string{inlayUser})
		// The letter as it is injected is delivered to the other one, and both open the mailbox.
		x.bare, x.inlay = login(t, d.Address(), bareUser), login(t, p.addr, inlayUser)
		x.inlay.must("SELECT INBOX")
		letter := x.letter()
		d.Deliver(t, bareUser, "INBOX", letter)
		x.bare.must("SELECT INBOX")
	}
	d.Deliver(t, bareUser, "INBOX", stock[7:]...)
	d.Deliver(t, inlayUser, "INBOX", stock[7:]...)
	x.otherBare, x.otherInlay = login(t, d.Address(), bareUser), login(t, p.addr, inlayUser)
	x.do("SELECT INBOX")
	x.compare("SELECT INBOX (the other session)", x.otherBare.cmd("SELECT INBOX"), x.otherInlay.cmd("SELECT INBOX"))
	return x
}

// withoutCondStore dials a server that does not offer CONDSTORE: Cyrus keeps mod-sequences of every
// mailbox, so that each change of a letter takes a UID away, and what is compared names UIDs.
func withoutCondStore(addr string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		return &plainConn{nc}, err
	}
}

type plainConn struct{ net.Conn }

func (c *plainConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	copy(b, bytes.ReplaceAll(bytes.ReplaceAll(b[:n], []byte(" CONDSTORE"), []byte(" XONDSTORE")), []byte(" QRESYNC"), []byte(" XRESYNC")))
	return n, err
}

var dateItem = regexp.MustCompile(`INTERNALDATE "([^"]+)"`)

// letter is the last message of the gateway's side, which is the injected one.
func (x *pair) letter() peertest.Message {
	x.t.Helper()
	got := x.inlay.must("FETCH * (UID INTERNALDATE BODY.PEEK[])").lines("FETCH")
	if len(got) != 1 || !strings.Contains(got[0], "came by no post") {
		x.t.Fatalf("the last message is not the letter: %q", got)
	}
	x.letters = append(x.letters, uidItem.FindStringSubmatch(got[0])[1])
	date, err := time.Parse("_2-Jan-2006 15:04:05 -0700", dateItem.FindStringSubmatch(got[0])[1])
	if err != nil {
		x.t.Fatal(err)
	}
	_, body, _ := strings.Cut(got[0], "}\r\n")
	return peertest.Message{Bytes: []byte(strings.TrimSuffix(body, ")")), Date: date}
}

// do runs a command on both sides and compares.
func (x *pair) do(command string) {
	x.t.Helper()
	x.told = append(x.told, command)
	a, b := x.bare.cmd(command), x.inlay.cmd(command)
	x.heard(a)
	x.keywords.heard(x.t, b)
	uidFirst(x.t, x.letters, b)
	x.compare(command, a, b)
}

// heard keeps the model of the mailbox that commands are made for.
func (x *pair) heard(a answer) {
	for _, u := range a.untagged {
		f := strings.Fields(u)
		if len(f) == 3 && f[2] == "EXISTS" {
			x.messages = int(number(f[1]))
		}
		if len(f) == 3 && f[2] == "EXPUNGE" {
			x.messages--
		}
		if len(f) > 3 && f[2] == "[UIDNEXT" {
			x.uidNext = int(number(strings.TrimSuffix(f[3], "]")))
		}
	}
}

func (x *pair) compare(command string, bare, inlay answer) {
	x.t.Helper()
	want, got := delivered(x.t, command, bare), delivered(x.t, command, inlay)
	if want != got {
		x.t.Fatalf("after\n\t%s\n%s\n--- delivered, on the bare server\n%s\n--- injected, through the gateway (letters are UIDs %v)\n%s",
			strings.Join(x.told, "\n\t"), command, want, x.letters, got)
	}
}

// talk runs n random commands.
func (x *pair) talk(r *rand.Rand, n int) {
	x.t.Helper()
	g := &generator{Rand: r, pair: x}
	for range n {
		switch r.IntN(30) {
		case 0: // something happens in the other session
			// It is told first what happened meanwhile: of injected messages, what is different
			// in the end; of real ones also what was undone again.
			x.otherBare.cmd("NOOP")
			x.otherInlay.cmd("NOOP")
			const all = "FETCH 1:* (UID FLAGS)"
			x.compare("(other) "+all, x.otherBare.cmd(all), x.otherInlay.cmd(all))
			command := g.otherCommand()
			x.told = append(x.told, "(other) "+command)
			x.compare("(other) "+command, x.otherBare.cmd(command), x.otherInlay.cmd(command))
			x.do("NOOP")
		case 1:
			x.told = append(x.told, "IDLE")
			tagA, tagB := x.bare.idle(), x.inlay.idle()
			a, b := x.bare.done(tagA), x.inlay.done(tagB)
			x.heard(a)
			x.keywords.heard(x.t, b)
			x.compare("IDLE", a, b)
		default:
			x.do(g.command())
		}
	}
}

// sameOnDisk compares what the server holds of the two: the same, but for the letters, which
// one has and the other only sees. Copies of letters are mails like any other.
func (x *pair) sameOnDisk(d peertest.Server) {
	x.t.Helper()
	var held [2][]string
	for i, user := range x.users {
		for _, m := range d.Dump(x.t, user) {
			uid := strconv.FormatUint(uint64(m.UID), 10)
			if m.Mailbox != "INBOX" {
				uid = "any" // in a mixed COPY the letters come first
			} else if i == 0 && slices.Contains(x.letters, uid) {
				continue
			}
			held[i] = append(held[i], strings.Join([]string{m.Mailbox, uid, m.Flags, m.Received, m.SHA256}, " "))
		}
		slices.Sort(held[i])
	}
	if diff := cmp.Diff(held[0], held[1]); diff != "" {
		x.t.Errorf("the mailboxes on the server (-delivered +injected), after\n\t%s\n%s", strings.Join(x.told, "\n\t"), diff)
	}
}
