package middleware

import (
	"cmp"
	"context"
	"regexp"
	"strings"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/decision"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

func comparePlacements(a, b placement.Placement) int {
	return cmp.Or(cmp.Compare(a.UID, b.UID), cmp.Compare(a.ID, b.ID))
}

// Begin implements injection.Service.
func (m *Middleware) Begin(ctx context.Context, req injection.BeginRequest) (injection.Session, error) {
	defer m.metrics.lookedUp(time.Now())
	t, d, err := m.look(ctx, req.Person)
	if err != nil {
		return injection.Session{}, err
	}
	result := decision.Decide(d.decision())
	m.metrics.refused(result.Rejected)
	s := injection.Session{Owner: t.owner(d.person.User), Quiet: d.quiet(), Placements: d.view(), Offers: []injection.Offer{}}
	for _, c := range result.Chosen {
		if c.Replaces != "" && !req.Reinject {
			continue
		}
		s.Offers = append(s.Offers, injection.Offer{
			ID: placement.NewID(t.identity.Key, d.person.User, c.Key), Key: c.Key,
			Mailbox: mailbox(c.Campaign.Mailbox), Template: c.Campaign.Template,
			Variables: c.Variables, Until: c.Campaign.End,
			Position: cmp.Or(c.Campaign.Position, campaign.Top), Replaces: c.Replaces,
		})
	}
	return s, nil
}

// Placements implements injection.Service.
func (m *Middleware) Placements(ctx context.Context, p injection.Person) ([]placement.Placement, error) {
	_, d, err := m.look(ctx, p)
	if err != nil {
		return nil, err
	}
	return d.view(), nil
}

// look reads a person. Ends that are due are kept; when that fails they hold for the answer
// all the same, for an end does not depend on being written.
func (m *Middleware) look(ctx context.Context, p injection.Person) (*tenant, *desk, error) {
	t, user, err := m.person(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	d, err := m.read(ctx, t, user)
	if err != nil || !d.dirty() {
		return t, d, err
	}
	kept := d
	err = m.change(ctx, t, user, func(d *desk) error {
		kept = d
		return nil
	})
	if err != nil {
		m.log.Warn("the end of a placement could not be kept; a later lookup or a sweep will", "tenant", t.id, "error", err)
	}
	return t, kept, nil
}

// decision is the desk as the input of a decision.
func (d *desk) decision() decision.Input {
	in := decision.Input{
		User: d.person.User, Ledger: d.ledger, NoClaimsBefore: d.head.NoClaimsBefore, Now: d.now,
		Campaigns: make([]campaign.Active, 0, len(d.campaigns)),
	}
	for _, c := range d.campaigns {
		in.Campaigns = append(in.Campaigns, c)
	}
	for _, a := range d.person.Assignments {
		in.Assignments = append(in.Assignments, decision.Assignment{Campaign: a.Campaign, Version: a.Version, Variables: a.Variables})
	}
	return in
}

// mailbox gives "INBOX" its one spelling (RFC 9051 §5.1).
func mailbox(name string) string {
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func checkDigest(digest string) error {
	if !digestForm.MatchString(digest) {
		return fault.New(fault.Invalid, `a template's digest is "sha256:" and 64 hexadecimal digits in lower case`)
	}
	return nil
}

// Template implements injection.Service.
func (m *Middleware) Template(ctx context.Context, tenant, digest string) ([]byte, error) {
	if err := checkDigest(digest); err != nil {
		return nil, err
	}
	t, err := m.openTenant(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return t.Keyspace.Template(ctx, digest)
}
