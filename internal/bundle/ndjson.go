package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ndjsonRows reads a JSON object per line: the member "user", and a member per variable whose
// value is a string, a number, true, false, or null for a variable that is not there.
type ndjsonRows struct {
	lines *lines
	begun bool
}

func (n *ndjsonRows) columns() []string { return nil }

func (n *ndjsonRows) line() int64 { return n.lines.n }

func (n *ndjsonRows) next() (Recipient, error) {
	if !n.begun {
		n.begun = true
		if err := n.lines.skipBOM(); err != nil {
			return Recipient{}, err
		}
	}
	for {
		at := n.lines.n + 1
		line, _, err := n.lines.record(func([]byte, []byte) verdict { return accept })
		switch line = trimEnd(line); {
		case errors.Is(err, errTooLong):
			return Recipient{}, &RowError{at, fmt.Sprintf("longer than %d octets", MaxRow)}
		case err != nil:
			return Recipient{}, err
		case len(line) == 0:
			continue
		}
		r, reason := parseObject(line)
		if reason != "" {
			return Recipient{}, &RowError{at, reason}
		}
		r.Line = at
		return r, nil
	}
}

func parseObject(line []byte) (r Recipient, reason string) {
	if !utf8.Valid(line) {
		return r, "not UTF-8"
	}
	var members map[string]scalar
	err := json.Unmarshal(line, &members)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return r, fmt.Sprintf("not JSON: %s, at octet %d", syntax.Error(), syntax.Offset)
	case errors.Is(err, errNested):
		return r, err.Error()
	case err != nil || members == nil:
		return r, "not a JSON object"
	case len(members) > MaxColumns:
		return r, fmt.Sprintf("more than %d members", MaxColumns)
	}
	user := members[userColumn]
	delete(members, userColumn)
	if r.User = user.text; r.User == "" || user.null {
		return r, `the member "user" is missing`
	}
	for name, v := range members {
		if !columnName(name) {
			return r, fmt.Sprintf("%q is not the name of a variable", name)
		}
		if v.null {
			continue
		}
		if r.Variables == nil {
			r.Variables = make(map[string]string, len(members))
		}
		r.Variables[name] = v.text
	}
	return r, ""
}

// scalar is a value as text.
type scalar struct {
	text string
	null bool
}

var errNested = errors.New("a value is a list or an object")

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '"':
		return json.Unmarshal(b, &s.text)
	case '{', '[':
		return errNested
	case 'n':
		s.null = true
	default:
		s.text = string(b) // numbers and booleans as they are written
	}
	return nil
}
