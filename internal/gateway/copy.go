package gateway

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
)

// copy runs COPY and UID COPY.
//
//	copy = "COPY" SP sequence-set SP mailbox
//
// Injected messages are materialised: their bytes are appended to the target, with flags and
// INTERNALDATE, first; a NO ends the command as it would have ended the COPY. Then the real
// part is copied; if that says NO the appended ones are taken back. One COPYUID covers both.
func (s *session) copy(c *command.Command, a *command.Copy) error {
	m := s.mbox
	if m == nil || !m.active {
		return s.forward(c)
	}
	if m.asWritten(a.Set, a.UID) {
		return s.forward(c)
	}
	sel, err := s.savedOr(a.Saved, a.Set, a.UID)
	if err != nil {
		return err
	}
	target := string(imap.AppendQuoted(nil, a.Octets))
	var made materialised
	if len(sel.injected) > 0 && !sel.beyond {
		refused, err := s.materialise(target, sel.injected, &made)
		if err != nil {
			return err
		}
		if refused != "" {
			if _, err := s.takeBack(a.Mailbox, target, made); err != nil {
				return err
			}
			return s.answerSettled(tagged{kind: "NO", raw: []byte(c.Tag + " " + refused)})
		}
	}
	if sel.ours() {
		if len(sel.injected) == 0 {
			return s.local(c, a.SetStart, a.SetEnd, a.UID, sel, func() error { return nil })
		}
		if _, err := s.own("NOOP", nil); err != nil {
			return err
		}
		return s.arrived(c, a, made, tagged{kind: "OK", raw: []byte(c.Tag + " OK Copy completed.\r\n")})
	}
	raw := splice(c.Raw, a.SetStart, a.SetEnd, backendSet(sel))
	res, err := s.exchange(c.Tag, raw, shift(c.Literals, a.SetEnd, len(raw)-len(c.Raw)), nil)
	if err != nil {
		return err
	}
	if !res.ok() {
		if _, err := s.takeBack(a.Mailbox, target, made); err != nil {
			return err
		}
	}
	return s.arrived(c, a, made, res)
}

// arrived answers a COPY of which made was our part.
func (s *session) arrived(c *command.Command, a *command.Copy, made materialised, res tagged) error {
	if res.ok() && len(made.src) > 0 {
		if a.Saved && res.status.Code == "" {
			// Nothing real was in "$", and the backend may have said so.
			res = tagged{kind: "OK", raw: []byte(c.Tag + " OK Copy completed.\r\n"), bye: res.bye}
		}
		res.raw = made.merge(res, len(c.Tag))
		res.status = response.ParseStatus(bytes.TrimPrefix(res.raw[len(c.Tag):], []byte(" OK")))
	}
	return s.answerArrived(res, a.Mailbox)
}

// materialised is what COPY has appended.
type materialised struct {
	validity uint32
	src, dst []imap.UID
}

// materialise appends injected messages to the target with their flags and dates, in one
// command where the backend has MULTIAPPEND. refused is the backend's "NO …" line without the tag.
func (s *session) materialise(target string, uids []imap.UID, made *materialised) (refused string, err error) {
	var msgs []ownMessage
	for _, uid := range uids {
		e := s.mbox.entries[uid]
		if e == nil {
			continue
		}
		msg, err := s.g.render.message(e.template, &e.p)
		if err != nil {
			s.log.Error("injected message not rendered", "placement", e.p.ID, "error", err)
			return "NO " + unavailable.text + "\r\n", nil
		}
		msgs = append(msgs, ownMessage{raw: msg.Raw(), flags: e.p.Flags, date: e.p.InternalDate})
		made.src = append(made.src, uid)
	}
	atOnce := 1
	if s.caps.Has("MULTIAPPEND") {
		atOnce = max(len(msgs), 1)
	}
	for batch := range slices.Chunk(msgs, atOnce) {
		validity, got, no, err := s.appendOwn(target, batch)
		switch {
		case err != nil:
			return "", err
		case strings.HasPrefix(no, noUID):
			continue // stored; without UIDPLUS there is no COPYUID either
		case no != "":
			return no, nil
		}
		made.validity = validity
		made.dst = append(made.dst, got...)
	}
	return "", nil
}

// merge puts what was appended into the backend's tagged answer.
func (x materialised) merge(res tagged, tagLen int) []byte {
	code := x.copyUID(res.status)
	if code == "" {
		return res.raw // of which nothing is known: the answer can carry one code only
	}
	rest := res.raw[tagLen+len(" OK"):]
	if res.status.Code == "COPYUID" {
		rest = rest[bytes.IndexByte(rest, ']')+1:]
	} else {
		rest = []byte(" Copy completed.\r\n") // the backend says that it found nothing to copy
	}
	out := append([]byte(nil), res.raw[:tagLen+len(" OK")]...)
	out = fmt.Appendf(out, " [%s]", code)
	return append(out, rest...)
}

// copyUID is the COPYUID of what was appended and what the backend says that it copied. The
// sets of COPYUID pair up position by position (rfc4315 §3); the appended ones came first. It
// is empty if they cannot be told together.
func (x materialised) copyUID(st response.Status) string {
	if len(x.dst) != len(x.src) {
		return ""
	}
	src, dst := appendUIDs(nil, x.src), appendUIDs(nil, x.dst)
	switch f := bytes.Fields(st.CodeArgs); {
	case st.Code == "":
	case st.Code != "COPYUID" || len(f) != 3 || string(f[0]) != strconv.FormatUint(uint64(x.validity), 10):
		return ""
	default:
		src, dst = fmt.Appendf(src, ",%s", f[1]), fmt.Appendf(dst, ",%s", f[2])
	}
	return fmt.Sprintf("COPYUID %d %s %s", x.validity, src, dst)
}

// appendUIDs writes UIDs in their order, not as ranges: the order is the meaning.
func appendUIDs(b []byte, uids []imap.UID) []byte {
	for i, u := range uids {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(u), 10)
	}
	return b
}

// takeBack expunges what was appended, because the rest of the command was refused. The
// target is not the selected mailbox as a rule, and selecting it here would end the view: so
// it is done over a second connection, with the person's own rights. kept says that the copies
// are still there.
func (s *session) takeBack(mailbox, target string, made materialised) (kept bool, err error) {
	if len(made.dst) == 0 {
		return false, nil
	}
	set := setOfUIDs(made.dst).String()
	if s.mbox.name == mailbox && s.mbox.validity == made.validity {
		if _, err := s.own("UID STORE "+set+` +FLAGS.SILENT (\Deleted)`, nil); err != nil {
			return true, err
		}
		res, err := s.own("UID EXPUNGE "+set, nil)
		return !res.ok(), err
	}
	if err := s.takeBackElsewhere(target, set, made.validity); err != nil {
		s.log.Error("copies of injected messages stay behind a command that was refused", "mailbox", mailbox, "uids", set, "error", err)
		return true, nil
	}
	return false, nil
}

func setOfUIDs(uids []imap.UID) imap.Set {
	var set imap.Set
	for _, u := range uids {
		set.Add(uint32(u))
	}
	return set
}

func (s *session) takeBackElsewhere(target, set string, validity uint32) error {
	ctx, cancel := context.WithTimeout(s.ctx, asideTime)
	defer cancel()
	side, err := s.aside(ctx)
	if err != nil {
		return err
	}
	defer side.leave()
	got, err := side.open("SELECT", target)
	if err != nil {
		return err
	}
	if got != validity {
		return fmt.Errorf("the target has UIDVALIDITY %d by now, not %d", got, validity)
	}
	for _, text := range []string{"UID STORE " + set + ` +FLAGS.SILENT (\Deleted)`, "UID EXPUNGE " + set} {
		if res, err := side.own(text, nil); err != nil || !res.ok() {
			return fmt.Errorf("%s: %v %s", text, err, res.kind) //nolint:errorlint // may be nil
		}
	}
	return nil
}
