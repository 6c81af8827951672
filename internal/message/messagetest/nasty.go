package messagetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Nasty makes the octets of a message whose Subject, Date, addresses and references come from
// small sets, so that many of many messages are equal in something, and are written in every
// odd way. earlier are ids that it may refer to. Its own id is returned, empty if it has none.
func Nasty(r *rand.Rand, n int, earlier []string) (raw []byte, id string) {
	when := ""
	if r.IntN(12) > 0 {
		when = date(r)
	}
	return NastyOf(r, n, when, earlier)
}

// NastyOf is Nasty with a Date; empty for none.
func NastyOf(r *rand.Rand, n int, date string, earlier []string) (raw []byte, id string) {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	field("Date", date)
	if r.IntN(12) > 0 {
		field("From", addresses(r))
	}
	if r.IntN(12) > 0 {
		field("To", addresses(r))
	}
	if r.IntN(3) == 0 {
		field("Cc", addresses(r))
	}
	if r.IntN(15) > 0 {
		field("Subject", subject(r))
	}
	if r.IntN(20) == 0 {
		field("Subject", subject(r)) // a second one
	}
	switch r.IntN(20) {
	case 0: // none
	case 1:
		field("Message-ID", pick(r, []string{"not an id", "<no at>", "<>", "<broken@example.org"}))
	case 3:
		id = fmt.Sprintf("<\"quoted %d\"@example.org>", r.IntN(4))
		field("Message-ID", id)
	case 4:
		id = fmt.Sprintf("<among.%d@example.org>", r.IntN(4))
		field("Message-ID", "text before "+id+" (and behind)")
	case 5:
		id = fmt.Sprintf("<%d(comment)@example.org>", r.IntN(4))
		field("Message-ID", id)
	case 2:
		if len(earlier) > 0 {
			field("Message-ID", pick(r, earlier)) // taken
		}
	default:
		id = fmt.Sprintf("<%d.%d@example.org>", n, r.IntN(1e6))
		field("Message-ID", id)
	}
	if len(earlier) > 0 && r.IntN(2) == 0 {
		var refs []string
		for range 1 + r.IntN(4) {
			switch r.IntN(8) {
			case 0:
				refs = append(refs, fmt.Sprintf("<lost.%d@example.org>", r.IntN(5)))
			case 1:
				refs = append(refs, "junk")
			default:
				refs = append(refs, pick(r, earlier))
			}
		}
		switch r.IntN(3) {
		case 0:
			field("In-Reply-To", refs[0])
		case 1:
			field("References", strings.Join(refs, "\r\n "))
		default:
			field("In-Reply-To", refs[0])
			field("References", strings.Join(refs, " "))
		}
	}
	b.WriteString("\r\n" + strings.Repeat("x", r.IntN(40)) + "\r\n")
	return []byte(b.String()), id
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

func subject(r *rand.Rand) string {
	base := pick(r, []string{
		"Hello", "hello", "HELLO there", "Hello  there", "Zebra", "zebra crossing", "  spaced ", "Änderung", "änderung",
		"=?utf-8?q?=C3=84nderung?=", "=?iso-8859-1?q?=C4nderung?=", "=?utf-8?b?SGVsbG8=?=", "=?utf-8?q?Hel?= =?utf-8?q?lo?=",
		"=?utf-8?q?Hello?=\r\n =?utf-8?q?_there?=", "Hello\r\n there", "Hello\r\n\tthere", "[list] Hello", "[a] [b] Hello", "[only]", "[unclosed Hello", "(fwd)", "Re:", "re: ", "",
		"\xc3\x84nderung", "\xff\xfe bad", "=?x-unknown?q?abc?=", "=?utf-8?q?bro ken?=", "ﬁsh", "Ｆｕｌｌ", "ss", "ß", "i", "İ", "ı", "日本", "한국", "é", "e\u0301", "ế", "a\u00a0b", "Ω", "Å", "123", "~", "_", "a_b", "aB", "Ab", "[x]", "=?utf-8?q?Re=3A_Hello?=", "=?utf-8?q?=5Bx=5D_Hello?=", "Summer \U0001f600", "=?utf-8?b?8J+YgA==?=",
	})
	for range r.IntN(4) {
		switch r.IntN(12) {
		case 0:
			base = "Re: " + base
		case 1:
			base = "RE:" + base
		case 2:
			base = "re : " + base
		case 3:
			base = "Fwd: " + base
		case 4:
			base = "FW: " + base
		case 5:
			base = "Re[2]: " + base
		case 6:
			base = "[list] " + base
		case 7:
			base += " (fwd)"
		case 8:
			base = "[Fwd: " + base + "]"
		case 9:
			base = "[x]Re: " + base
		case 10:
			base = "re [y] : " + base
		case 11:
			base += "  (Fwd)  "
		}
	}
	return base
}

func date(r *rand.Rand) string {
	return pick(r, []string{
		"Mon, 02 Jan 2023 10:00:00 +0000", "Mon, 2 Jan 2023 12:00:00 +0200", "Mon, 2 Jan 2023 05:00:00 EST", "2 Jan 2023 10:00 +0000", "Mon, 02 Jan 2023 10:00:01 GMT",
		"Mon, 02 Jan 2023 10:00:00 -0000", "Mon, 02 Jan 2023 10:00:00 (comment) +0100", "Mon, 02 Jan 2023 10:00:00 +0100 (CET)", "Mon, 02 Jan 2023 10.00.00 +0000", "Mon, 02 Jan 2023 23:59:60 +0000",
		"Mon, 02 Jan 23 10:00:00 +0000", "Mon, 02 Jan 70 10:00:00 +0000", "Mon, 02 Jan 1969 10:00:00 +0000", "Thu, 01 Jan 1970 00:00:00 +0000", "Thu, 01 Jan 2170 00:00:00 +0000",
		"Mon, 31 Feb 2023 10:00:00 +0000", "Mon, 02 Jan 2023 25:00:00 +0000", "Mon, 02 Foo 2023 10:00:00 +0000", "yesterday", "", "Mon, 02 Jan 2023 10:00:00 Z", "Mon, 02 Jan 2023 10:00:00 A", "Mon, 02 Jan 2023 10:00:00 N",
		"Mon, 02 Jan 2023 10:00:00 PDT", "Mon, 02 Jan 2023 10:00:00 XYZ", "Mon, 02 Jan 2023 10:00:00", "Mon, 02 Jan 2023", "02 January 2023 10:00:00 +0000", "Monday, 02 Jan 2023 10:00:00 +0000", "Mon, 02 Jan 2023 9:00:00 +0000", "Mon, 02 Jan 2023 10:00:00 +1", "Mon, 02 Jan 2023 10:00:00 +9999",
		"Fri, 03 Jan 2031 10:00:00 +0000", "Sat, 04 Jan 2031 10:00:00 +0000", "Sat, 04 Jan 2031 10:00:00 +0100", "Sat, 30 Dec 1899 10:00:00 +0000", "Mon,02 Jan 2023 10:00:00 +0000", "Mon, 02 Jan 2023\r\n 11:00:00 +0000", "Mon, 2 Jan 2023 08:30:00 mst", "Mon, 2 Jan 99 08:30:00 k", "Mon, 2 Jan 50 08:30:00 +0000", "Mon, 2 Jan 49 08:30:00 +0000",
	})
}

func addresses(r *rand.Rand) string {
	one := func() string {
		return pick(r, []string{
			"anna@example.org", "Anna <anna@example.org>", "ANNA <Anna@Example.ORG>", "\"Doe, John\" <john@example.org>", "=?utf-8?q?Doe=2C_John?= <john2@example.org>", "=?utf-8?q?=C3=84nne?= <aenne@example.org>",
			"Änne <aenne@example.org>", "bob@example.org (Bob the Builder)", "<zoe@example.org>", "\"\" <empty@example.org>", "\"=?utf-8?q?Quoted?=\" <q@example.org>", "group: a@example.org, b@example.org;", "undisclosed-recipients:;", "nodomain",
			"Just A Name", "broken <b@", "<@route:carl@example.org>", "\"odd \\\" one\"@example.org", "a b c <abc@example.org>", "=?utf-8?b?w4RubmU=?= =?utf-8?q?X?= <x@example.org>", "<>", "@example.org", "anna @ example.org", "(c) dora@example.org", "Émile <emile@example.org>", "\xff\xfe <bad@example.org>",
		})
	}
	s := one()
	for range r.IntN(3) {
		s += ", " + one()
	}
	return s
}
