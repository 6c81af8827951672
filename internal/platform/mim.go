package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/platform/api"
	"inlay.example/inlay/internal/webhook"
)

// maxAnswer is the greatest size of an answer of the middleware, in octets.
const maxAnswer = 1 << 20

// mim calls the middleware's API as any campaign tool does. Everything that keeps it from a
// valid answer is Unavailable; what the middleware refuses is a refusal.
type mim struct {
	cfg  Config
	http http.Client
	now  func() time.Time
}

// refusal is an answer of the middleware that is an error.
type refusal struct {
	Status int    `json:"-"`
	Detail string `json:"detail"`
	Kind   string `json:"kind"`
	Errors []struct {
		Field  string `json:"field"`
		Detail string `json:"detail"`
	} `json:"errors"`
}

// Error gives what the middleware has said.
func (r *refusal) Error() string {
	s := r.Detail
	if s == "" {
		s = http.StatusText(r.Status)
	}
	return fmt.Sprintf("the middleware has answered %d: %s", r.Status, s)
}

// kind classifies a refusal for whoever asked us.
func (r *refusal) kind() fault.Kind {
	switch r.Status {
	case http.StatusNotFound:
		return fault.NotFound
	case http.StatusConflict:
		return fault.Conflict
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return fault.Invalid
	case http.StatusNotImplemented:
		return fault.Unsupported
	}
	// Also what an operator has to put right: a wrong secret or token, another server.
	return fault.Unavailable
}

// job is an import as the middleware shows it; members that are of no use here are left out.
type job struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Rows  struct {
		Read     int64 `json:"read"` // also the rejected ones
		Rejected int64 `json:"rejected"`
	} `json:"rows"`
	Rejected []struct {
		File   string `json:"file"`
		Line   int64  `json:"line"`
		Reason string `json:"reason"`
	} `json:"rejected"`
	Problem string `json:"problem"`
	Waiting string `json:"waiting"`
}

// The states in which an import ends.
const (
	jobComplete = "complete"
	jobFailed   = "failed"
)

// push tells the middleware that a bundle is complete. The same id is the same push.
func (m *mim) push(ctx context.Context, id string, manifest object.Key) (job, error) {
	var j job
	err := m.signed(ctx, id, "imports", struct {
		Manifest   object.Key `json:"manifest"`
		DataSource string     `json:"dataSource,omitempty"`
	}{manifest, m.cfg.DataSource}, &j)
	if err == nil && j.ID == "" {
		err = notTheMiddleware(errors.New("a job without id"))
	}
	return j, err
}

// job reads an import.
func (m *mim) job(ctx context.Context, id string) (job, error) {
	var j job
	return j, m.get(ctx, "imports/"+url.PathEscape(id), &j)
}

// command sends a command and returns the campaign as the middleware has it then.
func (m *mim) command(ctx context.Context, id string, c campaign.ID, pending campaign.Pending) (campaign.Active, error) {
	var a campaign.Active
	return a, m.signed(ctx, id, "commands", struct {
		Campaign campaign.ID      `json:"campaign"`
		Command  campaign.Command `json:"command"`
		Revision uint64           `json:"revision"`
	}{c, pending.Command, pending.Revision}, &a)
}

// campaign reads a campaign as the middleware has it.
func (m *mim) campaign(ctx context.Context, id campaign.ID) (campaign.Active, error) {
	var a campaign.Active
	return a, m.get(ctx, "campaigns/"+url.PathEscape(string(id)), &a)
}

// statistics reads a campaign's figures.
func (m *mim) statistics(ctx context.Context, id campaign.ID) (api.Statistics, error) {
	var s api.Statistics
	return s, m.get(ctx, "campaigns/"+url.PathEscape(string(id))+"/statistics", &s)
}

// signed posts a message that is signed by the tenant's secret.
func (m *mim) signed(ctx context.Context, id, path string, v, out any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing a message to the middleware: %w", err)
	}
	header := webhook.Sign([]byte(m.cfg.Secret), id, m.now(), body)
	header.Set("Content-Type", "application/json")
	return m.do(ctx, http.MethodPost, path, header, body, out)
}

func (m *mim) get(ctx context.Context, path string, out any) error {
	return m.do(ctx, http.MethodGet, path, http.Header{"Authorization": {"Bearer " + m.cfg.MiddlewareToken}}, nil, out)
}

func (m *mim) do(ctx context.Context, method, path string, header http.Header, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Timeout)
	defer cancel()
	target := m.cfg.MiddlewareURL + "/api/tenants/" + url.PathEscape(m.cfg.Tenant) + "/" + path
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking the middleware: %w", err)
	}
	req.Header = header
	req.Header.Set("Accept", "application/json, "+problemType)
	resp, err := m.http.Do(req)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the middleware does not answer")
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the middleware does not answer in time")
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case len(answer) > maxAnswer:
		return notTheMiddleware(fmt.Errorf("more than %d octets", maxAnswer))
	case resp.StatusCode/100 == 2 && media == "application/json":
		if err := json.Unmarshal(answer, out); err != nil {
			return notTheMiddleware(err)
		}
		return nil
	case resp.StatusCode/100 >= 4 && media == problemType:
		r := &refusal{}
		if err := json.Unmarshal(answer, r); err != nil {
			return notTheMiddleware(err)
		}
		r.Status = resp.StatusCode
		return fault.Wrap(r.kind(), r, "%s", r.Error())
	}
	return notTheMiddleware(fmt.Errorf("status %d, content type %q", resp.StatusCode, media))
}

func notTheMiddleware(err error) error {
	return fault.Wrap(fault.Unavailable, err, "what answers at the middleware's address is not the middleware")
}
