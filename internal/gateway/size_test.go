package gateway_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"inlay.example/inlay/internal/gateway"
)

// TestFetchOfTheLargestMessage has the gateway relay what it would take by APPEND, too.
func TestFetchOfTheLargestMessage(t *testing.T) {
	t.Parallel()
	const size = 1<<32 - 1
	addr := serveTCP(t, gateway.Config{}, gateway.Deps{Injection: withLive(t)}, false, dummy{size: size}.talk)
	k := dialIMAP(t, addr)
	k.line()
	k.ok("LOGIN anna secret")
	k.opens(4)
	k.say("t FETCH 1:4 (BODY.PEEK[])")
	if l := k.line(); l != fmt.Sprintf("* 1 FETCH (UID 1 BODY[] {%d}", int64(size)) {
		t.Fatalf("heard %q", l)
	}
	if _, err := k.r.Discard(1 << 20); err != nil {
		t.Fatal(err)
	}
}

// TestKeywordOfEverything opens a mailbox all of whose messages were given the markers' keyword
// by a client that goes around the gateway: that is more than is held of any response.
func TestKeywordOfEverything(t *testing.T) {
	t.Parallel()
	const messages = 50_000
	addr := serveTCP(t, gateway.Config{}, gateway.Deps{Injection: newFakeService()}, false, func(c net.Conn) {
		w := bufio.NewWriter(c)
		fmt.Fprintf(w, "* OK [CAPABILITY IMAP4rev1] hello\r\n")
		_ = w.Flush()
		for in := bufio.NewScanner(c); in.Scan(); _ = w.Flush() {
			tag, text, _ := strings.Cut(in.Text(), " ")
			switch {
			case strings.HasPrefix(text, "SELECT"):
				fmt.Fprintf(w, "* FLAGS ($InlayReserved)\r\n* %d EXISTS\r\n* OK [UIDVALIDITY 7] Ok\r\n* OK [UIDNEXT %d] Ok\r\n", messages, messages+1)
			case strings.HasPrefix(text, "UID SEARCH"):
				fmt.Fprint(w, "* SEARCH")
				for uid := range messages {
					fmt.Fprintf(w, " %d", uid+1)
				}
				fmt.Fprint(w, "\r\n")
			}
			fmt.Fprintf(w, "%s OK Completed.\r\n", tag)
		}
	})
	k := dialIMAP(t, addr)
	k.line()
	k.ok("LOGIN anna secret")
	k.ok("SELECT INBOX")
}
