package bundle_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/fault"
)

// FuzzManifest: a manifest is refused with a reason, or written again it is the same.
func FuzzManifest(f *testing.F) {
	good := encode(f, manifest())
	f.Add([]byte(good))
	for _, e := range edits {
		f.Add([]byte(e.apply(f, good)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := bundle.Parse(body)
		if err != nil {
			if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) || fault.Public(err) == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		if err := m.Validate(); err != nil {
			t.Fatalf("taken, and not valid: %v", err)
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		n, err := bundle.Parse(again)
		if err != nil || !cmp.Equal(m, n) {
			t.Fatalf("%s\nis another one when it is read again: %v\n%s", body, err, cmp.Diff(m, n))
		}
		key := bundle.Key("p", m.Campaign, m.Version)
		if err := bundle.CheckKey(key, &m); err != nil {
			t.Fatal(err)
		}
		for _, r := range m.Recipients {
			if err := bundle.Beside(key, r.Name).Validate(); err != nil || strings.Contains(r.Name, "/") {
				t.Fatalf("the file %q leads elsewhere: %v", r.Name, err)
			}
		}
	})
}

// FuzzRecipients: whatever a file has in it, reading ends, the lines of rows grow, and it is the
// same octet by octet. Good CSV reads as by the library, given the whole.
func FuzzRecipients(f *testing.F) {
	for _, text := range []string{
		"user,a\nanna,1\nben,2\n", "\xef\xbb\xbfuser\r\nanna\r\n", "user,a\n\"anna\",\"x\"\"y\nz\"\n", "user,a\nanna,\"1\nben,2\n",
		"user,a\nanna,5\" disk\nben,3\" disk\n", "user,a\n\n,\n\"\"\n", "user,a\r\r\n", `{"user":"anna","a":1}`, "{\"user\":\"x\"}\n\n{\n[]\nnull\n",
		"user,a\n\"a\"b,c\n\"\n", "user\n\"",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"r.csv", "r.ndjson"} {
			rows, bad, err := readFrom(name, strings.NewReader(text))
			again, badAgain, errAgain := readFrom(name, iotest.OneByteReader(strings.NewReader(text)))
			if !cmp.Equal(rows, again) || !cmp.Equal(bad, badAgain) || (err == nil) != (errAgain == nil) {
				t.Fatalf("%s: octet by octet it is another text", name)
			}
			if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
				t.Fatalf("%s: %v", name, err)
			}
			last := int64(0)
			for _, r := range rows {
				if r.Line <= last || r.User == "" {
					t.Fatalf("%s: %+v follows line %d", name, r, last)
				}
				last = r.Line
			}
			if name == "r.csv" && err == nil && len(bad) == 0 && text[:min(3, len(text))] != "\xef\xbb\xbf" {
				compareWithLibrary(t, text, rows)
			}
		}
	})
}

func compareWithLibrary(t *testing.T, text string, rows []bundle.Recipient) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	header, err := r.Read()
	if err != nil {
		t.Fatalf("the header: %v", err)
	}
	for _, row := range rows {
		record, err := r.Read()
		if err != nil {
			t.Fatalf("line %d: the library says %v", row.Line, err)
		}
		line, _ := r.FieldPos(0)
		if int64(line) != row.Line || record[0] != row.User || len(record) != len(header) {
			t.Fatalf("line %d: %+v, the library says line %d: %q", row.Line, row, line, record)
		}
		for i, name := range header[1:] {
			if row.Variables[name] != record[i+1] {
				t.Fatalf("line %d: %+v, the library says %q", row.Line, row, record)
			}
		}
	}
	if rest, err := r.Read(); !errors.Is(err, io.EOF) {
		t.Fatalf("the library has one more: %q, %v", rest, err)
	}
}

// FuzzCompressed: what claims to be compressed is read or refused, within bounds.
func FuzzCompressed(f *testing.F) {
	for _, name := range []string{"r.csv.gz", "r.csv.zst"} {
		f.Add(compress(f, name, "user,a\nanna,1\n"), name == "r.csv.gz")
	}
	f.Fuzz(func(t *testing.T, body []byte, gz bool) {
		name := "r.csv.zst"
		if gz {
			name = "r.csv.gz"
		}
		_, _, err := readFrom(name, bytes.NewReader(body))
		if err != nil && !slices.Contains([]fault.Kind{fault.Invalid, fault.TooLarge}, fault.KindOf(err)) {
			t.Fatalf("%s: %v", name, err)
		}
	})
}
