package response

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"inlay.example/inlay/internal/imap"
)

// scanner walks over the held rest of a response.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) done() bool { return s.i >= len(s.b) }

func (s *scanner) peek() byte {
	if s.done() {
		return 0
	}
	return s.b[s.i]
}

func (s *scanner) skip(c byte) bool {
	if s.peek() == c && !s.done() {
		s.i++
		return true
	}
	return false
}

func (s *scanner) spaces() {
	for s.skip(' ') {
	}
}

func (s *scanner) eol() bool {
	rest := s.b[s.i:]
	return len(rest) == 0 || string(rest) == "\r\n" || string(rest) == "\n"
}

func (s *scanner) fail(want string) error {
	return invalid("%s expected at octet %d of %q", want, s.i, clip(s.b))
}

func clip(b []byte) []byte {
	if len(b) > 200 {
		return b[:200]
	}
	return b
}

// atom takes octets up to a delimiter; a section in brackets is part of it.
func (s *scanner) atom() string {
	start, brackets := s.i, 0
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '\r' || c == '\n':
			return string(s.b[start:s.i])
		case c == '[':
			brackets++
		case c == ']' && brackets > 0:
			brackets--
		case brackets == 0 && (c == ' ' || c == '(' || c == ')' || c == '"' || c == ']'):
			return string(s.b[start:s.i])
		}
	}
	return string(s.b[start:s.i])
}

// value takes an atom, a quoted string, a literal, or a list, and gives its octets: of
// strings the content, of a list its content between the parentheses.
func (s *scanner) value() ([]byte, error) {
	switch s.peek() {
	case '"':
		return s.quoted()
	case '{', '~':
		return s.literal()
	case '(':
		start := s.i + 1
		if err := s.list(0); err != nil {
			return nil, err
		}
		return s.b[start : s.i-1], nil
	}
	a := s.atom()
	if a == "" {
		return nil, s.fail("a value")
	}
	return []byte(a), nil
}

func (s *scanner) quoted() ([]byte, error) {
	var out []byte
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case '"':
			s.i++
			return out, nil
		case '\\':
			if s.i++; s.i < len(s.b) {
				out = append(out, s.b[s.i])
			}
		default:
			out = append(out, c)
		}
	}
	return nil, s.fail("the end of a quoted string")
}

func (s *scanner) literal() ([]byte, error) {
	s.skip('~')
	end := bytes.IndexByte(s.b[s.i:], '\n')
	if end < 0 || s.peek() != '{' {
		return nil, s.fail("a literal")
	}
	head := strings.TrimRight(string(s.b[s.i+1:s.i+end]), "}+\r")
	n, err := strconv.ParseUint(head, 10, 31)
	start := s.i + end + 1
	if err != nil || uint64(len(s.b)-start) < n {
		return nil, s.fail("a literal")
	}
	s.i = start + int(n)
	return s.b[start:s.i], nil
}

const maxListDepth = 100

// list walks over a parenthesised list.
func (s *scanner) list(depth int) error {
	if depth > maxListDepth {
		return s.fail("a shallower list")
	}
	if !s.skip('(') {
		return s.fail("(")
	}
	for {
		s.spaces()
		switch s.peek() {
		case ')':
			s.i++
			return nil
		case '(':
			if err := s.list(depth + 1); err != nil {
				return err
			}
		default:
			if _, err := s.value(); err != nil {
				return err
			}
		}
	}
}

// Status is what stands behind OK, NO, BAD, BYE or PREAUTH.
type Status struct {
	Code               string // upper case; empty if there is none
	CodeArgs           []byte // what follows the code's name and a space
	CodeStart, CodeEnd int    // of the code between its brackets, in what was parsed
	Text               string
}

// ParseStatus never fails: what is no code is text.
//
//	resp-text      = ["[" resp-text-code "]" SP] [text]
//	resp-text-code = atom [SP 1*<any TEXT-CHAR except "]">]
func ParseStatus(rest []byte) Status {
	i := 0
	for i < len(rest) && rest[i] == ' ' {
		i++
	}
	text := bytes.TrimRight(rest[i:], "\r\n")
	if len(text) == 0 || text[0] != '[' {
		return Status{Text: string(text)}
	}
	end := bytes.IndexByte(text, ']')
	if end < 0 {
		return Status{Text: string(text)}
	}
	code, args, _ := bytes.Cut(text[1:end], []byte(" "))
	return Status{
		Code: strings.ToUpper(string(code)), CodeArgs: args, CodeStart: i + 1, CodeEnd: i + end,
		Text: strings.TrimLeft(string(text[end+1:]), " "),
	}
}

const maxRanges = 1 << 20 // of the sets in APPENDUID and COPYUID

// ParseAppendUID parses the arguments of the code APPENDUID.
//
//	resp-code-apnd = "APPENDUID" SP nz-number SP append-uid      (rfc4315 §4)
func ParseAppendUID(args []byte) (validity uint32, uids imap.SeqSet, err error) {
	f := bytes.Fields(args)
	if len(f) != 2 {
		return 0, nil, invalid("APPENDUID %q", clip(args))
	}
	if validity, err = number(string(f[0])); err != nil {
		return 0, nil, invalid("APPENDUID %q: UIDVALIDITY", clip(args))
	}
	uids, err = uidSet(f[1])
	return validity, uids, err
}

// ParseCopyUID parses the arguments of the code COPYUID.
//
//	resp-code-copy = "COPYUID" SP nz-number SP uid-set SP uid-set      (rfc4315 §4)
func ParseCopyUID(args []byte) (validity uint32, src, dst imap.SeqSet, err error) {
	f := bytes.Fields(args)
	if len(f) != 3 {
		return 0, nil, nil, invalid("COPYUID %q", clip(args))
	}
	if validity, err = number(string(f[0])); err != nil {
		return 0, nil, nil, invalid("COPYUID %q: UIDVALIDITY", clip(args))
	}
	if src, err = uidSet(f[1]); err != nil {
		return 0, nil, nil, err
	}
	dst, err = uidSet(f[2])
	return validity, src, dst, err
}

func uidSet(b []byte) (imap.SeqSet, error) {
	set, err := imap.ParseSeqSet(b, maxRanges)
	if err != nil {
		return nil, invalid("%v", err)
	}
	if set.HasStar() {
		return nil, invalid("* in a UID set of the server")
	}
	return set, nil
}

// ParseFlags parses a flag list.
//
//	flag-list = "(" [flag *(SP flag)] ")"
func ParseFlags(rest []byte) ([]string, error) {
	s := scanner{b: rest}
	s.spaces()
	flags, err := s.flags()
	if err == nil && !s.eol() {
		err = s.fail("the end")
	}
	return flags, err
}

func (s *scanner) flags() ([]string, error) {
	if !s.skip('(') {
		return nil, s.fail("(")
	}
	var flags []string
	for {
		s.spaces()
		if s.skip(')') {
			return flags, nil
		}
		f := s.atom()
		if f == "" {
			return nil, s.fail("a flag")
		}
		flags = append(flags, f)
	}
}

// StatusItem is an item of a STATUS response.
type StatusItem struct {
	Name  string // upper case
	Value uint64
}

// ParseMailboxStatus parses the rest of a STATUS response. mailbox is the name as the server
// wrote it, unquoted; end is the octet behind it.
//
//	mailbox-data =/ "STATUS" SP mailbox SP "(" [status-att-list] ")"
func ParseMailboxStatus(rest []byte) (mailbox string, end int, items []StatusItem, err error) {
	s := scanner{b: rest}
	s.spaces()
	name, err := s.value()
	if err != nil {
		return "", 0, nil, err
	}
	end = s.i
	s.spaces()
	if !s.skip('(') {
		return "", 0, nil, s.fail("(")
	}
	for {
		s.spaces()
		if s.skip(')') {
			break
		}
		item := strings.ToUpper(s.atom())
		s.spaces()
		v := s.atom()
		n, err := strconv.ParseUint(v, 10, 64)
		if item == "" || err != nil {
			return "", 0, nil, s.fail("an item and its number")
		}
		items = append(items, StatusItem{item, n})
	}
	if !s.eol() {
		return "", 0, nil, s.fail("the end")
	}
	return string(name), end, items, nil
}

// ParseSearch parses the rest of a SEARCH response.
//
//	mailbox-data =/ "SEARCH" *(SP nz-number)      (rfc3501 §9)
func ParseSearch(rest []byte) ([]uint32, error) {
	s := scanner{b: rest}
	var nums []uint32
	for {
		s.spaces()
		if s.eol() {
			return nums, nil
		}
		n, err := number(s.atom())
		if err != nil || n == 0 {
			return nil, s.fail("a number")
		}
		nums = append(nums, n)
	}
}

// ESearch is an ESEARCH response.
type ESearch struct {
	Tag                    string
	UID                    bool
	Min, Max, Count        uint32
	HasMin, HasMax, HasCnt bool
	All                    imap.Set
}

// ParseESearch parses the rest of an ESEARCH response; items that are not known are skipped.
//
//	esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)      (rfc4731 §4)
func ParseESearch(rest []byte) (ESearch, error) {
	var e ESearch
	s := scanner{b: rest}
	s.spaces()
	if s.peek() == '(' {
		s.i++
		if !strings.EqualFold(s.atom(), "TAG") {
			return e, s.fail("TAG")
		}
		s.spaces()
		tag, err := s.value()
		if err != nil || !s.skip(')') {
			return e, s.fail("a tag")
		}
		e.Tag = string(tag)
	}
	for {
		s.spaces()
		if s.eol() {
			return e, nil
		}
		name := strings.ToUpper(s.atom())
		if name == "" {
			return e, s.fail("a name")
		}
		if name == "UID" {
			e.UID = true
			continue
		}
		s.spaces()
		v, err := s.value()
		if err != nil {
			return e, err
		}
		switch name {
		case "MIN":
			e.Min, err = number(string(v))
			e.HasMin = true
		case "MAX":
			e.Max, err = number(string(v))
			e.HasMax = true
		case "COUNT":
			e.Count, err = number(string(v))
			e.HasCnt = true
		case "ALL":
			var set imap.SeqSet
			if set, err = uidSet(v); err == nil {
				e.All = set.Resolve(0)
			}
		}
		if err != nil {
			return e, s.fail("a number behind " + name)
		}
	}
}

// Fetch is a FETCH response that was held.
type Fetch struct {
	UID          imap.UID
	Flags        []string
	HasFlags     bool
	InternalDate time.Time
	Size         uint32
	ModSeq       uint64
	Sections     map[string][]byte // by name as the server wrote it, in upper case
}

// ParseFetch parses the rest of a FETCH response; items that are not known are skipped.
func ParseFetch(rest []byte) (Fetch, error) {
	var f Fetch
	s := scanner{b: rest}
	s.spaces()
	if !s.skip('(') {
		return f, s.fail("(")
	}
	for {
		s.spaces()
		if s.skip(')') {
			break
		}
		name := strings.ToUpper(s.atom())
		if name == "" {
			return f, s.fail("an item")
		}
		s.spaces()
		if err := s.fetchItem(&f, name); err != nil {
			return f, err
		}
	}
	if !s.eol() {
		return f, s.fail("the end")
	}
	return f, nil
}

func (s *scanner) fetchItem(f *Fetch, name string) error {
	if name == "FLAGS" {
		flags, err := s.flags()
		f.Flags, f.HasFlags = flags, true
		return err
	}
	v, err := s.value()
	if err != nil {
		return err
	}
	switch name {
	case "UID":
		n, err := number(string(v))
		if err != nil || n == 0 {
			return s.fail("a UID")
		}
		f.UID = imap.UID(n)
	case "RFC822.SIZE":
		if f.Size, err = number(string(v)); err != nil {
			return s.fail("a size")
		}
	case "MODSEQ":
		if f.ModSeq, err = strconv.ParseUint(strings.TrimSpace(string(v)), 10, 63); err != nil {
			return s.fail("a mod-sequence")
		}
	case "INTERNALDATE":
		if f.InternalDate, err = time.Parse("_2-Jan-2006 15:04:05 -0700", string(v)); err != nil {
			return s.fail("a date")
		}
	default:
		if strings.Contains(name, "[") || strings.HasPrefix(name, "RFC822") {
			if f.Sections == nil {
				f.Sections = map[string][]byte{}
			}
			f.Sections[name] = v
		}
	}
	return nil
}
