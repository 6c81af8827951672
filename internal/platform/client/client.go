package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/platform/api"
)

// Limits of answers, in octets.
const (
	maxAnswer  = 16 << 20
	maxProblem = 1 << 20
)

// Config says where a platform is.
type Config struct {
	BaseURL string // http or https, as "http://127.0.0.1:8080"; a path is kept as a prefix
	Token   string
	// HTTP makes the requests; nil: one of its own, without a time limit other than that of
	// the contexts, because audiences may be large. Redirects are not followed.
	HTTP *http.Client
}

// Client calls one platform.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// New returns a client; Invalid when the base URL is none.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.BaseURL)
	if err == nil && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil) {
		err = errors.New("not of this form")
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the platform's URL must be http[s]://host[:port][/path]")
	}
	c := &Client{base: strings.TrimSuffix(cfg.BaseURL, "/") + api.Base, token: cfg.Token}
	if cfg.HTTP != nil {
		own := *cfg.HTTP
		c.http = &own
	} else {
		c.http = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second,
			IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
		}}
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// Close closes the connections that are kept alive and idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// ProblemOf returns what the platform has said about an error, or nil when it was not the
// platform that refused.
func ProblemOf(err error) *api.Problem {
	var p *api.Problem
	if errors.As(err, &p) {
		return p
	}
	return nil
}

// silent says why there was no answer, as far as whoever typed the address can do something
// about it.
func (c *Client) silent(err error) error {
	var addressed *url.Error
	reason := err
	if errors.As(err, &addressed) {
		reason = addressed.Err // without method and URL
	}
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return fault.Wrap(fault.Unavailable, err, "the certificate of the platform at %s is not trusted: %v", c.base, cert.Err)
	}
	return fault.Wrap(fault.Unavailable, err, "the platform at %s does not answer: %v", c.base, reason)
}

// request is one call.
type request struct {
	method, path string
	query        url.Values
	header       http.Header
	body         io.Reader
	contentType  string
	want         string // media type of the answer; empty: none is read
}

// jsonBody makes v the body.
func (r request) jsonBody(v any) (request, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return r, fmt.Errorf("writing a request: %w", err)
	}
	r.body, r.contentType = bytes.NewReader(body), "application/json"
	return r, nil
}

const typeJSON = "application/json"

// call makes a request, reads a JSON answer into out, and returns its headers.
func (c *Client) call(ctx context.Context, r request, out any) (http.Header, error) {
	r.want = typeJSON
	body, header, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return nil, notTheAPI(err)
	}
	return header, nil
}

// do makes a request and returns the body of a good answer.
func (c *Client) do(ctx context.Context, r request) ([]byte, http.Header, error) {
	target := c.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, r.body)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, err, "the request cannot be made")
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	if r.want != "" {
		req.Header.Set("Accept", r.want+", application/problem+json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, c.silent(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return nil, nil, problem(resp)
	}
	if r.want == "" {
		return nil, resp.Header, nil
	}
	if got, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); got != r.want {
		return nil, nil, notTheAPI(fmt.Errorf("content type %q", resp.Header.Get("Content-Type")))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("more than %d octets", maxAnswer)
	}
	if err != nil {
		return nil, nil, notTheAPI(err)
	}
	return body, resp.Header, nil
}

func notTheAPI(err error) error {
	return fault.Wrap(fault.Unavailable, err, "the platform's answer cannot be understood")
}

// problem reads an answer that is an error.
func problem(resp *http.Response) error {
	p := &api.Problem{}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || media != "application/problem+json" || json.Unmarshal(body, p) != nil {
		return fault.New(fault.Unavailable, "what answers at this address with status %d is not the platform", resp.StatusCode)
	}
	p.Status = resp.StatusCode
	return fault.Wrap(kindOf(resp.StatusCode), p, "%s", p.Error())
}

func kindOf(status int) fault.Kind {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusLengthRequired:
		return fault.Invalid
	case http.StatusUnauthorized:
		return fault.Unauthenticated
	case http.StatusForbidden:
		return fault.Denied
	case http.StatusNotFound:
		return fault.NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return fault.Conflict
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge
	case http.StatusNotImplemented, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		return fault.Unsupported
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return fault.Unavailable
	}
	return fault.Internal
}

// List says which part of a list is wanted.
type List struct {
	Cursor string // of the page before; empty: from the first
	Limit  int    // 1 to 1000; 0: the server's choice
}

func (l List) query() url.Values {
	q := url.Values{}
	if l.Cursor != "" {
		q.Set("cursor", l.Cursor)
	}
	if l.Limit != 0 {
		q.Set("limit", strconv.Itoa(l.Limit))
	}
	return q
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			h.Set(pairs[i], pairs[i+1])
		}
	}
	return h
}
