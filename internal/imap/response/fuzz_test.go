package response_test

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/imap/response"
)

// FuzzResponse: whatever a server says, responses are the same however they arrive, no octet
// is lost or made up, and no parser of what is held breaks.
func FuzzResponse(f *testing.F) {
	f.Add("* OK [UIDNEXT 5] x\r\n* 1 FETCH (UID 5 BODY[] {3}\r\nabc)\r\na1 OK done\r\n", 1)
	f.Fuzz(func(t *testing.T, in string, way int) {
		if len(in) > 4<<10 {
			return
		}
		sameInPieces(t, in, way&1)
		r := response.NewReader(strings.NewReader(in), response.Limits{})
		for {
			if _, err := r.Next(); err != nil {
				return
			}
			rest, err := r.Rest(1 << 20)
			if err != nil {
				return
			}
			parseAll(t, rest)
		}
	})
}

// parseAll gives rest to every parser, and checks what must hold of any result.
func parseAll(t *testing.T, rest []byte) {
	t.Helper()
	st := response.ParseStatus(rest)
	if st.CodeStart > st.CodeEnd || st.CodeEnd > len(rest) {
		t.Fatalf("code at %d to %d of %q", st.CodeStart, st.CodeEnd, rest)
	}
	_, _, _ = response.ParseAppendUID(st.CodeArgs)
	_, _, _, _ = response.ParseCopyUID(st.CodeArgs)
	_, _ = response.ParseFetch(rest)
	_, _ = response.ParseESearch(rest)
	if flags, err := response.ParseFlags(rest); err == nil && slices.Contains(flags, "") {
		t.Fatalf("an empty flag in %q", rest)
	}
	if nums, err := response.ParseSearch(rest); err == nil && slices.Contains(nums, 0) {
		t.Fatalf("message 0 in %q", rest)
	}
	if _, end, _, err := response.ParseMailboxStatus(rest); err == nil && (end <= 0 || end >= len(rest)) {
		t.Fatalf("the mailbox name of %q ends at %d", rest, end)
	}
}

// FuzzFetchResponse: what ParseFetch understands, CopyFetch does too, and they agree.
func FuzzFetchResponse(f *testing.F) {
	for _, tt := range fetchTests {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		held, err := response.ParseFetch([]byte(rest))
		if err != nil || len(rest) > 4<<10 || !strings.HasPrefix(rest, " ") {
			return
		}
		if !strings.HasSuffix(rest, "\n") {
			rest += "\r\n"
		}
		r := response.NewReader(strings.NewReader("* 1 FETCH"+rest), response.Limits{})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if uid, err := r.CopyFetch(io.Discard); err != nil || uid != held.UID {
			t.Fatalf("%q: UID %d, %v, and %+v", rest, uid, err, held)
		}
		r = response.NewReader(strings.NewReader("* 1 FETCH"+rest), response.Limits{})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		uid, err := r.CopyFetchModSeq(&b, func(uint64) (bool, error) { return true, nil })
		if err == nil && (uid != held.UID || b.String() != rest) {
			t.Fatalf("%q: copied as %q with UID %d", rest, b.String(), uid)
		}
	})
}

// FuzzESearch: what ParseESearch understands, ESearchItems does too, and they agree.
func FuzzESearch(f *testing.F) {
	for _, tt := range esearchItems {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		if !strings.HasSuffix(rest, "\n") {
			rest += "\r\n" // which may make a literal's head of its end
		}
		held, err := response.ParseESearch([]byte(rest))
		if err != nil || len(rest) > 4<<10 || !strings.HasPrefix(rest, " ") {
			return
		}
		got, err := streamESearch(strings.NewReader("* ESEARCH" + rest))
		if err != nil {
			t.Fatalf("%q: %v, and %+v", rest, err, held)
		}
		held.Tag, held.UID = "", false // which the stream reads past
		if d := cmp.Diff(held, got, sets); d != "" {
			t.Fatalf("%q (-held +streamed):\n%s", rest, d)
		}
	})
}
