package message

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// param is a parameter of a MIME field, its name as written.
type param struct{ name, value string }

// contentType takes a Content-Type apart, keeping case and order. One that cannot be read is
// of no type at all: it is neither text nor multipart.
//
//	content := "Content-Type" ":" type "/" subtype *(";" parameter)
func contentType(s string) (kind, subkind string, params []param) {
	c := scanner{s: s}
	if _, ok := c.space(); !ok {
		return "", "", nil
	}
	kind, more, ok := c.word(isToken)
	if !ok || kind == "" {
		return "", "", nil
	}
	if !more {
		if strings.EqualFold(kind, "multipart") {
			return "application", "octet-stream", nil // of which kind, nobody knows
		}
		return kind, "", nil
	}
	if c.s[0] != '/' {
		return "", "", nil
	}
	c.s = c.s[1:]
	if more, ok = c.space(); !more || !ok {
		return "", "", nil
	}
	subkind, more, ok = c.word(isToken)
	if !ok || subkind == "" || more && c.s[0] != ';' {
		return "", "", nil
	}
	return kind, subkind, c.parameters()
}

// parameters takes the parameters that follow apart. What is no parameter is gone past, octet
// by octet; what is in pieces (rfc2231 §3) comes behind the others, put together if all pieces
// are there, and encoded as it was.
//
//	*(";" attribute "=" value)
func (c *scanner) parameters() []param {
	var out []param
	var pieces []piece
	for c.s != "" {
		name, value, ok := c.parameter()
		if !ok {
			if c.s != "" {
				c.s = c.s[1:]
			}
			continue
		}
		if p, ok := pieceOf(name, value); ok {
			pieces = append(pieces, p)
			continue
		}
		out = append(out, param{name, value})
	}
	return append(out, assemble(pieces)...)
}

func (c *scanner) parameter() (name, value string, ok bool) {
	if c.s[0] != ';' {
		return "", "", false
	}
	c.s = c.s[1:]
	more, ok := c.space()
	if !more || !ok {
		return "", "", false
	}
	name, more, ok = c.word(isToken)
	if !more || !ok || c.s[0] != '=' {
		return "", "", false
	}
	c.s = c.s[1:]
	if more, ok = c.space(); !more {
		return name, "", ok
	}
	switch c.s[0] {
	case '"':
		value, _, ok = c.quoted()
	case '=': // name==?utf-8?q?…?=, which many programs write
		value = c.take(func(b byte) bool { return b != ';' && b != ' ' && b != '\t' })
	default:
		value, _, ok = c.word(isToken)
	}
	return name, value, ok
}

// piece is a part of a parameter: name*1=value, or name*1*=value if it is encoded.
type piece struct {
	name    string
	index   uint64
	encoded bool
	value   string
}

func pieceOf(name, value string) (piece, bool) {
	base, rest, found := strings.Cut(name, "*")
	if !found {
		return piece{}, false
	}
	p := piece{name: base, value: value, encoded: true}
	if rest == "" {
		return p, true
	}
	rest, p.encoded = strings.CutSuffix(rest, "*")
	var err error
	p.index, err = strconv.ParseUint(rest, 10, 32)
	return p, err == nil
}

func assemble(pieces []piece) (out []param) {
	slices.SortStableFunc(pieces, func(a, b piece) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(a.index, b.index))
	})
	for len(pieces) > 0 {
		n, whole, encoded := 0, true, false
		var value strings.Builder
		for ; n < len(pieces) && strings.EqualFold(pieces[n].name, pieces[0].name); n++ {
			whole = whole && pieces[n].index == uint64(n)
			encoded = encoded || pieces[n].encoded
			value.WriteString(pieces[n].value)
		}
		star := map[bool]string{true: "*"}
		if whole {
			out = append(out, param{pieces[0].name + star[encoded], value.String()})
		} else {
			for _, p := range pieces[:n] {
				out = append(out, param{p.name + "*" + strconv.FormatUint(p.index, 10) + star[p.encoded], p.value})
			}
		}
		pieces = pieces[n:]
	}
	return out
}

// transferEncoding gives the Content-Transfer-Encoding that a structure tells.
func (e *entity) transferEncoding() string {
	if !e.mime {
		return ""
	}
	return e.encoding()
}

// encoding gives the first Content-Transfer-Encoding that can be read, "" if there is none.
func (e *entity) encoding() string {
	for _, f := range e.fields {
		if !strings.EqualFold(f.name, "Content-Transfer-Encoding") {
			continue
		}
		c := scanner{s: f.value()}
		if _, ok := c.space(); !ok {
			continue
		}
		if word, more, ok := c.word(isToken); ok && !more && word != "" {
			return word
		}
	}
	return ""
}

// disposition gives the last Content-Disposition, up to one with parameters.
func (e *entity) disposition() (name string, params []param, ok bool) {
	for _, f := range e.fields {
		if !e.mime || len(params) > 0 || !strings.EqualFold(f.name, "Content-Disposition") {
			continue
		}
		c := scanner{s: f.value()}
		c.space()
		name, _, _ = c.word(isToken)
		params, ok = c.parameters(), true
	}
	return name, params, ok
}

// languages gives the tags of the first Content-Language (rfc3282 §2).
func (e *entity) languages() (out []string) {
	f := e.find("Content-Language")
	if f == nil || !e.mime {
		return nil
	}
	c := scanner{s: f.value()}
	for more, ok := c.space(); more && ok; more, ok = c.space() {
		tag, more, ok := c.word(isToken)
		if tag == "" {
			break
		}
		out = append(out, tag)
		if !more || !ok || c.s[0] != ',' {
			break
		}
		c.s = c.s[1:]
	}
	return out
}
