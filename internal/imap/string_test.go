package imap_test

import (
	"slices"
	"testing"

	"inlay.example/inlay/internal/imap"
)

func TestAppendString(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":         `""`,
		"a b":      `"a b"`,
		`a\b`:      `"a\\b"`,
		`"`:        `"\""`,
		"a\tb\x7f": "\"a\tb\x7f\"",
		"a\r\nb":   "{4}\r\na\r\nb",
		"\x00":     "{1}\r\n\x00",
		"ü":        "{2}\r\nü",
		"NIL":      `"NIL"`,
		"{3}":      `"{3}"`,
	} {
		if got := string(imap.AppendString([]byte("x "), in)); got != "x "+want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := string(imap.AppendNString(nil, in, true)); got != want {
			t.Errorf("%q as nstring: %q", in, got)
		}
	}
	for in, want := range map[string]string{"": `""`, `a\"`: `"a\\\""`, "ü\xff": "\"ü\xff\""} {
		if got := string(imap.AppendQuoted([]byte("x "), in)); got != "x "+want {
			t.Errorf("%q quoted: %q, want %q", in, got, want)
		}
	}
	if got := string(imap.AppendNString([]byte("x "), "a", false)); got != "x NIL" {
		t.Errorf("nothing: %q", got)
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	c := imap.ParseCapabilities("IMAP4rev1  AUTH=PLAIN idle")
	if !slices.Equal(c, imap.Capabilities{"IMAP4rev1", "AUTH=PLAIN", "idle"}) || c.String() != "IMAP4rev1 AUTH=PLAIN idle" {
		t.Errorf("got %q", c)
	}
	for name, want := range map[string]bool{"IMAP4REV1": true, "IDLE": true, "AUTH=PLAI": false, "": false, "AUTH": false} {
		if c.Has(name) != want {
			t.Errorf("Has(%q) = %v", name, !want)
		}
	}
	if len(imap.ParseCapabilities("")) != 0 {
		t.Error("an empty list holds something")
	}
}
