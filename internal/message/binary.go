package message

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/imap"
)

// ErrUnknownEncoding is the error of a section that holds a part whose transfer encoding is not
// known; the server's answer is UNKNOWN-CTE (rfc3516 §4.3).
var ErrUnknownEncoding = errors.New("the Content-Transfer-Encoding is not known")

// ErrEncoding is the error of a section that holds a part which is not encoded as it says.
var ErrEncoding = errors.New("the content does not follow its Content-Transfer-Encoding")

// Binary gives BINARY[…] (rfc3516 §4.2): the octets of a section, decoded, after the partial,
// which counts in what is decoded. What is not there is empty. decoded says that the octets
// are not as they stand in the message; they must not be changed.
//
// deviates: what holds other parts is given with all of them decoded, and with fields that say
// so, as Dovecot does. The RFC, and Cyrus, have its own encoding removed only, which is none.
func (m *Message) Binary(s imap.Section) (data []byte, decoded bool, err error) {
	e := m.find(s.Part)
	if _, ok := m.Section(imap.Section{Part: s.Part}); e == nil || !ok {
		return nil, false, nil
	}
	if m.dialect == Cyrus && (len(s.Part) == 0 || e.multipart || e.nested) {
		if data = e.body; len(s.Part) == 0 {
			data = m.raw
		}
	} else {
		data, decoded, err = m.binary(e, len(s.Part) == 0)
	}
	if s.Partial != nil && err == nil {
		data = data[min(uint64(s.Partial.Offset), uint64(len(data))):]
		data = data[:min(uint64(s.Partial.Count), uint64(len(data)))]
	}
	return data, decoded, err
}

// BinaryAnswer is the value of BINARY[…] in a response: octets, and what stands before them. From
// Dovecot those that are not as they stand in the message are a literal8, from Cyrus those that
// no other literal can carry.
func (m *Message) BinaryAnswer(s imap.Section) (head string, data []byte, err error) {
	data, decoded, err := m.Binary(s)
	if err != nil {
		return "", nil, err
	}
	head = "{" + strconv.Itoa(len(data)) + "}\r\n"
	if m.dialect != Cyrus {
		if decoded {
			head = "~" + head
		}
		return head, data, nil
	}
	switch _, ok := m.Section(imap.Section{Part: s.Part}); {
	case !ok:
		return "NIL", nil, nil
	case len(data) == 0:
		return `""`, nil, nil
	case bytes.IndexByte(data, 0) >= 0:
		head = "~" + head
	}
	return head, data, nil
}

// BinarySize gives BINARY.SIZE[…]: the number of octets of what Binary gives.
func (m *Message) BinarySize(s imap.Section) (int, error) {
	data, _, err := m.Binary(imap.Section{Part: s.Part})
	return len(data), err
}

// decoding is a stretch of a message and what stands in its place once it is decoded.
type decoding struct {
	start, end int
	with       []byte
}

// binary decodes the body of an entity; the whole one has its header too.
func (m *Message) binary(e *entity, whole bool) (data []byte, decoded bool, err error) {
	var all []decoding
	if all, err = m.decodings(e, whole, nil); err != nil {
		return nil, false, err
	}
	at, end := m.offset(e.body), m.offset(e.body)+len(e.body)
	if whole {
		at = m.offset(e.header)
	}
	if len(all) == 0 {
		return m.raw[at:end], false, nil
	}
	var out []byte
	for _, d := range all {
		out = append(out, m.raw[at:d.start]...)
		out = append(out, d.with...)
		at = d.end
	}
	return append(out, m.raw[at:end]...), true, nil
}

// offset gives where a slice of the message stands in it.
func (m *Message) offset(part []byte) int { return cap(m.raw) - cap(part) }

// decodings appends what is to be decoded of an entity, in order.
func (m *Message) decodings(e *entity, header bool, all []decoding) ([]decoding, error) {
	for _, c := range e.children {
		var err error
		if all, err = m.decodings(c, true, all); err != nil {
			return nil, err
		}
	}
	if e.multipart || e.nested {
		return all, nil
	}
	var with []byte
	var ok bool
	switch strings.ToLower(e.lastEncoding()) {
	case "7bit", "8bit", "binary":
		return all, nil
	case "base64":
		var err error
		with, err = strictBase64(e.body)
		ok = err == nil
	case "quoted-printable":
		with, ok = strictQuoted(e.body)
	default:
		return nil, ErrUnknownEncoding
	}
	if !ok {
		return nil, ErrEncoding
	}
	if header {
		start := m.offset(e.header)
		all = append(all, decoding{start, start + len(e.header), e.headerWithout()})
	}
	start := m.offset(e.body)
	return append(all, decoding{start, start + len(e.body), with}), nil
}

// lastEncoding gives what the last Content-Transfer-Encoding field says, "7bit" if there is none.
// It is empty where the field is more than a word, but for what looks like parameters.
func (e *entity) lastEncoding() string {
	f := e.findLast("Content-Transfer-Encoding")
	if f == nil {
		return "7bit"
	}
	c := scanner{s: f.value()}
	c.space()
	word, more, ok := c.word(isToken)
	if !ok || more && c.s[0] != ';' {
		return ""
	}
	return word
}

// headerWithout gives the header with one field at its end that says what the body is decoded.
func (e *entity) headerWithout() []byte {
	const name = "Content-Transfer-Encoding"
	var out []byte
	size := 0
	for _, f := range e.fields {
		size += len(f.raw)
		if !strings.EqualFold(f.name, name) {
			out = append(out, f.raw...)
		}
	}
	out = append(out, name+": binary\r\n"...)
	return append(out, e.header[size:]...)
}

// strictQuoted decodes quoted-printable; ok is false where "=" is no escape. White space at a
// line's end goes (rfc2045 §6.7 (3)).
func strictQuoted(raw []byte) (out []byte, ok bool) {
	out = make([]byte, 0, len(raw))
	for len(raw) > 0 {
		line, rest, found := bytes.Cut(raw, []byte("\r\n"))
		raw = rest
		line = bytes.TrimRight(line, " \t")
		line, soft := bytes.CutSuffix(line, []byte("="))
		if soft && !found {
			return nil, false // "=" and nothing behind it
		}
		for i := 0; i < len(line); i++ {
			if line[i] != '=' {
				out = append(out, line[i])
				continue
			}
			v, ok := hexOctet(line[i+1:])
			if !ok {
				return nil, false
			}
			out = append(out, v)
			i += 2
		}
		if found && !soft {
			out = append(out, "\r\n"...)
		}
	}
	return out, true
}

// hexOctet takes two hexadecimal digits.
func hexOctet(s []byte) (byte, bool) {
	const digits = "0123456789abcdef0123456789ABCDEF"
	if len(s) < 2 {
		return 0, false
	}
	hi, lo := strings.IndexByte(digits, s[0]), strings.IndexByte(digits, s[1])
	return byte(hi%16<<4 | lo%16), hi >= 0 && lo >= 0
}
