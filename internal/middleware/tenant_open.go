package middleware

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
	"inlay.example/inlay/internal/store"
)

// tenant is an opened tenant. All but the snapshot of its campaigns is immutable; when its
// document changes it is opened anew.
type tenant struct {
	id       string
	secret   []byte // of pushes and commands
	sources  []dataSource
	keyspace string
	store.Keyspace
	identity identity

	mu        sync.Mutex
	loaded    bool
	epoch     uint64 // of the keyspace's documents, for which campaigns holds
	campaigns map[campaign.ID]campaign.Active
	unheard   map[campaign.ID]string // up to which cursor everybody has to have heard before it begins
	followed  string                 // cursor up to which traces were looked through for campaigns
	published string                 // cursor of the last trace of a campaign in there, or where looking began
}

// identity is made once per keyspace and kept in it.
type identity struct {
	Key           []byte `json:"key"` // of placement and event IDs
	DefaultDomain string `json:"defaultDomain"`
}

const (
	kindIdentity = "identity"
	kindCampaign = "campaign"
)

// openTenant returns the tenant, as its configuration is now. NotFound when there is no such tenant,
// or it was made without createDB and its keyspace does not exist yet.
func (m *Middleware) openTenant(ctx context.Context, id string) (*tenant, error) {
	if id == "" {
		id = injection.DefaultTenant
	}
	epoch, err := m.store.Control().Epoch(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the control epoch: %w", err)
	}
	m.mu.Lock()
	had := m.tenants[id]
	m.mu.Unlock()
	if had.tenant != nil && had.epoch >= epoch {
		return had.tenant, nil
	}
	doc, err := m.tenantDoc(ctx, id)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			m.mu.Lock()
			delete(m.tenants, id)
			m.mu.Unlock()
		}
		return nil, err
	}
	// Other documents change far more often than this one does, and a tenant that is opened anew
	// reads all its campaigns again. (Revisions don't tell: a tenant may have been made anew.)
	now := openedTenant{tenant: had.tenant, epoch: epoch, body: doc.body}
	if had.tenant == nil || had.body != doc.body {
		if now.tenant, err = m.open(ctx, doc.config); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	// The document was read after the epoch, so it is at least as new; what somebody else has
	// found at a later one stays.
	if m.tenants[id].epoch <= epoch {
		m.tenants[id] = now
	}
	return now.tenant, nil
}

// openedTenant is a tenant as it was at an epoch of the control documents.
type openedTenant struct {
	tenant *tenant
	epoch  uint64
	body   string // of its document
}

func (m *Middleware) open(ctx context.Context, c tenantConfig) (*tenant, error) {
	ks, err := m.store.Keyspace(ctx, c.KeyspaceName)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.Wrap(fault.NotFound, err,
			"the keyspace %q of tenant %q does not exist: create it with its tables, or the tenant with createDB=true", c.KeyspaceName, c.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the keyspace of tenant %s: %w", c.ID, err)
	}
	ident, err := m.openIdentity(ctx, ks)
	if err != nil {
		return nil, fmt.Errorf("opening the identity of tenant %s: %w", c.ID, err)
	}
	if ident.DefaultDomain != m.cfg.DefaultDomain {
		m.log.Warn("the default domain of a tenant's user names stays as it was when its keyspace was first used",
			"tenant", c.ID, "kept", ident.DefaultDomain, "configured", m.cfg.DefaultDomain)
	}
	return &tenant{
		id: c.ID, secret: []byte(c.Configuration.SecretKey), sources: c.DataSources, keyspace: c.KeyspaceName,
		Keyspace: ks, identity: ident,
	}, nil
}

func (m *Middleware) openIdentity(ctx context.Context, ks store.Keyspace) (identity, error) {
	var ident identity
	doc, err := ks.Get(ctx, kindIdentity, "keyspace")
	if fault.Is(err, fault.NotFound) {
		ident = identity{Key: make([]byte, 32), DefaultDomain: m.cfg.DefaultDomain}
		if _, err := rand.Read(ident.Key); err != nil {
			return identity{}, fmt.Errorf("making a key: %w", err)
		}
		body, err := json.Marshal(ident)
		if err != nil {
			return identity{}, err
		}
		switch _, err = ks.Put(ctx, kindIdentity, "keyspace", 0, body); {
		case err == nil:
			return ident, nil
		case !fault.Is(err, fault.Conflict):
			return identity{}, err
		}
		doc, err = ks.Get(ctx, kindIdentity, "keyspace") // another instance was faster
		if err != nil {
			return identity{}, err
		}
	} else if err != nil {
		return identity{}, err
	}
	ident = identity{}
	if err := json.Unmarshal(doc.Body, &ident); err != nil || len(ident.Key) < 16 {
		return identity{}, fault.Wrap(fault.Internal, err, "the identity document of the keyspace is damaged")
	}
	return ident, nil
}

// person opens the tenant of p and normalises its user.
func (m *Middleware) person(ctx context.Context, p injection.Person) (*tenant, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", fault.Wrap(fault.Unavailable, context.Cause(ctx), "the request was cancelled")
	}
	t, err := m.openTenant(ctx, p.Tenant)
	if err != nil {
		return nil, "", err
	}
	user, err := t.normaliseUser(p.User)
	return t, user, err
}

// normaliseUser gives the form in which a name is kept in the tenant's keyspace.
func (t *tenant) normaliseUser(name string) (string, error) {
	return placement.NormaliseUser(name, t.identity.DefaultDomain)
}

// owner is what stands for a person where nobody may be named.
func (t *tenant) owner(user string) string { return placement.Owner(t.identity.Key, user) }

// snapshot returns the tenant's campaigns as they are now; the map must not be changed.
func (t *tenant) snapshot(ctx context.Context) (map[campaign.ID]campaign.Active, error) {
	epoch, err := t.Epoch(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the epoch of tenant %s: %w", t.id, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	// One that somebody else has read meanwhile, at a later epoch, is even better: those who wait
	// here must not read in turn what has been read for all of them.
	if t.loaded && t.epoch >= epoch {
		return t.campaigns, nil
	}
	campaigns := map[campaign.ID]campaign.Active{}
	for after := ""; ; {
		page, err := t.List(ctx, kindCampaign, after, store.MaxPage)
		if err != nil {
			return nil, fmt.Errorf("listing the campaigns of tenant %s: %w", t.id, err)
		}
		for _, doc := range page {
			var c campaign.Active
			if err := json.Unmarshal(doc.Body, &c); err != nil {
				return nil, fault.Wrap(fault.Internal, err, "the document of campaign %s is damaged", doc.ID)
			}
			campaigns[c.ID] = c
			after = doc.ID
		}
		if len(page) < store.MaxPage {
			break
		}
	}
	// What was published before the documents were read has left its trace by now.
	if err := t.follow(ctx); err != nil {
		return nil, err
	}
	t.unheard = unheard(t.unheard, t.campaigns, campaigns, t.published)
	// Documents read after the epoch may be newer than it, never older: at worst they are
	// read once more.
	t.campaigns, t.epoch, t.loaded = campaigns, epoch, true
	return campaigns, nil
}
