package response

import (
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/imap"
)

// Fetch is a FETCH response that was held.
type Fetch struct {
	UID          imap.UID // 0 if it was not told
	Flags        []string
	HasFlags     bool
	InternalDate time.Time
	Size         uint64 // octets
	ModSeq       uint64
	Sections     map[string][]byte // of BODY[…] and RFC822…, by name as the server wrote it, in upper case; nil for NIL
}

// ParseFetch parses the rest of a FETCH response; items that are not known are skipped. Of an
// item that comes twice the last one counts.
//
//	msg-att = "(" (msg-att-dynamic / msg-att-static) *(SP (msg-att-dynamic / msg-att-static)) ")"
func ParseFetch(rest []byte) (Fetch, error) {
	var f Fetch
	s := scanner{b: rest}
	s.spaces()
	if !s.skip('(') {
		return f, s.fail("(")
	}
	for n := 0; ; n++ {
		spaced := s.spaces()
		if s.skip(')') {
			return f, s.end()
		}
		if n > 0 && !spaced {
			return f, s.fail("a space or )")
		}
		name, err := s.item()
		if err != nil {
			return f, err
		}
		if !s.spaces() {
			return f, s.fail("a space")
		}
		if err := s.fetchItem(&f, strings.ToUpper(name)); err != nil {
			return f, err
		}
	}
}

// fetchItem takes the value of an item.
//
//	msg-att-dynamic = "FLAGS" SP "(" [flag-fetch *(SP flag-fetch)] ")"
//	msg-att-static  = "INTERNALDATE" SP date-time / "RFC822.SIZE" SP number / "UID" SP uniqueid /
//	                  "RFC822" [".HEADER" / ".TEXT"] SP nstring / "BODY" section ["<" number ">"] SP nstring / …
func (s *scanner) fetchItem(f *Fetch, name string) (err error) {
	if name == "FLAGS" {
		f.Flags, err = s.flags()
		f.HasFlags = true
		return err
	}
	at := s.i
	v, err := s.value()
	if err != nil {
		return err
	}
	want := ""
	switch {
	case name == "UID":
		var n uint32
		n, err = nzNumber(v)
		f.UID, want = imap.UID(n), "a UID"
	case name == "RFC822.SIZE":
		f.Size, err = strconv.ParseUint(string(v.b), 10, 63)
		want = "a size"
	case name == "MODSEQ":
		f.ModSeq, err = strconv.ParseUint(strings.TrimSpace(string(v.b)), 10, 63)
		want = "a mod-sequence"
	case name == "INTERNALDATE":
		f.InternalDate, err = time.Parse("_2-Jan-2006 15:04:05 -0700", string(v.b))
		want = "a date and time"
	case strings.Contains(name, "[") || strings.HasPrefix(name, "RFC822"):
		if f.Sections == nil {
			f.Sections = map[string][]byte{}
		}
		switch {
		case v.kind == stringValue:
			f.Sections[name] = v.b
		case v.kind == atomValue && strings.EqualFold(string(v.b), "NIL"):
			f.Sections[name] = nil
		default:
			err, want = invalid("%q", clip(v.b)), "a string or NIL"
		}
	}
	if err != nil {
		s.i = at
		return s.fail(want)
	}
	return nil
}
