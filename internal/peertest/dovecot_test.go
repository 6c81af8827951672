package peertest_test

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/peertest"
)

func TestDovecot(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"mdbox", "maildir"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			started := time.Now()
			d := peertest.StartDovecot(t, peertest.Options{Format: format, TLS: true})
			t.Logf("up in %s", time.Since(started).Round(time.Millisecond))

			// Octets that a careless listing would lose, and a date that is not now.
			odd := []byte("Subject: odd\r\n\r\nTab\t, \x01, a lone CR\rand LF, \xff\xfe and ü\r\n")
			d.Deliver(t, "ann", "INBOX",
				peertest.Message{Bytes: odd, Flags: []string{`\Seen`, "Work"}, Date: time.Date(2024, 2, 29, 13, 0, 0, 0, time.UTC)},
				peertest.Message{Bytes: []byte("Subject: two\r\n\r\n2\r\n")},
			)
			d.Deliver(t, "ann", "Private/Old", peertest.Message{Bytes: []byte("Subject: three\r\n\r\n3\r\n")})

			sum := sha256.Sum256(odd)
			got := d.Dump(t, "ann")
			if len(got) != 3 {
				t.Fatalf("Dump lists %d messages, not 3: %v", len(got), got)
			}
			want := peertest.Listed{Mailbox: "INBOX", UID: 1, Flags: `Work \Seen`, Received: got[0].Received, SHA256: hex.EncodeToString(sum[:])}
			if d := cmp.Diff(want, got[0]); d != "" {
				t.Errorf("first message (-want +got):\n%s", d)
			}
			if got[2].Mailbox != "Private/Old" {
				t.Errorf("third message is in %q", got[2].Mailbox)
			}
			if again := d.Dump(t, "ann"); !cmp.Equal(got, again) {
				t.Errorf("two dumps of the same differ:\n%s", cmp.Diff(got, again))
			}
			if st := d.Status(t, "ann", "INBOX"); st.Messages != 2 || st.UIDNext != 3 || st.Unseen != 1 || st.UIDValidity == 0 {
				t.Errorf("Status = %+v", st)
			}

			c, err := tls.Dial("tcp", d.AddrTLS, &tls.Config{RootCAs: d.Cert.Pool, ServerName: "localhost"})
			if err != nil {
				t.Fatalf("with the server's authority: %v", err)
			}
			c.Close()
			if c, err := tls.Dial("tcp", d.AddrTLS, &tls.Config{RootCAs: peertest.NewCertificate(t).Pool, ServerName: "localhost"}); err == nil {
				c.Close()
				t.Error("another authority is believed")
			}
		})
	}
}
