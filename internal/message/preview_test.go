package message_test

import (
	"errors"
	"strings"
	"testing"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/message"
)

// TestPreview: what Dovecot 2.3 said of these texts.
func TestPreview(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300)
	for _, tt := range []struct{ kind, text, want string }{
		{"plain", "", ""},
		{"plain", "\r\n \r\n", ""},
		{"plain", "Here   is\r\n text\twith\vspaces\r\n", "Here is text with spaces"},
		{"plain", "> only quoted\r\n> two\r\n", ">only quoted two"},
		{"plain", ">a\r\nb\r\n", "b"},
		{"plain", "b\r\n>a\r\nc\r\n", "b c"},
		{"plain", " > a\r\nb", "> a b"},
		{"plain", ">> a\r\n\r\n> b", ">> a b"},
		{"plain", "a >b\r\n-- \r\nsig", "a >b -- sig"},
		{"plain", ">\r\n", ""},
		{"plain", "\uFEFFbo\uFEFFm", "bom"},
		{"plain", "a\u00A0b\u3000c", "a\u00A0b\u3000c"},
		{"plain", "\xe4\xf6 bad", "\uFFFD bad"},
		{"plain", long, long[:200]},
		{"plain", long[:199] + " b", long[:199]},
		{"plain", ">q\r\n" + long, long[:199]},
		{"plain", "> " + long, ">" + long[:199]},
		{"plain", strings.Repeat("日", 250), strings.Repeat("日", 200)},
		{"x-foo", "text of any kind", "text of any kind"},
		{"html", "<p>a</p><p>b</p>", "a b"},
		{"html", "<div>a</div>b<span>c</span>d<br/>e", "a b c d e"},
		{"html", "<head><title>T</title><meta x></head><body>x", "T x"},
		{"html", "<STYLE>s</STYLE><script>if (a<b) j</script>x<scripty>y</scripty>", "x y"},
		{"html", "<script>a</ script>b</script>c", "c"},
		{"html", "<script>a</script >b", ""},
		{"html", "a<!-- c > d -->b<!DOCTYPE x>c<?php z?>d", "ab c d"},
		{"html", "a<!--->b-->c<!---->d<!-- e", "acd"},
		{"html", "a<![CDATA[b<c>&amp;]]>d", "ab<c>&amp;d"},
		{"html", "a<![CDATA[b]]", "ab"},
		{"html", "<a title='x > y' href=\"a>b\">l</a>", "l"},
		{"html", "<p>un<b>closed<i", "un closed"},
		{"html", "&lt;a&gt; &amp; &quot; &auml; &#228; &#xe4; &euro; &hellip;", "<a> & \" ä ä ä € …"},
		{"html", "&bogus;&AMP;&#X41;&#0;&#xD800;&#1114112;&#;x", "x"},
		{"html", "a&foo bar & b", "afoo bar b"},
		{"html", "a&xxxxxxxxxx; b", "axxxxxxxxxx; b"},
		{"html", "x&am", "x"},
		{"html", "x<br>&gt; a", "x > a"},
		{"html", "x\r\n&gt; a", "x"},
		{"html", "<blockquote>q</blockquote>after", "after"},
		{"html", "<blockquote type=cite>only q</BLOCKQUOTE>", ">only q"},
		{"html", "x<blockquote>q<blockquote>r</blockquote>s</blockquote>after", "x after"},
		{"html", "</blockquote>a<blockquote>b</blockquote>c", "a c"},
		{"html", "<blockquote>a\r\n<b>c\r\nd</blockquote>\r\ne", "d e"},
	} {
		m := parse(t, []byte("MIME-Version: 1.0\r\nContent-Type: text/"+tt.kind+"; charset=utf-8\r\n\r\n"+tt.text))
		if got := m.Preview(); got != tt.want {
			t.Errorf("%s %q: %q, want %q", tt.kind, tt.text, got, tt.want)
		}
	}
}

// several makes a multipart of parts, each a Content-Type and a text.
func several(kind string, parts ...string) string {
	b := "multipart/" + kind + "; boundary=" + kind + "\r\n\r\n"
	for _, p := range parts {
		b += "--" + kind + "\r\nContent-Type: " + p + "\r\n"
	}
	return b + "--" + kind + "--\r\n"
}

// TestPreviewPart: which part it is whose beginning Dovecot shows.
func TestPreviewPart(t *testing.T) {
	t.Parallel()
	const (
		plain    = "text/plain\r\n\r\nplain"
		empty    = "text/plain\r\n\r\n"
		html     = "text/html\r\n\r\n<b>html</b>"
		other    = "text/x-foo\r\n\r\nother"
		image    = "image/png\r\n\r\nimage"
		message  = "message/rfc822\r\n\r\nSubject: x\r\n\r\nwithin"
		calendar = "text/calendar\r\n\r\nBEGIN"
		bad      = "text\r\n\r\nbad"
	)
	for _, tt := range []struct{ body, want string }{
		{"application/json\r\n\r\n{}", ""},
		{several("mixed", html, plain), "html"},
		{several("mixed", image, message, plain), "plain"},
		{several("mixed", image, message), ""},
		{several("mixed", empty, plain), ""},
		{several("mixed", bad, plain), ""},
		{several("mixed", calendar, plain), "BEGIN"},
		{several("alternative", html, plain), "plain"},
		{several("alternative", plain, html), "plain"},
		{several("alternative", other, html), "html"},
		{several("alternative", other, html, calendar), "html"},
		{several("alternative", empty, html), ""},
		{several("alternative", html, several("mixed", html, plain)), "html"},
		{several("alternative", several("related", html, image), other), "other"},
		{several("alternative", several("related", html, image)), ""},
		{several("mixed", several("alternative", image), plain), "plain"},
		{several("related", several("alternative", plain, html), image), "plain"},
	} {
		if got := parse(t, []byte("MIME-Version: 1.0\r\nContent-Type: "+tt.body)).Preview(); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.body, got, tt.want)
		}
	}
}

// TestBinary: what Dovecot 2.3 said of these messages.
func TestBinary(t *testing.T) {
	t.Parallel()
	const (
		qp    = "Subject: s\r\nContent-Transfer-Encoding: quoted-printable\r\nX: y\r\n\r\na=C3=A4=\r\nb  \r\nc\r\n"
		multi = "Content-Type: multipart/mixed; boundary=x\r\n\r\npre\r\n--x\r\n\r\nseven\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\naAAK\r\n--x\r\n" +
			"Content-Type: message/rfc822\r\n\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj\r\n--x--\r\nepi\r\n"
	)
	cte := func(enc, body string) string { return "Content-Transfer-Encoding: " + enc + "\r\n\r\n" + body }
	part := func(n ...uint32) imap.Section { return imap.Section{Part: n} }
	for _, tt := range []struct {
		raw     string
		section imap.Section
		want    string
		decoded bool
		err     error
	}{
		{qp, part(), "Subject: s\r\nX: y\r\nContent-Transfer-Encoding: binary\r\n\r\naäb\r\nc\r\n", true, nil},
		{qp, part(1), "aäb\r\nc\r\n", true, nil},
		{qp, imap.Section{Part: []uint32{1}, Partial: &imap.Partial{Offset: 1, Count: 3}}, "äb", true, nil},
		{qp, imap.Section{Part: []uint32{1}, Partial: &imap.Partial{Offset: 60, Count: 3}}, "", true, nil},
		{qp, part(2), "", false, nil},
		{multi, part(1), "seven", false, nil},
		{multi, part(2), "h\x00\n", true, nil},
		{multi, part(3), "Content-Transfer-Encoding: binary\r\n\r\nabc", true, nil},
		{multi, part(3, 1), "abc", true, nil},
		{multi, part(), "Content-Type: multipart/mixed; boundary=x\r\n\r\npre\r\n--x\r\n\r\nseven\r\n--x\r\nContent-Transfer-Encoding: binary\r\n\r\nh\x00\n\r\n--x\r\n" +
			"Content-Type: message/rfc822\r\n\r\nContent-Transfer-Encoding: binary\r\n\r\nabc\r\n--x--\r\nepi\r\n", true, nil},
		{cte("7bit", "ab\r\n"), part(), cte("7bit", "ab\r\n"), false, nil},
		{cte("BASE64 (c)", "YW Jj\r\n\r\n"), part(1), "abc", true, nil},
		{cte("x-uuencode", "x"), part(1), "", false, message.ErrUnknownEncoding},
		{cte("", "x"), part(1), "", false, message.ErrUnknownEncoding},
		{cte("base64", "YWJj!"), part(1), "", false, message.ErrEncoding},
		{cte("base64", "ZA==\r\nZA=="), part(1), "", false, message.ErrEncoding},
		{cte("quoted-printable", "a=3d\r\n= \t\r\nb"), part(1), "a=\r\nb", true, nil},
		{cte("quoted-printable", "a=ZZ"), part(1), "", false, message.ErrEncoding},
		{cte("quoted-printable", "a="), part(1), "", false, message.ErrEncoding},
	} {
		m := parse(t, []byte(tt.raw))
		got, decoded, err := m.Binary(tt.section)
		if string(got) != tt.want || decoded != tt.decoded || !errors.Is(err, tt.err) {
			t.Errorf("%v of %q: %q, %v, %v", tt.section.Part, tt.raw, got, decoded, err)
		}
		if size, err := m.BinarySize(tt.section); tt.section.Partial == nil && (size != len(tt.want) || !errors.Is(err, tt.err)) {
			t.Errorf("the size of %v of %q: %d, %v", tt.section.Part, tt.raw, size, err)
		}
	}
}
