package test_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/event"
	"inlay.example/inlay/internal/peertest"
)

// manyMails is how many real mails lie in the mailboxes that the clients see.
const manyMails = 1000

// a desk is one person in front of a mail client.
type desk struct {
	*world
	server peertest.Server
	proxy  *proxy
	addr   string // of the gateway
	user   string
}

// impression is what a client got to see.
type impression struct {
	Messages uint32   `json:"messages"` // in the mailbox, as it was opened
	UIDs     int      `json:"uids"`     // that are listed
	Found    []uint32 `json:"found"`    // by From and Subject: UIDs
	Size     bool     `json:"size"`     // what was fetched is as long as it was said to be
	Subject  string   `json:"subject"`
	Text     string   `json:"text"`
	Flags    []string `json:"flags"`   // after \Flagged and Kept were added, sorted, without \Recent
	Flagged  []uint32 `json:"flagged"` // found by the keyword
}

// TestClients lets clients that nobody here wrote see, read, mark and search an injected message
// in front of 1,000 real mails; around it, the real mails must not change in anything.
func TestClients(t *testing.T) {
	t.Parallel()
	peertest.OnBackends(t, testClients)
}

func testClients(t *testing.T, kind peertest.Backend) {
	for name, look := range map[string]func(*testing.T, *desk) impression{
		"imaplib":    func(t *testing.T, d *desk) impression { return python(t, d, "imaplib") },
		"imapclient": func(t *testing.T, d *desk) impression { return python(t, d, "imapclient") },
		"curl":       lookWithCurl,
		"go-imap":    lookWithGoIMAP,
		"roundcube":  lookWithRoundcube,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, kind, "ann")
			before := d.server.Dump(t, d.user)

			d.run(t, "welcome", []string{d.user})
			got := look(t, d)
			got.sees(t, "with the campaign")
			if n := d.count(t, "welcome", event.Read); n != 1 {
				t.Errorf("read was recorded %d times", n)
			}

			d.recall(t, "welcome")
			look(t, d).seesNothing(t, "after the recall")
			d.unchanged(t, before)
		})
	}
}

// sees checks that a client saw 1,000 mails and the letter, and could do with it what one does.
func (i impression) sees(t *testing.T, when string) {
	t.Helper()
	want := impression{
		Messages: manyMails + 1, UIDs: manyMails + 1, Found: []uint32{manyMails + 1}, Size: true,
		Subject: "A letter for Ms ann", Text: i.Text,
		Flags: []string{"Kept", `\Flagged`, `\Seen`}, Flagged: []uint32{manyMails + 1},
	}
	if diff := cmp.Diff(want, i); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
	if !strings.Contains(i.Text, "Dear Ms ann,") {
		t.Errorf("%s, the letter reads %q", when, i.Text)
	}
}

// seesNothing checks that a client saw 1,000 mails and nothing of a letter.
func (i impression) seesNothing(t *testing.T, when string) {
	t.Helper()
	want := impression{Messages: manyMails, UIDs: manyMails, Size: i.Size}
	if diff := cmp.Diff(want, i, cmp.Comparer(func(a, b []uint32) bool { return slices.Equal(a, b) })); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

// newDesk makes a person with 1,000 mails and a gateway.
func newDesk(t *testing.T, kind peertest.Backend, user string) *desk {
	t.Helper()
	return newDeskOf(t, kind, user, manyMails)
}

func newDeskOf(t *testing.T, kind peertest.Backend, user string, n int) *desk {
	t.Helper()
	d := &desk{world: newWorld(t), server: peertest.StartBackend(t, kind), user: user}
	d.server.Deliver(t, user, "INBOX", mails(n)...)
	d.proxy = newProxy(t, d.server.Address(), d.middleware)
	d.addr = d.proxy.addr
	return d
}

// unchanged compares the real mails with how they were: UIDs, flags, dates and octets.
func (d *desk) unchanged(t *testing.T, before []peertest.Listed) {
	t.Helper()
	if after := d.server.Dump(t, d.user); !slices.Equal(before, after) {
		t.Errorf("the real mails have changed (-before +after):\n%s", cmp.Diff(before, after))
	}
}

func (d *desk) hostPort(t *testing.T) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(d.addr)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// output runs a program and returns what it says.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	return run(t, []int{0}, name, args...)
}

// run runs a program that may end with one of the codes, and returns what it says.
func run(t *testing.T, codes []int, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var errs strings.Builder
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil && !slices.Contains(codes, cmd.ProcessState.ExitCode()) {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, errs.String())
	}
	return string(out)
}

// python runs one of the scripts of testdata with an interpreter that has the module.
func python(t *testing.T, d *desk, module string) impression {
	t.Helper()
	interpreter := pythonWith(t, module)
	host, port := d.hostPort(t)
	var got impression
	if err := json.Unmarshal([]byte(output(t, interpreter, "testdata/client_"+module+".py", host, port, d.user, "pass")), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// pythonWith finds an interpreter: the one that INLAY_PYTHON names, or python3.
func pythonWith(t *testing.T, module string) string {
	t.Helper()
	interpreter := os.Getenv("INLAY_PYTHON")
	if interpreter == "" {
		interpreter = peertest.Need(t, "python3", "python3")
	}
	if err := exec.Command(interpreter, "-c", "import "+module).Run(); err != nil {
		peertest.Missing(t, "%s has no module %s: pip install %s into a virtual environment, and name its python in INLAY_PYTHON", interpreter, module, module)
	}
	return interpreter
}

func lookWithCurl(t *testing.T, d *desk) impression {
	t.Helper()
	curl := func(path string, args ...string) string {
		args = append([]string{"--silent", "--show-error", "--user", d.user + ":pass", "imap://" + d.addr + path}, args...)
		return output(t, peertest.Need(t, "curl", "curl"), args...)
	}
	numbers := func(said string) []uint32 {
		var out []uint32
		line, _, _ := strings.Cut(said, "\r\n") // behind it, FLAGS may follow
		for _, f := range strings.Fields(strings.TrimPrefix(line, "* SEARCH")) {
			out = append(out, number(f))
		}
		return out
	}
	var got impression
	got.UIDs = len(numbers(curl("/INBOX", "-X", "UID SEARCH ALL")))
	if _, err := fmt.Sscanf(curl("/", "-X", "STATUS INBOX (MESSAGES)"), "* STATUS INBOX (MESSAGES %d)", &got.Messages); err != nil {
		t.Fatal(err)
	}
	got.Found = numbers(curl("/INBOX", "-X", `UID SEARCH FROM offers@shop.example SUBJECT "A letter"`))
	if len(got.Found) == 0 {
		return got
	}
	uid := got.Found[0]
	letter := curl(fmt.Sprintf("/INBOX;UID=%d", uid))
	sizes := curl("/INBOX", "-X", fmt.Sprintf("UID FETCH %d RFC822.SIZE", uid))
	got.Size = strings.Contains(sizes, fmt.Sprintf("RFC822.SIZE %d)", len(letter)))
	for _, line := range strings.Split(letter, "\r\n") {
		if s, ok := strings.CutPrefix(line, "Subject: "); ok {
			got.Subject = s
		}
	}
	_, got.Text, _ = strings.Cut(letter, "\r\n\r\n")
	curl("/INBOX", "-X", fmt.Sprintf(`UID STORE %d +FLAGS (\Flagged Kept)`, uid))
	got.Flags = flagsIn(curl("/INBOX", "-X", fmt.Sprintf("UID FETCH %d FLAGS", uid)))
	got.Flagged = numbers(curl("/INBOX", "-X", "UID SEARCH KEYWORD Kept"))
	return got
}

// flagsIn gives the flags of a FETCH, sorted, without \Recent.
func flagsIn(fetch string) []string {
	m := flagsItem.FindStringSubmatch(fetch)
	if m == nil {
		return nil
	}
	flags := slices.DeleteFunc(strings.Fields(m[1]), func(f string) bool { return f == `\Recent` })
	slices.Sort(flags)
	return flags
}

func lookWithGoIMAP(t *testing.T, d *desk) impression {
	t.Helper()
	c, err := imapclient.DialInsecure(d.addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	must(c.Login(d.user, "pass").Wait())
	box, err := c.Select("INBOX", nil).Wait()
	must(err)
	got := impression{Messages: box.NumMessages}
	search := func(criteria *imap.SearchCriteria) []uint32 {
		data, err := c.UIDSearch(criteria, nil).Wait()
		must(err)
		var out []uint32
		for _, u := range data.AllUIDs() {
			out = append(out, uint32(u))
		}
		return out
	}
	got.UIDs = len(search(&imap.SearchCriteria{}))
	got.Found = search(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{
		{Key: "From", Value: "offers@shop.example"}, {Key: "Subject", Value: "A letter"},
	}})
	if len(got.Found) == 0 {
		return got
	}
	set := imap.UIDSetNum(imap.UID(got.Found[0]))
	whole, text := &imap.FetchItemBodySection{}, &imap.FetchItemBodySection{Part: []int{1}}
	msgs, err := c.Fetch(set, &imap.FetchOptions{
		Envelope: true, RFC822Size: true, BodyStructure: &imap.FetchItemBodyStructure{Extended: true},
		BodySection: []*imap.FetchItemBodySection{whole, text},
	}).Collect()
	must(err)
	if len(msgs) != 1 {
		t.Fatalf("%d messages fetched, not 1", len(msgs))
	}
	got.Size = int64(len(msgs[0].FindBodySection(whole))) == msgs[0].RFC822Size
	got.Subject, got.Text = msgs[0].Envelope.Subject, string(msgs[0].FindBodySection(text))
	_, err = c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagFlagged, "Kept"}}, nil).Collect()
	must(err)
	msgs, err = c.Fetch(set, &imap.FetchOptions{Flags: true}).Collect()
	must(err)
	for _, f := range msgs[0].Flags {
		if f != `\Recent` {
			got.Flags = append(got.Flags, string(f))
		}
	}
	slices.Sort(got.Flags)
	got.Flagged = search(&imap.SearchCriteria{Flag: []imap.Flag{"Kept"}})
	must(c.Logout().Wait())
	return got
}

// compresses checks that a client has turned on compression by itself: what it did was done so.
func (d *desk) compresses(t *testing.T) {
	t.Helper()
	if d.proxy.metric(t, "inlay_gateway_compressed_total") == 0 {
		t.Error("the client has not turned on compression")
	}
}
