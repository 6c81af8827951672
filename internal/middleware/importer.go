package middleware

import (
	"context"
	"encoding/json"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/store"
)

// Importer imports the bundles of one data source of one tenant. It is safe for concurrent use.
type Importer interface {
	// Start accepts a push and returns its job. The same id with the same digest returns the
	// first job, with another digest Conflict.
	Start(ctx context.Context, pushID, bodyDigest string, manifest object.Key) (ImportJob, error)
	// Job returns a job as it is now, or NotFound.
	Job(ctx context.Context, id string) (ImportJob, error)
	// Run works on accepted jobs, also those that a crash interrupted, until ctx ends. A
	// failed job is in the job, not an error of Run.
	Run(ctx context.Context) error
}

// ImportJob is a job as it is shown: Body is its JSON, in the importer's own form.
type ImportJob struct {
	ID   string
	Body json.RawMessage
}

// ImportSource is what an importer is made for.
type ImportSource struct {
	Tenant     string
	DataSource string
	// Keyspace is the tenant's. Its documents are set apart for the data source (other than
	// those of kind "campaign"), so that the importers of two sources never take each other's jobs.
	Keyspace store.Keyspace
	Objects  object.Store // the data source's, keys as its bundles have them
	// NormaliseUser gives the form in which names of people are kept in this keyspace.
	NormaliseUser func(string) (string, error)
	ErrorRatio    float64 // of bad rows, beyond which an import stops
}

// importerKey names an opened importer. The secret is not a part of it: it signs, it does not import.
type importerKey struct{ tenant, keyspace, source, kind, prefix string }

// runningImporter is an importer whose Run ends with cancel.
type runningImporter struct {
	Importer
	cancel context.CancelFunc // nil until it runs; guarded by Middleware.mu
	done   chan struct{}
}

func (t *tenant) importerKey(s dataSource) importerKey {
	return importerKey{t.id, t.keyspace, s.ID, s.Type, s.Prefix}
}

// importer returns the importer of a data source, made when first needed.
func (m *Middleware) importer(t *tenant, s dataSource) (*runningImporter, error) {
	if m.newImporter == nil {
		return nil, fault.New(fault.Unsupported, "this instance imports nothing")
	}
	if s.Type != sourceFolder {
		return nil, fault.New(fault.Unsupported, "data source %q: bundles are not imported from a store of type %q by this version", s.ID, s.Type)
	}
	key := t.importerKey(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.importers[key]; r != nil {
		return r, nil
	}
	imp, err := m.newImporter(ImportSource{
		Tenant: t.id, DataSource: s.ID, Keyspace: sourceSpace{Keyspace: t.Keyspace, source: s.ID},
		Objects: object.Below(m.objects, object.Key(s.Prefix)), ErrorRatio: m.cfg.ImportErrorRatio,
		NormaliseUser: t.normaliseUser,
	})
	if err != nil {
		return nil, err
	}
	r := &runningImporter{Importer: imp}
	m.importers[key] = r
	m.ring()
	return r, nil
}

// sourceSpace keeps the documents of a data source's importer apart from those of others.
type sourceSpace struct {
	store.Keyspace
	source string
}

func (s sourceSpace) kind(kind string) string {
	if kind == kindCampaign {
		return kind
	}
	return kind + "@" + s.source
}

// Get implements store.Documents.
func (s sourceSpace) Get(ctx context.Context, kind, id string) (store.Doc, error) {
	doc, err := s.Keyspace.Get(ctx, s.kind(kind), id)
	doc.Kind = kind
	return doc, err
}

// List implements store.Documents.
func (s sourceSpace) List(ctx context.Context, kind, after string, limit int) ([]store.Doc, error) {
	docs, err := s.Keyspace.List(ctx, s.kind(kind), after, limit)
	for i := range docs {
		docs[i].Kind = kind
	}
	return docs, err
}

// Put implements store.Documents.
func (s sourceSpace) Put(ctx context.Context, kind, id string, rev uint64, body []byte) (uint64, error) {
	return s.Keyspace.Put(ctx, s.kind(kind), id, rev, body)
}

// Delete implements store.Documents.
func (s sourceSpace) Delete(ctx context.Context, kind, id string, rev uint64) error {
	return s.Keyspace.Delete(ctx, s.kind(kind), id, rev)
}

// source finds a data source of the tenant; an empty id is the default one.
func (t *tenant) source(id string) (dataSource, error) {
	for _, s := range t.sources {
		if s.ID == id || id == "" && s.Default {
			return s, nil
		}
	}
	return dataSource{}, fault.Fields{{Field: "dataSource", Detail: "the tenant has no such data source"}}
}
