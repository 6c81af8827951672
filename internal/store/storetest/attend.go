package storetest

import (
	"time"

	"inlay.example/inlay/internal/fault"
)

func (b *bench) attended(cursor string, at time.Time, want bool, what string) {
	b.Helper()
	got, err := b.ks.Attended(b.ctx(), cursor, at)
	b.no(err)
	b.equal(want, got, "%s", what)
}

// testAttend: all are waited for, each until its time.
func testAttend(b *bench) {
	_, start := b.traces(b.ks, "", 1)
	b.no(b.ks.Apply(b.ctx(), change("anna", 0, "1")))
	_, end := b.traces(b.ks, "", 1)
	b.attended(end, now, true, "nobody follows")
	b.no(b.ks.Attend(b.ctx(), "one", start, now.Add(10*time.Second)))
	b.no(b.ks.Attend(b.ctx(), "two", end, now.Add(20*time.Second)))
	b.attended(start, now, true, "what both have heard")
	b.attended(end, now, false, "what one has not heard")
	b.attended(end, now.Add(10*time.Second-time.Millisecond), false, "just before its time is over")
	b.attended(end, now.Add(10*time.Second), true, "its time is over")
	b.no(b.ks.Attend(b.ctx(), "one", end, now.Add(10*time.Second)))
	b.attended(end, now, true, "it has heard, too")
	b.no(b.ks.Apply(b.ctx(), change("anna", 1, "2")))
	_, later := b.traces(b.ks, "", 1)
	b.attended(later, now.Add(15*time.Second), false, "a later change")
	b.attended(later, now.Add(20*time.Second), true, "everybody's time is over")
	other := b.keyspace("another")
	_, cursor := b.traces(other, "", 1)
	ok, err := other.Attended(b.ctx(), cursor, now)
	b.no(err)
	b.equal(true, ok, "of another keyspace")
	b.is(b.ks.Attend(b.ctx(), "", end, now), fault.Invalid, "without a name")
	for _, bad := range []string{"", "x", "-1"} {
		b.is(b.ks.Attend(b.ctx(), "one", bad, now), fault.Invalid, "the cursor %q", bad)
		_, err := b.ks.Attended(b.ctx(), bad, now)
		b.is(err, fault.Invalid, "the cursor %q", bad)
	}
}
