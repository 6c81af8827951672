package response

import (
	"bytes"
	"strings"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/wire"
)

// ParseSearch parses the rest of a SEARCH response: sequence numbers or UIDs, in the server's
// order.
//
//	mailbox-data =/ "SEARCH" *(SP nz-number)      (rfc3501 §9)
func ParseSearch(rest []byte) ([]uint32, error) {
	s := scanner{b: rest}
	var nums []uint32
	for {
		spaced := s.spaces()
		if s.eol() {
			return nums, nil
		}
		at := s.i
		n, err := number(s.atom())
		if err != nil || n == 0 || !spaced {
			s.i = at
			return nil, s.fail("a space and a number from 1 to 4294967295")
		}
		nums = append(nums, n)
	}
}

// ESearch is an ESEARCH response.
type ESearch struct {
	Tag                    string // of the command that it answers; empty if it was not told
	UID                    bool   // numbers are UIDs
	Min, Max, Count        uint32
	HasMin, HasMax, HasCnt bool
	All                    imap.Set
}

// ParseESearch parses the rest of an ESEARCH response; items that are not known are skipped.
//
//	esearch-response   = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)      (rfc4731 §4)
//	search-correlator  = SP "(" "TAG" SP tag-string ")"                                         (rfc4466 §2.6.2)
//	search-return-data = "MIN" SP nz-number / "MAX" SP nz-number / "ALL" SP sequence-set / "COUNT" SP number
func ParseESearch(rest []byte) (ESearch, error) {
	var e ESearch
	s := scanner{b: rest}
	s.spaces()
	if s.skip('(') {
		at := s.i
		if !strings.EqualFold(s.atom(), "TAG") {
			s.i = at
			return e, s.fail("TAG")
		}
		if !s.spaces() {
			return e, s.fail("a space")
		}
		tag, err := s.value()
		if err != nil || tag.kind == listValue || !s.skip(')') {
			return e, s.fail("a tag and )")
		}
		e.Tag = string(tag.b)
	}
	if at, err := e.items(rest[s.i:]); err != nil {
		return e, fault.Wrap(fault.Invalid, err, "reading up to octet %d of %q", s.i+at+1, clip(rest))
	}
	return e, nil
}

// items reads what follows the correlator by the same steps as where it streams by: two
// grammars of one response would differ somewhere.
func (e *ESearch) items(rest []byte) (at int, err error) {
	r := wire.NewReader(bytes.NewReader(rest), heldBuffer, wire.Limits{Literal: int64(len(rest)) + 1})
	it := eitems{number: e.number, all: func(r imap.Range) error { e.All.AddRange(r.Lo, r.Hi); return nil }}
	for cut := false; ; {
		t, err := r.Next()
		switch {
		case err != nil && cut:
			return at, invalid("ESEARCH that ends with a literal")
		case err != nil:
			t = wire.Token{Kind: wire.CRLF} // which rest may be without
		}
		if err := it.token(t); err != nil {
			return at, err
		}
		at += len(t.Raw)
		if t.Kind == wire.CRLF {
			break
		}
		cut = t.Kind == wire.LiteralHead || t.Kind == wire.LiteralData // the line's end in a head is not the response's
	}
	if e.UID = it.uid; at < len(rest) {
		return at, invalid("ESEARCH with more behind its end")
	}
	return at, nil
}

const heldBuffer = 512 // octets

func (e *ESearch) number(name string, n uint64) error {
	switch name {
	case "MIN":
		e.Min, e.HasMin = uint32(n), true
	case "MAX":
		e.Max, e.HasMax = uint32(n), true
	case "COUNT":
		e.Count, e.HasCnt = uint32(n), true
	}
	return nil
}

func nzNumber(v value) (uint32, error) {
	n, err := number(string(v.b))
	if err != nil || n == 0 || v.kind != atomValue {
		return 0, invalid("%q", clip(v.b))
	}
	return n, nil
}
