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
// runs. When one of these is refused, what was stored before is removed again: what failed for a
// mistake is done again, and lists of people are not to lie about.
func (l launch) do(ctx context.Context, c *client.Client, p *progress) (api.Campaign, error) {
	source, err := l.source()
	if err != nil {
		return api.Campaign{}, err
	}
	var made stored
	one, err := l.begin(ctx, c, p, source, &made)
	if err != nil {
		made.remove(ctx, c, err, p)
		return one, err
	}
	if !l.wait {
		return one, nil
	}
	return follow(ctx, c, one, p)
}

// source reads the template.
func (l launch) source() ([]byte, error) {
	source, err := io.ReadAll(io.LimitReader(l.template, message.MaxSource+1))
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: %v", l.templateFile, err)
	}
	if len(source) > message.MaxSource {
		return nil, fault.New(fault.TooLarge, "%s: more than %d octets", l.templateFile, message.MaxSource)
	}
	if len(source) == 0 {
		return nil, fault.New(fault.Invalid, "%s: the file is empty: a template begins with header fields, From and Subject at least", l.templateFile)
	}
	return source, nil
}

// begin makes the campaign of a template and starts it. What it has stored is noted in made.
func (l launch) begin(ctx context.Context, c *client.Client, p *progress, source []byte, made *stored) (one api.Campaign, err error) {
	// Should a connection break while its answer is on the way, the request is repeated by the
	// transport with the same key, and makes nothing twice.
	key := rand.Text()
	p.step("storing the template")
	t, err := c.CreateTemplate(ctx, l.name, source, key+"-template")
	if err != nil {
		return api.Campaign{}, inFile(err, l.templateFile)
	}
	made.template = t.ID
	p.step("uploading the audience")
	upload := client.Upload{Name: l.name, Body: l.audience, Key: key + "-audience", Progress: func(n int64) { p.amount(n, l.audienceSize, "octets") }}
	if l.skipBad {
		upload.OnError = api.OnErrorSkip
	}
	a, err := c.UploadAudience(ctx, upload)
	if err != nil {
		return api.Campaign{}, inFile(err, l.audienceFile)
	}
	made.audience = a.ID
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
	one, err = c.CreateCampaign(ctx, plan, key+"-campaign")
	if err != nil {
		return api.Campaign{}, err
	}
	made.campaign = one.ID
	if l.start.IsZero() {
		return c.Start(ctx, one.ID)
	}
	return c.Schedule(ctx, one.ID)
}

// stored is what a launch has left at the platform.
type stored struct {
	template, audience string
	campaign           campaign.ID
}

// remove takes it away, after an error. Only drafts can be deleted, and no audience that a
// campaign needs: what was started after all, its answer lost, is safe.
func (s stored) remove(ctx context.Context, c *client.Client, why error, p *progress) {
	if s == (stored{}) {
		return
	}
	var err error
	if fault.Is(why, fault.Unavailable) {
		err = why // who did not answer may have done it
	}
	if err == nil && s.campaign != "" {
		err = c.DeleteCampaign(ctx, s.campaign)
	}
	if err == nil && s.audience != "" {
		err = c.DeleteAudience(ctx, s.audience)
	}
	if err == nil && s.template != "" {
		err = c.DeleteTemplate(ctx, s.template)
	}
	if err != nil {
		p.note("what was stored stays: %s", s)
	}
}

func (s stored) String() string {
	text := "template " + s.template
	if s.audience != "" {
		text += ", audience " + s.audience
	}
	if s.campaign != "" {
		text += ", campaign " + string(s.campaign)
	}
	return text
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
			p.amount(one.Progress.Imported, one.Progress.Rows, "rows")
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
