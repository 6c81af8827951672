package platform

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/platform/api"
)

type commandInput struct {
	CampaignPath
	IfMatch string `header:"If-Match" doc:"ETag of the reading that the decision was made from; usually left out."`
}

// told is the answer to a command: 202 while the middleware has not acknowledged it.
type told struct {
	Status int
	ETag   string `header:"ETag" doc:"Of this revision, for If-Match."`
	Body   api.Campaign
}

func (p *Platform) commandRoutes(a huma.API) {
	accepted := "It is kept and shown as pending; it is repeated until the middleware has acknowledged it (202)."
	for _, c := range []struct {
		name, summary, description string
		do                         func(context.Context, *campaign.Campaign) error
	}{
		{
			"schedule", "Schedule a draft", "The campaign is prepared, and shown from its start on. What the template needs and the audience lacks is said now.",
			p.schedule,
		},
		{"start", "Start a draft now", "As schedule, with start being now.", func(ctx context.Context, c *campaign.Campaign) error {
			c.Start = p.now()
			return p.schedule(ctx, c)
		}},
		{"pause", "Pause a campaign", "Nothing new is injected; what is live stays. " + accepted, p.wish(campaign.Pause)},
		{"resume", "Resume a paused campaign", "Nobody is shown it a second time. " + accepted, p.wish(campaign.Resume)},
		{"recall", "Recall a campaign", "Everything is withdrawn, for ever. " + accepted, p.wish(campaign.Recall)},
		{"archive", "Archive a campaign that is over", "", func(_ context.Context, c *campaign.Campaign) error { return c.Archive(p.now()) }},
	} {
		register(p, a, huma.Operation{
			OperationID: c.name + "-campaign", Method: http.MethodPost, Path: "/campaigns/{id}/" + c.name, Tags: []string{"campaigns"},
			Summary: c.summary, Description: c.description,
			Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed},
		}, func(ctx context.Context, in *commandInput) (*told, error) {
			r, err := p.changeCampaign(ctx, in.ID, in.IfMatch, func(c2 *campaign.Campaign) error { return c.do(ctx, c2) })
			if err != nil {
				return nil, err
			}
			out := &told{Status: http.StatusOK, ETag: r.etag(), Body: p.show(r.Value)}
			if r.Value.Pending != nil {
				out.Status = http.StatusAccepted
			}
			return out, nil
		})
	}
	for _, name := range [...]string{"pause", "resume", "recall"} {
		responses := a.OpenAPI().Paths[api.Base+"/campaigns/{id}/"+name].Post.Responses
		pending := *responses["200"]
		pending.Description = "Kept, and pending until the middleware has acknowledged it."
		responses["202"] = &pending
	}
}

// schedule ends a draft whose template and audience fit together.
func (p *Platform) schedule(ctx context.Context, c *campaign.Campaign) error {
	if err := c.Schedule(p.now()); err != nil {
		return err
	}
	return p.checkFit(ctx, c.Plan)
}

// wish notes a command for the middleware; what is the case already is not written again.
func (p *Platform) wish(command campaign.Command) func(context.Context, *campaign.Campaign) error {
	return func(_ context.Context, c *campaign.Campaign) error {
		revision, state := c.Revision, c.State
		if err := c.Wish(command, p.now()); err != nil {
			return err
		}
		if c.Revision == revision && c.State == state {
			return errUnchanged
		}
		return nil
	}
}
