package gateway

import (
	"slices"
	"strings"

	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
)

// enableable are the extensions that a client may enable, if they are offered (capability.go) and
// the backend has them: the others would make the backend say what nobody here understands.
var enableable = map[string]bool{"CONDSTORE": true, "QRESYNC": true}

// enabled are the extensions that the client has enabled, by ENABLE or by using them.
type enabled map[string]bool

// has reports whether the client has enabled an extension, named in upper case.
func (e enabled) has(name string) bool { return e[name] }

// enables takes note of an extension that the client enables.
func (s *session) enables(name string) {
	if s.enabled == nil {
		s.enabled = enabled{}
	}
	s.enabled[name] = true
}

// offers reports whether an extension is offered in this session.
func (s *session) offers(ext string) bool { return s.caps.Has(ext) && s.offered(ext) }

// mayUse says why a command may not use an extension; empty if it may. rfc7162 §3.2.3: what
// belongs to QRESYNC is BAD for a client that has not enabled it.
func (s *session) mayUse(ext string) string {
	switch {
	case !s.offers(ext):
		return "not offered"
	case ext == "QRESYNC" && !s.enabled.has(ext):
		return "not enabled"
	}
	return ""
}

// enable runs ENABLE (rfc5161 §3.1). What may not be enabled is left out of the command, as a
// server leaves out what it does not know; what is enabled is what the backend says it has
// enabled.
func (s *session) enable(c *command.Command, a *command.Enable) error {
	if !s.caps.Has("ENABLE") {
		s.line(c.Tag + " BAD " + unknownText(c))
		return nil
	}
	var names []string
	for _, name := range a.Names {
		if enableable[name] && s.offers(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		s.line(c.Tag + " OK Enabled.")
		return nil
	}
	if slices.Contains(names, "QRESYNC") && !s.qresync() {
		// What has left until now is told by numbers still.
		if err := s.settle(); err != nil {
			return err
		}
	}
	res, err := s.exchange(c.Tag, []byte(c.Tag+" ENABLE "+strings.Join(names, " ")+"\r\n"), nil, s.enabledResponse)
	if err != nil {
		return err
	}
	return s.answerSettled(res)
}

// enabledResponse relays ENABLED without what the client may not have enabled.
//
//	response-data =/ "*" SP enable-data CRLF      (rfc5161 §4)
//	enable-data    = "ENABLED" *(SP capability)
func (s *session) enabledResponse(h response.Head) (bool, error) {
	if h.Name != "ENABLED" {
		return false, nil
	}
	rest, err := s.rest(heldLine)
	if err != nil {
		return true, err
	}
	line := "* ENABLED"
	for _, name := range strings.Fields(string(rest)) {
		if up := strings.ToUpper(name); enableable[up] {
			s.enables(up)
			if up == "QRESYNC" { // rfc7162 §3.2.3: which enables CONDSTORE too
				s.enables("CONDSTORE")
			}
			line += " " + name
		}
	}
	s.line(line)
	return true, nil
}
