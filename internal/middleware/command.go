package middleware

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/store"
)

// Verb is what a command does to a campaign: the platform and other tools say the same words.
type Verb = campaign.Command

// The commands.
const (
	Pause  = campaign.Pause
	Resume = campaign.Resume
	Recall = campaign.Recall
)

// Command controls a campaign. Its revision is of the sender's making and only grows, so that
// commands that overtake each other on the way do no harm.
type Command struct {
	Campaign campaign.ID `json:"campaign"`
	Command  Verb        `json:"command"`
	Revision uint64      `json:"revision"`
}

// keepSigned is for how long the ids of signed messages are remembered: far longer than their
// timestamps are accepted.
const keepSigned = 72 * time.Hour

// maxCommandAttempts bounds how often a command meets another writer of the same campaign.
const maxCommandAttempts = 16

// stateAfter is where a command leads, and whether it may from where the campaign is.
func stateAfter(v Verb, from campaign.State) (campaign.State, bool) {
	switch v {
	case Pause:
		return campaign.Paused, from == campaign.Running || from == campaign.Paused
	case Resume:
		return campaign.Running, from == campaign.Running || from == campaign.Paused
	case Recall:
		return campaign.Cancelled, true
	}
	return from, false
}

// obey carries a command out, once per id. The same id with the same body (by digest) answers
// as it did, with another body it is Conflict; so is a revision that is not greater than the
// last one, unless it is the last one's and says the same. A campaign that is not known yet can
// only be recalled: a recall wins over whatever comes later.
func (m *Middleware) obey(ctx context.Context, t *tenant, id, digest string, c Command) (campaign.Active, error) {
	var check checker
	if !campaign.ValidID(string(c.Campaign)) {
		check.fail("campaign", fmt.Sprintf("must be 1 to %d of a-z, 0-9 and -", campaign.MaxID))
	}
	if c.Command != Pause && c.Command != Resume && c.Command != Recall {
		check.fail("command", `must be "pause", "resume" or "recall"`)
	}
	if c.Revision == 0 {
		check.fail("revision", "must be 1 or greater")
	}
	if err := check.err(); err != nil {
		return campaign.Active{}, err
	}
	if kept, _, err := t.Once(ctx, "command:"+id, []byte(digest), m.now(), keepSigned); err != nil {
		return campaign.Active{}, fmt.Errorf("remembering a command: %w", err)
	} else if string(kept) != digest {
		return campaign.Active{}, fault.New(fault.Conflict, "this id was used for another command")
	}
	for range maxCommandAttempts {
		active, done, err := m.tryObey(ctx, t, id, c)
		if err != nil || done {
			return active, err
		}
	}
	return campaign.Active{}, fault.New(fault.Unavailable, "the campaign is being changed by others")
}

// tryObey is one attempt; not done means that the campaign was changed under it.
func (m *Middleware) tryObey(ctx context.Context, t *tenant, id string, c Command) (active campaign.Active, done bool, err error) {
	doc, err := t.Get(ctx, kindCampaign, string(c.Campaign))
	switch {
	case fault.Is(err, fault.NotFound) && c.Command == Recall:
		// Its bundle may be on its way. What is kept now refuses it when it comes (Rev is 0: the
		// document is made).
		doc, active = store.Doc{ID: string(c.Campaign)}, campaign.Active{ID: c.Campaign}
	case fault.Is(err, fault.NotFound):
		return active, true, fault.New(fault.NotFound, "there is no campaign %q", c.Campaign)
	case err != nil:
		return active, true, fmt.Errorf("reading campaign %s: %w", c.Campaign, err)
	default:
		if err := json.Unmarshal(doc.Body, &active); err != nil {
			return active, true, fault.Wrap(fault.Internal, err, "the document of campaign %s is damaged", doc.ID)
		}
	}
	next, allowed := stateAfter(c.Command, active.State)
	switch {
	case c.Revision == active.Revision && next == active.State:
		return active, true, nil
	case c.Revision <= active.Revision:
		// Obeyed already and overtaken since, or too late: what was kept tells.
		kept, _, err := t.Once(ctx, "obeyed:"+id, []byte("no"), m.now(), keepSigned)
		if err != nil {
			return active, true, fmt.Errorf("remembering a command: %w", err)
		}
		if string(kept) == "yes" {
			return active, true, nil
		}
		return active, true, fault.New(fault.Conflict, "revision %d is not greater than %d, the last one obeyed", c.Revision, active.Revision)
	case !allowed:
		return active, true, fault.New(fault.Conflict, "a campaign that is %s cannot be told to %s", active.State, c.Command)
	}
	active.State, active.Revision = next, c.Revision
	body, err := json.Marshal(active)
	if err != nil {
		return active, true, fmt.Errorf("writing campaign %s: %w", c.Campaign, err)
	}
	_, err = t.Put(ctx, kindCampaign, doc.ID, doc.Rev, body)
	if fault.Is(err, fault.Conflict) {
		return active, false, nil
	}
	if err != nil {
		return active, true, fmt.Errorf("writing campaign %s: %w", c.Campaign, err)
	}
	if _, _, err := t.Once(ctx, "obeyed:"+id, []byte("yes"), m.now(), keepSigned); err != nil {
		m.log.Warn("that a command was obeyed is not remembered; repeated after later ones it will be refused", "tenant", t.id, "error", err)
	}
	m.log.Info("command obeyed", "tenant", t.id, "campaign", c.Campaign, "command", string(c.Command), "revision", c.Revision)
	m.ring()
	return active, true, nil
}
