package gateway

import (
	"context"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/response"
	"inlay.example/inlay/internal/placement"
)

// leftElsewhere gives the markers that dead gateways left in a mailbox that is not the one open
// here, and that the backend has counted in its STATUS: those of claims whose lease ran out.
//
// They are looked for over a second connection and by EXAMINE, which changes nothing there, not
// even what is recent; to expunge them is left to who opens the mailbox. Where that connection
// cannot be made they are counted.
func (s *session) leftElsewhere(x *mailboxStatus, all []placement.Placement) []*marker {
	now := time.Now()
	var tokens []string
	for _, p := range all {
		if p.State == placement.Claimed && p.Mailbox == x.mailbox && uint64(p.UIDValidity) == x.value("UIDVALIDITY") && !p.Lease.After(now) {
			tokens = append(tokens, p.Token)
		}
	}
	if len(tokens) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, asideTime)
	defer cancel()
	found, err := s.findElsewhere(ctx, x, tokens)
	if err != nil {
		s.log.Info("markers left in another mailbox are not looked for", "mailbox", x.mailbox, "error", err)
	}
	return found
}

func (s *session) findElsewhere(ctx context.Context, x *mailboxStatus, tokens []string) (found []*marker, err error) {
	side, err := s.aside(ctx)
	if err != nil {
		return nil, err
	}
	defer side.leave()
	validity, err := side.open("EXAMINE", string(imap.AppendQuoted(nil, x.octets)))
	if err != nil || uint64(validity) != x.value("UIDVALIDITY") {
		return nil, err
	}
	for _, token := range tokens {
		var uids imap.Set
		if _, err := side.own("UID SEARCH HEADER "+markerHeader+" "+string(imap.AppendString(nil, token)),
			side.collect("SEARCH", heldLine, func(_ response.Head, rest []byte) error {
				nums, err := response.ParseSearch(rest)
				for _, n := range nums {
					uids.Add(n)
				}
				return wrapDesync(err)
			})); err != nil {
			return found, err
		}
		if uids.Empty() {
			continue
		}
		if _, err := side.own("UID FETCH "+uids.String()+" (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS ("+markerHeader+")])",
			side.collect("FETCH", heldLine, func(_ response.Head, rest []byte) error {
				f, err := response.ParseFetch(rest)
				if err != nil {
					return desync{err}
				}
				if got, is := markerToken(f); is && got == token && uint64(f.UID) < x.value("UIDNEXT") {
					mk := newMarker(token, f.Flags)
					mk.size = f.Size
					found = append(found, mk)
				}
				return nil
			})); err != nil {
			return found, err
		}
	}
	return found, nil
}
