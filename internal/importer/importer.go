package importer

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/store"
)

// Config of an importer.
type Config struct {
	// ErrorRatio is the share of a bundle's rows, 0 to 1, beyond which rejected ones stop its import.
	ErrorRatio float64

	Poll     time.Duration // how often jobs of other instances are looked for; 0: 2 s
	Retry    time.Duration // pause after a failure of store or objects, growing to 32 times; 0: 1 s
	RetryFor time.Duration // how long a job is tried again without any success; 0: 1 h

	BlockRows int // how many rows are held, sorted and written together at most; 0: 16,384
}

// Deps of an importer.
type Deps struct {
	// Keyspace is the tenant's. Documents of the kinds "import" and "bundle" are the importer's
	// own, those of kind "campaign" are shared with whoever commands campaigns.
	Keyspace store.Keyspace
	Objects  object.Store // of the data source
	// NormaliseUser gives the form in which names of people are kept in the keyspace.
	NormaliseUser func(string) (string, error)

	Log     *slog.Logger     // nil: nothing is logged
	Metrics *Metrics         // nil: nothing is counted
	Now     func() time.Time // nil: time.Now
}

// Importer imports the bundles of one data source. It is safe for concurrent use, also by
// several instances on one store.
type Importer struct {
	cfg       Config
	keyspace  store.Keyspace
	objects   object.Store
	normalise func(string) (string, error)
	log       *slog.Logger
	metrics   *Metrics
	clock     func() time.Time
	owner     string
	bell      chan struct{} // holds one ring until Run hears it
	idle      uint64        // the epoch at which all jobs were settled; of Run alone

	mu   sync.Mutex
	live map[string]*progress // of jobs that this instance works on, or has tried to
}

// Job is a job as it is shown: Body is a Status as JSON.
type Job struct {
	ID   string
	Body json.RawMessage
}

// New returns an importer; it works on jobs while Run runs, which is called once at a time.
func New(cfg Config, deps Deps) (*Importer, error) {
	if cfg.ErrorRatio < 0 || cfg.ErrorRatio > 1 {
		return nil, fault.New(fault.Invalid, "import error ratio: must be 0 to 1")
	}
	if deps.Keyspace == nil || deps.Objects == nil || deps.NormaliseUser == nil {
		return nil, fault.New(fault.Internal, "an importer needs a keyspace, objects and a form of user names")
	}
	setDefault(&cfg.Poll, 2*time.Second)
	setDefault(&cfg.Retry, time.Second)
	setDefault(&cfg.RetryFor, time.Hour)
	setDefault(&cfg.BlockRows, blockRows)
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	return &Importer{
		cfg: cfg, keyspace: deps.Keyspace, objects: deps.Objects, normalise: deps.NormaliseUser,
		log: deps.Log, metrics: deps.Metrics, clock: deps.Now, owner: rand.Text(), bell: make(chan struct{}, 1), live: map[string]*progress{},
	}, nil
}

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

func (i *Importer) now() time.Time { return i.clock().UTC().Truncate(time.Millisecond) }

// Start accepts a push and returns its job, which Run will work on. The same id with the same
// digest returns the first job as it is now; with another digest it is Conflict.
func (i *Importer) Start(ctx context.Context, pushID, digest string, manifest object.Key) (Job, error) {
	if pushID == "" || digest == "" {
		return Job{}, fault.New(fault.Invalid, "a push has an id and a digest")
	}
	if err := manifest.Validate(); err != nil {
		return Job{}, err
	}
	r := &record{
		Status: Status{ID: jobID(pushID), State: Accepted, Manifest: manifest, AcceptedAt: i.now()},
		Digest: digest,
	}
	body, err := json.Marshal(r)
	if err != nil {
		return Job{}, fmt.Errorf("writing job %s: %w", r.ID, err)
	}
	_, err = i.keyspace.Put(ctx, kindJob, r.ID, 0, body)
	if fault.Is(err, fault.Conflict) {
		if r, err = i.record(ctx, r.ID); err != nil {
			return Job{}, err
		}
		if r.Digest != digest {
			return Job{}, fault.New(fault.Conflict, "the id of this push was used for another one")
		}
		return i.job(r)
	}
	if err != nil {
		return Job{}, fmt.Errorf("writing job %s: %w", r.ID, err)
	}
	i.ring()
	return show(r.Status)
}

func (i *Importer) ring() {
	select {
	case i.bell <- struct{}{}:
	default: // it rings already
	}
}

// Job returns a job as it is now, or NotFound.
func (i *Importer) Job(ctx context.Context, id string) (Job, error) {
	r, err := i.record(ctx, id)
	if err != nil {
		return Job{}, err
	}
	return i.job(r)
}

func (i *Importer) record(ctx context.Context, id string) (*record, error) {
	doc, err := i.keyspace.Get(ctx, kindJob, id)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "there is no import %q", id)
	}
	if err != nil {
		return nil, fmt.Errorf("reading job %s: %w", id, err)
	}
	return readRecord(doc)
}

func (i *Importer) job(r *record) (Job, error) {
	s := r.Status
	i.mu.Lock()
	p := i.live[r.ID]
	i.mu.Unlock()
	if p != nil && !r.finished() {
		p.show(&s, i.clock())
	}
	return show(s)
}

func show(s Status) (Job, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return Job{}, fmt.Errorf("showing job %s: %w", s.ID, err)
	}
	return Job{ID: s.ID, Body: body}, nil
}
