package demo_test

import (
	"context"
	"io"
	"mime"
	"net"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	gomessage "github.com/emersion/go-message"

	"inlay.example/inlay/internal/demo"
)

const validity = 1700000000

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// serve starts a server and returns its address.
func serve(t *testing.T) string {
	t.Helper()
	s, err := demo.New(demo.Config{UIDValidity: validity, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

func login(t *testing.T, addr string, p demo.Person, o *imapclient.Options) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(addr, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Login(p.Login, p.Password).Wait(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEverybodyHasADozenMails(t *testing.T) {
	t.Parallel()
	addr := serve(t)
	for _, p := range demo.People() {
		c := login(t, addr, p, nil)
		sel, err := c.Select("INBOX", nil).Wait()
		if err != nil {
			t.Fatal(err)
		}
		if sel.NumMessages != 12 || sel.UIDValidity != validity || sel.UIDNext != 13 {
			t.Errorf("%s: %d messages, UIDVALIDITY %d, UIDNEXT %d", p.Login, sel.NumMessages, sel.UIDValidity, sel.UIDNext)
		}
		section := &imap.FetchItemBodySection{Peek: true}
		msgs, err := c.Fetch(imap.SeqSet{imap.SeqRange{Start: 1, Stop: 12}}, &imap.FetchOptions{
			Envelope: true, BodySection: []*imap.FetchItemBodySection{section}, InternalDate: true, Flags: true, RFC822Size: true,
			BodyStructure: &imap.FetchItemBodyStructure{Extended: true},
		}).Collect()
		if err != nil {
			t.Fatal(err)
		}
		last := time.Time{}
		unseen := 0
		for _, m := range msgs {
			raw := m.FindBodySection(section)
			check(t, p, raw)
			if int64(len(raw)) != m.RFC822Size || !m.InternalDate.After(last) || m.InternalDate.After(now) || m.Envelope.Subject == "" {
				t.Errorf("%s, message %d: size %d of %d, date %s, subject %q", p.Login, m.SeqNum, m.RFC822Size, len(raw), m.InternalDate, m.Envelope.Subject)
			}
			last = m.InternalDate
			if !slices.Contains(m.Flags, imap.FlagSeen) {
				unseen++
			}
		}
		if unseen == 0 || unseen == 12 {
			t.Errorf("%s: %d unseen", p.Login, unseen)
		}
	}
}

// check reads a message to its end: no part may be malformed.
func check(t *testing.T, p demo.Person, raw []byte) {
	t.Helper()
	if strings.Contains(strings.ReplaceAll(string(raw), "\r\n", ""), "\n") {
		t.Errorf("%s: a line does not end in CR LF in\n%s", p.Login, raw)
	}
	m, err := mail.ReadMessage(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatalf("%s: %v in\n%s", p.Login, err, raw)
	}
	for _, name := range []string{"From", "To", "Date", "Message-Id", "Subject"} {
		if m.Header.Get(name) == "" {
			t.Errorf("%s: no %s in\n%s", p.Login, name, raw)
		}
	}
	if _, _, err := mime.ParseMediaType(m.Header.Get("Content-Type")); err != nil {
		t.Errorf("%s: %v", p.Login, err)
	}
	e, err := gomessage.Read(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	leaves := 0
	err = e.Walk(func(_ []int, part *gomessage.Entity, err error) error {
		if err != nil || part.MultipartReader() != nil {
			return err
		}
		leaves++
		body, err := io.ReadAll(part.Body)
		if len(strings.TrimSpace(string(body))) == 0 {
			t.Errorf("%s: an empty part in\n%s", p.Login, raw)
		}
		return err
	})
	if err != nil || leaves == 0 {
		t.Errorf("%s: %d parts, %v in\n%s", p.Login, leaves, err, raw)
	}
}

// What a gateway needs of its backend, see docs/virtual-mailbox.md.
func TestDoesWhatAGatewayNeeds(t *testing.T) {
	t.Parallel()
	addr := serve(t)
	p := demo.People()[0]
	told := make(chan uint32, 8)
	other := login(t, addr, p, &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Expunge: func(seq uint32) { told <- seq },
	}})
	c := login(t, addr, p, nil)
	for _, s := range []*imapclient.Client{other, c} {
		if _, err := s.Select("INBOX", nil).Wait(); err != nil {
			t.Fatal(err)
		}
	}
	caps, err := c.Capability().Wait()
	if err != nil || !caps.Has(imap.CapUIDPlus) {
		t.Fatalf("capabilities %v, %v", caps, err)
	}
	sel, err := c.Select("Archive", nil).Wait()
	if err != nil || !slices.Contains(sel.PermanentFlags, imap.FlagWildcard) || !slices.Contains(sel.PermanentFlags, imap.FlagDeleted) {
		t.Fatalf("an empty mailbox has PERMANENTFLAGS %v, %v", sel.PermanentFlags, err)
	}
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}

	marker := "X-Marker: token-1\r\nSubject: marker\r\n\r\nmarker\r\n"
	app := c.Append("INBOX", int64(len(marker)), &imap.AppendOptions{Flags: []imap.Flag{`\Seen`, `\Deleted`, "$Marker"}})
	if _, err := app.Write([]byte(marker)); err != nil {
		t.Fatal(err)
	}
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := app.Wait()
	if err != nil || data.UID != 13 || data.UIDValidity != validity {
		t.Fatalf("APPENDUID %+v, %v", data, err)
	}
	for name, criteria := range map[string]*imap.SearchCriteria{
		"keyword": {Flag: []imap.Flag{"$marker"}},
		"header":  {Header: []imap.SearchCriteriaHeaderField{{Key: "x-marker", Value: "token-1"}}},
	} {
		found, err := c.UIDSearch(criteria, nil).Wait()
		if err != nil || !slices.Equal(found.AllUIDs(), []imap.UID{13}) {
			t.Errorf("SEARCH by %s finds %v, %v", name, found.AllUIDs(), err)
		}
	}
	if _, err := c.UIDExpunge(imap.UIDSetNum(13)).Collect(); err != nil {
		t.Fatal(err)
	}
	if err := other.Noop().Wait(); err != nil {
		t.Fatal(err)
	}
	if seq := <-told; seq != 13 {
		t.Errorf("the other session is told that %d is gone", seq)
	}
	st, err := c.Status("INBOX", &imap.StatusOptions{UIDNext: true, NumMessages: true}).Wait()
	if err != nil || st.UIDNext != 14 || *st.NumMessages != 12 {
		t.Errorf("after the marker: UIDNEXT %d, %d messages, %v", st.UIDNext, *st.NumMessages, err)
	}
}

func TestExamineChangesNothing(t *testing.T) {
	t.Parallel()
	addr := serve(t)
	c := login(t, addr, demo.People()[1], nil)
	if _, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		t.Fatal(err)
	}
	last := imap.SeqSetNum(12)
	if err := c.Store(last, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err == nil {
		t.Error("STORE after EXAMINE was obeyed")
	}
	msgs, err := c.Fetch(last, &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{{}}, Flags: true}).Collect()
	if err != nil || len(msgs) != 1 || len(msgs[0].Flags) != 0 {
		t.Fatalf("%v, %v", msgs, err)
	}
	found, err := c.Search(&imap.SearchCriteria{NotFlag: []imap.Flag{imap.FlagSeen}}, nil).Wait()
	if err != nil || !slices.Contains(found.AllSeqNums(), 12) {
		t.Errorf("unseen: %v, %v", found.AllSeqNums(), err)
	}
}

func TestSearchesAsMailReads(t *testing.T) {
	t.Parallel()
	addr := serve(t)
	c := login(t, addr, demo.People()[0], nil)
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name string
		c    imap.SearchCriteria
		want []uint32
	}{
		{"text in a quoted-printable body", imap.SearchCriteria{Text: []string{"mühlenstraße 12"}}, []uint32{5}},
		{"an encoded header", imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "From", Value: "kröger"}}}, []uint32{6}},
		{"an attachment", imap.SearchCriteria{Body: []string{"Slack water"}}, []uint32{10}},
		{"two conditions", imap.SearchCriteria{
			Header: []imap.SearchCriteriaHeaderField{{Key: "Subject", Value: "boat house"}}, Flag: []imap.Flag{imap.FlagAnswered},
		}, []uint32{1}},
		{"either of two", imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{
			{SeqNum: []imap.SeqSet{imap.SeqSetNum(3)}}, {UID: []imap.UIDSet{{imap.UIDRange{Start: 12, Stop: 0}}}},
		}}}, []uint32{3, 12}},
		{"the last one by *", imap.SearchCriteria{SeqNum: []imap.SeqSet{{imap.SeqRange{Start: 0, Stop: 0}}}}, []uint32{12}},
		{"before a day", imap.SearchCriteria{Before: now.AddDate(0, 0, -20)}, []uint32{1, 2, 3}},
	} {
		found, err := c.Search(&x.c, nil).Wait()
		if err != nil || !slices.Equal(found.AllSeqNums(), x.want) {
			t.Errorf("%s: %v, %v; want %v", x.name, found.AllSeqNums(), err, x.want)
		}
	}
}
