package cli_test

import (
	"bytes"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"inlay.example/inlay/internal/cli"
)

func TestExitCodesOfWhatIsNotUnderstood(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"nosuch"},
		{"campaign", "nosuch"},
		{"config", "nosuch"},
		{"serve", "--nosuch"},
		{"campaign", "status"},
		{"campaign", "status", "a", "b"},
		{"config", "check"},
		{"campaign", "run", "--priority", "many"},
		{"gateway", "extra"},
	} {
		out, errs, code := run(t, args...)
		if code != cli.ExitUsage || out != "" || !strings.Contains(errs, "inlay: ") {
			t.Errorf("%q: exit code %d, stdout %q, stderr %q", args, code, out, errs)
		}
	}
}

// What is wrong is said in words, with the command that is meant, and all of it.
func TestWhatIsSaidOfWrongCommandLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"campaign", "recall"}, "inlay: ID is missing: inlay campaign recall ID [flags]\nTry: inlay campaign recall --help\n"},
		{[]string{"campaign", "stats", "a", "b"}, "inlay: \"b\" is one argument too many: inlay campaign stats ID [flags]\nTry: inlay campaign stats --help\n"},
		{[]string{"demo", "extra"}, "inlay: \"extra\" is one argument too many: inlay demo [flags]\nTry: inlay demo --help\n"},
		{[]string{"config", "check"}, "inlay: FILE is missing: inlay config check FILE [flags]\nTry: inlay config check --help\n"},
		{[]string{"campaign", "nosuch"}, "inlay: unknown command \"nosuch\" for \"inlay campaign\"\nTry: inlay campaign --help\n"},
		{[]string{"campaign", "run"}, "inlay: --template is missing\ninlay: --audience is missing\ninlay: --name is missing\n"},
		{[]string{"campaign", "run", "--template", "t", "--audience", "a"}, "inlay: --name is missing\n"},
	} {
		if _, errs, code := run(t, c.args...); code != cli.ExitUsage || errs != c.want {
			t.Errorf("%q: exit code %d, stderr\n%s\nwant\n%s", c.args, code, errs, c.want)
		}
	}
}

// Who has given a flag is told of the flag, not of the setting that it stands for.
func TestAnAddressThatIsTakenIsToldByItsFlag(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	for _, c := range []struct {
		args []string
		flag string
	}{
		{[]string{"gateway", "--backend", "127.0.0.1:1", "--imap", addr}, "--imap"},
		{[]string{"gateway", "--backend", "127.0.0.1:1", "--imap", "127.0.0.1:0", "--http", addr}, "--http"},
		{[]string{"demo", "--data", t.TempDir(), "--imap", addr, "--http", "127.0.0.1:0"}, "--imap"},
		{[]string{"demo", "--data", t.TempDir(), "--imap", "127.0.0.1:0", "--http", addr}, "--http"},
	} {
		_, errs, code := run(t, c.args...)
		if code != cli.ExitFailed || !strings.HasPrefix(errs, "inlay: "+c.flag+": address "+addr+" is in use") {
			t.Errorf("%q: exit code %d, stderr %q", c.args, code, errs)
		}
	}
	_, errs, code := run(t, "demo", "--data", t.TempDir(), "--imap", "192.0.2.1:1143", "--http", "127.0.0.1:0")
	if want := "inlay: --imap: address 192.0.2.1:1143 is not one of this machine\n"; code != cli.ExitUsage || errs != want {
		t.Errorf("exit code %d, stderr %q, want %q", code, errs, want)
	}
}

// buffer is written by the program and read by the test.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Both signals mean the same, and end a role in good order.
func TestSignalsStop(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			signals := make(chan os.Signal, 2)
			log := &buffer{}
			ended := make(chan int, 1)
			go func() {
				ended <- cli.Main(t.Context(), []string{"gateway", "--imap", "127.0.0.1:0", "--backend", "127.0.0.1:1"}, cli.IO{
					Out: &bytes.Buffer{}, Err: log, Getenv: func(string) string { return "" }, Signals: signals,
				})
			}()
			limit := time.After(20 * time.Second)
			for again := time.NewTicker(5 * time.Millisecond); !strings.Contains(log.String(), "listening"); {
				select {
				case <-again.C:
				case <-limit:
					t.Fatalf("it does not start:\n%s", log)
				}
			}
			signals <- sig
			select {
			case code := <-ended:
				if code != cli.ExitOK {
					t.Errorf("exit code %d:\n%s", code, log)
				}
			case <-limit:
				t.Fatalf("it does not end:\n%s", log)
			}
		})
	}
}
