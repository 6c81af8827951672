package test_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/peertest"
	"inlay.example/inlay/internal/placement"
)

// checkCrashed lets every person come back when all leases have run out, and compares what is
// there, by the server's own tool and through a gateway, with what the clients were told.
func checkCrashed(t *testing.T, d *peertest.Dovecot, w *world, c *campaigns, people []*crashPerson) (found []string) {
	t.Helper()
	p := newProxy(t, d.Address(), w.middleware)
	views := map[string]map[string]row{}
	total := map[string]int{}
	for _, person := range people {
		peertest.Eventually(t, "the server has no session of "+person.user, func() bool { return !d.Serves(t, person.user) })
		w.leasesOver(t, person.user)
	}
	w.later.Store(int64(11 * time.Minute)) // a claim that was voided keeps from new ones for ten
	for _, person := range people {
		for range 2 { // the first may find, end and inject; the second sees it
			conn := login(t, p.addr, person.user)
			conn.must("SELECT INBOX")
			conn.must("NOOP")
			conn.must("LOGOUT")
		}
		conn := login(t, p.addr, person.user)
		conn.must("SELECT INBOX")
		view := map[string]row{}
		for _, r := range rowsOf(conn.must("UID FETCH 1:* " + rowItems)) {
			if _, twice := view[r.key]; twice {
				person.wrong("%s is in the view twice", r.key)
			}
			view[r.key] = r
		}
		conn.must("LOGOUT")
		views[person.user] = view
		person.compare(t, d, c, view)
		found = append(found, person.found...)
		for k, n := range person.done {
			total[k] += n
		}
	}
	found = append(found, w.eventsOf(t, c, people, views)...)
	var text []string
	for _, k := range slices.Sorted(maps.Keys(total)) {
		text = append(text, fmt.Sprintf("%s %d", k, total[k]))
	}
	t.Logf("%d campaigns, %d reinjected; %s", len(c.running)+len(c.recalled), w.count(t, c.pinned, event.Reinjected), strings.Join(text, ", "))
	for _, k := range []string{"SELECT", "STORE", "APPEND", "UID FETCH"} {
		if k, _, _ = strings.Cut(strings.TrimPrefix(k, "UID "), " "); total[k+" OK"] == 0 {
			found = append(found, "no "+k+" was ever answered OK")
		}
	}
	return found
}

// leasesOver waits until nothing of a person is anybody's business.
func (w *world) leasesOver(t *testing.T, user string) {
	t.Helper()
	all, err := w.middleware.Placements(t.Context(), injection.Person{User: user})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		var until time.Time
		switch {
		case p.State == placement.Claimed:
			until = p.Lease
		case p.State == placement.Moving:
			until = p.Changed.Add(time.Minute) // of the gateway by which they come back
		case p.Pending:
			until = p.Changed.Add(placement.PendingLease)
		}
		<-time.After(time.Until(until) + 10*time.Millisecond)
	}
}

// compare compares a person's mailboxes with what is known of them.
func (p *crashPerson) compare(t *testing.T, d *peertest.Dovecot, c *campaigns, view map[string]row) {
	t.Helper()
	texts := map[string]string{} // of mailbox and UID
	for _, l := range d.Dump(t, p.user) {
		texts[fmt.Sprint(l.Mailbox, l.UID)] = l.SHA256
	}
	bare := login(t, d.Address(), p.user)
	defer bare.must("LOGOUT")
	real := map[string]map[string][]row{}
	listed := 0
	for _, mailbox := range []string{"INBOX", "Kept", "Copies"} {
		real[mailbox] = map[string][]row{}
		bare.must("SELECT " + mailbox)
		rows := rowsOf(bare.must("UID FETCH 1:* " + rowItems))
		listed += len(rows)
		for _, r := range rows {
			real[mailbox][r.key] = append(real[mailbox][r.key], r)
			b := p.known[r.key]
			switch {
			case r.marker:
				p.wrong("a marker is left in %s, UID %d", mailbox, r.uid)
			case r.injected && mailbox == "INBOX":
				p.wrong("an injected message is really in %s, UID %d", mailbox, r.uid)
			case b == nil:
				p.wrong("%s in %s is nobody's", r.key, mailbox)
			case !b.injected:
				if sum := sha256.Sum256(b.mail.Bytes); hex.EncodeToString(sum[:]) != texts[fmt.Sprint(mailbox, r.uid)] {
					p.wrong("%s in %s is not what it was", r.key, mailbox)
				}
				if at, in := view[r.key]; mailbox == "INBOX" && (!in || at.uid != r.uid || !slices.Equal(at.flags, r.flags)) {
					p.wrong("%s is %v in INBOX, and %v in the view", r.key, r, at)
				}
			}
		}
	}
	if listed != len(texts) {
		p.wrong("doveadm lists %d messages, IMAP %d", len(texts), listed)
	}
	for _, key := range slices.Sorted(maps.Keys(p.known)) {
		b := p.known[key]
		at, inView := view[key]
		kept := real["Kept"][key]
		places := map[bool]int{true: 1}[inView] + len(kept)
		n := len(real["Copies"][key])
		if n < b.copies[0] || n > b.copies[1] {
			p.wrong("%s has %d copies, and should have %v", key, n, b.copies)
		}
		where := ""
		switch {
		case places > 1:
			p.wrong("%s is in INBOX %v and in Kept %v", key, at, kept)
			continue
		case inView:
			where = "INBOX"
		case places == 1:
			where, at = "Kept", kept[0]
		}
		withdrawn := where == "" && b.injected && slices.Contains(b.where, "INBOX") && (c.recalled[campaign.ID(b.campaign)] || b.campaign == string(c.pinned))
		if !slices.Contains(b.where, where) && !withdrawn {
			p.wrong("%s is in %q, and should be in one of %q", key, where, b.where)
		}
		if where == "" {
			continue
		}
		if where == "INBOX" && b.uid != 0 && at.uid != b.uid {
			p.wrong("%s was UID %d and is %d", key, b.uid, at.uid)
		}
		all := slices.Collect(maps.Keys(b.flags))
		for _, f := range append(all, at.flags...) {
			if has := slices.Contains(at.flags, f); has != b.flags[f] && !b.unsure[f] {
				p.wrong("%s in %s has the flags %q; %s should be %t", key, where, at.flags, f, b.flags[f])
			}
		}
	}
}

// eventsOf checks what was recorded of every campaign: what was injected is in a view or has left it
// once, and what the clients know is among that.
func (w *world) eventsOf(t *testing.T, c *campaigns, people []*crashPerson, views map[string]map[string]row) (found []string) {
	t.Helper()
	ids := slices.Concat(c.running, slices.Sorted(maps.Keys(c.recalled)), []campaign.ID{c.pinned})
	for _, id := range ids {
		counts := map[event.Type]int64{}
		for _, e := range []event.Type{event.Injected, event.Expunged, event.Moved, event.Withdrawn, event.Expired, event.Reinjected} {
			counts[e] = w.count(t, id, e)
		}
		var live, known int64
		least, most := map[event.Type]int64{}, map[event.Type]int64{}
		for _, p := range people {
			here, may := int64(0), false
			for _, r := range views[p.user] {
				if r.campaign == string(id) {
					here++
				}
				if r.campaign == string(id) && p.known[r.key] == nil {
					known++ // it came in the end
				}
			}
			for _, b := range p.known {
				if b.campaign != string(id) {
					continue
				}
				known++
				for e, place := range map[event.Type]string{event.Expunged: "", event.Moved: "Kept"} {
					if !slices.Contains(b.where, place) {
						continue
					}
					may = true
					if most[e]++; len(b.where) == 1 && !c.recalled[id] && id != c.pinned { // it may have been withdrawn first
						least[e]++
					}
				}
			}
			if live += here; here > 1 || here == 0 && !may && !c.recalled[id] {
				found = append(found, fmt.Sprintf("%s: of campaign %s there are %d in the view", p.user, id, here))
			}
			if here > 0 && c.recalled[id] {
				found = append(found, fmt.Sprintf("%s: campaign %s was recalled, and is in the view", p.user, id))
			}
		}
		if left := counts[event.Expunged] + counts[event.Moved] + counts[event.Withdrawn] + counts[event.Expired] + counts[event.Reinjected]; counts[event.Injected] != live+left {
			found = append(found, fmt.Sprintf("campaign %s: %d are in views, and the events are %v", id, live, counts))
		}
		if counts[event.Injected] < known {
			found = append(found, fmt.Sprintf("campaign %s: clients know of %d, and the events are %v", id, known, counts))
		}
		for _, e := range []event.Type{event.Expunged, event.Moved} {
			if counts[e] < least[e] || counts[e] > most[e] {
				found = append(found, fmt.Sprintf("campaign %s: %s %d times, and should be %d to %d times", id, e, counts[e], least[e], most[e]))
			}
		}
	}
	return found
}
