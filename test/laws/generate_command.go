package laws

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// command is one that a client with INBOX open would say.
func (g *generator) command() string {
	switch g.IntN(46) {
	case 0:
		return "EXPUNGE"
	case 1:
		return "UID EXPUNGE " + g.setOrSaved(true)
	case 2:
		return g.oneOf("CLOSE", "UNSELECT")
	case 3, 4:
		with := ""
		if g.condstore() && g.chance(3) {
			if with = " (CONDSTORE)"; g.has("ENABLE") && g.chance(2) {
				return "ENABLE CONDSTORE"
			}
		}
		return g.oneOf("SELECT", "SELECT", "EXAMINE") + " " + g.oneOf("INBOX", "INBOX", "INBOX", "inbox", "Sent") + with
	case 5, 6:
		return g.oneOf("NOOP", "CHECK")
	case 7:
		return g.status()
	case 8:
		return g.append(g.oneOf("", "+"))
	case 9:
		return g.copyOf()
	case 10:
		if g.has("MOVE") && g.chance(2) {
			return g.moveOf()
		}
		return g.copyOf()
	case 11, 12, 13, 14, 15, 16:
		return g.store()
	case 17, 18, 19, 20, 21, 22, 23, 24, 25, 26:
		return g.search()
	case 27:
		return g.beside()
	case 28, 29:
		var algorithms []string
		for _, c := range g.shares {
			if a, ok := strings.CutPrefix(c, "THREAD="); ok {
				algorithms = append(algorithms, a)
			}
		}
		switch {
		case len(algorithms) > 0 && g.chance(2) && !g.erasure():
			return g.threaded(algorithms)
		case g.has("SORT"):
			return g.sorted()
		}
		return g.search()
	default:
		return g.fetch()
	}
}

// beside is what has nothing to do with messages.
func (g *generator) beside() string {
	all := []string{"CAPABILITY", `LIST "" *`, `LIST "" ""`, `LSUB "" *`}
	for capability, command := range map[string]string{
		"NAMESPACE": "NAMESPACE", "ID": `ID NIL`, "LIST-EXTENDED": `LIST (SUBSCRIBED) "" * RETURN (CHILDREN)`, "SPECIAL-USE": `LIST "" * RETURN (SPECIAL-USE)`,
		"QUOTA": "GETQUOTAROOT INBOX", "ACL": "MYRIGHTS INBOX",
	} {
		if g.has(capability) {
			all = append(all, command)
		}
	}
	slices.Sort(all)
	return g.oneOf(all...)
}

func (g *generator) uid() string { return g.oneOf("UID ", "") }

func (g *generator) status() string {
	kinds := []string{"MESSAGES", "UNSEEN", "UIDNEXT", "UIDVALIDITY"}
	if g.p.d.Sessions == 1 {
		kinds = append(kinds, "RECENT") // of several sessions, which one has it is chance
	}
	if g.has("STATUS=SIZE") {
		kinds = append(kinds, "SIZE")
	}
	if g.condstore() {
		kinds = append(kinds, "HIGHESTMODSEQ")
	}
	items := " (" + g.some(kinds, 5) + ")"
	if g.chance(3) && g.has("LIST-STATUS") {
		return `LIST "" ` + g.oneOf("*", "INBOX", "(INBOX Trash)") + " RETURN (" + g.oneOf("", "SUBSCRIBED ") + "STATUS" + items + ")"
	}
	return "STATUS INBOX" + items
}

// condstore is how often extensions that enable CONDSTORE are used: whether the dialogue uses
// them at all is its seed's choice, because a client that never does is told other things.
func (g *generator) condstore() bool { return g.has("CONDSTORE") && g.p.d.condstore() }

func (g *generator) fetch() string {
	uid := g.uid()
	text, items := uid+"FETCH "+g.setOrSaved(uid != ""), g.items()
	if g.condstore() && g.chance(3) {
		items = g.peek() // an injected message may be told once too often, and must not be read by that
		items += " (CHANGEDSINCE " + g.modseq() + ")"
	}
	return text + " " + items
}

// modseq is a mod-sequence that the client was told, in the bare server's numbering.
func (g *generator) modseq() string {
	pairs := slices.DeleteFunc(slices.Clone(g.p.mods.of("INBOX")), func(p modPair) bool { return p.letter })
	if len(pairs) == 0 || g.chance(8) {
		return "⟦0⟧"
	}
	return "⟦" + strconv.FormatUint(pairs[g.IntN(len(pairs))].of[bare], 10) + "⟧"
}

// bound is a mod-sequence below or above all: what lies between two that one command gave depends on
// their values, which differ.
func (g *generator) bound() string { return g.oneOf("0", "9223372036854775807") }

// plain are items that change nothing.
func (g *generator) plain() []string {
	all := []string{
		"FLAGS", "UID", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE",
		"BODY.PEEK[]", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]", "BODY.PEEK[1]", "BODY.PEEK[1.MIME]", "BODY.PEEK[2]",
		"BODY.PEEK[2.MIME]", "BODY.PEEK[3]", "BODY.PEEK[1.1]", "BODY.PEEK[1.HEADER]", "BODY.PEEK[1.TEXT]",
		"BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)]", "BODY.PEEK[HEADER.FIELDS (Date X-None)]", "BODY.PEEK[HEADER.FIELDS.NOT (DATE TO)]",
		"BODY.PEEK[]<0.30>", "BODY.PEEK[TEXT]<7.11>", "BODY.PEEK[HEADER]<100000.5>", "BODY.PEEK[]<3.1>", "BODY.PEEK[1]<2.4>", "RFC822.HEADER",
	}
	if g.has("BINARY") {
		all = append(all, "BINARY.PEEK[1]", "BINARY.SIZE[1]", "BINARY.PEEK[2]", "BINARY.PEEK[1]<0.10>", "BINARY.SIZE[2]")
	}
	if g.has("PREVIEW") && !g.p.b.newsFirst() { // Cyrus has none unless something makes them
		all = append(all, "PREVIEW", "PREVIEW (LAZY)")
	}
	if g.has("SNIPPET=FUZZY") {
		all = append(all, "SNIPPET", "SNIPPET (FUZZY)")
	}
	if g.has("OBJECTID") {
		all = append(all, "EMAILID", "THREADID")
	}
	if g.has("SAVEDATE") {
		all = append(all, "SAVEDATE")
	}
	if g.condstore() {
		all = append(all, "MODSEQ", "MODSEQ")
	}
	return all
}

func (g *generator) peek() string { return "(" + g.some(g.plain(), 4) + ")" }

func (g *generator) items() string {
	if g.chance(12) {
		return g.oneOf("ALL", "FAST", "FULL")
	}
	if g.chance(25) && !g.erasure() {
		return "(FLAGS NONSENSE)"
	}
	all := append(g.plain(), "BODY[TEXT]", "BODY[1]", "BODY[]", "RFC822", "RFC822.TEXT", "BODY[HEADER]")
	if g.chance(3) {
		return all[g.IntN(len(all))]
	}
	return "(" + g.some(all, 4) + ")"
}

// some gives up to n different ones.
func (g *generator) some(of []string, n int) string {
	var out []string
	for _, i := range g.Perm(len(of))[:1+g.IntN(min(n, len(of)))] {
		if !slices.Contains(out, of[i]) {
			out = append(out, of[i])
		}
	}
	return strings.Join(out, " ")
}

func (g *generator) numbers() string { return g.set(false) }
func (g *generator) uids() string    { return g.set(true) }

// fewUIDs are one or two messages.
func (g *generator) fewUIDs() string {
	n := 1 + g.IntN(g.top())
	return fmt.Sprintf("«u %d:%d»", n, n+g.IntN(2))
}

// set is a sequence set, of UIDs or numbers.
func (g *generator) set(uid bool) string {
	mark := "«n "
	if uid {
		mark = "«u "
	}
	return mark + g.plainSet(uid) + "»"
}

func (g *generator) plainSet(uid bool) string {
	top := len(g.x().list)
	if uid {
		top = g.top()
	}
	beyond := 0
	if (uid || g.chance(10)) && !g.erasure() {
		beyond = 2
	}
	number := func() string {
		// Not both: a server may, as Dovecot does, let "*" pass with numbers beyond it.
		if g.chance(8) && (uid || beyond == 0) {
			return "*"
		}
		return strconv.Itoa(1 + g.IntN(max(1, top+beyond)))
	}
	if g.chance(4) {
		return "1:*"
	}
	if uid && g.chance(6) {
		if letters := g.lettersIn(); len(letters) > 0 {
			return g.oneOf(letters...)
		}
	}
	if uid && g.chance(8) && !g.erasure() {
		return strconv.Itoa(top+1) + ":*" // what clients ask for news
	}
	var parts []string
	for range 1 + g.IntN(3) {
		if g.chance(2) {
			parts = append(parts, number())
		} else {
			parts = append(parts, number()+":"+number())
		}
	}
	return strings.Join(parts, ",")
}

// setOrSaved is a set, or what a search saved.
func (g *generator) setOrSaved(uid bool) string {
	if g.chance(4) && g.has("SEARCHRES") {
		return "$"
	}
	return g.set(uid)
}

// searchSet is a set that a query may negate: of NOT *:11,8:1,*:6 in a mailbox of 11 the bare
// Dovecot 2.3 dies (seq_range_array_invert), of pieces that together are all there is.
func (g *generator) searchSet(uid bool) string {
	set := g.plainSet(uid)
	if strings.Contains(set, "*") && strings.Contains(set, ",") {
		set, _, _ = strings.Cut(set, ",")
	}
	if uid {
		return "«u " + set + "»"
	}
	return "«n " + set + "»"
}

func (g *generator) store() string {
	uid := g.uid()
	set := g.setOrSaved(uid != "")
	if g.condstore() && g.chance(4) && !g.erasure() {
		return uid + "STORE " + set + " (UNCHANGEDSINCE " + g.bound() + ") " + g.flags()
	}
	return uid + "STORE " + set + " " + g.flags()
}

func (g *generator) flags() string {
	op := g.oneOf("+FLAGS", "-FLAGS", "FLAGS")
	if g.chance(3) {
		op += ".SILENT"
	}
	all := []string{`\Seen`, `\Answered`, `\Flagged`, `\Draft`, "Work", "$Forwarded", "Extra"}
	if g.chance(5) {
		all = append(all, `\Deleted`)
	}
	if g.chance(12) {
		return op + " ()"
	}
	return op + " (" + g.some(all, 3) + ")"
}

// append appends, with literals that are waited for or, with "+", not.
func (g *generator) append(plus string) string {
	return g.appendTo(g.oneOf("INBOX", "INBOX", "Sent"), plus)
}

func (g *generator) appendTo(box, plus string) string {
	command := "APPEND " + box
	for more := true; more; more = g.chance(4) && g.has("MULTIAPPEND") {
		text := fmt.Sprintf("From: x@mail.example\r\nSubject: appended %d\r\n\r\nText\r\n", g.IntN(1000))
		command += fmt.Sprintf(" (%s) \"0%d-Mar-2026 10:00:00 +0000\" {%d%s}\r\n%s",
			g.oneOf("", `\Seen`, `\Flagged Work`), 1+g.IntN(9), len(text), plus, text)
	}
	return command
}

// copyOf copies: letters alone, others alone, or both; into the mailbox itself one at a time,
// because in a mixed COPY the order in the target is declared to differ. Under the erasure law
// letters are not copied: they would be mails in the one target and not in the other.
func (g *generator) copyOf() string {
	if g.erasure() {
		return "UID COPY " + g.realUID() + " " + g.oneOf("Trash", "Sent", "INBOX")
	}
	uid := g.uid()
	if g.chance(3) {
		return uid + "COPY " + g.setOrSaved(uid != "") + " " + g.oneOf("Trash", "Trash", "Nowhere")
	}
	target := g.oneOf("Trash", "Sent", "INBOX", "Nowhere")
	letters := g.lettersIn()
	switch {
	case g.chance(2) && len(letters) > 0:
		return "UID COPY «u " + g.oneOf(letters...) + "» " + target
	case uid != "":
		return "UID COPY «u " + strconv.Itoa(1+g.IntN(g.top())) + "» " + target
	}
	return "COPY «n " + strconv.Itoa(1+g.IntN(max(len(g.x().list), 1))) + "» " + target
}

// moveOf moves, as copyOf copies.
func (g *generator) moveOf() string {
	if g.erasure() {
		return "UID MOVE " + g.realUID() + " " + g.oneOf("Trash", "Sent")
	}
	letters := g.lettersIn()
	switch {
	case g.chance(4):
		return "UID MOVE " + g.fewUIDs() + " Trash"
	case g.chance(3) && len(letters) > 0:
		return "UID MOVE «u " + g.oneOf(letters...) + "» " + g.oneOf("Trash", "Sent", "Nowhere")
	}
	return "MOVE «n " + strconv.Itoa(1+g.IntN(max(len(g.x().list), 1))) + "» " + g.oneOf("Trash", "Sent", "Nowhere")
}

// realUID is a message that is no letter.
func (g *generator) realUID() string {
	var out []string
	for _, r := range g.p.table.rows {
		if r.letter == 0 {
			out = append(out, fmt.Sprintf("«u %d»", r.canon))
		}
	}
	if len(out) == 0 {
		return nothing
	}
	return g.oneOf(out...)
}
