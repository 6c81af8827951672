package laws

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// line is something that was told, ready to be compared.
type line struct {
	kind string // EXPUNGE, FETCH: ordered among themselves where the order is declared free
	of   int    // the message
	text string
	// optional lines may be told through the gateway alone.
	optional bool
}

// comparison puts one side's answers to a unit into the form in which both are compared.
type comparison struct {
	normaliser
	law      Law
	side     int
	x        *session
	table    *table
	objects  *objects
	alive    int             // letters in INBOX now
	alone    bool            // the person has one session
	net      bool            // only what is different in the end counts: pipelines, and whatever waits for news
	lazy     bool            // PREVIEW (LAZY) is asked for
	standIns int             // SEARCH responses that answer nothing that was asked
	stood    []bool          // commands of which all messages are erased, so that another one stood in
	since    bool            // CHANGEDSINCE is asked for
	wanted   bool            // MODSEQ is
	mods     map[*msg]string // as FETCH responses told
	checks   []string
}

var (
	timing    = regexp.MustCompile(` \((?:[0-9.]+ \+ [0-9.]+ (?:\+ [0-9.]+ )?secs|(?:[0-9]+ msgs in )?[0-9.]+ secs?(?: [0-9]+ calls)?)\)`)
	capWords  = regexp.MustCompile(`CAPABILITY [^]\r\n]*`)
	validity  = regexp.MustCompile(`\b(UIDVALIDITY|APPENDUID|COPYUID) [0-9]+`)
	marks     = regexp.MustCompile(` ?\\(?:Un)?[Mm]arked\b`)
	badWords  = regexp.MustCompile(`^(\* )?BAD .*`)
	uidNext   = regexp.MustCompile(`\bUIDNEXT ([0-9]+)`)
	modSeqs   = regexp.MustCompile(`\b(HIGHESTMODSEQ|MODSEQ) (\(?)([0-9]+)`)
	messages  = regexp.MustCompile(`\bMESSAGES ([0-9]+)`)
	counts    = regexp.MustCompile(` ?\b(UNSEEN|RECENT|SIZE) [0-9]+`)
	objectIDs = regexp.MustCompile(`\b(MAILBOXID) \([^)]*\)`)
)

// lines gives a unit's lines: of each command what was told, then its tagged response.
func (c *comparison) lines(texts []string, told [][]response, tagged []string) []line {
	var all, out []line
	c.lazy = slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, "LAZY") })
	c.since = slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, "CHANGEDSINCE") })
	c.wanted = c.since || slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, "MODSEQ") })
	c.mods = map[*msg]string{}
	anyUID := slices.ContainsFunc(texts, func(text string) bool { return strings.HasPrefix(text, "UID SEARCH") })
	for i, text := range texts {
		name, uid, _ := verb(text)
		uid = uid || c.net && anyUID
		ls := c.untagged(uid, told[i])
		if c.net {
			all = append(all, ls...)
			continue
		}
		if c.on(dByTheWay) && name != "FETCH" {
			sortLines(ls)
		}
		if c.on(dByTheWay) {
			// When a client has just enabled CONDSTORE: before, among or after what else is told.
			slices.SortStableFunc(ls, func(a, b line) int {
				return cmp.Compare(strings.Count(a.kind, "HIGHEST"), strings.Count(b.kind, "HIGHEST"))
			})
		}
		out = append(out, ls...)
		out = append(out, line{text: c.endOf(i, text, tagged[i])})
	}
	if c.net {
		out = c.netLines(all)
		for i, text := range texts {
			out = append(out, line{text: c.endOf(i, text, tagged[i])})
		}
	}
	return append(out, c.modSeqLines()...)
}

// modSeqLines tells the mod-sequences of this unit's FETCH responses, the last of each message.
// An injected message's may be told once more than a delivered one's.
func (c *comparison) modSeqLines() []line {
	var out []line
	for m, value := range c.mods {
		if c.net && !slices.Contains(c.x.list, m) {
			continue // what it was before it went is not news
		}
		out = append(out, line{kind: "MODSEQ", of: c.of(m), text: fmt.Sprintf("* MODSEQ of %d %s", c.of(m), c.modseq(value, c.x.box, c.letter(m))), optional: c.letter(m)})
	}
	sortLines(out)
	return out
}

// letter reports whether a message is an injected one; one whose UID was never told is none.
func (c *comparison) letter(m *msg) bool {
	r := c.table.byCanon(m.canon)
	return c.x.inbox() && r != nil && r.letter != 0
}

// match gives the lines as text, without those that only the gateway has and may.
func match(want, got []line) (w, g []string) {
	has := map[string]int{}
	for _, l := range want {
		w = append(w, l.text)
		bareText, _ := takeModSeqs([]string{l.text})
		has[bareText[0]]++
	}
	for _, l := range got {
		bareText, _ := takeModSeqs([]string{l.text})
		if has[bareText[0]]--; has[bareText[0]] < 0 && l.optional {
			continue
		}
		g = append(g, l.text)
	}
	return w, g
}

// endOf is a tagged response; of a command for which another one had to stand in only what
// became of it.
func (c *comparison) endOf(i int, text, tagged string) string {
	if i < len(c.stood) && c.stood[i] {
		word, _, _ := strings.Cut(tagged, " ")
		return word
	}
	return c.tagged(text, tagged)
}

func sortLines(ls []line) {
	slices.SortStableFunc(ls, func(a, b line) int { return cmp.Or(strings.Compare(a.kind, b.kind), a.of-b.of) })
}

// netLines leaves what is different in the end: the last EXISTS, what was expunged, the flags
// that are others than before.
func (c *comparison) netLines(all []line) []line {
	var out []line
	last := map[string]line{}
	for _, l := range all {
		switch l.kind {
		case "EXISTS":
		case "RECENT", "HIGHESTMODSEQ":
			last[l.kind] = l
		case "FLAGS only":
		default:
			out = append(out, l)
		}
	}
	for _, l := range last {
		out = append(out, l)
	}
	n := 0
	for _, m := range c.x.list {
		if !c.erased(m) {
			n++
		}
	}
	out = append(out, line{kind: "EXISTS", of: 0, text: fmt.Sprintf("now %d EXISTS", n)})
	if (c.law != Erasure || !c.on(dCounts)) && (c.alone || !c.on(dRecent)) {
		out = append(out, line{kind: "RECENT", of: 0, text: "now " + c.x.recent})
	}
	for _, m := range c.x.list {
		if m.dirty && m.heard && c.flags(m, m.flags) != c.flags(m, m.was) && !c.erased(m) {
			out = append(out, line{kind: "FLAGS now", of: c.of(m), text: fmt.Sprintf("* FLAGS now of %d %s", c.of(m), c.flags(m, m.flags))})
		}
	}
	slices.SortFunc(out, func(a, b line) int {
		return cmp.Or(strings.Compare(a.kind, b.kind), a.of-b.of, strings.Compare(a.text, b.text))
	})
	return out
}

// erased reports whether a message is one that the erasure law takes out.
func (c *comparison) erased(m *msg) bool {
	if c.law != Erasure || !c.x.inbox() || m.canon == 0 || !c.on(dLetters) {
		return false
	}
	r := c.table.byCanon(m.canon)
	return r != nil && r.letter != 0
}

// of names a message so that both sides agree.
func (c *comparison) of(m *msg) int {
	if c.law == Erasure && m.canon != 0 {
		return int(m.canon)
	}
	return m.ord
}

func (c *comparison) untagged(uid bool, told []response) []line {
	var out []line
	for _, r := range told {
		if c.side == gateway {
			c.check(r)
		}
		switch r.kind {
		case "EXISTS":
			if r.grown == 0 && !r.opens && c.on(dAgain) {
				continue // Dovecot repeats it sometimes
			}
			n := 0
			for _, m := range r.list {
				if !c.erased(m) {
					n++
				}
			}
			out = append(out, line{kind: "EXISTS", of: 0, text: fmt.Sprintf("* %d EXISTS", n)})
		case "EXPUNGE":
			if !c.erased(r.msg) && (r.msg.before || !c.net) {
				out = append(out, line{kind: "EXPUNGE", of: c.of(r.msg), text: fmt.Sprintf("* EXPUNGE of %d", c.of(r.msg))})
			}
		case "FETCH":
			if l, ok := c.fetch(r); ok {
				out = append(out, l)
			}
		case "SEARCH", "SORT":
			if c.standIns > 0 && r.raw == "* SEARCH\r\n" {
				c.standIns--
				continue
			}
			out = append(out, line{kind: r.kind, of: 0, text: c.search(r, uid)})
		case "THREAD":
			out = append(out, line{kind: r.kind, text: c.thread(r, uid)})
		case "ESEARCH":
			out = append(out, line{kind: r.kind, of: 0, text: c.esearch(r)})
		case "FLAGS":
			if !c.on(dFlagLists) {
				out = append(out, line{text: strings.TrimSuffix(r.raw, "\r\n")})
			}
		case "RECENT":
			if !c.on(dRecent) {
				out = append(out, line{kind: "RECENT", of: 0, text: strings.TrimSuffix(r.raw, "\r\n")})
			}
		default:
			if strings.HasPrefix(r.raw, "* OK [COPYUID ") {
				out = append(out, line{text: c.tagged("MOVE", strings.TrimSuffix(r.raw, "\r\n"))})
				continue
			}
			if text := c.status(r.raw); text != "" {
				kind := ""
				if c.on(dByTheWay) && strings.HasPrefix(text, "* OK [HIGHESTMODSEQ ") {
					kind = "HIGHESTMODSEQ"
				}
				out = append(out, line{kind: kind, text: text})
			}
		}
	}
	if !c.net {
		// Something that the erasure leaves unchanged was not told to the other side.
		out = c.withoutUnchanged(out, told)
	}
	return out
}

// withoutUnchanged leaves out an EXISTS that told of nothing but letters.
func (c *comparison) withoutUnchanged(out []line, told []response) []line {
	if c.law != Erasure || c.side != gateway {
		return out
	}
	for _, r := range told {
		if r.kind == "EXISTS" && len(r.list) > 0 && r.grewBy(c) == 0 {
			return slices.DeleteFunc(out, func(l line) bool { return l.kind == "EXISTS" })
		}
	}
	return out
}

// grewBy is how many messages an EXISTS told of, without letters; -1 for that of a SELECT.
func (r response) grewBy(c *comparison) int {
	if r.grown == 0 {
		return -1
	}
	n := 0
	for _, m := range r.list[len(r.list)-r.grown:] {
		if !c.erased(m) {
			n++
		}
	}
	return n
}

// check looks for what must hold of a gateway's answers whatever the server does.
func (c *comparison) check(r response) {
	for _, f := range c.x.unlisted(r) {
		c.checks = append(c.checks, "! "+f+" is used and FLAGS has not listed it: "+strings.TrimSpace(r.raw))
	}
	if r.kind != "FETCH" || !c.x.inbox() || r.msg.canon == 0 {
		return
	}
	row := c.table.byCanon(r.msg.canon)
	if row == nil || row.letter == 0 {
		return
	}
	for i, it := range r.items {
		if it.name == "UID" && i > 0 {
			c.checks = append(c.checks, "! UID is not the first item: "+strings.TrimSpace(r.raw))
		}
	}
}

func (c *comparison) fetch(r response) (line, bool) {
	if c.erased(r.msg) || r.again && c.on(dAgain) {
		return line{}, false
	}
	items := slices.Clone(r.items)
	if i := slices.IndexFunc(items, func(it item) bool { return it.name == "MODSEQ" }); i >= 0 && c.on(dModSeqApart) {
		c.mods[r.msg] = strings.Trim(items[i].value, "()")
		items = slices.DeleteFunc(items, func(it item) bool { return it.name == "MODSEQ" })
		if len(items) == 0 || !c.wanted && len(items) == 1 && items[0].name == "UID" {
			return line{}, false
		}
	}
	flagsOnly := true
	for i, it := range items {
		switch {
		case it.name == "FLAGS":
			items[i].value = c.flags(r.msg, it.value)
		case it.name == "UID" && c.x.inbox() && c.on(dLaterUIDs):
			if u, err := parseNumber(it.value); err == nil {
				if canon, known := c.table.canonOf(c.side, u); known {
					items[i].value = strconv.FormatUint(uint64(canon), 10)
				} else {
					items[i].value = "of nothing: " + it.value
				}
			}
		case it.name == "MODSEQ":
			items[i].value = c.modseq(strings.Trim(it.value, "()"), c.x.box, c.letter(r.msg))
		case it.name == "THREADID" && c.letter(r.msg) && c.on(dObjectID):
			items[i].value = "…"
		case (it.name == "EMAILID" || it.name == "THREADID") && c.on(dObjectID):
			items[i].value = c.objects.object(c.side, it.value)
		case it.name == "PREVIEW" && c.lazy && c.on(dLazy):
			items[i].value = "…"
		case it.name == "SAVEDATE" && c.on(dSaveDate) && it.value != "NIL":
			items[i].value = "…"
		}
		if it.name != "FLAGS" && it.name != "UID" && it.name != "MODSEQ" {
			flagsOnly = false
		}
	}
	if c.on(dFetchOrder) {
		slices.SortStableFunc(items, func(a, b item) int { return strings.Compare(a.name, b.name) })
		items = slices.Compact(items)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "* FETCH of %d", c.of(r.msg))
	for _, it := range items {
		b.WriteString("\n    " + it.name + " " + it.value)
	}
	kind := "FETCH"
	if flagsOnly {
		kind = "FLAGS only"
		if !c.net {
			kind = "FETCH"
		}
	}
	return line{kind, c.of(r.msg), b.String(), c.since && c.letter(r.msg) && c.on(dSince)}, true
}

// flags of a message: sorted, and of a real message without \Recent.
func (c *comparison) flags(m *msg, value string) string {
	if c.on(dFlagOrder) {
		value = sortedFlags(value)
	}
	if c.on(dRecent) && !c.letter(m) {
		flags := slices.DeleteFunc(strings.Fields(strings.Trim(value, "()")), func(f string) bool { return f == `\Recent` })
		value = "(" + strings.Join(flags, " ") + ")"
	}
	return value
}

// status is the text of whatever carries no message's number in front.
func (c *comparison) status(raw string) string {
	text := strings.TrimSuffix(raw, "\r\n")
	if strings.HasPrefix(text, "+") {
		return "+"
	}
	if c.on(dFlagLists) && strings.HasPrefix(text, "* OK [PERMANENTFLAGS ") {
		return ""
	}
	if c.law == Erasure && c.on(dCounts) && strings.HasPrefix(text, "* OK [UNSEEN ") {
		return ""
	}
	inbox := strings.HasPrefix(text, "* STATUS INBOX ")
	if strings.HasPrefix(text, "* STATUS ") && c.law == Erasure {
		if inbox && c.side == gateway && c.on(dLetters) {
			text = messages.ReplaceAllStringFunc(text, func(s string) string {
				n, _ := strconv.Atoi(s[len("MESSAGES "):])
				return "MESSAGES " + strconv.Itoa(n-c.alive)
			})
		}
		if c.on(dCounts) {
			text = counts.ReplaceAllString(text, "")
			text = strings.Replace(text, "( ", "(", 1)
		}
	}
	return c.common(text, inbox || strings.HasPrefix(text, "* OK [UIDNEXT ") && c.x.inbox())
}

// modseq marks a mod-sequence, whose value is paired with the other side's when all else is equal.
func (c *comparison) modseq(value, box string, letter bool) string {
	if !c.on(dModSeq) || value == "0" {
		return value
	}
	return mark(strings.ToUpper(box), value, letter)
}

// common is what holds of every line of text.
func (c *comparison) common(text string, inbox bool) string {
	if c.on(dTime) && strings.Contains(text, " sec") {
		text = timing.ReplaceAllString(text, "")
	}
	if c.on(dCapability) && strings.Contains(text, "CAPABILITY") {
		text = capWords.ReplaceAllString(text, "CAPABILITY …")
	}
	if inbox && c.on(dLaterUIDs) && strings.Contains(text, "UIDNEXT ") {
		text = uidNext.ReplaceAllStringFunc(text, func(s string) string {
			u, _ := parseNumber(s[len("UIDNEXT "):])
			return "UIDNEXT " + strconv.FormatUint(uint64(c.table.next(c.side, u, c.law == Delivery)), 10)
		})
	}
	if c.on(dValidity) && strings.Contains(text, "UID") {
		text = validity.ReplaceAllString(text, "$1 …")
	}
	if c.on(dMarked) && strings.HasPrefix(text, "* LIST ") {
		text = strings.Replace(marks.ReplaceAllString(text, ""), "( ", "(", 1)
	}
	if c.on(dObjectID) && strings.Contains(text, "MAILBOXID") {
		text = objectIDs.ReplaceAllString(text, "$1 (…)")
	}
	if strings.Contains(text, "MODSEQ ") {
		box := c.x.box
		if rest, is := strings.CutPrefix(text, "* STATUS "); is {
			box, _, _ = strings.Cut(rest, " (")
		}
		text = modSeqs.ReplaceAllStringFunc(text, func(s string) string {
			i := strings.LastIndexAny(s, " (")
			return s[:i+1] + c.modseq(s[i+1:], box, false)
		})
	}
	if c.on(dBadWords) {
		text = badWords.ReplaceAllString(text, "${1}BAD …")
	}
	return text
}

// tagged is a tagged response's text.
func (c *comparison) tagged(command, text string) string {
	if args, ok := code(text, "COPYUID"); ok && len(args) == 3 {
		// The sources as messages, ascending; the targets by their number.
		from, err1 := expand(args[1])
		to, err2 := expand(args[2])
		if err1 == nil && err2 == nil {
			words := []string{}
			for _, u := range from {
				if w, ok := c.word(u, true, nil); ok {
					words = append(words, w)
				}
			}
			if c.on(dCopyOrder) {
				slices.Sort(words)
			}
			n := len(to) - (len(from) - len(words))
			i, j := strings.Index(text, "[COPYUID"), strings.Index(text, "]")
			text = fmt.Sprintf("%s[COPYUID … %s to %d%s", text[:i], strings.Join(words, ","), n, text[j:])
		}
	}
	if args, ok := code(text, "MODIFIED"); ok && len(args) == 1 {
		_, uid, _ := verb(command)
		if nums, err := expand(args[0]); err == nil {
			words := []string{}
			for _, n := range nums {
				if w, ok := c.word(n, uid, c.x.list); ok {
					words = append(words, w)
				}
			}
			i, j := strings.Index(text, "[MODIFIED"), strings.Index(text, "]")
			modified := "[MODIFIED " + strings.Join(words, ",")
			if len(words) == 0 {
				modified, j = "", j+2
			}
			text = text[:i] + modified + text[j:]
		}
	}
	if args, ok := code(text, "APPENDUID"); ok && len(args) == 2 && c.on(dLaterUIDs) {
		if uids, err := expand(args[1]); err == nil {
			i, j := strings.Index(text, "[APPENDUID"), strings.Index(text, "]")
			text = fmt.Sprintf("%s[APPENDUID … %d%s", text[:i], len(uids), text[j:])
		}
	}
	return c.common(text, c.x.inbox())
}
