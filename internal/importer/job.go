package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/store"
)

// State is where a job is.
type State string

// The states.
const (
	Accepted State = "accepted" // waiting for its turn
	Running  State = "running"
	Complete State = "complete" // the bundle is visible
	Failed   State = "failed"   // nothing of the bundle is visible; Problem says why
)

// Phase is what a running job does.
type Phase string

// The phases, in their order.
const (
	ReadManifest   Phase = "manifest"
	ReadTemplate   Phase = "template"
	ReadRecipients Phase = "recipients"
	Publish        Phase = "publish"
)

// Status is a job as it is shown.
type Status struct {
	ID       string           `json:"id"`
	State    State            `json:"state"`
	Phase    Phase            `json:"phase,omitempty"` // while it runs, and where it failed
	Manifest object.Key       `json:"manifest"`
	Campaign campaign.ID      `json:"campaign,omitempty"` // from here on known when the manifest was read
	Version  campaign.Version `json:"version,omitempty"`
	Rows     Rows             `json:"rows"`
	File     string           `json:"file,omitempty"` // the one that is being read

	RowsPerSecond float64 `json:"rowsPerSecond,omitempty"` // of this run; while it runs
	ETASeconds    int64   `json:"etaSeconds,omitempty"`    // for the rows that are left, at that rate

	// Rejected are the first rejected rows; ErrorFiles, beside the manifest, list all.
	Rejected   []RejectedRow `json:"rejected,omitempty"`
	ErrorFiles []object.Key  `json:"errorFiles,omitempty"`

	Unchanged bool   `json:"unchanged,omitempty"` // complete without effect: this very bundle counted already
	Problem   string `json:"problem,omitempty"`   // why it failed
	Waiting   string `json:"waiting,omitempty"`   // what keeps it from going on; it will be tried again

	AcceptedAt time.Time `json:"acceptedAt"`
	StartedAt  time.Time `json:"startedAt,omitzero"`
	FinishedAt time.Time `json:"finishedAt,omitzero"`
}

// Rows counts the rows of a bundle.
type Rows struct {
	Total    int64 `json:"total"` // as the manifest says
	Read     int64 `json:"read"`  // accepted and rejected
	Rejected int64 `json:"rejected"`
}

// RejectedRow says why a row was not taken.
type RejectedRow struct {
	File   string `json:"file"`
	Line   int64  `json:"line"` // in the uncompressed file, from 1
	Reason string `json:"reason"`
}

// MaxShown is how many rejected rows a job shows; the others are in its error files.
const MaxShown = 20

const (
	kindJob      = "import"
	kindBundle   = "bundle"
	kindCampaign = "campaign"
)

// record is a job as it is kept.
type record struct {
	Status
	Digest string `json:"digest"` // of the push that asked for it
	Sum    string `json:"sum"`    // of the manifest, once it was read

	Owner string    `json:"owner,omitempty"` // the instance that works on it
	Lease time.Time `json:"lease,omitzero"`  // until then, if the owner says nothing more

	// Files are read to their end and their rows durable; Done counts what was in them, Line is
	// how many lines they had. Of the next file the rows up to Written are durable.
	Files   int   `json:"files"`
	Done    Rows  `json:"done"`
	Line    int64 `json:"line"`
	Written int64 `json:"written"`

	// Drop is a version whose rows are to be removed when the job has ended; it is not settled before.
	Drop campaign.Version `json:"drop,omitempty"`

	rev uint64
}

func (r *record) finished() bool { return r.State == Complete || r.State == Failed }

// settled means that there is nothing left to do.
func (r *record) settled() bool { return r.finished() && r.Drop == 0 }

// jobID derives a job's id from its push, so that a push that is repeated finds its job.
func jobID(pushID string) string {
	sum := sha256.Sum256([]byte(pushID))
	return "import-" + hex.EncodeToString(sum[:16])
}

func readRecord(doc store.Doc) (*record, error) {
	r := &record{rev: doc.Rev}
	if err := json.Unmarshal(doc.Body, r); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the document of job %s is damaged", doc.ID)
	}
	return r, nil
}

// errLost tells that somebody else has changed the job: it is theirs now.
var errLost = fault.New(fault.Conflict, "the job is worked on by another instance")

// save makes the record durable. The lease is renewed on the way.
func (i *Importer) save(ctx context.Context, r *record) error {
	r.Owner, r.Lease = i.owner, i.now().Add(lease)
	if r.settled() {
		r.Owner, r.Lease = "", time.Time{}
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing job %s: %w", r.ID, err)
	}
	rev, err := i.keyspace.Put(ctx, kindJob, r.ID, r.rev, body)
	if fault.Is(err, fault.Conflict) {
		return errLost
	}
	if err != nil {
		return fmt.Errorf("writing job %s: %w", r.ID, err)
	}
	r.rev = rev
	return nil
}
