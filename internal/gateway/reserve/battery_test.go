package reserve_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"inlay.example/inlay/internal/doveadm"
	"inlay.example/inlay/internal/gateway/reserve"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/peertest"
)

// TestReservers runs the battery on every reserver, in front of the servers that it is for.
func TestReservers(t *testing.T) {
	t.Parallel()
	t.Run("marker/dovecot", func(t *testing.T) {
		t.Parallel()
		battery(t, peertest.StartDovecot(t, peertest.Options{}), reserve.Marker{})
	})
	t.Run("marker/cyrus", func(t *testing.T) {
		t.Parallel()
		battery(t, peertest.StartCyrus(t, peertest.CyrusOptions{}), reserve.Marker{})
	})
	t.Run("ahead/dovecot", func(t *testing.T) {
		t.Parallel()
		d := peertest.StartDovecot(t, peertest.Options{AdminKey: "key of the tests"})
		admin, err := doveadm.New(doveadm.Config{URL: d.AdminURL, Key: "key of the tests"})
		if err != nil {
			t.Fatal(err)
		}
		battery(t, d, reserve.NewAhead(admin))
		t.Run("leaves no keyword", func(t *testing.T) {
			t.Parallel()
			d.Deliver(t, "traceless", "INBOX", peertest.Message{Bytes: []byte("Subject: one\r\n\r\nText\r\n")})
			c := open(t, d, "traceless")
			if _, err := reserve.NewAhead(admin).Reserve(t.Context(), c, c.validity, []string{"token"}, func(reserve.Step) {}); err != nil {
				t.Fatal(err)
			}
			if said := strings.Join(open(t, d, "traceless").selected, ""); strings.Contains(said, reserve.Keyword) {
				t.Errorf("the keyword is there: %s", said)
			}
		})
	})
}

// battery is what every reserver keeps.
func battery(t *testing.T, d peertest.Server, r reserve.Reserver) {
	mail := func(s string) peertest.Message {
		return peertest.Message{Bytes: []byte("Subject: " + s + "\r\n\r\nText\r\n")}
	}
	t.Run("UIDs are burnt", func(t *testing.T) {
		user := "burnt"
		d.Deliver(t, user, "INBOX", mail("one"), mail("two"))
		c := open(t, d, user)
		before, held := d.Status(t, user, "INBOX"), d.Dump(t, user)
		var steps []reserve.Step
		uids, err := r.Reserve(t.Context(), c, c.validity, []string{"a", "b", "c"}, func(s reserve.Step) { steps = append(steps, s) })
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(steps, []reserve.Step{reserve.Appended, reserve.Expunged}) {
			t.Errorf("steps %v", steps)
		}
		after := d.Status(t, user, "INBOX")
		if len(uids) != 3 || !slices.IsSorted(uids) || uids[0] == uids[1] || uids[1] == uids[2] ||
			uint32(uids[0]) < before.UIDNext || uint32(uids[2]) >= after.UIDNext {
			t.Errorf("UIDs %v; UIDNEXT was %d and is %d", uids, before.UIDNext, after.UIDNext)
		}
		if after.HighestModSeq <= before.HighestModSeq {
			t.Errorf("HIGHESTMODSEQ was %d and is %d", before.HighestModSeq, after.HighestModSeq)
		}
		if left := d.Dump(t, user); !slices.Equal(left, held) {
			t.Errorf("the mailbox held %v and holds %v", held, left)
		}
		d.Deliver(t, user, "INBOX", mail("three"))
		if all := d.Dump(t, user); imap.UID(all[len(all)-1].UID) <= uids[2] {
			t.Errorf("a mail has the UID %d, and %v were reserved", all[len(all)-1].UID, uids)
		}
	})
	t.Run("HIGHESTMODSEQ is raised", func(t *testing.T) {
		user := "raised"
		d.Deliver(t, user, "INBOX", mail("one"))
		c := open(t, d, user)
		for range 3 {
			before := d.Status(t, user, "INBOX")
			if _, err := r.Raise(t.Context(), c, c.validity, "token"); err != nil {
				t.Fatal(err)
			}
			if after := d.Status(t, user, "INBOX"); after.HighestModSeq <= before.HighestModSeq || after.Messages != 1 {
				t.Errorf("it was %+v and is %+v", before, after)
			}
		}
	})
	t.Run("another mailbox", func(t *testing.T) {
		d.Deliver(t, "other", "INBOX", mail("one"))
		c := open(t, d, "other")
		uids, err := r.Reserve(t.Context(), c, c.validity+1, []string{"a"}, func(reserve.Step) {})
		if !errors.Is(err, reserve.ErrValidity) || slices.ContainsFunc(uids, func(u imap.UID) bool { return u != 0 }) {
			t.Errorf("%v, %v", uids, err)
		}
	})
	t.Run("nobody gets the same", func(t *testing.T) {
		user := "crowd"
		d.Deliver(t, user, "INBOX", mail("one"))
		var mu sync.Mutex
		taken := map[imap.UID]bool{}
		var wg sync.WaitGroup
		for i := range 4 {
			c := open(t, d, user)
			wg.Go(func() {
				for n := range 4 {
					uids, err := r.Reserve(t.Context(), c, c.validity, []string{fmt.Sprintf("%d.%d", i, n)}, func(reserve.Step) {})
					if err != nil && !errors.Is(err, reserve.ErrRefused) {
						t.Errorf("session %d: %v", i, err)
						return
					}
					mu.Lock()
					for _, u := range uids {
						if u != 0 && taken[u] {
							t.Errorf("%d was reserved twice", u)
						}
						taken[u] = u != 0
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if st := d.Status(t, user, "INBOX"); st.Messages != 1 {
			t.Errorf("%d messages are left", st.Messages)
		}
		if len(taken) < 3 {
			t.Errorf("only %v were reserved", taken)
		}
	})
}

// imapConn is a connection as a session has it, as simply as can be.
type imapConn struct {
	t        *testing.T
	nc       net.Conn
	in       *bufio.Reader
	user     string
	n        int
	validity uint32
	selected []string
	list     []imap.UID // by number; 0 is not known
}

func open(t *testing.T, d peertest.Server, user string) *imapConn {
	t.Helper()
	nc, err := net.Dial("tcp", d.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(time.Minute))
	c := &imapConn{t: t, nc: nc, in: bufio.NewReader(nc), user: user}
	if _, err := c.in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if _, err := c.cmd("LOGIN " + user + " pass"); err != nil {
		t.Fatal(err)
	}
	if c.selected, err = c.cmd("SELECT INBOX"); err != nil {
		t.Fatal(err)
	}
	for _, l := range c.selected {
		if m := regexp.MustCompile(`\[UIDVALIDITY ([0-9]+)\]`).FindStringSubmatch(l); m != nil {
			c.validity = num(m[1])
		}
	}
	return c
}

func num(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32) // what a pattern of digits matched
	return uint32(n)
}

var fetchedUID = regexp.MustCompile(`^\* ([0-9]+) FETCH .*UID ([0-9]+)`)

// cmd runs a command and keeps the list by what is told.
func (c *imapConn) cmd(text string) (untagged []string, err error) {
	c.n++
	tag := "c" + strconv.Itoa(c.n)
	if _, err := io.WriteString(c.nc, tag+" "+text+"\r\n"); err != nil {
		return nil, err
	}
	for {
		l, err := c.in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if rest, ok := strings.CutPrefix(l, tag+" "); ok {
			if !strings.HasPrefix(rest, "OK") {
				return untagged, errors.New(rest)
			}
			return append(untagged, rest), nil
		}
		f := strings.Fields(l)
		switch {
		case len(f) == 3 && f[2] == "EXISTS":
			for uint32(len(c.list)) < num(f[1]) {
				c.list = append(c.list, 0)
			}
		case len(f) == 3 && f[2] == "EXPUNGE":
			c.list = slices.Delete(c.list, int(num(f[1]))-1, int(num(f[1])))
		}
		if m := fetchedUID.FindStringSubmatch(l); m != nil {
			c.list[num(m[1])-1] = imap.UID(num(m[2]))
		}
		untagged = append(untagged, l)
	}
}

func (c *imapConn) Mailbox() (user, mailbox string) { return c.user, "INBOX" }

var appendUID = regexp.MustCompile(`\[APPENDUID ([0-9]+) ([0-9]+)\]`)

func (c *imapConn) Append(msgs [][]byte, flags []string) (validity uint32, uids []imap.UID, refused string, err error) {
	for _, msg := range msgs {
		said, err := c.cmd(fmt.Sprintf("APPEND INBOX (%s) {%d+}\r\n%s", strings.Join(flags, " "), len(msg), msg))
		if err != nil {
			return validity, uids, err.Error(), nil //nolint:nilerr // a NO is an answer
		}
		m := appendUID.FindStringSubmatch(said[len(said)-1])
		if m == nil {
			return validity, uids, "no APPENDUID", nil
		}
		validity, uids = num(m[1]), append(uids, imap.UID(num(m[2])))
	}
	return validity, uids, "", nil
}

func (c *imapConn) Expunge(uids imap.Set) error {
	_, err := c.cmd("UID EXPUNGE " + uids.String())
	return err
}

func (c *imapConn) Flag(uids imap.Set, flags []string) error {
	_, err := c.cmd("UID STORE " + uids.String() + " +FLAGS.SILENT (" + strings.Join(flags, " ") + ")")
	return err
}

func (c *imapConn) Look() error {
	if _, err := c.cmd("NOOP"); err != nil {
		return err
	}
	_, err := c.cmd("FETCH 1:* (UID)")
	return err
}

func (c *imapConn) Present(uid imap.UID) bool { return slices.Contains(c.list, uid) }
