package cli

import (
	"context"
	"crypto/rand"
	"io"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/platform/api"
	"inlay.example/inlay/internal/platform/client"
)

// launch is a campaign from files to inboxes.
type launch struct {
	name, mailbox string
	class         campaign.Class
	template      io.Reader // at most message.MaxSource octets are read
	audience      io.Reader // CSV
	audienceSize  int64     // octets; negative: not known
	templateFile  string    // its name, for messages
	audienceFile  string
	skipBad       bool      // leave bad rows out instead of refusing the audience
	start         time.Time // zero: now
	end           time.Time
	priority      int
	wait          bool // until it runs
}

// followEvery is how often a preparation is looked at. It is short for the sake of small ones.
const followEvery = 100 * time.Millisecond

// do stores template and audience, makes the campaign, starts it, and follows it until it
// runs. What was stored stays when a later step fails: it can be used again.
func (l launch) do(ctx context.Context, c *client.Client, p *progress) (api.Campaign, error) {
	source, err := io.ReadAll(io.LimitReader(l.template, message.MaxSource+1))
	if err != nil {
		return api.Campaign{}, fault.New(fault.Invalid, "%s: %v", l.templateFile, err)
	}
	if len(source) > message.MaxSource {
		return api.Campaign{}, fault.New(fault.TooLarge, "%s: more than %d octets", l.templateFile, message.MaxSource)
	}
	if len(source) == 0 {
		return api.Campaign{}, fault.New(fault.Invalid, "%s: the file is empty: a template begins with header fields, From and Subject at least", l.templateFile)
	}
	// Should a connection break while its answer is on the way, the request is repeated by the
	// transport with the same key, and makes nothing twice.
	key := rand.Text()
	p.step("storing the template")
	t, err := c.CreateTemplate(ctx, l.name, source, key+"-template")
	if err != nil {
		return api.Campaign{}, inFile(err, l.templateFile)
	}
	p.step("uploading the audience")
	upload := client.Upload{Name: l.name, Body: l.audience, Key: key + "-audience", Progress: func(n int64) { p.amount(n, l.audienceSize, "octets") }}
	if l.skipBad {
		upload.OnError = api.OnErrorSkip
	}
	a, err := c.UploadAudience(ctx, upload)
	if err != nil {
		return api.Campaign{}, inFile(err, l.audienceFile)
	}
	for _, e := range a.Errors {
		p.note("line %d left out: %s", e.Line, e.Message)
	}
	plan := api.Plan{
		Name: l.name, Class: l.class, Template: t.ID, Audience: a.ID, Mailbox: l.mailbox, End: &l.end, Priority: l.priority,
	}
	if !l.start.IsZero() {
		plan.Start = &l.start
	}
	p.step("making the campaign")
	made, err := c.CreateCampaign(ctx, plan, key+"-campaign")
	if err != nil {
		return api.Campaign{}, err
	}
	id := made.ID
	if l.start.IsZero() {
		made, err = c.Start(ctx, made.ID)
	} else {
		made, err = c.Schedule(ctx, made.ID)
	}
	if err != nil {
		l.undraft(ctx, c, id, err, p)
		return made, err
	}
	if !l.wait {
		return made, nil
	}
	return follow(ctx, c, made, p)
}

// undraft removes the draft that could not be started, so that every attempt that fails for the
// same mistake does not leave another one. Only drafts can be deleted: what was started after
// all, its answer lost, is safe.
func (l launch) undraft(ctx context.Context, c *client.Client, id campaign.ID, why error, p *progress) {
	if fault.Is(why, fault.Unavailable) || c.DeleteCampaign(ctx, id) != nil {
		p.note("campaign %s is there and may be a draft: inlay campaign status %s", id, id)
	}
}

// follow waits until a campaign is prepared.
func follow(ctx context.Context, c *client.Client, one api.Campaign, p *progress) (api.Campaign, error) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		switch one.State {
		case campaign.Draft, campaign.Scheduled, campaign.Preparing:
		case campaign.Failed:
			return one, fault.New(fault.Conflict, "campaign %s has failed: %s", one.ID, one.Failure)
		default:
			return one, nil
		}
		switch one.Progress.Step {
		case api.StepBundle:
			p.step("writing the bundle")
		case api.StepPush:
			p.step("telling the middleware")
		case api.StepImport:
			p.step("importing")
			p.amount(one.Progress.Imported, one.Progress.Rows, "people")
		case api.StepDone:
		}
		if one.Progress.Waiting != "" {
			p.step("waiting: " + one.Progress.Waiting)
		}
		select {
		case <-ctx.Done():
			return one, fault.New(fault.Unavailable, "stopped waiting for campaign %s, which goes on by itself", one.ID)
		case <-tick.C:
		}
		next, _, err := c.Campaign(ctx, one.ID)
		if err != nil && (!fault.Is(err, fault.Unavailable) || ctx.Err() != nil) {
			return one, err
		}
		if err == nil {
			one = next
		}
	}
}
