package message_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"inlay.example/inlay/internal/imap"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/peertest"
)

var (
	seed     = flag.Uint64("seed", 1, "what the generated messages and queries begin from")
	messages = flag.Int("messages", 80, "generated messages that a real server is asked about")
)

// delivered gives generated messages to a real Dovecot, and a session that has them selected.
func delivered(t *testing.T, broken bool) ([][]byte, *client) {
	t.Helper()
	d := peertest.StartDovecot(t, peertest.Options{})
	n := newNasty(*seed)
	var msgs [][]byte
	var deliver []peertest.Message
	for i := range *messages {
		raw := n.message(broken && i%2 == 0)
		flags, date := facts(i)
		msgs = append(msgs, raw)
		deliver = append(deliver, peertest.Message{Bytes: raw, Flags: flags, Date: date})
	}
	d.Deliver(t, "anna", "INBOX", deliver...)
	c := dial(t, d.Addr, "anna", d.Password)
	c.do(t, "SELECT INBOX")
	return msgs, c
}

// TestDovecotDifferencePreview: the beginning that is shown of a message is the one that Dovecot shows.
func TestDovecotDifferencePreview(t *testing.T) {
	t.Parallel()
	msgs, c := delivered(t, false)
	for i, raw := range msgs {
		got := parse(t, raw).Preview()
		if want := unquote(t, c.fetch(t, i+1, []string{"PREVIEW"}, []string{"PREVIEW"})[0]); got != want {
			t.Errorf("message %d: %s\n%s", i, around(want, got), raw)
		}
	}
}

// TestDovecotDifferenceBinary: sections are decoded as Dovecot decodes them.
func TestDovecotDifferenceBinary(t *testing.T) {
	t.Parallel()
	msgs, c := delivered(t, false)
	for i, raw := range msgs {
		m := parse(t, raw)
		sections := []imap.Section{{}, {Partial: &imap.Partial{Offset: 3, Count: 50}}}
		for _, p := range append(paths()[:12], []uint32{2, 1, 1}) {
			sections = append(sections, imap.Section{Part: p})
		}
		for _, s := range sections {
			name := strings.Replace(message.SectionName(s), "BODY", "BINARY", 1)
			want, no := c.binary(t, i+1, strings.Replace(asked(s), "BODY", "BINARY", 1), name)
			data, decoded, err := m.Binary(s)
			got := string(data)
			switch {
			case errors.Is(err, message.ErrUnknownEncoding):
				got = "UNKNOWN-CTE"
			case errors.Is(err, message.ErrEncoding):
				got = "PARSE"
			}
			if got != want.value || no != (err != nil) || decoded != want.literal8 {
				t.Errorf("message %d %s (%v, %v): %s\n%.3000s", i, name, decoded, err, around(want.value, got), raw)
			}
		}
	}
}

type binaryValue struct {
	value    string
	literal8 bool
}

// binary asks for one section; no says that it was refused, and with what.
func (c *client) binary(t *testing.T, n int, ask, name string) (v binaryValue, no bool) {
	t.Helper()
	all, end := c.ask(t, fmt.Sprintf("FETCH %d (%s)", n, ask))
	if !strings.HasPrefix(end, "OK") {
		_, code, _ := strings.Cut(end, "[")
		code, _, _ = strings.Cut(code, "]")
		return binaryValue{value: code}, true
	}
	for _, res := range all {
		rest, ok := strings.CutPrefix(string(res), fmt.Sprintf("* %d FETCH (%s ", n, name))
		if !ok {
			continue
		}
		rest = strings.TrimSuffix(rest, ")\r\n")
		rest, v.literal8 = strings.CutPrefix(rest, "~")
		v.value = unquote(t, rest)
		return v, false
	}
	t.Fatalf("no answer to %s of %d: %q", ask, n, all)
	return v, false
}

// TestDovecotDifferenceViews: envelope, structure and sections are Dovecot's, of generated
// messages as of those of the corpus (TestDovecot).
func TestDovecotDifferenceViews(t *testing.T) {
	t.Parallel()
	msgs, c := delivered(t, false)
	items := []string{"RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE"}
	names := slices.Clone(items)
	var all []imap.Section
	for _, p := range append(paths()[:14], []uint32{2, 1, 1}) {
		for _, spec := range []imap.Specifier{imap.WholePart, imap.MIME, imap.Header, imap.Text} {
			all = append(all, imap.Section{Part: p, Specifier: spec})
		}
	}
	all = append(all, imap.Section{Specifier: imap.Header}, imap.Section{Specifier: imap.Text}, imap.Section{Specifier: imap.HeaderFields, Fields: []string{"SUBJECT", "TO"}},
		imap.Section{Specifier: imap.HeaderFieldsNot, Fields: []string{"SUBJECT"}}, imap.Section{Partial: &imap.Partial{Offset: 40, Count: 60}})
	for _, s := range all {
		items = append(items, asked(s))
		names = append(names, message.SectionName(s))
	}
	for i, raw := range msgs {
		m := parse(t, raw)
		for k, want := range c.fetch(t, i+1, items, names) {
			var got string
			switch k {
			case 0:
				got = strconv.FormatInt(m.Size(), 10)
			case 1:
				got = string(m.AppendEnvelope(nil))
			case 2:
				got = string(m.AppendBody(nil))
			case 3:
				got = string(m.AppendBodyStructure(nil))
			default:
				data, _ := m.Section(all[k-4])
				got, want = string(data), unquote(t, want)
			}
			if got != want {
				t.Errorf("message %d %s: %s\n%.3000s", i, items[k], around(want, got), raw)
			}
		}
	}
}
