package peertest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is a child that ends with its test.
type Process struct {
	Cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait; set before done is closed
	out  *output
}

// output collects what a child says.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Start runs cmd until it ends or the test does, whichever is first. What it writes is shown
// when the test fails; Stdout is left alone if the caller has set it. The child is told to stop
// with SIGTERM, and killed if it has not gone after 5 s; it dies with the test's process in any case.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{Cmd: cmd, done: make(chan struct{}), out: &output{}}
	if cmd.Stdout == nil {
		cmd.Stdout = p.out
	}
	cmd.Stderr = p.out
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", cmd.Path, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.Stop(t)
		if out := p.out.String(); t.Failed() && out != "" {
			t.Logf("%s wrote:\n%s", cmd.Path, tail(out))
		}
	})
	return p
}

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the child's end and returns the error of it; the test fails after the time given.
func (p *Process) Wait(t testing.TB, atMost time.Duration) error {
	t.Helper()
	select {
	case <-p.done:
		return p.err
	case <-time.After(atMost):
		t.Fatalf("%s still runs after %s; it wrote:\n%s", p.Cmd.Path, atMost, tail(p.out.String()))
		return nil
	}
}

// Output is what the child has written so far to its standard error, and to its standard
// output unless the caller took that.
func (p *Process) Output() string { return p.out.String() }

// Kill ends the child as a power failure would, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill() // fails only if it has gone already
	<-p.done
}

// Stop ends the child in good order, and waits until it is gone.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	_ = p.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		t.Logf("%s did not stop on SIGTERM, killing it", p.Cmd.Path)
		p.Kill()
	}
}

// tail is the end of a log, which is where the trouble is told.
func tail(s string) string {
	const most = 8 << 10
	if len(s) <= most {
		return s
	}
	return "…" + s[len(s)-most:]
}

// FreePort returns a loopback port that nobody listened on a moment ago. Somebody may since:
// whoever binds it must be ready to be refused, and to try another.
func FreePort(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// Eventually calls ok, at short distances, until it returns true; the test fails with what it
// was waiting for when that takes longer than a minute, which is for machines that do much else.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute in vain: %s", what)
		}
		<-tick.C
	}
}

// readFile returns a file's content, or what kept it from being read.
func readFile(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
