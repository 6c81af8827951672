package laws

import "strings"

// deepest is how deep search keys are nested.
const deepest = 3

func (g *generator) search() string {
	charset := ""
	if g.chance(8) {
		charset = "CHARSET UTF-8 "
	}
	returned, keys := g.returned(), g.keys(deepest)
	if strings.Contains(keys, "MODSEQ") && strings.TrimSpace(returned) == "RETURN (SAVE)" {
		returned = "" // Dovecot 2.3 tells an ESEARCH of nothing, and only with MODSEQ
	}
	return g.uid() + "SEARCH " + returned + charset + keys
}

// sorted is SORT. By texts only forwards: while Dovecot has no number for the place of some of
// them, backwards it puts equal ones in any order.
func (g *generator) sorted() string {
	g.flagKeys = 0
	keys := []string{"ARRIVAL", "DATE", "SIZE", "REVERSE ARRIVAL", "REVERSE DATE", "REVERSE SIZE", "SUBJECT", "FROM", "TO", "CC"}
	if g.has("SORT=DISPLAY") {
		keys = append(keys, "DISPLAYFROM", "DISPLAYTO")
	}
	ret := ""
	if g.has("ESORT") && g.chance(3) && !g.erasure() {
		ret = "RETURN (" + g.some([]string{"MIN", "MAX", "ALL", "COUNT"}, 3) + ") "
	}
	return g.uid() + "SORT " + ret + "(" + g.some(keys, 2) + ") UTF-8 " + g.keys(deepest-1)
}

func (g *generator) threaded(algorithms []string) string {
	g.flagKeys = 0
	return g.uid() + "THREAD " + g.oneOf(algorithms...) + " UTF-8 " + g.keys(deepest-1)
}

// returned is what a search is to return, or nothing. The erasure law cannot take letters out of
// COUNT, MIN and MAX.
func (g *generator) returned() string {
	if !g.has("ESEARCH") {
		return ""
	}
	switch g.IntN(8) {
	case 0, 1, 2, 3:
		return ""
	case 4:
		return "RETURN () "
	}
	kinds := []string{"ALL"}
	if !g.erasure() {
		kinds = append(kinds, "MIN", "MAX", "COUNT")
	}
	if g.has("SEARCHRES") {
		kinds = append(kinds, "SAVE", "SAVE")
	}
	if g.has("PARTIAL") && g.chance(3) && !g.erasure() {
		return "RETURN (PARTIAL " + g.oneOf("1:2", "-1:-3", "2:5", "1:100", "7:9") + ") "
	}
	return "RETURN (" + g.some(kinds, 4) + ") "
}

// keys is a search query of bounded depth.
func (g *generator) keys(depth int) string {
	if depth == deepest {
		g.flagKeys = 0
	}
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
	kinds := 10
	if depth == deepest {
		kinds = 11 // Dovecot 2.3 finds too little by OR NOT SMALLER 900 NOT SMALLER 200: sizes outside of OR only
	}
	kind := g.IntN(kinds)
	if (kind == 2 || kind == 3) && depth < deepest {
		// Dovecot 2.3 finds too little by OR UNDRAFT UNSEEN and NOT (DRAFT SEEN): within another key
		// one flag at most.
		if g.flagKeys++; g.flagKeys > 1 {
			return "ALL"
		}
	}
	switch kind {
	case 0:
		return g.searchSet(false)
	case 1:
		return "UID " + g.searchSet(true)
	case 2:
		if g.p.d.Sessions == 1 && depth == deepest && g.chance(5) {
			return g.oneOf("NEW", "OLD", "RECENT") // of several sessions, which one has it is chance
		}
		if g.has("CONDSTORE") && g.condstore() && depth == deepest && g.chance(4) {
			return "MODSEQ " + g.bound()
		}
		return g.oneOf("ALL", "SEEN", "UNSEEN", "ANSWERED", "UNANSWERED", "FLAGGED", "UNFLAGGED", "DELETED", "UNDELETED", "DRAFT", "UNDRAFT")
	case 3:
		return g.oneOf("KEYWORD", "UNKEYWORD") + " " + g.oneOf("Work", "$Forwarded", "Extra", "Unheard")
	case 4:
		return g.oneOf("BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE") + " " + g.oneOf("2-Jan-2026", `"3-Jan-2026"`, "1-Mar-2026", "24-Nov-2026", "1-Jan-2030")
	case 8: // mails are of days that are long over, letters of seconds ago
		if g.has("WITHIN") {
			return g.oneOf("OLDER", "YOUNGER") + " " + g.oneOf("3600", "86400", "8640000", "31536000", "4294967295")
		}
		return "SMALLER 5000"
	case 9:
		if g.has("SEARCHRES") {
			return g.oneOf("$", "UID $")
		}
		return "UNSEEN"
	case 10:
		return g.oneOf("LARGER", "SMALLER") + " " + g.oneOf("0", "200", "400", "700", "900", "100000")
	case 5, 6:
		return g.oneOf("FROM offers", "FROM friend", "FROM bob", "TO me@mail.example", "TO undisclosed", "CC x", "CC team", "BCC x", "SUBJECT letter", "SUBJECT mail",
			`SUBJECT "A letter for"`, "SUBJECT \"\"", `SUBJECT "thing that needs a folded"`, "FROM juergen", `FROM "O'Hara"`)
	default:
		return g.oneOf("BODY post", "BODY Dear", `BODY "letter came"`, "BODY morning", "TEXT offers", "TEXT List-Id", "TEXT alternative", "BODY alternative",
			"HEADER List-Id campaign", "HEADER X-Inlay-Campaign \"\"", "HEADER Message-ID mail.example", "HEADER In-Reply-To \"\"", "HEADER Precedence bulk", "BODY \"<b>\"",
			"BODY Sale", "TEXT only", "HEADER References m1", "HEADER Subject re")
	}
}
