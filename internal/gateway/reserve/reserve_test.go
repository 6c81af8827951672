package reserve_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"inlay.example/inlay/internal/gateway/reserve"
	"inlay.example/inlay/internal/imap"
)

var errBroken = errors.New("connection reset")

// mailbox is a connection to a mailbox of markers.
type mailbox struct {
	validity  uint32
	next      imap.UID
	accept    int               // how many messages fit
	there     map[imap.UID]bool // in the mailbox; true: \Deleted is set
	announced map[imap.UID]bool
	stubborn  map[imap.UID]bool // cannot be expunged
	stripped  map[imap.UID]bool // loses \Deleted once
	late      int               // so many Looks hear nothing
	broken    string            // the call that fails
	said      []string
}

func newMailbox() *mailbox {
	return &mailbox{
		validity: 7, next: 10, accept: 100, there: map[imap.UID]bool{}, announced: map[imap.UID]bool{},
		stubborn: map[imap.UID]bool{}, stripped: map[imap.UID]bool{},
	}
}

func (m *mailbox) Mailbox() (user, mailbox string) { return "ann", "INBOX" }

func (m *mailbox) call(name string) error {
	m.said = append(m.said, name)
	if m.broken == name {
		return errBroken
	}
	return nil
}

func (m *mailbox) Append(msgs [][]byte, flags []string) (validity uint32, uids []imap.UID, refused string, err error) {
	if err := m.call("append"); err != nil {
		return 0, nil, "", err
	}
	for range msgs {
		if m.accept == 0 {
			return m.validity, uids, "NO [OVERQUOTA] full", nil
		}
		m.accept--
		m.there[m.next] = !m.stripped[m.next]
		uids = append(uids, m.next)
		m.next++
	}
	return m.validity, uids, "", nil
}

func (m *mailbox) Expunge(uids imap.Set) error {
	for uid, deleted := range m.there {
		if uids.Contains(uint32(uid)) && deleted && !m.stubborn[uid] {
			delete(m.there, uid)
			delete(m.announced, uid)
		}
	}
	return m.call("expunge " + uids.String())
}

func (m *mailbox) Flag(uids imap.Set, flags []string) error {
	for uid := range m.there {
		if uids.Contains(uint32(uid)) {
			m.there[uid] = true
		}
	}
	return m.call("flag " + uids.String() + " " + strings.Join(flags, " "))
}

func (m *mailbox) Look() error {
	if m.late > 0 {
		m.late--
	} else {
		for uid := range m.there {
			m.announced[uid] = true
		}
	}
	return m.call("look")
}

func (m *mailbox) Present(uid imap.UID) bool { return m.announced[uid] }

func TestReserve(t *testing.T) {
	t.Parallel()
	tokens := []string{"one", "two"}
	for _, tc := range []struct {
		name string
		make func(*mailbox)
		want []imap.UID
		err  error
		said []string
	}{
		{
			"two", func(*mailbox) {},
			[]imap.UID{10, 11},
			nil,
			[]string{"append", "look", "expunge 10:11"},
		},
		{
			"announced at the second look",
			func(m *mailbox) { m.late = 1 },
			[]imap.UID{10, 11},
			nil,
			[]string{"append", "look", "look", "expunge 10:11"},
		},
		{
			"stripped of its flags",
			func(m *mailbox) { m.stripped[11] = true },
			[]imap.UID{10, 11},
			nil,
			[]string{"append", "look", "expunge 10:11", `flag 11 \Seen \Deleted $InlayReserved`, "expunge 11"},
		},
		{
			"cannot be expunged",
			func(m *mailbox) { m.stubborn[10] = true },
			[]imap.UID{0, 11},
			reserve.ErrKept,
			[]string{
				"append", "look", "expunge 10:11", `flag 10 \Seen \Deleted $InlayReserved`, "expunge 10",
				`flag 10 \Seen \Deleted $InlayReserved`,
			},
		},
		{
			"refused",
			func(m *mailbox) { m.accept = 0 },
			[]imap.UID{0, 0},
			reserve.ErrRefused,
			[]string{"append"},
		},
		{
			"the second one refused",
			func(m *mailbox) { m.accept = 1 },
			[]imap.UID{10, 0},
			reserve.ErrRefused,
			[]string{"append", "look", "expunge 10"},
		},
		{
			"another mailbox",
			func(m *mailbox) { m.validity = 8 },
			[]imap.UID{0, 0},
			reserve.ErrValidity,
			[]string{"append"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m := newMailbox()
			tc.make(m)
			got, err := reserve.Marker{}.Reserve(t.Context(), m, 7, tokens, func(reserve.Step) {})
			if !errors.Is(err, tc.err) {
				t.Errorf("error %v, want %v", err, tc.err)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("UIDs (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tc.said, m.said); d != "" {
				t.Errorf("said (-want +got):\n%s", d)
			}
		})
	}
}

// A broken connection is told as it is, and nothing is reserved.
func TestReserveBroken(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"append", "look", "expunge 10", `flag 10 \Seen \Deleted $InlayReserved`} {
		m := newMailbox()
		m.broken, m.stripped[10] = call, true
		got, err := reserve.Marker{}.Reserve(t.Context(), m, 7, []string{"one"}, func(reserve.Step) {})
		if !errors.Is(err, errBroken) || got != nil {
			t.Errorf("%s broken: %v, %v", call, got, err)
		}
	}
}

// Whatever the mailbox does, a UID that is returned belongs to no message and is in the
// order of the tokens, and the steps are heard in order.
func TestReserveNeverReturnsALivingUID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newMailbox()
		m.accept = rapid.IntRange(0, 5).Draw(t, "accept")
		m.late = rapid.IntRange(0, 1).Draw(t, "late")
		var tokens []string
		for i := range rapid.IntRange(1, 5).Draw(t, "tokens") {
			tokens = append(tokens, fmt.Sprint(i))
			m.stubborn[imap.UID(10+i)] = rapid.Bool().Draw(t, "stubborn")
			m.stripped[imap.UID(10+i)] = rapid.Bool().Draw(t, "stripped")
		}
		var steps []reserve.Step
		got, err := reserve.Marker{}.Reserve(t.Context(), m, 7, tokens, func(s reserve.Step) { steps = append(steps, s) })
		if len(got) != len(tokens) {
			t.Fatalf("%d UIDs for %d tokens", len(got), len(tokens))
		}
		var last imap.UID
		missing := false
		for _, uid := range got {
			if uid == 0 {
				missing = true
				continue
			}
			if _, living := m.there[uid]; living || uid <= last {
				t.Fatalf("%v returned; the mailbox holds %v", got, m.there)
			}
			last = uid
		}
		if missing != (err != nil) {
			t.Fatalf("%v with error %v", got, err)
		}
		if len(steps) == 0 || steps[0] != reserve.Appended || len(steps) > 1 && steps[1] != reserve.Expunged {
			t.Fatalf("steps %v", steps)
		}
	})
}
