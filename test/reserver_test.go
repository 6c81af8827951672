package test_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/doveadm"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/peertest"
)

const adminKey = "key of the administration"

// newAheadProxy starts a gateway that reserves by Dovecot's administration.
func newAheadProxy(t *testing.T, d *peertest.Dovecot, w *world, url string) *proxy {
	t.Helper()
	admin, err := doveadm.New(doveadm.Config{URL: url, Key: adminKey})
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{metrics: prometheus.NewRegistry()}
	p.Gateway, err = gateway.New(gateway.Config{
		Backend: gateway.BackendConfig{Addr: d.Addr}, Poll: pollInTests, LookupBudget: patience, KnownBudget: patience,
	}, gateway.Deps{Injection: w.middleware, Log: logTo(t, "gateway"), Registerer: p.metrics, Administration: admin})
	if err != nil {
		t.Fatal(err)
	}
	p.addr = p.serve(t, false)
	return p
}

// TestAdministration injects without a marker: the mailbox sees no message come or go, a session
// that goes around the gateway hears nothing, and everything else is as with markers.
func TestAdministration(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{AdminKey: adminKey})
	d.Deliver(t, "ann", "INBOX", mails(3)...)
	before := d.Dump(t, "ann")
	w := newWorld(t)
	w.run(t, "welcome", []string{"ann"})
	w.run(t, "second", []string{"ann"})
	p, two := newAheadProxy(t, d, w, d.AdminURL), newAheadProxy(t, d, w, d.AdminURL)

	bare := login(t, d.Addr, "ann")
	bare.must("SELECT INBOX")
	c := login(t, p.addr, "ann")
	if n := c.exists("SELECT INBOX"); n != 5 {
		t.Fatalf("%d messages, not 3 and two letters", n)
	}
	list := c.list()
	if said := bare.must("NOOP").raw(); strings.Contains(said, "EXISTS") || strings.Contains(said, "EXPUNGE") {
		t.Errorf("a session that goes around the gateway hears:\n%s", said)
	}
	st := d.Status(t, "ann", "INBOX")
	if list[4].uid >= st.UIDNext {
		t.Errorf("UIDs %v, and UIDNEXT is %d", list, st.UIDNext)
	}
	if said := login(t, d.Addr, "ann").must("SELECT INBOX").raw(); strings.Contains(said, "$InlayReserved") {
		t.Errorf("a keyword is left behind:\n%s", said)
	}

	// Mail comes behind them, in every session and through another gateway.
	d.Deliver(t, "ann", "INBOX", mails(4)[3:]...)
	c.must("NOOP")
	other := login(t, two.addr, "ann")
	if n := other.exists("SELECT INBOX"); n != 6 {
		t.Errorf("through another gateway there are %d messages", n)
	}
	if a, b := c.list(), other.list(); !slices.Equal(a, b) || len(a) != 6 || a[5].uid <= list[4].uid {
		t.Errorf("the sessions see different lists:\n%v\n%v", a, b)
	}

	// Leaving raises HIGHESTMODSEQ, by the administration as well.
	c.must("ENABLE CONDSTORE")
	raised := d.Status(t, "ann", "INBOX").HighestModSeq
	c.must(`STORE 4 +FLAGS (\Deleted)`)
	c.must("EXPUNGE")
	if now := d.Status(t, "ann", "INBOX").HighestModSeq; now <= raised {
		t.Errorf("HIGHESTMODSEQ was %d before a letter left, and is %d", raised, now)
	}
	if n := login(t, two.addr, "ann").exists("SELECT INBOX"); n != 5 {
		t.Errorf("with one letter gone there are %d messages", n)
	}
	for _, id := range []string{"welcome", "second"} {
		if n := w.count(t, campaign.ID(id), event.Injected); n != 1 {
			t.Errorf("%s: injected was recorded %d times", id, n)
		}
	}
	if after := d.Dump(t, "ann"); !slices.Equal(before, after[:3]) || len(after) != 4 {
		t.Errorf("the real mails were %v and are %v", before, after)
	}
}

// TestAdministrationGone: without it nothing is injected, and mail goes on.
func TestAdministrationGone(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{})
	d.Deliver(t, "ann", "INBOX", mails(5)...)
	w := newWorld(t)
	w.run(t, "welcome", []string{"ann"})
	p := newAheadProxy(t, d, w, "http://127.0.0.1:1/doveadm/v1")
	mailGoesOn(t, p, "ann")
	if n := p.metric(t, "inlay_not_injected_total", "reason=append_refused"); n == 0 {
		t.Error("no metric says why nothing was injected")
	}
}
