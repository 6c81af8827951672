package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
)

// maxAttempts bounds how often a campaign is found changed by others.
const maxAttempts = 16

// counting is the bundle whose rows count, as kept beside the campaign.
type counting struct {
	Version  campaign.Version `json:"version"`
	Sum      string           `json:"sum"`      // of its manifest
	Replaces campaign.Version `json:"replaces"` // the version that counted before
	Job      string           `json:"job"`
}

// admit decides whether a version may be imported. settled means that the job was ended here,
// because the bundle counts already. A campaign that is not known is made without a version, so
// that commands for it are obeyed while its first import runs.
func (i *Importer) admit(ctx context.Context, r *record, m *bundle.Manifest, published bool) (settled bool, err error) {
	active, rev, err := i.campaign(ctx, m.Campaign)
	if err != nil {
		return false, err
	}
	if rev == 0 {
		active := describe(campaign.Active{State: campaign.Running}, m)
		if err := i.putCampaign(ctx, active, 0); err != nil && !errors.Is(err, errChanged) {
			return false, err
		}
		return false, nil
	}
	if active.Version == m.Version {
		kept, _, err := i.counting(ctx, m.Campaign)
		if err != nil {
			return false, err
		}
		if kept.Version != m.Version || kept.Sum != r.Sum {
			return false, fault.New(fault.Conflict, "version %d of campaign %s was imported from another manifest: a correction is a new version", m.Version, m.Campaign)
		}
		if published && kept.Job == r.ID { // and then it was interrupted
			r.Drop = kept.Replaces
			return true, i.complete(ctx, r)
		}
		r.Unchanged = true
		return true, i.complete(ctx, r)
	}
	return false, mayReplace(active, m)
}

// mayReplace says why a campaign cannot have this version, as Conflict.
func mayReplace(active campaign.Active, m *bundle.Manifest) error {
	switch {
	case active.State == campaign.Cancelled:
		return fault.New(fault.Conflict, "campaign %s was recalled, and a new version does not bring it back", m.Campaign)
	case active.Version >= m.Version:
		return fault.New(fault.Conflict, "campaign %s has version %d already, which is not older than %d", m.Campaign, active.Version, m.Version)
	}
	return nil
}

// describe puts into a campaign what its manifest says; state, revision, version and template stay.
func describe(c campaign.Active, m *bundle.Manifest) campaign.Active {
	c.ID, c.Name, c.Class, c.Mailbox = m.Campaign, m.Name, m.Class, m.Mailbox
	c.Start, c.End, c.Priority = m.Start, m.End, m.Priority
	c.Position, c.Reinject = m.Position, m.Reinject
	return c
}

func (i *Importer) putCampaign(ctx context.Context, c campaign.Active, rev uint64) error {
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("writing campaign %s: %w", c.ID, err)
	}
	_, err = i.keyspace.Put(ctx, kindCampaign, string(c.ID), rev, body)
	if fault.Is(err, fault.Conflict) {
		return errChanged
	}
	if err != nil {
		return fmt.Errorf("writing campaign %s: %w", c.ID, err)
	}
	return nil
}

func (i *Importer) counting(ctx context.Context, id campaign.ID) (c counting, rev uint64, err error) {
	doc, err := i.keyspace.Get(ctx, kindBundle, string(id))
	if fault.Is(err, fault.NotFound) {
		return counting{}, 0, nil
	}
	if err != nil {
		return c, 0, fmt.Errorf("reading the bundle of campaign %s: %w", id, err)
	}
	if err := json.Unmarshal(doc.Body, &c); err != nil {
		return c, 0, fault.Wrap(fault.Internal, err, "the document of the bundle of campaign %s is damaged", id)
	}
	return c, doc.Rev, nil
}

// publish makes the version the one that counts, and notes which one it replaces.
func (i *Importer) publish(ctx context.Context, r *record, m *bundle.Manifest, digest string) error {
	// From here on a run that finds the version published knows that this job did it.
	if err := i.save(ctx, r); err != nil {
		return err
	}
	for range maxAttempts {
		switch err := i.tryPublish(ctx, r, m, digest); {
		case err == nil:
			return nil
		case !errors.Is(err, errChanged):
			return err
		}
	}
	return fault.New(fault.Unavailable, "campaign %s is being changed by others", m.Campaign)
}

func (i *Importer) tryPublish(ctx context.Context, r *record, m *bundle.Manifest, digest string) error {
	active, rev, err := i.campaign(ctx, m.Campaign)
	if err != nil {
		return err
	}
	if rev == 0 { // removed meanwhile
		active.State = campaign.Running
	}
	noted, kept, err := i.counting(ctx, m.Campaign)
	if err != nil {
		return err
	}
	if active.Version == m.Version && noted.Version == m.Version && noted.Job == r.ID {
		// Another instance has taken this very job over, and was faster.
		r.Drop = noted.Replaces
		return nil
	}
	if err := mayReplace(active, m); err != nil {
		return err
	}
	// What will count is noted first: when the campaign's document says the version, the sum is known.
	body, err := json.Marshal(counting{Version: m.Version, Sum: r.Sum, Replaces: active.Version, Job: r.ID})
	if err != nil {
		return fmt.Errorf("writing the bundle of campaign %s: %w", m.Campaign, err)
	}
	_, err = i.keyspace.Put(ctx, kindBundle, string(m.Campaign), kept, body)
	if fault.Is(err, fault.Conflict) {
		return errChanged
	}
	if err != nil {
		return fmt.Errorf("writing the bundle of campaign %s: %w", m.Campaign, err)
	}
	r.Drop = active.Version
	active = describe(active, m)
	active.Version, active.Template = m.Version, digest
	return i.putCampaign(ctx, active, rev)
}
