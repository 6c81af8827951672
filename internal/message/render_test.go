package message_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/examples"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/message"
)

const mixed = `From: "Größe & Co" <news@example.org>, =?utf-8?q?M=C3=BCller=2C_Jan?= <jan@example.org>
To: {{ name | default: "you" }} <{{ email }}>, "a b"@example.org
Cc: {{ other }}, carol@example.org
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_an_=7B=7B_name_=7D=7D?= und eine sehr lange Betreffzeile,
 die gefaltet werden muss, weil sie mehr als 78 Zeichen hat – 日本語の件名も長いです
List-Unsubscribe: <https://example.org/u?a={{ email }}>,
 <mailto:u@example.org?subject={{ name }}>
References: <a@example.org> <b@example.org>
X-Note: {{ note | default: "" }}
Content-Language: de
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/related; boundary="inner"; type="multipart/alternative"

--inner
Content-Type: multipart/alternative; boundary=alt

--alt
Content-Type: text/plain; charset=iso-8859-1; format=flowed
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe, {{ name }}!
--not a boundary
From here
--alt
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PHA+SGFsbG8ge3sgbmFtZSB9fSA8aW1nIHNyYz0iY2lkOmxvZ29AZXhhbXBsZS5vcmciPjwvcD4=
--alt--
--inner
Content-Type: image/png; name="logo.png"
Content-ID: <logo@example.org>
Content-Disposition: inline; filename="logo.png"
Content-Transfer-Encoding: base64

iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9
awAAAABJRU5ErkJggg==
--inner--
--outer
Content-Type: text/plain; charset=iso-8859-1; name*=utf-8''gr%C3%BC%C3%9Fe.txt
Content-Disposition: attachment; filename*=utf-8''gr%C3%BC%C3%9Fe.txt
Content-Transfer-Encoding: quoted-printable

{{ name }} is no tag in an attachment: Gr=FC=DFe
--outer
Content-Type: application/octet-stream
Content-Disposition: attachment; filename=raw.bin
Content-Transfer-Encoding: 8bit

räw
--outer
Content-Type: message/rfc822

Subject: forwarded {{ name }}

as it was
--outer--
`

var mixedVars = map[string]string{"name": "Ödön \"Ö\" <x@evil.example>, \r\nBcc: all@example.org", "other": "dan@example.org", "note": "=?utf-8?q?forged?="}

// TestRenderGolden keeps what is rendered, octet for octet: what changes here changes under the
// UIDs of messages that people have seen.
func TestRenderGolden(t *testing.T) {
	t.Parallel()
	f, err := examples.Files.Open("people.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	check := func(name, src, user string, vars map[string]string) {
		sys := system
		sys.User, sys.CampaignName = user, "Frühling, 2026"
		tmpl := compile(t, src)
		raw, err := tmpl.Render(vars, sys)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := compile(t, src).Render(vars, sys)
		if err != nil || !bytes.Equal(raw, again) {
			t.Errorf("%s: rendered twice, and not the same", name)
		}
		checkForm(t, name, raw)
		golden(t, filepath.Join("testdata", "rendered", name+".eml"), string(raw))
	}
	for _, name := range []string{"alert", "welcome", "offer"} {
		src, err := examples.Files.ReadFile(name + ".eml")
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{1, 4, 6} {
			vars := map[string]string{}
			for k, v := range rows[i][1:] {
				vars[rows[0][k+1]] = v
			}
			check(fmt.Sprintf("%s-%d", name, i), string(src), rows[i][0], vars)
		}
	}
	check("mixed", mixed, "anna@example.org", mixedVars)
	check("plain-text", wrap("text/plain", "Hello {{ name }}\n"), "not an address", map[string]string{"name": "you"})
}

// checkForm holds what every rendered message must be.
func checkForm(t testing.TB, name string, raw []byte) {
	t.Helper()
	for i, line := range strings.Split(strings.TrimSuffix(string(raw), "\r\n"), "\r\n") {
		if len(line) > 998 || strings.ContainsFunc(line, func(r rune) bool { return r >= 0x7f || r < 0x20 && r != '\t' }) {
			t.Fatalf("%s: line %d is not fit for mail: %.200q", name, i+1, line)
		}
	}
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, field := range []string{"From", "To", "Subject", "Date", "Message-Id", "List-Id", "X-Inlay-Campaign", "X-Inlay-Placement", "Auto-Submitted", "Precedence", "Mime-Version", "Content-Type"} {
		if n := len(msg.Header[field]); n != 1 {
			t.Errorf("%s: %s is there %d times", name, field, n)
		}
	}
	if len(msg.Header["Bcc"]) > 0 {
		t.Errorf("%s: a value made a header field", name)
	}
}

// Where logins are bare names, the domain makes an address of them; a column's word goes first.
func TestRenderBareLogin(t *testing.T) {
	t.Parallel()
	src := "From: a@b\nTo: {{ email }}\nSubject: s\nContent-Type: text/plain\n\n{{ user }}\n"
	sys := system
	sys.User, sys.Domain = "anna", "mail.example"
	for _, tt := range []struct{ name, src, column, want string }{
		{"by To", src, "", "To: anna@mail.example\r\n"},
		{"without To", strings.Replace(src, "To: {{ email }}\n", "", 1), "", "To: anna@mail.example\r\n"},
		{"by a column", src, "a.berg@post.example", "To: a.berg@post.example\r\n"},
	} {
		vars := map[string]string{}
		if tt.column != "" {
			vars["email"] = tt.column
		}
		raw, err := compile(t, tt.src).Render(vars, sys)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if !strings.Contains(string(raw), tt.want) || !strings.HasSuffix(string(raw), "anna\r\n") {
			t.Errorf("%s: %s", tt.name, raw)
		}
	}
}

func TestRenderMixed(t *testing.T) {
	t.Parallel()
	raw := render(t, mixed, mixedVars)
	msg, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	name := `Ödön "Ö" <x@evil.example>,  Bcc: all@example.org`
	for field, want := range map[string][]mail.Address{
		"From": {{Name: "Größe & Co", Address: "news@example.org"}, {Name: "Müller, Jan", Address: "jan@example.org"}},
		"To":   {{Name: name, Address: "anna@example.org"}, {Address: "a b@example.org"}},
		"Cc":   {{Address: "dan@example.org"}, {Address: "carol@example.org"}},
	} {
		list, err := msg.Header.AddressList(field)
		if err != nil || len(list) != len(want) {
			t.Errorf("%s: %d addresses, %v", field, len(list), err)
			continue
		}
		for i, a := range list {
			if *a != want[i] {
				t.Errorf("%s: got %+v, want %+v", field, *a, want[i])
			}
		}
	}
	for field, want := range map[string]string{
		"Subject":          "Grüße an " + name + " und eine sehr lange Betreffzeile, die gefaltet werden muss, weil sie mehr als 78 Zeichen hat – 日本語の件名も長いです",
		"X-Note":           "=?utf-8?q?forged?=",
		"Message-Id":       "<pl-1@inlay.example>",
		"List-Id":          "<spring.campaigns.inlay.example>",
		"Date":             "Tue, 03 Feb 2026 10:20:30 +0000",
		"X-Inlay-Campaign": "spring",
		"Content-Language": "de",
		"List-Unsubscribe": "<https://example.org/u?a=anna%40example.org>, <mailto:u@example.org?subject=%C3%96d%C3%B6n%20%22%C3%96%22%20%3Cx%40evil.example%3E%2C%20%20Bcc%3A%20all%40example.org>",
	} {
		if got := header(t, raw, field); got != want {
			t.Errorf("%s\nwant %s\n got %s", field, want, got)
		}
	}
	parts := leaves(t, raw)
	if got := parts["text/plain"]; !strings.Contains(got, "Grüße, Ödön \"Ö\"") || !strings.Contains(got, "--not a boundary\r\nFrom here") || !strings.Contains(got, "{{ name }} is no tag in an attachment: Gr\xfc\xdfe") {
		t.Errorf("text: %q", got)
	}
	if got := parts["text/html"]; !strings.HasPrefix(got, `<p>Hallo Ödön &#34;Ö&#34; &lt;x@evil.example&gt;`) {
		t.Errorf("HTML: %q", got)
	}
	for _, verbatim := range []string{
		"Content-Type: image/png; name=\"logo.png\"\r\nContent-ID: <logo@example.org>\r\nContent-Disposition: inline; filename=\"logo.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo",
		"Content-Type: message/rfc822\r\n\r\nSubject: forwarded {{ name }}\r\n\r\nas it was",
		"Content-Disposition: attachment; filename=raw.bin\r\nContent-Transfer-Encoding: base64\r\n\r\ncsOkdw==",
		"Content-Type: text/plain; format=flowed; charset=utf-8\r\n",
	} {
		if !strings.Contains(raw, verbatim) {
			t.Errorf("%q is not there", verbatim)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	with := func(f func(*message.System)) message.System {
		s := system
		f(&s)
		return s
	}
	plain := wrap("text/plain", "{{ v }}")
	head := "From: a@example.org\nSubject: s\n"
	for _, c := range []struct {
		name, src, v string
		sys          message.System
		kind         fault.Kind
		want         string
	}{
		{"a line break in the placement", plain, "", with(func(s *message.System) { s.Placement = "a\r\nBcc: x@y" }), fault.Invalid, "the placement"},
		{"an empty placement", plain, "", with(func(s *message.System) { s.Placement = "" }), fault.Invalid, "the placement"},
		{"a space in the campaign", plain, "", with(func(s *message.System) { s.Campaign = "a b" }), fault.Invalid, "the campaign"},
		{"a domain that is none", plain, "", with(func(s *message.System) { s.Domain = "a>b" }), fault.Invalid, "not a domain"},
		{"no date", plain, "", with(func(s *message.System) { s.Date = time.Time{} }), fault.Invalid, "a date"},
		{"no address", head + "To: {{ v }}\n\nx", "nobody", system, fault.Invalid, `the header field To: "nobody" is not an address`},
		{"two addresses", head + "To: {{ v }}\n\nx", "a@b, c@d", system, fault.Invalid, "is more than one address"},
		{"a line break in an address", head + "To: {{ v }}\n\nx", "a@b\r\nBcc: c@d", system, fault.Invalid, "not an address"},
		{"not ASCII in an address", head + "To: x <{{ v }}>\n\nx", "ö@example.org", system, fault.Invalid, "not an address"},
		{"a domain with a comment", head + "To: x <{{ v }}>\n\nx", "o@example.org(x)", system, fault.Invalid, "is not the domain"},
		{"too large", wrap("text/plain", strings.Repeat("{{ v }}", 9)), strings.Repeat("x", 1<<20), system, fault.TooLarge, "larger than 8388608"},
		{"too large when encoded", wrap("text/plain", strings.Repeat("{{ v }}", 3)), strings.Repeat("ö", 1<<19), system, fault.TooLarge, "larger than 8388608"},
		{"a bomb", wrap("text/plain", `{{ v`+strings.Repeat(` | replace: "x", "xxxxxxxxxxxxxxxx"`, 20)+` }}`), "x", system, fault.TooLarge, "the filter replace in the text part, line 5 column 4"},
		{"much work", wrap("text/plain", strings.Repeat(`{{ v | upcase | downcase | upcase | downcase | upcase | downcase | upcase | truncate: 3 }}`, 12)), strings.Repeat("x", 1<<20), system, fault.TooLarge, "makes too much text"},
		{"a URL that fits no line", head + "List-Help: <{{ v }}>\n\nx", "https://example.org/" + strings.Repeat("x", 990), system, fault.Invalid, "does not fit into a line"},
	} {
		_, err := compile(t, c.src).Render(map[string]string{"v": c.v}, c.sys)
		if !fault.Is(err, c.kind) || !strings.Contains(fault.Public(err), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	_, err := compile(t, plain).Render(nil, system)
	if want := "the variable v in the text part, line 5 column 4 has no value and no default"; !fault.Is(err, fault.Invalid) || fault.Public(err) != want {
		t.Errorf("missing: %v", err)
	}
}

// TestInjection puts what would break out of a header into every field that takes a value.
func TestInjection(t *testing.T) {
	t.Parallel()
	tmpl := compile(t, "From: {{ v }} <a@example.org>\nTo: \"{{ v }}\" <b@example.org>\nSubject: {{ v }}\nX-A: a {{ v }} b\nList-Help: <https://example.org/{{ v }}?{{ v }}>\n\n{{ v }}")
	for _, v := range []string{
		"\r\nBcc: x@y", "a\nBcc: x@y", "a\rBcc: x@y", "\x00", "a\x0bb\x0cc\x85d\u2028e", "=?utf-8?q?=0D=0ABcc:_x?=", `"`, `\`, `a\`, `","<x@y>`, "<x@y>, ", "(", strings.Repeat("x", 5000), strings.Repeat("long words ", 500), "\xff\xfe",
		strings.Repeat("語", 900), " ", "\t", "a  b", "\r\n\r\nbody", ";", ":", "x@y,", "🎉 party", strings.Repeat("=", 200),
	} {
		raw, err := tmpl.Render(map[string]string{"v": v}, system)
		if err != nil {
			if len(v) < 900 {
				t.Errorf("%.40q: %v", v, err)
			}
			continue
		}
		checkForm(t, fmt.Sprintf("%.40q", v), raw)
		msg, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		for field, want := range map[string]string{"From": "a@example.org", "To": "b@example.org"} {
			list, err := msg.Header.AddressList(field)
			if err != nil || len(list) != 1 || list[0].Address != want {
				t.Errorf("%.40q: %s is %v, %v", v, field, list, err)
			}
		}
		if len(msg.Header) != 15 {
			t.Errorf("%.40q: %d fields: %.300v", v, len(msg.Header), msg.Header)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
		if err != nil {
			t.Errorf("%.40q: the subject: %v", v, err)
		}
		if v == "a  b" && subject != v || strings.HasPrefix(v, "=?") && subject != v || strings.HasPrefix(v, "語") && subject != v {
			t.Errorf("%.40q became the subject %.40q", v, subject)
		}
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	tmpl := compile(t, "From: a@b\nSubject: {{ a | default: b }} {{ user }}\n\n{% if c %}{{ c }}{% endif %}{{ d | default: '' }}{{ a }}\n{% if e == 'x' and f %}{{ e }}{{ f }}{% elsif g %}{{ g }}{{ e }}{% endif %}{% if h or i %}{{ h }}{% endif %}")
	type v struct {
		name         string
		required     bool
		line, column int
	}
	want := []v{
		{"b", true, 2, 26},
		{"a", true, 4, 53},
		{"c", false, 4, 7},
		{"d", false, 4, 32},
		{"e", true, 5, 61},
		{"f", false, 5, 20},
		{"g", false, 5, 47},
		{"h", true, 5, 94},
		{"i", false, 5, 87},
	}
	var got []v
	for _, x := range tmpl.Variables() {
		got = append(got, v{x.Name, x.Required, x.Line, x.Column})
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("\nwant %v\n got %v", want, got)
	}
	if u := tmpl.Unknown([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "more"}); len(u) > 0 {
		t.Errorf("unknown: %v", u)
	}
	tmpl = compile(t, wrap("text/plain", "{{ frist_name | default: 'x' }}{{ email }}\n {{ zzz }}"))
	u := tmpl.Unknown([]string{"first_name", "last_name"})
	if len(u) != 2 || u[0].Name != "frist_name" || u[0].Nearest != "first_name" || u[0].Required || u[1].Name != "zzz" || u[1].Nearest != "" || !u[1].Required || u[1].Line != 6 || u[1].Column != 5 {
		t.Errorf("unknown: %+v", u)
	}
}

func TestCompileTellsAll(t *testing.T) {
	t.Parallel()
	_, err := message.Compile([]byte("From: x\nDate: now\nSubject: {{ a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n{{ | }}\n--b\nContent-Type: text/html\n\n<p {{ b }}>\n--b--\n"))
	for _, want := range []string{"the header field From, line 1", "the header field Date, line 2", "the header field Subject, line 3", "the text part, line 8 column 4", "the HTML part, line 12 column 4"} {
		if !strings.Contains(fault.Public(err), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if _, err := message.Compile(make([]byte, message.MaxSource+1)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("too large: %v", err)
	}
	if got, err := os.ReadFile("doc.go"); err != nil || message.Digest(got) == message.Digest(nil) || !strings.HasPrefix(message.Digest(got), "sha256:") {
		t.Errorf("digest: %v", err)
	}
}
