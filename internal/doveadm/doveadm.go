package doveadm

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/reserve"
)

// Config says where the administration answers.
type Config struct {
	URL string // of the API, as "http://dovecot.example:8080/doveadm/v1"
	Key string // doveadm_api_key of Dovecot's configuration
}

// Client implements reserve.Administration. It is safe for concurrent use. Its errors are
// Unavailable: whoever reserves goes without.
type Client struct {
	url, authorization string
	http               *http.Client
}

var _ reserve.Administration = (*Client)(nil)

const (
	timeout   = 5 * time.Second // for one request: a person waits for a SELECT
	maxAnswer = 64 << 10        // octets of an answer that are read
)

// New checks the configuration; it does not connect.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fault.New(fault.Invalid, "the URL of doveadm's API is %q, not one of http or https", cfg.URL)
	}
	if cfg.Key == "" {
		return nil, fault.New(fault.Invalid, "doveadm's API needs a key")
	}
	return &Client{
		url: cfg.URL, authorization: "X-Dovecot-API " + base64.StdEncoding.EncodeToString([]byte(cfg.Key)),
		http: &http.Client{Timeout: timeout},
	}, nil
}

// Status implements reserve.Administration.
func (c *Client) Status(ctx context.Context, user, mailbox string) (reserve.State, error) {
	got, err := c.do(ctx, status(user, mailbox, "status"))
	if err != nil {
		return reserve.State{}, err
	}
	return got[0], nil
}

// Raise implements reserve.Administration: one request, whose commands Dovecot runs in order.
func (c *Client) Raise(ctx context.Context, user, mailbox string, next uint32, highest uint64) (before, after reserve.State, err error) {
	args := map[string]any{"user": user, "mailbox": mailbox, "minHighestModseq": strconv.FormatUint(highest, 10)}
	if next > 0 {
		args["minNextUid"] = strconv.FormatUint(uint64(next), 10)
	}
	got, err := c.do(ctx, status(user, mailbox, "before"), call{"mailboxUpdate", args, "update"}, status(user, mailbox, "after"))
	if err != nil {
		return before, after, err
	}
	return got[0], got[2], nil
}

// call is one command of a request: its name, its arguments, and a tag that its answer bears.
type call [3]any

func status(user, mailbox, tag string) call {
	return call{"mailboxStatus", map[string]any{
		"user": user, "field": []string{"uidnext", "uidvalidity", "highestmodseq"}, "mailboxMask": []string{mailbox},
	}, tag}
}

// do sends calls and gives their answers, in order; those that are no status are empty.
func (c *Client) do(ctx context.Context, calls ...call) ([]reserve.State, error) {
	got, err := c.post(ctx, calls)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the mail server's administration cannot be used")
	}
	return got, nil
}

func (c *Client) post(ctx context.Context, calls []call) ([]reserve.State, error) {
	body, err := json.Marshal(calls)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", c.authorization)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answers %s", res.Status)
	case len(text) > maxAnswer:
		return nil, fmt.Errorf("it answers with more than %d octets", maxAnswer)
	}
	return parse(text, calls)
}

// parse reads [["doveadmResponse",[{…}],"tag"],…], with "error" in place of what failed.
func parse(text []byte, calls []call) ([]reserve.State, error) {
	var answers [][]json.RawMessage
	if err := json.Unmarshal(text, &answers); err != nil {
		return nil, fmt.Errorf("its answer is not understood: %w", err)
	}
	if len(answers) != len(calls) {
		return nil, fmt.Errorf("%d answers to %d commands", len(answers), len(calls))
	}
	out := make([]reserve.State, len(answers))
	for i, a := range answers {
		var kind, tag string
		if len(a) != 3 || json.Unmarshal(a[0], &kind) != nil || json.Unmarshal(a[2], &tag) != nil || tag != calls[i][2] {
			return nil, fmt.Errorf("answer %d is not understood", i+1)
		}
		if kind != "doveadmResponse" {
			return nil, fmt.Errorf("%s: %s", calls[i][0], a[1])
		}
		if calls[i][0] != "mailboxStatus" {
			continue
		}
		var err error
		if out[i], err = state(a[1]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

var errNoStatus = errors.New("the status of a mailbox is not understood")

func state(rows json.RawMessage) (s reserve.State, err error) {
	var list []struct{ UIDNext, UIDValidity, HighestModSeq string }
	if err := json.Unmarshal(rows, &list); err != nil || len(list) != 1 {
		return s, errNoStatus
	}
	next, e1 := strconv.ParseUint(list[0].UIDNext, 10, 32)
	validity, e2 := strconv.ParseUint(list[0].UIDValidity, 10, 32)
	highest, e3 := strconv.ParseUint(list[0].HighestModSeq, 10, 63)
	if errors.Join(e1, e2, e3) != nil || next == 0 || validity == 0 {
		return s, errNoStatus
	}
	return reserve.State{UIDNext: uint32(next), UIDValidity: uint32(validity), HighestModSeq: highest}, nil
}
