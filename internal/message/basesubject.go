package message

import "strings"

// baseSubject gives the subject by which messages are sorted and threaded, folded for
// comparison, and whether it was one of a reply or a forward.
//
// rfc5256 §2.1, on a text that is decoded and folded before anything is taken off, as Dovecot
// does it: "re:" may thus be written in any letters that fold to these.
func baseSubject(value string) (base string, reply bool) {
	folded := eachWord(value, foldCase, func(raw []byte) string { return string(raw) })
	s, _, _ := strings.Cut(packSpace(folded), "\x00")
	for {
		var was bool
		s, was = withoutTrailers(s) // (2)
		reply = reply || was
		for { // (3) to (5)
			short, refwd := withoutLeader(s)
			reply = reply || refwd
			if rest, ok := blob(short); ok && rest != "" {
				short = rest
			}
			if len(short) == len(s) {
				break
			}
			s = short
		}
		if !strings.HasPrefix(s, "[FWD:") || !strings.HasSuffix(s, "]") { // (6)
			return s, reply
		}
		s, reply = s[len("[FWD:"):len(s)-1], true
	}
}

// packSpace makes one space of all white space in a row.
func packSpace(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for i := range len(s) {
		switch s[i] {
		case ' ', '\t', '\r', '\n':
			if !space {
				b.WriteByte(' ')
			}
			space = true
		default:
			b.WriteByte(s[i])
			space = false
		}
	}
	return b.String()
}

// withoutTrailers takes off what matches subj-trailer, from the end.
//
//	subj-trailer = "(fwd)" / WSP
func withoutTrailers(s string) (rest string, forward bool) {
	for {
		short := strings.TrimRight(s, " ")
		if cut, ok := strings.CutSuffix(short, "(FWD)"); ok {
			short, forward = cut, true
		}
		if len(short) == len(s) {
			return s, forward
		}
		s = short
	}
}

// withoutLeader takes off what matches subj-leader, once.
//
//	subj-leader = (*subj-blob subj-refwd) / WSP
//	subj-refwd  = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
func withoutLeader(s string) (rest string, refwd bool) {
	s = strings.TrimPrefix(s, " ")
	at := s
	for strings.HasPrefix(at, "[") {
		next, ok := blob(at)
		if !ok {
			return s, false
		}
		at = next
	}
	switch {
	case strings.HasPrefix(at, "RE"), strings.HasPrefix(at, "FW") && !strings.HasPrefix(at, "FWD"):
		at = at[2:]
	case strings.HasPrefix(at, "FWD"):
		at = at[3:]
	default:
		return s, false
	}
	at = strings.TrimPrefix(at, " ")
	if strings.HasPrefix(at, "[") {
		next, ok := blob(at)
		if !ok {
			return s, false
		}
		at = next
	}
	if at, ok := strings.CutPrefix(at, ":"); ok {
		return at, true
	}
	return s, false
}

// blob takes off subj-blob.
//
//	subj-blob = "[" *BLOBCHAR "]" *WSP
func blob(s string) (rest string, ok bool) {
	if !strings.HasPrefix(s, "[") {
		return s, false
	}
	i := strings.IndexAny(s[1:], "[]")
	if i < 0 || s[1+i] != ']' {
		return s, false
	}
	return strings.TrimPrefix(s[i+2:], " "), true
}
