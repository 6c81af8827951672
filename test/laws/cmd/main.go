// Command cmd looks for differences between injected and delivered messages; see package laws.
// It prints one line per law and exits with 1 if there was a difference.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"inlay.example/inlay/internal/peertest"
	"inlay.example/inlay/test/laws"
)

func main() {
	cfg := laws.Config{Progress: os.Stderr}
	backend, replay, law := "", "", ""
	flag.Uint64Var(&cfg.Seed, "seed", 0, "what the dialogues are made from; 0 takes a new one")
	flag.IntVar(&cfg.Commands, "commands", 20_000, "commands of each law")
	flag.IntVar(&cfg.Sessions, "sessions", 0, "sessions of one person; 0 is one to three")
	flag.StringVar(&backend, "backend", "dovecot", "dovecot or cyrus")
	flag.IntVar(&cfg.Parallel, "parallel", 2*runtime.NumCPU(), "dialogues at the same time")
	flag.StringVar(&cfg.Found, "found", "found", "folder for differences")
	flag.IntVar(&cfg.Most, "most", 20, "differences after which to end; 0 goes on")
	flag.StringVar(&law, "law", "", "only delivery, or only erasure")
	flag.StringVar(&replay, "replay", "", "play this file instead")
	verbose := flag.Bool("v", false, "with -replay: print everything that is said")
	flag.Parse()
	cfg.Backend = peertest.Backend(backend)
	if cfg.Seed == 0 {
		cfg.Seed = uint64(time.Now().UnixNano())
	}
	if law != "" {
		cfg.Laws = []laws.Law{laws.Law(law)}
	}
	// What is written is thrown away soon: memory is quicker than a disk.
	if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() && os.Getenv("TMPDIR") == "" {
		_ = os.Setenv("TMPDIR", "/dev/shm")
	}
	var code int
	if replay != "" {
		code = again(cfg.Backend, replay, *verbose)
	} else {
		code = run(cfg)
	}
	os.Exit(code)
}

func run(cfg laws.Config) (code int) {
	fmt.Fprintf(os.Stderr, "seed %d, backend %s\n", cfg.Seed, cfg.Backend)
	ok := laws.Within(nil, func(t testing.TB) {
		for _, r := range laws.Run(t, cfg) {
			fmt.Println(r)
			if r.Differences > 0 {
				code = 1
			}
		}
	})
	if !ok {
		return 1
	}
	return code
}

// again plays one file.
func again(backend peertest.Backend, file string, verbose bool) (code int) {
	f, err := os.Open(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer f.Close()
	d, err := laws.Read(f)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", file, err)
		return 2
	}
	ok := laws.Within(nil, func(t testing.TB) {
		var trace io.Writer
		if verbose {
			trace = os.Stdout
		}
		found, err := laws.PlayOnce(t, backend, d, trace)
		if err != nil {
			t.Fatal(err)
		}
		if found != nil {
			fmt.Print(laws.Report(d, found))
			t.Error(errors.New("a difference"))
			return
		}
		fmt.Printf("%s: no difference in %d steps\n", d.Law, len(d.Steps))
	})
	if !ok {
		return 1
	}
	return 0
}
