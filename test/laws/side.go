package laws

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Sides, as indices.
const (
	bare    = 0 // the server
	gateway = 1 // through the gateways
)

// side is a person on one side: the sessions, and a client that goes around the gateway.
type side struct {
	name     string
	of       int
	network  string
	addrs    []string // session n uses the nth in turn
	server   string   // address of the server itself
	user     string
	sessions []*session
	other    *conn // around the gateway; nil until it is needed
}

// session is one of the person's, and what it was told.
type session struct {
	*conn
	number int
	box    string // selected mailbox as it was named; empty is none
	ro     bool
	list   []*msg // of the selected mailbox
	came   int    // messages told since SELECT
	recent string // as last told
	idling bool
	anew   bool            // a SELECT is being answered
	known  map[string]bool // keywords in FLAGS
}

// msg is a message in a session's list.
type msg struct {
	ord    int    // number in the list before this unit; of new ones, counted on
	before bool   // it was told before this unit
	canon  uint32 // UID in the dialogue's numbering; 0 while it is not known
	flags  string // sorted
	heard  bool   // the flags were asked for once
	was    string // flags before the unit
	dirty  bool   // flags were told in this unit
}

func (s *side) open(n int) (*session, error) {
	c, err := dial(s.network, s.addrs[n%len(s.addrs)])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	x := &session{conn: c, number: n + 1, known: map[string]bool{}}
	s.sessions = append(s.sessions, x)
	if _, err := c.must("LOGIN " + s.user + " pass"); err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return x, nil
}

// around gives the client that goes around the gateway.
func (s *side) around() (*conn, error) {
	if s.other != nil {
		return s.other, nil
	}
	c, err := dial("tcp", s.server)
	if err != nil {
		return nil, err
	}
	s.other = c
	_, err = c.must("LOGIN " + s.user + " pass")
	return c, err
}

func (s *side) close() {
	for _, x := range s.sessions {
		x.close()
	}
	if s.other != nil {
		s.other.close()
	}
}

// append delivers and returns the UID.
func (s *side) append(flags []string, date string, text []byte) (uint32, error) {
	c, err := s.around()
	if err != nil {
		return 0, err
	}
	a, err := c.must(fmt.Sprintf("APPEND INBOX (%s) \"%s\" {%d+}\r\n%s", strings.Join(flags, " "), date, len(text), text))
	if err != nil {
		return 0, err
	}
	args, ok := code(a.tagged, "APPENDUID")
	if !ok || len(args) != 2 {
		return 0, fmt.Errorf("no APPENDUID in %q", a.tagged)
	}
	return parseNumber(args[1])
}

// within runs commands of the client that goes around, in INBOX.
func (s *side) within(commands ...string) error {
	c, err := s.around()
	if err != nil {
		return err
	}
	for _, text := range slices.Concat([]string{"SELECT INBOX"}, commands, []string{"UNSELECT"}) {
		if _, err := c.must(text); err != nil {
			return fmt.Errorf("%s, around the gateway: %w", s.name, err)
		}
	}
	return nil
}

// response is an untagged response as the session understood it when it came.
type response struct {
	raw   string
	kind  string // "EXISTS", "RECENT", "EXPUNGE", "FETCH", or the first word
	n     uint32
	msg   *msg   // that n names
	items []item // of FETCH
	list  []*msg // the session's list then, where it may be needed
	again bool   // told by the way, and known already
	ofAsk bool   // an answer to FETCH or STORE
	opens bool   // an EXISTS that is of a SELECT
	grown int    // messages that an EXISTS told of, other than that of a SELECT
}

var errResponse = errors.New("not to be understood")

// hear brings the session's list up to date with a response. asked says that FETCH responses
// are what the command asked for.
func (x *session) hear(t *table, of int, raw string, asked bool) (response, error) {
	r := response{raw: raw, ofAsk: asked}
	n, name, rest, ok := numbered(raw)
	if !ok {
		r.kind, _, _ = strings.Cut(strings.TrimPrefix(raw, "* "), " ")
		r.kind = strings.ToUpper(strings.TrimSuffix(r.kind, "\r\n"))
		if r.kind == "SEARCH" || r.kind == "ESEARCH" || r.kind == "SORT" || r.kind == "THREAD" {
			r.list = slices.Clone(x.list)
		}
		return r, nil
	}
	r.kind, r.n = name, n
	switch name {
	case "EXISTS":
		if int(n) < len(x.list) {
			return r, fmt.Errorf("%w: %d EXISTS after %d", errResponse, n, len(x.list))
		}
		if !x.anew {
			r.grown = int(n) - len(x.list)
		}
		r.opens = x.anew
		x.anew = false
		for len(x.list) < int(n) {
			x.came++
			x.list = append(x.list, &msg{ord: x.came})
		}
		r.list = slices.Clone(x.list)
	case "RECENT":
		x.recent = strings.TrimSuffix(raw, "\r\n")
	case "EXPUNGE":
		if n == 0 || int(n) > len(x.list) {
			return r, fmt.Errorf("%w: EXPUNGE of %d among %d", errResponse, n, len(x.list))
		}
		r.msg = x.list[n-1]
		x.list = slices.Delete(x.list, int(n)-1, int(n))
	case "FETCH":
		if n == 0 || int(n) > len(x.list) {
			return r, fmt.Errorf("%w: FETCH of %d among %d", errResponse, n, len(x.list))
		}
		r.msg = x.list[n-1]
		var err error
		if r.items, err = fetchItems(rest); err != nil {
			return r, fmt.Errorf("%w: %w", errResponse, err)
		}
		x.fetched(t, of, &r)
	}
	return r, nil
}

// fetched takes what a FETCH response tells of UID and flags.
func (x *session) fetched(t *table, of int, r *response) {
	only := true
	flags, has := "", false
	for _, it := range r.items {
		switch it.name {
		case "UID":
			if u, err := parseNumber(it.value); err == nil && x.inbox() {
				if canon, known := t.canonOf(of, u); known {
					r.msg.canon = canon
				}
			}
		case "FLAGS":
			flags, has = sortedFlags(it.value), true
		case "MODSEQ":
		default:
			only = false
		}
	}
	if !has {
		return
	}
	m := r.msg
	if only && !r.ofAsk {
		r.again = !m.heard || m.flags == flags
		if !m.heard {
			return
		}
	}
	if !m.dirty {
		m.was, m.dirty = m.flags, true
	}
	m.flags, m.heard = flags, true
}

func (x *session) inbox() bool { return strings.EqualFold(x.box, "INBOX") }

// settled ends a unit: in the next one messages are named by their numbers now.
func (x *session) settled() {
	for i, m := range x.list {
		m.dirty = false
		m.ord, m.before = i+1, true
	}
	x.came = len(x.list)
}

// selected follows what a command did to the selection.
func (x *session) selecting(text string) {
	switch name, _, _ := verb(text); name {
	case "SELECT", "EXAMINE":
		x.list, x.came, x.box, x.anew = nil, 0, "", true
	}
}

// after follows what a command has done to the selection.
func (x *session) after(text, tagged string) {
	name, _, rest := verb(text)
	ok := strings.HasPrefix(tagged, "OK")
	switch name {
	case "STORE":
		if strings.Contains(rest, ".SILENT") {
			for _, m := range x.list {
				m.heard = false // of which it was not told what has become
			}
		}
	case "SELECT", "EXAMINE":
		if ok {
			x.box, _, _ = strings.Cut(rest, " ")
			x.ro = strings.Contains(tagged, "[READ-ONLY]")
		}
	case "CLOSE", "UNSELECT":
		if ok {
			x.box, x.list = "", nil
		}
	}
}

// unused gives the keywords that a response uses and FLAGS has not listed: clients lose such flags.
func (x *session) unlisted(r response) (out []string) {
	if r.kind == "FLAGS" {
		clear(x.known)
		inner := strings.TrimSuffix(strings.TrimPrefix(r.raw, "* FLAGS ("), ")\r\n")
		for _, f := range strings.Fields(inner) {
			x.known[f] = true
		}
	}
	for _, it := range r.items {
		if it.name != "FLAGS" {
			continue
		}
		for _, f := range strings.Fields(strings.Trim(it.value, "()")) {
			if f[0] != '\\' && !x.known[f] {
				out = append(out, f)
			}
		}
	}
	return out
}

func sortedFlags(list string) string {
	flags := strings.Fields(strings.Trim(list, "()"))
	slices.Sort(flags)
	return "(" + strings.Join(flags, " ") + ")"
}
