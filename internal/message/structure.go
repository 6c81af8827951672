package message

import (
	"bytes"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/imap"
)

// AppendBody appends the value of BODY: the structure without extension data.
func (m *Message) AppendBody(b []byte) []byte { return m.root.appendStructure(b, false) }

// AppendBodyStructure appends the value of BODYSTRUCTURE.
func (m *Message) AppendBodyStructure(b []byte) []byte { return m.root.appendStructure(b, true) }

// empty stands for the part that every multipart must have (rfc9051 §9: body-type-mpart = 1*body).
var empty = &entity{kind: "text", subkind: "plain"}

// appendStructure appends body-type-mpart, -basic, -msg or -text (rfc9051 §9). Sizes count the
// octets as they are encoded, lines count line feeds.
func (e *entity) appendStructure(b []byte, ext bool) []byte {
	b = append(b, '(')
	if e.multipart {
		for _, c := range e.children {
			b = c.appendStructure(b, ext)
		}
		if len(e.children) == 0 {
			b = empty.appendStructure(b, ext)
		}
		b = append(b, ' ')
		b = imap.AppendString(b, e.subkind)
		if ext {
			b = append(b, ' ')
			b = appendParams(b, e.params)
			b = e.appendExtension(b)
		}
		return append(b, ')')
	}
	isText := strings.EqualFold(e.kind, "text")
	params := e.params
	if isText && !hasParam(params, "charset") {
		params = append(params[:len(params):len(params)], param{"charset", "us-ascii"}) // rfc2045 §5.2
	}
	b = imap.AppendString(b, e.kind)
	b = append(b, ' ')
	b = imap.AppendString(b, e.subkind)
	b = append(b, ' ')
	b = appendParams(b, params)
	b = append(b, ' ')
	b = e.appendContent(b, "Content-ID")
	b = append(b, ' ')
	b = e.appendContent(b, "Content-Description")
	b = append(b, ' ')
	enc := e.transferEncoding()
	if enc == "" {
		enc = "7bit" // rfc2045 §6.1
	}
	b = imap.AppendString(b, enc)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(e.body)), 10)
	if e.nested {
		b = append(b, ' ')
		b = e.children[0].appendEnvelope(b)
		b = append(b, ' ')
		b = e.children[0].appendStructure(b, ext)
	}
	if e.nested || isText {
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(bytes.Count(e.body, []byte("\n"))), 10)
	}
	if ext {
		b = append(b, ' ')
		b = e.appendContent(b, "Content-MD5")
		b = e.appendExtension(b)
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

// appendContent appends the first field of a name, which counts only in what is MIME.
func (e *entity) appendContent(b []byte, name string) []byte {
	if !e.mime {
		return append(b, "NIL"...)
	}
	return appendField(b, e.find(name))
}

func appendParams(b []byte, params []param) []byte {
	if len(params) == 0 {
		return append(b, "NIL"...)
	}
	b = append(b, '(')
	for i, p := range params {
		if i > 0 {
			b = append(b, ' ')
		}
		b = imap.AppendString(b, p.name)
		b = append(b, ' ')
		b = imap.AppendString(b, p.value)
	}
	return append(b, ')')
}

// appendExtension appends body-fld-dsp, -lang and -loc.
func (e *entity) appendExtension(b []byte) []byte {
	b = append(b, ' ')
	if name, params, ok := e.disposition(); ok {
		b = append(b, '(')
		b = imap.AppendString(b, name)
		b = append(b, ' ')
		b = appendParams(b, params)
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
			b = imap.AppendString(b, l)
		}
		b = append(b, ')')
	} else {
		b = append(b, "NIL"...)
	}
	b = append(b, ' ')
	return e.appendContent(b, "Content-Location")
}
