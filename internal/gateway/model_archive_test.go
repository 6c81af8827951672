package gateway_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/imap"
)

// archive is the other mailbox of the model: of each of its messages the placement that it is the
// copy of, "mail" of another one, and nothing where it was expunged.
type archive []string

// add stores a message and gives its UID.
func (a *archive) add(of string) int {
	*a = append(*a, of)
	return len(*a)
}

// placementOf is what a message is the copy of.
func placementOf(msg string) string {
	_, id, ok := strings.Cut(msg, "X-Inlay-Placement: ")
	if !ok {
		return "mail"
	}
	id, _, _ = strings.Cut(id, "\r\n")
	return id
}

// copies counts the copies of a placement.
func (a archive) copies(id string) (n int) {
	for _, of := range a {
		if of == id {
			n++
		}
	}
	return n
}

// inArchive runs a command of a session that has the archive open, with the mailbox's lock held.
func (s *modelSession) inArchive(name, args string) (result string, done bool) {
	switch name {
	case "SELECT", "EXAMINE":
		if s.archived = strings.Contains(args, "Archive"); s.archived {
			s.selected, s.known = false, nil
			fmt.Fprintf(s.w, "* %d EXISTS\r\n* OK [UIDVALIDITY 9] Ok\r\n* OK [UIDNEXT %d] Ok\r\n", len(s.box.archive), len(s.box.archive)+1)
		}
		return "OK [READ-WRITE] Completed.", s.archived
	case "STATUS":
		if !strings.Contains(args, "Archive") {
			return "", false
		}
		fmt.Fprintf(s.w, "* STATUS Archive (UIDVALIDITY 9 UIDNEXT %d)\r\n", len(s.box.archive)+1)
		return "OK Completed.", true
	}
	if !s.archived {
		return "", false
	}
	set, rest, _ := strings.Cut(args, " ")
	switch name {
	case "EXPUNGE":
		uids, err := imap.ParseSeqSet([]byte(set), 1000)
		if err != nil {
			panic("the gateway sent the set " + strconv.Quote(set))
		}
		for i := range s.box.archive {
			if uids.Resolve(0).Contains(uint32(i + 1)) { //nolint:gosec // small
				s.box.archive[i] = ""
			}
		}
	case "SEARCH": // UID n:m HEADER X-Inlay-Placement id
		f := strings.Fields(rest)
		for i, of := range s.box.archive {
			if of == strings.Trim(f[len(f)-1], `"`) {
				fmt.Fprintf(s.w, "* SEARCH %d\r\n", i+1)
			}
		}
	}
	return "OK Completed.", true
}

// move runs MOVE to the archive, with the mailbox's lock held. Now and then it refuses.
func (s *modelSession) move(args string, uid bool) string {
	set, _, _ := strings.Cut(args, " ")
	if s.rng.IntN(4) == 0 {
		return "NO Not now."
	}
	var src, dst []string
	left := map[*modelMessage]bool{}
	s.each(set, uid, func(_ int, m *modelMessage) {
		src, dst = append(src, fmt.Sprint(m.uid)), append(dst, fmt.Sprint(s.box.archive.add("mail")))
		left[m] = true
	})
	if len(src) == 0 {
		return "OK No messages found."
	}
	fmt.Fprintf(s.w, "* OK [COPYUID 9 %s %s] Moved UIDs.\r\n", strings.Join(src, ","), strings.Join(dst, ","))
	s.box.msgs = slices.DeleteFunc(s.box.msgs, func(m *modelMessage) bool {
		if left[m] {
			m.gone = true
			s.box.changed()
		}
		return m.gone
	})
	return "OK Completed."
}
