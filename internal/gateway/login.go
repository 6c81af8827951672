package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"time"

	"inlay.example/inlay/internal/imap/command"
	"inlay.example/inlay/internal/imap/response"
)

// credentials are kept in memory while the session lives, for the one case that needs a
// second connection: taking back copies in another mailbox (copy.go). They are never logged.
type credentials struct{ user, password string }

// String keeps credentials out of anything that prints a session.
func (credentials) String() string { return "[credentials]" }

// greet says the gateway's own greeting: the backend's names a server that the client does
// not talk to.
func (s *session) greet() error {
	s.line("* OK [CAPABILITY " + s.capabilities(s.caps).String() + "] Inlay ready.")
	return s.out.Flush()
}

// beforeLogin runs a command of an unauthenticated client.
func (s *session) beforeLogin(c *command.Command) error {
	switch c.Name {
	case "STARTTLS":
		return s.startTLS(c)
	case "LOGIN", "AUTHENTICATE":
		if s.loginDisabled() {
			s.line(c.Tag + " NO [PRIVACYREQUIRED] Authentication in the clear is disabled, use STARTTLS.")
			return nil
		}
	case "LOGOUT":
		return s.logout(c)
	case "APPEND", "IDLE", "COMPRESS":
		s.line(c.Tag + " BAD Please login first.")
		return s.skipLiteral(c)
	}
	if c.Err != nil {
		// ID, too: what we do not understand might speak for another client (see id.go).
		if c.Name == "LOGIN" || c.Name == "AUTHENTICATE" || c.Name == "ID" || asksForMore(c.Raw) {
			s.line(c.Tag + " BAD Error in IMAP command " + c.Name + ": " + c.Err.Error())
			return nil
		}
		return s.forward(c)
	}
	switch a := c.Args.(type) {
	case *command.Login:
		return s.login(c, a)
	case *command.Authenticate:
		return s.authenticate(c, a)
	case *command.ID:
		return s.identifyClient(c, a)
	}
	return s.forward(c)
}

// skipLiteral swallows the message of an APPEND that is not going to happen.
func (s *session) skipLiteral(c *command.Command) error {
	if a, ok := c.Args.(*command.Append); ok {
		return s.skipMessage(a.Message)
	}
	return nil
}

func (s *session) startTLS(c *command.Command) error {
	if s.g.cfg.TLS == nil || s.secure {
		s.line(c.Tag + " BAD TLS is not available here or on already.")
		return nil
	}
	if c.Err != nil {
		s.line(c.Tag + " BAD Error in IMAP command STARTTLS: " + c.Err.Error())
		return nil
	}
	if s.in.Buffered() > 0 {
		// What came behind STARTTLS in the clear may be somebody else's (CVE-2011-0411).
		s.bye("Data before the TLS handshake")
		return errBye
	}
	s.line(c.Tag + " OK Begin TLS negotiation now.")
	if err := s.out.Flush(); err != nil {
		return err
	}
	tc := tls.Server(s.nc, s.g.cfg.TLS)
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	if err := tc.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS handshake with the client: %w", err)
	}
	s.secure = true
	s.setClient(tc)
	return nil
}

func (s *session) login(c *command.Command, a *command.Login) error {
	s.loggingIn = true // a CAPABILITY in the answer is for an authenticated client
	res, err := s.exchange(c.Tag, c.Raw, c.Literals, nil)
	s.loggingIn = false
	if err != nil {
		return err
	}
	return s.loggedIn(res, a.User, &credentials{a.User, a.Password})
}

// authenticate relays AUTHENTICATE. The response of PLAIN is taken apart for the user's name,
// and sent on in the way that the backend understands: with the command if it has SASL-IR. The
// others are in sasl.go.
func (s *session) authenticate(c *command.Command, a *command.Authenticate) error {
	if !mechanisms[a.Mechanism] || !s.caps.Has("AUTH="+a.Mechanism) {
		s.line(c.Tag + " NO Unsupported authentication mechanism.")
		return nil
	}
	if a.Mechanism != "PLAIN" {
		return s.relaySASL(c, a)
	}
	msg := a.Initial
	if !a.HasInitial {
		s.line("+ ")
		if err := s.out.Flush(); err != nil {
			return err
		}
		line, err := s.in.Line(maxSASL)
		if err != nil {
			return s.lineError(c, err)
		}
		if string(line) == "*" {
			s.line(c.Tag + " BAD Authentication cancelled.")
			return nil
		}
		msg = make([]byte, base64.StdEncoding.DecodedLen(len(line)))
		n, err := base64.StdEncoding.Decode(msg, line)
		if err != nil {
			s.line(c.Tag + " BAD The response is not base64.")
			return nil //nolint:nilerr // the client was told
		}
		msg = msg[:n]
	}
	// message = [authzid] UTF8NUL authcid UTF8NUL passwd   (rfc4616 §2)
	parts := bytes.Split(msg, []byte{0})
	if len(parts) != 3 || len(parts[1]) == 0 {
		s.line(c.Tag + " NO [AUTHENTICATIONFAILED] The response is not one of PLAIN.")
		return nil
	}
	user, cred := string(parts[0]), &credentials{string(parts[1]), string(parts[2])}
	if user == "" {
		user = cred.user
	} else if user != cred.user {
		cred = nil // on behalf of somebody: LOGIN could not repeat it
	}
	s.loggingIn = true
	res, err := s.relayPlain(c.Tag, base64.StdEncoding.EncodeToString(msg))
	s.loggingIn = false
	if err != nil {
		return err
	}
	return s.loggedIn(res, user, cred)
}

func (s *session) relayPlain(tag, encoded string) (tagged, error) {
	if s.caps.Has("SASL-IR") {
		return s.exchange(tag, []byte(tag+" AUTHENTICATE PLAIN "+encoded+"\r\n"), nil, nil)
	}
	s.write([]byte(tag + " AUTHENTICATE PLAIN\r\n"))
	res, cont, err := s.awaitContinuation(tag, nil)
	if err != nil || !cont {
		return res, err
	}
	return s.exchange(tag, []byte(encoded+"\r\n"), nil, nil)
}

// lineError answers a continuation line that was too long.
func (s *session) lineError(c *command.Command, err error) error {
	if bad, ok := err.(*command.BadError); ok { //nolint:errorlint // Line returns it unwrapped
		s.line(c.Tag + " BAD " + bad.Text)
		return nil
	}
	return err
}

// loggedIn relays the answer to a login. The lookup starts, and nothing waits for it.
func (s *session) loggedIn(res tagged, user string, cred *credentials) error {
	s.g.metrics.logins.WithLabelValues(res.kind).Inc()
	if !res.ok() {
		return s.answer(res)
	}
	s.user, s.cred = user, cred
	s.g.known.join(user)
	s.g.bells.join(user, s.bell)
	s.log = s.log.With("user", user)
	s.startLookup()
	if res.status.Code == "CAPABILITY" {
		if err := s.knowServer(); err != nil {
			return err
		}
		return s.answer(s.recapable(res))
	}
	// The backend did not say what it can do now, and we must know before the next command.
	if _, err := s.own("CAPABILITY", func(h response.Head) (bool, error) {
		if h.Name != "CAPABILITY" {
			return false, nil
		}
		return true, s.learnCaps()
	}); err != nil {
		return err
	}
	if err := s.knowServer(); err != nil {
		return err
	}
	return s.answer(res)
}
