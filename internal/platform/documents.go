package platform

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/platform/api"
	"inlay.example/inlay/internal/store"
)

// Kinds of documents.
const (
	kindTemplate = "platform-template"
	kindAudience = "platform-audience"
	kindCampaign = "platform-campaign"
)

// record is a document's body.
type record[T any] struct {
	Value T `json:"value"`
	// Key tells which idempotency key made it; empty when none did.
	Key string `json:"key,omitempty"`
	// Upload is the digest of the body that it was made of, where that is too large to be a part
	// of what the key was reserved for.
	Upload string `json:"upload,omitempty"`

	rev uint64
}

// etag is the entity tag of a record: its revision. rfc9110 §8.8.3: a strong one.
func (r record[T]) etag() string { return `"` + strconv.FormatUint(r.rev, 10) + `"` }

// load reads a record. what names it in the fault of its absence.
func load[T any](ctx context.Context, p *Platform, kind, what, id string) (record[T], error) {
	doc, err := p.documents.Get(ctx, kind, id)
	if fault.Is(err, fault.NotFound) {
		return record[T]{}, fault.New(fault.NotFound, "there is no %s %q", what, id)
	}
	if err != nil {
		return record[T]{}, fmt.Errorf("reading %s %s: %w", what, id, err)
	}
	return parse[T](doc)
}

func parse[T any](doc store.Doc) (record[T], error) {
	r := record[T]{rev: doc.Rev}
	if err := json.Unmarshal(doc.Body, &r); err != nil {
		return r, fault.Wrap(fault.Internal, err, "the document %s %s is damaged", doc.Kind, doc.ID)
	}
	return r, nil
}

// save writes a record over the revision that it was read at, or anew (revision 0).
func save[T any](ctx context.Context, p *Platform, kind, id string, r *record[T]) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing %s %s: %w", kind, id, err)
	}
	rev, err := p.documents.Put(ctx, kind, id, r.rev, body)
	if err != nil {
		return fmt.Errorf("writing %s %s: %w", kind, id, err)
	}
	r.rev = rev
	return nil
}

// maxAttempts bounds how often a change meets another writer of the same document.
const maxAttempts = 16

// errUnchanged ends a change that has nothing to write.
var errUnchanged = errors.New("unchanged")

// change reads a record, lets f change it, and writes it, again from the reading when
// somebody else was faster. ifMatch is the request's If-Match.
func change[T any](ctx context.Context, p *Platform, kind, what, id, ifMatch string, f func(*record[T]) error) (record[T], error) {
	for range maxAttempts {
		r, err := load[T](ctx, p, kind, what, id)
		if err != nil {
			return r, err
		}
		if err := precondition(ifMatch, r.etag()); err != nil {
			return r, err
		}
		switch err := f(&r); {
		case errors.Is(err, errUnchanged):
			return r, nil
		case err != nil:
			return r, err
		}
		err = save(ctx, p, kind, id, &r)
		if !fault.Is(err, fault.Conflict) {
			return r, err
		}
	}
	return record[T]{}, fault.New(fault.Unavailable, "the %s is being changed by others", what)
}

// errPrecondition marks the fault that HTTP has a status of its own for.
var errPrecondition = errors.New("precondition failed")

// precondition checks If-Match. rfc9110 §13.1.1: a list of tags, or "*"; compared strongly.
func precondition(ifMatch, etag string) error {
	if ifMatch == "" {
		return nil
	}
	for tag := range strings.SplitSeq(ifMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == etag {
			return nil
		}
	}
	return fault.Wrap(fault.Conflict, errPrecondition, "it was changed since: its ETag is %s now", etag)
}

// remembered is for how long an idempotency key is.
const remembered = 72 * time.Hour

// maxKey is the greatest length of an idempotency key in octets.
const maxKey = 255

// reservation is what an idempotency key stands for.
type reservation struct {
	Request string `json:"request"` // digest of what was asked
	ID      string `json:"id"`      // of what it makes
}

// reserve decides the id of what a creation makes. With an idempotency key it is the one that
// the first request with it was given, so that a repetition finds what the first one made,
// also after a crash between the two. mark is what the record notes as its maker.
func (p *Platform) reserve(ctx context.Context, kind, key, wanted, name string, request any) (id, mark string, err error) {
	id = wanted
	if id == "" {
		id = makeID(name)
	}
	if key == "" {
		return id, "", nil
	}
	if len(key) > maxKey {
		return "", "", fault.New(fault.Invalid, "%s: must have at most %d octets", api.HeaderIdempotencyKey, maxKey)
	}
	asked, err := json.Marshal(request)
	if err != nil {
		return "", "", fmt.Errorf("reading a request: %w", err)
	}
	body, err := json.Marshal(reservation{Request: digest(asked), ID: id})
	if err != nil {
		return "", "", fmt.Errorf("writing a reservation: %w", err)
	}
	mark = digest([]byte(key))
	kept, _, err := p.documents.Once(ctx, kind+":"+mark, body, p.now(), remembered)
	if err != nil {
		return "", "", fmt.Errorf("remembering an idempotency key: %w", err)
	}
	var r reservation
	if err := json.Unmarshal(kept, &r); err != nil {
		return "", "", fault.Wrap(fault.Internal, err, "what was kept under an idempotency key is damaged")
	}
	if r.Request != digest(asked) {
		return "", "", fault.New(fault.Conflict, "this %s was used for another request", api.HeaderIdempotencyKey)
	}
	return r.ID, mark, nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// create writes a new record. When the same idempotency key has made it before, it is returned
// as it is now.
func create[T any](ctx context.Context, p *Platform, kind, what, id string, r record[T]) (record[T], error) {
	err := save(ctx, p, kind, id, &r)
	if !fault.Is(err, fault.Conflict) {
		return r, err
	}
	old, err := load[T](ctx, p, kind, what, id)
	if err != nil {
		return old, err
	}
	if r.Key == "" || old.Key != r.Key {
		return old, fault.New(fault.Conflict, "there is a %s %q already", what, id)
	}
	return old, nil
}

// makeID makes an id of a name, for people to recognise, and a random end.
func makeID(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		switch {
		case b.Len() >= campaign.MaxID-9:
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	slug := strings.Trim(b.String(), "-")
	if slug != "" {
		slug += "-"
	}
	return slug + strings.ToLower(rand.Text()[:8])
}

// Limits of pages.
const defaultPage = 100

// list reads a page of records.
func list[T any](ctx context.Context, p *Platform, kind, cursor string, limit int, each func(record[T]) error) (next string, err error) {
	after, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || cursor != "" && !campaign.ValidID(string(after)) {
		return "", fault.Fields{{Field: "query.cursor", Detail: "must be one that a page before has given"}}
	}
	if limit == 0 {
		limit = defaultPage
	}
	docs, err := p.documents.List(ctx, kind, string(after), limit)
	if err != nil {
		return "", fmt.Errorf("listing %s: %w", kind, err)
	}
	for _, doc := range docs {
		r, err := parse[T](doc)
		if err != nil {
			return "", err
		}
		if err := each(r); err != nil {
			return "", err
		}
	}
	if len(docs) == limit {
		next = base64.RawURLEncoding.EncodeToString([]byte(docs[limit-1].ID))
	}
	return next, nil
}
