package cli

import (
	"os"
	"testing"
	"time"

	"inlay.example/inlay/internal/fault"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	base := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"now":                       base,
		"+7d":                       base.Add(7 * 24 * time.Hour),
		"+2h":                       base.Add(2 * time.Hour),
		"+1d12h30m":                 base.Add(36*time.Hour + 30*time.Minute),
		"+0d":                       base,
		"2026-12-24T18:00:00+01:00": time.Date(2026, 12, 24, 17, 0, 0, 0, time.UTC),
	} {
		if got, err := parseTime("--end", in, base); err != nil || !got.Equal(want) {
			t.Errorf("%s: %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "+", "+d", "7d", "+7", "+-2h", "+7d-2h", "-2h", "+1.5d", "+99999999999d", "+10001d", "+9999999h", "tomorrow", "2026-12-24", "+7d ", "+2h+2h",
	} {
		if got, err := parseTime("--end", in, base); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %s, %v; want Invalid", in, got, err)
		}
	}
}

func TestShellQuotes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "''", "anna@demo.example:inlay": "anna@demo.example:inlay", "imap://h:1/INBOX;MAILINDEX=13": "'imap://h:1/INBOX;MAILINDEX=13'",
		"it's": `'it'\''s'`, "$x `y`": "'$x `y`'",
	} {
		if got := shell(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestDialable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"[::]:8480": "127.0.0.1:8480", "0.0.0.0:143": "127.0.0.1:143", "[::1]:143": "[::1]:143", "10.0.0.1:1": "10.0.0.1:1",
	} {
		if got := dialable(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// The first signal ends the context, the second aborts, and giving up waits for neither.
func TestTheSecondSignalAborts(t *testing.T) {
	t.Parallel()
	signals := make(chan os.Signal, 2)
	aborted := make(chan struct{})
	ctx, stop := untilSignal(t.Context(), IO{Signals: signals}, func() { close(aborted) })
	defer stop()
	signals <- os.Interrupt
	<-ctx.Done()
	select {
	case <-aborted:
		t.Fatal("the first signal aborts")
	default:
	}
	signals <- os.Interrupt
	<-aborted
}
