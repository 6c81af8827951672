package platform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/platform/api"
	"inlay.example/inlay/internal/store"
)

const mediaCSV = "text/csv"

// idleTimeout is for how long an upload may stand still. It may take as long as it moves.
const idleTimeout = time.Minute

// drainLimit is how much of a refused upload is still read, so that its sender hears why.
const drainLimit = 16 << 20

type createAudienceInput struct {
	Key         string      `header:"Idempotency-Key" maxLength:"255" doc:"Repeating the request with the same key answers with what the first one made."`
	ContentType string      `header:"Content-Type" hidden:"true"` // by OpenAPI described with the body
	Name        string      `query:"name" required:"true" minLength:"1" maxLength:"256"`
	OnError     api.OnError `query:"onError" enum:"fail,skip" default:"fail" doc:"What wrong rows do: nothing is stored, or they are left out and reported."`

	body io.Reader
}

// Resolve takes the body as a stream: the framework would read it into memory.
func (in *createAudienceInput) Resolve(ctx huma.Context) []error {
	r, w := humago.Unwrap(ctx)
	control := http.NewResponseController(w)
	// The limits that a server has for ordinary requests would cut large uploads off. A
	// connection without deadlines is as good.
	_ = control.SetWriteDeadline(time.Time{})
	in.body = &upload{r: r.Body, until: func(t time.Time) { _ = control.SetReadDeadline(t) }}
	return nil
}

// upload is a body that may take its time but not stand still.
type upload struct {
	r     io.Reader
	until func(time.Time)
}

func (u *upload) Read(b []byte) (int, error) {
	u.until(time.Now().Add(idleTimeout))
	n, err := u.r.Read(b)
	if err != nil {
		u.until(time.Time{}) // what comes now takes as long as it takes
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fault.Wrap(fault.Invalid, err, "the upload broke off")
	}
	return n, err
}

type audienceInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (p *Platform) audienceRoutes(a huma.API) {
	tags := []string{"audiences"}
	register(p, a, huma.Operation{
		OperationID: "create-audience", Method: http.MethodPost, Path: "/audiences", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Store an audience",
		Description: "CSV (RFC 4180) in UTF-8 of any size, read as a stream. The first line names the columns; the first is user or email, " +
			"the others are the template's variables. Wrong rows are answered with their line numbers, up to 100.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			mediaCSV: {Schema: &huma.Schema{Type: huma.TypeString}, Example: "user,first_name\nanna@example.org,Anna\n"},
		}},
		Errors: []int{http.StatusConflict, http.StatusUnsupportedMediaType},
	}, p.createAudience)
	register(p, a, huma.Operation{
		OperationID: "list-audiences", Method: http.MethodGet, Path: "/audiences", Tags: tags, Summary: "List audiences",
	}, p.listAudiences)
	register(p, a, huma.Operation{
		OperationID: "get-audience", Method: http.MethodGet, Path: "/audiences/{id}", Tags: tags, Summary: "Read about an audience",
		Errors: []int{http.StatusNotFound},
	}, p.getAudience)
	register(p, a, huma.Operation{
		OperationID: "delete-audience", Method: http.MethodDelete, Path: "/audiences/{id}", Tags: tags, Summary: "Delete an audience",
		Description:   "Its rows are removed. While a campaign that is not prepared yet needs it, this is 409. What was imported stays with the campaign.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, p.deleteAudience)
}

func audienceKey(id string) object.Key { return object.Key("audiences/" + id + ".csv") }

func (p *Platform) createAudience(ctx context.Context, in *createAudienceInput) (*made[api.Audience], error) {
	media, params, err := mime.ParseMediaType(in.ContentType)
	if charset := params["charset"]; err != nil || media != mediaCSV || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, fault.Wrap(fault.Unsupported, errMedia, "the body must be text/csv in UTF-8, not %q", in.ContentType)
	}
	var f fault.Fields
	if checkName(&f, "query.name", in.Name); f != nil {
		return nil, f
	}
	id, mark, err := p.reserve(ctx, kindAudience, in.Key, "", in.Name, []string{in.Name, string(in.OnError)})
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	in.body = io.TeeReader(in.body, sum)
	if mark != "" {
		old, err := p.audience(ctx, id)
		if err == nil {
			return repeatedAudience(in.body, sum, old)
		}
		if !fault.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	a := api.Audience{ID: id, Name: in.Name, Created: p.now()}
	if err := p.putAudience(ctx, in, &a); err != nil {
		var wrong *rowsError
		if errors.As(err, &wrong) {
			_, _ = io.CopyN(io.Discard, in.body, drainLimit) // it is refused either way
		}
		return nil, err
	}
	upload := hex.EncodeToString(sum.Sum(nil))
	r, err := create(ctx, p, kindAudience, "audience", id, record[api.Audience]{Value: a, Key: mark, Upload: upload})
	if err != nil {
		return nil, err
	}
	return madeAudience(r, upload)
}

// repeatedAudience answers an upload whose key has made an audience already.
func repeatedAudience(body io.Reader, sum hash.Hash, old record[api.Audience]) (*made[api.Audience], error) {
	if _, err := io.Copy(io.Discard, body); err != nil {
		return nil, err
	}
	return madeAudience(old, hex.EncodeToString(sum.Sum(nil)))
}

// madeAudience answers with the audience that was made of an upload, now or under the same key
// before. Another list must not seem to have been stored.
func madeAudience(r record[api.Audience], upload string) (*made[api.Audience], error) {
	if r.Upload != upload {
		return nil, fault.New(fault.Conflict, "this %s was used for another upload", api.HeaderIdempotencyKey)
	}
	return &made[api.Audience]{ETag: r.etag(), Location: api.Base + "/audiences/" + r.Value.ID, Body: r.Value}, nil
}

// putAudience streams the rows into the object store; after an error nothing is there.
func (p *Platform) putAudience(ctx context.Context, in *createAudienceInput, a *api.Audience) error {
	r, w := io.Pipe()
	stored := make(chan error, 1)
	go func() {
		info, err := p.objects.Put(ctx, audienceKey(a.ID), r, -1)
		a.Size = info.Size // read after stored has told
		r.CloseWithError(err)
		stored <- err
	}()
	read := copyRows(w, in.body, in.OnError == api.OnErrorSkip, a)
	w.CloseWithError(read) // nil: the end
	if err := <-stored; err != nil && (read == nil || errors.Is(read, err)) {
		return fmt.Errorf("keeping an audience: %w", err)
	}
	return read
}

func (p *Platform) audience(ctx context.Context, id string) (record[api.Audience], error) {
	return load[api.Audience](ctx, p, kindAudience, "audience", id)
}

func (p *Platform) listAudiences(ctx context.Context, in *Paging) (*listed[api.Audience], error) {
	out := &listed[api.Audience]{Body: api.Page[api.Audience]{Items: []api.Audience{}}}
	next, err := list(ctx, p, kindAudience, in.Cursor, in.Limit, func(r record[api.Audience]) error {
		out.Body.Items = append(out.Body.Items, r.Value)
		return nil
	})
	out.Body.Next = next
	return out, err
}

func (p *Platform) getAudience(ctx context.Context, in *audienceInput) (*one[api.Audience], error) {
	r, err := p.audience(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &one[api.Audience]{ETag: r.etag(), Body: r.Value}, nil
}

// deleteAudience removes the rows first: interrupted between the two, it can be repeated, and no
// list of people is left that nobody knows of.
func (p *Platform) deleteAudience(ctx context.Context, in *audienceInput) (*struct{}, error) {
	r, err := p.audience(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := p.needsAudience(ctx, in.ID); err != nil {
		return nil, err
	}
	if err := p.objects.Delete(ctx, audienceKey(in.ID)); err != nil {
		return nil, fmt.Errorf("removing the rows of audience %s: %w", in.ID, err)
	}
	return nil, p.documents.Delete(ctx, kindAudience, in.ID, r.rev)
}

// needsAudience is Conflict when a campaign has yet to be prepared from the audience.
func (p *Platform) needsAudience(ctx context.Context, id string) error {
	for cursor := ""; ; {
		next, err := list(ctx, p, kindCampaign, cursor, store.MaxPage, func(r record[campaign.Campaign]) error {
			switch c := r.Value; {
			case c.Audience != id:
			case c.State == campaign.Draft, c.State == campaign.Scheduled, c.State == campaign.Preparing:
				return fault.New(fault.Conflict, "the campaign %q is %s and needs the audience", c.ID, c.State)
			}
			return nil
		})
		if err != nil || next == "" {
			return err
		}
		cursor = next
	}
}

// rows reads a stored audience again. What cannot be read is an error: it was checked before
// it was stored.
func (p *Platform) rows(ctx context.Context, id string) iter.Seq2[bundle.Row, error] {
	return func(yield func(bundle.Row, error) bool) {
		stored, _, err := p.objects.Get(ctx, audienceKey(id), 0)
		if err != nil {
			yield(bundle.Row{}, notMissing(err, "an audience"))
			return
		}
		defer stored.Close()
		r, err := newAudienceReader(stored)
		if err != nil {
			yield(bundle.Row{}, fault.Wrap(fault.Invalid, err, "the stored audience %s is damaged", id))
			return
		}
		defer r.Close()
		for {
			row, err := r.next()
			if errors.Is(err, io.EOF) {
				return
			}
			var bad *bundle.RowError
			if errors.As(err, &bad) {
				err = fault.Wrap(fault.Invalid, err, "the stored audience %s is damaged", id)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}
