package peertest_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inlay.example/inlay/internal/peertest"
)

func TestCyrus(t *testing.T) {
	t.Parallel()
	started := time.Now()
	c := peertest.StartCyrus(t, peertest.CyrusOptions{})
	t.Logf("up in %s", time.Since(started).Round(time.Millisecond))

	odd := []byte("Subject: odd\r\n\r\nTab\t, \x01, \xff\xfe and ü\r\n")
	c.Deliver(t, "ann", "INBOX",
		peertest.Message{Bytes: odd, Flags: []string{`\Seen`, "Work"}, Date: time.Date(2024, 2, 29, 13, 0, 0, 0, time.UTC)},
		peertest.Message{Bytes: []byte("Subject: two\r\n\r\n2\r\n")},
	)
	c.Deliver(t, "ann", "Old", peertest.Message{Bytes: []byte("Subject: three\r\n\r\n3\r\n")})

	sum := sha256.Sum256(odd)
	got := c.Dump(t, "ann")
	if len(got) != 3 {
		t.Fatalf("Dump lists %d messages, not 3: %v", len(got), got)
	}
	want := peertest.Listed{Mailbox: "INBOX", UID: 1, Flags: `Work \Seen`, Received: "29-Feb-2024 13:00:00 +0000", SHA256: hex.EncodeToString(sum[:])}
	if d := cmp.Diff(want, got[0]); d != "" {
		t.Errorf("first message (-want +got):\n%s", d)
	}
	if again := c.Dump(t, "ann"); !cmp.Equal(got, again) {
		t.Errorf("two dumps of the same differ:\n%s", cmp.Diff(got, again))
	}
	if st := c.Status(t, "ann", "INBOX"); st.Messages != 2 || st.UIDNext != 3 || st.Unseen != 1 || st.UIDValidity == 0 {
		t.Errorf("Status = %+v", st)
	}

	peertest.Eventually(t, "no session is left", func() bool { return !c.Serves(t, "ann") })
	nc, err := net.Dial("tcp", c.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(30 * time.Second))
	in := bufio.NewReader(nc)
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(nc, "a LOGIN ann wrong\r\n")
	if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "a NO") {
		t.Errorf("a wrong password is answered with %q (%v)", line, err)
	}
	fmt.Fprintf(nc, "b LOGIN ann pass\r\n")
	if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "b OK") {
		t.Fatalf("the right password is answered with %q (%v)", line, err)
	}
	peertest.Eventually(t, "Serves tells of a session", func() bool { return c.Serves(t, "ann") })
}
