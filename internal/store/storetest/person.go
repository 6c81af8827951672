package storetest

import (
	"fmt"
	"slices"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/store"
)

// placed is a placement with everything in it.
func placed(user string, c campaign.ID, occurrence string) placement.Placement {
	return placement.Placement{
		ID: placement.ID(fmt.Sprintf("%s/%s/%s", user, c, occurrence)), Key: placement.Key{Campaign: c, Occurrence: occurrence},
		User: user, Mailbox: "Entwürfe", UIDValidity: 4294967295, UID: 4294967295, State: placement.Live, Rev: 1<<63 - 1,
		Token: "token", Lease: now.Add(time.Second), Reason: "because", Template: "sha256:00", Variables: map[string]string{"a": "ä\x00\"", "": ""},
		Flags: []string{`\Seen`, "$x"}, InternalDate: now, ModSeq: 1<<63 - 1, Until: now.Add(time.Hour),
		Created: now.Add(-time.Hour), Changed: now.Add(time.Millisecond),
	}
}

// happened are distinct events of a campaign.
func happened(c campaign.ID, n int) []event.Event {
	var out []event.Event
	for i := range n {
		out = append(out, event.Event{
			ID: event.ID(fmt.Sprintf("%s-%d", c, i)), Type: event.Injected, Campaign: c, Occurrence: "1",
			Placement: fmt.Sprint("p", i), User: "anna", At: now.Add(time.Duration(i) * time.Millisecond),
		})
	}
	return out
}

func owner(user string) string { return placement.Owner([]byte("key"), user) }

// change puts placements, and has an event of its own.
func change(user string, rev uint64, id string, put ...placement.Placement) store.Change {
	c := store.Change{User: user, Owner: owner(user), Rev: rev, ID: id, Head: store.Head{NoClaimsBefore: now.Add(time.Duration(rev) * time.Minute)}, Put: put}
	for _, p := range put {
		e := happened(p.Campaign, 1)[0]
		e.ID = event.ID(user + " " + id + " " + string(p.ID))
		c.Events = append(c.Events, e)
	}
	return c
}

func byKey(x, y placement.Placement) int {
	return slices.Compare([]string{string(x.Campaign), x.Occurrence}, []string{string(y.Campaign), y.Occurrence})
}

func (b *bench) person(user string) store.Person {
	b.Helper()
	p, err := b.ks.Person(b.ctx(), user, now)
	b.no(err)
	slices.SortFunc(p.Ledger, byKey)
	return p
}

func testPerson(b *bench) {
	b.equal(store.Person{User: "nobody"}, b.person("nobody"), "somebody never heard of")
	first := placed("anna", "a", "1")
	b.no(b.ks.Apply(b.ctx(), change("anna", 0, "1", first)))
	b.equal(store.Person{User: "anna", Rev: 1, Head: store.Head{NoClaimsBefore: now}, Ledger: []placement.Placement{first}}, b.person("anna"), "after a change")
	b.equal(store.Person{User: "Anna"}, b.person("Anna"), "names differ by case")
}

func testChange(b *bench) {
	one, two, other := placed("anna", "a", "1"), placed("anna", "a", "2"), placed("anna", "b", "1")
	b.no(b.ks.Apply(b.ctx(), change("anna", 0, "1", one, other)))
	b.no(b.ks.Apply(b.ctx(), change("anna", 1, "2", two)))
	changed := one
	changed.State, changed.Pending, changed.Flags, changed.Variables = placement.Expunged, true, nil, nil
	b.no(b.ks.Apply(b.ctx(), change("anna", 2, "3", changed)))
	b.no(b.ks.Apply(b.ctx(), change("anna", 3, "4")))
	got := b.person("anna")
	b.equal(store.Person{
		User: "anna", Rev: 4, Head: store.Head{NoClaimsBefore: now.Add(3 * time.Minute)}, Ledger: []placement.Placement{changed, two, other},
	}, got, "after four changes")
	counts, err := b.ks.Tally(b.ctx(), "a")
	b.no(err)
	b.equal([]event.Count{{Type: event.Injected, Count: 3}}, counts, "events of campaign a")
	members, err := b.ks.Members(b.ctx(), "b", "", 10)
	b.no(err)
	b.equal([]string{"anna"}, members, "members of campaign b")
}

// testOver: what is over is read with a person while an assignment of its campaign is, and with the
// history for ever.
func testOver(b *bench) {
	var put, over, goesOn []placement.Placement
	for i, s := range []placement.State{
		placement.Claimed, placement.Live, placement.Moving, placement.Void,
		placement.Expunged, placement.Withdrawn, placement.Expired, placement.Moved,
	} {
		p := placed("anna", campaign.ID(fmt.Sprint("c", i)), "1")
		p.State = s
		put = append(put, p)
		if i < 4 {
			goesOn = append(goesOn, p)
			continue
		}
		over = append(over, p)
		p.Occurrence, p.Pending = "2", true
		put, goesOn = append(put, p), append(goesOn, p)
	}
	b.no(b.ks.Apply(b.ctx(), change("anna", 0, "1", put...)))
	b.equal(goesOn, b.person("anna").Ledger, "what is not over")
	history := func() []placement.Placement {
		list, err := b.ks.History(b.ctx(), "anna")
		b.no(err)
		slices.SortFunc(list, byKey)
		return list
	}
	b.equal(put, history(), "the history")
	// The campaigns of assignments, of whatever version, until they lapse.
	b.no(b.ks.WriteAssignments(b.ctx(), "c4", 9, now, []store.AssignmentRow{{User: "anna", Line: 1}}))
	b.no(b.ks.WriteAssignments(b.ctx(), "c5", 1, now.Add(-time.Millisecond), []store.AssignmentRow{{User: "anna", Line: 1}}))
	b.no(b.ks.WriteAssignments(b.ctx(), "c6", 1, now, []store.AssignmentRow{{User: "ben", Line: 1}}))
	with := append(slices.Clone(goesOn), over[0])
	slices.SortFunc(with, byKey)
	b.equal(with, b.person("anna").Ledger, "with assignments")
	// What is settled is over, and what is claimed again is not.
	settled := goesOn[len(goesOn)-1]
	settled.Pending = false
	again := over[1]
	again.State = placement.Claimed
	b.no(b.ks.Apply(b.ctx(), change("anna", 1, "2", settled, again)))
	ledger := b.person("anna").Ledger
	has := func(p placement.Placement) bool {
		return slices.ContainsFunc(ledger, func(x placement.Placement) bool { return x.Key == p.Key })
	}
	b.equal([]bool{false, true}, []bool{has(settled), has(again)}, "after both were changed")
	b.equal(len(put), len(history()), "records of the history")
	list, err := b.ks.History(b.ctx(), "nobody")
	b.no(err)
	b.equal(0, len(list), "the history of somebody never heard of")
}

func testChangeRepeated(b *bench) {
	c := change("anna", 0, "1", placed("anna", "a", "1"))
	for range 3 {
		b.no(b.ks.Apply(b.ctx(), c))
	}
	before := b.person("anna")
	b.equal(uint64(1), before.Rev, "the revision after a repeated change")
	b.no(b.ks.Apply(b.ctx(), change("anna", 1, "2")))
	b.is(b.ks.Apply(b.ctx(), c), fault.Conflict, "repeated after another one")
	// The id alone does not make it the same change: it is another one of a later revision.
	late := change("anna", 2, "2", placed("anna", "b", "1"))
	b.no(b.ks.Apply(b.ctx(), late))
	b.equal(2, len(b.person("anna").Ledger), "records of the ledger")
}

func testChangeRefused(b *bench) {
	b.no(b.ks.Apply(b.ctx(), change("anna", 0, "1", placed("anna", "a", "1"))))
	before := b.person("anna")
	for _, rev := range []uint64{0, 2, 99} {
		c := change("anna", rev, "late", placed("anna", "b", "1"))
		b.is(b.ks.Apply(b.ctx(), c), fault.Conflict, "revision %d", rev)
	}
	b.is(b.ks.Apply(b.ctx(), change("ben", 1, "1", placed("ben", "b", "1"))), fault.Conflict, "a person never heard of")
	b.is(b.ks.Apply(b.ctx(), change("", 0, "1")), fault.Invalid, "nobody")
	b.is(b.ks.Apply(b.ctx(), change("anna", 1, "")), fault.Invalid, "a change without a name")
	nobody := change("anna", 1, "2")
	nobody.Owner = ""
	b.is(b.ks.Apply(b.ctx(), nobody), fault.Invalid, "a change without an owner")
	b.equal(before, b.person("anna"), "after refused changes")
	b.equal(store.Person{User: "ben"}, b.person("ben"), "after refused changes")
	counts, err := b.ks.Tally(b.ctx(), "b")
	b.no(err)
	b.equal(0, len(counts), "events of refused changes")
	members, err := b.ks.Members(b.ctx(), "b", "", 10)
	b.no(err)
	b.equal(0, len(members), "members by refused changes")
}

// testChangeRace: of several changes of one revision one is made, whole.
func testChangeRace(b *bench) {
	const workers = 12
	for round := range 5 {
		rev := b.person("anna").Rev
		errs := together(workers, func(i int) error {
			return b.ks.Apply(b.ctx(), change("anna", rev, fmt.Sprint(round, i), placed("anna", campaign.ID(fmt.Sprint("c", i)), fmt.Sprint(round))))
		})
		b.equal(1, b.winners(errs, fault.Conflict), "changes of one revision")
		p := b.person("anna")
		b.equal(rev+1, p.Rev, "the revision")
		b.equal(round+1, len(p.Ledger), "records of the ledger")
		for i, err := range errs {
			has := slices.ContainsFunc(p.Ledger, func(x placement.Placement) bool {
				return x.Campaign == campaign.ID(fmt.Sprint("c", i)) && x.Occurrence == fmt.Sprint(round)
			})
			if has != (err == nil) {
				b.Errorf("change %d was told %v, and its record is there: %t", i, err, has)
			}
		}
	}
	// Different people do not disturb each other.
	errs := together(workers, func(i int) error {
		return b.ks.Apply(b.ctx(), change(fmt.Sprint("user", i), 0, "1", placed(fmt.Sprint("user", i), "c", "1")))
	})
	b.equal(workers, b.winners(errs, fault.Internal), "changes of different people")
}

// testSameChangeRace: one change that is sent several times at once is made once, and all are told so.
func testSameChangeRace(b *bench) {
	c := change("anna", 0, "1", placed("anna", "a", "1"))
	errs := together(12, func(int) error { return b.ks.Apply(b.ctx(), c) })
	b.equal(12, b.winners(errs, fault.Internal), "senders")
	b.equal(uint64(1), b.person("anna").Rev, "the revision")
	events, _, err := b.ks.Events(b.ctx(), "a", "", 10)
	b.no(err)
	b.equal(c.Events, events, "the events")
}

func testNames(b *bench) {
	for _, user := range []string{"a b", "ä@ö.example", "o'neil", `"quoted"@example.org`, "%", "a\u0301", "á", "🙂"} {
		p := placed(user, "c", "1")
		b.no(b.ks.Apply(b.ctx(), change(user, 0, "1", p)))
		b.no(b.ks.WriteAssignments(b.ctx(), "c", 1, now, []store.AssignmentRow{{User: user, Line: 1}}))
		got := b.person(user)
		if got.User != user || len(got.Ledger) != 1 || len(got.Assignments) != 1 {
			b.Errorf("%q: %+v", user, got)
		}
	}
}
