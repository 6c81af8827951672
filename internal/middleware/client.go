package middleware

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// ClientConfig says where a middleware is.
type ClientConfig struct {
	BaseURL string // http or https, as "https://mim.example:8443"; a path is kept as a prefix
	Token   string // its bearer token
	// HTTP makes the requests; nil: one with connections of its own, kept alive. Redirects are
	// not followed in either case: the token is for the base URL.
	HTTP *http.Client
	// Timeout bounds a call whose context allows more; 0 means 10 s.
	Timeout time.Duration
}

// Client is injection.Service over HTTP. It is safe for concurrent use. It repeats nothing by
// itself, but for requests that can be repeated without effect and whose kept-alive connection
// turned out to be closed. Besides the service's faults, everything that keeps it from a valid
// answer is Unavailable: network, timeouts, answers that are too large or not the API's.
type Client struct {
	base    string
	token   string
	http    *http.Client
	timeout time.Duration
}

var _ injection.Service = (*Client)(nil)

// NewClient returns a client; Invalid when the base URL is none.
func NewClient(cfg ClientConfig) (*Client, error) {
	u, err := url.Parse(cfg.BaseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fault.Wrap(fault.Invalid, errOr(err, "not of this form"), "the middleware's URL must be http[s]://host[:port][/path]")
	}
	if cfg.Timeout < 0 {
		return nil, fault.New(fault.Invalid, "the middleware's timeout must not be negative")
	}
	c := &Client{base: strings.TrimSuffix(cfg.BaseURL, "/"), token: cfg.Token, timeout: cfg.Timeout}
	if c.timeout == 0 {
		c.timeout = 10 * time.Second
	}
	if cfg.HTTP != nil {
		own := *cfg.HTTP
		c.http = &own
	} else {
		c.http = &http.Client{Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			MaxIdleConnsPerHost: 64, // a gateway asks for many people at once, and of one host only
			IdleConnTimeout:     90 * time.Second,
			TLSHandshakeTimeout: 5 * time.Second,
			ForceAttemptHTTP2:   true,
		}}
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// Close closes the connections that are kept alive and idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Begin implements injection.Service.
func (c *Client) Begin(ctx context.Context, req injection.BeginRequest) (s injection.Session, err error) {
	return s, c.call(ctx, "begin", repeatable, req, &s)
}

// Placements implements injection.Service.
func (c *Client) Placements(ctx context.Context, p injection.Person) ([]placement.Placement, error) {
	var body placementsBody
	err := c.call(ctx, "placements", repeatable, p, &body)
	return body.Placements, err
}

// Claim implements injection.Service.
func (c *Client) Claim(ctx context.Context, req injection.ClaimRequest) (placement.Placement, error) {
	var body placementBody
	err := c.call(ctx, "claim", repeatable, req, &body)
	return body.Placement, err
}

// Confirm implements injection.Service.
func (c *Client) Confirm(ctx context.Context, req injection.ConfirmRequest) (placement.Placement, error) {
	var body placementBody
	err := c.call(ctx, "confirm", repeatable, req, &body)
	return body.Placement, err
}

// Void implements injection.Service.
func (c *Client) Void(ctx context.Context, req injection.VoidRequest) error {
	return c.call(ctx, "void", req.Token != "", req, new(empty))
}

// SetFlags implements injection.Service.
func (c *Client) SetFlags(ctx context.Context, req injection.FlagsRequest) (placement.Placement, error) {
	var body placementBody
	err := c.call(ctx, "flags", once, req, &body)
	return body.Placement, err
}

// Expunge implements injection.Service.
func (c *Client) Expunge(ctx context.Context, req injection.ExpungeRequest) (placement.Placement, error) {
	var body placementBody
	err := c.call(ctx, "expunge", once, req, &body)
	return body.Placement, err
}

// Settle implements injection.Service.
func (c *Client) Settle(ctx context.Context, req injection.SettleRequest) (s injection.Settlement, err error) {
	return s, c.call(ctx, "settle", repeatable, req, &s)
}

// Departed implements injection.Service.
func (c *Client) Departed(ctx context.Context, req injection.DepartedRequest) ([]placement.Departure, error) {
	var body departuresBody
	err := c.call(ctx, "departed", repeatable, req, &body)
	return body.Departures, err
}

// Move implements injection.Service.
func (c *Client) Move(ctx context.Context, req injection.MoveRequest) (placement.Placement, error) {
	var body placementBody
	err := c.call(ctx, "move", repeatable, req, &body)
	return body.Placement, err
}

// EndMove implements injection.Service.
func (c *Client) EndMove(ctx context.Context, req injection.EndMoveRequest) (placement.Placement, error) {
	var body placementBody
	err := c.call(ctx, "move/end", once, req, &body)
	return body.Placement, err
}

// Record implements injection.Service.
func (c *Client) Record(ctx context.Context, p injection.Person, events []injection.Observation) error {
	if len(events) > injection.MaxEvents {
		return fault.New(fault.TooLarge, "more than %d events at once", injection.MaxEvents)
	}
	return c.call(ctx, "events", once, eventsBody{Person: p, Events: events}, new(empty))
}

// Template implements injection.Service. What comes is checked against the digest: a template
// is kept for ever, so a wrong one would be, too.
func (c *Client) Template(ctx context.Context, tenant, digest string) ([]byte, error) {
	if err := checkDigest(digest); err != nil {
		return nil, err
	}
	path := "templates/" + url.PathEscape(digest)
	if tenant != "" {
		path += "?tenant=" + url.QueryEscape(tenant)
	}
	body, err := c.do(ctx, http.MethodGet, path, repeatable, nil, "message/rfc822", injection.MaxTemplate)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	if "sha256:"+hex.EncodeToString(sum[:]) != digest {
		return nil, fault.New(fault.Unavailable, "the middleware's template is not the one that was asked for")
	}
	return body, nil
}
