package peertest

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// passwordSocket is where Cyrus asks whether a password is right.
const passwordSocket = "mux"

// answerPasswords is the program that Cyrus' SASL library asks about passwords (saslauthd),
// which says yes to everybody who has the right one: so there is no list of users.
//
// It is asked with four strings (user, password, service, realm) and answers with one that
// begins with OK or NO; a string is its length in two octets, high one first, and its octets.
func (c *Cyrus) answerPasswords(t testing.TB, acc account) {
	t.Helper()
	path := filepath.Join(c.dir, passwordSocket)
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if acc.root {
		if err := os.Chown(path, acc.uid, acc.gid); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return // the test is over
			}
			go func() {
				defer nc.Close()
				_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
				var asked [4]string
				for i := range asked {
					var n uint16
					if binary.Read(nc, binary.BigEndian, &n) != nil {
						return // Cyrus takes it for a failure, and logs it
					}
					b := make([]byte, n)
					if _, err := io.ReadFull(nc, b); err != nil {
						return
					}
					asked[i] = string(b)
				}
				answer := []byte("\x00\x02NO")
				if asked[1] == c.Password {
					answer = []byte("\x00\x02OK")
				}
				_, _ = nc.Write(answer)
			}()
		}
	}()
}
