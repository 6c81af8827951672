package gateway

import (
	"bytes"
	"slices"

	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
)

// dispatch runs one command to its end.
func (s *session) dispatch(c *command.Command) error {
	if !c.Known || c.Unsupported || needsOrder[c.Name] && s.user != "" && !s.ordered() {
		s.line(c.Tag + " BAD " + unknownText(c))
		return nil
	}
	if s.user == "" {
		return s.beforeLogin(c)
	}
	switch c.Name {
	case "LOGIN", "AUTHENTICATE", "STARTTLS":
		s.line(c.Tag + " BAD Already logged in.")
		return nil
	}
	if needed := extension[c.Name]; needed != "" && !s.caps.Has(needed) {
		s.line(c.Tag + " BAD " + unknownText(c))
		return nil
	}
	for _, ext := range c.Uses {
		if why := s.mayUse(ext); why != "" {
			s.line(c.Tag + " BAD Error in IMAP command " + c.Name + ": " + ext + " is " + why)
			return s.skipLiteral(c)
		}
	}
	if slices.Contains(c.Uses, "CONDSTORE") || slices.Contains(c.Uses, "QRESYNC") {
		s.usesModSeqs()
	}
	if s.mbox != nil {
		s.mbox.mod.peeked, s.mbox.expunged = false, false
	}
	if c.Err != nil {
		return s.malformed(c)
	}
	if s.nowhere && inSelected[c.Name] {
		s.line(c.Tag + " BAD No mailbox selected.")
		return nil
	}
	switch a := c.Args.(type) {
	case *command.Select:
		return s.selectMailbox(c, a)
	case *command.Status:
		return s.status(c, a)
	case *command.List:
		return s.list(c, a)
	case *command.Fetch:
		return s.fetch(c, a)
	case *command.Store:
		return s.store(c, a)
	case *command.Search:
		return s.search(c, a)
	case *command.Sort:
		return s.sort(c, a)
	case *command.Thread:
		return s.thread(c, a)
	case *command.Copy:
		return s.copy(c, a)
	case *command.Move:
		return s.move(c, a)
	case *command.Expunge:
		return s.expunge(c, a)
	case *command.Append:
		return s.append(c, a)
	case *command.ID:
		return s.identifyClient(c, a)
	case *command.Enable:
		return s.enable(c, a)
	case *command.Compress:
		return s.compress(c, a)
	}
	switch c.Name {
	case "IDLE":
		return s.idleCommand(c)
	case "CLOSE", "UNSELECT":
		return s.leave(c)
	case "NOOP", "CHECK":
		return s.noop(c)
	case "LOGOUT":
		return s.logout(c)
	}
	return s.forward(c)
}

// extension names the capability that commands belong to which the gateway has a part in, and
// cannot do alone: without it they are unknown, as they are to the backend.
var extension = map[string]string{"MOVE": "MOVE", "UID MOVE": "MOVE"}

// inSelected are the commands of the selected state (rfc3501 §6.4).
var inSelected = map[string]bool{
	"CHECK": true, "CLOSE": true, "UNSELECT": true, "EXPUNGE": true, "SEARCH": true, "FETCH": true, "STORE": true, "COPY": true,
	"UID FETCH": true, "UID STORE": true, "UID SEARCH": true, "UID COPY": true, "UID EXPUNGE": true,
	"SORT": true, "UID SORT": true, "THREAD": true, "UID THREAD": true,
	"MOVE": true, "UID MOVE": true,
}

// needsOrder are the commands that can be kept true only where it is known how the backend orders
// messages.
var needsOrder = map[string]bool{"SORT": true, "UID SORT": true, "THREAD": true, "UID THREAD": true}

func unknownText(c *command.Command) string {
	if c.Unsupported && c.Err != nil {
		return "Error in IMAP command " + c.Name + ": " + c.Err.Error()
	}
	return "Error in IMAP command " + c.Name + ": Unknown command"
}

// malformed answers a command that we could not parse. Where the client's list is the
// backend's it may as well be the backend that says what is wrong with it; else it must not
// see a command whose numbers nobody has translated. Nor may it see one that opens or leaves a
// mailbox, or enables an extension: it may be less strict than we are, and do more than we think.
func (s *session) malformed(c *command.Command) error {
	plain := s.mbox == nil || !s.mbox.active || s.mbox.view.Identity()
	switch c.Name {
	case "APPEND", "IDLE", "ENABLE", "COMPRESS", "SETMETADATA": // Dovecot leaves a malformed SETMETADATA unanswered
		plain = false
	case "SELECT", "EXAMINE", "CLOSE", "UNSELECT":
		plain = s.service == nil
	}
	if plain && !asksForMore(c.Raw) {
		return s.forward(c)
	}
	s.line(c.Tag + " BAD Error in IMAP command " + c.Name + ": " + c.Err.Error())
	return nil
}

// asksForMore reports whether a malformed command has a literal, or what some server might take
// for one's head, as Dovecot takes "{}". Servers differ in whether they still ask for it, take it
// or read it as commands when they have found something wrong before it.
func asksForMore(raw []byte) bool { return bytes.IndexByte(raw, '{') >= 0 }

// forward relays a command that needs no translation, and its answer.
func (s *session) forward(c *command.Command) error {
	res, err := s.exchange(c.Tag, c.Raw, c.Literals, nil)
	if err != nil {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	return s.answer(res)
}

// tellsExpunge reports whether EXPUNGE may be sent while the command is in progress.
// rfc3501 §7.4.1: not while FETCH, STORE or SEARCH with numbers is in progress.
func tellsExpunge(c *command.Command) bool {
	switch c.Name {
	case "FETCH", "STORE", "SEARCH", "SORT", "THREAD": // the last two are searches
		return false
	}
	return true
}

func (s *session) logout(c *command.Command) error {
	res, err := s.exchange(c.Tag, c.Raw, nil, nil)
	if err != nil {
		return err
	}
	if err := s.answer(res); err != nil {
		return err
	}
	if err := s.out.Flush(); err != nil {
		return err
	}
	return errBye
}

// answer writes the backend's tagged response.
func (s *session) answer(res tagged) error {
	res = s.taggedHighest(s.expungedAt(res))
	if s.modified != "" {
		if res.ok() {
			tag, _, _ := bytes.Cut(res.raw, []byte(" "))
			res.raw = []byte(string(tag) + " OK [MODIFIED " + s.modified + "] Conditional store failed.\r\n")
		}
		s.modified = ""
	}
	_, _ = s.out.Write(res.raw)
	if res.bye {
		return errBye
	}
	return nil
}

// tagged is the end of a command on the backend.
type tagged struct {
	raw    []byte // the whole line
	kind   string // OK, NO or BAD
	status response.Status
	bye    bool // a BYE came before it
}

func (t tagged) ok() bool { return t.kind == "OK" }
