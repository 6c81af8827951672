package message_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"strings"

	"golang.org/x/text/encoding/ianaindex"
)

// nasty makes messages such as mail servers meet, from a seed: right ones, odd ones and broken
// ones, of words that queries look for.
type nasty struct{ *rand.Rand }

func newNasty(seed uint64) nasty { return nasty{rand.New(rand.NewPCG(seed, 0))} }

func (n nasty) pick(all ...string) string { return all[n.IntN(len(all))] }

// one reports whether it happens, once in so many times.
func (n nasty) one(in int) bool { return n.IntN(in) == 0 }

// words that occur, in several scripts.
var words = []string{
	"offer", "Offers", "spring", "SALE", "price", "hello", "Anna", "bob", "news", "example", "weekly", "deal", "Grüße", "Köln", "STRASSE", "Straße",
	"éclair", "naïve", "Привет", "мир", "日本", "語", "Ωmega", "σοφός", "Ångström", "ﬁne", "1+1=2", "50%", "a-b", "x_y", "(round)", "\"quoted\"", "back\\slash",
	"semi;colon", "<angle>", "&amp;", "tom&jerry", "http://example.org/?a=b&c=d", "o'neil", "=3D", "=?utf-8?q?raw?=", "İstanbul", "ẞ",
}

func (n nasty) words(most int) string {
	var b strings.Builder
	for i := range 1 + n.IntN(most) {
		if i > 0 {
			b.WriteString(n.pick(" ", " ", " ", " ", "  ", "\t"))
		}
		b.WriteString(n.pick(words...))
	}
	return b.String()
}

// charset is one that both sides know in the same way; where something is to be broken also
// others. (Of Shift_JIS, GB 2312, EUC-KR and Big5 there are several, and our library's are not iconv's.)
func (n nasty) charset(broken bool) string {
	if broken && n.one(8) {
		return n.pick("x-unknown", "iso-2022-jp", "gbk", "euc-kr")
	}
	return n.pick("utf-8", "utf-8", "UTF-8", "us-ascii", "iso-8859-1", "ISO-8859-15", "windows-1252", "koi8-r")
}

// encode gives text in a charset; what it does not have becomes a question mark.
func (n nasty) encode(text, charset string) string {
	if strings.EqualFold(charset, "utf-8") {
		return text
	}
	enc, err := ianaindex.MIME.Encoding(charset)
	if err != nil || enc == nil {
		if strings.EqualFold(charset, "us-ascii") {
			return strings.Map(func(r rune) rune {
				if r > 126 {
					return '?'
				}
				return r
			}, text)
		}
		return text
	}
	var out strings.Builder
	for _, r := range text {
		s, err := enc.NewEncoder().String(string(r))
		if err != nil {
			s = "?"
		}
		out.WriteString(s)
	}
	return out.String()
}

// encodedWord writes text as one or several encoded words, now and then wrongly.
func (n nasty) encodedWord(text string) string {
	charset := n.pick("utf-8", "UTF-8", "iso-8859-1", "windows-1252", "koi8-r", "iso-2022-jp")
	enc := mime.BEncoding
	if n.one(2) {
		enc = mime.QEncoding
	}
	name, _, _ := strings.Cut(charset, "*")
	w := enc.Encode("utf-8", text)
	if name != "utf-8" && name != "UTF-8" {
		raw := n.encode(text, name)
		if enc == mime.BEncoding {
			w = "=?" + charset + "?B?" + base64.StdEncoding.EncodeToString([]byte(raw)) + "?="
		} else {
			w = "=?" + charset + "?Q?" + qWord(raw) + "?="
		}
	} else {
		w = strings.ReplaceAll(w, "=?utf-8?", "=?"+charset+"?")
	}
	if n.one(12) {
		w = n.pick(w[:len(w)-1], "x"+w, w+"y", strings.Replace(w, "?=", "?= ?=", 1), strings.ReplaceAll(w, "_", " "), "=?utf-8?x?abc?=", "=??q?a?=")
	}
	return w
}

func qWord(raw string) string {
	var b strings.Builder
	for i := range len(raw) {
		switch c := raw[i]; {
		case c == ' ':
			b.WriteByte('_')
		case c > ' ' && c < 127 && !strings.ContainsRune("=?_\"(),.:;<>@[]\\", rune(c)):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

// fold breaks a field's text somewhere.
func (n nasty) fold(s string) string {
	if n.one(3) {
		s = strings.Replace(s, " ", "\r\n"+n.pick(" ", "\t", "   "), 1+n.IntN(2))
	}
	return s
}

// unstructured is the text of a Subject and the like.
func (n nasty) unstructured() string {
	var parts []string
	for range 1 + n.IntN(3) {
		switch n.IntN(5) {
		case 0, 1:
			parts = append(parts, n.encodedWord(n.words(3)))
		case 2:
			parts = append(parts, n.encode(n.words(3), n.pick("utf-8", "iso-8859-1"))) // 8 bits as they are
		default:
			parts = append(parts, n.words(3))
		}
	}
	return n.fold(strings.Join(parts, n.pick(" ", " ", "  ", "")))
}

func (n nasty) address() string {
	local := n.pick("anna", "bob.smith", "news", "a+b", `"odd local"`, "o'neil", "x_y", "ünder")
	host := n.pick("example.org", "Example.COM", "mail.example.net", "[127.0.0.1]", "localhost")
	addr := local + "@" + host
	switch n.IntN(9) {
	case 0:
		return addr
	case 1:
		return "<" + addr + ">"
	case 2:
		return addr + " (" + n.pick("Anna", "a (nested) comment", "Grüße") + ")"
	case 3:
		return n.encodedWord(n.pick(words...)) + " <" + addr + ">"
	case 4:
		return n.pick("Friends", `"Close, friends"`, "=?utf-8?q?Fr=C3=BCnde?=") + ": " + addr + ", " + n.pick("Bob", `"B."`) + " <bob@example.org>" + n.pick(";", "")
	case 5:
		return n.pick("undisclosed-recipients:;", "Anna", "anna@", "@example.org", "<>", "Anna <anna@example.org", "<@a.example,@b.example:c@d.example>", "anna example.org", ",,")
	case 6:
		return n.encode(n.pick("Jörg Müller", "Анна"), n.pick("utf-8", "iso-8859-1")) + " <" + addr + ">"
	}
	return `"` + n.pick("Anna", "Bob, Sr.", `say \"hi\"`, "Dr. Köln") + `" <` + addr + ">"
}

func (n nasty) addresses() string {
	var all []string
	for range 1 + n.IntN(3) {
		all = append(all, n.address())
	}
	return n.fold(strings.Join(all, n.pick(", ", ",", " , ")))
}

func (n nasty) date() string {
	zone := n.pick("+0000", "-0800", "+1200", "+0530", "GMT", "EST", "PDT", "Z", "", "+9999", "UT", "-0000", "(CET)", "+0100 (CET)")
	day := 1 + n.IntN(28)
	month := n.pick("Jan", "Feb", "Mar", "Dec", "feb", "FEB")
	year := n.pick("2024", "2025", "2026", "2026", "99", "26", "1999")
	clock := n.pick("00:00:00", "23:59:59", "12:30:45", "1:02:03", "23:30", "08:00:00")
	s := fmt.Sprintf("%d %s %s %s %s", day, month, year, clock, zone)
	switch n.IntN(10) {
	case 0:
		s = "Mon, " + s
	case 1:
		s = "Mon,  " + strings.ReplaceAll(s, " ", "  ")
	case 2:
		s = n.pick("", "not a date", "2026-02-03T10:00:00Z", "32 Jan 2026 00:00:00 +0000", "1 Foo 2026 00:00:00 +0000", "Jan 1 2026", "1 Jan 2026", "1-Jan-2026 10:00:00 +0000")
	case 3:
		s = "Wed, (comment) " + s + " (comment)"
	}
	return strings.TrimSpace(s)
}

// header is the fields of a message, without those of MIME.
func (n nasty) header() string {
	var b strings.Builder
	add := func(name, value string) {
		switch n.IntN(20) {
		case 0:
			name = strings.ToUpper(name)
		case 1:
			name = strings.ToLower(name)
		case 2:
			name += " "
		}
		b.WriteString(name + ":" + n.pick(" ", " ", " ", "", "\t", "  ", "\r\n ") + value + n.pick("", "", "", " ") + "\r\n")
	}
	add("From", n.addresses())
	if !n.one(8) {
		add("To", n.addresses())
	}
	if n.one(3) {
		add("Cc", n.addresses())
	}
	if n.one(6) {
		add("Bcc", n.addresses())
	}
	if n.one(8) {
		add("Reply-To", n.addresses())
	}
	if n.one(8) {
		add("Sender", n.address())
	}
	if !n.one(8) {
		add("Subject", n.unstructured())
	}
	if n.one(10) {
		add("Subject", n.unstructured())
	}
	if !n.one(8) {
		add("Date", n.date())
	}
	if !n.one(3) {
		add("Message-ID", "<"+n.pick("a", "b", "c")+"@example.org>")
	}
	if n.one(4) {
		add("In-Reply-To", "<a@example.org> "+n.pick("", "<b@example.org>"))
	}
	for n.one(3) {
		add(n.pick("X-Test", "Received", "X-Empty", "List-Id", "Comments"), n.pick("", n.unstructured(), n.words(4)))
	}
	if n.one(15) {
		b.WriteString(n.pick("garbage without colon\r\n", "Bad Name: value\r\n", ": no name\r\n", " continued\r\n", "X-8bit-ü: y\r\n"))
	}
	return b.String()
}

// plain is text of some lines, some of them quoted.
func (n nasty) plain() string {
	var b strings.Builder
	for range n.IntN(7) {
		b.WriteString(n.pick("", "", "", "> ", ">", ">> ", " ", "\t> "))
		if !n.one(6) {
			b.WriteString(n.words(8))
		}
		b.WriteString("\r\n")
	}
	if n.one(10) {
		b.WriteString(strings.Repeat(n.pick(words...)+" ", 60) + "\r\n")
	}
	if n.one(8) {
		b.WriteString("-- \r\n" + n.words(2))
	}
	return b.String()
}

// html is a soup of what clients and campaign tools write.
func (n nasty) html() string {
	var b strings.Builder
	if n.one(3) {
		b.WriteString("<!DOCTYPE html>\r\n<html><head><title>" + n.words(2) + "</title><style type=\"text/css\">a{color:red}</style></head><body>")
	}
	for range n.IntN(12) {
		w := n.words(3)
		b.WriteString(n.pick(
			w, w, "<p>"+w+"</p>", "<b>"+w+"</b>", "<br>", "<br/>\r\n", "<div style='display:none'>"+w+"</div>", "<a href=\"http://x.example/?a=1&amp;b=2\" title='a > b'>"+w+"</a>",
			"<blockquote>"+w+"</blockquote>", "<blockquote type=\"cite\">\r\n"+w+"<br>\r\n"+w+"</blockquote>\r\n", "<BLOCKQUOTE>"+w+"<blockquote>"+w+"</blockquote>"+w+"</BLOCKQUOTE>",
			"<script>if (a<b) { "+w+" }</script>", "<STYLE>p { x: y }</STYLE>", "<!-- "+w+" -->", "<![CDATA["+w+"]]>", "<img src=x alt='"+n.pick("pic", "a b")+"'>",
			"&nbsp;", "&auml;", "&#228;", "&#xE4;", "&copy; 2026", "&hellip;", "&bogus;", "&amp", "&gt; ", "\r\n&gt; "+w+"\r\n", "\r\n", "\r\n  ", "<table><tr><td>"+w+"</td><td>"+w+"</td></tr></table>",
			"&zwnj;&#847;", "&lt;b&gt;", "<o:p></o:p>", "<!--[if mso]><i>"+w+"</i><![endif]-->", "</b>", "&apos;"))
	}
	if n.one(10) {
		b.WriteString(n.pick("<p", "&am", "<!-- open", "<script>open", "a < b", "<a title='"))
	}
	return b.String()
}

// part is a header of MIME and what it stands before. broken lets it be encoded wrongly.
func (n nasty) part(depth int, broken bool) (fields, body string) {
	if depth < 3 && n.one(2) || depth == 0 && n.one(3) {
		return n.multipart(depth, broken)
	}
	kind := n.pick("text/plain", "text/plain", "text/plain", "TEXT/Html", "text/html", "text/html", "text/calendar", "text/x-foo", "application/octet-stream", "application/json", "image/png", "message/delivery-status")
	var text string
	if strings.EqualFold(kind, "text/html") {
		text = n.html()
	} else {
		text = n.plain()
	}
	charset := n.charset(broken)
	raw := n.encode(text, charset)
	enc := n.pick("7bit", "8bit", "quoted-printable", "quoted-printable", "base64", "BASE64", "binary", "")
	if broken && n.one(6) {
		enc = n.pick("x-uuencode", "", "(comment) base64", "\"base64\"", "quoted-printable; x=y", "base64 base64", "base-64")
	}
	if raw == "" && !broken {
		enc = "7bit" // Dovecot 2.3 answers BINARY of an encoded nothing with a literal that is cut
	}
	switch word := strings.ToLower(strings.Trim(strings.TrimPrefix(enc, "(comment) "), `"`)); {
	case strings.HasPrefix(word, "base64"):
		raw = n.base64(raw, broken)
	case strings.HasPrefix(word, "quoted-printable"):
		raw = n.quoted(raw, broken)
	}
	var b strings.Builder
	switch {
	case n.one(12):
		b.WriteString("Content-Type: " + kind + "\r\n")
	case n.one(15) && strings.EqualFold(kind, "text/plain"):
	case n.one(20):
		b.WriteString(n.pick("Content-Type: text\r\n", "Content-Type: text/plain; charset\r\n", "Content-Type:\r\n", "Content-Type: text/plain charset=utf-8\r\n", "Content-Type: text/plain; charset=\"utf-8\r\n"))
	default:
		b.WriteString("Content-Type: " + kind + n.pick(";", "; ", ";\r\n ", " ; ") + "charset" + n.pick("=", "=", " = ") + n.pick(charset, `"`+charset+`"`) + n.pick("", "; format=flowed", "; name*=utf-8''%e4", "; x=\"a;b\"") + "\r\n")
	}
	if enc != "" {
		b.WriteString("Content-Transfer-Encoding: " + enc + "\r\n")
	}
	if n.one(5) {
		b.WriteString("Content-Disposition: " + n.pick("attachment; filename=offer.txt", "inline", "attachment; filename*0=of; filename*1=fer", "form-data; name=\"a\"") + "\r\n")
	}
	if n.one(8) {
		b.WriteString("Content-Description: " + n.unstructured() + "\r\n")
	}
	if n.one(10) {
		b.WriteString("Content-ID: <id@example.org>\r\nContent-Language: en, de\r\nContent-Location: http://x.example/\r\n")
	}
	return b.String(), lines(raw)
}

// lines makes every line end in CRLF, and takes NUL out: IMAP has no others.
func lines(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\x00", "")
	return strings.ReplaceAll(s, "\n", "\r\n")
}

func (n nasty) base64(raw string, broken bool) string {
	s := base64.StdEncoding.EncodeToString([]byte(raw))
	var b strings.Builder
	for len(s) > 0 {
		k := min(len(s), 76-4*n.IntN(3))
		b.WriteString(s[:k] + "\r\n")
		s = s[k:]
	}
	out := b.String()
	if broken && n.one(5) && len(out) > 8 {
		i := n.IntN(len(out) - 4)
		out = n.pick(out[:i], out[:i]+"!"+out[i:], out[:i]+"="+out[i:], strings.TrimRight(out, "=\r\n"), out+"trailing text\r\n", out[:i]+" "+out[i:])
	}
	return out
}

func (n nasty) quoted(raw string, broken bool) string {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	w.Binary = n.one(6)
	_, _ = w.Write([]byte(raw))
	_ = w.Close()
	out := b.String()
	if n.one(4) {
		out = strings.ToLower(out[:len(out)/2]) + out[len(out)/2:]
	}
	if broken && n.one(5) && len(out) > 4 {
		i := n.IntN(len(out))
		out = n.pick(out[:i], out[:i]+"=ZZ"+out[i:], out[:i]+"="+out[i:], out[:i]+"=4"+out[i:], out+"=", strings.ReplaceAll(out, "\r\n", " \t\r\n"), strings.ReplaceAll(out, "=\r\n", "=  \r\n"))
	}
	return out
}

func (n nasty) multipart(depth int, broken bool) (fields, body string) {
	if depth > 0 && n.one(4) {
		h := n.header()
		f, b := n.part(depth+1, broken)
		return n.pick("Content-Type: message/rfc822\r\n", "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n"), h + f + "\r\n" + b
	}
	boundary := fmt.Sprintf("%s%d", n.pick("b", "=_x", "----", "b b"), n.IntN(1000))
	var b strings.Builder
	if n.one(3) {
		b.WriteString("preamble " + n.words(2) + "\r\n")
	}
	for range n.IntN(4) {
		f, body := n.part(depth+1, broken)
		b.WriteString("--" + boundary + n.pick("", "", "", " ", "\t") + "\r\n" + f + "\r\n" + body)
		if !strings.HasSuffix(body, "\r\n") || n.one(3) {
			b.WriteString("\r\n")
		}
	}
	if !n.one(8) {
		b.WriteString("--" + boundary + "--" + n.pick("\r\n", "\r\n", "", "\r\n\r\n"))
	}
	if n.one(4) {
		b.WriteString("epilogue " + n.words(2) + "\r\n")
	}
	kind := n.pick("mixed", "mixed", "alternative", "alternative", "related", "digest", "signed", "x-odd")
	return "Content-Type: multipart/" + kind + "; boundary=\"" + boundary + "\"\r\n", b.String()
}

// message makes a whole one.
func (n nasty) message(broken bool) []byte {
	h := n.header()
	f, body := n.part(0, broken)
	if !n.one(8) {
		f = "MIME-Version: 1.0\r\n" + f
	}
	if n.one(2) {
		h, f = f, h
	}
	return []byte(lines(h + f + "\r\n" + body))
}
