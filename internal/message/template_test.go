package message_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/message"
)

var system = message.System{
	Placement: "pl-1", Campaign: "spring", User: "anna@example.org", Domain: "inlay.example",
	Date: time.Date(2026, 2, 3, 10, 20, 30, 0, time.UTC),
}

// wrap makes a template of a body.
func wrap(contentType, body string) string {
	return "From: Inlay <news@example.org>\nSubject: s\nContent-Type: " + contentType + "; charset=utf-8\n\n" + body
}

func compile(t testing.TB, src string) *message.Template {
	t.Helper()
	tmpl, err := message.Compile([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func render(t testing.TB, src string, vars map[string]string) string {
	t.Helper()
	out, err := compile(t, src).Render(vars, system)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// body is the text of a rendered message of one part.
func body(t testing.TB, contentType, src string, vars map[string]string) string {
	t.Helper()
	return decodedBody(t, parse(t, []byte(render(t, wrap(contentType, src), vars))))
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"name": "Anna", "empty": "", "n": "10", "no": "false", "a.b": "dotted", "two-words": "hyphen", "lines": "a\r\nb\rc", "text": "10 apples"}
	for _, c := range []struct{ src, want string }{
		{"{{ name }}", "Anna"},
		{"{{name}}!", "Anna!"},
		{"{{ a.b }} {{ two-words }}", "dotted hyphen"},
		{"{{ user }} {{ email }}", "anna@example.org anna@example.org"},
		{`{{ missing | default: "there" }}`, "there"},
		{`{{ empty | default: 'there' }}`, "there"},
		{`{{ no | default: name }}`, "Anna"},
		{`{{ missing | default: "" }}|`, "|"},
		{`{{ "text" }} {{ 12.5 }} {{ -3 }} {{ true }}{{ nil }}{{ false }}`, "text 12.5 -3 true"},
		{`{{ "}}" }}`, "}}"},
		{"{{ name | upcase | append: '!' | prepend: \"¡\" | remove: '¡' }}", "ANNA!"},
		{`{{ "a b a" | replace: "a", "x" }} {{ "a b a" | replace_first: "a", "x" }} {{ "aba" | remove_first: "a" }}`, "x b x x b a ba"},
		{`{{ "hello" | capitalize }} {{ "  x " | strip }}|{{ "  x " | lstrip }}|{{ "  x " | rstrip }}|`, "Hello x|x |  x|"},
		{`{{ "abcdefghij" | truncate: 6 }} {{ "abc" | truncate: 6 }} {{ "abcdef" | truncate: 4, "." }} {{ "abc" | truncate: 2 }}`, "abc... abc abc. ..."},
		{`{{ "a&b c" | url_encode }} {{ "four" | size }}`, "a%26b+c 4"},
		{"{% if name %}yes{% endif %}{% if empty %}no{% endif %}{% if no %}no{% endif %}{% if missing %}no{% endif %}", "yes"},
		{"{% if n > 9 %}number{% else %}text{% endif %} {% if n < 9 %}text{% endif %}", "number "},
		{"{% if text > 9 %}no{% elsif text contains 'app' %}yes{% endif %}", "yes"},
		{"{% if missing < 5 or missing >= 5 or empty < name %}no{% else %}unordered{% endif %}", "unordered"},
		{"{% if empty == nil and missing == blank and name != empty %}same{% endif %}", "same"},
		{`{% if name == "Anna" and n == 10.0 %}both{% endif %}`, "both"},
		{"{% if true or false and false %}right{% endif %}{% if false and false or true %}no{% endif %}", "right"},
		{"{% unless name %}no{% elsif n == 10 %}ten{% else %}else{% endunless %}", "ten"},
		{"{% if name %}{% if n %}deep{% endif %}{% endif %}", "deep"},
		{"{% if name %}{{ name }}{% endif %}", "Anna"},
		{"{%if name%}a{%else%}b{%endif%}", "a"},
		{"a  {{- name -}}  b {%- if name -%} c {%- endif -%} d", "aAnnabcd"},
		{"{% raw %}{{ name }} {% if %}{% endraw %}{%raw%}x{%endraw%}{%- raw -%} y {%- endraw -%} z", "{{ name }} {% if %}xyz"},
		{"a{% comment %}{{ }} {% nonsense %} {{ \"{% endcomment %}b{%comment%}{%endcomment%}", "ab"},
		{"{ {name} } {", "{ {name} } {"},
		{"{{ lines }}", "a\r\nb\r\nc"},
		{"a\n{{ 'x' }}\n", "a\r\nx\r\n"},
	} {
		if got := body(t, "text/plain", c.src, vars); got != c.want {
			t.Errorf("%s\nwant %q\n got %q", c.src, c.want, got)
		}
	}
}

func TestEscaping(t *testing.T) {
	t.Parallel()
	nasty := `"><script>alert('x')&`
	vars := map[string]string{
		"v": nasty, "js": " javascript:alert(1)", "data": "data:text/html,x", "web": "https://example.org/a b?c='d'&e=\"f\"", "mail": "a+b@example.org",
		"path": "../x/y?z#", "scheme": "script:alert(1)", "rel": "//evil.example/", "ctl": "java\nscript:x",
	}
	escaped := "&#34;&gt;&lt;script&gt;alert(&#39;x&#39;)&amp;"
	for _, c := range []struct{ src, want string }{
		{"<p>{{ v }}</p>", "<p>" + escaped + "</p>"},
		{`<p title="{{ v }}" id='{{ v }}'>`, `<p title="` + escaped + `" id='` + escaped + `'>`},
		{`<a href="{{ web }}">`, `<a href="https://example.org/a%20b?c=%27d%27&amp;e=%22f%22">`},
		{`<a href="{{ js }}"><a href="{{ data }}"><a href="{{ ctl }}">`, `<a href="#"><a href="#"><a href="#">`},
		{`<a href="{{ rel }}">`, `<a href="//evil.example/">`},
		{`<a href="mailto:{{ mail }}">`, `<a href="mailto:a+b@example.org">`},
		{`<a href="https://x/{{ path }}">`, `<a href="https://x/..%2Fx%2Fy%3Fz%23">`},
		{`<a href="https://x/?q={{ v }}&u={{ mail }}">`, `<a href="https://x/?q=%22%3E%3Cscript%3Ealert%28%27x%27%29%26&u=a%2Bb%40example.org">`},
		{`<a href="https://x/?u={{ mail | url_encode }}">`, `<a href="https://x/?u=a%2Bb%40example.org">`},
		{`<a href="java{{ scheme }}">`, `<a href="javascript%3Aalert%281%29">`},
		{`<a href="{{ web }}/{{ path }}">`, `<a href="https://example.org/a%20b?c=%27d%27&amp;e=%22f%22/..%2Fx%2Fy%3Fz%23">`},
		{`<img src="cid:{{ mail }}" alt="{{ v }}">`, `<img src="cid:a+b@example.org" alt="` + escaped + `">`},
		{`<svg xlink:href="{{ js }}">`, `<svg xlink:href="#">`},
		{`<td background="{{ js }}" width=10>{{ v }}`, `<td background="#" width=10>` + escaped},
		{`a < b {{ v }}`, `a < b ` + escaped},
		{`<!-- <p> "' -->{{ v }}`, `<!-- <p> "' -->` + escaped},
		{`<!DOCTYPE html><?x y="?>{{ v }}`, `<!DOCTYPE html><?x y="?>` + escaped},
		{`<style>a{b:"c<d"}</style>{{ v }}<script>"<!--"</scripty></script >{{ v }}`, `<style>a{b:"c<d"}</style>` + escaped + `<script>"<!--"</scripty></script >` + escaped},
		{`<title>{{ v }}</title><textarea>{{ v }}</textarea>`, `<title>` + escaped + `</title><textarea>` + escaped + `</textarea>`},
		{`{% if v %}<b>{% else %}<b>{% endif %}{{ v }}`, `<b>` + escaped},
		{`<br/>{{ v }}<br / >{{ v }}</p >{{ v }}`, `<br/>` + escaped + `<br / >` + escaped + `</p >` + escaped},
	} {
		out := render(t, wrap("text/html", c.src), vars)
		m := parse(t, []byte(out))
		got := decodedBody(t, m)
		if got != c.want {
			t.Errorf("%s\nwant %s\n got %s", c.src, c.want, got)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	text := func(s string) string { return wrap("text/plain", s) }
	html := func(s string) string { return wrap("text/html", s) }
	head := "From: a@b\nSubject: s\n"
	for _, c := range []struct {
		src, want    string
		line, column int
	}{
		{text("a\nb {{ name"), "has no end", 6, 3},
		{text("{{ }}"), "a variable or a text expected", 5, 4},
		{text("x {{ 'a }}"), "has no end", 5, 3},
		{text("{{ a ' }}"), "has no end", 5, 1},
		{text("{{ ä }}"), `unexpected "ä"`, 5, 4},
		{text("ä {{ name ! }}"), `unexpected "!"`, 5, 11},
		{text("{{ name other }}"), `unexpected "other"`, 5, 9},
		{text("{{ name | upcse }}"), `unknown filter "upcse": upcase?`, 5, 11},
		{text("{{ name | }}"), "the name of a filter expected", 5, 11},
		{text("{{ name | append }}"), "the filter append takes 1 argument, not 0", 5, 11},
		{text("{{ name | upcase: 1 }}"), "the filter upcase takes no arguments, not 1", 5, 11},
		{text("{{ name | truncate: 'x' }}"), "takes a number", 5, 11},
		{text("{{ name" + strings.Repeat(" | upcase", 21) + " }}"), "more than 20 filters", 5, 189},
		{text("{{ " + strings.Repeat("n", 65) + " }}"), "a name of more than 64", 5, 4},
		{text("{{ 1.2.3 }}"), "is not a number", 5, 4},
		{text("{% if %}x{% endif %}"), "a condition expected", 5, 7},
		{text("{% if name %}x"), "{% endif %} is missing", 5, 15},
		{text("{% unless a %}x{% endif %}"), "{% endif %} without its beginning", 5, 16},
		{text("x{% endif %}"), "{% endif %} without its beginning", 5, 2},
		{text("{% else %}"), "{% else %} without its beginning", 5, 1},
		{text("{% if a %}{% else %}{% elsif b %}{% endif %}"), "{% elsif %} without its beginning", 5, 21},
		{text("{% if a %}{% else b %}{% endif %}"), `unexpected "b"`, 5, 19},
		{text("{% if a ! b %}{% endif %}"), `unexpected "!"`, 5, 9},
		{text("{% if a b %}{% endif %}"), `unexpected "b" in a condition`, 5, 9},
		{text("{% if a | size > 3 %}{% endif %}"), "filters cannot stand in a condition", 5, 9},
		{text("{% if a == %}{% endif %}"), "a variable or a text expected", 5, 12},
		{text("\n{% for x in y %}"), `unknown tag "for"`, 6, 1},
		{text("{% include 'x' %}"), `unknown tag "include"`, 5, 1},
		{text("{%  %}"), "an empty tag", 5, 1},
		{text("{% raw %}x"), "{% endraw %} is missing", 5, 1},
		{text("{% comment %}x"), "{% endcomment %} is missing", 5, 1},
		{text(strings.Repeat("{% if a %}", 52)), "nested more than 50", 5, 511},
		{html("<p {{ name }}>"), "between the attributes", 5, 4},
		{html("<{{ name }}>"), "between the attributes", 5, 2},
		{html("<a href={{ name }}>"), "needs quotes", 5, 1},
		{html("<a href=x{{ name }}>"), "needs quotes", 5, 1},
		{html("<a onclick=\"{{ name }}\">"), "in the attribute onclick", 5, 13},
		{html("<p style=\"color:{{ name }}\">"), "in the attribute style", 5, 17},
		{html("<meta http-equiv=refresh content=\"0;{{ name }}\">"), "in the attribute content", 5, 37},
		{html("<script>{{ name }}</script>"), "within <script>", 5, 9},
		{html("<style>{{ name }}</style>"), "within <style>", 5, 8},
		{html("<!-- {{ name }} -->"), "in an HTML comment", 5, 6},
		{html("<!DOCTYPE {{ name }}>"), "between the attributes", 5, 11},
		{html("<p>\n<p =\"{{ name }}\">"), "without a name", 5, 1},
		{html("{% if a %}<p title=\"{% endif %}{{ b }}\">"), "ends in another place", 5, 1},
		{html("{% if a %}<b>{% else %}<b title=\"{% endif %}"), "end in different places", 5, 1},
		{html("<a href=\"/{% if a %}?{% endif %}{{ b }}\">"), "ends in another place", 5, 11},
		{"Subject: s\n\nx", "the header field From is missing", 0, 0},
		{"From: a@b\n\nx", "the header field Subject is missing", 0, 0},
		{head + "Date: now\n\nx", "it is written by the system", 3, 1},
		{head + "X-Inlay-Campaign: x\n\nx", "it is written by the system", 3, 1},
		{head + "Subject: t\n\nx", "it is there twice", 3, 1},
		{head + "no field\n\nx", "no header field", 3, 1},
		{head + "To: {{ name }} {{ email }}\n\nx", "this is no list of addresses", 3, 5},
		{head + "To: <{{ email }}, b@c\n\nx", "this is no list of addresses", 3, 5},
		{head + "To: {% if a %}a@b{% endif %}\n\nx", "conditions cannot stand", 3, 5},
		{head + "X: a\n b {{ c\n\nx", "has no end", 4, 4},
		{head + "References: <{{ a }}@b>\n\nx", "cannot hold tags", 3, 14},
		{head + "List-Unsubscribe: {{ a }}\n\nx", "outside of the angle brackets", 3, 19},
		{"From: a@b\nSubject: \xff\n\nx", "is not UTF-8", 2, 10},
		{"From: a@b\nSubject: =?utf-8?q?=7B=7B_x?=\n\nx", "has no end", 2, 10},
		{head + "Content-Type: image/png\n\nx", "neither a text nor an HTML part", 0, 0},
		{head + "Content-Type: multipart/mixed\n\nx", "needs a boundary", 5, 1},
		{head + "Content-Type: multipart/mixed; boundary=a\n\nx", "the boundary --a is nowhere", 5, 1},
		{head + "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n", "the closing boundary --a-- is missing", 5, 1},
		{head + "Content-Type: multipart/signed; boundary=a\n\n--a\n\nx\n--a--\n", "cannot be rendered", 5, 1},
		{head + "Content-Type: text/plain; charset=x-none\n\nx", "the charset x-none is not known", 5, 1},
		{head + "Content-Type: text/plain; charset=utf-8\n\n\xff", "not in the charset", 5, 1},
		{head + "Content-Transfer-Encoding: base64\n\n!", "it is not base64", 5, 1},
		{head + "Content-Transfer-Encoding: rot13\n\nx", "rot13 is not known", 5, 1},
		{head + "Content-Transfer-Encoding: quoted-printable\n\na\nb=\n {{ x", "the decoded text part, line 2 column 3: the tag has no end", 2, 3},
		{head + "Content-Type: ;\n\nx", "its Content-Type cannot be read", 5, 1},
		{head + "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a\nContent-Type: message/rfc822\n\nSubject: ä\n\nx\n--a--\n", "must be ASCII", 11, 1},
		{head + "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a\nContent-Type: image/png\nContent-Disposition: inline; filename=ä\n\nx\n--a--\n", "holds more than ASCII", 10, 1},
		{"a\x00b", "line 1 holds a NUL", 0, 0},
		{"", "the header field From is missing", 0, 0},
	} {
		_, err := message.Compile([]byte(c.src))
		if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Public(err), c.want) {
			t.Errorf("%.300q\nwant %s\n got %v", c.src, c.want, err)
			continue
		}
		var at *message.SourceError
		switch {
		case !errors.As(err, &at):
			if c.line > 0 {
				t.Errorf("%.300q: %v has no place", c.src, err)
			}
		case at.Line != c.line || at.Column != c.column:
			t.Errorf("%.300q: %v, want line %d column %d", c.src, err, c.line, c.column)
		}
	}
}
