package message

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/unicode/norm"

	"inlay.example/inlay/internal/imap"
)

// Facts is what a query asks of a message that its octets do not tell.
type Facts struct {
	Flags        []string
	Recent       bool
	InternalDate time.Time // its day counts in its own zone
	Seq          imap.SeqNum
	UID          imap.UID
	SeqStar      uint32 // what "*" means among sequence numbers
	UIDStar      uint32 // and among UIDs
}

// Match evaluates a search key (rfc3501 §6.4.4). Texts are compared as i;unicode-casemap does
// (rfc5051): decoded, without regard to case, as substrings.
func (m *Message) Match(k imap.SearchKey, f Facts) (bool, error) {
	switch k.Op {
	case imap.SearchAnd:
		for _, sub := range k.Keys {
			if ok, err := m.Match(sub, f); err != nil || !ok {
				return false, err
			}
		}
		return true, nil
	case imap.SearchOr:
		for _, sub := range k.Keys {
			if ok, err := m.Match(sub, f); err != nil || ok {
				return ok, err
			}
		}
		return false, nil
	case imap.SearchNot:
		if len(k.Keys) != 1 {
			return false, fmt.Errorf("NOT of %d keys", len(k.Keys))
		}
		ok, err := m.Match(k.Keys[0], f)
		return !ok && err == nil, err
	case imap.SearchSeq:
		return k.Set.Resolve(f.SeqStar).Contains(uint32(f.Seq)), nil
	case imap.SearchUID:
		return k.Set.Resolve(f.UIDStar).Contains(uint32(f.UID)), nil
	case imap.SearchAll:
		return true, nil
	case imap.SearchFlag:
		return f.has(k.Value), nil
	case imap.SearchUnflag:
		return !f.has(k.Value), nil
	case imap.SearchNew:
		return f.Recent && !f.has(`\Seen`), nil
	case imap.SearchOld:
		return !f.Recent, nil
	case imap.SearchLarger:
		return uint64(len(m.raw)) > k.Size, nil
	case imap.SearchSmaller:
		return uint64(len(m.raw)) < k.Size, nil
	case imap.SearchBefore, imap.SearchOn, imap.SearchSince:
		return compareDay(k.Op, f.InternalDate, k.Date), nil
	case imap.SearchSentBef, imap.SearchSentOn, imap.SearchSentSnce:
		// The day that the header says, whatever its zone.
		sent, err := mail.ParseDate(m.root.dateField())
		return err == nil && compareDay(k.Op, sent, k.Date), nil
	case imap.SearchHeader:
		return m.matchHeader(k.Field, k.Value), nil
	case imap.SearchAddress:
		return m.matchHeader(k.Field, k.Value), nil
	case imap.SearchSubject:
		return m.matchHeader("Subject", k.Value), nil
	case imap.SearchBody:
		return m.root.matchBody(fold5051(k.Value), true), nil
	case imap.SearchText:
		needle := fold5051(k.Value)
		return m.root.matchFields(needle) || m.root.matchBody(needle, true), nil
	}
	return false, fmt.Errorf("search key %q is not known", k.Op)
}

func (f Facts) has(flag string) bool {
	if strings.EqualFold(flag, `\Recent`) {
		return f.Recent
	}
	for _, x := range f.Flags {
		if strings.EqualFold(x, flag) {
			return true
		}
	}
	return false
}

func compareDay(op imap.SearchOp, at, day time.Time) bool {
	y, mo, d := at.Date()
	have := time.Date(y, mo, d, 0, 0, 0, 0, time.UTC)
	switch op {
	case imap.SearchBefore, imap.SearchSentBef:
		return have.Before(day)
	case imap.SearchOn, imap.SearchSentOn:
		return have.Equal(day)
	}
	return !have.Before(day)
}

func (e *entity) dateField() string {
	if f := e.findLast("Date"); f != nil {
		return f.value()
	}
	return ""
}

func charsetReader(name string, r io.Reader) (io.Reader, error) { return charset.Reader(name, r) }

// decodeWords decodes RFC 2047; what cannot be decoded stays.
func decodeWords(s string) string {
	dec := mime.WordDecoder{CharsetReader: charsetReader}
	if out, err := dec.DecodeHeader(s); err == nil {
		return out
	}
	return s
}

// fold5051 makes texts comparable: title case, decomposed.
func fold5051(s string) string { return norm.NFKD.String(strings.ToTitle(norm.NFKD.String(s))) }

// matchHeader looks into the fields of a name; an empty value asks whether there is one.
func (m *Message) matchHeader(name, value string) bool {
	needle := fold5051(value)
	for _, f := range m.root.fields {
		if strings.EqualFold(f.name, name) && (value == "" || strings.Contains(fold5051(decodeWords(f.value())), needle)) {
			return true
		}
	}
	return false
}

func (e *entity) matchFields(needle string) bool {
	for _, f := range e.fields {
		if strings.Contains(fold5051(f.name+": "+decodeWords(f.value())), needle) {
			return true
		}
	}
	return false
}

// matchBody looks into the decoded text parts, and the headers of parts below the message.
func (e *entity) matchBody(needle string, top bool) bool {
	if !top && e.matchFields(needle) {
		return true
	}
	if len(e.children) > 0 {
		for _, c := range e.children {
			if c.matchBody(needle, false) {
				return true
			}
		}
		return false
	}
	if !strings.EqualFold(e.kind, "text") && !strings.EqualFold(e.kind, "message") {
		return false
	}
	return strings.Contains(fold5051(e.decodedText()), needle)
}

// decodedText gives a text part in UTF-8, as well as it can.
func (e *entity) decodedText() string {
	var r io.Reader = bytes.NewReader(e.body)
	switch strings.ToLower(e.transferEncoding()) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	if cs := strings.ToLower(e.param("charset")); cs != "" && cs != "utf-8" && cs != "us-ascii" {
		if cr, err := charsetReader(cs, r); err == nil {
			r = cr
		}
	}
	b, _ := io.ReadAll(r) // what could be decoded before an error is searched
	return string(b)
}
