package response_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/imap/response"
)

func TestCopyFetchModSeq(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, without string
		modSeq      uint64
		uid         uint32
	}{
		{" (FLAGS (\\Seen) MODSEQ (12) UID 3)\r\n", " (FLAGS (\\Seen) UID 3)\r\n", 12, 3},
		{" (MODSEQ (12) FLAGS (a))\r\n", " (FLAGS (a))\r\n", 12, 0},
		{" (UID 4 MODSEQ (9223372036854775807) FLAGS ())\r\n", " (UID 4 FLAGS ())\r\n", 1<<63 - 1, 4},
		{" (MODSEQ (5))\r\n", "", 5, 0},
		{" (UID 7 MODSEQ (5))\r\n", "", 5, 7},
		{" (MODSEQ (5) UID 7)\r\n", "", 5, 7},
		{" (modseq ( 5 ) uid 7 FLAGS (MODSEQ))\r\n", " (uid 7 FLAGS (MODSEQ))\r\n", 5, 7},
		{" (UID 7)\r\n", " (UID 7)\r\n", 0, 7},
		{" ()\r\n", " ()\r\n", 0, 0},
		{" (BODY[] {12}\r\n MODSEQ (1)  MODSEQ (2) FLAGS ())\r\n", " (BODY[] {12}\r\n MODSEQ (1)  FLAGS ())\r\n", 2, 0},
		{" (BODY[HEADER.FIELDS (MODSEQ)] \"MODSEQ (3)\" MODSEQ (4))\r\n", " (BODY[HEADER.FIELDS (MODSEQ)] \"MODSEQ (3)\")\r\n", 4, 0},
		{" (ENVELOPE (\"a\" (MODSEQ (9)) NIL) RFC822.SIZE 5 MODSEQ (4))\r\n", " (ENVELOPE (\"a\" (MODSEQ (9)) NIL) RFC822.SIZE 5)\r\n", 4, 0},
	} {
		for _, tell := range []bool{true, false} {
			r := reader("* 1 FETCH"+tt.in+"* NEXT\r\n", response.Limits{})
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			var heard uint64
			uid, err := r.CopyFetchModSeq(&b, func(n uint64) (bool, error) {
				heard = n
				return tell, nil
			})
			want := tt.in
			if !tell {
				want = tt.without
			}
			if err != nil || b.String() != want || heard != tt.modSeq || uint32(uid) != tt.uid {
				t.Errorf("%q, told %v: %q with %d of UID %d, %v; want %q", tt.in, tell, b.String(), heard, uid, err, want)
			}
			if h, err := r.Next(); err != nil || h.Name != "NEXT" {
				t.Errorf("%q: the next one is %+v, %v", tt.in, h, err)
			}
		}
	}
	for _, in := range []string{
		" (MODSEQ 5)\r\n", " (MODSEQ (x))\r\n", " (MODSEQ ())\r\n", " (MODSEQ (9223372036854775808))\r\n", " (MODSEQ (" + strings.Repeat("1", 300) + "))\r\n",
		" (MODSEQ 5 UID 3)\r\n",
	} {
		r := reader("* 1 FETCH"+in, response.Limits{})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.CopyFetchModSeq(&bytes.Buffer{}, func(uint64) (bool, error) { return true, nil }); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", in, err)
		}
	}
	stop := errors.New("stop")
	r := reader("* 1 FETCH (FLAGS () MODSEQ (5))\r\n", response.Limits{})
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := r.CopyFetchModSeq(&b, func(uint64) (bool, error) { return false, stop }); !errors.Is(err, stop) || strings.Contains(b.String(), "MODSEQ") {
		t.Errorf("stopped: %v, %q", err, b.String())
	}
}
