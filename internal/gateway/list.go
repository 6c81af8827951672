package gateway

import (
	"bytes"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
)

// list runs LIST. It is forwarded, but for the STATUS responses that RETURN (STATUS …) asks
// for (rfc5819): those of mailboxes that may hold placements are corrected.
func (s *session) list(c *command.Command, a *command.List) error {
	if s.service == nil || a.Status == nil {
		return s.forward(c)
	}
	l := &listing{s: s, items: a.Status, holders: s.holders()}
	if len(l.holders) == 0 {
		return s.forward(c)
	}
	if m := s.mbox; m != nil {
		if err := s.weighMarkers(m.name, a.Status); err != nil {
			return err
		}
	}
	raw := splice(c.Raw, a.StatusStart, a.StatusEnd, withPlace(a.Status))
	res, err := s.exchange(c.Tag, raw, shift(c.Literals, a.StatusEnd, len(raw)-len(c.Raw)), l.handle)
	if err != nil {
		return err
	}
	l.flush()
	for _, x := range l.claimed {
		name := string(imap.AppendQuoted(nil, x.octets))
		if _, err := s.correctedStatus(x.mailbox, l.items, func(h handler) (tagged, error) {
			return s.own("STATUS "+name+" ("+withPlace(l.items)+")", h)
		}); err != nil {
			return err
		}
	}
	if l.rings {
		if err := s.statusRings(); err != nil {
			return err
		}
	}
	return s.answerSettled(res)
}

// listing is the answer to a LIST with STATUS responses as it streams by. Each of a mailbox
// that may hold placements is a doorbell: the placements must be read behind it. From the
// first of them on what comes is held, up to a limit, so that one reading serves all and the
// order stays the backend's.
type listing struct {
	s       *session
	items   []string
	holders map[string]bool
	held    []listed
	size    int // octets held
	rings   bool
	claimed []*mailboxStatus // to be asked for again, when the claim has ended
}

// listed is a line that is held: as it is, or a STATUS response that is to be corrected.
type listed struct {
	line   []byte
	status *mailboxStatus
}

func (l *listing) handle(h response.Head) (bool, error) {
	s := l.s
	switch {
	case h.Name == "STATUS":
		x, err := s.mailboxStatus(h)
		if err != nil {
			return true, err
		}
		if len(l.held) == 0 && !l.holders[x.mailbox] {
			x.tell(s, l.items)
			return true, nil
		}
		l.hold(listed{status: x}, len(x.raw)+24*len(x.items))
	case h.Name == "LIST" && len(l.held) > 0:
		line := bytes.Clone(h.Raw)
		rest, err := s.rest(heldLine)
		if err != nil {
			return true, err
		}
		l.hold(listed{line: append(line, rest...)}, len(line)+len(rest))
	default:
		return false, nil
	}
	return true, nil
}

func (l *listing) hold(x listed, size int) {
	l.held = append(l.held, x)
	if l.size += size; l.size > heldLine {
		l.flush()
	}
}

// flush reads the placements, and tells what is held.
func (l *listing) flush() {
	if len(l.held) == 0 {
		return
	}
	s := l.s
	all, err := s.statusLedger()
	for _, x := range l.held {
		switch {
		case x.status == nil:
			_, _ = s.out.Write(x.line)
		case err == nil && beingClaimed(all, x.status.mailbox):
			l.claimed = append(l.claimed, x.status)
		case l.holders[x.status.mailbox]:
			l.rings = s.tellStatus(l.items, x.status, all) && err == nil || l.rings
		default:
			x.status.tell(s, l.items)
		}
	}
	l.held, l.size = nil, 0
}
