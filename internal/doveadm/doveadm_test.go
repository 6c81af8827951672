package doveadm_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/doveadm"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/peertest"
)

const key = "key of the tests"

func TestRealDovecot(t *testing.T) {
	t.Parallel()
	d := peertest.StartDovecot(t, peertest.Options{AdminKey: key})
	boxes := []string{"INBOX", imapName}
	d.Deliver(t, "ann", imapName, peertest.Message{Bytes: []byte("Subject: one\r\n\r\nText\r\n")})
	c := client(t, d.AdminURL, key)
	for _, box := range boxes {
		name := box
		if box == imapName {
			name = "Entwürfe" // the API speaks UTF-8, IMAP does not
		}
		was, err := c.Status(t.Context(), "ann", name)
		if err != nil {
			t.Fatal(err)
		}
		if st := d.Status(t, "ann", name); was.UIDNext != st.UIDNext || was.UIDValidity != st.UIDValidity || was.HighestModSeq != st.HighestModSeq {
			t.Errorf("%s: %+v, and the tool says %+v", name, was, st)
		}
		before, after, err := c.Raise(t.Context(), "ann", name, 100, 50)
		if err != nil {
			t.Fatal(err)
		}
		if before != was || after.UIDNext != 100 || after.HighestModSeq != 50 || after.UIDValidity != was.UIDValidity {
			t.Errorf("%s: raised from %+v to %+v", name, before, after)
		}
		// Lower ones change nothing.
		if _, again, err := c.Raise(t.Context(), "ann", name, 10, 5); err != nil || again != after {
			t.Errorf("%s: %+v became %+v (%v)", name, after, again, err)
		}
	}
	if _, err := c.Status(t.Context(), "ann", "Nowhere"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a mailbox that is not there: %v", err)
	}
	if _, _, err := c.Raise(t.Context(), "ann", "Nowhere", 10, 5); !fault.Is(err, fault.Unavailable) {
		t.Errorf("raising a mailbox that is not there: %v", err)
	}
	if _, err := client(t, d.AdminURL, "another key").Status(t.Context(), "ann", "INBOX"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("with another key: %v", err)
	}
}

// imapName is "Entwürfe" in modified UTF-7.
const imapName = "Entw&APw-rfe"

func client(t *testing.T, url, key string) *doveadm.Client {
	t.Helper()
	c, err := doveadm.New(doveadm.Config{URL: url, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, cfg := range []doveadm.Config{{}, {URL: "http://a/"}, {Key: "k"}, {URL: "ftp://a/", Key: "k"}, {URL: "http://", Key: "k"}, {URL: ":", Key: "k"}} {
		if _, err := doveadm.New(cfg); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// What does not answer as doveadm does is not believed, and not read without end.
func TestNonsense(t *testing.T) {
	t.Parallel()
	status := `[{"mailbox":"INBOX","uidnext":"2","uidvalidity":"9","highestmodseq":"1"}]`
	for name, answer := range map[string]string{
		"nothing":          ``,
		"no list":          `{}`,
		"empty":            `[]`,
		"an error":         `[["error",{"type":"exitCode","exitCode":68},"status"]]`,
		"another tag":      `[["doveadmResponse",` + status + `,"x"]]`,
		"too many":         `[["doveadmResponse",` + status + `,"status"],["doveadmResponse",` + status + `,"status"]]`,
		"no mailbox":       `[["doveadmResponse",[],"status"]]`,
		"two mailboxes":    `[["doveadmResponse",[` + strings.Trim(status, "[]") + "," + strings.Trim(status, "[]") + `],"status"]]`,
		"no numbers":       `[["doveadmResponse",[{"uidnext":"x","uidvalidity":"9","highestmodseq":"1"}],"status"]]`,
		"no UIDVALIDITY":   `[["doveadmResponse",[{"uidnext":"2","highestmodseq":"1"}],"status"]]`,
		"a UID too great":  `[["doveadmResponse",[{"uidnext":"4294967296","uidvalidity":"9","highestmodseq":"1"}],"status"]]`,
		"without an end":   `[["doveadmResponse",` + status + `,"status"]` + strings.Repeat(" ", 1<<17) + `]`,
		"a piece too much": `[["doveadmResponse",` + status + `,"status",1]]`,
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
		if got, err := client(t, srv.URL, key).Status(t.Context(), "ann", "INBOX"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		srv.Close()
	}
}

// A server that says nothing holds nobody up beyond the context.
func TestSilence(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	defer srv.Close()
	defer close(done)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client(t, srv.URL, key).Status(ctx, "ann", "INBOX"); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}
