package message_test

import (
	"strings"
	"testing"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/message"
)

// fill repeats a piece up to a size.
func fill(piece string, size int) string { return strings.Repeat(piece, size/len(piece)) }

// TestLargeSources compiles large sources, each of them one that would
// take hours if any step went over all of it for each of its pieces.
func TestLargeSources(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	for name, c := range map[string]struct {
		src string
		ok  bool
	}{
		"text":                   {wrap("text/plain", fill("x", size)), true},
		"braces":                 {wrap("text/plain", fill("{ ", size)), true},
		"tags on one line":       {wrap("text/plain", fill("{{ user }}"+fill("x", 500), size/2)), true},
		"too many tags":          {wrap("text/plain", fill("{{ user }}", size)), false},
		"raw without an end":     {wrap("text/plain", "{% raw %}"+fill("{% end", size)), false},
		"raw":                    {wrap("text/plain", "{% raw %}"+fill("{% endra %}", size)+"{% endraw %}"), true},
		"tags in an attribute":   {wrap("text/html", "<a href=\"x?"+fill("{{ user }}"+fill("x", 500), size/2)+"\">"), true},
		"scripts without an end": {wrap("text/html", "<script>"+fill("</scripty", size)), true},
		"elements":               {wrap("text/html", fill("<b c='d'>", size)), true},
		"comments":               {wrap("text/html", fill("<!-- -", size)), true},
		"a long subject":         {"From: a@b\nSubject: " + fill("=?utf-8?q?x", size) + "\n\nx", true},
		"a list of URLs":         {"From: a@b\nSubject: s\nList-Help: <" + fill("x ", size) + ">\n\nx", true},
		"many fields":            {"From: a@b\nSubject: s\n" + fill("X: y\n", size/4) + "\nx", true},
		"parts without an end":   {"From: a@b\nSubject: s\nContent-Type: multipart/mixed; boundary=a\n\n" + fill("--a\n", size), false},
		"nested parts":           {"From: a@b\nSubject: s\n" + fill("Content-Type: multipart/mixed; boundary=a\n\n--a\n", size), false},
	} {
		tmpl, err := message.Compile([]byte(c.src))
		if (err == nil) != c.ok || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %.300v", name, err)
			continue
		}
		if err != nil {
			continue
		}
		if _, err := tmpl.Render(nil, system); err != nil {
			t.Errorf("%s: %.300v", name, err)
		}
	}
}

// TestLargeMessages does the same for the views.
func TestLargeMessages(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	for name, raw := range map[string]string{
		"words":      "To: " + fill("a ", size) + "\r\n\r\n",
		"dots":       "To: " + fill("a.", size) + "\r\n\r\n",
		"hosts":      "To: a@" + fill("b.", size) + "c\r\n\r\n",
		"commas":     "To: " + fill(",", size) + "\r\n\r\n",
		"comments":   "To: " + fill("(", size) + "\r\n\r\n",
		"groups":     "To: " + fill("a:b;,", size) + "\r\n\r\n",
		"quotes":     "To: " + fill(`"a" `, size) + "\r\n\r\n",
		"words 2047": "Subject: " + fill("=?utf-8?q?", size) + "\r\n\r\n",
		"parameters": "Content-Type: text/plain" + fill("; a*1=b", size/8) + "\r\n\r\n",
		"fields":     fill("To: a@b\r\n", size) + "\r\n",
		"boundaries": "Content-Type: multipart/mixed; boundary=a\r\n\r\n" + fill("--b\r\n", size),
		"parts":      "Content-Type: multipart/mixed; boundary=a\r\n\r\n" + fill("--a\r\n", size),
		"nested":     fill("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n", size),
		"messages":   fill("Content-Type: message/rfc822\r\n\r\n", size),
	} {
		m := parse(t, []byte(raw))
		if b := m.AppendBodyStructure(m.AppendEnvelope(nil)); len(b) == 0 {
			t.Errorf("%s: nothing", name)
		}
		for _, k := range []imap.SearchKey{{Op: imap.SearchText, Value: "nowhere"}, {Op: imap.SearchAddress, Field: "To", Value: "nowhere"}, {Op: imap.SearchSubject, Value: "nowhere"}} {
			if ok, err := m.Match(k, message.Facts{}); ok || err != nil {
				t.Errorf("%s: %v, %v", name, ok, err)
			}
		}
	}
}
