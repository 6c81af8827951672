package client

import (
	"context"
	"net/http"
	"net/url"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/platform/api"
)

const campaigns = "/campaigns"

func campaignPath(id campaign.ID, more string) string {
	return campaigns + "/" + url.PathEscape(string(id)) + more
}

// CreateCampaign makes a draft. The key may be empty; with one, repeating the call answers
// with the campaign that the first one made.
func (c *Client) CreateCampaign(ctx context.Context, p api.Plan, key string) (out api.Campaign, err error) {
	r, err := request{method: http.MethodPost, path: campaigns, header: header(api.HeaderIdempotencyKey, key)}.jsonBody(p)
	if err != nil {
		return out, err
	}
	_, err = c.call(ctx, r, &out)
	return out, err
}

// Campaigns lists campaigns by id.
func (c *Client) Campaigns(ctx context.Context, l List) (p api.Page[api.Campaign], err error) {
	_, err = c.call(ctx, request{method: http.MethodGet, path: campaigns, query: l.query()}, &p)
	return p, err
}

// Campaign returns a campaign and its ETag.
func (c *Client) Campaign(ctx context.Context, id campaign.ID) (out api.Campaign, etag string, err error) {
	h, err := c.call(ctx, request{method: http.MethodGet, path: campaignPath(id, "")}, &out)
	return out, h.Get("ETag"), err
}

// PatchCampaign changes a draft. etag, if not empty, is that of the reading the change is made
// from: Conflict when the campaign was changed since.
func (c *Client) PatchCampaign(ctx context.Context, id campaign.ID, p api.Patch, etag string) (out api.Campaign, err error) {
	r, err := request{method: http.MethodPatch, path: campaignPath(id, ""), header: header("If-Match", etag)}.jsonBody(p)
	if err != nil {
		return out, err
	}
	_, err = c.call(ctx, r, &out)
	return out, err
}

// DeleteCampaign removes a draft.
func (c *Client) DeleteCampaign(ctx context.Context, id campaign.ID) error {
	_, _, err := c.do(ctx, request{method: http.MethodDelete, path: campaignPath(id, "")})
	return err
}

// Schedule ends a draft: the campaign is prepared and shown from its start on.
func (c *Client) Schedule(ctx context.Context, id campaign.ID) (api.Campaign, error) {
	return c.tell(ctx, id, "schedule")
}

// Start schedules a draft with the start now.
func (c *Client) Start(ctx context.Context, id campaign.ID) (api.Campaign, error) {
	return c.tell(ctx, id, "start")
}

// Pause stops new injections; what is live stays. The answer may say that the command is
// pending: it is kept, and repeated until the middleware obeys.
func (c *Client) Pause(ctx context.Context, id campaign.ID) (api.Campaign, error) {
	return c.tell(ctx, id, "pause")
}

// Resume ends a pause; it may be pending like Pause.
func (c *Client) Resume(ctx context.Context, id campaign.ID) (api.Campaign, error) {
	return c.tell(ctx, id, "resume")
}

// Recall withdraws everything, for ever; it may be pending like Pause.
func (c *Client) Recall(ctx context.Context, id campaign.ID) (api.Campaign, error) {
	return c.tell(ctx, id, "recall")
}

// Archive takes a campaign that is over out of sight.
func (c *Client) Archive(ctx context.Context, id campaign.ID) (api.Campaign, error) {
	return c.tell(ctx, id, "archive")
}

func (c *Client) tell(ctx context.Context, id campaign.ID, what string) (out api.Campaign, err error) {
	_, err = c.call(ctx, request{method: http.MethodPost, path: campaignPath(id, "/"+what)}, &out)
	return out, err
}

// Statistics returns the figures of a campaign; Unavailable while the middleware, which counts
// them, does not answer.
func (c *Client) Statistics(ctx context.Context, id campaign.ID) (s api.Statistics, err error) {
	_, err = c.call(ctx, request{method: http.MethodGet, path: campaignPath(id, "/statistics")}, &s)
	return s, err
}
