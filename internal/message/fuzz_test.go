package message_test

import (
	"bytes"
	"net/mail"
	"strings"
	"testing"

	"inlay.example/inlay/examples"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/message"
)

// FuzzCompile: no source makes Compile or Render panic; what compiles renders for everybody
// who has all variables, or says why not; and what is rendered is fit for mail.
func FuzzCompile(f *testing.F) {
	f.Add(mixed)
	for _, name := range []string{"alert", "welcome", "offer"} {
		src, err := examples.Files.ReadFile(name + ".eml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(src))
	}
	for _, s := range []string{
		"{{ a | default: b | truncate: 3, '.' | replace: 'x', y }}", "{% if a == 1 and b contains 'c' or d %}{{- a -}}{% elsif e %}{% else %}{% endif %}",
		"{% unless a %}{% raw %}{{{% endraw %}{% endunless %}{% comment %}{% endcomment %}",
	} {
		f.Add(wrap("text/plain", s))
		f.Add(wrap("text/html", "<a href=\"{{ a }}?{{ b }}\" title='"+s+"'>"+s+"<!-- x --><script></script>"))
		f.Add("From: " + s + " <{{ a }}>\nSubject: " + s + "\nList-Help: <" + s + ">\n\n" + s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		tmpl, err := message.Compile([]byte(src))
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge {
				t.Fatalf("%v: kind %v", err, k)
			}
			return
		}
		for _, value := range []string{"", "a@example.org", "\"<>&'\r\nBcc: x@example.org\r\n\r\n", "7"} {
			vars := map[string]string{}
			for _, v := range tmpl.Variables() {
				vars[v.Name] = value
			}
			raw, err := tmpl.Render(vars, system)
			if err != nil {
				if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge {
					t.Fatalf("%v: kind %v", err, k)
				}
				continue
			}
			if len(raw) > message.MaxRendered {
				t.Fatalf("%d octets", len(raw))
			}
			checkForm(t, "rendered", raw)
			if _, err := message.Parse(raw); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzRender: whatever the values are, a message is the same when it is rendered again, has
// the fields and the addresses that its template has, and its parts.
func FuzzRender(f *testing.F) {
	f.Add("Anna", "dan@example.org", "a note")
	f.Add("\r\nBcc: x@example.org", "x@example.org, y@example.org", "=?utf-8?q?x?=")
	f.Add("--alt--\r\n--inner--\r\n--outer--\r\n", "\"q\"@example.org", strings.Repeat("long ", 400))
	f.Add("\x00\xff\u2028\u202e", "@", strings.Repeat("x", 1200))
	f.Add("</title><script>alert(1)</script>", "javascript:x@example.org", "]]>-->")
	tmpl := compile(f, mixed)
	f.Fuzz(func(t *testing.T, name, other, note string) {
		vars := map[string]string{"name": name, "other": other, "note": note}
		raw, err := tmpl.Render(vars, system)
		again, err2 := tmpl.Render(vars, system)
		if !bytes.Equal(raw, again) || (err == nil) != (err2 == nil) {
			t.Fatal("rendered twice, and not the same")
		}
		if err != nil {
			return
		}
		checkForm(t, "rendered", raw)
		msg, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(msg.Header); n != 17 {
			t.Fatalf("%d fields: %v", n, msg.Header)
		}
		for field, n := range map[string]int{"From": 2, "To": 2, "Cc": 2} {
			if list, err := msg.Header.AddressList(field); err != nil || len(list) != n {
				t.Fatalf("%s: %v, %v", field, list, err)
			}
		}
		structure := string(parse(t, raw).AppendBody(nil))
		for _, want := range []string{`"plain"`, `"html"`, `"alternative"`, `"png"`, `"related"`, `"octet-stream"`, `"rfc822"`, `"mixed"`} {
			if strings.Count(structure, want) < 1 {
				t.Fatalf("%s is not in %s", want, structure)
			}
		}
		if strings.Count(structure, "(\"text\"") != 4 || strings.Contains(leaves(t, string(raw))["text/html"], "<script") {
			t.Fatalf("a value made a part, or an element: %s", structure)
		}
	})
}

// FuzzParse: no message makes the views panic, and what they say of it fits together.
func FuzzParse(f *testing.F) {
	for _, raw := range corpus(f) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if m, err := message.Parse(raw); err == nil && !bytes.Equal(m.Raw(), raw) {
			t.Fatal("the octets changed")
		}
		raw = bytes.ReplaceAll(bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte{0}, nil), []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
		m := parse(t, raw)
		section := func(s imap.Section) []byte {
			data, ok := m.Section(s)
			if !ok {
				t.Fatalf("%s is not known", asked(s))
			}
			return data
		}
		header, text := section(imap.Section{Specifier: imap.Header}), section(imap.Section{Specifier: imap.Text})
		if !bytes.Equal(append(bytes.Clone(header), text...), raw) {
			t.Fatalf("header and text are not the message")
		}
		yes := section(imap.Section{Specifier: imap.HeaderFields, Fields: []string{"subject", "to"}})
		no := section(imap.Section{Specifier: imap.HeaderFieldsNot, Fields: []string{"SUBJECT", "TO"}})
		if len(yes)+len(no) != len(header)+2 {
			t.Fatalf("%d octets of fields and %d of the others are not a header of %d", len(yes), len(no), len(header))
		}
		for _, path := range [][]uint32{{1}, {2}, {1, 1}, {1, 2}, {2, 1}, {1, 1, 1}} {
			head, whole := section(imap.Section{Part: path, Specifier: imap.MIME}), section(imap.Section{Part: path})
			if !bytes.Contains(raw, head) || !bytes.Contains(raw, whole) {
				t.Fatalf("part %v is not in the message", path)
			}
			var pieces []byte
			for offset := uint32(0); int(offset) < len(whole); offset += 1000 {
				pieces = append(pieces, section(imap.Section{Part: path, Partial: &imap.Partial{Offset: offset, Count: 1000}})...)
			}
			if !bytes.Equal(pieces, whole) {
				t.Fatalf("the pieces of part %v are not the part", path)
			}
			inner := append(bytes.Clone(section(imap.Section{Part: path, Specifier: imap.Header})), section(imap.Section{Part: path, Specifier: imap.Text})...)
			if !bytes.HasPrefix(whole, inner) {
				t.Fatalf("the message in part %v is not what it holds", path)
			}
		}
		envelope, short, long := m.AppendEnvelope(nil), m.AppendBody(nil), m.AppendBodyStructure(nil)
		for _, v := range [][]byte{envelope, short, long} {
			if valueEnd(v) != len(v) {
				t.Fatalf("this is not one list: %q", v)
			}
		}
		for _, k := range []imap.SearchKey{
			{Op: imap.SearchText, Value: "é=?"},
			{Op: imap.SearchBody, Value: "x"},
			{Op: imap.SearchAddress, Field: "To", Value: "a"},
			{Op: imap.SearchSubject, Value: "e"},
			{Op: imap.SearchSentOn},
			{Op: imap.SearchHeader, Field: "subject", Value: "e"},
		} {
			if _, err := m.Match(k, message.Facts{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
