package command

import (
	"encoding/base64"
	"strings"

	"inlay.example/inlay/internal/fault"
)

// login takes the arguments of LOGIN.
//
//	login    = "LOGIN" SP userid SP password
//	userid   = astring
//	password = astring
func (p *parser) login() (any, error) {
	var a Login
	err := p.space()
	if err == nil {
		a.User, err = p.astring()
	}
	if err == nil {
		err = p.space()
	}
	if err == nil {
		a.Password, err = p.astring()
	}
	if err == nil {
		err = p.end()
	}
	if err == nil && a.User == "" {
		err = fault.New(fault.Invalid, "the user name is empty")
	}
	return &a, err
}

// authenticate takes the arguments of AUTHENTICATE.
//
//	authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]      (rfc4959 §7)
//	initial-resp = base64 / "="
//
// A space with nothing behind it is let through, and is no initial response.
func (p *parser) authenticate() (any, error) {
	var a Authenticate
	if err := p.space(); err != nil {
		return nil, err
	}
	mech, err := p.atom()
	if err != nil {
		return nil, err
	}
	a.Mechanism = strings.ToUpper(mech)
	if !p.spaces() {
		return &a, p.end()
	}
	at := p.i
	enc := p.while(func(c byte) bool {
		return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '='
	})
	a.HasInitial = enc != ""
	if enc != "=" && enc != "" { // "=" is an empty response
		if a.Initial, err = base64.StdEncoding.DecodeString(enc); err != nil {
			p.i = at
			return nil, p.fail("an initial response in base64")
		}
	}
	return &a, p.end()
}
