package middleware

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/injection"
)

// silence is for how long a stream may be silent before it is taken for lost: two words of life
// missed, and time for a slow network.
const silence = 2*injection.AliveEvery + 2*time.Second

// maxWord is the greatest length of a line of a stream, in octets.
const maxWord = 64 << 10

var errSilent = errors.New("nothing was heard for too long")

// Watch implements injection.Service.
func (c *Client) Watch(ctx context.Context, req injection.WatchRequest, heard func(injection.Change) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	alarm := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer alarm.Stop()
	q := url.Values{}
	if req.Tenant != "" {
		q.Set("tenant", req.Tenant)
	}
	if req.Cursor != "" {
		q.Set("cursor", req.Cursor)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+injectionBase+"changes?"+q.Encode(), nil)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the request cannot be made")
	}
	r.Header.Set("Accept", streamType+", "+problemType)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	stream := *c.http
	stream.Timeout = 0 // which is for the whole of an answer, and this one has no end
	resp, err := stream.Do(r)
	if err != nil {
		return lost(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refused(resp)
	}
	if got, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); got != streamType {
		return garbage(errOr(err, "content of type "+got))
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 1<<10), maxWord)
	for lines.Scan() {
		alarm.Reset(silence)
		// What is beside the data in an event says nothing that is not in it.
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var change injection.Change
		if err := json.Unmarshal([]byte(data), &change); err != nil {
			return garbage(err)
		}
		alarm.Stop() // the time that heard takes is its own
		if err := heard(change); err != nil {
			return err
		}
		alarm.Reset(silence)
	}
	return lost(ctx, errOr(lines.Err(), "it was closed"))
}

func lost(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fault.Wrap(fault.Unavailable, err, "the stream of changes broke off")
}

// Attend implements injection.Service.
func (c *Client) Attend(ctx context.Context, req injection.AttendRequest) error {
	return c.call(ctx, "attend", repeatable, req, new(empty))
}
