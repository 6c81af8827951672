package command

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]      (rfc4959 §7)
// initial-resp = base64 / "="
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
	if !p.try(' ') {
		return &a, p.end()
	}
	enc := p.while(func(c byte) bool {
		return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '='
	})
	a.HasInitial = enc != ""
	if enc != "=" && enc != "" {
		if a.Initial, err = base64.StdEncoding.DecodeString(enc); err != nil {
			return nil, fmt.Errorf("the initial response is not base64")
		}
	}
	return &a, p.end()
}
