package command

import (
	"strings"

	"inlay.example/inlay/internal/fault"
)

// rfc2971 §3.3: implementations must not send more than this.
const (
	maxFields     = 30
	maxFieldName  = 30
	maxFieldValue = 1024
)

// id takes the arguments of ID.
//
//	id             = "ID" SP id-params-list      (rfc2971 §4)
//	id-params-list = "(" *(string SP nstring) ")" / nil
//
// Where the grammar has string, atoms are let through.
func (p *parser) id() (any, error) {
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.peek() != '(' {
		at := p.i
		if a, err := p.atom(); err != nil || !strings.EqualFold(a, "NIL") {
			p.i = at
			return nil, p.fail("a list or NIL")
		}
		return &ID{}, p.end()
	}
	params := map[string]string{}
	err := p.list(maxFields, "fields", true, func() error {
		at := p.i
		name, err := p.astring()
		if err != nil {
			return err
		}
		if err := p.space(); err != nil {
			return err
		}
		unquoted := p.peek() != '"' && p.peek() != '{'
		value, err := p.astring()
		switch {
		case err != nil:
			return err
		case len(name) > maxFieldName || len(value) > maxFieldValue:
			return fault.New(fault.TooLarge, "a name of more than %d or a value of more than %d octets at octet %d", maxFieldName, maxFieldValue, at+1)
		case !unquoted || !strings.EqualFold(value, "NIL"):
			params[strings.ToLower(name)] = value
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ID{Params: params}, p.end()
}
