package client

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"inlay.example/inlay/internal/platform/api"
)

const audiences = "/audiences"

// Upload is an audience to be stored.
type Upload struct {
	Name    string
	Body    io.Reader   // CSV; read once, never held
	OnError api.OnError // empty: OnErrorFail
	Key     string      // idempotency key; may be empty
	// Progress, if set, is told after each piece how many octets were read from Body; it is
	// called from one goroutine at a time and must be quick.
	Progress func(octets int64)
}

// UploadAudience streams an audience. When rows are wrong and are not to be skipped, the
// error's problem (ProblemOf) has an item for each of the first hundred.
func (c *Client) UploadAudience(ctx context.Context, u Upload) (a api.Audience, err error) {
	q := url.Values{"name": {u.Name}}
	if u.OnError != "" {
		q.Set("onError", string(u.OnError))
	}
	body := u.Body
	if u.Progress != nil {
		body = &progress{r: u.Body, tell: u.Progress}
	}
	_, err = c.call(ctx, request{
		method: http.MethodPost, path: audiences, query: q, body: body, contentType: "text/csv",
		header: header(api.HeaderIdempotencyKey, u.Key),
	}, &a)
	return a, err
}

// progress counts what is read.
type progress struct {
	r    io.Reader
	n    int64
	tell func(int64)
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if n > 0 {
		p.n += int64(n)
		p.tell(p.n)
	}
	return n, err
}

// Audiences lists audiences by id.
func (c *Client) Audiences(ctx context.Context, l List) (p api.Page[api.Audience], err error) {
	_, err = c.call(ctx, request{method: http.MethodGet, path: audiences, query: l.query()}, &p)
	return p, err
}

// Audience returns an audience.
func (c *Client) Audience(ctx context.Context, id string) (a api.Audience, err error) {
	_, err = c.call(ctx, request{method: http.MethodGet, path: audiences + "/" + url.PathEscape(id)}, &a)
	return a, err
}

// DeleteAudience removes an audience and its rows; Conflict while a campaign that is not
// prepared yet needs them.
func (c *Client) DeleteAudience(ctx context.Context, id string) error {
	_, _, err := c.do(ctx, request{method: http.MethodDelete, path: audiences + "/" + url.PathEscape(id)})
	return err
}
