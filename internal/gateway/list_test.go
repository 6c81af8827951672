package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"inlay.example/inlay/internal/gateway"
	"inlay.example/inlay/internal/injection"
	"inlay.example/inlay/internal/placement"
)

// counting counts readings of the placements.
type counting struct {
	*fakeService
	readings atomic.Int32
}

func (c *counting) Placements(ctx context.Context, p injection.Person) ([]placement.Placement, error) {
	c.readings.Add(1)
	return c.fakeService.Placements(ctx, p)
}

// TestListOfManyMailboxes: ten thousand mailboxes, one of them with something injected, are
// listed with STATUS as they come, with one reading of the placements. The backend ends its
// answer only when the client has heard nearly all of it.
func TestListOfManyMailboxes(t *testing.T) {
	t.Parallel()
	const mailboxes, inbox, enough = 10_000, 5_000, 9_900
	heard := make(chan struct{})
	talk := func(c net.Conn) {
		w := bufio.NewWriter(c)
		fmt.Fprintf(w, "* OK [CAPABILITY IMAP4rev1 LITERAL+ LIST-EXTENDED LIST-STATUS] Ready.\r\n")
		_ = w.Flush()
		for in := bufio.NewScanner(c); in.Scan(); {
			tag, command, _ := strings.Cut(in.Text(), " ")
			switch {
			case strings.HasPrefix(command, "CAPABILITY"):
				fmt.Fprintf(w, "* CAPABILITY IMAP4rev1 LITERAL+ LIST-EXTENDED LIST-STATUS\r\n")
			case strings.HasPrefix(command, "LIST"):
				for i := range mailboxes {
					name := fmt.Sprintf("Folder/%d", i)
					if i == inbox {
						name = "INBOX"
					}
					fmt.Fprintf(w, "* LIST (\\HasNoChildren) \"/\" %s\r\n* STATUS %s (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7)\r\n", name, name)
				}
				_ = w.Flush()
				<-heard
			}
			fmt.Fprintf(w, "%s OK Completed.\r\n", tag)
			_ = w.Flush()
		}
	}
	service := &counting{fakeService: withLive(t)}
	k := dialIMAP(t, serveTCP(t, gateway.Config{}, gateway.Deps{Injection: service}, false, talk))
	k.line()
	k.ok("LOGIN anna secret")
	k.say(`t LIST "" * RETURN (STATUS (MESSAGES))`)
	for i := range mailboxes {
		name, messages := fmt.Sprintf("Folder/%d", i), 3
		if i == inbox {
			name, messages = "INBOX", 4
		}
		if l, want := k.line(), fmt.Sprintf(`* LIST (\HasNoChildren) "/" %s`, name); l != want {
			t.Fatalf("heard %q, want %q", l, want)
		}
		if l, want := k.line(), fmt.Sprintf("* STATUS %s (MESSAGES %d)", name, messages); l != want {
			t.Fatalf("heard %q, want %q", l, want)
		}
		if i == enough {
			close(heard)
		}
	}
	if l := k.line(); l != "t OK Completed." {
		t.Errorf("heard %q", l)
	}
	if n := service.readings.Load(); n != 1 {
		t.Errorf("the placements were read %d times", n)
	}
}
