package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/store"
)

// bring brings a bundle in: every step may have been done already by an earlier run.
func (i *Importer) bring(ctx context.Context, r *record, p *progress) error {
	phase := func(next Phase) {
		r.Phase = next
		p.set(func(p *progress) { p.phase, p.waiting = next, "" })
	}
	resumed := r.Phase
	phase(ReadManifest)
	m, err := i.manifest(ctx, r)
	if err != nil {
		return err
	}
	r.Campaign, r.Version = m.Campaign, m.Version
	r.Rows.Total, r.Done.Total = m.Rows(), m.Rows()
	p.set(func(p *progress) { p.rows.Total = m.Rows() })
	settled, err := i.admit(ctx, r, m, resumed == Publish)
	if err != nil || settled {
		return err
	}
	phase(ReadTemplate)
	template, digest, err := i.template(ctx, r, m)
	if err != nil {
		return err
	}
	if resumed != ReadRecipients && resumed != Publish {
		// An import of this version may have failed before. The next phase is not noted before
		// all of its rows are gone: whoever finds it noted writes on.
		if err := i.dropRows(ctx, r, m.Version); err != nil {
			return err
		}
	}
	phase(ReadRecipients)
	in := &intake{Importer: i, r: r, p: p, m: m}
	for _, v := range template.Variables() {
		if v.Required {
			in.required = append(in.required, v)
		}
	}
	if err := i.save(ctx, r); err != nil {
		return err
	}
	if err := in.all(ctx); err != nil {
		return err
	}
	phase(Publish)
	r.File = ""
	if err := i.publish(ctx, r, m, digest); err != nil {
		return err
	}
	p.set(func(p *progress) {
		if s := i.now().Sub(p.since).Seconds(); s > 0 {
			r.RowsPerSecond = float64(p.rows.Read-p.from) / s
		}
	})
	return i.complete(ctx, r)
}

// complete ends a job whose bundle is visible.
func (i *Importer) complete(ctx context.Context, r *record) error {
	r.State, r.Phase, r.FinishedAt = Complete, "", i.now()
	if err := i.save(ctx, r); err != nil {
		return err
	}
	i.metrics.ended(r.Status)
	i.log.Info("import complete", "job", r.ID, "campaign", string(r.Campaign), "version", uint32(r.Version),
		"rows", r.Rows.Read, "rejected", r.Rows.Rejected, "seconds", r.FinishedAt.Sub(r.StartedAt).Seconds())
	return nil
}

// manifest reads the manifest. Once read it must not change.
func (i *Importer) manifest(ctx context.Context, r *record) (*bundle.Manifest, error) {
	body, err := i.readAll(ctx, r, bundle.MaxManifest)
	if err != nil {
		return nil, err
	}
	m, err := bundle.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	if err := bundle.CheckKey(r.Manifest, &m); err != nil {
		return nil, err
	}
	digest := sha256.Sum256(body)
	sum := hex.EncodeToString(digest[:])
	if r.Sum != "" && r.Sum != sum {
		return nil, fault.New(fault.Invalid, "the manifest was changed while it was imported: a correction is a new version")
	}
	r.Sum = sum
	return &m, nil
}

func (i *Importer) readAll(ctx context.Context, r *record, limit int64) ([]byte, error) {
	o, _, err := i.objects.Get(ctx, r.Manifest, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the manifest: %w", err)
	}
	src := &source{ctx: ctx, name: string(r.Manifest), r: o, sum: sha256.New()}
	defer src.close()
	body, err := io.ReadAll(io.LimitReader(src, limit+1)) // Parse judges the size
	if err != nil {
		return nil, err
	}
	return body, nil
}

// template reads, checks, compiles and keeps the template.
func (i *Importer) template(ctx context.Context, r *record, m *bundle.Manifest) (*message.Template, string, error) {
	src, err := i.open(ctx, r.Manifest, m.Template)
	if err != nil {
		return nil, "", err
	}
	defer src.close()
	body, err := io.ReadAll(io.LimitReader(src, m.Template.Size))
	if err == nil {
		err = src.verify(m.Template)
	}
	if err != nil {
		return nil, "", err
	}
	t, err := message.Compile(body)
	if err != nil {
		return nil, "", fmt.Errorf("compiling %s: %w", m.Template.Name, err)
	}
	digest := message.Digest(body)
	if err := i.keyspace.PutTemplate(ctx, digest, body); err != nil {
		return nil, "", fmt.Errorf("keeping the template: %w", err)
	}
	return t, digest, nil
}

// campaign reads a campaign's document; one that is not there has rev 0.
func (i *Importer) campaign(ctx context.Context, id campaign.ID) (active campaign.Active, rev uint64, err error) {
	doc, err := i.keyspace.Get(ctx, kindCampaign, string(id))
	if fault.Is(err, fault.NotFound) {
		return campaign.Active{}, 0, nil
	}
	if err != nil {
		return active, 0, fmt.Errorf("reading campaign %s: %w", id, err)
	}
	if err := json.Unmarshal(doc.Body, &active); err != nil {
		return active, 0, fault.Wrap(fault.Internal, err, "the document of campaign %s is damaged", id)
	}
	return active, doc.Rev, nil
}

// dropRows removes all rows of a version. Unlike writing, that does harm when somebody else has
// taken the job over meanwhile and made the version count: so the job is asked for first.
func (i *Importer) dropRows(ctx context.Context, r *record, v campaign.Version) error {
	var saved time.Time
	for {
		if now := i.now(); now.Sub(saved) >= checkpoint {
			saved = now
			if err := i.save(ctx, r); err != nil {
				return err
			}
		}
		n, err := i.keyspace.DropAssignments(ctx, r.Campaign, v, store.MaxBatch)
		if err != nil {
			return fmt.Errorf("removing rows of version %d of campaign %s: %w", v, r.Campaign, err)
		}
		if n == 0 {
			return nil
		}
	}
}

// errChanged tells that a document was changed by others between reading and writing it.
var errChanged = errors.New("changed by others")
