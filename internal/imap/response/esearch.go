package response

import (
	"bytes"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/imap/wire"
)

// ESearchItems streams the remainder of an ESEARCH response, holding nothing of it: number is
// given MIN, MAX, COUNT and MODSEQ, all every range of ALL, both as they come and in the server's order.
// Items that are not known are read past. A value that is none is fault.Invalid; by then what
// came before was given. An error of the callbacks ends the reading with it.
//
// Why not ParseESearch: every second one of a million messages is a line of megabytes.
func (r *Reader) ESearchItems(number func(name string, n uint64) error, all func(imap.Range) error) error {
	return r.eitems(eitems{number: number, all: all})
}

// ESearchPage is ESearchItems of a command that asked for PARTIAL: page is given every range of it.
func (r *Reader) ESearchPage(number func(name string, n uint64) error, page func(imap.Range) error) error {
	return r.eitems(eitems{number: number, all: func(imap.Range) error { return nil }, page: page})
}

func (r *Reader) eitems(e eitems) error {
	for {
		t, err := r.Token()
		if err != nil {
			return err
		}
		if err := e.token(t); err != nil || t.Kind == wire.CRLF {
			return err
		}
	}
}

// eitems follows the tokens of an ESEARCH: names and their values; the correlator is a list
// where a name is expected.
type eitems struct {
	number func(name string, n uint64) error
	all    func(imap.Range) error
	page   func(imap.Range) error // of PARTIAL; nil: it is read past
	paged  bool                   // the set of PARTIAL is being read, not its range

	uid   bool     // numbers are UIDs
	name  string   // of the value that is expected, or being read; empty: a name is
	depth int      // parentheses
	some  bool     // a word, or a value, has begun
	word  [24]byte // names and numbers fit, and what does not fit is neither
	n     int      // octets of word
	set   setItems
}

func (e *eitems) token(t wire.Token) error {
	switch t.Kind {
	case wire.Open:
		if e.depth == 1 && e.inPage() {
			return e.invalid()
		}
		if e.some || e.known() {
			return e.invalid()
		}
		e.depth++
	case wire.Close:
		if e.depth--; e.depth < 0 {
			return invalid("ESEARCH with unbalanced parentheses")
		}
		if e.depth == 0 {
			if e.inPage() && e.set != (setItems{}) {
				if err := e.set.end(e.page); err != nil {
					return err
				}
			}
			e.name, e.paged = "", false // a list was the correlator, or a value
		}
	case wire.Space:
		if e.depth == 0 {
			return e.endWord()
		}
		e.paged = e.depth == 1 && e.name == "PARTIAL"
	case wire.CRLF:
		if e.depth > 0 {
			return invalid("ESEARCH with unbalanced parentheses")
		}
		if err := e.endWord(); err != nil {
			return err
		}
		if e.name != "" {
			return e.invalid()
		}
	default:
		if e.depth == 1 && e.paged && e.inPage() {
			return e.set.add(bytes.Trim(t.Raw, "NILnil"), e.page) // NIL is nothing, perhaps in pieces
		}
		if e.depth > 0 {
			return nil
		}
		e.some = true
		switch {
		case t.Kind != wire.Atom && e.known():
			return e.invalid()
		case e.name == "ALL":
			return e.set.add(t.Raw, e.all)
		}
		e.n += copy(e.word[e.n:], t.Raw)
	}
	return nil
}

// inPage reports whether it is the value of PARTIAL that is read, and wanted.
//
//	ret-data-partial = "PARTIAL" SP "(" partial-range SP partial-results ")"      (rfc9394 §4)
//	partial-results  = sequence-set / "NIL"
func (e *eitems) inPage() bool { return e.name == "PARTIAL" && e.page != nil }

// known reports whether it is the value of an item that we understand that is expected.
func (e *eitems) known() bool {
	switch e.name {
	case "MIN", "MAX", "COUNT", "ALL", "MODSEQ":
		return true
	}
	return false
}

func (e *eitems) invalid() error {
	return invalid("ESEARCH with %s that is no number or set", e.name)
}

// endWord takes the name or the value that ends here, if there is one.
func (e *eitems) endWord() error {
	if !e.some {
		return nil
	}
	word, name := string(e.word[:e.n]), e.name
	e.some, e.n, e.name = false, 0, ""
	switch name {
	case "":
		if name = strings.ToUpper(word); name == "UID" {
			e.uid = true // it has no value
			return nil
		}
		e.name = name
	case "ALL":
		return e.set.end(e.all)
	case "MIN", "MAX", "COUNT":
		n, err := number(word)
		if err != nil || n == 0 && name != "COUNT" {
			e.name = name
			return e.invalid()
		}
		return e.number(name, uint64(n))
	case "MODSEQ": // search-ret-data =/ "MODSEQ" SP mod-sequence-value      (rfc7162 §7)
		n, err := strconv.ParseUint(word, 10, 63)
		if err != nil {
			e.name = name
			return e.invalid()
		}
		return e.number(name, n)
	}
	return nil
}

// setItems reads a set as its octets come.
//
//	sequence-set = (seq-number / seq-range) ["," sequence-set]      ; without "*" (rfc4731 §3.1)
type setItems struct {
	lo, n  uint64
	digits bool // n is being read
	colon  bool // lo was read
}

func (s *setItems) add(b []byte, use func(imap.Range) error) error {
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			s.n, s.digits = s.n*10+uint64(c-'0'), true
			if s.n == 0 || s.n > uint64(imap.MaxUID) {
				return errSet
			}
		case c == ':' && s.digits && !s.colon:
			s.lo, s.n, s.digits, s.colon = s.n, 0, false, true
		case c == ',':
			if err := s.end(use); err != nil {
				return err
			}
		default:
			return errSet
		}
	}
	return nil
}

// end gives the range that ends here.
func (s *setItems) end(use func(imap.Range) error) error {
	if !s.digits {
		return errSet
	}
	lo, hi := s.n, s.n
	if s.colon {
		lo, hi = min(s.lo, s.n), max(s.lo, s.n)
	}
	*s = setItems{}
	return use(imap.Range{Lo: uint32(lo), Hi: uint32(hi)})
}

var errSet = invalid("ESEARCH with ALL that is no set of numbers from 1 to 4294967295")
