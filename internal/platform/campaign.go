package platform

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/platform/api"
)

type createCampaignInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"Repeating the request with the same key answers with what the first one made."`
	Body api.Plan
}

// CampaignPath names a campaign. It is exported because the framework passes over embedded
// structs that are not.
type CampaignPath struct {
	ID string `path:"id" maxLength:"64"`
}

type patchCampaignInput struct {
	CampaignPath
	IfMatch string `header:"If-Match" doc:"ETag of the reading that the change is made from."`
	Body    api.Patch
}

type deleteCampaignInput struct {
	CampaignPath
	IfMatch string `header:"If-Match" doc:"ETag of what is to be deleted."`
}

func (p *Platform) campaignRoutes(a huma.API) {
	tags := []string{"campaigns"}
	register(p, a, huma.Operation{
		OperationID: "create-campaign", Method: http.MethodPost, Path: "/campaigns", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Make a draft", Errors: []int{http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge},
	}, p.createCampaign)
	register(p, a, huma.Operation{
		OperationID: "list-campaigns", Method: http.MethodGet, Path: "/campaigns", Tags: tags, Summary: "List campaigns",
	}, p.listCampaigns)
	register(p, a, huma.Operation{
		OperationID: "get-campaign", Method: http.MethodGet, Path: "/campaigns/{id}", Tags: tags, Summary: "Read a campaign",
		Errors: []int{http.StatusNotFound},
	}, p.getCampaign)
	register(p, a, huma.Operation{
		OperationID: "patch-campaign", Method: http.MethodPatch, Path: "/campaigns/{id}", Tags: tags, Summary: "Change a draft",
		Errors: []int{
			http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge,
		},
	}, p.patchCampaign)
	register(p, a, huma.Operation{
		OperationID: "delete-campaign", Method: http.MethodDelete, Path: "/campaigns/{id}", Tags: tags, Summary: "Delete a draft",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed},
	}, p.deleteCampaign)
	register(p, a, huma.Operation{
		OperationID: "get-statistics", Method: http.MethodGet, Path: "/campaigns/{id}/statistics", Tags: tags,
		Summary:     "Read a campaign's figures",
		Description: "They are the middleware's; while it does not answer, this is 503.",
		Errors:      []int{http.StatusNotFound},
	}, p.getStatistics)
}

// show is a campaign as the API shows it.
func (p *Platform) show(c campaign.Campaign) api.Campaign {
	out := api.Campaign{
		ID: c.ID, Name: c.Name, Class: c.Class, Template: api.TemplateRef(c.Template), Audience: c.Audience, Mailbox: c.Mailbox,
		Start: c.Start, End: c.End, Priority: c.Priority, Position: c.Position, Reinject: api.Reinject(c.Reinject), State: c.State, Window: c.Window(p.now()), Failure: c.Failure,
		Pending: (*api.Pending)(c.Pending), Version: c.Version, Revision: c.Revision,
		Created: c.Created, Updated: c.Updated, Scheduled: c.Scheduled, Started: c.Started, Ended: c.Ended,
		Progress: api.Progress{
			Rows: c.Progress.Rows, Imported: c.Progress.Imported, Rejected: c.Progress.Rejected,
			Errors: c.Progress.Errors, Waiting: c.Progress.Waiting,
		},
	}
	switch {
	case c.Version == 0:
	case !c.Started.IsZero():
		out.Progress.Step = api.StepDone
	case c.Progress.Manifest == "":
		out.Progress.Step = api.StepBundle
	case c.Progress.Job == "":
		out.Progress.Step = api.StepPush
	default:
		out.Progress.Step = api.StepImport
	}
	return out
}

func (p *Platform) campaign(ctx context.Context, id string) (record[campaign.Campaign], error) {
	return load[campaign.Campaign](ctx, p, kindCampaign, "campaign", id)
}

// findTemplate is the current version of a template that a plan names.
func (p *Platform) findTemplate(ctx context.Context, id string, f *fault.Fields) (campaign.Template, error) {
	if id == "" {
		return campaign.Template{}, nil
	}
	t, err := p.template(ctx, id)
	if fault.Is(err, fault.NotFound) {
		f.Add("template", "%s", fault.Public(err))
		return campaign.Template{}, nil
	}
	return campaign.Template{ID: id, Version: t.Value.Version, Digest: t.Value.Digest}, err
}

// findAudience checks that an audience that a plan names is there.
func (p *Platform) findAudience(ctx context.Context, id string, f *fault.Fields) error {
	if id == "" {
		return nil
	}
	_, err := p.audience(ctx, id)
	if fault.Is(err, fault.NotFound) {
		f.Add("audience", "%s", fault.Public(err))
		return nil
	}
	return err
}

func (p *Platform) createCampaign(ctx context.Context, in *createCampaignInput) (*made[api.Campaign], error) {
	b := in.Body
	var f fault.Fields
	t, err := p.findTemplate(ctx, b.Template, &f)
	if err != nil {
		return nil, err
	}
	if err := p.findAudience(ctx, b.Audience, &f); err != nil {
		return nil, err
	}
	plan := campaign.Plan{
		Name: b.Name, Class: b.Class, Template: t, Audience: b.Audience, Mailbox: b.Mailbox,
		Start: timeOf(b.Start), End: timeOf(b.End), Priority: b.Priority, Position: b.Position, Reinject: campaign.Reinject(b.Reinject),
	}
	// Checked before a key is used up for it.
	if err := wrong(f, plan); err != nil {
		return nil, err
	}
	id, mark, err := p.reserve(ctx, kindCampaign, in.Key, b.ID, b.Name, b)
	if err != nil {
		return nil, err
	}
	c, err := campaign.New(campaign.ID(id), plan, p.now())
	if err != nil {
		return nil, err
	}
	r, err := create(ctx, p, kindCampaign, "campaign", id, record[campaign.Campaign]{Value: c, Key: mark})
	if err != nil {
		return nil, err
	}
	return &made[api.Campaign]{ETag: r.etag(), Location: api.Base + "/campaigns/" + id, Body: p.show(r.Value)}, nil
}

// wrong adds what is wrong with a plan to what was found already.
func wrong(f fault.Fields, plan campaign.Plan) error {
	err := plan.Normalised().Check()
	var more fault.Fields
	if err != nil && !errors.As(err, &more) {
		return err
	}
	return append(f, more...).Err()
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func (p *Platform) listCampaigns(ctx context.Context, in *Paging) (*listed[api.Campaign], error) {
	out := &listed[api.Campaign]{Body: api.Page[api.Campaign]{Items: []api.Campaign{}}}
	next, err := list(ctx, p, kindCampaign, in.Cursor, in.Limit, func(r record[campaign.Campaign]) error {
		out.Body.Items = append(out.Body.Items, p.show(r.Value))
		return nil
	})
	out.Body.Next = next
	return out, err
}

func (p *Platform) getCampaign(ctx context.Context, in *CampaignPath) (*one[api.Campaign], error) {
	r, err := p.campaign(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &one[api.Campaign]{ETag: r.etag(), Body: p.show(r.Value)}, nil
}

// changeCampaign changes a campaign by one of its methods and wakes the jobs.
func (p *Platform) changeCampaign(ctx context.Context, id, ifMatch string, f func(*campaign.Campaign) error) (record[campaign.Campaign], error) {
	r, err := change(ctx, p, kindCampaign, "campaign", id, ifMatch, func(r *record[campaign.Campaign]) error {
		return f(&r.Value)
	})
	if err == nil {
		p.ring()
	}
	return r, err
}

func (p *Platform) patchCampaign(ctx context.Context, in *patchCampaignInput) (*one[api.Campaign], error) {
	r, err := p.changeCampaign(ctx, in.ID, in.IfMatch, func(c *campaign.Campaign) error {
		plan, f := c.Plan, fault.Fields{}
		if in.Body.Template != nil {
			t, err := p.findTemplate(ctx, *in.Body.Template, &f)
			if err != nil {
				return err
			}
			plan.Template = t
		}
		if in.Body.Audience != nil {
			if err := p.findAudience(ctx, *in.Body.Audience, &f); err != nil {
				return err
			}
			plan.Audience = *in.Body.Audience
		}
		set(&plan.Name, in.Body.Name)
		set(&plan.Class, in.Body.Class)
		set(&plan.Mailbox, in.Body.Mailbox)
		set(&plan.Start, in.Body.Start)
		set(&plan.End, in.Body.End)
		set(&plan.Priority, in.Body.Priority)
		set(&plan.Position, in.Body.Position)
		set(&plan.Reinject, (*campaign.Reinject)(in.Body.Reinject))
		if c.State == campaign.Draft { // else it is the state that is said to be wrong
			if err := wrong(f, plan); err != nil {
				return err
			}
		}
		return c.Replan(plan, p.now())
	})
	if err != nil {
		return nil, err
	}
	return &one[api.Campaign]{ETag: r.etag(), Body: p.show(r.Value)}, nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (p *Platform) deleteCampaign(ctx context.Context, in *deleteCampaignInput) (*struct{}, error) {
	for range maxAttempts {
		r, err := p.campaign(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if err := precondition(in.IfMatch, r.etag()); err != nil {
			return nil, err
		}
		if r.Value.State != campaign.Draft {
			return nil, fault.New(fault.Conflict, "the campaign is %s: only a draft can be deleted", r.Value.State)
		}
		err = p.documents.Delete(ctx, kindCampaign, in.ID, r.rev)
		if !fault.Is(err, fault.Conflict) {
			return nil, err
		}
	}
	return nil, fault.New(fault.Unavailable, "the campaign is being changed by others")
}

// checkFit says which variables the template needs and the audience does not have.
func (p *Platform) checkFit(ctx context.Context, plan campaign.Plan) error {
	if plan.Template.Digest == "" || plan.Audience == "" {
		return nil // it is said elsewhere that they are missing
	}
	a, err := p.audience(ctx, plan.Audience)
	if err != nil {
		return fmt.Errorf("checking the audience: %w", err)
	}
	source, err := p.readSource(ctx, plan.Template.Digest)
	if err != nil {
		return err
	}
	t, err := compile(string(source))
	if err != nil {
		return fmt.Errorf("checking the template: %w", err)
	}
	var f fault.Fields
	for _, v := range t.Unknown(a.Value.Columns) {
		meant := ""
		if v.Nearest != "" {
			meant = fmt.Sprintf(" (%s?)", v.Nearest)
		}
		if v.Required {
			f.Add("audience", "has no column %q%s, for which the template has no default (%s, line %d, column %d)", v.Name, meant, v.Where, v.Line, v.Column)
		}
	}
	return f.Err()
}

func (p *Platform) getStatistics(ctx context.Context, in *CampaignPath) (*one[api.Statistics], error) {
	r, err := p.campaign(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	s, err := p.mim.statistics(ctx, r.Value.ID)
	if fault.Is(err, fault.NotFound) {
		// Not imported yet, or never: nothing was counted.
		s, err = api.Statistics{Campaign: r.Value.ID, State: r.Value.State, Events: map[string]int64{}}, nil
		for _, t := range [...]event.Type{event.Injected, event.Read, event.Expunged, event.Withdrawn, event.Expired, event.Moved, event.Reinjected} {
			s.Events[string(t)] = 0
		}
	}
	if err != nil {
		return nil, err
	}
	return &one[api.Statistics]{ETag: r.etag(), Body: s}, nil
}
