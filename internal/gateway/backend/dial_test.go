package backend_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/gateway/backend"
	"inlay.example/inlay/internal/imap/response"
)

func TestNew(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		cfg  backend.Config
		want string // in the error; empty: no error
	}{
		{backend.Config{Addr: "localhost:143"}, ""},
		{backend.Config{Addr: "localhost:143", TLS: backend.None}, ""},
		{backend.Config{Addr: "localhost:993", TLS: backend.Implicit}, ""},
		{backend.Config{Addr: "localhost"}, "not host:port"},
		{backend.Config{Addr: "localhost:143", TLS: "ssl"}, "not one of none, starttls, tls"},
		{backend.Config{Addr: "localhost:143", ServerName: "x"}, "without TLS has no effect"},
		{backend.Config{Addr: "localhost:143", CAFile: "x"}, "without TLS has no effect"},
		{backend.Config{Addr: "localhost:143", TLS: backend.STARTTLS, CAFile: empty + "x"}, "cannot be read"},
		{backend.Config{Addr: "localhost:143", TLS: backend.STARTTLS, CAFile: empty}, "no PEM certificate"},
	} {
		_, err := backend.New(tc.cfg)
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%+v: %v", tc.cfg, err)
		case tc.want != "" && (!fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%+v: error %v, want %q", tc.cfg, err, tc.want)
		}
	}
}

// TestDial: what a server may say before anybody has logged in. Everything that cannot be
// used is Unavailable.
func TestDial(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, say, caps string
	}{
		{"capabilities in the greeting", "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n", "IMAP4rev1 AUTH=PLAIN"},
		{"capabilities asked for", "* OK hello\r\n* CAPABILITY IMAP4rev1 IDLE\r\ni0 OK done\r\n", "IMAP4rev1 IDLE"},
		{"no capabilities", "* OK hello\r\ni0 OK done\r\n", ""},
		{"capabilities refused", "* OK hello\r\ni0 NO not now\r\n", ""},
		{"BYE", "* BYE go away\r\n", ""},
		{"PREAUTH", "* PREAUTH [CAPABILITY IMAP4rev1] welcome\r\n", ""},
		{"tagged", "a OK hello\r\n", ""},
		{"not IMAP", "220 mail.example.org ESMTP\r\n", ""},
		{"a very long greeting", "* OK " + strings.Repeat("x", 100_000) + "\r\n", ""},
		{"closed at once", "", ""},
		{"closed in the middle", "* OK [CAPABILITY IMAP4rev1] hel", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d, err := backend.New(backend.Config{Addr: "backend:143", Dial: func(context.Context) (net.Conn, error) {
				ours, theirs := net.Pipe()
				t.Cleanup(func() { ours.Close() })
				go func() {
					go func() { // what is asked
						buf := make([]byte, 100)
						for {
							if _, err := ours.Read(buf); err != nil {
								return
							}
						}
					}()
					_, _ = ours.Write([]byte(tc.say))
					if strings.HasPrefix(tc.name, "closed") {
						ours.Close()
					}
				}()
				return theirs, nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			c, err := d.Dial(context.Background(), response.Limits{})
			if tc.caps == "" {
				if !fault.Is(err, fault.Unavailable) {
					t.Fatalf("error %v, want Unavailable", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if got := c.Caps.String(); got != tc.caps {
				t.Errorf("capabilities %q, want %q", got, tc.caps)
			}
		})
	}
}

// A server that accepts and says nothing is given up with the context.
func TestDialHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		d, err := backend.New(backend.Config{Addr: "backend:143", Dial: func(context.Context) (net.Conn, error) { return theirs, nil }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := d.Dial(ctx, response.Limits{}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("error %v, want Unavailable", err)
		}
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("given up after %s", d)
		}
	})
}
