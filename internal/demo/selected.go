package demo

import (
	"bufio"
	"bytes"
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-message/textproto"
)

// found is a message as a command has found it: what may change was copied.
type found struct {
	*message
	seq   uint32 // in the client's numbering; 0: the client has not heard of it yet
	at    uint32 // in the mailbox's numbering
	flags []imap.Flag
}

// find gives the messages of a set; the account is locked. The client's numbers cannot change
// before its own command has ended, so that they can be written without the lock.
func (s *session) find(set imap.NumSet) []found {
	set = s.static(set)
	var out []found
	for i, m := range s.box.messages {
		f := found{message: m, at: uint32(i + 1), seq: s.tracker.EncodeSeqNum(uint32(i + 1)), flags: slices.Clone(m.flags)}
		switch set := set.(type) {
		case imap.SeqSet:
			if f.seq != 0 && set.Contains(f.seq) {
				out = append(out, f)
			}
		case imap.UIDSet:
			if f.seq != 0 && set.Contains(m.uid) {
				out = append(out, f)
			}
		}
	}
	return out
}

// static puts a number in the place of "*". rfc3501 §9, seq-number: "*" is the largest number
// in use, and "7:*" is the same as "*:7".
func (s *session) static(set imap.NumSet) imap.NumSet {
	var lastSeq, lastUID uint32
	for i, m := range s.box.messages {
		if seq := s.tracker.EncodeSeqNum(uint32(i + 1)); seq != 0 {
			lastSeq, lastUID = seq, uint32(m.uid)
		}
	}
	fix := func(n, last uint32) uint32 {
		if n == 0 {
			return last
		}
		return n
	}
	switch set := set.(type) {
	case imap.SeqSet:
		var out imap.SeqSet
		for _, r := range set {
			a, b := fix(r.Start, lastSeq), fix(r.Stop, lastSeq)
			out.AddRange(min(a, b), max(a, b))
		}
		return out
	case imap.UIDSet:
		var out imap.UIDSet
		for _, r := range set {
			a, b := fix(uint32(r.Start), lastUID), fix(uint32(r.Stop), lastUID)
			out.AddRange(imap.UID(min(a, b)), imap.UID(max(a, b)))
		}
		return out
	}
	return set
}

// Fetch implements imapserver.Session.
func (s *session) Fetch(w *imapserver.FetchWriter, set imap.NumSet, o *imap.FetchOptions) error {
	reads := slices.ContainsFunc(o.BodySection, func(b *imap.FetchItemBodySection) bool { return !b.Peek }) && !s.readOnly
	s.account.mu.Lock()
	list := s.find(set)
	for i, f := range list {
		if reads && s.box.change(f.message, imap.StoreFlagsAdd, []imap.Flag{imap.FlagSeen}) {
			list[i].flags = slices.Clone(f.message.flags)
			s.box.tracker.QueueMessageFlags(f.at, f.uid, list[i].flags, nil)
		}
	}
	s.account.mu.Unlock()
	for _, f := range list {
		if err := f.write(w.CreateMessage(f.seq), o); err != nil {
			return err
		}
	}
	return nil
}

func (f found) write(w *imapserver.FetchResponseWriter, o *imap.FetchOptions) error {
	if o.UID {
		w.WriteUID(f.uid)
	}
	if o.Flags {
		w.WriteFlags(f.flags)
	}
	if o.InternalDate {
		w.WriteInternalDate(f.date)
	}
	if o.RFC822Size {
		w.WriteRFC822Size(int64(len(f.raw)))
	}
	if o.Envelope {
		header, err := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(f.raw)))
		if err != nil {
			header = textproto.Header{} // appended by a client, and no message: nothing to tell
		}
		w.WriteEnvelope(imapserver.ExtractEnvelope(header))
	}
	if o.BodyStructure != nil {
		w.WriteBodyStructure(imapserver.ExtractBodyStructure(bytes.NewReader(f.raw)))
	}
	for _, section := range o.BodySection {
		data := imapserver.ExtractBodySection(bytes.NewReader(f.raw), section)
		body := w.WriteBodySection(section, int64(len(data)))
		if _, err := body.Write(data); err != nil {
			return err
		}
		if err := body.Close(); err != nil {
			return err
		}
	}
	return w.Close()
}

// Store implements imapserver.Session.
func (s *session) Store(w *imapserver.FetchWriter, set imap.NumSet, flags *imap.StoreFlags, _ *imap.StoreOptions) error {
	if s.readOnly {
		return no("READ-ONLY", "Mailbox is read-only")
	}
	s.account.mu.Lock()
	list := s.find(set)
	for i, f := range list {
		if s.box.change(f.message, flags.Op, flags.Flags) {
			list[i].flags = slices.Clone(f.message.flags)
			s.box.tracker.QueueMessageFlags(f.at, f.uid, list[i].flags, s.tracker)
		}
	}
	s.account.mu.Unlock()
	if flags.Silent {
		return nil
	}
	_, uid := set.(imap.UIDSet)
	for _, f := range list {
		if err := f.write(w.CreateMessage(f.seq), &imap.FetchOptions{UID: uid, Flags: true}); err != nil {
			return err
		}
	}
	return nil
}

// Expunge implements imapserver.Session. Sessions are told when they are polled.
func (s *session) Expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	if s.readOnly {
		if uids == nil && *w == (imapserver.ExpungeWriter{}) {
			return nil // rfc3501 §6.4.2: CLOSE after EXAMINE removes nothing and is no error
		}
		return no("READ-ONLY", "Mailbox is read-only")
	}
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	if uids != nil {
		set, ok := s.static(*uids).(imap.UIDSet)
		if ok {
			uids = &set
		}
	}
	s.box.expunge(uids)
	return nil
}

// Copy implements imapserver.Session.
func (s *session) Copy(set imap.NumSet, to string) (*imap.CopyData, error) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	b, err := s.mailbox(to, imap.ResponseCodeTryCreate)
	if err != nil {
		return nil, err
	}
	data := &imap.CopyData{UIDValidity: b.validity}
	for _, f := range s.find(set) {
		data.SourceUIDs.AddNum(f.uid)
		data.DestUIDs.AddNum(b.append(f.raw, f.flags, f.date))
	}
	if len(data.SourceUIDs) == 0 {
		return nil, nil //nolint:nilnil // nothing was copied, so there is no COPYUID
	}
	return data, nil
}
