package message

import "strings"

// ThreadIDs gives what THREAD joins a message by: its id, empty if it has none that is valid, and
// those that it refers to: of References, or the first of In-Reply-To (rfc5256 §3).
func (h Header) ThreadIDs() (id string, refs []string) {
	if ids := h.ids("Message-ID", 1); len(ids) > 0 {
		id = ids[0]
	}
	if refs = h.ids("References", maxReferences); len(refs) == 0 {
		refs = h.ids("In-Reply-To", 1)
	}
	return id, refs
}

// maxReferences bounds the ids of a References field.
const maxReferences = 10_000

// ids gives the ids of the first field of a name, in a form in which equal ones are equal.
//
//	msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS]      (rfc5322 §3.6.4)
func (h Header) ids(name string, limit int) (out []string) {
	f := h.e.find(name)
	if f == nil {
		return nil
	}
	s := f.folded()
	for len(out) < limit {
		_, rest, ok := strings.Cut(s, "<")
		if !ok {
			break
		}
		end := strings.IndexAny(rest, `>"(`)
		if end < 0 {
			break
		}
		if rest[end] != '>' {
			if id, after, ok := normalID(rest); ok {
				out, rest = append(out, id), after
			}
			s = rest
			continue
		}
		if id := withoutSpace(rest[:end]); strings.Contains(id, "@") {
			out = append(out, id)
		}
		s = rest[end+1:]
	}
	return out
}

func withoutSpace(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, s)
}

// normalID reads an id that has quotes or comments in it.
func normalID(s string) (id, rest string, ok bool) {
	p := addressParser{scanner: scanner{s: s}}
	if more, ok := p.space(); !more || !ok {
		return "", "", false
	}
	local, more, ok := p.localPart()
	if local == nil || !more || !ok || p.s == "" || p.s[0] != '@' {
		return "", "", false
	}
	host, more, ok := p.domain()
	if !more || !ok || p.s == "" || p.s[0] != '>' {
		return "", "", false
	}
	return *local + "@" + host, p.s[1:], true
}
