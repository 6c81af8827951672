package message

import (
	"bytes"
	"strconv"
	"strings"
)

// AppendBody appends the value of BODY: the structure without extension data.
func (m *Message) AppendBody(b []byte) []byte { return m.root.appendStructure(b, false, m.dialect) }

// AppendBodyStructure appends the value of BODYSTRUCTURE.
func (m *Message) AppendBodyStructure(b []byte) []byte {
	return m.root.appendStructure(b, true, m.dialect)
}

// empty stands for the part that every multipart must have (rfc9051 §9: body-type-mpart = 1*body).
var empty = &entity{kind: "text", subkind: "plain"}

// appendStructure appends body-type-mpart, -basic, -msg or -text (rfc9051 §9). Sizes count the
// octets as they are encoded, lines count line feeds.
func (e *entity) appendStructure(b []byte, ext bool, d Dialect) []byte {
	b = append(b, '(')
	if e.multipart {
		for _, c := range e.children {
			b = c.appendStructure(b, ext, d)
		}
		if len(e.children) == 0 {
			b = empty.appendStructure(b, ext, d)
		}
		b = append(b, ' ')
		b = d.appendString(b, d.word(e.subkind))
		if ext {
			b = append(b, ' ')
			b = appendParams(b, e.params, d)
			b = e.appendExtension(b, d)
		}
		return append(b, ')')
	}
	isText := strings.EqualFold(e.kind, "text")
	params := e.params
	if isText && !hasParam(params, "charset") && (d != Cyrus || e.find("Content-Type") == nil) {
		params = append(params[:len(params):len(params)], param{"charset", "us-ascii"}) // rfc2045 §5.2
	}
	b = d.appendString(b, d.word(e.kind))
	b = append(b, ' ')
	b = d.appendString(b, d.word(e.subkind))
	b = append(b, ' ')
	b = appendParams(b, params, d)
	b = append(b, ' ')
	b = e.appendContent(b, "Content-ID", d)
	b = append(b, ' ')
	b = e.appendContent(b, "Content-Description", d)
	b = append(b, ' ')
	enc := e.transferEncoding()
	if enc == "" {
		enc = "7bit" // rfc2045 §6.1
	}
	b = d.appendString(b, d.word(enc))
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(e.body)), 10)
	if e.nested {
		b = append(b, ' ')
		b = e.children[0].appendEnvelope(b, d)
		b = append(b, ' ')
		b = e.children[0].appendStructure(b, ext, d)
	}
	if e.nested || isText {
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(bytes.Count(e.body, []byte("\n"))), 10)
	}
	if ext {
		b = append(b, ' ')
		b = e.appendContent(b, "Content-MD5", d)
		b = e.appendExtension(b, d)
	}
	return append(b, ')')
}

func hasParam(params []param, name string) bool {
	for _, p := range params {
		if strings.EqualFold(p.name, name) {
			return true
		}
	}
	return false
}

// appendContent appends the first field of a name, which counts only in what is MIME, but for Cyrus.
func (e *entity) appendContent(b []byte, name string, d Dialect) []byte {
	if !e.mime && d != Cyrus {
		return append(b, "NIL"...)
	}
	return appendField(b, e.find(name), d)
}

func appendParams(b []byte, params []param, d Dialect) []byte {
	if len(params) == 0 {
		return append(b, "NIL"...)
	}
	b = append(b, '(')
	for i, p := range params {
		if i > 0 {
			b = append(b, ' ')
		}
		b = d.appendString(b, d.word(p.name))
		b = append(b, ' ')
		b = d.appendString(b, p.value)
	}
	return append(b, ')')
}

// appendExtension appends body-fld-dsp, -lang and -loc.
func (e *entity) appendExtension(b []byte, d Dialect) []byte {
	b = append(b, ' ')
	if name, params, ok := e.disposition(); ok {
		b = append(b, '(')
		b = d.appendString(b, d.word(name))
		b = append(b, ' ')
		b = appendParams(b, params, d)
		b = append(b, ')')
	} else {
		b = append(b, "NIL"...)
	}
	b = append(b, ' ')
	if langs := e.languages(); len(langs) > 0 {
		b = append(b, '(')
		for i, l := range langs {
			if i > 0 {
				b = append(b, ' ')
			}
			b = d.appendString(b, d.word(l))
		}
		b = append(b, ')')
	} else {
		b = append(b, "NIL"...)
	}
	b = append(b, ' ')
	return e.appendContent(b, "Content-Location", d)
}
