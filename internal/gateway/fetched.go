package gateway

import (
	"bufio"
	"context"
	"slices"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/message"
)

// answer writes the FETCH response of an injected message: UID first (a client mixes messages
// up otherwise), then what was asked for in its order, FLAGS that the request changed, and
// bodies last, as Dovecot does. The octets go from the shared rendering to the client.
func (f *fetching) answer(n imap.SeqNum, e *entry, msg *message.Message) {
	asked := func(name string) bool {
		return slices.ContainsFunc(f.items, func(it command.FetchItem) bool { return it.Name == name })
	}
	seen := f.seen[e.p.UID] || f.markSeen(e)
	if seen || asked("FLAGS") {
		f.s.announce(e.p.Flags) // another session may have given it a keyword
	}
	f.s.fetchHead(n)
	w := attributes{out: f.s.out, done: map[string]bool{}}
	if f.a.UID || asked("UID") {
		w.add("UID", strconv.AppendUint(nil, uint64(e.p.UID), 10))
	}
	for _, it := range f.items {
		switch {
		case it.Name == "MODSEQ":
			w.add(it.Name, modSeqItem(f.s.mbox.modSeq(e)))
		case !isBody(it):
			w.add(it.Name, attribute(it, e, msg))
		}
	}
	if seen {
		w.add("FLAGS", appendFlags(nil, e.flagList()))
	}
	for _, it := range f.items {
		switch {
		case it.Name == "BINARY[]", it.Name == "BINARY.SIZE[]":
			f.binary(&w, it, msg)
		case isBody(it):
			w.body(it, msg)
		}
	}
	w.end("UID", strconv.AppendUint(nil, uint64(e.p.UID), 10))
}

// attributes writes the items of a FETCH response, each name once.
type attributes struct {
	out  *bufio.Writer
	done map[string]bool
}

// begin opens an item; false if it was written before.
func (w *attributes) begin(name string) bool {
	if w.done[name] {
		return false
	}
	sep := " "
	if len(w.done) == 0 {
		sep = " ("
	}
	w.done[name] = true
	_, _ = w.out.WriteString(sep + name + " ")
	return true
}

func (w *attributes) add(name string, value []byte) {
	if w.begin(name) {
		_, _ = w.out.Write(value)
	}
}

// body writes an item that carries octets of the message, NIL where it has no such section.
func (w *attributes) body(it command.FetchItem, msg *message.Message) {
	name, section := bodyItem(it, msg)
	if !w.begin(name) {
		return
	}
	head, data := msg.Answer(section)
	_, _ = w.out.WriteString(head)
	_, _ = w.out.Write(data)
}

// end closes the list; one of which nothing came has the item that is given: it must have one.
func (w *attributes) end(name string, value []byte) {
	if len(w.done) == 0 {
		w.add(name, value)
	}
	_, _ = w.out.WriteString(")\r\n")
}

// attribute gives the value of an item that is no body.
func attribute(it command.FetchItem, e *entry, msg *message.Message) []byte {
	switch it.Name {
	case "UID":
		return strconv.AppendUint(nil, uint64(e.p.UID), 10)
	case "FLAGS":
		return appendFlags(nil, e.flagList())
	case "INTERNALDATE":
		return e.p.InternalDate.UTC().AppendFormat(nil, `"02-Jan-2006 15:04:05 -0700"`)
	case "RFC822.SIZE":
		return strconv.AppendInt(nil, msg.Size(), 10)
	case "ENVELOPE":
		return msg.AppendEnvelope(nil)
	case "BODY":
		return msg.AppendBody(nil)
	case "BODYSTRUCTURE":
		return msg.AppendBodyStructure(nil)
	case "EMAILID":
		return []byte("(" + emailID(&e.p) + ")")
	case "THREADID":
		return []byte("(" + threadID(&e.p) + ")")
	case "SAVEDATE":
		return saveDate(&e.p).AppendFormat(nil, `"02-Jan-2006 15:04:05 -0700"`)
	case "PREVIEW", "SNIPPET":
		return preview(it, msg)
	}
	return []byte("NIL")
}

func appendFlags(b []byte, flags []string) []byte {
	b = append(b, '(')
	b = append(b, strings.Join(flags, " ")...)
	return append(b, ')')
}

func isBody(it command.FetchItem) bool {
	switch it.Name {
	case "BODY[]", "RFC822", "RFC822.HEADER", "RFC822.TEXT", "BINARY[]", "BINARY.SIZE[]":
		return true
	}
	return false
}

// bodyItem gives the name in the response and the section of an item that carries octets.
func bodyItem(it command.FetchItem, msg *message.Message) (name string, section imap.Section) {
	switch it.Name {
	case "RFC822":
		return it.Name, imap.Section{}
	case "RFC822.HEADER":
		return it.Name, imap.Section{Specifier: imap.Header}
	case "RFC822.TEXT":
		return it.Name, imap.Section{Specifier: imap.Text}
	}
	return msg.SectionName(*it.Section), *it.Section
}

// setsSeen reports whether the item implies \Seen (rfc3501 §6.4.5).
func setsSeen(it command.FetchItem) bool {
	return (it.Name == "BODY[]" || it.Name == "BINARY[]") && !it.Peek || it.Name == "RFC822" || it.Name == "RFC822.TEXT"
}

// markSeen sets the \Seen that a body without PEEK implies, durably before it is told; where
// that cannot be done it is left out. In a mailbox opened read-only only the event is recorded.
// Nobody asked for it, so nobody waits for it for long, and not again for each message.
func (f *fetching) markSeen(e *entry) (changed bool) {
	s := f.s
	if !f.sets(e) || f.unseen || f.seen != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(s.ctx, max(claimBudget, s.g.cfg.LookupBudget))
	defer cancel()
	if s.mbox.readOnly || !s.mbox.permits(`\Seen`) {
		err := s.service.Record(ctx, s.person(), []injection.Observation{{Type: event.Read, Placement: e.p.ID, Campaign: e.p.Campaign}})
		if err != nil {
			f.unseen = fault.Is(err, fault.Unavailable)
			s.log.Info("reading not recorded", "placement", e.p.ID, "error", err)
		}
		return false
	}
	return f.setSeen(ctx, e)
}

// sets reports whether what is asked for implies \Seen for a message that has it not.
func (f *fetching) sets(e *entry) bool {
	return slices.ContainsFunc(f.items, setsSeen) && !e.p.Seen() && !e.left
}

// setSeen sets \Seen, durably.
func (f *fetching) setSeen(ctx context.Context, e *entry) bool {
	s := f.s
	pending, unraised := s.pends()
	p, err := s.service.SetFlags(ctx, injection.FlagsRequest{
		Person: s.person(), ID: e.p.ID, Op: injection.AddFlags, Flags: []string{`\Seen`}, Pending: pending, Unraised: unraised,
	})
	if err != nil {
		f.unseen = fault.Is(err, fault.Unavailable)
		s.log.Info("implicit \\Seen left out", "placement", e.p.ID, "error", err)
		return false
	}
	e.p = p
	s.changed(p)
	return true
}
