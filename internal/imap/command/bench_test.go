package command_test

import (
	"strings"
	"testing"

	"inlay.example/inlay/internal/imap/command"
)

func BenchmarkRead(b *testing.B) {
	for _, c := range []struct{ name, line string }{
		{"noop", "a1 NOOP\r\n"},
		{"fetch", "a1 UID FETCH 1:*,4711 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT)])\r\n"},
		{"search", "a1 UID SEARCH OR UNSEEN (SINCE 1-Feb-2026 NOT FROM \"someone\") SUBJECT {5+}\r\nhello\r\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			src := strings.NewReader(c.line)
			for b.Loop() {
				src.Reset(c.line)
				if _, err := command.NewReader(src, command.Limits{}).Read(nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
