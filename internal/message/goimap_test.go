package message_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-message/textproto"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"inlay.example/inlay/internal/imap"
)

// throughClient has go-imap's client read what we answer to FETCH.
func throughClient(t *testing.T, items string) (*imapclient.FetchMessageBuffer, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = ours.Close() })
	go func() {
		_, _ = ours.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n"))
		line, err := bufio.NewReader(ours).ReadString('\n')
		if err != nil {
			return
		}
		tag, _, _ := strings.Cut(line, " ")
		_, _ = fmt.Fprintf(ours, "* 1 FETCH (%s)\r\n%s OK done\r\n", items, tag)
	}()
	c := imapclient.New(theirs, nil)
	t.Cleanup(func() { _ = c.Close() })
	msgs, err := c.Fetch(goimap.SeqSetNum(1), &goimap.FetchOptions{Envelope: true, BodyStructure: &goimap.FetchItemBodyStructure{Extended: true}}).Collect()
	if err != nil || len(msgs) != 1 {
		return nil, fmt.Errorf("go-imap cannot read our answer: %w: %.2000s", err, items)
	}
	return msgs[0], nil
}

// goIMAPDiffers are messages of the corpus that go-imap's extractors understand otherwise than
// Dovecot does, which wins: a client has seen what Dovecot says for years. What is common to
// all messages (no us-ascii, no 7bit, no Sender of From) is taken out by likeGoIMAP.
var goIMAPDiffers = reasons(map[string][]string{
	"CR LF behind the closing boundary of an inner multipart is the inner one's, as from Dovecot": {
		"sections rfc822-multipart", "sections rfc822", "sections nested", "sections deep", "sections boundary-prefix", "views rfc822-multipart", "views rfc822",
	},
	"a message that ends within its header: Dovecot adds no empty line": {
		"sections rfc822-base64", "views rfc822-base64", "sections params-many", "sections no-empty-line",
	},
	"go-imap gives nothing of a header with a line that is no field": {
		"sections header-fields", "sections garbage-header", "views header-fields", "views garbage-header",
	},
	"go-imap gives nothing of a part whose closing boundary is missing, or counts it short": {
		"sections boundary-unclosed", "sections boundary-inherited", "views boundary-unclosed",
	},
	"to Dovecot a line that begins with a boundary is one": {
		"sections boundary-text-after", "views boundary-text-after",
	},
	"Dovecot tells parameters as they are encoded (RFC 2231), clients decode them": {
		"views rfc2231", "views mixed",
	},
	"go-imap knows no groups": {
		"views plain-text", "views addresses-groups", "views addresses-comments",
	},
	"go-imap takes none of a list with an address that lacks parts, Dovecot tells what is there": {
		"views addresses-odd", "views addresses-empty",
	},
	"white space: Dovecot makes one space of runs in subjects, and keeps it in other fields": {
		"views whitespace", "views bare-cr", "views mime-version-only",
	},
	"Content-Types that are not well-formed; go-imap's client takes no empty name of a parameter, which Dovecot tells": {
		"views params-odd", "views params-many",
	},
	"fields that are not well-formed, or there twice: of some Dovecot takes the first, of some the last": {
		"views mime-duplicates", "views fields-many", "views duplicates",
	},
	"Dovecot keeps the case of a type": {
		"views mime-version-absent",
	},
	"without MIME-Version and Content-Type other Content fields do not count": {
		"views mime-forgotten",
	},
	"go-imap finds no parts where a header is ended by a boundary, or there is no boundary; a multipart has at least one for Dovecot": {
		"views header-then-boundary", "views empty-parts", "views boundary-never", "views boundary-missing",
	},
	"parts of a digest are messages by default (RFC 2046 §5.1.5)": {
		"views digest", "views address-forms",
	},
})

func reasons(of map[string][]string) map[string]string {
	out := map[string]string{}
	for reason, names := range of {
		for _, n := range names {
			out[n] = reason
		}
	}
	return out
}

// TestGoIMAP compares structures and envelopes with those of go-imap's extractors, read back
// by go-imap's client.
func TestGoIMAP(t *testing.T) {
	t.Parallel()
	msgs := corpus(t)
	for _, name := range sorted(msgs) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := parse(t, msgs[name])
			got, err := throughClient(t, "ENVELOPE "+string(m.AppendEnvelope(nil))+" BODYSTRUCTURE "+string(m.AppendBodyStructure(nil)))
			if err != nil {
				differs(t, name, "views", err.Error())
				return
			}
			header, err := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(msgs[name])))
			if err != nil {
				t.Logf("go-imap cannot read the header: %v", err)
			}
			want := imapserver.ExtractEnvelope(header)
			structure := imapserver.ExtractBodyStructure(bytes.NewReader(msgs[name]))
			diff := cmp.Diff(likeEnvelope(want), got.Envelope, cmpopts.EquateEmpty()) +
				cmp.Diff(likeStructure(structure), got.BodyStructure, cmpopts.EquateEmpty())
			differs(t, name, "views", diff)
		})
	}
}

func differs(t *testing.T, name, what, diff string) {
	t.Helper()
	reason := goIMAPDiffers[what+" "+name]
	switch {
	case diff != "" && reason == "":
		t.Errorf("the %s: (-go-imap +ours)\n%s", what, diff)
	case diff == "" && reason != "":
		t.Errorf("the %s are those of go-imap now: take the exception out", what)
	}
}

// likeEnvelope does what go-imap leaves to its callers: Sender and Reply-To default to From.
func likeEnvelope(e *goimap.Envelope) *goimap.Envelope {
	if len(e.Sender) == 0 {
		e.Sender = e.From
	}
	if len(e.ReplyTo) == 0 {
		e.ReplyTo = e.From
	}
	return e
}

// likeStructure fills in the defaults that go-imap does not tell.
func likeStructure(s goimap.BodyStructure) goimap.BodyStructure {
	switch s := s.(type) {
	case *goimap.BodyStructureMultiPart:
		for i, c := range s.Children {
			s.Children[i] = likeStructure(c)
		}
	case *goimap.BodyStructureSinglePart:
		if s.Encoding == "" {
			s.Encoding = "7bit"
		}
		if strings.EqualFold(s.Type, "text") && s.Params["charset"] == "" {
			if s.Params == nil {
				s.Params = map[string]string{}
			}
			s.Params["charset"] = "us-ascii"
		}
		if s.MessageRFC822 != nil {
			s.MessageRFC822.Envelope = likeEnvelope(s.MessageRFC822.Envelope)
			s.MessageRFC822.BodyStructure = likeStructure(s.MessageRFC822.BodyStructure)
		}
	}
	return s
}

// TestGoIMAPSections compares the sections of the parts that there are with go-imap's
// extractor. Of what is not there it gives what is next to it (HEADER and TEXT of a part that
// is no message are those of the part); what Dovecot says of that is in TestViews.
func TestGoIMAPSections(t *testing.T) {
	t.Parallel()
	msgs := corpus(t)
	for _, name := range sorted(msgs) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := parse(t, msgs[name])
			var diff strings.Builder
			for _, s := range meaningful(imapserver.ExtractBodyStructure(bytes.NewReader(msgs[name]))) {
				want := imapserver.ExtractBodySection(bytes.NewReader(msgs[name]), goIMAPSection(s))
				got, _ := m.Section(s)
				if !bytes.Equal(got, want) {
					fmt.Fprintf(&diff, "%s\n-%.200q\n+%.200q\n", asked(s), want, got)
				}
			}
			differs(t, name, "sections", diff.String())
		})
	}
}

// meaningful are the sections of a message that RFC 3501 gives a meaning.
func meaningful(structure goimap.BodyStructure) (out []imap.Section) {
	add := func(path []uint32, message bool) {
		specs := []imap.Specifier{imap.WholePart}
		if len(path) > 0 {
			specs = append(specs, imap.MIME)
		}
		if message {
			specs = append(specs, imap.Header, imap.Text, imap.HeaderFields, imap.HeaderFieldsNot)
		}
		for _, spec := range specs {
			s := imap.Section{Part: path, Specifier: spec}
			if spec == imap.HeaderFields || spec == imap.HeaderFieldsNot {
				s.Fields = []string{"SUBJECT", "FROM"}
			}
			out = append(out, s)
			s.Partial = &imap.Partial{Offset: 3, Count: 20}
			out = append(out, s)
		}
	}
	add(nil, true)
	structure.Walk(func(path []int, part goimap.BodyStructure) bool {
		single, ok := part.(*goimap.BodyStructureSinglePart)
		var p []uint32
		for _, n := range path {
			p = append(p, uint32(n))
		}
		if len(p) > 0 {
			add(p, ok && single.MessageRFC822 != nil)
		}
		return true
	})
	return out
}

func goIMAPSection(s imap.Section) *goimap.FetchItemBodySection {
	item := &goimap.FetchItemBodySection{}
	for _, n := range s.Part {
		item.Part = append(item.Part, int(n))
	}
	switch s.Specifier {
	case imap.HeaderFields:
		item.Specifier, item.HeaderFields = goimap.PartSpecifierHeader, s.Fields
	case imap.HeaderFieldsNot:
		item.Specifier, item.HeaderFieldsNot = goimap.PartSpecifierHeader, s.Fields
	default:
		item.Specifier = goimap.PartSpecifier(s.Specifier)
	}
	if s.Partial != nil {
		item.Partial = &goimap.SectionPartial{Offset: int64(s.Partial.Offset), Size: int64(s.Partial.Count)}
	}
	return item
}
