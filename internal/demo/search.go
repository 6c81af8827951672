package demo

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	gomessage "github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // mail comes in more charsets than UTF-8
	"github.com/emersion/go-message/mail"
)

// Search implements imapserver.Session.
func (s *session) Search(kind imapserver.NumKind, c *imap.SearchCriteria, _ *imap.SearchOptions) (*imap.SearchData, error) {
	s.account.mu.Lock()
	list := s.find(imap.UIDSet{imap.UIDRange{Start: 1, Stop: 0}})
	s.settle(c)
	s.account.mu.Unlock()
	data := &imap.SearchData{}
	var seqs imap.SeqSet
	var uids imap.UIDSet
	for _, f := range list {
		if !f.matches(c) {
			continue
		}
		n := f.seq
		if kind == imapserver.NumKindUID {
			n = uint32(f.uid)
		}
		seqs.AddNum(f.seq)
		uids.AddNum(f.uid)
		if data.Count == 0 {
			data.Min = n
		}
		data.Max = n // they are in order
		data.Count++
	}
	data.All = seqs
	if kind == imapserver.NumKindUID {
		data.All = uids
	}
	return data, nil
}

// settle puts numbers in the place of "*" in all sets of the criteria; the account is locked.
func (s *session) settle(c *imap.SearchCriteria) {
	for i := range c.SeqNum {
		c.SeqNum[i], _ = s.static(c.SeqNum[i]).(imap.SeqSet)
	}
	for i := range c.UID {
		c.UID[i], _ = s.static(c.UID[i]).(imap.UIDSet)
	}
	for i := range c.Not {
		s.settle(&c.Not[i])
	}
	for i := range c.Or {
		s.settle(&c.Or[i][0])
		s.settle(&c.Or[i][1])
	}
}

// matches evaluates criteria: all of them must hold.
func (f found) matches(c *imap.SearchCriteria) bool {
	has := func(flag imap.Flag) bool {
		return slices.ContainsFunc(f.flags, func(o imap.Flag) bool { return sameFlag(o, flag) })
	}
	size := int64(len(f.raw))
	switch {
	case slices.ContainsFunc(c.SeqNum, func(set imap.SeqSet) bool { return !set.Contains(f.seq) }),
		slices.ContainsFunc(c.UID, func(set imap.UIDSet) bool { return !set.Contains(f.uid) }),
		slices.ContainsFunc(c.Flag, func(flag imap.Flag) bool { return !has(flag) }),
		slices.ContainsFunc(c.NotFlag, has),
		!between(f.date, c.Since, c.Before),
		c.Larger != 0 && size <= c.Larger,
		c.Smaller != 0 && size >= c.Smaller,
		slices.ContainsFunc(c.Not, func(not imap.SearchCriteria) bool { return f.matches(&not) }),
		slices.ContainsFunc(c.Or, func(or [2]imap.SearchCriteria) bool { return !f.matches(&or[0]) && !f.matches(&or[1]) }):
		return false
	}
	return f.matchesText(c)
}

// matchesText evaluates what needs the message to be read.
func (f found) matchesText(c *imap.SearchCriteria) bool {
	if len(c.Header)+len(c.Body)+len(c.Text) == 0 && c.SentSince.IsZero() && c.SentBefore.IsZero() {
		return true
	}
	e := f.entity()
	header := mail.Header{Header: e.Header}
	for _, h := range c.Header {
		if !fieldsHave(e.Header.FieldsByKey(h.Key), h.Value) {
			return false
		}
	}
	if !c.SentSince.IsZero() || !c.SentBefore.IsZero() {
		if sent, err := header.Date(); err != nil || !between(sent, c.SentSince, c.SentBefore) {
			return false
		}
	}
	for _, text := range c.Text {
		if !fieldsHave(e.Header.Fields(), text) && !bodyHas(f.entity(), text) {
			return false
		}
	}
	return !slices.ContainsFunc(c.Body, func(text string) bool { return !bodyHas(f.entity(), text) })
}

func (f found) entity() *gomessage.Entity {
	e, err := gomessage.Read(bytes.NewReader(f.raw))
	if e == nil || err != nil && !gomessage.IsUnknownCharset(err) {
		e, _ = gomessage.New(gomessage.Header{}, bytes.NewReader(f.raw))
	}
	return e
}

// between compares days without zones, as rfc3501 §6.4.4 says: since is inclusive, before not.
func between(t, since, before time.Time) bool {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return (since.IsZero() || !day.Before(since)) && (before.IsZero() || day.Before(before))
}

func fieldsHave(fields gomessage.HeaderFields, text string) bool {
	for fields.Next() {
		value, err := fields.Text()
		if err != nil {
			value = fields.Value()
		}
		if contains(value, text) {
			return true
		}
	}
	return false
}

func bodyHas(e *gomessage.Entity, text string) bool {
	hit := false
	_ = e.Walk(func(_ []int, part *gomessage.Entity, err error) error { // what cannot be read does not match
		if err != nil || part.MultipartReader() != nil {
			return nil //nolint:nilerr // the walk goes on
		}
		media, _, _ := part.Header.ContentType()
		if media == "" || strings.HasPrefix(media, "text/") {
			body, _ := io.ReadAll(part.Body)
			hit = hit || contains(string(body), text)
		}
		return nil
	})
	return hit
}

func contains(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}
