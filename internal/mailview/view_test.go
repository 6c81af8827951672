package mailview_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/mailview"
)

// picture draws a view, number by number: the client's list with the backend's number of what
// both have, I and the UID of an injected message, g for a ghost; then the backend's list, with
// h for hidden messages and u for those of them that were not identified.
func picture(v *mailview.View) string {
	var c, b []string
	for n := uint32(1); n <= v.Client(); n++ {
		if uid, ok := v.InjectedAt(imap.SeqNum(n)); ok {
			c = append(c, fmt.Sprintf("I%d", uid))
		} else if seq, ok := v.BackendSeq(imap.SeqNum(n)); ok {
			c = append(c, fmt.Sprint(seq))
		} else {
			c = append(c, "g")
		}
	}
	for n := uint32(1); n <= v.Backend(); n++ {
		switch seq, ok := v.ClientSeq(imap.SeqNum(n)); {
		case ok:
			b = append(b, fmt.Sprint(seq))
		case v.Untold().Contains(n):
			b = append(b, "u")
		default:
			b = append(b, "h")
		}
	}
	return strings.Join(c, " ") + " | " + strings.Join(b, " ")
}

type op struct {
	name string
	do   func(v *mailview.View) error
	want string // the picture; of a failure, the one before must stay
	err  string
}

func arrive(n uint32) func(*mailview.View) error {
	return func(v *mailview.View) error { return v.Arrive(n) }
}

func expunge(n imap.SeqNum) func(*mailview.View) error {
	return func(v *mailview.View) error { return v.Expunge(n) }
}

func hide(n imap.SeqNum, uid imap.UID) func(*mailview.View) error {
	return func(v *mailview.View) error { return v.Hide(n, uid) }
}

func reveal(n imap.SeqNum) func(*mailview.View) error {
	return func(v *mailview.View) error { return v.Reveal(n) }
}

// inject checks the number that Inject returns, too.
func inject(uid imap.UID, rank uint32, want imap.SeqNum) func(*mailview.View) error {
	return func(v *mailview.View) error {
		n, err := v.Inject(uid, rank)
		if err == nil && n != want {
			return fmt.Errorf("injected as %d", n)
		}
		return err
	}
}

func remove(uid imap.UID, want imap.SeqNum) func(*mailview.View) error {
	return func(v *mailview.View) error {
		if n, ok := v.Remove(uid); ok != (want != 0) || n != want {
			return fmt.Errorf("removed as %d, %v", n, ok)
		}
		return nil
	}
}

// tell checks which numbers are told as expunged.
func tell(want ...imap.SeqNum) func(*mailview.View) error {
	return func(v *mailview.View) error {
		var got []imap.SeqNum
		err := v.TellGhosts(func(n imap.SeqNum) error { got = append(got, n); return nil })
		if err == nil && !slices.Equal(got, want) {
			return fmt.Errorf("told %v", got)
		}
		return err
	}
}

// vanish checks which UIDs are told.
func vanish(uids, want string) func(*mailview.View) error {
	return vanishAbove(imap.MaxUID, uids, want)
}

// vanishAbove is vanish to a client that was told of UIDs up to last.
func vanishAbove(last imap.UID, uids, want string) func(*mailview.View) error {
	return func(v *mailview.View) error {
		set, err := imap.ParseSeqSet([]byte(uids), 100)
		if err != nil {
			return err
		}
		got, err := v.Vanish(set.Resolve(0), last)
		if err == nil && got.String() != want {
			return fmt.Errorf("told %q", got)
		}
		return err
	}
}

// TestView reads as a story: each step is one thing that happens, and what the two lists are
// after it.
func TestView(t *testing.T) {
	t.Parallel()
	for _, story := range []struct {
		name   string
		exists uint32
		ops    []op
	}{
		{"a plain mailbox", 3, []op{
			{"nothing", func(*mailview.View) error { return nil }, "1 2 3 | 1 2 3", ""},
			{"a message arrives, and is not told before it is known", arrive(4), "1 2 3 | 1 2 3 u", ""},
			{"it is looked at", hide(4, 40), "1 2 3 | 1 2 3 h", ""},
			{"and told", reveal(4), "1 2 3 4 | 1 2 3 4", ""},
			{"EXISTS says the same again", arrive(4), "1 2 3 4 | 1 2 3 4", ""},
			{"EXISTS falls", arrive(3), "", "EXISTS fell from 4 to 3 without EXPUNGE"},
			{"one goes, at a moment when it must not be told", expunge(2), "1 g 2 3 | 1 3 4", ""},
			{"then it may be told", tell(2), "1 2 3 | 1 2 3", ""},
			{"EXPUNGE of nothing", expunge(4), "", "EXPUNGE of message 4 of 3"},
			{"EXPUNGE 0", expunge(0), "", "EXPUNGE of message 0 of 3"},
		}},
		{"one EXISTS of many, and some of them gone before they were known", 1, []op{
			{"five arrive", arrive(6), "1 | 1 u u u u u", ""},
			{"the third goes untold", expunge(3), "1 | 1 u u u u", ""},
			{"the last cannot be told before the others are known", reveal(2), "1 2 | 1 2 u u u", ""},
			{"told out of turn", reveal(5), "1 2 5 | 1 2 u u 3", ""},
			{"now those before it cannot be told any more", reveal(3), "", "revealing message 3, behind which the client knows others"},
			{"nor what is not hidden", reveal(1), "", "revealing message 1, which is not hidden"},
		}},
		{"injected among real ones", 4, []op{
			{"behind the second", inject(25, 2, 3), "1 2 I25 3 4 | 1 2 4 5", ""},
			{"before all", inject(5, 0, 1), "I5 1 2 I25 3 4 | 2 3 5 6", ""},
			{"behind all", inject(50, 4, 7), "I5 1 2 I25 3 4 I50 | 2 3 5 6", ""},
			{"at the same rank UIDs decide", inject(24, 2, 4), "I5 1 2 I24 I25 3 4 I50 | 2 3 6 7", ""},
			{"twice", inject(25, 2, 0), "", "injecting UID 25 twice"},
			{"against the order, too far behind", inject(4, 1, 0), "", "injecting UID 4 at rank 1, behind UID 5 at 0"},
			{"against the order, too far before", inject(26, 1, 0), "", "injecting UID 26 at rank 1, before UID 24 at 2"},
			{"UID 0", inject(0, 1, 0), "", "injecting UID 0 behind 1 of 4 messages"},
			{"behind what is not there", inject(60, 5, 0), "", "injecting UID 60 behind 5 of 4 messages"},
			{"the message before it goes", expunge(2), "I5 1 g I24 I25 2 3 I50 | 2 6 7", ""},
			{"the one behind it goes", expunge(2), "I5 1 g I24 I25 g 2 I50 | 2 7", ""},
			{"withdrawn", remove(24, 4), "I5 1 g I25 g 2 I50 | 2 6", ""},
			{"withdrawn again", remove(24, 0), "I5 1 g I25 g 2 I50 | 2 6", ""},
			{"UID 0 is nobody's", remove(0, 0), "I5 1 g I25 g 2 I50 | 2 6", ""},
			{"withdrawn between ghosts", remove(25, 4), "I5 1 g g 2 I50 | 2 5", ""},
			{"ghosts are told by the number that each has at that moment", tell(3, 3), "I5 1 2 I50 | 2 3", ""},
			{"all real ones go", expunge(1), "I5 g 1 I50 | 3", ""},
			{"and the last", expunge(1), "I5 g g I50 | ", ""},
			{"told", tell(2, 2), "I5 I50 | ", ""},
			{"news come behind", arrive(1), "I5 I50 | u", ""},
			{"and are told, behind what was injected", reveal(1), "I5 I50 1 | 3", ""},
		}},
		{"markers stay hidden", 3, []op{
			{"one is found while SELECT is composed", hide(2, 20), "1 3 | 1 h 2", ""},
			{"said again", hide(2, 20), "1 3 | 1 h 2", ""},
			{"one arrives", arrive(4), "1 3 | 1 h 2 u", ""},
			{"and is known", hide(4, 45), "1 3 | 1 h 2 h", ""},
			{"what it stood for is injected", inject(45, 4, 3), "1 3 I45 | 1 h 2 h", ""},
			{"it is expunged without a word", expunge(4), "1 3 I45 | 1 h 2", ""},
			{"so is the other", expunge(2), "1 2 I45 | 1 2", ""},
			{"a UID against the order", hide(2, 20), "1 I45 | 1 h", ""},
			{"before it", hide(1, 20), "", "message 1 has UID 20, and message 2 behind it UID 20"},
			{"out of range", hide(3, 50), "", "hiding message 3 of 2, with UID 50"},
			{"without a UID", hide(1, 0), "", "hiding message 1 of 2, with UID 0"},
			{"one more arrives", arrive(3), "1 I45 | 1 h u", ""},
			{"behind it", hide(3, 20), "", "message 3 has UID 20, and message 2 before it UID 20"},
		}},
		{"VANISHED", 4, []op{
			{"a marker", hide(3, 30), "1 2 4 | 1 2 h 3", ""},
			{"one injected", inject(35, 3, 3), "1 2 I35 4 | 1 2 h 4", ""},
			{"one arrives", arrive(5), "1 2 I35 4 | 1 2 h 4 u", ""},
			{"a real one, the marker and a burnt UID go", vanish("10,30,35", "10"), "1 I35 2 | 1 3 u", ""},
			{"more than there are", vanish("1:9", ""), "", "VANISHED of 9 messages of at most 1"},
			{"more before an injected one than there are", vanish("1:2", ""), "", "VANISHED of 2 messages of at most 1"},
			{"the last two", vanish("20,40", "20,40"), "I35 | u", ""},
		}},
		{"VANISHED while numbers are in doubt", 2, []op{
			{"a ghost", expunge(1), "g 1 | 2", ""},
			{"VANISHED", vanish("20", ""), "", "VANISHED while numbers are in doubt"},
			{"told", tell(1), "1 | 1", ""},
			{"two arrive", arrive(3), "1 | 1 u u", ""},
			{"the second is known first", hide(3, 50), "1 | 1 u h", ""},
			{"of what nobody knows", vanishAbove(20, "60", ""), "", "VANISHED of UID 60, where every message is known"},
			{"the one that was never looked at", vanishAbove(20, "30", ""), "1 | 1 h", ""},
			{"more than were not told", vanishAbove(20, "30:32", ""), "", "VANISHED of 3 messages that were not told, of 0"},
			{"two more arrive", arrive(4), "1 | 1 h u u", ""},
			{"the last of them is told", func(v *mailview.View) error { return errors.Join(v.Hide(4, 70), v.Reveal(2), v.Reveal(4)) }, "1 2 4 | 1 2 u 3", ""},
			{"which of them may it have been", vanishAbove(70, "20", ""), "", "VANISHED while numbers are in doubt"},
		}},
		{"SELECT is composed", 3, []op{
			{"one goes", expunge(1), "g 1 2 | 2 3", ""},
			{"the client was told nothing, so there is nothing to take back", func(v *mailview.View) error { v.DropGhosts(); return nil }, "1 2 | 1 2", ""},
		}},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			v := mailview.New(story.exists)
			for _, o := range story.ops {
				before := picture(v)
				err := o.do(v)
				text := ""
				if err != nil {
					text = err.Error()
				}
				if text != o.err {
					t.Fatalf("%s: %v, want %s", o.name, err, o.err)
				}
				want := o.want
				if o.err != "" {
					want = before
				}
				if got := picture(v); got != want {
					t.Fatalf("%s: %s, want %s", o.name, got, want)
				}
			}
		})
	}
}

// TestStar: "*" is the last number of the client's list, whatever lies there.
func TestStar(t *testing.T) {
	t.Parallel()
	v := mailview.New(2)
	star, err := imap.ParseSeqSet([]byte("*"), 1)
	if err != nil {
		t.Fatal(err)
	}
	split := func() string {
		b, i, g := v.Split(star.Resolve(v.Client()))
		return fmt.Sprintf("%s %v %d", b, i, g)
	}
	for _, step := range []struct {
		do   func() error
		want string
	}{
		{func() error { return nil }, "2 [] 0"},
		{func() error { _, err := v.Inject(30, 2); return err }, " [30] 0"},
		{func() error { return v.Arrive(3) }, " [30] 0"}, // not told
		{func() error { return v.Reveal(3) }, "3 [] 0"},
		{func() error { return v.Expunge(3) }, " [] 1"}, // a ghost
		{func() error { v.DropGhosts(); v.Remove(30); return nil }, "2 [] 0"},
		{func() error { return errors.Join(v.Expunge(1), v.Expunge(1)) }, " [] 1"},
		{func() error { v.DropGhosts(); return nil }, " [] 0"}, // nothing at all
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := split(); got != step.want {
			t.Errorf("* is %q, want %q", got, step.want)
		}
	}
}

// TestEdgeOf32Bits: a mailbox as large as numbers go.
func TestEdgeOf32Bits(t *testing.T) {
	t.Parallel()
	const last = math.MaxUint32
	v := mailview.New(last - 2)
	if _, err := v.Inject(imap.MaxUID, last-2); err != nil {
		t.Fatal(err)
	}
	if err := v.Hide(1, 7); err != nil {
		t.Fatal(err)
	}
	if v.Client() != last-2 || v.Identity() {
		t.Errorf("%d messages", v.Client())
	}
	if err := v.Arrive(last); err == nil || err.Error() != "EXISTS 4294967295 beside 1 messages that only the client has" {
		t.Errorf("one too many: %v", err)
	}
	if err := v.Arrive(last - 1); err != nil {
		t.Error(err)
	}
	if _, err := v.Inject(9, 2); err == nil || err.Error() != "injecting UID 9 into a mailbox of 4294967294 messages" {
		t.Errorf("one too many: %v", err)
	}
	var all imap.Set
	all.AddRange(1, last)
	if b, i, _ := v.Split(all); b.String() != "2:4294967293" || !slices.Equal(i, []imap.UID{imap.MaxUID}) {
		t.Errorf("split into %s and %v", b, i)
	}
	if got := v.ToClient(all); got.String() != "1:4294967292" {
		t.Errorf("the backend's are %s", got)
	}
	if b, i := v.SplitUID(all); b.String() != "1:6,8:4294967294" || len(i) != 1 {
		t.Errorf("UIDs split into %s and %v", b, i)
	}
	for _, n := range []imap.SeqNum{0, last} {
		if _, ok := v.ClientSeq(n); ok {
			t.Errorf("ClientSeq(%d) is something", n)
		}
		if _, ok := v.BackendSeq(n); ok {
			t.Errorf("BackendSeq(%d) is something", n)
		}
		if _, ok := v.InjectedAt(n); ok {
			t.Errorf("InjectedAt(%d) is something", n)
		}
	}
	if _, ok := v.InjectedSeq(8); ok {
		t.Error("a message that was never injected has a number")
	}
	if !mailview.New(last).Identity() || mailview.New(last).Client() != last {
		t.Error("a full mailbox is not itself")
	}
	full := mailview.New(last)
	if n, ok := full.ClientSeq(last); n != last || !ok {
		t.Errorf("the last number is %d", n)
	}
}

// TestTellGhostsFails: what was given to tell is gone, what was not is a ghost still.
func TestTellGhostsFails(t *testing.T) {
	t.Parallel()
	v := mailview.New(5)
	for range 3 {
		if err := v.Expunge(2); err != nil {
			t.Fatal(err)
		}
	}
	if v.Ghosts() != 3 {
		t.Fatalf("%d ghosts", v.Ghosts())
	}
	broken := errors.New("broken")
	told := 0
	err := v.TellGhosts(func(n imap.SeqNum) error {
		if told++; told == 2 {
			return broken
		}
		if n != 2 || v.Client() != 4 {
			t.Errorf("told %d of %d left", n, v.Client())
		}
		return nil
	})
	if !errors.Is(err, broken) || v.Ghosts() != 1 || picture(v) != "1 g 2 | 1 3" {
		t.Errorf("%v: %s", err, picture(v))
	}
}

// FuzzTranslate: any sequence of calls leaves two lists that fit each other, number by number
// and set by set; calls that fail change nothing.
func FuzzTranslate(f *testing.F) {
	f.Add(uint32(5), []byte("a3i2h1r3e2t0w1v3"))
	f.Fuzz(func(t *testing.T, exists uint32, calls []byte) {
		if len(calls) > 400 {
			return
		}
		v := mailview.New(exists % 20)
		uid := imap.UID(100)
		for len(calls) >= 2 {
			call, n := calls[0], uint32(calls[1])
			calls = calls[2:]
			before := picture(v)
			var err error
			switch call % 9 {
			case 0:
				err = v.Arrive(n % 40)
			case 1:
				err = v.Expunge(imap.SeqNum(n))
			case 2:
				err = v.Hide(imap.SeqNum(n), uid)
				uid++
			case 3:
				err = v.Reveal(imap.SeqNum(n))
			case 4:
				_, err = v.Inject(uid, n)
				uid++
			case 5:
				v.Remove(imap.UID(100 + n))
			case 6:
				err = v.TellGhosts(func(imap.SeqNum) error { return nil })
			case 7:
				_, err = v.Vanish(imap.SetOf(100+n, 101+n), 110)
			case 8:
				_, err = v.Inject(imap.UID(n), v.Backend())
			}
			if after := picture(v); err != nil && after != before {
				t.Fatalf("%v, and %s became %s", err, before, after)
			}
			fits(t, v)
		}
	})
}

// fits checks a view against itself: both directions, one by one and as sets.
func fits(t *testing.T, v *mailview.View) {
	t.Helper()
	var both, backendBoth, all imap.Set
	var injected []imap.UID
	for c := imap.SeqNum(1); uint32(c) <= v.Client(); c++ {
		all.Add(uint32(c))
		b, ok := v.BackendSeq(c)
		if uid, is := v.InjectedAt(c); is {
			injected = append(injected, uid)
			if n, _ := v.InjectedSeq(uid); n != c || ok {
				t.Fatalf("injected %d is %d and %d, and %d: %s", uid, c, n, b, picture(v))
			}
		}
		if !ok {
			continue
		}
		if back, ok := v.ClientSeq(b); back != c || !ok || b <= imap.SeqNum(backendBoth.Max()) {
			t.Fatalf("%d is %d is %d: %s", c, b, back, picture(v))
		}
		both.Add(uint32(c))
		backendBoth.Add(uint32(b))
	}
	gotB, gotI, ghosts := v.Split(all)
	if gotB.String() != backendBoth.String() || !slices.Equal(gotI, injected) || !slices.Equal(v.Injected(), injected) || !slices.IsSorted(injected) ||
		ghosts != v.Ghosts() || uint64(v.Client()) != both.Len()+uint64(len(injected))+ghosts {
		t.Fatalf("split into %s, %v and %d ghosts: %s", gotB, gotI, ghosts, picture(v))
	}
	if got := v.ToClient(backendBoth.Union(v.Hidden())); got.String() != both.String() {
		t.Fatalf("the backend's are %s: %s", got, picture(v))
	}
	if !v.Untold().Subtract(v.Hidden()).Empty() || v.Hidden().Max() > v.Backend() || uint64(v.Backend()) != both.Len()+v.Hidden().Len() {
		t.Fatalf("hidden %s, untold %s: %s", v.Hidden(), v.Untold(), picture(v))
	}
	if v.Identity() != (both.Len() == uint64(v.Client()) && both.Len() == uint64(v.Backend())) {
		t.Fatalf("Identity %v: %s", v.Identity(), picture(v))
	}
}
