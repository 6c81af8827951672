package message_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/peertest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// corpus gives the messages of testdata/corpus and testdata/rendered by name.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, dir := range []string{"corpus", "rendered"} {
		files, err := filepath.Glob(filepath.Join("testdata", dir, "*.eml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out[strings.TrimSuffix(filepath.Base(f), ".eml")] = raw
		}
	}
	if len(out) < 50 {
		t.Fatalf("only %d messages in testdata", len(out))
	}
	return out
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func parse(t testing.TB, raw []byte) *message.Message {
	t.Helper()
	m, err := message.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sections are all that is asked of every message: every specifier at every path that the
// corpus has, and at many that it has not, with partials within, at and past the ends.
func sections() []imap.Section {
	fields := func(path []uint32, spec imap.Specifier, names ...string) imap.Section {
		return imap.Section{Part: path, Specifier: spec, Fields: names}
	}
	var out []imap.Section
	partial := func(s imap.Section, offset, count uint32) {
		s.Partial = &imap.Partial{Offset: offset, Count: count}
		out = append(out, s)
	}
	for _, s := range []imap.Section{
		{}, {Specifier: imap.Header}, {Specifier: imap.Text}, fields(nil, imap.HeaderFields, "SUBJECT", "FROM"),
	} {
		out = append(out, s)
		partial(s, 0, 0)
		partial(s, 0, 1)
		partial(s, 5, 7)
		partial(s, 30, 1<<31-1)
		partial(s, 1<<31-1, 5)
	}
	out = append(out, fields(nil, imap.HeaderFields, "X-NONE"), fields(nil, imap.HeaderFieldsNot, "SUBJECT", "RECEIVED"),
		fields(nil, imap.HeaderFields, "RECEIVED", "CONTENT-TYPE", "X-EMPTY", "X"), fields(nil, imap.HeaderFieldsNot, "X-NONE", "A"))
	for _, path := range paths() {
		whole := imap.Section{Part: path}
		text := imap.Section{Part: path, Specifier: imap.Text}
		out = append(out, whole, text, imap.Section{Part: path, Specifier: imap.MIME}, imap.Section{Part: path, Specifier: imap.Header},
			fields(path, imap.HeaderFields, "SUBJECT", "CONTENT-TYPE"), fields(path, imap.HeaderFieldsNot, "SUBJECT"))
		partial(whole, 0, 3)
		partial(whole, 2, 100000)
		partial(text, 1, 3)
	}
	return out
}

func paths() (out [][]uint32) {
	for a := uint32(1); a <= 3; a++ {
		out = append(out, []uint32{a})
		for b := uint32(1); b <= 3; b++ {
			out = append(out, []uint32{a, b})
			for c := uint32(1); c <= 3; c++ {
				out = append(out, []uint32{a, b, c})
			}
		}
	}
	for a := uint32(4); a <= 9; a++ {
		out = append(out, []uint32{a})
	}
	for _, n := range []int{4, 5, 11, 12, 13, 14} {
		out = append(out, slices.Repeat([]uint32{1}, n))
	}
	return append(out, []uint32{2, 1, 1, 1}, []uint32{1, 2, 1, 1}, []uint32{2, 1, 1, 1, 1})
}

// asked is how a request names a section.
func asked(s imap.Section) string {
	name := strings.Replace(message.SectionName(s), "BODY[", "BODY.PEEK[", 1)
	if s.Partial != nil {
		name = strings.TrimSuffix(name, ">") + fmt.Sprintf(".%d>", s.Partial.Count)
	}
	return name
}

// short keeps golden files readable: sections that are long are only summed.
func short(item, s string) string {
	if len(s) > 300 && strings.HasPrefix(item, "BODY.PEEK[") {
		return fmt.Sprintf("%d octets, sha256 %x", len(s), sha256.Sum256([]byte(s)))
	}
	return s
}

// answers is what our views say to every question, by the question.
func answers(t *testing.T, raw []byte) (names []string, values map[string]string) {
	t.Helper()
	m := parse(t, raw)
	values = map[string]string{
		"RFC822.SIZE": strconv.FormatInt(m.Size(), 10), "ENVELOPE": string(m.AppendEnvelope(nil)),
		"BODY": string(m.AppendBody(nil)), "BODYSTRUCTURE": string(m.AppendBodyStructure(nil)),
	}
	names = []string{"RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE"}
	for _, s := range sections() {
		data, ok := m.Section(s)
		if !ok {
			t.Errorf("%s is not known", asked(s))
		}
		names = append(names, asked(s))
		values[asked(s)] = string(data)
	}
	return names, values
}

// TestDovecot asks a real Dovecot every question about every message, and compares what it
// says with what the golden files say that it said; -update writes them anew.
func TestDovecot(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{})
	msgs := corpus(t)
	var deliver []peertest.Message
	for _, name := range sorted(msgs) {
		deliver = append(deliver, peertest.Message{Bytes: msgs[name]})
	}
	d.Deliver(t, "anna", "INBOX", deliver...)
	c := dial(t, d.Addr, "anna", d.Password)
	c.do(t, "SELECT INBOX")
	items := []string{"RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE"}
	names := slices.Clone(items)
	for _, s := range sections() {
		items = append(items, asked(s))
		names = append(names, message.SectionName(s))
	}
	for i, name := range sorted(msgs) {
		var b strings.Builder
		for k, v := range c.fetch(t, i+1, items, names) {
			if k >= 4 {
				v = unquote(t, v)
			}
			if v != "" {
				fmt.Fprintf(&b, "%s\t%s\n", items[k], strconv.Quote(short(items[k], v)))
			}
		}
		golden(t, filepath.Join("testdata", "dovecot", name+".txt"), b.String())
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what was recorded (-update writes it anew):\n%s", path, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d:\nwant %s\n got %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("want %d lines, got %d", len(w), len(g))
}

// deviations are questions that we answer otherwise than Dovecot, by message, and why.
var deviations = map[string][]string{
	// Dovecot counts a lone CR twice when it seeks within a text.
	"bare-cr": {"BODY.PEEK[TEXT]<5.7>"},
	// The message in this part has a header without an end (it is encoded, which rfc2046 §5.2.1
	// forbids), and Dovecot reads on past the boundary.
	"rfc822-base64": {"BODY.PEEK[1.HEADER.FIELDS (SUBJECT CONTENT-TYPE)]", "BODY.PEEK[1.HEADER.FIELDS.NOT (SUBJECT)]"},
}

// TestViews compares ours with what Dovecot said of the same octets, octet for octet. What is
// not in the golden file was empty.
func TestViews(t *testing.T) {
	t.Parallel()
	msgs := corpus(t)
	for _, name := range sorted(msgs) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorded, err := os.ReadFile(filepath.Join("testdata", "dovecot", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{}
			for line := range strings.Lines(string(recorded)) {
				item, quoted, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
				if want[item], err = strconv.Unquote(quoted); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			}
			names, got := answers(t, msgs[name])
			for _, item := range names {
				same := short(item, got[item]) == want[item]
				if slices.Contains(deviations[name], item) {
					if same {
						t.Errorf("%s does not deviate from Dovecot any more", item)
					}
					continue
				}
				if !same {
					t.Errorf("%s: %s", item, around(want[item], short(item, got[item])))
				}
			}
		})
	}
}

// around shows where two texts begin to differ.
func around(want, got string) string {
	i := 0
	for i < min(len(want), len(got)) && want[i] == got[i] {
		i++
	}
	from := max(i-60, 0)
	return fmt.Sprintf("at octet %d\nDovecot …%q\n   ours …%q", i, want[from:min(i+60, len(want))], got[from:min(i+60, len(got))])
}
