package message_test

import (
	"bytes"
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

// wellFormed are the messages on which Cyrus' views are held to what Cyrus says: those that we
// render, and such as a template could make. Many of the others Cyrus does not even take.
func wellFormed(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for name, raw := range corpus(t) {
		_, err := os.Stat(filepath.Join("testdata", "rendered", name+".eml"))
		switch {
		case err == nil:
		case name == "alternative", name == "nested", name == "plain", name == "one-part-multipart", name == "rfc822-multipart":
		default:
			continue
		}
		out[name] = raw
	}
	return out
}

// cyrusSections are sections without those that Cyrus takes for no command, and without most of
// those that no message here has: each is a command of its own.
func cyrusSections() []imap.Section {
	return slices.DeleteFunc(sections(), func(s imap.Section) bool {
		return s.Partial != nil && s.Partial.Count == 0 || // rfc9051 §9: nz-number
			len(s.Part) > 3 || len(s.Part) > 0 && s.Part[0] > 3 || len(s.Part) == 3 && s.Part[2] > 1
	})
}

// TestCyrus asks a real Cyrus every question about every well-formed message, and compares what
// it says with what the golden files say that it said; -update writes them anew.
func TestCyrus(t *testing.T) {
	t.Parallel()
	d := peertest.StartCyrus(t, peertest.CyrusOptions{})
	msgs := wellFormed(t)
	for _, name := range sorted(msgs) {
		d.Deliver(t, "anna", "INBOX", peertest.Message{Bytes: msgs[name]})
	}
	c := dial(t, d.Addr, "anna", d.Password)
	c.do(t, "SELECT INBOX")
	items := []string{"RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE", "RFC822", "RFC822.HEADER", "RFC822.TEXT"}
	for _, s := range cyrusSections() {
		items = append(items, asked(s))
	}
	c.do(t, "FETCH 1:* BODY[]") // \Seen is told once, and not between the answers
	for i, name := range sorted(msgs) {
		var b strings.Builder
		for _, item := range items {
			res := c.do(t, fmt.Sprintf("FETCH %d %s", i+1, item))
			if len(res) != 1 {
				t.Fatalf("%s of %s is answered %d times", item, name, len(res))
			}
			rest, ok := bytes.CutPrefix(bytes.TrimSuffix(res[0], []byte(")\r\n")), fmt.Appendf(nil, "* %d FETCH (", i+1))
			if !ok {
				t.Fatalf("%s of %s: %q", item, name, res[0])
			}
			fmt.Fprintf(&b, "%s\t%s\n", item, strconv.Quote(shortAnswer(string(rest))))
		}
		golden(t, filepath.Join("testdata", "cyrus", name+".txt"), b.String())
	}
}

// shortAnswer keeps golden files readable: of what is long, the end is only summed.
func shortAnswer(s string) string {
	const most = 1200
	if len(s) <= most {
		return s
	}
	return s[:most/2] + short("BODY.PEEK[", s[most/2:])
}

// TestCyrusViews compares ours with what Cyrus said of the same octets.
func TestCyrusViews(t *testing.T) {
	t.Parallel()
	msgs := wellFormed(t)
	for _, name := range sorted(msgs) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorded, err := os.ReadFile(filepath.Join("testdata", "cyrus", name+".txt"))
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
			m := parse(t, msgs[name]).As(message.Cyrus)
			got := map[string]string{
				"RFC822.SIZE": "RFC822.SIZE " + strconv.FormatInt(m.Size(), 10), "ENVELOPE": "ENVELOPE " + string(m.AppendEnvelope(nil)),
				"BODY": "BODY " + string(m.AppendBody(nil)), "BODYSTRUCTURE": "BODYSTRUCTURE " + string(m.AppendBodyStructure(nil)),
				"RFC822": "RFC822 " + section(m, imap.Section{}), "RFC822.HEADER": "RFC822.HEADER " + section(m, imap.Section{Specifier: imap.Header}),
				"RFC822.TEXT": "RFC822.TEXT " + section(m, imap.Section{Specifier: imap.Text}),
			}
			for _, s := range cyrusSections() {
				got[asked(s)] = m.SectionName(s) + " " + section(m, s)
			}
			if len(got) != len(want) {
				t.Errorf("%d answers, and Cyrus gave %d", len(got), len(want))
			}
			for _, item := range sorted(got) {
				if g := shortAnswer(got[item]); g != want[item] {
					t.Errorf("%s: %s", item, around(want[item], g))
				}
			}
		})
	}
}

// section is what FETCH tells of it.
func section(m *message.Message, s imap.Section) string {
	head, data := m.Answer(s)
	return head + string(data)
}

// TestCyrusBinary asks a real Cyrus for decoded parts of messages that it and we understand.
func TestCyrusBinary(t *testing.T) {
	t.Parallel()
	d := peertest.StartCyrus(t, peertest.CyrusOptions{})
	msgs := wellFormed(t)
	for _, name := range sorted(msgs) {
		d.Deliver(t, "anna", "INBOX", peertest.Message{Bytes: msgs[name]})
	}
	c := dial(t, d.Addr, "anna", d.Password)
	c.do(t, "SELECT INBOX")
	for i, name := range sorted(msgs) {
		m := parse(t, msgs[name]).As(message.Cyrus)
		for _, path := range [][]uint32{nil, {1}, {2}, {3}, {1, 1}, {2, 1}, {1, 2}} {
			s := imap.Section{Part: path}
			section := strings.TrimPrefix(message.SectionName(s), "BODY")
			head, data, err := m.BinaryAnswer(s)
			all, end := c.ask(t, fmt.Sprintf("FETCH %d BINARY.PEEK%s", i+1, section))
			if err != nil {
				if strings.HasPrefix(end, "OK") {
					t.Errorf("%s %s: %v, and not for Cyrus", name, section, err)
				}
				continue
			}
			got := fmt.Sprintf("* %d FETCH (BINARY%s %s%s)\r\n", i+1, section, head, data)
			if len(all) != 1 || string(all[0]) != got {
				t.Errorf("%s %s: %q, Cyrus says %q %s", name, section, got, all, end)
			}
			size, err := m.BinarySize(s)
			want := fmt.Sprintf("* %d FETCH (BINARY.SIZE%s %d)\r\n", i+1, section, size)
			if all, _ := c.ask(t, fmt.Sprintf("FETCH %d BINARY.SIZE%s", i+1, section)); err != nil || len(all) != 1 || string(all[0]) != want {
				t.Errorf("%s: %q, %v, Cyrus says %q", name, want, err, all)
			}
		}
	}
}
