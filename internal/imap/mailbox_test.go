package imap_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"inlay.example/inlay/internal/imap"
)

func TestMailboxName(t *testing.T) {
	t.Parallel()
	for wire, name := range map[string]string{
		"":                                "",
		"INBOX":                           "INBOX",
		"a/b c":                           "a/b c",
		"Entw&APw-rfe":                    "Entwürfe",
		"~peter/mail/&U,BTFw-/&ZeVnLIqe-": "~peter/mail/台北/日本語", // rfc3501 §5.1.3
		"&-":                              "&",
		"a&-b":                            "a&b",
		"&-&-":                            "&&",
		"&2D3eAA-":                        "\U0001F600",
		"&,,0-":                           "\uFFFD",
		"&AAA-":                           "\x00",
		"&AAoADQ-":                        "\n\r",
		"&AH8-":                           "\x7f",
		"&Jjo-!":                          "☺!",
		"&ZeVnLIqe-&-":                    "日本語&",
		strings.Repeat("&Jjo-x", 300):     strings.Repeat("☺x", 300),
	} {
		if got := imap.DecodeMailbox(wire); got != name {
			t.Errorf("DecodeMailbox(%q) = %q, want %q", wire, got, name)
		}
		if got := imap.EncodeMailbox(name); got != wire {
			t.Errorf("EncodeMailbox(%q) = %q, want %q", name, got, wire)
		}
	}
	// What is not well-formed stays as it is.
	for _, wire := range []string{
		"&",          // shifted and nothing
		"a&b",        // never shifted back
		"&Jjo",       // likewise
		"&Jj-",       // half a unit
		"&JjoA-",     // bits left over that are not zero or not needed
		"&Jjp-",      // bits left over
		"&AGE-",      // "a" need not be encoded
		"&ACY-",      // nor is that how & is
		"&Jjo-&Jjo-", // shifted twice where once will do
		"&2D0-",      // half a surrogate
		"&3gA-",      // the other half
		"&Jj/-",      // "/" is not of this alphabet
		"&J\r\njo-",  // nor is a line's end
		"&Jjo=-",     // no padding
		"&Jjo-\xff",  // 8-bit besides
		"Entwürfe&-", // likewise
	} {
		if got := imap.DecodeMailbox(wire); got != wire {
			t.Errorf("DecodeMailbox(%q) = %q", wire, got)
		}
	}
	if got := imap.EncodeMailbox("a\xff&"); got != "a\xff&" {
		t.Errorf("what is no UTF-8 became %q", got)
	}
	for in, want := range map[string]string{"inbox": "INBOX", "InBoX": "INBOX", "inbox/a": "inbox/a", "": "", "INBOXX": "INBOXX"} {
		if got := imap.CanonicalMailbox(in); got != want {
			t.Errorf("CanonicalMailbox(%q) = %q", in, got)
		}
	}
}

// TestMailboxNameRoundTrip: every name survives being written and read, as 7-bit octets.
func TestMailboxNameRoundTrip(t *testing.T) {
	t.Parallel()
	runes := rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("&-+,/ a\x00\r\n\x7fü日\uFFFD\U0001F600")))
	rapid.Check(t, func(t *rapid.T) {
		name := string(rapid.SliceOfN(runes, 0, 30).Draw(t, "name"))
		wire := imap.EncodeMailbox(name)
		for i := range len(wire) {
			if wire[i] < 0x20 || wire[i] > 0x7e {
				t.Fatalf("%q is written as %q", name, wire)
			}
		}
		if got := imap.DecodeMailbox(wire); got != name {
			t.Fatalf("%q is written as %q and read as %q", name, wire, got)
		}
	})
}

// FuzzMailboxName: whatever came, it is either given as it is or written again as it was.
func FuzzMailboxName(f *testing.F) {
	f.Add("Entw&APw-rfe&-")
	f.Fuzz(func(t *testing.T, wire string) {
		if name := imap.DecodeMailbox(wire); name != wire {
			if got := imap.EncodeMailbox(name); got != wire {
				t.Fatalf("%q is read as %q and written as %q", wire, name, got)
			}
		}
		if utf8.ValidString(wire) {
			if got := imap.DecodeMailbox(imap.EncodeMailbox(wire)); got != wire {
				t.Fatalf("%q comes back as %q", wire, got)
			}
		}
	})
}
