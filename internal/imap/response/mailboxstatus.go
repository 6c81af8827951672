package response

import (
	"strconv"
	"strings"
)

// StatusItem is an item of a STATUS response.
type StatusItem struct {
	Name  string // upper case
	Value uint64
	Other string // the value as written where it is not a number: NIL, or a list
}

// ParseMailboxStatus parses the rest of a STATUS response. mailbox is the name as the server
// wrote it, unquoted; end is the octet behind it.
//
//	mailbox-data    =/ "STATUS" SP mailbox SP "(" [status-att-list] ")"
//	status-att-list =  status-att-val *(SP status-att-val)
//	status-att-val  =  ("MESSAGES" SP number) / … / ("APPENDLIMIT" SP (number / nil)) / ("MAILBOXID" SP "(" objectid ")")
func ParseMailboxStatus(rest []byte) (mailbox string, end int, items []StatusItem, err error) {
	s := scanner{b: rest}
	s.spaces()
	name, err := s.value()
	if err != nil {
		return "", 0, nil, err
	}
	if name.kind == listValue {
		s.i = 0
		return "", 0, nil, s.fail("a mailbox name")
	}
	end = s.i
	if !s.spaces() || !s.skip('(') {
		return "", 0, nil, s.fail("a space and (")
	}
	for {
		s.spaces()
		if s.skip(')') {
			return string(name.b), end, items, s.end()
		}
		item := strings.ToUpper(s.atom())
		if item == "" || !s.spaces() {
			return "", 0, nil, s.fail("an item and its value")
		}
		at := s.i
		v, err := s.value()
		if err != nil {
			return "", 0, nil, err
		}
		if v.kind == listValue || v.kind == atomValue && strings.EqualFold(string(v.b), "NIL") {
			items = append(items, StatusItem{Name: item, Other: string(rest[at:s.i])}) // MAILBOXID, APPENDLIMIT, and what else may come
			continue
		}
		n, err := strconv.ParseUint(string(v.b), 10, 64)
		if err != nil || v.kind != atomValue {
			s.i = at
			return "", 0, nil, s.fail("a number")
		}
		items = append(items, StatusItem{Name: item, Value: n})
	}
}
