package test_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"inlay.example/inlay/internal/peertest"
)

// generator makes random commands for the mailbox that a pair has open: mostly sensible ones,
// with sets that reach a little beyond what is there.
type generator struct {
	*rand.Rand
	pair *pair
}

func (g *generator) oneOf(of ...string) string { return of[g.IntN(len(of))] }

// chance is true in one of n cases.
func (g *generator) chance(n int) bool { return g.IntN(n) == 0 }

func (g *generator) command() string {
	switch g.IntN(40) {
	case 0:
		return "EXPUNGE"
	case 1:
		return "UID EXPUNGE " + g.setOrSaved(true)
	case 2:
		return g.oneOf("CLOSE", "UNSELECT")
	case 3, 4:
		return g.oneOf("SELECT", "SELECT", "EXAMINE") + " INBOX"
	case 5:
		return g.oneOf("NOOP", "CHECK")
	case 6:
		items := " (" + g.some([]string{"MESSAGES", "UNSEEN", "UIDNEXT", "RECENT", "SIZE"}, 5) + ")"
		if g.chance(3) {
			return `LIST "" ` + g.oneOf("*", "INBOX", "(INBOX Trash)") + " RETURN (" + g.oneOf("", "SUBSCRIBED ") + "STATUS" + items + ")"
		}
		return "STATUS INBOX" + items
	case 7:
		return g.append()
	case 8:
		return g.copyOf()
	case 9:
		if g.chance(2) {
			return g.moveOf()
		}
		return g.copyOf()
	case 10, 11, 12, 13, 14, 15:
		return g.store()
	case 16, 17, 18, 19, 20, 21, 22, 23, 24, 25:
		charset := ""
		if g.chance(8) {
			charset = "CHARSET UTF-8 "
		}
		return g.uid() + "SEARCH " + g.returned() + charset + g.keys(deepest)
	default:
		return g.fetch()
	}
}

// otherCommand is for a second session, whose numbers may lag behind: by UID, then.
func (g *generator) otherCommand() string {
	switch g.IntN(5) {
	case 0:
		return g.append()
	case 1:
		return "EXPUNGE"
	case 2:
		return "NOOP"
	default:
		return "UID STORE " + g.set(true) + " " + g.flags()
	}
}

func (g *generator) uid() string { return g.oneOf("UID ", "") }

func (g *generator) fetch() string {
	uid := g.uid()
	return uid + "FETCH " + g.setOrSaved(uid != "") + " " + g.items()
}

func (g *generator) items() string {
	if g.chance(12) {
		return g.oneOf("ALL", "FAST", "FULL")
	}
	all := []string{
		"FLAGS", "UID", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE",
		"BODY.PEEK[]", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]", "BODY.PEEK[1]", "BODY.PEEK[1.MIME]", "BODY.PEEK[2]",
		"BODY.PEEK[2.MIME]", "BODY.PEEK[3]", "BODY.PEEK[1.1]", "BODY.PEEK[1.HEADER]", "BODY.PEEK[1.TEXT]",
		"BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)]", "BODY.PEEK[HEADER.FIELDS (Date X-None)]", "BODY.PEEK[HEADER.FIELDS.NOT (DATE TO)]",
		"BODY[TEXT]", "BODY[1]", "BODY[]", "BODY.PEEK[]<0.30>", "BODY.PEEK[TEXT]<7.11>", "BODY.PEEK[HEADER]<100000.5>", "BODY.PEEK[]<3.1>",
		"RFC822", "RFC822.HEADER", "RFC822.TEXT", "BODY[HEADER]", "BODY.PEEK[1]<2.4>",
		"BINARY.PEEK[]", "BINARY[1]", "BINARY.PEEK[1]<2.7>", "BINARY.PEEK[2]", "BINARY.SIZE[1]",
	}
	if g.pair.kind == peertest.DovecotBackend { // Cyrus has no previews unless something makes them
		all = append(all, "PREVIEW", "SNIPPET")
	}
	if g.chance(25) {
		return "(FLAGS NONSENSE)"
	}
	if g.chance(3) {
		return all[g.IntN(len(all))]
	}
	return "(" + g.some(all, 4) + ")"
}

// some gives up to n different ones.
func (g *generator) some(of []string, n int) string {
	var out []string
	for _, i := range g.Perm(len(of))[:1+g.IntN(min(n, len(of)))] {
		out = append(out, of[i])
	}
	return strings.Join(out, " ")
}

// set is a sequence set, of UIDs or numbers.
func (g *generator) set(uid bool) string {
	top := g.pair.messages
	if uid {
		top = max(g.pair.uidNext, 1)
	}
	beyond := 0
	if uid || g.chance(10) {
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
	if g.chance(4) {
		return "$"
	}
	return g.set(uid)
}

// searchSet is a set that a query may negate: of NOT *:11,8:1,*:6 in a mailbox of 11 the bare
// Dovecot 2.3 dies (seq_range_array_invert), of pieces that together are all there is.
func (g *generator) searchSet(uid bool) string {
	set := g.set(uid)
	if strings.Contains(set, "*") && strings.Contains(set, ",") {
		set, _, _ = strings.Cut(set, ",")
	}
	return set
}

func (g *generator) store() string {
	uid := g.uid()
	return uid + "STORE " + g.setOrSaved(uid != "") + " " + g.flags()
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

func (g *generator) append() string {
	command := "APPEND " + g.oneOf("INBOX", "INBOX", "Sent")
	for more := true; more; more = g.chance(4) {
		text := fmt.Sprintf("From: x@mail.example\r\nSubject: appended %d\r\n\r\nText\r\n", g.IntN(1000))
		command += fmt.Sprintf(" (%s) \"0%d-Mar-2026 10:00:00 +0000\" {%d%s}\r\n%s",
			g.oneOf("", `\Seen`, `\Flagged Work`), 1+g.IntN(9), len(text), g.oneOf("+", ""), text)
	}
	return command
}

// copyOf copies: letters alone, others alone, or both; into the mailbox itself one at a time,
// because in a mixed COPY the order in the target is declared to differ.
func (g *generator) copyOf() string {
	uid := g.uid()
	if g.chance(3) {
		set := "$"
		if !g.chance(4) {
			set = g.searchSet(uid != "") // COPY *:14,3,4:* is the bare Dovecot's end, too
		}
		return uid + "COPY " + set + " " + g.oneOf("Trash", "Sent", "Nowhere")
	}
	target := g.oneOf("Trash", "Sent", "INBOX", "Nowhere")
	switch {
	case g.chance(2):
		return "UID COPY " + g.oneOf(g.pair.letters...) + " " + target
	case uid != "":
		return "UID COPY " + strconv.Itoa(1+g.IntN(max(g.pair.uidNext, 1))) + " " + target
	}
	return "COPY " + strconv.Itoa(1+g.IntN(max(g.pair.messages, 1))) + " " + target
}

// moveOf moves: few at a time, so that something is left. Into the mailbox itself one at a time,
// as by copyOf.
func (g *generator) moveOf() string {
	uid := g.uid()
	top := max(g.pair.messages, 1)
	if uid != "" {
		top = max(g.pair.uidNext, 1)
	}
	n := 1 + g.IntN(top)
	if g.chance(3) {
		last := n + g.IntN(3)
		if uid == "" {
			last = min(last, top)
		}
		return fmt.Sprintf("%sMOVE %d:%d %s", uid, n, last, g.oneOf("Trash", "Sent", "Nowhere"))
	}
	target := g.oneOf("Trash", "Sent", "INBOX", "Nowhere")
	switch g.IntN(4) {
	case 0:
		return "UID MOVE " + g.oneOf(g.pair.letters...) + " " + target
	case 1:
		return uid + "MOVE * " + target
	}
	return fmt.Sprintf("%sMOVE %d %s", uid, n, target)
}

// deepest is how deep search keys are nested.
const deepest = 3

// returned is what a search is to return, or nothing.
func (g *generator) returned() string {
	switch g.IntN(8) {
	case 0, 1, 2, 3:
		return ""
	case 4:
		return "RETURN () "
	}
	return "RETURN (" + g.some([]string{"MIN", "MAX", "ALL", "COUNT", "SAVE", "SAVE"}, 4) + ") "
}

// keys is a search query of bounded depth.
func (g *generator) keys(depth int) string {
	var out []string
	for range 1 + g.IntN(2) {
		out = append(out, g.key(depth))
	}
	return strings.Join(out, " ")
}

func (g *generator) key(depth int) string {
	if depth > 0 && g.chance(4) {
		switch g.IntN(3) {
		case 0:
			return "NOT " + g.key(depth-1)
		case 1:
			return "OR " + g.key(depth-1) + " " + g.key(depth-1)
		default:
			return "(" + g.keys(depth-1) + ")"
		}
	}
	kinds := 9
	if depth == deepest {
		// Dovecot 2.3 finds too little by OR NOT SMALLER 900 NOT SMALLER 200, and by
		// OR (UID $ CC x) NOT (SUBJECT mail $): sizes and saved results outside of OR only.
		kinds = 11
	}
	switch g.IntN(kinds) {
	case 0:
		return g.searchSet(false)
	case 1:
		return "UID " + g.searchSet(true)
	case 2:
		if depth < deepest {
			// Dovecot 2.3 finds nothing by OR UNSEEN UNDRAFT where no message is unseen, which
			// it knows without looking: what it counts stands outside of OR only.
			return g.oneOf("ALL", "ANSWERED", "UNANSWERED", "FLAGGED", "UNFLAGGED", "DELETED", "UNDELETED", "DRAFT", "UNDRAFT", "OLD")
		}
		return g.oneOf("ALL", "SEEN", "UNSEEN", "ANSWERED", "UNANSWERED", "FLAGGED", "UNFLAGGED", "DELETED", "UNDELETED", "DRAFT", "UNDRAFT", "NEW", "OLD", "RECENT")
	case 3:
		return g.oneOf("KEYWORD", "UNKEYWORD") + " " + g.oneOf("Work", "$Forwarded", "Extra", "Unheard")
	case 4:
		return g.oneOf("BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE") + " " + g.oneOf("2-Jan-2026", `"3-Jan-2026"`, "1-Mar-2026", "24-Nov-2026", "1-Jan-2030")
	case 8: // mails are of days that are long over, letters of seconds ago
		return g.oneOf("OLDER", "YOUNGER") + " " + g.oneOf("3600", "86400", "8640000", "31536000", "4294967295")
	case 9:
		return g.oneOf("$", "UID $")
	case 10:
		return g.oneOf("LARGER", "SMALLER") + " " + g.oneOf("0", "200", "400", "700", "900", "100000")
	case 5, 6:
		return g.oneOf("FROM offers", "FROM friend", "TO me@mail.example", "TO undisclosed", "CC x", "BCC x", "SUBJECT letter", "SUBJECT mail", `SUBJECT "A letter for"`, "SUBJECT \"\"", `SUBJECT "thing that needs a folded"`)
	default:
		return g.oneOf("BODY post", "BODY Dear", `BODY "letter came"`, "BODY morning", "TEXT offers", "TEXT List-Id", "TEXT alternative", "BODY alternative",
			"HEADER List-Id campaign", "HEADER X-Inlay-Campaign \"\"", "HEADER Message-ID mail.example", "HEADER In-Reply-To \"\"", "HEADER Precedence bulk", "BODY \"<b>\"")
	}
}
