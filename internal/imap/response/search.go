package response

import (
	"strings"

	"inlay.example/inlay/internal/imap"
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
	for {
		s.spaces()
		if s.eol() {
			return e, nil
		}
		name := strings.ToUpper(s.atom())
		if name == "UID" {
			e.UID = true
			continue
		}
		if name == "" || !s.spaces() {
			return e, s.fail("a name and its value")
		}
		at := s.i
		v, err := s.value()
		if err != nil {
			return e, err
		}
		if err := e.set(name, v); err != nil {
			s.i = at
			return e, s.fail(name + " of numbers from 1 to 4294967295")
		}
	}
}

func (e *ESearch) set(name string, v value) (err error) {
	switch name {
	case "MIN":
		e.HasMin = true
		e.Min, err = nzNumber(v)
	case "MAX":
		e.HasMax = true
		e.Max, err = nzNumber(v)
	case "COUNT":
		e.HasCnt = true
		if v.kind != atomValue {
			return invalid("%q", clip(v.b))
		}
		e.Count, err = number(string(v.b))
	case "ALL":
		if v.kind != atomValue {
			return invalid("%q", clip(v.b))
		}
		var set imap.SeqSet
		set, err = uidSet(name, v.b)
		e.All = e.All.Union(set.Resolve(0)) // an item that comes twice counts twice, as where it streams by
	}
	return err
}

func nzNumber(v value) (uint32, error) {
	n, err := number(string(v.b))
	if err != nil || n == 0 || v.kind != atomValue {
		return 0, invalid("%q", clip(v.b))
	}
	return n, nil
}
