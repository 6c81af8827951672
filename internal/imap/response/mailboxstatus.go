package response

import (
	"strconv"
	"strings"
)

// StatusItem is an item of a STATUS response.
type StatusItem struct {
	Name  string // upper case
	Value uint64
}

// ParseMailboxStatus parses the rest of a STATUS response. mailbox is the name as the server
// wrote it, unquoted; end is the octet behind it. Items whose value is a list are left out.
//
//	mailbox-data    =/ "STATUS" SP mailbox SP "(" [status-att-list] ")"
//	status-att-list =  status-att SP number *(SP status-att SP number)
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
		if v.kind == listValue {
			continue // MAILBOXID, and what else may come
		}
		n, err := strconv.ParseUint(string(v.b), 10, 64)
		if err != nil || v.kind != atomValue {
			s.i = at
			return "", 0, nil, s.fail("a number")
		}
		items = append(items, StatusItem{item, n})
	}
}
