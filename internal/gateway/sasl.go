package gateway

import (
	"encoding/base64"
	"errors"
	"strings"

	"inlay.example/inlay/internal/imap/command"
)

// mechanisms are those of SASL that are relayed: what the client sends works on any connection
// and names the person. Mechanisms that bind to the peer would see us in between.
var mechanisms = map[string]bool{"PLAIN": true, "LOGIN": true, "XOAUTH2": true, "OAUTHBEARER": true}

const (
	maxSASL   = 12 << 10 // octets of a response of the client; tokens are long
	maxRounds = 8        // challenges of one AUTHENTICATE: LOGIN has two, a token that was refused one
)

// relaySASL relays an AUTHENTICATE step by step, challenges and responses as they are. The
// responses are read for the person's name only.
//
//	authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64)      (rfc4959 §7)
func (s *session) relaySASL(c *command.Command, a *command.Authenticate) error {
	x := &identity{mechanism: a.Mechanism}
	start := c.Tag + " AUTHENTICATE " + a.Mechanism
	var waiting *string // an initial response for a backend that must ask for it
	if a.HasInitial {
		x.heard(a.Initial)
		encoded := base64.StdEncoding.EncodeToString(a.Initial)
		switch {
		case !s.caps.Has("SASL-IR"):
			waiting = &encoded
		case encoded == "":
			start += " =" // rfc4959 §3
		default:
			start += " " + encoded
		}
	}
	s.loggingIn = true // a CAPABILITY in the answer is for an authenticated client
	defer func() { s.loggingIn = false }()
	s.write([]byte(start + "\r\n"))
	for range maxRounds {
		res, challenge, cont, err := s.awaitChallenge(c.Tag, nil)
		if err != nil {
			return err
		}
		if !cont {
			return s.saslEnded(res, x)
		}
		if waiting != nil {
			s.write([]byte(*waiting + "\r\n"))
			waiting = nil
			continue
		}
		_, _ = s.out.Write(challenge)
		if err := s.out.Flush(); err != nil {
			return err
		}
		line, err := s.in.Line(maxSASL)
		if bad := (*command.BadError)(nil); errors.As(err, &bad) {
			return s.cancelSASL(c.Tag, "BAD "+bad.Text)
		}
		if err != nil {
			return err
		}
		if string(line) != "*" { // rfc3501 §6.2.2: the client gives up, and the backend says so
			message, err := base64.StdEncoding.DecodeString(string(line))
			if err != nil {
				return s.cancelSASL(c.Tag, "BAD The response is not base64.")
			}
			x.heard(message)
		}
		s.write(append(line, "\r\n"...))
	}
	return s.cancelSASL(c.Tag, "NO [AUTHENTICATIONFAILED] More steps than any mechanism has.")
}

// saslEnded relays the end of an AUTHENTICATE.
func (s *session) saslEnded(res tagged, x *identity) error {
	s.loggingIn = false
	user := x.user
	if user == "" {
		user = "(not named)"
		if res.ok() {
			s.service = nil
		}
	}
	return s.loggedIn(res, user, x.credentials())
}

// cancelSASL ends an AUTHENTICATE with an answer of our own.
func (s *session) cancelSASL(tag, answer string) error {
	s.write([]byte("*\r\n"))
	res, _, cont, err := s.awaitChallenge(tag, nil)
	if err == nil && (cont || res.ok()) {
		err = desync{errors.New("an AUTHENTICATE that was cancelled goes on")}
	}
	if err != nil {
		return err
	}
	s.line(tag + " " + answer)
	return nil
}

// identity is what an AUTHENTICATE says of who it is. It is never logged.
type identity struct {
	mechanism      string
	step           int
	user, password string
}

// String keeps the password out of anything that prints a session.
func (*identity) String() string { return "[identity]" }

// credentials are what LOGIN could repeat. A token may be good for one time only: with one
// there are none.
func (x *identity) credentials() *credentials {
	if x.mechanism != "LOGIN" {
		return nil
	}
	return &credentials{x.user, x.password}
}

// heard takes a response of the client. One that names nobody is the backend's to judge.
func (x *identity) heard(message []byte) {
	x.step++
	switch {
	case x.mechanism == "LOGIN" && x.step == 2:
		x.password = string(message)
	case x.step > 1: // the answer to an error is of no interest
	case x.mechanism == "LOGIN":
		x.user = string(message)
	case x.mechanism == "XOAUTH2":
		x.user = xoauth2User(string(message))
	case x.mechanism == "OAUTHBEARER":
		x.user = bearerUser(string(message))
	}
}

// xoauth2User gives the name in a response of XOAUTH2; empty if there is none, or more than
// one: which of them the backend takes, and checks the token for, nobody knows.
//
//	"user=" name ^A "auth=Bearer " token ^A ^A
func xoauth2User(message string) string {
	const key = "user="
	var user string
	found := 0
	for _, pair := range strings.Split(message, "\x01") {
		if len(pair) >= len(key) && strings.EqualFold(pair[:len(key)], key) {
			user = pair[len(key):]
			found++
		}
	}
	if found != 1 {
		return ""
	}
	return user
}

// bearerUser gives the name in a response of OAUTHBEARER; empty if there is none. Only the GS2
// header counts: servers pass over pairs that they do not know, so that a name there is one
// that nobody has checked.
//
//	client-resp = gs2-header kvsep *kvpair kvsep                (rfc7628 §3.1)
//	gs2-header  = ("n" / "y") "," ["a=" saslname] ","           (rfc5801 §4; there is no channel binding)
//	saslname    = 1*(saslchar / "=2C" / "=3D")
func bearerUser(message string) string {
	header, _, _ := strings.Cut(message, "\x01")
	f := strings.Split(header, ",")
	if len(f) != 3 || f[0] != "n" && f[0] != "y" || f[2] != "" {
		return ""
	}
	name, _ := strings.CutPrefix(f[1], "a=")
	if name == f[1] {
		return ""
	}
	return strings.NewReplacer("=2C", ",", "=3D", "=").Replace(name)
}
