package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"inlay.example/inlay/internal/peertest"
)

// results are samples by measurement and target.
type results map[string]map[string][]time.Duration

func (r results) add(name, target string, d time.Duration) {
	if r[name] == nil {
		r[name] = map[string][]time.Duration{}
	}
	r[name][target] = append(r[name][target], d)
}

// quantile of samples, by nearest rank.
func quantile(samples []time.Duration, q float64) time.Duration {
	s := slices.Sorted(slices.Values(samples))
	return s[min(len(s)-1, int(q*float64(len(s))))]
}

// The sign of a write that waits for the ACK of one before it: the kernel delays that by
// 40 ms. A command is in the band when a tenth of its samples are.
const bandFrom, bandTo = 35 * time.Millisecond, 50 * time.Millisecond

func inBand(samples []time.Duration) bool {
	n := 0
	for _, s := range samples {
		if s >= bandFrom && s <= bandTo {
			n++
		}
	}
	return n*10 >= len(samples)
}

func report(b *testing.B, machine string, started time.Time, targets []target, res results, mem []footprint) {
	b.Helper()
	var w strings.Builder
	fmt.Fprintf(&w, "\n%s\nRun at %s, %s long, %d rounds.\n\n", machine, started.UTC().Format("2006-01-02 15:04 MST"),
		time.Since(started).Round(time.Second), *rounds)

	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.name
	}
	row := func(cells ...string) { fmt.Fprintf(&w, "| %s |\n", strings.Join(cells, " | ")) }
	header := func(cells ...string) {
		row(cells...)
		row(slices.Repeat([]string{"---"}, len(cells))...)
	}
	// Every cell has its ratio to the same measurement without a proxy.
	timed := func(label, name string, q float64) {
		cells := []string{label}
		for _, t := range names {
			v := quantile(res[name][t], q)
			base := quantile(res[name][names[0]], q)
			cell := micros(v)
			if t != names[0] {
				cell += fmt.Sprintf(" (×%.2f)", float64(v)/float64(base))
			}
			cells = append(cells, cell)
		}
		row(cells...)
	}

	header(append([]string{"µs"}, names...)...)
	timed("NOOP, p50", noop, 0.5)
	timed("NOOP, p99", noop, 0.99)
	timed("connect, LOGIN, LOGOUT, p50", connection, 0.5)
	timed("connect, LOGIN, LOGOUT, p99", connection, 0.99)
	timed("FETCH of 1 MiB, p50", fetch, 0.5)
	cells := []string{"the same in MiB/s"}
	for _, t := range names {
		cells = append(cells, fmt.Sprintf("%.0f", 1/quantile(res[fetch][t], 0.5).Seconds()))
	}
	row(cells...)
	w.WriteString("\n")

	header("memory (PSS), KiB", "the proxy alone", "per idle session", "per session after a FETCH of 1 MiB in each")
	for _, m := range mem {
		row(m.target, kib(m.alone), kib(m.idle), kib(m.fetched))
	}
	w.WriteString("\n")

	header(append([]string{"each command, p50 µs"}, names...)...)
	all := slices.Clone(walk)
	all = append(all, waysIn("")...)
	for _, c := range all {
		timed(c.name, c.name, 0.5)
	}
	w.WriteString("\n")

	var band []string
	for name, by := range res {
		for _, t := range names {
			if inBand(by[t]) {
				band = append(band, fmt.Sprintf("%s through %s (p50 %s µs)", name, t, micros(quantile(by[t], 0.5))))
			}
		}
	}
	slices.Sort(band)
	if band == nil {
		band = []string{"none"}
	}
	fmt.Fprintf(&w, "Commands of which a tenth or more took %s to %s: %s.\n", bandFrom, bandTo, strings.Join(band, "; "))
	fmt.Print(w.String())
}

func micros(d time.Duration) string { return fmt.Sprintf("%.0f", float64(d)/float64(time.Microsecond)) }

func kib(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1024) }

// describe says on what this was measured, and how busy that was.
func describe(b *testing.B, inlay string) string {
	b.Helper()
	first := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			return err.Error()
		}
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return line
	}
	file := func(path, key string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			return err.Error()
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, key); ok {
				return strings.Trim(rest, " \t:\n")
			}
		}
		return ""
	}
	return fmt.Sprintf("%d cores (%s), Linux %s, load before %s.\n%s; Dovecot %s; %s; %s; inlay built with %s.",
		runtime.NumCPU(), file("/proc/cpuinfo", "model name"), file("/proc/sys/kernel/osrelease", ""), file("/proc/loadavg", ""),
		first(inlay, "version"), first(peertest.Need(b, "dovecot", "dovecot-imapd"), "--version"),
		first(peertest.Need(b, "nginx", "nginx"), "-v"), first(peertest.Need(b, "haproxy", "haproxy"), "-v"), runtime.Version())
}
