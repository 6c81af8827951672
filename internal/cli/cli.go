package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"inlay.example/inlay/internal/fault"
)

// Exit codes.
const (
	ExitOK          = 0
	ExitFailed      = 1 // failed, refused, or not there
	ExitUsage       = 2 // command line, configuration or input are wrong
	ExitUnavailable = 3 // a server does not answer
	ExitDenied      = 4 // not known, or not allowed to
)

// IO is what a command may touch of the process.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	// Program is how the program was called, for lines that can be copied; empty: "inlay".
	Program string
	// Terminal says that Err is a terminal that shows progress.
	Terminal bool
	// Signals sends what asks the program to stop; nil: the process's SIGINT and SIGTERM.
	Signals <-chan os.Signal
}

// Process is the IO of this process.
func Process() IO {
	terminal := false
	if st, err := os.Stderr.Stat(); err == nil {
		terminal = st.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	return IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Terminal: terminal, Program: os.Args[0]}
}

func (std IO) program() string {
	if std.Program == "" {
		return "inlay"
	}
	return std.Program
}

// Main runs a command line, without the program's name, and returns the exit code.
func Main(ctx context.Context, args []string, std IO) int {
	started := false
	root := New(std)
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ExitOK
	}
	var quiet *silent
	if !errors.As(err, &quiet) {
		fmt.Fprintln(std.Err, complaint(err))
	}
	if !started {
		// Neither flags nor arguments were understood.
		fmt.Fprintf(std.Err, "Try: %s --help\n", cmd.CommandPath())
		return ExitUsage
	}
	return exitCode(err)
}

// New returns the root command.
func New(std IO) *cobra.Command {
	root := &cobra.Command{
		Use:   "inlay",
		Short: "Messages in people's IMAP inboxes, without sending mail",
		Long: `Inlay puts messages into people's IMAP inboxes without sending mail: campaigns, service alerts
and offers that appear in every mail client, can be withdrawn, and end by themselves.

Start with "inlay demo": it needs nothing else, and says what to do next.

Exit codes: 0 done; 1 failed or refused; 2 wrong command line, configuration or input;
3 a server does not answer; 4 the token is missing, wrong or not allowed to.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(std.In)
	root.SetOut(std.Out)
	root.SetErr(std.Err)
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(demoCommand(std), gatewayCommand(std), serveCommand(std), configCommand(std), campaignCommand(std), versionCommand(std))
	return root
}

// silent is an error that was told already, in another way.
type silent struct{ code int }

func (s *silent) Error() string { return fmt.Sprintf("exit code %d", s.code) }

// complaint is what is printed about an error.
func complaint(err error) string {
	text := err.Error()
	if f := (*fault.Error)(nil); errors.As(err, &f) && err == error(f) && f.Kind != fault.Internal { //nolint:errorlint // only when nothing was said around it
		text = f.Public
	}
	if strings.Contains(text, "\n") {
		return text
	}
	return "inlay: " + text
}

func exitCode(err error) int {
	var s *silent
	if errors.As(err, &s) {
		return s.code
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.TooLarge:
		return ExitUsage
	case fault.Unavailable:
		return ExitUnavailable
	case fault.Unauthenticated, fault.Denied:
		return ExitDenied
	case fault.Internal, fault.NotFound, fault.Conflict, fault.Unsupported:
	}
	return ExitFailed
}

// untilSignal returns a context that ends with the first signal; the second calls abort.
// stop gives the signals back.
func untilSignal(ctx context.Context, std IO, abort func()) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := std.Signals
	release := func() {}
	if signals == nil {
		ch := make(chan os.Signal, 2)
		signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
		signals, release = ch, func() { signal.Stop(ch) }
	}
	done := make(chan struct{})
	go func() {
		for stopping := false; ; stopping = true {
			select {
			case <-signals:
			case <-done:
				return
			}
			if stopping {
				abort()
			}
			cancel()
		}
	}()
	return ctx, func() { release(); close(done); cancel() }
}
