package platform

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/object"
)

// outcome is what a step of a campaign's work comes to.
type outcome struct {
	rev  uint64        // of the document as the step has left it
	more bool          // there is more to do, after wait
	wait time.Duration //
	end  time.Time     // there is more to do then; zero: not before the campaign changes
}

// step is a change of a campaign: keep tells whether it is to be written.
type step struct {
	keep    bool
	wait    time.Duration // before the next one
	waiting string        // what the middleware waits for
}

// minPoll is how soon an import is asked for again at the earliest.
const minPoll = 20 * time.Millisecond

// Why a campaign fails that was not shown.
const tooLate = "its end has passed before it was prepared"

// advance does the next step of a campaign's work, whatever that is. Each step is one change
// of the document; what it does outside can be repeated with the same effect, so a step that
// was interrupted, or done by two instances at a time, does no harm.
func (p *Platform) advance(ctx context.Context, id string) (outcome, error) {
	r, err := p.campaign(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return outcome{}, nil
	}
	if err != nil {
		return outcome{}, err
	}
	c, now := &r.Value, p.now()
	var s step
	switch c.State {
	case campaign.Scheduled:
		s, err = step{keep: true}, p.begin(c, now)
	case campaign.Preparing, campaign.Running, campaign.Paused:
		switch {
		case c.Pending != nil:
			// Before anything else: a recall does not wait until what it is about has been shown.
			s, err = p.send(ctx, c)
		case c.State == campaign.Preparing:
			s, err = p.prepare(ctx, c)
		case !now.Before(c.End):
			s, err = step{keep: true}, c.Complete(now)
		default:
			return outcome{rev: r.rev, end: c.End}, nil
		}
	case campaign.Draft, campaign.Completed, campaign.Cancelled, campaign.Failed, campaign.Archived:
		return outcome{rev: r.rev}, nil
	}
	if err != nil && ctx.Err() == nil {
		return p.stumble(ctx, r, err)
	}
	if err != nil || !s.keep {
		return outcome{rev: r.rev, more: true, wait: s.wait}, err
	}
	c.Progress.Waiting, c.Updated = s.waiting, now
	if err := save(ctx, p, kindCampaign, id, &r); err != nil && !fault.Is(err, fault.Conflict) {
		return outcome{}, err
	}
	// After a conflict somebody else has decided something: the next step reads what.
	return outcome{rev: r.rev, more: true, wait: s.wait}, nil
}

// stumble keeps what went wrong with a step. What may be right the next time is waited for;
// anything else ends the preparation.
func (p *Platform) stumble(ctx context.Context, r record[campaign.Campaign], why error) (outcome, error) {
	c, kind := &r.Value, fault.KindOf(why)
	text := fault.Public(why)
	retry := kind == fault.Unavailable || kind == fault.Internal || c.State != campaign.Preparing || c.Pending != nil
	switch {
	case !retry:
		p.log.Warn("campaign failed", "campaign", string(c.ID), "error", why)
		if err := c.Fail(text, p.now()); err != nil {
			return outcome{rev: r.rev}, errors.Join(why, err)
		}
		why = nil
	case c.Pending != nil:
		if c.Pending.Problem == text {
			return outcome{rev: r.rev}, why
		}
		pending := *c.Pending
		pending.Problem, c.Pending = text, &pending
	case c.Progress.Waiting == text:
		return outcome{rev: r.rev}, why
	default:
		c.Progress.Waiting = text
	}
	if err := save(ctx, p, kindCampaign, string(c.ID), &r); err != nil && !fault.Is(err, fault.Conflict) {
		return outcome{}, errors.Join(why, err)
	}
	return outcome{rev: r.rev}, why
}

// begin is the first step of a preparation.
func (p *Platform) begin(c *campaign.Campaign, now time.Time) error {
	if !now.Before(c.End) {
		return c.Fail(tooLate, now)
	}
	return c.Prepare(newPush(), now)
}

func newPush() string { return "push-" + rand.Text() }

// prepare is one of the other steps: bundle, push, import.
func (p *Platform) prepare(ctx context.Context, c *campaign.Campaign) (step, error) {
	switch now := p.now(); {
	case c.Progress.Manifest == "" && !now.Before(c.End):
		return step{keep: true}, c.Fail(tooLate, now)
	case c.Progress.Manifest == "":
		return step{keep: true}, p.writeBundle(ctx, c)
	case c.Progress.Job == "":
		j, err := p.mim.push(ctx, c.Progress.Push, object.Key(c.Progress.Manifest))
		if err != nil {
			return step{}, missingTenant(err)
		}
		c.Progress.Job = j.ID
		p.log.Info("bundle pushed", "campaign", string(c.ID), "job", j.ID)
		return step{keep: true}, nil
	}
	return p.follow(ctx, c)
}

// missingTenant says what it means that a call of the tenant's is not found. An operator can
// put that right.
func missingTenant(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.Unavailable, err, "%s", fault.Public(err))
	}
	return err
}

// follow asks how far the import is.
func (p *Platform) follow(ctx context.Context, c *campaign.Campaign) (step, error) {
	j, err := p.mim.job(ctx, c.Progress.Job)
	if fault.Is(err, fault.NotFound) {
		// The middleware has lost it. A push of the same bundle under another id is a new
		// import, and without effect where the old one was complete.
		c.Progress.Job, c.Progress.Push = "", newPush()
		return step{keep: true, wait: minPoll}, nil
	}
	if err != nil {
		return step{}, err
	}
	was := c.Progress
	c.Progress.Imported, c.Progress.Rejected, c.Progress.Errors = j.Rows.Read-j.Rows.Rejected, j.Rows.Rejected, nil
	for _, r := range j.Rejected {
		c.Progress.Errors = append(c.Progress.Errors, fmt.Sprintf("%s line %d: %s", r.File, r.Line, r.Reason))
	}
	switch j.State {
	case jobComplete:
		p.log.Info("campaign imported", "campaign", string(c.ID), "rows", c.Progress.Imported, "rejected", c.Progress.Rejected)
		return step{keep: true}, c.Imported(p.now())
	case jobFailed:
		return step{keep: true}, c.Fail("the middleware has not imported it: "+j.Problem, p.now())
	}
	news := was.Imported != c.Progress.Imported || was.Rejected != c.Progress.Rejected || was.Waiting != j.Waiting
	// A small import is over at once, a large one need not be asked for all the time.
	wait := max(minPoll, min(p.cfg.Poll, p.now().Sub(c.Updated)/4))
	return step{keep: news, wait: wait, waiting: j.Waiting}, nil
}

// writeBundle writes the bundle of the campaign's version, if it is not there already.
func (p *Platform) writeBundle(ctx context.Context, c *campaign.Campaign) error {
	select {
	case p.writers <- struct{}{}:
		defer func() { <-p.writers }()
	case <-ctx.Done():
		return ctx.Err()
	}
	a, err := p.audience(ctx, c.Audience)
	if err != nil {
		return err
	}
	source, err := p.readSource(ctx, c.Template.Digest)
	if err != nil {
		return err
	}
	m := bundle.Manifest{
		Campaign: c.ID, Version: c.Version, Name: c.Name, Class: c.Class, Mailbox: c.Mailbox,
		Start: c.Start, End: c.End, Priority: c.Priority, Position: c.Position, Reinject: c.Reinject,
	}
	key, err := bundle.Write(ctx, p.bundles, "", m, source, a.Value.Columns[1:], p.rows(ctx, c.Audience))
	if fault.Is(err, fault.Conflict) {
		key = bundle.Key("", c.ID, c.Version)
		same, err := p.isBundle(ctx, key, m, message.Digest(source), a.Value.Rows)
		if err != nil {
			return err
		}
		if !same {
			// A campaign of this id has lived before, and its bundles are still there.
			c.Version++
			return nil
		}
	} else if err != nil {
		return fmt.Errorf("writing the bundle: %w", err)
	}
	c.Progress.Manifest, c.Progress.Rows = string(key), a.Value.Rows
	p.log.Info("bundle written", "campaign", string(c.ID), "version", uint64(c.Version), "rows", a.Value.Rows)
	return nil
}

// isBundle reports whether the bundle that is there is the one that would be written.
func (p *Platform) isBundle(ctx context.Context, key object.Key, want bundle.Manifest, template string, rows int64) (bool, error) {
	r, _, err := p.bundles.Get(ctx, key, 0)
	if err != nil {
		return false, fmt.Errorf("reading an earlier manifest: %w", err)
	}
	defer r.Close()
	body, err := io.ReadAll(io.LimitReader(r, bundle.MaxManifest+1))
	if err != nil {
		return false, fault.Wrap(fault.Unavailable, err, "an earlier manifest cannot be read")
	}
	m, err := bundle.Parse(body)
	if err != nil {
		return false, nil // whatever it is, it is not ours
	}
	return m.Name == want.Name && m.Class == want.Class && m.Mailbox == want.Mailbox && m.Priority == want.Priority &&
		m.Position == want.Position && m.Reinject == want.Reinject &&
		m.Start.Equal(want.Start) && m.End.Equal(want.End) && "sha256:"+m.Template.SHA256 == template && m.Rows() == rows, nil
}

// send sends the pending command once.
func (p *Platform) send(ctx context.Context, c *campaign.Campaign) (step, error) {
	pending := *c.Pending
	id := fmt.Sprintf("command-%s-%d-%d", c.ID, pending.Revision, c.Created.UnixMilli())
	_, err := p.mim.command(ctx, id, c.ID, pending)
	switch {
	case err == nil:
		return step{keep: true}, c.Acknowledged(pending.Revision, p.now())
	case !fault.Is(err, fault.Conflict):
		// Not found, too: the middleware keeps a recall of a campaign that it does not know, so
		// it is the tenant that is missing, and nothing was withdrawn.
		return step{}, err
	}
	// Somebody else steers the campaign, too.
	seen, readErr := p.mim.campaign(ctx, c.ID)
	switch {
	case readErr != nil:
		return step{}, errors.Join(err, readErr)
	case seen.State == campaign.Cancelled:
		return step{keep: true}, c.Recalled(p.now())
	case seen.Revision < pending.Revision:
		return step{}, err
	}
	c.Overtake(seen.Revision, p.now())
	return step{keep: true}, nil
}
