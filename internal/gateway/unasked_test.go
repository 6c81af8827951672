package gateway_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"inlay.example/inlay/internal/gateway"
)

// TestUnaskedWhileCommandsCome has the backend talk by itself all the time: between two commands
// the session waits for both sides at once, and its readers must not meet (with -race).
func TestUnaskedWhileCommandsCome(t *testing.T) {
	t.Parallel()
	const commands, unasked = 300, 3000
	addr := serveTCP(t, gateway.Config{}, gateway.Deps{}, false, func(c net.Conn) {
		fmt.Fprintf(c, "* OK [CAPABILITY IMAP4rev1] hello\r\n")
		in := bufio.NewScanner(c)
		for in.Scan() {
			tag, text, _ := strings.Cut(in.Text(), " ")
			fmt.Fprintf(c, "%s OK done\r\n", tag)
			if strings.HasPrefix(text, "LOGIN") {
				go func() {
					for range unasked {
						fmt.Fprintf(c, "* OK still here\r\n")
					}
				}()
			}
		}
	})
	k := dialIMAP(t, addr)
	heard := 0
	count := func(lines []string) {
		for _, l := range lines {
			if strings.HasPrefix(l, "* OK still") {
				heard++
			}
		}
	}
	count(k.do("LOGIN anna secret"))
	for range commands {
		count(k.do("NOOP"))
	}
	for ; heard < unasked; heard++ {
		if l := k.line(); !strings.HasPrefix(l, "* OK still") {
			t.Fatalf("%q, with %d lines to come", l, unasked-heard)
		}
	}
}
