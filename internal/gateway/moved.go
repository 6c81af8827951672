package gateway

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// A MOVE whose gateway died leaves a placement that says "moving". Whoever finds it, when it has
// said so for longer than any MOVE should take, looks for the copy in the target and ends the
// move: done if the copy is there, and else undone, so that the message is in one place and in
// one only.

// placementHeader is the field of an injected message by which its copy is found.
const placementHeader = "X-Inlay-Placement"

// copyID tells where the copy of a message that is moving is found: in a mailbox with this
// UIDVALIDITY (0: not known), under this UID or a higher one (an earlier copy is not to be taken
// for it), by the placement's ID in its header.
type copyID struct {
	validity, next uint32
	id             placement.ID
	attempt        string // two sessions that move a message at the same moment are two, not one that repeats itself
}

func (c copyID) String() string {
	return fmt.Sprintf("%d %d %s %s", c.validity, c.next, c.id, c.attempt)
}

func parseCopyID(s string) (c copyID, err error) {
	f := strings.Fields(s)
	if len(f) != 4 {
		return c, fault.New(fault.Invalid, "%q does not tell where a copy is", s)
	}
	var n [2]uint64
	for i := range n {
		if n[i], err = strconv.ParseUint(f[i], 10, 32); err != nil {
			return c, fault.Wrap(fault.Invalid, err, "telling where a copy is")
		}
	}
	return copyID{uint32(n[0]), uint32(n[1]), placement.ID(f[2]), f[3]}, nil
}

// query is what finds the copy.
func (c copyID) query() string {
	return fmt.Sprintf("UID SEARCH UID %d:%d HEADER %s %s", max(c.next, 1), imap.MaxUID, placementHeader, imap.AppendString(nil, string(c.id)))
}

// withoutLeftMoves ends the moves that were left by somebody, and gives the placements as they
// are afterwards.
func (s *session) withoutLeftMoves(all []placement.Placement) ([]placement.Placement, error) {
	ended, err := s.endMoves(all)
	if err != nil || !ended {
		return all, err
	}
	if again, err := s.placements(s.g.cfg.KnownBudget); err == nil {
		return again, nil
	}
	return all, nil
}

// endMoves ends the moves that were left by somebody; ended says that the placements are to be
// read again. What cannot be looked for now is left to the next one who finds it.
func (s *session) endMoves(all []placement.Placement) (ended bool, err error) {
	now := time.Now()
	for _, p := range all {
		if p.State != placement.Moving || now.Sub(p.Changed) < s.g.cfg.MoveLease {
			continue
		}
		found, known, err := s.findCopy(p)
		if err != nil {
			return ended, err
		}
		if !known {
			continue
		}
		ctx, cancel := context.WithTimeout(s.ctx, s.g.cfg.KnownBudget)
		now, err := s.service.EndMove(ctx, injection.EndMoveRequest{Person: s.person(), ID: p.ID, Done: found, Pending: found, Unraised: found})
		cancel()
		if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
			s.log.Info("move left by somebody not ended", "placement", p.ID, "error", err)
			continue
		}
		s.log.Info("move left by somebody ended", "placement", p.ID, "mailbox", p.Target, "state", now.State)
		ended = true
	}
	return ended, nil
}

// findCopy looks for the copy of a placement that is moving: where the target is what this
// session has open, here, and else over a second connection. known is false if nobody could look.
// Only this session's own connection makes an error.
func (s *session) findCopy(p placement.Placement) (found, known bool, err error) {
	where, err := parseCopyID(p.Copy)
	if err != nil {
		s.log.Error("a move cannot be ended", "placement", p.ID, "error", err)
		return false, false, nil
	}
	if m := s.mbox; m != nil && m.active && m.name == p.Target {
		if where.validity != 0 && m.validity != where.validity {
			return false, true, nil
		}
		found, err = s.searchCopy(where)
		return found, err == nil, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, asideTime)
	defer cancel()
	side, err := s.aside(ctx)
	if err != nil {
		s.log.Info("no connection to look for a copy", "placement", p.ID, "error", err)
		return false, false, nil
	}
	defer side.leave()
	validity, err := side.open("EXAMINE", string(imap.AppendQuoted(nil, imap.EncodeMailbox(p.Target))))
	switch {
	case err != nil:
		s.log.Info("a move's target cannot be looked into", "placement", p.ID, "error", err)
		return false, false, nil
	case validity == 0 || where.validity != 0 && validity != where.validity:
		// It is gone, or is another one, or may not be looked into: where the copy is, nobody can
		// tell. The person keeps the message.
		return false, true, nil
	}
	found, err = side.searchCopy(where)
	return found, err == nil, nil
}

func (s *session) searchCopy(where copyID) (found bool, err error) {
	res, err := s.own(where.query(), s.collect("SEARCH", heldLine, func(_ response.Head, rest []byte) error {
		uids, err := response.ParseSearch(rest)
		for _, u := range uids {
			// "n:*" is the last message too where that is below n (rfc9051 §9, seq-range).
			found = found || u >= where.next
		}
		return wrapDesync(err)
	}))
	if err == nil && !res.ok() {
		err = fmt.Errorf("looking for a copy: %s", res.kind)
	}
	return found, err
}
