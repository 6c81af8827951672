package client

import (
	"bytes"
	"context"
	"net/http"
	"net/url"

	"inlay.example/inlay/internal/platform/api"
)

const (
	typeMail  = "message/rfc822"
	templates = "/templates"
)

// CreateTemplate stores an .eml source under a name. The key may be empty; with one, repeating
// the call answers as the first time.
func (c *Client) CreateTemplate(ctx context.Context, name string, source []byte, key string) (t api.Template, err error) {
	_, err = c.call(ctx, request{
		method: http.MethodPost, path: templates, query: url.Values{"name": {name}},
		header: header(api.HeaderIdempotencyKey, key), body: bytes.NewReader(source), contentType: typeMail,
	}, &t)
	return t, err
}

// ReplaceTemplate makes a new version of a template. etag, if not empty, is that of the
// version that is to be replaced: Conflict when it is no longer the current one.
func (c *Client) ReplaceTemplate(ctx context.Context, id string, source []byte, etag string) (t api.Template, err error) {
	_, err = c.call(ctx, request{
		method: http.MethodPut, path: templates + "/" + url.PathEscape(id),
		header: header("If-Match", etag), body: bytes.NewReader(source), contentType: typeMail,
	}, &t)
	return t, err
}

// Templates lists templates by id.
func (c *Client) Templates(ctx context.Context, l List) (p api.Page[api.Template], err error) {
	_, err = c.call(ctx, request{method: http.MethodGet, path: templates, query: l.query()}, &p)
	return p, err
}

// Template returns a template and its ETag.
func (c *Client) Template(ctx context.Context, id string) (t api.Template, etag string, err error) {
	h, err := c.call(ctx, request{method: http.MethodGet, path: templates + "/" + url.PathEscape(id)}, &t)
	return t, h.Get("ETag"), err
}

// TemplateSource returns the source of the current version, octet for octet.
func (c *Client) TemplateSource(ctx context.Context, id string) ([]byte, error) {
	body, _, err := c.do(ctx, request{method: http.MethodGet, path: templates + "/" + url.PathEscape(id) + "/source", want: typeMail})
	return body, err
}

// DeleteTemplate removes a template; campaigns keep the version that they were planned with.
func (c *Client) DeleteTemplate(ctx context.Context, id string) error {
	_, _, err := c.do(ctx, request{method: http.MethodDelete, path: templates + "/" + url.PathEscape(id)})
	return err
}

// Preview renders a template for one person and returns the message.
func (c *Client) Preview(ctx context.Context, id string, p api.Preview) ([]byte, error) {
	r, err := request{method: http.MethodPost, path: templates + "/" + url.PathEscape(id) + "/preview", want: typeMail}.jsonBody(p)
	if err != nil {
		return nil, err
	}
	body, _, err := c.do(ctx, r)
	return body, err
}
