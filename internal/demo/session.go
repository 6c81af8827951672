package demo

import (
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

const delimiter = '/'

// session is one connection. imapserver calls it from one goroutine at a time.
type session struct {
	server   *Server
	account  *account
	box      *mailbox
	readOnly bool
	tracker  *imapserver.SessionTracker
}

var (
	_ imapserver.Session          = (*session)(nil)
	_ imapserver.SessionNamespace = (*session)(nil)
)

func no(code imap.ResponseCode, text string) error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: text}
}

// Login implements imapserver.Session.
func (s *session) Login(user, password string) (err error) {
	s.account, err = s.server.login(user, password)
	return err
}

// Close implements imapserver.Session.
func (s *session) Close() error { return s.Unselect() }

// mailbox finds a mailbox; the account is locked.
func (s *session) mailbox(name string, code imap.ResponseCode) (*mailbox, error) {
	if strings.EqualFold(name, "INBOX") {
		name = "INBOX"
	}
	if b := s.account.boxes[name]; b != nil {
		return b, nil
	}
	return nil, no(code, "No such mailbox")
}

// Select implements imapserver.Session.
func (s *session) Select(name string, o *imap.SelectOptions) (*imap.SelectData, error) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	b, err := s.mailbox(name, imap.ResponseCodeNonExistent)
	if err != nil {
		return nil, err
	}
	s.box, s.readOnly, s.tracker = b, o.ReadOnly, b.tracker.NewSession()
	data := &imap.SelectData{
		Flags: b.allFlags(), NumMessages: uint32(len(b.messages)), UIDNext: b.next, UIDValidity: b.validity,
	}
	if !o.ReadOnly {
		data.PermanentFlags = append(b.allFlags(), imap.FlagWildcard)
	}
	if i := slices.IndexFunc(b.messages, func(m *message) bool { return !m.has(imap.FlagSeen) }); i >= 0 {
		data.FirstUnseenSeqNum = uint32(i + 1)
	}
	return data, nil
}

// Unselect implements imapserver.Session.
func (s *session) Unselect() error {
	if s.box != nil {
		s.tracker.Close()
		s.box, s.tracker = nil, nil
	}
	return nil
}

// Create implements imapserver.Session.
func (s *session) Create(name string, _ *imap.CreateOptions) error {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	name = strings.TrimRight(name, string(delimiter))
	if name == "" || strings.EqualFold(name, "INBOX") || s.account.boxes[name] != nil {
		return no(imap.ResponseCodeAlreadyExists, "Mailbox already exists")
	}
	// rfc3501 §2.3.1.1: a name that comes back must not bring UIDs back.
	s.account.made++
	s.account.boxes[name] = newMailbox(name, "", s.account.validity+s.account.made)
	return nil
}

// Delete implements imapserver.Session.
func (s *session) Delete(name string) error {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	b, err := s.mailbox(name, imap.ResponseCodeNonExistent)
	if err != nil {
		return err
	}
	if b.name == "INBOX" {
		return no(imap.ResponseCodeCannot, "INBOX cannot be deleted")
	}
	delete(s.account.boxes, b.name)
	return nil
}

// Rename implements imapserver.Session.
func (s *session) Rename(from, to string, _ *imap.RenameOptions) error {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	to = strings.TrimRight(to, string(delimiter))
	b, err := s.mailbox(from, imap.ResponseCodeNonExistent)
	switch {
	case err != nil:
		return err
	case b.name == "INBOX":
		return no(imap.ResponseCodeCannot, "INBOX cannot be renamed here")
	case to == "" || strings.EqualFold(to, "INBOX") || s.account.boxes[to] != nil:
		return no(imap.ResponseCodeAlreadyExists, "Mailbox already exists")
	}
	delete(s.account.boxes, b.name)
	b.name = to
	s.account.boxes[to] = b
	return nil
}

// Subscribe implements imapserver.Session.
func (s *session) Subscribe(name string) error { return s.subscribe(name, true) }

// Unsubscribe implements imapserver.Session.
func (s *session) Unsubscribe(name string) error { return s.subscribe(name, false) }

func (s *session) subscribe(name string, on bool) error {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	b, err := s.mailbox(name, imap.ResponseCodeNonExistent)
	if err == nil {
		b.subscribed = on
	}
	return err
}

// List implements imapserver.Session.
func (s *session) List(w *imapserver.ListWriter, ref string, patterns []string, o *imap.ListOptions) error {
	if len(patterns) == 0 { // rfc3501 §6.3.8: an empty name asks for the delimiter
		return w.WriteList(&imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: delimiter})
	}
	for _, data := range s.list(ref, patterns, o) {
		if err := w.WriteList(&data); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) list(ref string, patterns []string, o *imap.ListOptions) []imap.ListData {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	var out []imap.ListData
	for _, name := range slices.Sorted(maps.Keys(s.account.boxes)) {
		b := s.account.boxes[name]
		matches := func(p string) bool { return imapserver.MatchList(name, delimiter, ref, p) }
		if !slices.ContainsFunc(patterns, matches) || o.SelectSubscribed && !b.subscribed || o.SelectSpecialUse && b.use == "" {
			continue
		}
		children := imap.MailboxAttrHasNoChildren
		for other := range s.account.boxes {
			if strings.HasPrefix(other, name+string(delimiter)) {
				children = imap.MailboxAttrHasChildren
			}
		}
		data := imap.ListData{Mailbox: name, Delim: delimiter, Attrs: []imap.MailboxAttr{children}}
		if b.use != "" {
			data.Attrs = append(data.Attrs, b.use)
		}
		if o.ReturnSubscribed && b.subscribed {
			data.Attrs = append(data.Attrs, imap.MailboxAttrSubscribed)
		}
		if o.ReturnStatus != nil {
			data.Status = b.status()
		}
		out = append(out, data)
	}
	return out
}

// Namespace implements imapserver.SessionNamespace.
func (s *session) Namespace() (*imap.NamespaceData, error) {
	return &imap.NamespaceData{Personal: []imap.NamespaceDescriptor{{Delim: delimiter}}}, nil
}

// Status implements imapserver.Session.
func (s *session) Status(name string, _ *imap.StatusOptions) (*imap.StatusData, error) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	b, err := s.mailbox(name, imap.ResponseCodeNonExistent)
	if err != nil {
		return nil, err
	}
	return b.status(), nil
}

// Append implements imapserver.Session.
func (s *session) Append(name string, r imap.LiteralReader, o *imap.AppendOptions) (*imap.AppendData, error) {
	raw, err := io.ReadAll(r) // bounded by imapserver's limit for APPEND
	if err != nil {
		return nil, err
	}
	date := o.Time
	if date.IsZero() {
		date = time.Now()
	}
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	b, err := s.mailbox(name, imap.ResponseCodeTryCreate)
	if err != nil {
		return nil, err
	}
	return &imap.AppendData{UID: b.append(raw, o.Flags, date), UIDValidity: b.validity}, nil
}

// Poll implements imapserver.Session.
func (s *session) Poll(w *imapserver.UpdateWriter, allowExpunge bool) error {
	if s.box == nil {
		return nil
	}
	return s.tracker.Poll(w, allowExpunge)
}

// Idle implements imapserver.Session.
func (s *session) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	if s.box == nil {
		<-stop
		return nil
	}
	if err := s.tracker.Poll(w, true); err != nil {
		return err
	}
	return s.tracker.Idle(w, stop)
}
