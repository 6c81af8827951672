package laws

import (
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"inlay.example/inlay/internal/peertest"
)

// Config of a run.
type Config struct {
	Seed     uint64
	Commands int // of each law, at least
	Sessions int // of one person; 0 is one to three, by chance
	Backend  peertest.Backend
	Parallel int       // dialogues at the same time
	Found    string    // folder for differences; empty writes none
	Most     int       // differences after which the run ends
	Progress io.Writer // a line now and then; nil is none
	Laws     []Law     // nil is all
}

// Result of one law.
type Result struct {
	Law         Law
	Commands    int
	Dialogues   int
	Differences int
	Files       []string // of the differences, shrunk
}

// String is the line that is printed.
func (r Result) String() string {
	return fmt.Sprintf("%s: %d commands, %d differences", r.Law, r.Commands, r.Differences)
}

const (
	commandsPerDialogue = 160
	dialoguesPerBench   = 40 // then everything is started anew, and its disk given back
)

// Run makes up and plays dialogues until each law has had its commands. t starts the peers.
func Run(t testing.TB, cfg Config) []Result {
	t.Helper()
	laws := cfg.Laws
	if laws == nil {
		laws = []Law{Delivery, Erasure}
	}
	var out []Result
	for _, law := range laws {
		r := &run{t: t, cfg: cfg, law: law, result: Result{Law: law}, began: time.Now()}
		r.all()
		out = append(out, r.result)
	}
	return out
}

// run is one law's.
type run struct {
	t     testing.TB
	cfg   Config
	law   Law
	began time.Time

	mu     sync.Mutex
	next   int    // dialogue; guarded by mu
	result Result // guarded by mu
	said   time.Time
	stop   bool
}

func (r *run) all() {
	var wg sync.WaitGroup
	for range max(1, r.cfg.Parallel) {
		wg.Go(r.work)
	}
	wg.Wait()
}

// SeedOf is the seed of the nth dialogue of a run: nothing but the run's own goes into it.
func seedOf(seed uint64, law Law, n int) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", law, n)
	return rand.NewPCG(seed, h.Sum64()).Uint64()
}

// work plays dialogues until there are enough.
func (r *run) work() {
	for !r.enough() {
		Within(r.t, func(t testing.TB) {
			b := newBench(t, r.cfg.Backend, slog.New(slog.DiscardHandler))
			for range dialoguesPerBench {
				n, ok := r.take()
				if !ok {
					return
				}
				r.dialogue(b, seedOf(r.cfg.Seed, r.law, n))
			}
		})
	}
}

func (r *run) enough() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stop || r.next*commandsPerDialogue >= r.cfg.Commands
}

func (r *run) take() (int, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop || r.next*commandsPerDialogue >= r.cfg.Commands {
		return 0, false
	}
	r.next++
	return r.next, true
}

func (r *run) sessions(seed uint64) int {
	if r.cfg.Sessions > 0 {
		return r.cfg.Sessions
	}
	return 1 + int(seed/7%3)
}

func (r *run) dialogue(b *bench, seed uint64) {
	d, found, played, err := generate(b, r.law, seed, r.sessions(seed), commandsPerDialogue)
	if err != nil {
		r.t.Errorf("%s, dialogue of seed %d: %v", r.law, seed, err)
		r.mu.Lock()
		r.stop = true
		r.mu.Unlock()
		return
	}
	r.mu.Lock()
	r.result.Dialogues++
	r.result.Commands += played
	if found != nil {
		r.result.Differences++
		r.stop = r.stop || r.cfg.Most > 0 && r.result.Differences >= r.cfg.Most
	}
	if r.cfg.Progress != nil && time.Since(r.said) > 5*time.Second {
		r.said = time.Now()
		fmt.Fprintf(r.cfg.Progress, "%s (%.0f commands/s)\n", r.result, float64(r.result.Commands)/time.Since(r.began).Seconds())
	}
	r.mu.Unlock()
	if found != nil {
		r.write(b, d, found)
	}
}

// write shrinks a difference and writes it, as a dialogue that can be played again.
func (r *run) write(b *bench, d *Dialogue, found *Found) {
	d, found = shrink(d, found, 300, func(d *Dialogue) *Found {
		f, _, err := play(b, d, nil)
		if err != nil || f == nil || kindOf(f) != kindOf(found) {
			return nil // another difference is another's business
		}
		return f
	})
	if r.cfg.Found == "" {
		r.t.Errorf("a difference:\n%s", Report(d, found))
		return
	}
	name := filepath.Join(r.cfg.Found, fmt.Sprintf("%s-%s-%d.txt", r.cfg.Backend, r.law, d.Seed))
	err := os.MkdirAll(r.cfg.Found, 0o755)
	if err == nil {
		err = os.WriteFile(name, []byte(Report(d, found)), 0o644)
	}
	if err != nil {
		r.t.Errorf("writing a difference: %v", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Files = append(r.result.Files, name)
	if r.cfg.Progress != nil {
		fmt.Fprintf(r.cfg.Progress, "%s: a difference, again by: go run ./test/laws/cmd -backend %s -replay %s\n", r.law, r.cfg.Backend, name)
	}
}

// kindOf is what was asked where a difference was found: while it is made shorter it should not
// become another one.
func kindOf(f *Found) string {
	name, _, _ := verb(f.Text)
	return name
}

// Report is a difference as text: the dialogue, and as comments what was told.
func Report(d *Dialogue, f *Found) string {
	var b strings.Builder
	_ = d.Write(&b) // to memory
	comment := func(title string, lines []string) {
		fmt.Fprintf(&b, "#\n# %s\n", title)
		for _, l := range lines {
			for _, part := range strings.Split(strings.ReplaceAll(l, "\r\n", "␍␊"), "\n") {
				fmt.Fprintf(&b, "#   %s\n", part)
			}
		}
	}
	comment("asked", []string{f.Text})
	comment("compared: - is the bare server's alone, + the gateway's", compared(f.Want, f.Got))
	comment("as it came, from the bare server", strings.SplitAfter(strings.TrimSuffix(f.Raw[bare], "\r\n"), "\r\n"))
	comment("and through the gateway", strings.SplitAfter(strings.TrimSuffix(f.Raw[gateway], "\r\n"), "\r\n"))
	return b.String()
}

// PlayOnce plays a dialogue on peers of its own. trace, if not nil, is told everything that is
// said; off names declared differences that are to count.
func PlayOnce(t testing.TB, backend peertest.Backend, d *Dialogue, trace io.Writer, off ...string) (*Found, error) {
	t.Helper()
	found, _, err := play(newBench(t, backend, slog.New(slog.DiscardHandler)), d, trace, off...)
	return found, err
}

// compared lists lines of both sides: those that both have, then each one's own, in order.
func compared(want, got []string) []string {
	var out []string
	left := slices.Clone(got)
	for _, l := range want {
		if i := slices.Index(left, l); i >= 0 {
			left = slices.Delete(left, i, i+1)
			out = append(out, "  "+l)
			continue
		}
		out = append(out, "- "+l)
	}
	for _, l := range left {
		out = append(out, "+ "+l)
	}
	if len(left) == 0 && len(want) == len(got) {
		out = append(out, "The order is another one: through the gateway it is")
		out = append(out, got...)
	}
	return out
}
