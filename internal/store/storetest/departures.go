package storetest

import (
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/placement"
)

func left(mailbox string, validity uint32, uid imap.UID, modSeq uint64) placement.Departure {
	return placement.Departure{ID: "id", Mailbox: mailbox, UIDValidity: validity, UID: uid, ModSeq: modSeq}
}

func (b *bench) departures(owner, mailbox string, validity uint32) []placement.Departure {
	b.Helper()
	list, err := b.ks.Departures(b.ctx(), owner, mailbox, validity)
	b.no(err)
	return list
}

// testDepartures: they are written with the change or not at all, replaced one by one, and listed
// by UID.
func testDepartures(b *bench) {
	b.equal(0, len(b.departures("o", "INBOX", 7)), "departures of somebody never heard of")
	high, low := left("INBOX", 7, 4294967295, 1<<63-1), left("INBOX", 7, 1, 0)
	pending := left("INBOX", 7, 9, 5)
	pending.Pending = true
	c := change("anna", 0, "1", placed("anna", "a", "1"))
	c.Owner, c.Departures = "o", []placement.Departure{high, pending, low, left("INBOX", 8, 2, 3), left("Entwürfe", 7, 3, 3)}
	for range 2 { // repeated after an unknown outcome
		b.no(b.ks.Apply(b.ctx(), c))
	}
	b.equal([]placement.Departure{low, pending, high}, b.departures("o", "INBOX", 7), "departures by UID")
	b.equal([]placement.Departure{left("INBOX", 8, 2, 3)}, b.departures("o", "INBOX", 8), "of another UIDVALIDITY")
	b.equal([]placement.Departure{left("Entwürfe", 7, 3, 3)}, b.departures("o", "Entwürfe", 7), "of another mailbox")
	b.equal(0, len(b.departures("O", "INBOX", 7)), "departures of another owner")

	settled := left("INBOX", 7, 9, 12)
	late := change("anna", 0, "2")
	late.Owner, late.Departures = "o", []placement.Departure{settled, left("INBOX", 7, 10, 1)}
	b.is(b.ks.Apply(b.ctx(), late), fault.Conflict, "a change of another revision")
	b.equal([]placement.Departure{low, pending, high}, b.departures("o", "INBOX", 7), "after a refused change")
	late.Rev = 1
	b.no(b.ks.Apply(b.ctx(), late))
	b.equal([]placement.Departure{low, settled, left("INBOX", 7, 10, 1), high}, b.departures("o", "INBOX", 7), "after one was settled")
}
