package bench_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"inlay.example/inlay/internal/peertest"
)

var inlay = flag.String("inlay", "", "the program to measure; empty: build it")

// A target is one way to the backend.
type target struct {
	name     string // also the login
	addr     string
	pid      int // whose process tree is the proxy; 0: none, the backend itself
	messages int // that its user's INBOX must show
}

// startTargets starts everything in front of the backend. What a proxy of somebody else needs
// and is not installed fails or skips the run by peertest's rule.
func startTargets(b *testing.B, d *peertest.Dovecot) []target {
	b.Helper()
	return []target{
		{name: "direct", addr: d.Addr, messages: real},
		startInlay(b, d),
		startDemo(b, d),
		startNginx(b, d),
		startHAProxy(b, d),
	}
}

func program(b *testing.B) string {
	b.Helper()
	if *inlay != "" {
		path, err := filepath.Abs(*inlay)
		if err != nil {
			b.Fatal(err)
		}
		return path
	}
	path := filepath.Join(b.TempDir(), "inlay")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "inlay.example/inlay/cmd/inlay")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("building inlay: %v\n%s", err, out)
	}
	return path
}

func startInlay(b *testing.B, d *peertest.Dovecot) target {
	b.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", peertest.FreePort(b))
	p := peertest.Start(b, exec.Command(program(b), "gateway", "--imap", addr, "--backend", d.Addr))
	return running(b, "inlay", addr, p)
}

// startDemo starts all of Inlay in one process, with a message for its user: the gateway with
// something to do. Its memory is that of gateway, middleware, platform and store.
func startDemo(b *testing.B, d *peertest.Dovecot) target {
	b.Helper()
	const user = "injected"
	cmd := exec.Command(program(b), "demo", "--backend", d.Addr, "--user", user,
		"--imap", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", b.TempDir(), "--json")
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	cmd.Stdout = w
	p := peertest.Start(b, cmd)
	w.Close() // the child has it
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		b.Fatal(err)
	}
	var ready struct{ IMAP string }
	if err := json.NewDecoder(r).Decode(&ready); err != nil {
		b.Fatalf("the demo is not ready: %v\n%s", err, p.Output())
	}
	t := running(b, user, ready.IMAP, p)
	t.messages++
	return t
}

func startHAProxy(b *testing.B, d *peertest.Dovecot) target {
	b.Helper()
	path := peertest.Need(b, "haproxy", "haproxy")
	addr := fmt.Sprintf("127.0.0.1:%d", peertest.FreePort(b))
	conf := filepath.Join(b.TempDir(), "haproxy.cfg")
	write(b, conf, fmt.Sprintf(`global
  maxconn 4096
defaults
  mode tcp
  timeout connect 5s
  timeout client 30m
  timeout server 30m
listen imap
  bind %s
  server dovecot %s
`, addr, d.Addr))
	return running(b, "haproxy", addr, peertest.Start(b, exec.Command(path, "-db", "-f", conf)))
}

// startNginx starts nginx's mail proxy with the HTTP service that it asks where each user's
// mailbox is; that service answers at once and always the same.
func startNginx(b *testing.B, d *peertest.Dovecot) target {
	b.Helper()
	path := peertest.Need(b, "nginx", "nginx libnginx-mod-mail")
	module := "/usr/lib/nginx/modules/ngx_mail_module.so"
	if _, err := os.Stat(module); err != nil {
		peertest.Missing(b, "nginx has no mail proxy: %v (Debian: apt-get install libnginx-mod-mail)", err)
	}
	host, port, err := net.SplitHostPort(d.Addr)
	if err != nil {
		b.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	auth := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Auth-Status", "OK")
		w.Header().Set("Auth-Server", host)
		w.Header().Set("Auth-Port", port)
	})}
	served := make(chan error, 1)
	go func() { served <- auth.Serve(ln) }()
	b.Cleanup(func() {
		auth.Close()
		<-served
	})

	addr := fmt.Sprintf("127.0.0.1:%d", peertest.FreePort(b))
	dir := b.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	user := ""
	if os.Getuid() == 0 {
		user = "user nobody nogroup;\n" // else it would look for an account that Debian names otherwise
	}
	write(b, conf, fmt.Sprintf(`load_module %s;
%sdaemon off;
worker_processes auto;
pid %s/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
mail {
  server_name bench;
  auth_http http://%s/;
  proxy_timeout 30m;
  imap_capabilities "IMAP4rev1" "LITERAL+" "IDLE" "UIDPLUS";
  server { listen %s; protocol imap; }
}
`, module, user, dir, ln.Addr(), addr))
	return running(b, "nginx", addr, peertest.Start(b, exec.Command(path, "-e", "stderr", "-c", conf)))
}

func running(b *testing.B, name, addr string, p *peertest.Process) target {
	b.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		if c, err := dial(addr); err == nil {
			c.close()
			return target{name: name, addr: addr, pid: p.Cmd.Process.Pid, messages: real}
		}
		select {
		case <-p.Done():
			b.Fatalf("%s ended at once:\n%s", name, p.Output())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			b.Fatalf("%s does not greet on %s after 20 s:\n%s", name, addr, p.Output())
		}
	}
}

func write(b *testing.B, path, text string) {
	b.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}
