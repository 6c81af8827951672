package middleware

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"inlay.example/inlay/internal/fault"
)

// maxAnswer is the greatest size of a JSON answer: sessions carry variables, each campaign's
// of up to 64 KiB.
const maxAnswer = 16 << 20

// maxProblem is the greatest size of an error's body.
const maxProblem = 64 << 10

// Whether a request may be sent again when its kept-alive connection was closed under it.
const (
	repeatable = true
	once       = false
)

// call makes one call of the injection API.
func (c *Client) call(ctx context.Context, name string, repeat bool, req, resp any) error {
	body, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("writing a request: %w", err)
	}
	answer, err := c.do(ctx, http.MethodPost, name, repeat, body, "application/json", maxAnswer)
	if err != nil {
		return err
	}
	return garbage(json.Unmarshal(answer, resp))
}

// do makes a request and returns the body of a good answer of the wanted type.
func (c *Client) do(ctx context.Context, method, path string, repeat bool, body []byte, want string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+injectionBase+path, bytes.NewReader(body))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the request cannot be made")
	}
	req.Header.Set("Accept", want+", "+problemType)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if repeat {
		// Known to net/http: it may be sent again on a new connection. Empty, so it is not sent itself.
		req.Header["Idempotency-Key"] = []string{}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the middleware does not answer")
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, refused(resp)
	}
	if got, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); got != want {
		return nil, garbage(errOr(err, "content of type "+got))
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the middleware's answer broke off")
	}
	if int64(len(answer)) > limit {
		return nil, garbage(fmt.Errorf("more than %d octets", limit))
	}
	return answer, nil
}

// garbage is for what does not come from a middleware, or from a broken one.
func garbage(err error) error {
	return fault.Wrap(fault.Unavailable, err, "the middleware's answer is not one of its own")
}

func errOr(err error, text string) error {
	if err != nil {
		return err
	}
	return errors.New(text)
}

// refused makes a fault of an answer that is not 200: the one that the middleware meant, if
// it was the middleware that answered.
func refused(resp *http.Response) error {
	var p problem
	if got, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil && got == problemType {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
		if err == nil && json.Unmarshal(body, &p) == nil {
			for kind := fault.Internal; kind <= fault.Unsupported; kind++ {
				if kind.String() == p.Kind && statusFits(resp.StatusCode, kind) {
					return fault.Wrap(kind, fmt.Errorf("the middleware answered %s (reference %q)", resp.Status, p.Reference), "%s", p.Detail)
				}
			}
		}
	}
	cause := fmt.Errorf("the middleware answered %s", resp.Status)
	if resp.StatusCode == http.StatusUnauthorized {
		return fault.Wrap(fault.Unauthenticated, cause, "the middleware does not accept the token")
	}
	return garbage(cause)
}

// statusFits guards against a kind that something between has put on another status.
func statusFits(status int, kind fault.Kind) bool {
	return status == statusOf(kind) || kind == fault.Invalid && status == http.StatusUnprocessableEntity
}
