package message_test

import (
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/message"
)

// A template of a usual size: 2 kB of text, 20 kB of HTML, a few variables.
var benchTemplate = strings.ReplaceAll(`From: Inlay <news@example.org>
Subject: {{ first_name | default: "Hello" }}, maintenance on Saturday
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; charset=utf-8

Dear {{ first_name | default: "customer" }},
`+strings.Repeat("on Saturday night your mailbox moves to a new house. You need do nothing.\n", 28)+`
--b
Content-Type: text/html; charset=utf-8

<html><body><p>Dear {{ first_name | default: "customer" }},</p>
`+strings.Repeat(`<p style="margin:0">on Saturday night <a href="https://example.org/?u={{ user }}">your mailbox</a> moves.</p>`+"\n", 190)+`</body></html>
--b--
`, "\n", "\r\n")

func BenchmarkTemplate(b *testing.B) {
	src := []byte(benchTemplate)
	t, err := message.Compile(src)
	if err != nil {
		b.Fatal(err)
	}
	vars := map[string]string{"first_name": "Zoë"}
	sys := message.System{Placement: "p", Campaign: "c", User: "zoe@example.org", Date: time.Unix(1790000000, 0), Domain: "example.org"}
	raw, err := t.Render(vars, sys)
	if err != nil {
		b.Fatal(err)
	}
	m, err := message.Parse(raw)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("compile", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := message.Compile(src); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("render", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			if _, err := t.Render(vars, sys); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			if _, err := message.Parse(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("envelope", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			buf = m.AppendEnvelope(buf[:0])
		}
	})
	b.Run("structure", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			buf = m.AppendBodyStructure(buf[:0])
		}
	})
	b.Run("section", func(b *testing.B) {
		b.ReportAllocs()
		s := imap.Section{Part: []uint32{2}, Partial: &imap.Partial{Offset: 1000, Count: 4096}}
		for b.Loop() {
			if data, ok := m.Section(s); !ok || len(data) != 4096 {
				b.Fatal(len(data))
			}
		}
	})
	b.Run("search", func(b *testing.B) {
		b.ReportAllocs()
		key := imap.SearchKey{Op: imap.SearchText, Value: "nowhere in it"}
		for b.Loop() {
			if hit, err := m.Match(key, message.Facts{}); err != nil || hit {
				b.Fatal(hit, err)
			}
		}
	})
}
