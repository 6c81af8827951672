package test_test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// delivered gives an answer without what is declared to differ between a message that was
// delivered and one that is injected:
//
//   - everything that is declared to differ without injections (declared);
//   - the order of items in a FETCH response (but see uidFirst) and of flags in a list: nobody
//     may depend on either; and what was asked for twice (BODY[1] and BODY.PEEK[1]) may be
//     answered once;
//   - the order of what ESEARCH returns;
//   - FLAGS and PERMANENTFLAGS: a server lists a keyword for ever that some message once had,
//     the gateway while a message has it (that a keyword is listed before it is used is
//     checked for itself, see keywords);
//   - in COPYUID, the order of the UIDs, and those of the target: of a mixed COPY the letters
//     come first (which messages were copied is checked, and so is what lies in the target in
//     the end);
//   - whether BINARY comes as a literal or as a literal8: Dovecot says "~{" of every message
//     once one of the same mailbox had a NUL in it;
//   - the text behind UNSEEN and COPYUID, which are the gateway's own codes;
//   - the value of HIGHESTMODSEQ: a marker raises it more often than a message that stays;
//   - the order of what is told by the way, of flags and expunges in answers to commands that
//     are not FETCH: the real messages' come first, then the injected ones'.
func delivered(t testing.TB, command string, a answer) string {
	t.Helper()
	inOrder := strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(command, "(other) "), "UID "), "FETCH")
	// Expunges are compared by which messages of the list before they name.
	list := make([]int, 10_000)
	for i := range list {
		list[i] = i + 1
	}
	var out []told
	for _, u := range a.untagged {
		line := told{text: normal(u)}
		switch m := numbered.FindStringSubmatch(u); {
		case strings.HasPrefix(u, "* FLAGS ("), strings.HasPrefix(u, "* OK [PERMANENTFLAGS ("):
			continue
		case strings.HasPrefix(u, "* ESEARCH "):
			line.text = sortedESearch(line.text)
		case strings.HasPrefix(u, "* OK [COPYUID "): // of MOVE
			line.text = copied.ReplaceAllStringFunc(line.text, sortedCopy)
		case m == nil:
		case m[2] == "EXPUNGE":
			n := int(number(m[1]))
			line = told{"EXPUNGE", list[n-1], fmt.Sprintf("* EXPUNGE of %d\n", list[n-1])}
			list = slices.Delete(list, n-1, n)
		case m[2] == "FETCH":
			n := list[number(m[1])-1]
			line = told{"FETCH", n, fmt.Sprintf("* FETCH of %d\n%s", n, sortedFetch(t, u))}
		}
		out = append(out, line)
	}
	if !inOrder {
		slices.SortStableFunc(out, func(a, b told) int { return cmp.Or(strings.Compare(a.kind, b.kind), a.of-b.of) })
	}
	var b strings.Builder
	for _, line := range out {
		b.WriteString(line.text)
	}
	all := b.String() + copied.ReplaceAllStringFunc(normal(a.tagged+"\r\n"), sortedCopy)
	return highest.ReplaceAllString(ownText.ReplaceAllString(all, "$1 …"), "HIGHESTMODSEQ …")
}

var ownText = regexp.MustCompile(`(?m)(OK \[(?:UNSEEN [0-9]+|COPYUID … \[[0-9 ]*\])\]) .*`)

var highest = regexp.MustCompile(`\bHIGHESTMODSEQ [0-9]+`)

var copied = regexp.MustCompile(`COPYUID … ([0-9:,]+) [0-9:,]+`)

// sortedCopy spells the sources of a COPYUID out, ascending.
func sortedCopy(code string) string {
	var uids []int
	for _, part := range strings.Split(copied.FindStringSubmatch(code)[1], ",") {
		from, to, ranged := strings.Cut(part, ":")
		if !ranged {
			to = from
		}
		a, b := int(number(from)), int(number(to))
		for u := min(a, b); u <= max(a, b); u++ {
			uids = append(uids, u)
		}
	}
	slices.Sort(uids)
	return fmt.Sprintf("COPYUID … %v", uids)
}

// sortedESearch sorts the pairs of an ESEARCH response, which stand behind the tag and UID.
func sortedESearch(line string) string {
	at := strings.Index(line, ")") + 1
	head, rest := line[:at], strings.TrimSpace(line[at:])
	if pairs, ok := strings.CutPrefix(rest, "UID"); ok {
		head, rest = head+" UID", strings.TrimSpace(pairs)
	}
	f := strings.Fields(rest)
	var pairs []string
	for i := 0; i+1 < len(f); i += 2 {
		pairs = append(pairs, f[i]+" "+f[i+1])
	}
	slices.Sort(pairs)
	return head + " " + strings.Join(pairs, " ") + "\r\n"
}

// told is an untagged response, ready to be compared.
type told struct {
	kind string // EXPUNGE or FETCH; else empty
	of   int    // number in the list before the command
	text string
}

var numbered = regexp.MustCompile(`^\* ([0-9]+) (EXPUNGE|FETCH)\b`)

var fetchLine = regexp.MustCompile(`^\* ([0-9]+) FETCH `)

// sortedFetch sorts the items of a FETCH response, and the flags.
func sortedFetch(t testing.TB, line string) string {
	t.Helper()
	head := fetchLine.FindString(line)
	items, err := fetchItems(strings.TrimSuffix(line[len(head):], "\r\n"))
	if err != nil {
		t.Errorf("%v in %q", err, line)
		return line
	}
	for i, it := range items {
		if it.name == "FLAGS" {
			flags := strings.Fields(strings.Trim(it.value, "()"))
			slices.Sort(flags)
			items[i].value = "(" + strings.Join(flags, " ") + ")"
		}
	}
	slices.SortStableFunc(items, func(a, b fetchItem) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	for _, it := range slices.Compact(items) {
		fmt.Fprintf(&b, "  %s %s\n", it.name, it.value)
	}
	return b.String()
}

type fetchItem struct{ name, value string }

// fetchItems takes "(NAME value NAME value …)" apart.
func fetchItems(s string) ([]fetchItem, error) {
	s, ok := strings.CutPrefix(s, "(")
	if !ok {
		return nil, fmt.Errorf("no list")
	}
	var out []fetchItem
	for s != ")" {
		s = strings.TrimPrefix(s, " ")
		end, depth := 0, 0
		for ; end < len(s) && (s[end] != ' ' || depth > 0); end++ {
			switch s[end] {
			case '[':
				depth++
			case ']':
				depth--
			}
		}
		if end == len(s) {
			return nil, fmt.Errorf("an item without a value")
		}
		name := s[:end]
		n, err := valueLength(s[end+1:])
		if err != nil {
			return nil, err
		}
		value := s[end+1 : end+1+n]
		if strings.HasPrefix(name, "BINARY[") {
			value = strings.TrimPrefix(value, "~")
		}
		out = append(out, fetchItem{name, value})
		s = s[end+1+n:]
	}
	return out, nil
}

// valueLength is how long the value is that s begins with.
func valueLength(s string) (int, error) {
	switch {
	case s == "":
		return 0, fmt.Errorf("no value")
	case s[0] == '"':
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case '"':
				return i + 1, nil
			}
		}
	case strings.HasPrefix(s, "~{"): // literal8 (rfc3516 §4.2)
		n, err := valueLength(s[1:])
		return n + 1, err
	case s[0] == '{':
		i := strings.Index(s, "}\r\n")
		if i < 0 {
			break
		}
		n, err := strconv.Atoi(s[1:i])
		if err != nil || i+3+n > len(s) {
			return 0, fmt.Errorf("literal of %q", s[1:i])
		}
		return i + 3 + n, nil
	case s[0] == '(':
		for i := 1; i < len(s); {
			switch s[i] {
			case ' ':
				i++
			case ')':
				return i + 1, nil
			default:
				n, err := valueLength(s[i:])
				if err != nil {
					return 0, err
				}
				i += n
			}
		}
	default:
		if i := strings.IndexAny(s, " )"); i > 0 {
			return i, nil
		}
	}
	return 0, fmt.Errorf("an open value: %.50q", s)
}

// uidFirst checks that UID is the first item of what is told of injected messages: a client
// mixes messages up otherwise. Real ones are as their server tells them.
func uidFirst(t testing.TB, uids []string, a answer) {
	t.Helper()
	for _, u := range a.untagged {
		if !fetchLine.MatchString(u) {
			continue
		}
		if m := uidItem.FindStringSubmatchIndex(u); m != nil && slices.Contains(uids, u[m[2]:m[3]]) && u[m[0]-1] != '(' {
			t.Errorf("UID is not the first item of %q", u)
		}
	}
}

var flagsLine = regexp.MustCompile(`^\* FLAGS \(([^)]*)\)`)

// keywords are those that a mailbox's FLAGS have listed.
type keywords map[string]bool

// heard checks that no keyword is used that was not listed before: clients lose such flags.
func (k keywords) heard(t testing.TB, a answer) {
	t.Helper()
	for _, u := range a.untagged {
		if m := flagsLine.FindStringSubmatch(u); m != nil {
			clear(k)
			for _, f := range strings.Fields(m[1]) {
				k[f] = true
			}
			continue
		}
		if !fetchLine.MatchString(u) {
			continue
		}
		if m := flagsItem.FindStringSubmatch(u); m != nil {
			for _, f := range strings.Fields(m[1]) {
				if f[0] != '\\' && !k[f] {
					t.Errorf("%s is used, and FLAGS lists %v: %q", f, k, u)
				}
			}
		}
	}
}
