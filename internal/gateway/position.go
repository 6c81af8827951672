package gateway

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/placement"
)

// A message stands where its UID puts it; what clients show is mostly sorted by date. So a
// message that is to be the nth from the top has a date between those of the (n−1)th and
// the nth newest (virtual-mailbox.md §6).

// dates gives claims the dates of their positions.
func (s *session) dates(claims []claiming) error {
	now := time.Now().UTC().Truncate(time.Second)
	for i := range claims {
		c := &claims[i]
		c.date = now
		kind, n, err := c.position.Parse()
		if err != nil {
			s.log.Warn("a position is not understood", "campaign", c.p.Campaign, "error", err)
		}
		if kind != campaign.AtPlace {
			continue
		}
		if c.date, err = s.dateFor(n, now); err != nil {
			return err
		}
	}
	return nil
}

// lookedAt is how many messages more than n are looked at to find the n newest ones: the last
// ones by UID, most of which are the newest by date too.
const lookedAt = 16

// dateFor gives INTERNALDATE and Date of a message that is to stand at position n, from 1, the
// top. It asks the backend for the dates of its last messages. In a mailbox of fewer messages it
// stands behind the last.
func (s *session) dateFor(n int, now time.Time) (time.Time, error) {
	if n <= 1 {
		return now, nil
	}
	arrived, sent, err := s.lastDates(n + lookedAt)
	if err != nil || len(arrived) == 0 {
		return now, err
	}
	lo, hi := between(arrived, n)
	// Some clients sort by INTERNALDATE and some by Date: both at once where it is possible.
	if sentLo, sentHi := between(sent, n); sentLo.Before(hi) && lo.Before(sentHi) {
		lo, hi = later(lo, sentLo), earlier(hi, sentHi)
	}
	if date := lo.Add(hi.Sub(lo) / 2).UTC().Truncate(time.Second); date.Before(now) {
		return date, nil
	}
	return now, nil
}

// between gives the dates of the nth newest and of the one above it.
func between(dates []time.Time, n int) (lo, hi time.Time) {
	slices.SortFunc(dates, func(a, b time.Time) int { return b.Compare(a) })
	if n > len(dates) {
		last := dates[len(dates)-1]
		return last.Add(-time.Hour), last
	}
	return dates[n-1], dates[n-2]
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// lastDates gives INTERNALDATE and Date of the last messages of the selected mailbox, real and
// injected ones. A message whose Date cannot be read was sent when it arrived.
func (s *session) lastDates(n int) (arrived, sent []time.Time, err error) {
	m := s.mbox
	for _, p := range s.g.known.of(s.user) {
		if p.State == placement.Live && p.Mailbox == m.name && p.UIDValidity == m.validity {
			arrived, sent = append(arrived, p.InternalDate), append(sent, p.InternalDate)
		}
	}
	last := m.view.Backend()
	if last == 0 {
		return arrived, sent, nil
	}
	first := uint32(1)
	if last > uint32(n) { //nolint:gosec // small
		first = last - uint32(n) + 1 //nolint:gosec // small
	}
	_, err = s.own(fmt.Sprintf("FETCH %d:%d (INTERNALDATE BODY.PEEK[HEADER.FIELDS (DATE)]<0.200>)", first, last),
		s.collect("FETCH", heldLine, func(h response.Head, rest []byte) error {
			f, err := response.ParseFetch(rest)
			if err != nil {
				return desync{err}
			}
			seq := imap.SeqNum(h.Num)
			if f.InternalDate.IsZero() {
				return s.flagsAside(seq, f)
			}
			if !m.view.Hidden().Contains(h.Num) {
				arrived, sent = append(arrived, f.InternalDate), append(sent, sentAt(f))
			}
			return nil
		}))
	return arrived, sent, err
}

// sentAt is the Date of a message.
func sentAt(f response.Fetch) time.Time {
	for _, b := range f.Sections {
		_, value, _ := strings.Cut(string(b), ":")
		if t, err := mail.ParseDate(strings.TrimSpace(value)); err == nil {
			return t
		}
	}
	return f.InternalDate
}
