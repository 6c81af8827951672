package injectiontest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// Admin is the other side of the service: what an operator does, and sees. An empty tenant is
// the default one; its methods fail the test when they cannot do it.
type Admin interface {
	// AddTenant makes a tenant; the default one is there from the beginning.
	AddTenant(t testing.TB, tenant string)
	// PutCampaign makes a campaign, or puts another in place of the one with its ID, with the
	// rows of its version, and makes it visible. The keys of rows are user names as an
	// importer would write them.
	PutCampaign(t testing.TB, tenant string, c campaign.Active, rows map[string]map[string]string)
	// SetState moves a campaign to another state.
	SetState(t testing.TB, tenant string, id campaign.ID, state campaign.State)
	// PutTemplate keeps a template under its digest.
	PutTemplate(t testing.TB, tenant, digest string, body []byte)
	// Count counts the distinct events of a type.
	Count(t testing.TB, tenant string, id campaign.ID, what event.Type) int64
	// Now is the service's clock, and Advance puts it forward.
	Now() time.Time
	Advance(d time.Duration)
}

// Open makes a service of its own for a test, and ends it with the test.
type Open func(t *testing.T) (injection.Service, Admin)

// Run runs the battery.
func Run(t *testing.T, open Open) {
	t.Helper()
	for _, c := range [...]struct {
		name string
		test func(*bench)
	}{
		{"lookup", testLookup},
		{"rank", testRank},
		{"version", testVersion},
		{"window", testWindow},
		{"pause", testPause},
		{"claim race", testClaimRace},
		{"claim repeated", testClaimRepeated},
		{"claim lapsed", testClaimLapsed},
		{"claim of nothing", testClaimOfNothing},
		{"confirm", testConfirm},
		{"confirm race", testConfirmRace},
		{"void fences", testVoidFences},
		{"void pauses the person", testVoidPauses},
		{"void of a live placement", testVoidLive},
		{"void races confirm", testVoidRacesConfirm},
		{"flags", testFlags},
		{"flags refused", testFlagsRefused},
		{"flags concurrently", testFlagsConcurrently},
		{"read once", testReadOnce},
		{"observations refused", testObservationsRefused},
		{"expunge is final", testExpunge},
		{"long over", testLongOver},
		{"expunge race", testExpungeRace},
		{"recall", testRecall},
		{"change pending", testPending},
		{"change left to others", testUnraised},
		{"change settled", testSettle},
		{"touch", testTouch},
		{"first settled late", testSettleLate},
		{"settle race", testSettleRace},
		{"departures", testDepartures},
		{"departures of a recall", testRecallPending},
		{"move", testMove},
		{"move race", testMoveRace},
		{"expiry", testExpiry},
		{"tenants", testTenants},
		{"limits", testLimits},
		{"templates", testTemplates},
		{"position", testPosition},
		{"reinjection", testReinject},
		{"reinjection of what the person has", testReinjectRefused},
		{"reinjection race", testReinjectRace},
		{"watch", testWatch},
		{"watch instants", testWatchInstants},
		{"watch resumed", testWatchResumed},
		{"watch reset", testWatchReset},
		{"watch ends", testWatchEnds},
		{"quiet", testQuiet},
		{"attendance", testAttend},
		{"cancelled", testCancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			svc, admin := open(t)
			c.test(&bench{T: t, Service: svc, Admin: admin})
		})
	}
}

// bench is a test with its service. It is not safe for concurrent use, but its Service is.
type bench struct {
	*testing.T
	injection.Service
	Admin
	tokens int
}

// anna is whom most tests are about: her name as a client types it, and as it is kept.
var anna = injection.Person{User: "Anna@Example.org"}

const annaKept = "anna@example.org"

// token makes a token that no other claim of the test has.
func (b *bench) token() string {
	b.tokens++
	return fmt.Sprintf("token-%010d", b.tokens)
}

// campaign puts a running campaign for Anna that goes on for a day.
func (b *bench) campaign(id campaign.ID) campaign.Active {
	b.Helper()
	c := campaign.Active{
		ID: id, Name: string(id), Class: campaign.Own, Mailbox: "inbox", State: campaign.Running, Revision: 1, Version: 1,
		Start: b.Now().Add(-time.Hour), End: b.Now().Add(24 * time.Hour), Template: digestOf([]byte(id)),
	}
	b.PutCampaign(b, "", c, map[string]map[string]string{annaKept: {"name": "Anna"}})
	return c
}

func key(id campaign.ID) placement.Key { return placement.Key{Campaign: id, Occurrence: "1"} }

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (b *bench) claimRequest(id campaign.ID) injection.ClaimRequest {
	return b.claimRequestWith(id, b.token())
}

func (b *bench) claimRequestWith(id campaign.ID, token string) injection.ClaimRequest {
	return injection.ClaimRequest{Person: anna, Key: key(id), UIDValidity: 7, Token: token, Lease: 30 * time.Second}
}

func (b *bench) claim(id campaign.ID) placement.Placement {
	b.Helper()
	p, err := b.Claim(b.Context(), b.claimRequest(id))
	b.ok(err)
	return p
}

func confirmRequest(p placement.Placement, uid imap.UID) injection.ConfirmRequest {
	return injection.ConfirmRequest{
		Person: anna, ID: p.ID, Token: p.Token, UID: uid, ModSeq: 42,
		InternalDate: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC),
	}
}

// live makes a campaign and has it injected.
func (b *bench) live(id campaign.ID, uid imap.UID) placement.Placement {
	b.Helper()
	b.campaign(id)
	p, err := b.Confirm(b.Context(), confirmRequest(b.claim(id), uid))
	b.ok(err)
	return p
}

func (b *bench) void(p placement.Placement, reason string, release bool) error {
	return b.Void(b.Context(), injection.VoidRequest{Person: anna, ID: p.ID, Token: p.Token, Reason: reason, Release: release})
}

func (b *bench) setFlags(p placement.Placement, op injection.FlagsOp, flags ...string) (placement.Placement, error) {
	return b.SetFlags(b.Context(), injection.FlagsRequest{Person: anna, ID: p.ID, Op: op, Flags: flags})
}

func (b *bench) expunge(p placement.Placement) error {
	_, err := b.Expunge(b.Context(), injection.ExpungeRequest{Person: anna, ID: p.ID})
	return err
}

func (b *bench) begin() injection.Session {
	b.Helper()
	s, err := b.Begin(b.Context(), injection.BeginRequest{Person: anna})
	b.ok(err)
	return s
}

func (b *bench) placements() []placement.Placement {
	b.Helper()
	list, err := b.Placements(b.Context(), anna)
	b.ok(err)
	return list
}

// offered lists the campaigns that a lookup offers.
func (b *bench) offered() []campaign.ID {
	b.Helper()
	ids := []campaign.ID{}
	for _, o := range b.begin().Offers {
		ids = append(ids, o.Campaign)
	}
	return ids
}

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatalf("unexpected error: %v", err)
	}
}

func (b *bench) want(err error, kind fault.Kind) {
	b.Helper()
	if !fault.Is(err, kind) {
		b.Fatalf("got error %v, want one of kind %v", err, kind)
	}
}

func (b *bench) count(id campaign.ID, what event.Type, want int64) {
	b.Helper()
	if got := b.Count(b, "", id, what); got != want {
		b.Fatalf("%s events of %s: got %d, want %d", what, id, got, want)
	}
}

// race runs do n times at once and returns the errors.
func race(n int, do func(i int) error) []error {
	errs, start, done := make([]error, n), make(chan struct{}), make(chan struct{})
	for i := range n {
		go func() {
			defer func() { done <- struct{}{} }()
			<-start
			errs[i] = do(i)
		}()
	}
	close(start)
	for range n {
		<-done
	}
	return errs
}
