package gateway

import (
	"context"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/note"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// While the store does not answer, a session cannot know whether an injected message lies below
// what it is about to tell. It goes on, because mail comes first; and before it answers it notes,
// on the gateway's disk, what it may have passed. When the store answers again the note is
// replayed: such a message keeps its UID and gets a freshly raised mod-sequence, by which clients
// that synchronise by it find it (virtual-mailbox.md §7). A note never injects anew: one slow
// minute in the morning would ring every phone.

// passes notes that the client is about to be told past the UIDs from lo to hi, of which it is
// not known what they are.
func (s *session) passes(lo, hi imap.UID) {
	m := s.mbox
	if m == nil || m.validity == 0 || lo == 0 || lo > hi {
		return
	}
	s.g.metrics.passed.Inc()
	if s.g.notes == nil {
		return
	}
	err := s.g.notes.Add(note.Note{
		Place: note.Place{Tenant: s.g.cfg.Tenant, User: s.user, Mailbox: m.name, Validity: m.validity}, Lo: lo, Hi: hi, At: time.Now().UTC(),
	})
	if err != nil {
		s.log.Error("what was passed could not be noted", "mailbox", m.name, "error", err)
	}
}

const (
	replayEvery = 5 * time.Second
	// replayAtOnce bounds what a store is asked that has just come back.
	replayAtOnce = 200
)

// replay replays notes until ctx ends.
func (g *Gateway) replay(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-time.After(jittered(replayEvery)):
		case <-ctx.Done():
			return
		}
		notes := g.notes.All()
		var done []note.Note
		for _, n := range notes[:min(len(notes), replayAtOnce)] {
			if err := g.replayOne(ctx, n); err != nil {
				g.log.Info("notes are replayed later", "count", len(notes)-len(done), "error", err)
				break
			}
			done = append(done, n)
		}
		if len(done) == 0 {
			continue
		}
		if err := g.notes.Done(done); err != nil {
			g.log.Error("notes that were replayed could not be removed", "error", err)
		}
	}
}

// replayOne has the mod-sequence raised of every injected message that a note may speak of: it is
// written as pending, and the next session that finds it so raises and settles it.
func (g *Gateway) replayOne(ctx context.Context, n note.Note) error {
	ctx, cancel := context.WithTimeout(ctx, g.cfg.KnownBudget)
	defer cancel()
	person := injection.Person{Tenant: n.Tenant, User: n.User}
	all, err := g.service.Placements(ctx, person)
	if err != nil {
		return ignoreGone(err)
	}
	for _, p := range all {
		if p.State != placement.Live || p.Mailbox != n.Mailbox || p.UIDValidity != n.Validity || p.UID < n.Lo || p.UID > n.Hi {
			continue
		}
		p, err := g.service.SetFlags(ctx, injection.FlagsRequest{Person: person, ID: p.ID, Touch: true})
		if err := ignoreGone(err); err != nil {
			return err
		}
		if err == nil {
			g.metrics.replayed.Inc()
			g.known.change(n.User, p)
			g.bells.ring(n.User, nil)
		}
	}
	return nil
}

// ignoreGone gives the errors that are worth another attempt.
func ignoreGone(err error) error {
	switch fault.KindOf(err) {
	case fault.Conflict, fault.NotFound, fault.Invalid:
		return nil
	}
	return err
}
