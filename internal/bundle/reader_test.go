package bundle_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"inlay.example/inlay/internal/bundle"
	"inlay.example/inlay/internal/fault"
)

// readAll reads a file to its end, which must be a good one.
func readAll(t testing.TB, name string, body []byte) (rows []bundle.Recipient, bad []string) {
	t.Helper()
	rows, bad, err := readFrom(name, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return rows, bad
}

func readFrom(name string, body io.Reader) (rows []bundle.Recipient, bad []string, err error) {
	r, err := bundle.NewReader(name, body)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	for {
		row, err := r.Next()
		var wrong *bundle.RowError
		switch {
		case errors.Is(err, io.EOF):
			return rows, bad, nil
		case errors.As(err, &wrong):
			bad = append(bad, wrong.Error())
		case err != nil:
			return rows, bad, err
		default:
			rows = append(rows, row)
		}
	}
}

// show gives rows one a line, for comparison.
func show(rows []bundle.Recipient) []string {
	var out []string
	for _, r := range rows {
		out = append(out, fmt.Sprintf("%d %q %q", r.Line, r.User, r.Variables))
	}
	return out
}

func TestCSV(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", bundle.MaxRow)
	for _, c := range []struct {
		name, text string
		rows, bad  []string
	}{
		{name: "header only", text: "user,a\n"},
		{name: "header without an end", text: "user,a"},
		{name: "plain", text: "user,a\nanna,1\nben,2\n", rows: []string{`2 "anna" map["a":"1"]`, `3 "ben" map["a":"2"]`}},
		{name: "no end, CRLF, BOM", text: "\xef\xbb\xbfuser,a\r\nanna,1\r\nben,2", rows: []string{`2 "anna" map["a":"1"]`, `3 "ben" map["a":"2"]`}},
		{name: "empty lines", text: "\n\nmail,a\n\nanna,1\n\r\n\nben,\n\n", rows: []string{`5 "anna" map["a":"1"]`, `8 "ben" map["a":""]`}},
		{name: "users only", text: "user\nanna\n", rows: []string{`2 "anna" map[]`}},
		{name: "quotes", text: "user,a,b\n\"anna\",\"x,\"\"y\"\"\nz\",\"\"\nben,1,2\n", rows: []string{`2 "anna" map["a":"x,\"y\"\nz" "b":""]`, `4 "ben" map["a":"1" "b":"2"]`}},
		{name: "fields", text: "user,a\nanna\nben,1,2\ncleo,3\n", rows: []string{`4 "cleo" map["a":"3"]`}, bad: []string{"line 2: 1 fields, and the header has 2", "line 3: 3 fields, and the header has 2"}},
		{name: "no user", text: "user,a\n,1\n\"\",2\ncleo,3\n", rows: []string{`4 "cleo" map["a":"3"]`}, bad: []string{"line 2: the user is missing", "line 3: the user is missing"}},
		{name: "not UTF-8", text: "user,a\nanna,\xff\nben,2\n", rows: []string{`3 "ben" map["a":"2"]`}, bad: []string{"line 2: not UTF-8"}},
		{name: "a bare quote", text: "user,a\nanna,5\" disk\nben,2\n", rows: []string{`3 "ben" map["a":"2"]`}, bad: []string{"line 2: a quote that is never closed"}},
		{name: "two bare quotes", text: "user,a\nanna,5\" or 3\" disk\nben,2\n", rows: []string{`3 "ben" map["a":"2"]`}, bad: []string{`line 2: column 7: a quote in the middle of a field: put the field in quotes and double the quote`}},
		{name: "a bare quote in two lines", text: "user,a\nanna,5\"\nben,3\"\ncleo,3\n", rows: []string{`4 "cleo" map["a":"3"]`}, bad: []string{`line 2: column 7: a quote in the middle of a field: put the field in quotes and double the quote`, "line 3: a quote that is never closed"}},
		{name: "text behind a quote", text: "user,a\nanna,\"1\"x\nben,2\n", rows: []string{`3 "ben" map["a":"2"]`}, bad: []string{"line 2: column 8: a quote that is neither doubled nor the end of its field"}},
		{name: "an open quote", text: "user,a\nanna,\"1\nben,2\ncleo,3\n", rows: []string{`3 "ben" map["a":"2"]`, `4 "cleo" map["a":"3"]`}, bad: []string{"line 2: a quote that is never closed"}},
		{name: "an open quote at the end", text: "user,a\nanna,1\nben,\"2", rows: []string{`2 "anna" map["a":"1"]`}, bad: []string{"line 3: a quote that is never closed"}},
		{name: "a long line", text: "user,a\nanna," + long + "\nben,2\n", rows: []string{`3 "ben" map["a":"2"]`}, bad: []string{fmt.Sprintf("line 2: longer than %d octets", bundle.MaxRow)}},
		{name: "a long line at the end", text: "user,a\nanna," + long, bad: []string{fmt.Sprintf("line 2: longer than %d octets", bundle.MaxRow)}},
	} {
		rows, bad := readAll(t, "r.csv", []byte(c.text))
		if diff := cmp.Diff(c.rows, show(rows)); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.bad, bad); diff != "" {
			t.Errorf("%s: errors (-want +got):\n%s", c.name, diff)
		}
		// However it arrives, it is the same.
		again, badAgain, err := readFrom("r.csv", iotest.OneByteReader(strings.NewReader(c.text)))
		if err != nil || !cmp.Equal(rows, again) || !cmp.Equal(bad, badAgain) {
			t.Errorf("%s: octet by octet it is another text: %v", c.name, err)
		}
	}
}

// TestRowLimit: a record of MaxRow octets is read, one more is not, and an open quote ends
// where a record may not go on.
func TestRowLimit(t *testing.T) {
	t.Parallel()
	for extra, want := range map[int]int{0: 2, 1: 1} {
		value := strings.Repeat("x", bundle.MaxRow-len("anna,\n")+extra)
		rows, bad := readAll(t, "r.csv", []byte("user,a\nanna,"+value+"\nben,1\n"))
		if len(rows) != want || len(bad) != 2-want {
			t.Errorf("%d octets beyond: %d rows, %v", extra, len(rows), bad)
		}
		lines := strings.Repeat("x\n", (bundle.MaxRow-len("anna,\"\"\n"))/2+extra)
		rows, bad = readAll(t, "r.csv", []byte("user,a\nanna,\""+lines+"\"\nben,1\n"))
		if extra == 0 && (len(rows) != 2 || len(bad) != 0) || extra == 1 && (len(rows) != 1 || bad[0] != "line 2: a quote that is never closed") {
			t.Errorf("%d lines beyond: %d rows, %d errors", extra, len(rows), len(bad))
		}
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"":             "no header",
		"\n\r\n":       "no header",
		"\xef\xbb\xbf": "no header",
		"user,a,a\n":   `column 3: "a" is there twice`,
		"a,user\n":     "column 2",
		"user,\n":      `column 2: "" is not the name`,
		"user,1a\n":    "column 2",
		"user,a b\n":   "column 2",
		"user,ä\n":     "column 2",
		"user,\"a\n":   "never closed",
		"user,\xff\n":  "not UTF-8",
		"user," + strings.Repeat("n", bundle.MaxColumnName+1) + "\n": "column 2",
		"user" + strings.Repeat(",", bundle.MaxColumns) + "\n":       "columns",
		strings.Repeat("u", bundle.MaxRow) + "\n":                    "longer",
	} {
		_, err := bundle.NewReader("r.csv", strings.NewReader(text))
		if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) || !strings.Contains(fault.Public(err), says) || !strings.HasPrefix(fault.Public(err), "r.csv") {
			t.Errorf("%.20q: %v, want %q", text, err, says)
		}
	}
	r, err := bundle.NewReader("r.csv", strings.NewReader("e-mail address,a,_b.c-1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "_b.c-1"}, r.Columns()); diff != "" {
		t.Error(diff)
	}
}

func TestNDJSON(t *testing.T) {
	t.Parallel()
	text := "\xef\xbb\xbf" + strings.Join([]string{
		`{"user":"anna","a":"x\ny","n":12.50,"yes":true,"none":null}`,
		``,
		`{"user":"ben"}` + "\r",
		`{"user":"x","list":[1]}`,
		`{"user":"x","o":{}}`,
		`{"a":"1"}`,
		`{"user":null}`,
		`{"user":""}`,
		`{"user":"x","a b":"1"}`,
		`[1]`,
		`null`,
		`"anna"`,
		`{"user":"x"`,
		"{\"user\":\"\xff\"}",
		`{"user":"` + strings.Repeat("x", bundle.MaxRow) + `"}`,
		`{"user":7,"user":"cleo","A":"1","a":"2"}`,
	}, "\n")
	for _, name := range []string{"r.ndjson", "r.ndjson.gz", "r.ndjson.zst"} {
		rows, bad := readAll(t, name, compress(t, name, text))
		if diff := cmp.Diff([]string{
			`1 "anna" map["a":"x\ny" "n":"12.50" "yes":"true"]`, `3 "ben" map[]`, `16 "cleo" map["A":"1" "a":"2"]`,
		}, show(rows)); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff([]string{
			"line 4: a value is a list or an object", "line 5: a value is a list or an object",
			`line 6: the member "user" is missing`, `line 7: the member "user" is missing`, `line 8: the member "user" is missing`,
			`line 9: "a b" is not the name of a variable`, "line 10: not a JSON object", "line 11: not a JSON object", "line 12: not a JSON object",
			"line 13: not JSON: unexpected end of JSON input, at octet 11", "line 14: not UTF-8", fmt.Sprintf("line 15: longer than %d octets", bundle.MaxRow),
		}, bad); diff != "" {
			t.Errorf("%s: errors (-want +got):\n%s", name, diff)
		}
	}
}

// compress stores a text as the file's name says.
func compress(t testing.TB, name, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch {
	case strings.HasSuffix(name, ".gz"):
		w = gzip.NewWriter(&out)
	case strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	default:
		return []byte(text)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	text := "user,a\n" + strings.Repeat("anna,1\n", 10_000)
	for _, name := range []string{"r.csv.gz", "r.csv.zst"} {
		good := compress(t, name, text)
		if rows, _ := readAll(t, name, good); len(rows) != 10_000 {
			t.Fatalf("%s: %d rows", name, len(rows))
		}
		flipped := bytes.Clone(good)
		flipped[len(good)-6] ^= 1
		for what, body := range map[string][]byte{
			"cut":   good[:len(good)-10],
			"other": []byte(text), "flipped": flipped, "empty": {},
		} {
			_, _, err := readFrom(name, bytes.NewReader(body))
			if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Public(err), name) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
	if _, err := bundle.NewReader("r.txt", strings.NewReader("")); !fault.Is(err, fault.Invalid) {
		t.Errorf("r.txt: %v", err)
	}
	// What the source says of itself is not the file's fault.
	gone := fault.New(fault.Unavailable, "the object store is gone")
	for _, name := range []string{"r.csv", "r.csv.gz", "r.csv.zst", "r.ndjson"} {
		body := compress(t, name, text)
		_, _, err := readFrom(name, io.MultiReader(bytes.NewReader(body[:len(body)/2]), iotest.ErrReader(gone)))
		if !errors.Is(err, gone) || !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
