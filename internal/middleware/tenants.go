package middleware

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/store"
)

// Kinds of control documents.
const (
	kindTenant   = "tenant"   // by tenant id
	kindKeyspace = "keyspace" // by name in lower case; body is the id of the tenant that has it
)

// tenantDoc is a tenant's document as it is kept.
type tenantDoc struct {
	rev    uint64
	body   string // as it was read
	tree   map[string]any
	config tenantConfig
}

func (m *Middleware) tenantDoc(ctx context.Context, id string) (tenantDoc, error) {
	doc, err := m.store.Control().Get(ctx, kindTenant, id)
	if fault.Is(err, fault.NotFound) {
		return tenantDoc{}, fault.New(fault.NotFound, "there is no tenant %q", id)
	}
	if err != nil {
		return tenantDoc{}, fmt.Errorf("reading tenant %s: %w", id, err)
	}
	return parseTenant(doc)
}

func parseTenant(doc store.Doc) (tenantDoc, error) {
	out := tenantDoc{rev: doc.Rev, body: string(doc.Body)}
	if err := decodeTree(doc.Body, &out.tree); err != nil {
		return tenantDoc{}, fault.Wrap(fault.Internal, err, "the document of tenant %s is damaged", doc.ID)
	}
	var err error
	if out.config, err = checkTenant(out.tree); err != nil {
		// Not Invalid: it is not the caller's input that is wrong.
		return tenantDoc{}, fault.Wrap(fault.Internal, errors.New(err.Error()), "the document of tenant %s is damaged", doc.ID)
	}
	return out, nil
}

// createTenant makes a tenant of a document. A keyspace that exists already is taken as it
// is, with its running campaigns paused: whoever made it may not expect them to go on.
func (m *Middleware) createTenant(ctx context.Context, tree map[string]any, createDB bool) (tenantDoc, error) {
	config, err := checkTenant(tree)
	if err != nil {
		return tenantDoc{}, err
	}
	body, err := json.Marshal(tree)
	if err != nil {
		return tenantDoc{}, fmt.Errorf("writing tenant %s: %w", config.ID, err)
	}
	control := m.store.Control()
	if _, err := control.Get(ctx, kindTenant, config.ID); err == nil {
		return tenantDoc{}, fault.New(fault.Conflict, "there is a tenant %q already", config.ID)
	} else if !fault.Is(err, fault.NotFound) {
		return tenantDoc{}, fmt.Errorf("reading tenant %s: %w", config.ID, err)
	}
	if err := m.takeKeyspace(ctx, config); err != nil {
		return tenantDoc{}, err
	}
	if createDB {
		if err := m.store.CreateKeyspace(ctx, config.KeyspaceName); err != nil {
			return tenantDoc{}, fmt.Errorf("creating keyspace %s: %w", config.KeyspaceName, err)
		}
	}
	switch ks, err := m.store.Keyspace(ctx, config.KeyspaceName); {
	case err == nil:
		if err := pauseCampaigns(ctx, ks); err != nil {
			return tenantDoc{}, fmt.Errorf("pausing the campaigns of keyspace %s: %w", config.KeyspaceName, err)
		}
	case !fault.Is(err, fault.NotFound):
		return tenantDoc{}, fmt.Errorf("opening keyspace %s: %w", config.KeyspaceName, err)
	}
	rev, err := control.Put(ctx, kindTenant, config.ID, 0, body)
	if fault.Is(err, fault.Conflict) {
		return tenantDoc{}, fault.New(fault.Conflict, "there is a tenant %q already", config.ID)
	}
	if err != nil {
		return tenantDoc{}, fmt.Errorf("writing tenant %s: %w", config.ID, err)
	}
	// Somebody who thought that our reservation was a leftover may have taken the keyspace
	// before the tenant was there to be seen.
	if owner, _, err := m.keyspaceOwner(ctx, config.KeyspaceName); err == nil && owner != config.ID {
		if err := control.Delete(ctx, kindTenant, config.ID, rev); err != nil {
			m.log.Error("a tenant without a keyspace of its own could not be removed", "tenant", config.ID, "error", err)
		}
		return tenantDoc{}, keyspaceTaken(config.KeyspaceName, owner)
	}
	m.log.Info("tenant created", "tenant", config.ID, "keyspace", config.KeyspaceName)
	m.ring()
	return tenantDoc{rev: rev, tree: tree, config: config}, nil
}

func keyspaceTaken(name, owner string) error {
	return fault.New(fault.Conflict, "keyspaceName: the keyspace %q belongs to tenant %q", name, owner)
}

func (m *Middleware) keyspaceOwner(ctx context.Context, name string) (owner string, rev uint64, err error) {
	doc, err := m.store.Control().Get(ctx, kindKeyspace, strings.ToLower(name))
	return string(doc.Body), doc.Rev, err
}

// takeKeyspace reserves a keyspace for a tenant. Names are compared without regard to case,
// because some engines do. A reservation whose tenant does not exist is a leftover.
func (m *Middleware) takeKeyspace(ctx context.Context, c tenantConfig) error {
	control := m.store.Control()
	_, err := control.Put(ctx, kindKeyspace, strings.ToLower(c.KeyspaceName), 0, []byte(c.ID))
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	owner, rev, err := m.keyspaceOwner(ctx, c.KeyspaceName)
	if err != nil {
		return fmt.Errorf("reading the owner of keyspace %s: %w", c.KeyspaceName, err)
	}
	if owner == c.ID {
		return nil
	}
	if _, err := control.Get(ctx, kindTenant, owner); !fault.Is(err, fault.NotFound) {
		if err != nil {
			return fmt.Errorf("reading tenant %s: %w", owner, err)
		}
		return keyspaceTaken(c.KeyspaceName, owner)
	}
	_, err = control.Put(ctx, kindKeyspace, strings.ToLower(c.KeyspaceName), rev, []byte(c.ID))
	return err
}

func pauseCampaigns(ctx context.Context, ks store.Keyspace) error {
	return eachDoc(ctx, ks, kindCampaign, func(doc store.Doc) error {
		var c campaign.Active
		if err := json.Unmarshal(doc.Body, &c); err != nil {
			return fault.Wrap(fault.Internal, err, "the document of campaign %s is damaged", doc.ID)
		}
		if c.State != campaign.Running {
			return nil
		}
		c.State = campaign.Paused
		body, err := json.Marshal(c)
		if err != nil {
			return err
		}
		_, err = ks.Put(ctx, kindCampaign, doc.ID, doc.Rev, body)
		return err
	})
}

// eachDoc calls do for every document of a kind, in the order of their ids.
func eachDoc(ctx context.Context, docs store.Documents, kind string, do func(store.Doc) error) error {
	for after := ""; ; {
		page, err := docs.List(ctx, kind, after, store.MaxPage)
		if err != nil {
			return fmt.Errorf("listing %s documents: %w", kind, err)
		}
		for _, doc := range page {
			if err := do(doc); err != nil {
				return err
			}
			after = doc.ID
		}
		if len(page) < store.MaxPage {
			return nil
		}
	}
}

// deleteTenant removes a tenant's configuration. Its keyspace stays, and may be given to a
// tenant again.
func (m *Middleware) deleteTenant(ctx context.Context, id string) error {
	doc, err := m.tenantDoc(ctx, id)
	if err != nil {
		return err
	}
	control := m.store.Control()
	if err := control.Delete(ctx, kindTenant, id, doc.rev); err != nil {
		return err
	}
	owner, rev, err := m.keyspaceOwner(ctx, doc.config.KeyspaceName)
	if err == nil && owner == id {
		err = control.Delete(ctx, kindKeyspace, strings.ToLower(doc.config.KeyspaceName), rev)
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		// A leftover reservation does no harm, see takeKeyspace.
		m.log.Warn("the reservation of a keyspace stays", "tenant", id, "keyspace", doc.config.KeyspaceName, "error", err)
	}
	m.log.Info("tenant deleted", "tenant", id, "keyspace", doc.config.KeyspaceName)
	m.ring()
	return nil
}

// replaceList puts a whole new list in place of dataSources or conversionPoints.
func (m *Middleware) replaceList(ctx context.Context, id, field string, list []any) ([]any, error) {
	doc, err := m.tenantDoc(ctx, id)
	if err != nil {
		return nil, err
	}
	former, _ := doc.tree[field].([]any)
	if err := unmask(list, former, field); err != nil {
		return nil, err
	}
	doc.tree[field] = list
	if _, err := checkTenant(doc.tree); err != nil {
		return nil, err
	}
	body, err := json.Marshal(doc.tree)
	if err != nil {
		return nil, fmt.Errorf("writing tenant %s: %w", id, err)
	}
	// A Conflict goes back to the caller, who has to look at what somebody else has put.
	if _, err := m.store.Control().Put(ctx, kindTenant, id, doc.rev, body); err != nil {
		return nil, err
	}
	m.ring()
	return list, nil
}

// ensureDefaultTenant makes the tenant "default" with a folder as its data source, unless
// there is one.
func (m *Middleware) ensureDefaultTenant(ctx context.Context, d DefaultTenant) error {
	_, err := m.tenantDoc(ctx, injection.DefaultTenant)
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	_, err = m.createTenant(ctx, map[string]any{
		"id": injection.DefaultTenant, "name": injection.DefaultTenant, "keyspaceName": "mim_default",
		"configuration":    map[string]any{"secretKey": d.Secret},
		"conversionPoints": []any{},
		"dataSources": []any{map[string]any{
			"id": "default", "type": sourceFolder, "defaultDataSource": true, "deleteTemporaryImportFiles": false,
			"folderConnectionInformation": map[string]any{"prefix": d.Prefix},
		}},
	}, true)
	if fault.Is(err, fault.Conflict) { // another instance was faster
		_, err = m.tenantDoc(ctx, injection.DefaultTenant)
	}
	if err != nil {
		return fmt.Errorf("making the default tenant: %w", err)
	}
	return nil
}
