package command_test

import (
	"io"
	"strings"
	"testing"

	"inlay.example/inlay/internal/imap/command"
)

// BenchmarkReadCommand: what clients say most, and the most expensive of it.
func BenchmarkReadCommand(b *testing.B) {
	for name, line := range map[string]string{
		"NOOP":   "A0001 NOOP\r\n",
		"FETCH":  "A0002 UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM TO SUBJECT MESSAGE-ID)])\r\n",
		"SEARCH": "A0003 UID SEARCH CHARSET UTF-8 UNDELETED OR SUBJECT {5+}\r\nhello FROM \"alice\" SINCE 1-Feb-2024\r\n",
		"ranges": "A0004 UID FETCH " + strings.Repeat("1,3:5,", 1000) + "9 FLAGS\r\n",
	} {
		b.Run(name, func(b *testing.B) {
			r := command.NewReader(&repeat{line: line}, command.Limits{})
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				c, err := r.Read(agreed)
				if err != nil || c.Err != nil {
					b.Fatal(err, c)
				}
			}
		})
	}
}

// repeat says a line over and over.
type repeat struct {
	line string
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, io.ErrShortBuffer
	}
	n := copy(p, r.line[r.at:])
	r.at = (r.at + n) % len(r.line)
	return n, nil
}
